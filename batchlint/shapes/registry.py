"""Tables from an operation's name to the function that computes its shape.

A shape function takes what the framework's operation takes, under the framework's own parameter names:

* a tensor is a `Shape` (`UNKNOWN_SHAPE` where nothing is known), a sequence of tensors a tuple of them;
* an integer is a `Dimension` (an ``int`` or a symbolic `Expression`), a tuple of integers a tuple of them;
* booleans, strings, floats and ``None`` are themselves;
* an index is an `Index`; anything that is not known is `UNKNOWN`.

It returns a `Shape`, a (nested) tuple of them for operations with several results, or `UNKNOWN`; it raises
`ShapeMismatch` only where the framework is certain to raise. A result must be right for every value of the symbols for
which the framework runs at all: where that cannot be said, an `unknown` dimension or `UNKNOWN_SHAPE` is the answer.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, TypeAlias, TypeVar, Union

from batchlint.shapes.dimension import Dimension
from batchlint.shapes.shape import Shape


class Unknown:
    """The type of `UNKNOWN`."""

    _instance: Unknown | None = None

    def __new__(cls) -> Unknown:
        """The only instance."""
        if cls._instance is None:
            cls._instance = super().__new__(cls)
        return cls._instance

    def __repr__(self) -> str:
        return "UNKNOWN"

    def __reduce__(self) -> tuple[type[Unknown], tuple[()]]:
        return Unknown, ()


UNKNOWN: Final = Unknown()
"""An argument or result that nothing is known about."""

ShapeResult: TypeAlias = Shape | Unknown | tuple[Any, ...]

IGNORED_KEYWORDS: Final[frozenset[str]] = frozenset(
    {
        "copy",
        "device",
        "dtype",
        "generator",
        "layout",
        "memory_format",
        "non_blocking",
        "out",
        "pin_memory",
        "requires_grad",
    }
)
"""Keywords that never change a shape; `ShapeFunction.apply` drops them."""

OTHER_KEYWORDS: Final = "**"
"""The name under which keywords stand that are passed and not known; no function takes it, save those that take any."""

KEYWORD_SYNONYMS: Final[Mapping[str, str]] = {
    "axis": "dim",
    "keepdims": "keepdim",
    "x": "input",
    "x1": "input",
    "x2": "other",
}
"""NumPy's spelling to PyTorch's own, which takes both."""


@dataclass(frozen=True, slots=True)
class TensorIndex:
    """A tensor used as an index: its shape, and whether it is a boolean mask (``None``: not known)."""

    shape: Shape
    boolean: bool | None = None


Index: TypeAlias = Union[Dimension, slice, "ellipsis", TensorIndex, Unknown, None]  # noqa: F821
"""One element between the brackets; a slice's parts are dimensions, ``None`` or `UNKNOWN`."""


@dataclass(frozen=True, slots=True)
class ShapeFunction:
    """A function or method of a framework, by its canonical name (``torch.flatten``, ``torch.Tensor.view``)."""

    name: str
    function: Callable[..., ShapeResult]
    parameters: tuple[str, ...]

    def apply(self, arguments: Sequence[Any], keywords: Mapping[str, Any]) -> ShapeResult:
        """The operation's result for its arguments as they are written, a method's tensor first.

        Raises:
            ShapeMismatch: the framework is certain to raise.
            TypeError: the operation takes no such arguments.
        """
        if not keywords:
            return self.function(*arguments)
        named: dict[str, Any] = {}
        for name, value in keywords.items():
            if name in IGNORED_KEYWORDS:
                continue
            synonym = KEYWORD_SYNONYMS.get(name)
            named[synonym if synonym in self.parameters and name not in self.parameters else name] = value
        return self.function(*arguments, **named)


