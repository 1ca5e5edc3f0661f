"""Models of Keras as people write them, and the shapes that follow from their layers."""

from __future__ import annotations

from reading import assert_shapes


def test_functional_model() -> None:
    assert_shapes("""
        from tensorflow import keras
        from tensorflow.keras import layers

        inputs = keras.Input(shape=(28, 28, 1))  # [B, 28, 28, 1]
        x = layers.Conv2D(32, 3, activation="relu")(inputs)  # [B, 26, 26, 32]
        x = layers.MaxPooling2D()(x)  # [B, 13, 13, 32]
        x = layers.Flatten()(x)  # [B, 5408]
        outputs = layers.Dense(10, activation="softmax")(x)  # [B, 10]
        model = keras.Model(inputs, outputs)
        images = keras.ops.zeros((4, 28, 28, 1))
        scores = model(images)  # [4, 10]
        rows = model.predict(images)  # [4, 10]
        again = model.output  # [B, 10]
    """)


def test_open_sizes_of_an_input() -> None:
    assert_shapes("""
        import keras

        inputs = keras.Input((None, None, 3))  # [B, H, W, 3]
        x = keras.layers.Conv2D(8, 3, strides=2, padding="same")(inputs)  # [B, (H + 1)//2, (W + 1)//2, 8]
        model = keras.Model(inputs, keras.layers.GlobalAveragePooling2D()(x))
        features = keras.Model(inputs=inputs, outputs=x)
        pooled = model(keras.ops.zeros((2, 32, 32, 3)))  # [2, 8]
        maps = features(keras.ops.zeros((2, 32, 64, 3)))  # [2, 16, 32, 8]
    """)


def test_sequential_with_the_shape_on_its_first_layer() -> None:
    assert_shapes("""
        from keras.layers import Conv2D, Dense, Dropout, Flatten, MaxPooling2D
        from keras.models import Sequential

        model = Sequential()
        model.add(Conv2D(32, kernel_size=(3, 3), input_shape=(28, 28, 1)))  # [B, 26, 26, 32]
        model.add(MaxPooling2D(pool_size=(2, 2)))  # [B, 13, 13, 32]
        for _ in range(2):
            model.add(Conv2D(64, 3, padding="same"))  # [B, 13, 13, 64]
        model.add(Flatten())  # [B, 10816]
        model.add(Dense(10))  # [B, 10]
        out = model.output  # [B, 10]
    """)


def test_sequential_of_a_list() -> None:
    assert_shapes("""
        from tensorflow import keras

        model = keras.Sequential([
            keras.Input(shape=(16,)),
            keras.layers.Dense(64),  # [B, 64]
            keras.layers.RepeatVector(5),  # [B, 5, 64]
            keras.layers.LSTM(7, return_sequences=True),  # [B, 5, 7]
            keras.layers.TimeDistributed(keras.layers.Dense(3)),  # [B, 5, 3]
        ])
        y = model(keras.ops.zeros((8, 16)))  # [8, 5, 3]
    """)


def test_sequential_without_a_shape_is_built_when_it_is_called() -> None:
    assert_shapes("""
        import numpy as np
        from tensorflow import keras

        model = keras.Sequential([
            keras.layers.Flatten(),  # [B, 784]
            keras.layers.Dense(10),  # [B, 10]
        ])
        images = np.zeros((100, 28, 28))
        model.fit(images, np.zeros((100,)))
        scores = model.predict(images)  # [100, 10]
    """)


def test_first_layers_declare_their_input() -> None:
    assert_shapes("""
        from keras import Sequential, layers

        a = Sequential([layers.Dense(4, input_dim=3)]).output  # [B, 4]
        b = Sequential([layers.LSTM(4, batch_input_shape=(None, 10, 2))]).output  # [B, 4]
        c = Sequential([layers.Embedding(100, 8, input_length=20)]).output  # [B, 20, 8]
        d = Sequential([layers.Bidirectional(layers.GRU(4), input_shape=(10, 2))]).output  # [B, 8]
        e = Sequential([layers.InputLayer(input_shape=(5,)), layers.Dense(2)]).output  # [B, 2]
    """)


def test_a_fixed_batch_of_an_input() -> None:
    assert_shapes("""
        import keras

        batch_size = 32
        a = keras.Input(shape=(8,), batch_size=batch_size)  # [batch_size, 8]
        b = keras.Input(batch_shape=(batch_size, 10, 8))  # [batch_size, 10, 8]
        c = keras.layers.LSTM(4, stateful=True)(b)  # [batch_size, 4]
    """)


def test_two_inputs_and_two_outputs() -> None:
    assert_shapes("""
        import keras
        from keras import layers

        left = keras.Input((4,))
        right = keras.Input((6,))
        both = layers.concatenate([left, right])  # [B, 10]
        added = layers.add([layers.Dense(6)(left), right])  # [B, 6]
        model = keras.Model([left, right], [both, added])
        one, two = model([keras.ops.zeros((3, 4)), keras.ops.zeros((3, 6))])
        first = one * 1  # [3, 10]
        second = two * 1  # [3, 6]
    """)


def test_a_model_within_a_model() -> None:
    assert_shapes("""
        import keras
        from keras import layers

        def encoder():
            x = keras.Input((32, 32, 3))
            y = layers.GlobalMaxPooling2D()(layers.Conv2D(16, 3)(x))
            return keras.Model(x, y)

        inputs = keras.Input((7, 32, 32, 3))
        steps = layers.TimeDistributed(encoder())(inputs)  # [B, 7, 16]
        last = layers.LSTM(5)(steps)  # [B, 5]
    """)


def test_a_lambda_layer_is_its_function() -> None:
    assert_shapes("""
        import keras
        from keras import backend as K
        from keras import layers

        def sample(arguments):
            mean, deviation = arguments
            noise = K.random_normal(shape=(K.shape(mean)[0], K.int_shape(mean)[1]))
            return mean + deviation * noise

        x = keras.Input((20,))
        mean, deviation = layers.Dense(2)(x), layers.Dense(2)(x)
        z = layers.Lambda(sample)([mean, deviation])  # [B, 2]
    """)


def test_an_optional_layer_leaves_the_rest_known() -> None:
    assert_shapes("""
        import keras
        from keras import layers

        def build(wide):
            model = keras.Sequential()
            model.add(layers.Dense(8, input_shape=(4,)))
            if wide:
                model.add(layers.Dropout(0.5))
            model.add(layers.Dense(3))
            return model.output  # [B, 3]
    """)


def test_an_unknown_layer_keeps_the_rows() -> None:
    assert_shapes("""
        import keras

        x = keras.Input((20,))
        y = keras.layers.SomethingNew(4)(x)  # [B, ...]
        z = keras.layers.Flatten()(y)  # [B, ?]
    """)
