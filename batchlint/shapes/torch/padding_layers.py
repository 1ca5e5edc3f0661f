"""Padding layers over the last one to three axes."""

from __future__ import annotations

from batchlint.shapes.registry import UNKNOWN, layer
from batchlint.shapes.shape import Shape, ShapeMismatch
from batchlint.shapes.torch.arguments import as_shape, fitted, per_axis, shape_of
from batchlint.shapes.torch.padding import pad


def _amounts(padding: object, axes: int) -> tuple[object, ...]:
    """Two amounts for each axis, from the last one on."""
    return tuple([UNKNOWN if size is None else size for size in per_axis(padding, 2 * axes)])


def _from_the_input(name: str, axes: int, input: object, padding: object, reserve: int | None) -> Shape:
    """Padding with elements of the input, which must be wider than the padding by *reserve*."""
    sizes = fitted(name, as_shape(input), (axes + 1, axes + 2))
    amounts = _amounts(padding, axes)
    for position, amount in enumerate(amounts if reserve is not None else ()):
        size = sizes[-1 - position // 2]
        if isinstance(size, int) and isinstance(amount, int) and amount > size - (reserve or 0):
            raise ShapeMismatch(f"{name}: a padding of {amount} is too wide for {size}", amount, size)
    return pad(shape_of(sizes), amounts)


_RESERVES = {"Circular": 0, "Reflection": 1, "Replication": None}
"""Kind of padding to how much wider than the padding the axis must be, ``None`` where any width will do."""


def _register(axes: int) -> None:
    @layer(f"torch.nn.ZeroPad{axes}d")
    def zero_layer(input: Shape, /, padding: object) -> Shape:
        return pad(as_shape(input), _amounts(padding, axes))

    @layer(f"torch.nn.ConstantPad{axes}d")
    def constant_layer(input: Shape, /, padding: object, value: object) -> Shape:
        return pad(as_shape(input), _amounts(padding, axes))

    def from_the_input(kind: str, reserve: int | None) -> None:
        @layer(f"torch.nn.{kind}Pad{axes}d")
        def mirroring_layer(input: Shape, /, padding: object) -> Shape:
            return _from_the_input(f"{kind}Pad{axes}d", axes, input, padding, reserve)

    for kind, reserve in _RESERVES.items():
        from_the_input(kind, reserve)


for _axes in (1, 2, 3):
    _register(_axes)
