"""``tf.data`` pipelines: what a batch is after each step, compared with what TensorFlow itself says."""

from __future__ import annotations

import ast
from textwrap import dedent
from typing import Any

import pytest

from batchlint.semantics.analysis import shape_annotations
from reading import assert_shapes, flagged

ARRAYS = """
import numpy as np
import tensorflow as tf

x = np.zeros((50, 8, 6), dtype="float32")
y = np.zeros((50,), dtype="int64")
images = tf.data.Dataset.from_tensor_slices(x)


def double(image, label):
    return tf.reshape(image, [-1, 48]), label * 2


def flat(image, label):
    return tf.reshape(image, [48]), label


def sentences():
    yield [1, 2, 3]


"""

PIPELINES = [
    "tf.data.Dataset.from_tensor_slices(x).batch(16)",
    "tf.data.Dataset.from_tensor_slices(x).batch(16, drop_remainder=True)",
    "tf.data.Dataset.from_tensor_slices(x).shuffle(50).repeat().batch(16).prefetch(1)",
    "tf.data.Dataset.from_tensor_slices(x).batch(16).unbatch().batch(4)",
    "tf.data.Dataset.from_tensor_slices(x).batch(10, drop_remainder=True).batch(2)",
    "tf.data.Dataset.from_tensor_slices(x).batch(10).batch(2)",
    "tf.data.Dataset.from_tensor_slices(x).batch(16).map(lambda image: image + 1.0)",
    "tf.data.Dataset.from_tensor_slices(x).batch(16).map(lambda image: image[:, :4])",
    "tf.data.Dataset.from_tensor_slices(x).map(lambda image: tf.transpose(image)).batch(16)",
    "tf.data.Dataset.from_tensor_slices(x).batch(16).rebatch(4)",
    "tf.data.Dataset.from_tensor_slices(x).batch(16).take(2)",
    "tf.data.Dataset.from_tensor_slices(x).batch(16).skip(1).filter(lambda image: True)",
    "tf.data.Dataset.from_tensor_slices(x).padded_batch(16)",
    "tf.data.Dataset.from_tensor_slices(x).window(4).flat_map(lambda part: part.batch(4)).batch(2)",
    "tf.data.Dataset.from_tensors(x).batch(2)",
    "tf.data.Dataset.range(20).batch(3)",
    "tf.data.Dataset.from_generator(sentences, output_signature=tf.TensorSpec([3], tf.int32)).batch(2)",
    "tf.data.Dataset.from_generator(sentences, output_types=tf.int32, output_shapes=[None]).padded_batch(2)",
    "tf.data.Dataset.from_tensor_slices(x).apply(tf.data.experimental.assert_cardinality(50)).batch(16)",
    "tf.data.Dataset.from_tensor_slices(x).interleave(lambda row: tf.data.Dataset.from_tensors(row)).batch(16)",
]
PAIRS = [
    "tf.data.Dataset.from_tensor_slices((x, y)).batch(16).map(double)",
    "tf.data.Dataset.from_tensor_slices((x, y)).map(flat).batch(16).cache()",
    "tf.data.Dataset.zip((tf.data.Dataset.from_tensor_slices(x), tf.data.Dataset.from_tensor_slices(y))).batch(16)",
    "tf.data.Dataset.zip((images.batch(16), tf.data.Dataset.from_tensor_slices(y).batch(16)))",
]


def _sizes(text: str) -> list[int | None] | None:
    """The sizes in ``[B, 8, 6]``: numbers, ``None`` for one that is open; ``None`` where the rank is open."""
    parts = [part.strip() for part in text.strip("[]").split(",") if part.strip()]
    if "..." in parts:
        return None
    return [int(part) if part.isdecimal() else None for part in parts]


def _claimed(lines: list[str], pipeline: str, bound: str) -> str:
    program = ARRAYS + f"for {bound} in {pipeline}:\n" + "".join(f"    {line}\n" for line in lines)
    shapes = shape_annotations(program)
    last = len(program.splitlines())
    return shapes.get(last, "[...]")