@dataclass(frozen=True, slots=True)
class LayerShape:
    """A layer of a framework, by its canonical name (``torch.nn.Conv2d``).

    Attributes:
        inputs: names of what ``forward`` takes, in order.
        parameters: names of what the constructor takes, in order, with their defaults in *defaults*.
        function: takes the inputs by position and every constructor parameter by name.
        expects: the input shape that the constructor's arguments alone demand, e.g. ``[?, 3, ?, ?]``.
        open: whether the constructor takes keywords of any name.
    """

    name: str
    function: Callable[..., ShapeResult]
    inputs: tuple[str, ...]
    parameters: tuple[str, ...]
    defaults: Mapping[str, Any] = field(default_factory=dict)
    expects: Callable[[Mapping[str, Any]], Shape | None] | None = None
    open: bool = False

    def bind(self, arguments: Sequence[Any], keywords: Mapping[str, Any]) -> dict[str, Any]:
        """The constructor's parameters by name; what was not given and has no default is `UNKNOWN`.

        Keywords that do not matter for shapes (``device``, ``dtype``, …) are dropped.
        """
        bound: dict[str, Any] = {name: self.defaults.get(name, UNKNOWN) for name in self.parameters}
        bound.update(zip(self.parameters, arguments))
        bound.update((name, value) for name, value in keywords.items() if self.open or name in bound)
        return bound


@dataclass(frozen=True, slots=True, eq=False)
class LayerArgument:
    """A layer given to another one's constructor, as in ``TimeDistributed(Dense(10))``.

    Attributes:
        shape: the layer's entry in the table.
        arguments: its own constructor's parameters by name, as `LayerShape.bind` gives them.
    """

    shape: LayerShape
    arguments: Mapping[str, Any]

    @property
    def name(self) -> str:
        """The layer's canonical name."""
        return self.shape.name

    def apply(self, *inputs: Any) -> ShapeResult:
        """What the layer makes of *inputs*.

        Raises:
            ShapeMismatch: the framework is certain to raise.
        """
        return self.shape.function(*inputs, **self.arguments)


@dataclass(frozen=True, slots=True, eq=False)
class ChainArgument:
    """Layers one after another, given to a layer's constructor; `UNKNOWN` among them is a layer not understood."""

    layers: tuple[Any, ...]

    def apply(self, *inputs: Any) -> ShapeResult:
        """What the layers make of the one input.

        Raises:
            ShapeMismatch: the framework is certain to raise.
        """
        result: Any = inputs[0] if len(inputs) == 1 else UNKNOWN
        for item in self.layers:
            result = item.apply(result) if isinstance(item, (LayerArgument, ChainArgument)) else UNKNOWN
        return result  # type: ignore[no-any-return]


_Function = TypeVar("_Function", bound=Callable[..., ShapeResult])

FUNCTIONS: dict[str, ShapeFunction] = {}
"""Canonical name to function; a tensor's methods are ``torch.Tensor.<name>``, in-place forms without the underscore."""

TENSOR_ATTRIBUTES: Final[frozenset[str]] = frozenset({"H", "T", "data", "grad", "imag", "mH", "mT", "real"})
"""Attributes of a tensor that are tensors: their functions are applied without a call."""

LAYERS: dict[str, LayerShape] = {}
"""Canonical name to layer."""


def shape_function(*names: str) -> Callable[[_Function], _Function]:
    """Register a shape function under each canonical name (a method's first parameter is the tensor itself)."""

    def register(function: _Function) -> _Function:
        parameters = tuple(inspect.signature(function).parameters)
        for name in names:
            if name in FUNCTIONS:
                raise ValueError(f"two shape functions for {name}")
            FUNCTIONS[name] = ShapeFunction(name, function, parameters)
        return function

    return register


def layer(
    *names: str, expects: Callable[[Mapping[str, Any]], Shape | None] | None = None
) -> Callable[[_Function], _Function]:
    """Register a layer: positional-only parameters are ``forward``'s inputs, the others the constructor's arguments."""

    def register(function: _Function) -> _Function:
        inputs: list[str] = []
        parameters: list[str] = []
        defaults: dict[str, Any] = {}
        takes_any = False
        for parameter in inspect.signature(function).parameters.values():
            if parameter.kind is inspect.Parameter.POSITIONAL_ONLY:
                inputs.append(parameter.name)
                continue
            if parameter.kind is inspect.Parameter.VAR_KEYWORD:
                takes_any = True
                continue
            parameters.append(parameter.name)
            if parameter.default is not inspect.Parameter.empty:
                defaults[parameter.name] = parameter.default
        for name in names:
            if name in LAYERS:
                raise ValueError(f"two layers called {name}")
            LAYERS[name] = LayerShape(name, function, tuple(inputs), tuple(parameters), defaults, expects, takes_any)
        return function

    return register
