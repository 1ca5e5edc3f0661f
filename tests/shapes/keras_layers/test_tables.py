"""What the tables promise beyond shapes: all is tested, takes Keras's parameters and never raises by accident."""

from __future__ import annotations

import contextlib
import inspect
import random
from typing import Any

import pytest

from batchlint.shapes.dimension import unknown
from batchlint.shapes.keras import legacy, roles
from batchlint.shapes.registry import FUNCTIONS, LAYERS, UNKNOWN, ChainArgument, LayerArgument
from batchlint.shapes.shape import UNKNOWN_SHAPE, Shape, ShapeMismatch
from shapes.keras_layers.cases import CASES
from shapes.keras_layers.truth import Layer, keras

PREFIX = "keras.layers."
OURS = {name.removeprefix(PREFIX) for name in LAYERS if name.startswith(PREFIX)}
CLASSES = {
    name: value
    for name, value in vars(keras.layers).items()
    if inspect.isclass(value) and issubclass(value, keras.layers.Layer)
}

ABSENT = {
    "FlaxLayer",  # another framework's module says the shape
    "InputLayer",  # an input, which the reader makes itself
    "JaxLayer",  # another framework's function says the shape
    "Layer",  # the base class
    "TFSMLayer",  # a saved model says the shape
    "TorchModuleWrapper",  # another framework's module says the shape
    "Wrapper",  # the base class
}
VAGUE = {
    "Lambda",  # any function
    "MaxNumBoundingBoxes",  # takes and gives dictionaries
}
"""In the table for their parameters; nothing is claimed of what they give."""

BEFORE_KERAS_3 = {"CuDNNGRU", "CuDNNLSTM", "RandomHeight", "RandomWidth", "ThresholdedReLU"}
"""Layers of TensorFlow 2's own Keras."""


def aliases() -> dict[str, str]:
    """Further name of a class to the name that is tested."""
    return {name: found.__name__ for name, found in CLASSES.items() if name not in CASES and found.__name__ in CASES}


def test_every_layer_of_keras_is_there() -> None:
    assert OURS & set(CLASSES) == set(CLASSES) - ABSENT
    older = OURS - set(CLASSES)
    assert {name for name in older if not name.startswith("experimental.")} == BEFORE_KERAS_3


def test_every_entry_is_compared_with_keras() -> None:
    assert OURS & set(CLASSES) == set(CASES) | set(aliases()) | VAGUE | {"GroupQueryAttention"}


def test_further_names_say_the_same() -> None:
    for name, tested in aliases().items():
        one, other = LAYERS[PREFIX + name], LAYERS[PREFIX + tested]
        if name in ("Convolution2D", "Convolution3D"):
            continue
        assert one.parameters == other.parameters, name
        if name not in ("Convolution1D",):
            assert one.function is other.function, name


def test_old_convolutions_may_mean_their_kernel_by_two_numbers() -> None:
    for name, axes in (("Convolution1D", 1), ("Convolution2D", 2), ("Convolution3D", 3)):
        layer = LAYERS[PREFIX + name]
        images = Shape((unknown("B"), *[9] * axes, 3))
        sized = layer.function(images, **layer.bind((), {"filters": 4, "kernel_size": (3,) * axes}))
        assert sized == Shape((images.leading[0], *[7] * axes, 4))
    layer = LAYERS[PREFIX + "Convolution2D"]
    old = layer.function(Shape((2, 9, 9, 3)), **layer.bind((4, 3, 3), {}))
    assert str(old) == "[2, ?, ?, 4]"


NOT_SHAPES = ("self", "name", "dtype", "args", "kwargs")


def parameters_of(function: Any) -> dict[str, Any]:
    variable = (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD)
    return {
        name: parameter.default
        for name, parameter in inspect.signature(function).parameters.items()
        if name not in NOT_SHAPES and parameter.kind not in variable
    }


@pytest.mark.parametrize("name", sorted(OURS & set(CLASSES)))
def test_layers_take_the_parameters_of_keras(name: str) -> None:
    layer, theirs = LAYERS[PREFIX + name], CLASSES[name]
    wanted = parameters_of(theirs.__init__)
    ours = tuple(parameter for parameter in layer.parameters if parameter not in NOT_SHAPES)
    assert ours[: len(wanted)] == tuple(wanted)
    for parameter, default in wanted.items():
        bound = layer.bind((), {})[parameter]
        assert bound is UNKNOWN if default is inspect.Parameter.empty else bound == default, parameter
    assert layer.inputs == tuple(parameters_of(theirs.call))


