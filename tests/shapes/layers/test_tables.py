"""What the tables promise beyond shapes: all is tested, takes torch's parameters and never raises by accident."""

from __future__ import annotations

import contextlib
import inspect
import random
import re
import sys
import typing
from typing import Any

import pytest
import torch

from batchlint.shapes.dimension import unknown
from batchlint.shapes.registry import FUNCTIONS, LAYERS, UNKNOWN, TensorIndex
from batchlint.shapes.shape import UNKNOWN_SHAPE, Shape, ShapeMismatch
from batchlint.shapes.torch import roles
from shapes.layers.cases import CASES
from shapes.layers.truth import named

TORCH_LAYERS = sorted(name for name in LAYERS if name.startswith("torch."))
LAYER_MODULES = (
    "activation", "attention", "convolution", "dropout", "embedding", "flattening", "linear", "losses",
    "normalisation", "padding_layers", "pooling", "recurrent", "resizing", "similarity", "vision",
)  # fmt: skip
OURS = sorted(
    name
    for name, function in FUNCTIONS.items()
    if function.function.__module__.removeprefix("batchlint.shapes.torch.") in LAYER_MODULES
)
PACKING = {f"torch.nn.utils.rnn.{name}" for name in ("pack_padded_sequence", "pack_sequence", "pad_packed_sequence")}
"""Packed sequences are no tensors: they have tests of their own."""

NOT_SHAPES = ("self", "device", "dtype", "out")
CONTAINERS = {"Container", "DataParallel", "Module", "ModuleDict", "ModuleList", "ParameterDict", "ParameterList"}
CONTAINERS |= {"RNNBase", "RNNCellBase", "Sequential"}


def test_every_entry_is_compared_with_torch() -> None:
    assert set(TORCH_LAYERS) | set(OURS) == set(CASES) | PACKING


def test_every_layer_of_torch_is_there() -> None:
    classes = {name for name, value in vars(torch.nn).items() if inspect.isclass(value)}
    modules = {name for name in classes if issubclass(getattr(torch.nn, name), torch.nn.Module)}
    assert {f"torch.nn.{name}" for name in modules - CONTAINERS} == set(TORCH_LAYERS)


def parameters_of(function: Any) -> dict[str, Any]:
    variable = (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD)
    return {
        name: parameter.default
        for name, parameter in inspect.signature(function).parameters.items()
        if name not in NOT_SHAPES and parameter.kind not in variable
    }


def constructor_of(layer: Any) -> Any:
    overloads = typing.get_overloads(layer.__init__) if sys.version_info >= (3, 11) else []
    return overloads[0] if overloads else layer.__init__


@pytest.mark.parametrize("name", TORCH_LAYERS)
def test_layers_take_the_parameters_of_torch(name: str) -> None:
    layer, theirs = LAYERS[name], named(name)
    if theirs.__init__ in (torch.nn.RNN.__init__, torch.nn.GRU.__init__, torch.nn.LSTM.__init__):
        if sys.version_info < (3, 11):
            pytest.skip("overloads cannot be read")
    elif name == "torch.nn.NLLLoss2d":
        theirs = torch.nn.NLLLoss
    wanted = parameters_of(constructor_of(theirs))
    assert layer.parameters == tuple(wanted)
    for parameter, default in wanted.items():
        ours = layer.bind((), {})[parameter]
        assert ours is UNKNOWN if default is inspect.Parameter.empty or callable(default) else ours == default
    assert layer.inputs == tuple(parameters_of(theirs.forward))


def documented_parameters(function: Any) -> tuple[str, ...] | None:
    """The parameters in the first line of a built-in function's documentation."""
    found = re.match(r"\s*\w+\((.*?)\) ->", function.__doc__ or "", re.DOTALL)
    if found is None:
        return None
    names = [part.split("=")[0].strip() for part in re.split(r",(?![^(]*\))", found[1])]
    return tuple(name for name in names if name.isidentifier() and name not in NOT_SHAPES)


