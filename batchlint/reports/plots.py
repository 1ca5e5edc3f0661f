"""A small line plot as SVG: axes with ticks and units, the points, and the line through them."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import NamedTuple

from batchlint.reports.markup import escaped

_WIDTH, _HEIGHT = 440, 260
_LEFT, _RIGHT, _TOP, _BOTTOM = 84, 18, 16, 46
_TICKS = 5


class Plot(NamedTuple):
    """What to draw.

    Attributes:
        title: read by screen readers.
        points: x and y of each.
        x_label: with its unit, if it has one.
        y_label: the same.
        say: a y in words, for the ticks.
        fit: slope and intercept of a line to draw besides.
        binary: whether ticks stand at powers of two, as those of memory do.
    """

    title: str
    points: Sequence[tuple[float, float]]
    x_label: str
    y_label: str
    say: Callable[[float], str]
    fit: tuple[float, float] | None = None
    binary: bool = False


def ticks(greatest: float, *, binary: bool = False, count: int = _TICKS) -> list[float]:
    """From 0 to at least *greatest*, a round number apart."""
    if not greatest > 0:
        return [0.0, 1.0]
    rough = greatest / count
    if binary:
        step = 2.0 ** math.ceil(math.log2(rough))
    else:
        power = 10.0 ** math.floor(math.log10(rough))
        step = next(power * factor for factor in (1, 2, 2.5, 5, 10) if power * factor >= rough * 0.999)
    return [step * number for number in range(math.ceil(greatest / step - 1e-9) + 1)]


def svg(plot: Plot) -> str:
    """The plot as an ``<svg>`` element; it takes its colours from the page's style."""
    xs = ticks(max(x for x, _ in plot.points))
    if xs[1] < 1:
        xs = [0.0, 1.0]
    ys = ticks(max(y for _, y in plot.points), binary=plot.binary)

    def across(x: float) -> float:
        return round(_LEFT + x / xs[-1] * (_WIDTH - _LEFT - _RIGHT), 1)

    def up(y: float) -> float:
        return round(_HEIGHT - _BOTTOM - y / ys[-1] * (_HEIGHT - _TOP - _BOTTOM), 1)

    bottom, right = up(0), across(xs[-1])
    parts = [
        f'<svg class="plot" viewBox="0 0 {_WIDTH} {_HEIGHT}" role="img" aria-label="{escaped(plot.title)}">',
        f"<title>{escaped(plot.title)}</title>",
    ]
    for y in ys:
        parts.append(f'<line class="grid" x1="{_LEFT}" y1="{up(y)}" x2="{right}" y2="{up(y)}"/>')
        parts.append(f'<text class="tick" x="{_LEFT - 8}" y="{up(y) + 4}" text-anchor="end">{plot.say(y)}</text>')
    for x in xs:
        parts.append(f'<line class="axis" x1="{across(x)}" y1="{bottom}" x2="{across(x)}" y2="{bottom + 5}"/>')
        parts.append(f'<text class="tick" x="{across(x)}" y="{bottom + 19}" text-anchor="middle">{x:,.10g}</text>')
    parts.append(f'<path class="axis" d="M{_LEFT} {_TOP}V{bottom}H{right}" fill="none"/>')
    middle = (_LEFT + right) / 2
    parts.append(
        f'<text class="label" x="{middle}" y="{_HEIGHT - 6}" text-anchor="middle">{escaped(plot.x_label)}</text>'
    )
    centre = (_TOP + bottom) / 2
    parts.append(
        f'<text class="label" x="14" y="{centre}" text-anchor="middle" '
        f'transform="rotate(-90 14 {centre})">{escaped(plot.y_label)}</text>'
    )
    if plot.fit is not None:
        rise, base = plot.fit
        begin = 0.0 if base >= 0 else -base / rise if rise > 0 else 0.0
        end = xs[-1] if base + rise * xs[-1] <= ys[-1] or rise <= 0 else (ys[-1] - base) / rise
        if rise > 0 and begin < end:
            parts.append(
                f'<line class="fit" x1="{across(begin)}" y1="{up(base + rise * begin)}" '
                f'x2="{across(end)}" y2="{up(base + rise * end)}"/>'
            )
    ordered = sorted(plot.points)
    joined = " ".join(f"{across(x)},{up(y)}" for x, y in ordered)
    parts.append(f'<polyline class="curve" points="{joined}" fill="none"/>')
    for x, y in ordered:
        told = f"<title>{x:,.10g}: {plot.say(y)}</title>"
        parts.append(f'<circle class="point" cx="{across(x)}" cy="{up(y)}" r="4">{told}</circle>')
    parts.append("</svg>")
    return "".join(parts)