ANYTHING = (
    UNKNOWN, None, 0, 1, 3, -1, 2.5, float("nan"), "same", "none", True, False, (), (1,), (2, 3), (2, 3, 4), [2, None],
    (UNKNOWN, 2), ("x",), (Shape.of(2, 3),), object(), unknown("n"), (unknown("n"), 2), UNKNOWN_SHAPE, Shape(),
    Shape.of(5), Shape.of(2, 3), Shape.of(2, 3, 4), Shape.of(2, 3, 4, 5), Shape.of(unknown("B"), 3, unknown("H"), 5),
    Shape((unknown("B"),), (), exact=False), Shape((2, 3), (4,), exact=False), Shape((), (3, 4, 5, 6), exact=False),
    (Shape.of(2, 3), UNKNOWN_SHAPE), (Shape.of(2, 3, 4), Shape((2,), (), exact=False)), "channels_first", "int",
    "ab,bc->ac", "...a,ab->...b", Layer("Dense", {"units": 3}).claim(), Layer("LSTM", {"units": 3}).claim(),
    ChainArgument((Layer("Flatten", {}).claim(), UNKNOWN)), (Layer("GRUCell", {"units": 3}).claim(),),
)  # fmt: skip


def is_a_result(value: Any) -> bool:
    return value is UNKNOWN or isinstance(value, Shape) or (isinstance(value, tuple) and all(map(is_a_result, value)))


KERAS_FUNCTIONS = sorted(
    name for name in FUNCTIONS if name.startswith((PREFIX, "tensorflow.layers.", *(f"{p}." for p in legacy.CONTRIB)))
)


@pytest.mark.parametrize("name", sorted(name for name in LAYERS if ".layers." in name and "torch" not in name))
def test_any_argument_may_be_anything(name: str) -> None:
    chance = random.Random(name)
    layer = LAYERS[name]
    for _ in range(150):
        inputs = [chance.choice(ANYTHING) for _ in layer.inputs]
        keywords = {name: chance.choice(ANYTHING) for name in layer.parameters if chance.random() < 0.5}
        settings = layer.bind((), keywords)
        if layer.expects is not None:
            assert isinstance(layer.expects(settings), (Shape, type(None)))
        with contextlib.suppress(ShapeMismatch):
            result = layer.function(*inputs, **settings)
            assert is_a_result(result), (inputs, settings, result)


@pytest.mark.parametrize("name", KERAS_FUNCTIONS)
def test_any_argument_of_a_function_may_be_anything(name: str) -> None:
    chance = random.Random(name)
    for _ in range(100):
        given = [chance.choice(ANYTHING) for _ in FUNCTIONS[name].parameters]
        with contextlib.suppress(ShapeMismatch):
            assert is_a_result(FUNCTIONS[name].function(*given))


def test_roles_name_entries_of_the_tables() -> None:
    known = set(LAYERS) | set(FUNCTIONS)
    for role in roles.__all__:
        members = getattr(roles, role)
        assert members
        assert members <= known, members - known


def test_elementwise_roles_keep_the_shape() -> None:
    shape = Shape((unknown("B"),), (32,), exact=False)
    for name in (roles.ELEMENTWISE | roles.NORMALISATIONS) & set(LAYERS):
        assert LAYERS[name].function(shape, **LAYERS[name].bind((), {})) == shape, name
    for name in (roles.ELEMENTWISE | roles.NORMALISATIONS) & set(FUNCTIONS):
        assert FUNCTIONS[name].function(shape) == shape, name


def test_stateful_layers_take_the_word() -> None:
    for name in roles.RECURRENT:
        assert LAYERS[name].defaults["stateful"] is False, name
    takes = {name for name, layer in LAYERS.items() if "stateful" in layer.parameters}
    assert takes == roles.RECURRENT


def test_a_layer_as_an_argument_runs_with_its_own_settings() -> None:
    dense = Layer("Dense", {"units": 5}).claim()
    assert isinstance(dense, LayerArgument)
    assert dense.name == "keras.layers.Dense"
    assert dense.apply(Shape.of(2, 3)) == Shape.of(2, 5)
    chain = ChainArgument((Layer("Flatten", {}).claim(), dense))
    assert chain.apply(Shape.of(2, 3, 4)) == Shape.of(2, 5)
    assert ChainArgument((UNKNOWN,)).apply(Shape.of(2, 3)) is UNKNOWN