def _agrees(claimed: str, spec: Any) -> bool:
    sizes = _sizes(claimed)
    real = spec.shape.as_list()
    if sizes is None:
        return True
    # An open size that is claimed to be a number is a false claim; a number that is not claimed is modesty.
    return len(sizes) == len(real) and all(a is None or a == b for a, b in zip(sizes, real))


@pytest.mark.parametrize("pipeline", PIPELINES)
def test_a_batch_has_the_shape_that_tensorflow_says(pipeline: str) -> None:
    tensorflow = pytest.importorskip("tensorflow")
    names: dict[str, Any] = {}
    exec(compile(ast.parse(ARRAYS), "<arrays>", "exec"), names)
    spec = eval(pipeline, names).element_spec
    claimed = _claimed(["batch + 0"], pipeline, "batch")
    assert tensorflow is not None
    assert _agrees(claimed, spec), f"{claimed} is claimed, TensorFlow says {spec}"


@pytest.mark.parametrize("pipeline", PAIRS)
@pytest.mark.parametrize("position", [0, 1])
def test_each_part_of_a_batch_has_the_shape_that_tensorflow_says(pipeline: str, position: int) -> None:
    pytest.importorskip("tensorflow")
    names: dict[str, Any] = {}
    exec(compile(ast.parse(ARRAYS), "<arrays>", "exec"), names)
    spec = eval(pipeline, names).element_spec[position]
    claimed = _claimed([f"part{position} + 0"], pipeline, "part0, part1")
    assert _sizes(claimed) is not None
    assert _agrees(claimed, spec), f"{claimed} is claimed, TensorFlow says {spec}"


def test_what_is_known_of_batches() -> None:
    assert_shapes("""
        import tensorflow as tf
        import tensorflow_datasets as tfds
        from tensorflow import keras

        (x_train, y_train), (x_test, y_test) = keras.datasets.cifar10.load_data()
        x_train + 0  # [50000, 32, 32, 3]
        y_test + 0  # [10000, 1]
        dataset = tf.data.Dataset.from_tensor_slices((x_train, y_train)).batch(64)
        for step, (images, labels) in enumerate(dataset):
            images + 0  # [B, 32, 32, 3]
            labels + 0  # [B, 1]
        for images, labels in dataset.take(1):
            images + 0  # [64, 32, 32, 3]
        images, labels = next(iter(dataset))
        images + 0  # [64, 32, 32, 3]
        for batch in tfds.load("mnist", split="train").batch(8):
            batch["image"] + 0  # [B, 28, 28, 1]
        for images, labels in tfds.load("mnist", split="test", as_supervised=True, batch_size=8):
            images + 0  # [B, 28, 28, 1]
        for images, labels in keras.utils.image_dataset_from_directory("flowers", image_size=(64, 48)):
            images + 0  # [B, 64, 48, 3]
            labels + 0  # [B]
        strategy = tf.distribute.MirroredStrategy()
        for images, labels in strategy.experimental_distribute_dataset(dataset):
            images + 0  # [B, 32, 32, 3]
        iterator = tf.compat.v1.data.make_one_shot_iterator(dataset)
        images, labels = iterator.get_next()
        images + 0  # [B, 32, 32, 3]
    """)


def test_records_have_the_sizes_of_their_features() -> None:
    assert_shapes("""
        import tensorflow as tf

        features = {"image": tf.io.FixedLenFeature([784], tf.float32), "label": tf.io.FixedLenFeature([], tf.int64)}

        def parse(record):
            example = tf.io.parse_single_example(record, features)
            return tf.reshape(example["image"], [28, 28, 1]), example["label"]

        for images, labels in tf.data.TFRecordDataset("digits").map(parse).padded_batch(32):
            images + 0  # [B, 28, 28, 1]
            labels + 0  # [B]
    """)