@pytest.mark.parametrize("name", OURS)
def test_functions_take_the_parameters_of_torch(name: str) -> None:
    function = named(name)
    try:
        wanted = tuple(parameters_of(function))
    except ValueError:
        wanted = documented_parameters(function)
    if not wanted and name.startswith("torch.nn.functional."):
        wanted = tuple(parameters_of(named(f"{name}_with_indices")))
    if wanted is None:
        pytest.skip("torch documents no signature")
    assert FUNCTIONS[name].parameters == wanted


ANYTHING = (
    UNKNOWN, None, 0, 1, 3, -1, 2.5, float("nan"), "same", "none", True, False, (), (1,), (2, 3), (2, 3, 4), [2, None],
    (UNKNOWN, 2), ("x",), (Shape.of(2, 3),), object(), unknown("n"), (unknown("n"), 2), UNKNOWN_SHAPE, Shape(),
    Shape.of(5), Shape.of(2, 3), Shape.of(2, 3, 4), Shape.of(2, 3, 4, 5), Shape.of(unknown("B"), 3, unknown("H"), 5),
    Shape((unknown("B"),), (), exact=False), Shape((2, 3), (4,), exact=False), Shape((), (3, 4, 5, 6), exact=False),
    TensorIndex(Shape.of(2)),
)  # fmt: skip


def is_a_result(value: Any) -> bool:
    return value is UNKNOWN or value is None or isinstance(value, Shape) or all(map(is_a_result, value))


@pytest.mark.parametrize("name", [*sorted(LAYERS), *OURS])
def test_any_argument_may_be_anything(name: str) -> None:
    chance = random.Random(name)
    for _ in range(100):
        if name in LAYERS:
            layer = LAYERS[name]
            inputs = [chance.choice(ANYTHING) for _ in layer.inputs]
            keywords = {name: chance.choice(ANYTHING) for name in layer.parameters if chance.random() < 0.7}
            settings = layer.bind((), keywords)
            function = layer.function
            if layer.expects is not None:
                assert isinstance(layer.expects(settings), (Shape, type(None)))
        else:
            inputs = [chance.choice(ANYTHING) for _ in FUNCTIONS[name].parameters]
            settings, function = {}, FUNCTIONS[name].function
        with contextlib.suppress(ShapeMismatch):
            assert is_a_result(function(*inputs, **settings))


def test_roles_name_entries_of_the_tables() -> None:
    known = set(LAYERS) | set(FUNCTIONS)
    for role in roles.__all__:
        members = getattr(roles, role)
        if role != "Comparison":
            assert members <= known if isinstance(members, frozenset) else set(members) <= known
            assert members


def test_convolutions_and_poolings_are_complete() -> None:
    names = [name for name in [*LAYERS, *FUNCTIONS] if name.startswith("torch")]
    everything = {name for name in names if re.search(r"[cC]onv(_t|T|\d)", name)}
    assert everything - roles.CONVOLUTIONS == {"torch.conv_tbc"} & everything
    poolings = {name for name in names if re.search(r"[pP]ool\dd", name) and "npool" not in name}
    assert {name for name in poolings if "dapt" in name} == roles.ADAPTIVE_POOLINGS
    assert {name for name in poolings if "dapt" not in name} == roles.POOLINGS


def test_elementwise_roles_keep_the_shape() -> None:
    shape = Shape((unknown("B"),), (7,), exact=False)
    for name in roles.ELEMENTWISE & set(LAYERS):
        assert LAYERS[name].function(shape, **LAYERS[name].bind((), {})) == shape


@pytest.mark.parametrize("name", [name for name in sorted(roles.LOSSES) if not name.startswith("torch.nn.Adaptive")])
def test_losses_are_scalars_unless_told_otherwise(name: str) -> None:
    inputs = [UNKNOWN_SHAPE] * 4
    if name in LAYERS:
        layer = LAYERS[name]
        assert layer.function(*inputs[: len(layer.inputs)], **layer.bind((), {})) == Shape()
        assert layer.function(*inputs[: len(layer.inputs)], **layer.bind((), {"reduction": UNKNOWN})) == UNKNOWN_SHAPE
    else:
        assert FUNCTIONS[name].function(*inputs[:2]) == Shape()
