"""What is given to ``fit``, stacked, or cut by index: near misses side by side with hazards."""

from __future__ import annotations

import pytest

from reading import flagged

FIT = """
import numpy as np
import tensorflow as tf
from tensorflow import keras
from torch.utils.data import DataLoader

def batches():
    while True:
        yield np.zeros((8, 2)), np.zeros(8)

class Rows(keras.utils.Sequence):
    def __init__(self, size):
        self.batch_size = size
    def __getitem__(self, index):
        return self.read(index, self.batch_size)

class Columns(Rows):
    pass

class Own:
    def fit(self, data, batch_size):
        return data

def train(model, x, y, size):
    {made}
    {call}
"""


@pytest.mark.parametrize(
    ("made", "call", "reported"),
    [
        ("data = tf.data.Dataset.from_tensor_slices((x, y)).batch(8)", "model.fit(data, batch_size=16)", True),
        ("data = tf.data.Dataset.from_tensor_slices((x, y)).batch(8)", "model.fit(x=data, batch_size=16)", True),
        ("data = tf.data.Dataset.from_tensor_slices((x, y))", "model.fit(data, batch_size=16)", True),
        ("data = batches()", "model.fit(data, batch_size=16, steps_per_epoch=4)", True),
        ("data = Rows(8)", "model.evaluate(data, batch_size=16)", True),
        ("data = Columns(8)", "model.predict(data, batch_size=16)", True),
        ("data = DataLoader(x, batch_size=8)", "model.predict(data, batch_size=16)", True),
        (
            "data = keras.preprocessing.image.ImageDataGenerator().flow(x, y, batch_size=8)",
            "model.fit(data, batch_size=16)",
            True,
        ),
        ("dataset = np.array(x)", "model.fit(dataset, y, batch_size=16)", False),
        ("dataset = x", "model.fit(dataset, y, batch_size=16)", False),
        ("data = tf.data.Dataset.from_tensor_slices((x, y)).batch(8)", "model.fit(data)", False),
        ("data = tf.data.Dataset.from_tensor_slices((x, y)).batch(8)", "model.fit(data, batch_size=None)", False),
        ("data = tf.data.Dataset.from_tensor_slices((x, y)).batch(8)", "Own().fit(data, batch_size=16)", False),
        ("data = list(range(8))", "model.fit(data, batch_size=16)", False),
        ("data = [row for row in x]", "model.fit(data, batch_size=16)", False),
        ("x_train, x_test = x[:9], x[9:]", "model.fit(x_train, validation_data=x_test, batch_size=16)", False),
    ],
)
def test_a_batch_size_beside_what_makes_batches(made: str, call: str, reported: bool) -> None:
    assert flagged(FIT.format(made=made, call=call), "BSZ601") == ([call] if reported else [])


STACK = """
import numpy as np
import tensorflow as tf
import torch
from torch.utils.data import DataLoader

words = [[1, 2, 3], [4, 5], [6]]
table = [[1, 2], [3, 4]]

def together(more, size):
    {before}
    return {call}
"""


@pytest.mark.parametrize(
    ("before", "call", "reported"),
    [
        ("pass", "np.array(words)", True),
        ("pass", "np.asarray([[1, 2], [3]])", True),
        ("pass", "tf.constant(words)", True),
        ("pass", "tf.data.Dataset.from_tensor_slices(words)", True),
        ("pass", "torch.tensor(words)", True),
        ("pass", "np.stack([np.array([1, 2]), np.array([3])])", True),
        ("rows = [torch.zeros(3), torch.zeros(4)]", "torch.stack(rows)", True),
        ("pass", "DataLoader(words, batch_size=2)", True),
        ("pass", "tf.data.Dataset.from_tensor_slices((words, [1, 0, 1]))", True),
        ("pass", "tf.data.Dataset.from_tensor_slices((table, [1, 0]))", False),
        ("pass", "np.vstack([np.zeros((3, 2)), np.zeros((4, 2))])", False),
        ("pass", "np.array(table)", False),
        ("pass", "np.array(words, dtype=object)", False),
        ("pass", "np.array(words, object)", False),
        ("pass", "tf.ragged.constant(words)", False),
        ("pass", "DataLoader(words)", False),
        ("pass", "DataLoader(words, batch_size=2, collate_fn=more)", False),
        ("words.append(more)", "np.array(words)", False),
        ("rows = [row + [0] * (3 - len(row)) for row in words]", "np.array(rows)", False),
        ("for row in words:\n        row.extend([0] * (3 - len(row)))", "np.array(words)", False),
        ("pad_all(words)", "np.array(words)", False),
        ("pass", "np.array([[1, 2], more])", False),
        ("pass", "np.array([1, 2, 3])", False),
        ("rows = more(words)", "np.array(rows)", False),
        ("rows = [torch.zeros(3), torch.zeros(size)]", "torch.stack(rows)", False),
    ],
)
def test_sequences_of_different_lengths_in_one_array(before: str, call: str, reported: bool) -> None:
    found = flagged(STACK.format(before=before, call=call), "BSZ602")
    assert found == ([f"return {call}"] if reported else [])


