"""Losses of TensorFlow and Keras on their way into a metric: means, sums, one number a sample."""

from __future__ import annotations

import pytest

from reading import flagged

PROGRAM = """
import tensorflow as tf
from tensorflow import keras

def evaluate(model, x, y):
    dataset = tf.data.Dataset.from_tensor_slices((x, y)).batch(16)
    {loss}
    total = 0.0
    for inputs, targets in dataset:
        total += {value}
    return total / {count}
"""
LINE = "return total / "


@pytest.mark.parametrize(
    ("loss", "value", "count", "reported"),
    [
        ("loss = keras.losses.MeanSquaredError()", "loss(targets, model(inputs))", "len(x)", True),
        ("loss = keras.losses.MeanSquaredError()", "loss(targets, model(inputs)).numpy()", "len(x)", True),
        ("loss = keras.losses.MeanSquaredError()", "float(loss(targets, model(inputs)))", "len(dataset)", False),
        ("loss = keras.losses.Huber(reduction='sum')", "loss(targets, model(inputs))", "len(x)", False),
        ("loss = keras.losses.Huber(reduction='none')", "tf.reduce_mean(loss(targets, model(inputs)))", "len(x)", True),
        ("loss = keras.losses.Huber(reduction='none')", "tf.reduce_sum(loss(targets, model(inputs)))", "len(x)", False),
        ("loss = tf.losses.Huber(reduction=tf.losses.Reduction.SUM)", "loss(targets, model(inputs))", "len(x)", False),
        ("loss = tf.losses.Huber()", "loss(targets, model(inputs))", "len(x)", True),
        ("loss = keras.losses.Huber()", "loss(targets, model(inputs), sample_weight=w)", "len(x)", False),
        ("loss = keras.losses.Huber(reduction=choice)", "loss(targets, model(inputs))", "len(x)", False),
        ("loss = keras.losses.MSE", "tf.reduce_mean(loss(targets, model(inputs)))", "len(x)", True),
        ("loss = keras.losses.MSE", "keras.ops.sum(loss(targets, model(inputs)))", "len(x)", False),
        ("loss = keras.losses.MeanSquaredError()", "loss(targets, model(inputs)) * len(inputs)", "len(x)", False),
        (
            "loss = keras.losses.MeanSquaredError()",
            "loss(targets, model(inputs)) * tf.cast(tf.shape(inputs)[0], tf.float32)",
            "len(x)",
            False,
        ),
        ("loss = keras.losses.MeanSquaredError()", "loss(targets, model(inputs)) * 16", "len(dataset)", True),
        (
            "loss = tf.nn.sparse_softmax_cross_entropy_with_logits",
            "tf.reduce_mean(loss(labels=targets, logits=model(inputs)))",
            "len(x)",
            True,
        ),
        (
            "loss = tf.nn.compute_average_loss",
            "loss(keras.losses.MSE(targets, model(inputs)), global_batch_size=16)",
            "len(x)",
            False,
        ),
    ],
)
def test_a_metric_that_is_normalised_twice(loss: str, value: str, count: str, reported: bool) -> None:
    found = flagged(PROGRAM.format(loss=loss, value=value, count=count), "BSZ501")
    assert found == ([LINE + count] if reported else [])


def test_what_loss_objects_reduce_to_is_what_keras_does() -> None:
    keras = pytest.importorskip("keras")
    numpy = pytest.importorskip("numpy")
    targets, outputs = numpy.zeros((3, 2)), numpy.array([[1.0, 1.0], [2.0, 2.0], [3.0, 3.0]])
    each = [1.0, 4.0, 9.0]
    assert keras.ops.convert_to_numpy(keras.losses.mean_squared_error(targets, outputs)).tolist() == each
    for reduction, value in (("sum_over_batch_size", sum(each) / 3), ("mean", sum(each) / 3), ("sum", sum(each))):
        loss = keras.losses.MeanSquaredError(reduction=reduction)
        assert float(loss(targets, outputs)) == pytest.approx(value)
    assert float(keras.losses.MeanSquaredError()(targets, outputs)) == pytest.approx(sum(each) / 3)
