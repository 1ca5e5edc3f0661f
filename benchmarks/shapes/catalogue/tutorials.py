"""Small models of tutorials and examples, many of them recurrent."""

from __future__ import annotations

from benchmarks.shapes.catalogue.model import Collection, Model, of

_DIGITS = "torch.randn(4, 1, 28, 28)"
_FAKE = ("--dataset", "fake", "--manualSeed", "1")

COLLECTIONS = (
    Collection(
        "pytorch/examples",
        (
            Model("dcgan/main.py", "Generator(1)", "torch.randn(2, 100, 1, 1)", _FAKE),
            Model("dcgan/main.py", "Discriminator(1)", "torch.randn(2, 3, 64, 64)", _FAKE),
            Model("distributed/FSDP2/model.py", "Transformer(ModelArgs())", "torch.randint(0, 8, (2, 16))"),
            Model("distributed/ddp/example.py", "ToyModel()", "torch.randn(20, 10)"),
            Model(
                "distributed/minGPT-ddp/mingpt/model.py",
                "GPT(GPTConfig(model_type=None, n_layer=2, n_head=2, n_embd=32, vocab_size=50, block_size=16))",
                "torch.randint(0, 50, (2, 12)), torch.randint(0, 50, (2, 12))",
            ),
            Model(
                "distributed/tensor_parallelism/llama2_model.py",
                "Transformer(ModelArgs(dim=64, n_layers=2, n_heads=4, vocab_size=100, max_seq_len=32))",
                "torch.randint(0, 100, (2, 16))",
            ),
            Model("fast_neural_style/neural_style/transformer_net.py", "TransformerNet()", "torch.randn(1, 3, 64, 48)"),
            Model("fx/custom_tracer.py", "M1()", "torch.randn(3, 4)"),
            Model("gat/main.py", "GAT(33, 8, 4, 7)", "torch.randn(20, 33), torch.ones(20, 20)"),
            Model("gcn/main.py", "GCN(33, 16, 7)", "torch.randn(20, 33), torch.ones(20, 20).to_sparse()"),
            Model(
                "language_translation/src/model.py",
                "Translator(2, 2, 32, 4, 50, 60, 64, 0.1)",
                "torch.randint(0, 50, (7, 2)), torch.randint(0, 60, (5, 2)), torch.zeros(7, 7), torch.zeros(5, 5), "
                "torch.zeros(2, 7), torch.zeros(2, 5), torch.zeros(2, 7)",
            ),
            Model("mnist/main.py", "Net()", _DIGITS),
            Model("mnist_hogwild/main.py", "Net()", _DIGITS),
            Model("mnist_rnn/main.py", "Net()", _DIGITS),
            Model("reinforcement_learning/actor_critic.py", "Policy()", "torch.randn(3, 4)"),
            Model("reinforcement_learning/reinforce.py", "Policy()", "torch.randn(3, 4)"),
            Model("super_resolution/model.py", "Net(3)", "torch.randn(2, 1, 20, 24)"),
            Model(
                "time_sequence_prediction/train.py", "Sequence().double()", "torch.zeros(3, 12, dtype=torch.double), 4"
            ),
            Model("vae/main.py", "VAE()", _DIGITS),
            Model(
                "word_language_model/model.py",
                "RNNModel('LSTM', 50, 16, 16, 2)",
                "torch.randint(0, 50, (6, 3)), (torch.zeros(2, 3, 16), torch.zeros(2, 3, 16))",
            ),
            Model(
                "word_language_model/model.py",
                "RNNModel('GRU', 50, 16, 16, 2)",
                "torch.randint(0, 50, (6, 3)), torch.zeros(2, 3, 16)",
            ),
            Model("word_language_model/model.py", "TransformerModel(50, 16, 2, 32, 2)", "torch.randint(0, 50, (6, 3))"),
        ),
    ),
    Collection(
        "MorvanZhou/PyTorch-Tutorial",
        (
            Model("301_regression.py", "Net(1, 10, 1)", "torch.randn(100, 1)"),
            Model("302_classification.py", "Net(2, 10, 2)", "torch.randn(200, 2)"),
            Model("401_CNN.py", "CNN()", _DIGITS),
            Model("402_RNN_classifier.py", "RNN()", "torch.randn(4, 28, 28)"),
            Model("403_RNN_regressor.py", "RNN()", "torch.randn(1, 10, 1), None"),
            Model("404_autoencoder.py", "AutoEncoder()", "torch.randn(8, 784)"),
            Model("501_why_torch_dynamic_graph.py", "RNN()", "torch.randn(1, 7, 1), None"),
            Model("502_GPU.py", "CNN()", _DIGITS),
            *of("504_batch_normalization.py", "torch.randn(64, 1)", "Net()", "Net(batch_normalization=True)"),
        ),
        folder="tutorial-contents",
    ),
    Collection(
        "yunjey/pytorch-tutorial",
        (
            Model(
                "01-basics/feedforward_neural_network/main.py",
                "NeuralNet(784, 500, 10).to(device)",
                "torch.randn(100, 784)",
            ),
            Model(
                "02-intermediate/bidirectional_recurrent_neural_network/main.py",
                "BiRNN(28, 128, 2, 10)",
                "torch.randn(5, 28, 28)",
            ),
            Model("02-intermediate/convolutional_neural_network/main.py", "ConvNet(10)", _DIGITS),
            Model(
                "02-intermediate/deep_residual_network/main.py",
                "ResNet(ResidualBlock, [2, 2, 2])",
                "torch.randn(2, 3, 32, 32)",
            ),
            Model(
                "02-intermediate/language_model/main.py",
                "RNNLM(100, 128, 1024, 1)",
                "torch.randint(0, 100, (20, 30)), (torch.zeros(1, 20, 1024), torch.zeros(1, 20, 1024))",
            ),
            Model("02-intermediate/recurrent_neural_network/main.py", "RNN(28, 128, 2, 10)", "torch.randn(5, 28, 28)"),
            Model(
                "03-advanced/image_captioning/model.py",
                "DecoderRNN(16, 32, 100, 1)",
                "torch.randn(3, 16), torch.randint(0, 100, (3, 8)), [8, 6, 3]",
            ),
            Model("03-advanced/variational_autoencoder/main.py", "VAE()", "torch.randn(6, 784)"),
            Model("04-utils/tensorboard/main.py", "NeuralNet()", "torch.randn(6, 784)"),
        ),
        folder="tutorials",
    ),
    Collection(
        "patrickloeber/pytorchTutorial",
        (
            Model("17_save_load.py", "Model(n_input_features=6)", "torch.randn(455, 6)"),
            Model("11_softmax_and_crossentropy.py", "NeuralNet1(28 * 28, 5)", "torch.randn(6, 784)"),
            Model("11_softmax_and_crossentropy.py", "NeuralNet2(28 * 28, 5, 3)", "torch.randn(6, 784)"),
            Model("13_feedforward.py", "NeuralNet(784, 500, 10)", "torch.randn(100, 784)"),
            Model("14_cnn.py", "ConvNet()", "torch.randn(4, 3, 32, 32)"),
        ),
    ),
)