SEQUENCE = """
import math
import numpy as np
from tensorflow import keras

class Images(keras.utils.{base}):
    def __init__(self, images, batch_size):
        self.images, self.batch_size = images, batch_size

    def __len__(self):
        return {length}

    def __getitem__(self, index):
        images = self.images[index * self.batch_size:(index + 1) * self.batch_size]
        batch = np.zeros(({rows}, 8))
        for i, image in enumerate(images):
            batch[i] = image
        return {given}
"""
CEILING = "math.ceil(len(self.images) / self.batch_size)"


@pytest.mark.parametrize(
    ("base", "length", "rows", "given", "reported"),
    [
        ("Sequence", CEILING, "self.batch_size", "batch", True),
        ("PyDataset", "int(np.ceil(len(self.images) / float(self.batch_size)))", "self.batch_size", "batch", True),
        ("PyDataset", "-(-len(self.images) // self.batch_size)", "self.batch_size", "batch, index", True),
        (
            "PyDataset",
            "(len(self.images) + self.batch_size - 1) // self.batch_size",
            "self.batch_size",
            "batch / 255",
            True,
        ),
        ("PyDataset", "len(self.images) // self.batch_size", "self.batch_size", "batch", False),
        ("PyDataset", CEILING, "len(images)", "batch", False),
        ("PyDataset", CEILING, "self.batch_size", "batch[:len(images)]", False),
        ("OrderedEnqueuer", CEILING, "self.batch_size", "batch", False),
    ],
)
def test_rows_that_nobody_wrote(base: str, length: str, rows: str, given: str, reported: bool) -> None:
    found = flagged(SEQUENCE.format(base=base, length=length, rows=rows, given=given), "BSZ208")
    assert bool(found) is reported


PIPELINE = """
import tensorflow as tf

def {function}(test_values, train_values, values, size):
    {made}
    return data
"""


@pytest.mark.parametrize(
    ("function", "made", "reported"),
    [
        ("load", "data = tf.data.Dataset.from_tensor_slices(test_values).batch(size, drop_remainder=True)", True),
        ("load", "data = test_values.batch(size, drop_remainder=True)", True),
        ("evaluate", "data = values.batch(size, drop_remainder=True)", True),
        ("load", "data = tf.data.Dataset.from_tensor_slices(values).batch(size, drop_remainder=True)", False),
        (
            "load",
            "data = tf.data.Dataset.from_tensor_slices(test_values).repeat().batch(size, drop_remainder=True)",
            False,
        ),
        ("load", "data = train_values.batch(size, drop_remainder=True)", False),
        ("evaluate", "data = train_values.batch(size, drop_remainder=True)", False),
        ("load", "data = test_values.batch(1, drop_remainder=True)", False),
        ("load", "data = test_values.batch(size, drop_remainder=False)", False),
        ("load", "tf.distribute.TPUStrategy(); data = test_values.batch(size, drop_remainder=True)", False),
        ("export", "data = tf.data.Dataset.from_tensor_slices(test_values).batch(size, drop_remainder=True)", False),
    ],
)
def test_an_evaluation_that_drops_rows(function: str, made: str, reported: bool) -> None:
    assert bool(flagged(PIPELINE.format(function=function, made=made), "BSZ306")) is reported


SKIPPING = """
import tensorflow as tf

def train(step, dataset, count, batch_size):
    for i in range(count // batch_size):
        {body}
"""


@pytest.mark.parametrize(
    ("body", "reported"),
    [
        ("step(dataset.skip(i * batch_size).take(batch_size))", True),
        ("part = dataset.skip(batch_size).take(batch_size)", False),
        ("rest = dataset.skip(i)", False),
        ("fold = dataset.skip(i * fold_size).take(fold_size)", False),
        ("dataset = dataset.skip(i * batch_size).take(batch_size)", False),
    ],
)
def test_a_pipeline_that_is_skipped_through_for_each_batch(body: str, reported: bool) -> None:
    assert flagged(SKIPPING.format(body=body), "BSZ303") == ([body] if reported else [])


STEPS = """
import math
from tensorflow import keras

def predict(model, rows, batch_size, read):
    return {call}
"""


@pytest.mark.parametrize(
    ("call", "reported"),
    [
        ("model.predict(read(rows), steps=len(rows) // batch_size)", True),
        ("model.evaluate_generator(read(rows), steps=len(rows) // batch_size)", True),
        ("model.predict(read(rows), steps=math.ceil(len(rows) / batch_size))", False),
        ("model.predict(read(rows), steps=len(rows) // batch_size + 1)", False),
        ("model.fit(read(rows), steps_per_epoch=len(rows) // batch_size)", False),
    ],
)
def test_steps_that_stop_before_the_last_rows(call: str, reported: bool) -> None:
    assert flagged(STEPS.format(call=call), "BSZ302") == ([f"return {call}"] if reported else [])
