"""What Keras's layers share: how their constructors are written down, and where the channels stand."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from typing import Any, Final, NamedTuple, TypeVar

from batchlint.shapes.dimension import unknown
from batchlint.shapes.registry import FUNCTIONS, LAYERS, LayerShape, ShapeFunction, ShapeResult
from batchlint.shapes.shape import Shape
from batchlint.shapes.torch.arguments import REQUIRED, Size, as_shape, fitted, shape_of
from batchlint.shapes.torch.spatial import AXIS_NAMES

__all__ = [
    "REQUIRED",
    "WEIGHTS",
    "Images",
    "channels_last",
    "expects_images",
    "keras_function",
    "keras_layer",
    "lowered",
    "read_images",
]

Parameters = Mapping[str, Any]
"""A constructor's parameters in their order, with their defaults or `REQUIRED`."""

_Function = TypeVar("_Function", bound=Callable[..., ShapeResult])

WEIGHTS: Final[Parameters] = {
    "kernel_initializer": "glorot_uniform",
    "bias_initializer": "zeros",
    "kernel_regularizer": None,
    "bias_regularizer": None,
    "activity_regularizer": None,
    "kernel_constraint": None,
    "bias_constraint": None,
}
"""What dense layers and convolutions take for their weights."""


def keras_layer(
    *names: str,
    parameters: Parameters,
    expects: Callable[[Mapping[str, Any]], Shape | None] | None = None,
    package: str = "keras.layers",
) -> Callable[[_Function], _Function]:
    """Enter a layer under each of *names* in *package*.

    The function's positional-only parameters are what ``call`` takes; its keyword-only ones are those of *parameters*
    that matter for the shape.

    Raises:
        ValueError: a name is taken, or the function asks for what the constructor does not take.
    """

    def register(function: _Function) -> _Function:
        signature = inspect.signature(function).parameters.values()
        inputs = tuple([p.name for p in signature if p.kind is inspect.Parameter.POSITIONAL_ONLY])
        used = tuple([p.name for p in signature if p.kind is inspect.Parameter.KEYWORD_ONLY])
        if not set(used) <= set(parameters):
            raise ValueError(f"{names[0]} takes no {', '.join(set(used) - set(parameters))}")

        def apply(*given: Any, **settings: Any) -> ShapeResult:
            return function(*given, **{name: settings[name] for name in used})

        defaults = {name: value for name, value in parameters.items() if value is not REQUIRED}
        for name in names:
            full = f"{package}.{name}"
            if full in LAYERS:
                raise ValueError(f"two layers called {full}")
            LAYERS[full] = LayerShape(full, apply, inputs, tuple(parameters), defaults, expects)
        return function

    return register


def keras_function(*names: str, parameters: Parameters) -> Callable[[_Function], _Function]:
    """Enter a function under each of *names*, whose parameters come from a table.

    The shape function takes the tensor by position and of *parameters*, which follow it, those that it needs by name;
    what else a call gives does not matter for the shape.

    Raises:
        ValueError: a name is taken.
    """

    def register(function: _Function) -> _Function:
        signature = inspect.signature(function).parameters.values()
        (tensor,) = [p.name for p in signature if p.kind is inspect.Parameter.POSITIONAL_ONLY]
        used = tuple([p.name for p in signature if p.kind is inspect.Parameter.KEYWORD_ONLY])
        order = (tensor, *parameters)

        def apply(*given: Any, **keywords: Any) -> ShapeResult:
            bound = {**parameters, **dict(zip(order, given)), **keywords}
            if tensor not in bound or any(bound[name] is REQUIRED for name in used):
                raise TypeError(f"{names[0]} lacks an argument")
            return function(bound[tensor], **{name: bound[name] for name in used})

        for name in names:
            if name in FUNCTIONS:
                raise ValueError(f"two shape functions for {name}")
            FUNCTIONS[name] = ShapeFunction(name, apply, order)
        return function

    return register


def lowered(value: object) -> str | None:
    """*value* as a word in small letters, ``None`` for anything else."""
    return value.lower() if isinstance(value, str) else None


_LAST: Final = frozenset({"channels_last", "nwc", "nhwc", "ndhwc"})
_FIRST: Final = frozenset({"channels_first", "ncw", "nchw", "ncdhw"})


def channels_last(data_format: object) -> bool | None:
    """Whether the channels stand last, as they do unless a layer is told otherwise; ``None`` where it is not known."""
    if data_format is None:
        return True
    word = lowered(data_format)
    return True if word in _LAST else False if word in _FIRST else None


class Images(NamedTuple):
    """A batch of images, sequences or volumes; ``None`` is a size that is not known.

    Attributes:
        batch: how many there are.
        channels: the features at each position.
        spatial: the sizes of the spatial axes.
        last: whether the channels stand last, ``None`` where it is not known.
    """

    batch: Size
    channels: Size
    spatial: tuple[Size, ...]
    last: bool | None

    def shape(self) -> Shape:
        """The dimensions in their order."""
        if self.last is None:
            return shape_of((self.batch, *(None,) * (len(self.spatial) + 1)))
        if self.last:
            return shape_of((self.batch, *self.spatial, self.channels))
        return shape_of((self.batch, self.channels, *self.spatial))


def read_images(layer: str, input: object, axes: int, data_format: object) -> Images:
    """*input* as a batch with *axes* spatial axes.

    Raises:
        ShapeMismatch: it is certain not to have ``axes + 2`` dimensions.
    """
    batch, *rest = fitted(layer, as_shape(input), (axes + 2,))
    last = channels_last(data_format)
    if last is None:
        return Images(batch, None, (None,) * axes, None)
    if last:
        return Images(batch, rest[-1], tuple(rest[:-1]), last)
    return Images(batch, rest[0], tuple(rest[1:]), last)


def expects_images(axes: int) -> Callable[[Mapping[str, Any]], Shape | None]:
    """What a layer over *axes* spatial axes demands of its input: that many dimensions, and two more."""

    def expects(parameters: Mapping[str, Any]) -> Shape | None:
        last = channels_last(parameters.get("data_format"))
        if last is None:
            return None
        names = [*AXIS_NAMES[axes], "C"] if last else ["C", *AXIS_NAMES[axes]]
        return Shape((unknown("B"), *map(unknown, names)))

    return expects
