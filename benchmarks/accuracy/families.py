"""Which family of judged code which rule answers for, and which families wait for rules that are not there yet."""

from __future__ import annotations

from typing import NamedTuple


class Family(NamedTuple):
    """One kind of judged code.

    Attributes:
        meaning: what was looked for.
        rules: the codes that answer for it, or will; none where the catalogue has no rule.
    """

    meaning: str
    rules: tuple[str, ...] = ()


FAMILIES = {
    "squeeze_all": Family("bare squeeze drops the batch axis", ("BSZ401",)),
    "fixed_batch_view": Family("fixed batch in a reshape", ("BSZ201",)),
    "fixed_batch_alloc": Family("tensor sized by a fixed batch", ("BSZ202",)),
    "loop_over_batch_size": Family("loop over a fixed batch", ("BSZ205",)),
    "steps_floor": Family("floor division loses the tail", ("BSZ302",)),
    "last_batch_lost": Family("the last batch is lost", ("BSZ302", "BSZ304")),
    "extra_empty_batch": Family("an empty last batch", ("BSZ305",)),
    "eval_drop_last": Family("drop_last in evaluation", ("BSZ306",)),
    "hardcoded_fc_input": Family("hardcoded input of a linear layer", ("BSZ101", "BSZ102", "BSZ103")),
    "view_folds_spatial_into_batch": Family("view(-1, F) folds into the batch", ("BSZ102",)),
    "manual_slice_reshape": Family("slices of a batch, then a fixed reshape", ("BSZ201", "BSZ301")),
    "softmax_axis": Family("softmax over the batch", ("BSZ402",)),
    "fixed_batch_placeholder": Family("fixed batch in an input declaration", ("BSZ204",)),
    "samples_in_input_shape": Family("number of samples in input_shape", ("BSZ104",)),
    "hardcoded_num_samples": Family("number of samples in a reshape", ("BSZ201",)),
    "avg_uneven_batches": Family("mean of unequal batches' means", ("BSZ502",)),
    "mixes_batch": Family("samples mixed by indexing or broadcasting", ("BSZ404",)),
    "batch_first_missing": Family("batch_first missing", ("BSZ404",)),
    "view_for_transpose": Family("view where a transpose is meant", ("BSZ404",)),
    "batchnorm_single": Family("BatchNorm on one value a channel", ("BSZ406",)),
    "loss_broadcast": Family("(B, 1) against (B,) in a loss", ("BSZ407",)),
    "missing_batch_dim": Family("no batch axis", ("BSZ409",)),
    "batch_dim_confused": Family("another axis taken for the batch"),
    "sum_not_mean": Family("a gradient summed over the batch"),
    "A": Family("hardcoded input of a linear layer", ("BSZ101", "BSZ103")),
    "B": Family("batch-named first dimension of a reshape", ("BSZ201",)),
    "Bfold": Family("view(-1, constant)", ("BSZ102",)),
    "C": Family("allocation or expand by batch size", ("BSZ202", "BSZ203")),
    "D": Family("slicing loop", ("BSZ301", "BSZ302", "BSZ303", "BSZ304", "BSZ305")),
    "E": Family("fixed batch in an input declaration", ("BSZ204",)),
    "F": Family("bare squeeze", ("BSZ401",)),
    "G": Family("softmax and its dimension", ("BSZ402",)),
    "GUARD": Family("a last batch padded by repetition"),
    "H": Family("fit(dataset, batch_size=)", ("BSZ601",)),
    "I": Family("averages", ("BSZ501", "BSZ503")),
    "J": Family("static shape[0] in a graph", ("BSZ206",)),
    "K": Family("last step of a padded sequence", ("BSZ405",)),
    "L": Family("drop_last, and loaders without", ("BSZ306",)),
    "M": Family("range(batch_size)", ("BSZ205",)),
    "N": Family("stack in collate", ("BSZ602",)),
    "O": Family("(B, 1) against (B,)", ("BSZ407",)),
    "P": Family("BatchNorm with an undropped tail", ("BSZ406",)),
    "R": Family("hidden state carried over", ("BSZ408",)),
    "-": Family("whole files and hard negatives"),
}
"""By the family of a label; ``-`` where it has none."""

TENSORFLOW_ONLY = frozenset({"BSZ403", "BSZ405"})
"""Rules that today answer for TensorFlow and Keras alone; their other forms are left to later."""

FOLDERS = {
    "StackOverflow/Others-2": "45111293-buggy/dataset.py",
    "Github/UT-1": "models-buggy/autoencoder/autoencoder_models/VariationalAutoencoder.py",
    "Github/Others-10": "facenet-buggy/contributed/export_embeddings.py",
    "Github/UT-9": "DCGAN-tensorflow-buggy/main.py",
    "Github/UT-8": "DCGAN-tensorflow-buggy/model.py",
    "Github/UT-4": "seq2seq-buggy/seq2seq/contrib/rnn_cell.py",
    "Github/IPS-5": "Deep-Learning-TensorFlow-buggy/tf_models/rbm_models/rbm.py",
    "StackOverflow/UT-12": "43285733-buggy/mnist.py",
    "StackOverflow/UT-15": "38447935-buggy/fitting.py",
}
"""Labels whose path is a folder (of ForeverZyh/TensorFlow-Program-Bugs): the file in it that their lines are of."""

PARTS = {
    # Means of means, left to the rule about them.
    ("I", "mrdbourke/pytorch-deep-learning", 325): ("BSZ502",),
    ("I", "bentrevett/pytorch-seq2seq", 298): ("BSZ502",),
    ("I", "huggingface/accelerate", 283): ("BSZ502",),
    # A count of the whole dataset beside a sampler of a part of it.
    ("avg_uneven_batches", "udacity/deep-learning-v2-pytorch", 157): ("BSZ503",),
    # A hidden state that is reused for every batch.
    ("L", "udacity/deep-learning-v2-pytorch", 129): ("BSZ408",),
    # The loader of what is labelled, and counted, where it is used: lines 84 and 87.
    ("L", "yunjey/pytorch-tutorial", 41): (),
}
"""Labels that another rule answers for than the rest of their family, by family, repository and first line."""