def test_what_is_not_known_stays_unknown() -> None:
    assert_shapes("""
        import tensorflow as tf

        def load(path):
            return tf.numpy_function(read, [path], tf.float32)

        for images in tf.data.Dataset.list_files("*.png").map(load).batch(4):
            images + 0  # [B, ...]
        for images in tf.data.Dataset.from_generator(make, tf.float32).batch(4):
            images + 0  # [B, ...]
        for images in dataset:
            images + 0  # nothing
    """)


LOOP = """
import numpy as np
import tensorflow as tf

BATCH_SIZE = 12
dataset = tf.data.Dataset.from_tensor_slices(np.zeros((40, 4))){steps}
for rows in {walked}:
    for i in range(BATCH_SIZE):
        print(rows[i])
"""


@pytest.mark.parametrize(
    ("steps", "walked", "reported"),
    [
        (".batch(BATCH_SIZE)", "dataset", True),
        (".batch(BATCH_SIZE).map(lambda rows: rows * 2)", "dataset.prefetch(1)", True),
        (".shuffle(40).batch(BATCH_SIZE)", "dataset.as_numpy_iterator()", True),
        (".repeat(3).batch(BATCH_SIZE)", "dataset", True),
        (".batch(BATCH_SIZE, drop_remainder=True)", "dataset", False),
        (".repeat().batch(BATCH_SIZE)", "dataset", False),
        (".batch(BATCH_SIZE)", "dataset.take(1)", False),
    ],
)
def test_only_a_batch_that_may_be_short_is_short(steps: str, walked: str, reported: bool) -> None:
    found = flagged(LOOP.format(steps=steps, walked=walked), "BSZ205")
    assert found == (["for i in range(BATCH_SIZE):"] if reported else [])


SHUFFLED = """
import tensorflow as tf

def pipeline(values, paths, batch_size):
    dataset = {pipeline}
    return dataset
"""


@pytest.mark.parametrize(
    ("pipeline", "reported"),
    [
        ("tf.data.Dataset.from_tensor_slices(values).batch(batch_size).shuffle(9)", True),
        ("tf.data.Dataset.from_tensor_slices(values).batch(batch_size).map(f).shuffle(9).repeat()", True),
        ("tf.data.TFRecordDataset(paths).padded_batch(batch_size).shuffle(9)", True),
        ("tf.data.Dataset.from_tensor_slices(values).shuffle(9).batch(batch_size)", False),
        ("tf.data.Dataset.from_tensor_slices(values).shuffle(9).batch(batch_size).shuffle(9)", False),
        ("tf.data.Dataset.from_tensor_slices(values).batch(batch_size).shuffle(9).unbatch()", False),
        ("tf.data.Dataset.from_tensor_slices(values).batch(batch_size).shuffle(9).batch(4)", False),
        ("tf.data.Dataset.from_tensor_slices(values).batch(sequence_length + 1).shuffle(9)", False),
        ("tf.data.Dataset.from_tensor_slices(values).batch(1).shuffle(9)", False),
        ("tf.data.Dataset.list_files(paths).batch(batch_size).shuffle(9)", False),
        ("tf.data.Dataset.list_files(paths, shuffle=False).batch(batch_size).shuffle(9)", True),
        ("values.batch(batch_size).shuffle(9)", False),
    ],
)
def test_batches_are_shuffled_where_samples_are_not(pipeline: str, reported: bool) -> None:
    assert bool(flagged(SHUFFLED.format(pipeline=pipeline), "BSZ307")) is reported


def test_a_shuffle_is_judged_when_the_file_is_read() -> None:
    program = dedent("""
        import tensorflow as tf

        def batches(values, batch_size):
            return tf.data.Dataset.from_tensor_slices(values).batch(batch_size).shuffle(9)

        def samples(values):
            return batches(values, 4){step}

        print(list(samples([1, 2, 3])))
    """)
    assert flagged(program.format(step=""), "BSZ307")
    assert not flagged(program.format(step=".unbatch()"), "BSZ307")
