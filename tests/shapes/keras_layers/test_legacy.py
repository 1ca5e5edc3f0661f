"""TensorFlow 1's layers, which no TensorFlow of today runs, beside the Keras layers and operations they stand on."""

from __future__ import annotations

from typing import Any

import pytest

from batchlint.shapes.dimension import Role, Symbol
from batchlint.shapes.keras import legacy
from batchlint.shapes.registry import FUNCTIONS, LAYERS, UNKNOWN
from batchlint.shapes.shape import Shape, ShapeMismatch
from shapes.keras_layers.truth import keras, tf

B = Symbol("B", Role.BATCH).dimension()

CALLS: list[tuple[str, tuple[int, ...], tuple[Any, ...], dict[str, Any]]] = [
    ("Dense", (5, 6), (7,), {}),
    ("Flatten", (5, 6, 2), (), {}),
    ("Dropout", (5,), (), {"rate": 0.5}),
    ("BatchNormalization", (5, 4), (), {}),
    ("Conv1D", (9, 2), (4, 3), {}),
    ("Conv2D", (9, 8, 2), (4, 3, 2, "same"), {}),
    ("Conv2D", (9, 8, 2), (4, [5, 3]), {"strides": (2, 1), "padding": "VALID"}),
    ("Conv3D", (5, 5, 5, 2), (4, 2), {}),
    ("SeparableConv1D", (9, 2), (4, 3), {"depth_multiplier": 2}),
    ("SeparableConv2D", (9, 9, 2), (4, 3), {}),
    ("Conv2DTranspose", (4, 4, 2), (3, 5, 2, "same"), {}),
    ("Conv2DTranspose", (4, 4, 2), (3, 5, 2), {}),
    ("Conv3DTranspose", (3, 3, 3, 2), (3, 2), {"strides": 2}),
    ("MaxPooling1D", (9, 2), (2, 2), {}),
    ("MaxPooling2D", (9, 8, 2), (3, 2, "same"), {}),
    ("MaxPooling3D", (4, 4, 4, 2), (2, 2), {}),
    ("AveragePooling1D", (9, 2), (2, 2), {}),
    ("AveragePooling2D", (9, 8, 2), ([2, 2], [2, 2]), {}),
    ("AveragePooling3D", (4, 4, 4, 2), (2, 2), {}),
]


@pytest.mark.parametrize(("name", "sizes", "arguments", "keywords"), CALLS)
def test_layers_are_those_of_keras(
    name: str, sizes: tuple[int, ...], arguments: tuple[Any, ...], keywords: dict[str, Any]
) -> None:
    truth = getattr(keras.layers, name)(*arguments, **keywords)(keras.KerasTensor((None, *sizes))).shape
    wanted = Shape((B, *truth[1:]))
    function = legacy.FORMS[name][0]
    layer = LAYERS[f"tensorflow.layers.{name}"]
    assert layer.function(Shape((B, *sizes)), **layer.bind(arguments, keywords)) == wanted
    call = FUNCTIONS[f"tensorflow.layers.{function}"].function
    assert call(Shape((B, *sizes)), *arguments, **keywords, name="x", activation=None) == wanted
    assert call(inputs=Shape((B, *sizes)), **dict(zip(legacy.FORMS[name][1], arguments)), **keywords) == wanted


def test_every_form_is_compared() -> None:
    assert {name for name, *_ in CALLS} == set(legacy.FORMS)


def contrib(name: str, *arguments: Any, **keywords: Any) -> Any:
    results = [FUNCTIONS[f"{package}.{name}"].function(*arguments, **keywords) for package in legacy.CONTRIB]
    assert len({str(result) for result in results}) == 1
    return results[0]


def image(*sizes: int) -> Any:
    return tf.ones((3, *sizes))


@pytest.mark.parametrize("padding", ["SAME", "VALID"])
@pytest.mark.parametrize("stride", [1, 2, 3])
def test_windows_are_those_of_the_operations(padding: str, stride: int) -> None:
    shape = Shape.of(3, 9, 8, 2)
    settings = {"stride": stride, "padding": padding}
    truth = tf.nn.conv2d(image(9, 8, 2), tf.ones((3, 2, 2, 5)), stride, padding).shape
    assert contrib("conv2d", shape, 5, [3, 2], **settings) == Shape(tuple(truth))
    truth = tf.nn.max_pool2d(image(9, 8, 2), (3, 2), stride, padding).shape
    assert contrib("max_pool2d", shape, [3, 2], **settings) == Shape(tuple(truth))
    truth = tf.nn.avg_pool2d(image(9, 8, 2), (3, 2), stride, padding).shape
    assert contrib("avg_pool2d", shape, [3, 2], **settings) == Shape(tuple(truth))


def test_what_an_arg_scope_may_have_set_is_not_known() -> None:
    images = Shape.of(B, 28, 28, 3)
    assert str(contrib("conv2d", images, 64, [3, 3])) == "[B, ?, ?, 64]"
    assert str(contrib("conv2d", images, 64, [3, 3], stride=2)) == "[B, ?, ?, 64]"
    assert str(contrib("conv2d", images, 64, [3, 3], stride=2, padding="SAME")) == "[B, 14, 14, 64]"
    assert str(contrib("max_pool2d", images, [2, 2], scope="pool")) == "[B, ?, ?, 3]"
    assert str(contrib("conv2d_transpose", images, 8, 4, 2, "SAME")) == "[B, 56, 56, 8]"
    assert str(contrib("separable_conv2d", images, None, [3, 3], 2, 1, "SAME")) == "[B, 28, 28, 6]"


def test_a_fully_connected_layer_flattens_nothing() -> None:
    assert str(contrib("fully_connected", Shape.of(B, 7, 5), 10)) == "[B, 7, 10]"
    assert str(contrib("fully_connected", inputs=Shape.of(B, 5), num_outputs=10, activation_fn=None)) == "[B, 10]"
    assert str(contrib("flatten", Shape.of(B, 7, 5))) == "[B, 35]"
    with pytest.raises(ShapeMismatch):
        contrib("fully_connected", Shape.of(B), 10)


def test_the_other_functions() -> None:
    assert contrib("dropout", Shape.of(B, 5), 0.5) == Shape.of(B, 5)
    assert contrib("batch_norm", Shape.of(B, 5), decay=0.9) == Shape.of(B, 5)
    assert contrib("softmax", UNKNOWN) is UNKNOWN
    assert str(contrib("one_hot_encoding", Shape.of(B), 10)) == "[B, 10]"
    assert str(contrib("embed_sequence", Shape.of(B, 7), vocab_size=9, embed_dim=4)) == "[B, 7, 4]"
