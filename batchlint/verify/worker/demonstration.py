"""What reproduction scripts do with a model: each function shows one kind of hazard, and is copied into the script.

`batchlint.verify.reproduction` takes the source of a function and of those that it calls. They use Python's own names,
`sys`, `traceback` and `torch` alone; *make* gives a fresh model, *feed* the arguments for so many rows.
"""

from __future__ import annotations

import sys
import traceback
from collections.abc import Callable
from typing import Any

import torch

Make = Callable[[], Any]
Feed = Callable[..., tuple[tuple[Any, ...], dict[str, Any]]]


def crash_at_batch_sizes(make: Make, feed: Feed, control: int | None, sizes: tuple[int, ...]) -> bool:
    """Whether it raises at any batch size but the control."""
    return crashes(make, feed, control, sizes, False)


def train_mode_at_batch_size_1(make: Make, feed: Feed, control: int | None, sizes: tuple[int, ...]) -> bool:
    """Whether it raises with one sample or two in train mode."""
    return crashes(make, feed, control, sizes, True)


def crashes(make: Make, feed: Feed, control: int | None, sizes: tuple[int, ...], training: bool) -> bool:
    """Whether it raises at any batch size but the control, in either mode."""
    shows = False
    for size in sizes:
        output, error = call(make(), feed(size), training)
        print(f"  batch size {size}: {told(output, error)}")
        if size == control:
            must_run(error)
        shows = shows or error is not None
    return shows


def leading_dimension(make: Make, feed: Feed, control: int | None, sizes: tuple[int, ...]) -> bool:
    """Whether an output loses an axis at some batch size, or has as many rows whatever is given."""
    shapes: dict[int, list[tuple[int, ...]]] = {}
    for size in sizes:
        output, error = call(make(), feed(size))
        print(f"  batch size {size}: {told(output, error)}")
        if size == control:
            must_run(error)
        if error is None:
            shapes[size] = [tuple(tensor.shape) for tensor in tensors(output)]
    shows = False
    for place in range(min(map(len, shapes.values()), default=0)):
        found = {size: each[place] for size, each in shapes.items()}
        own = found.get(control or 0, next(iter(found.values())))
        if any(len(each) != len(own) for each in found.values()):
            shows = True
            continue
        axes = range(len(own))
        ratios = [{each[axis] / size for size, each in found.items()} for axis in axes]
        stays = any(own[axis] == control and len({each[axis] for each in found.values()}) == 1 for axis in axes)
        if len(found) < 2 or not stays or {1.0} in ratios:
            continue
        if any(len(each) == 1 for each in ratios):  # several rows for each sample, or samples that were regrouped
            shows = per_sample_consistency(make, feed, control, sizes) or shows
        else:
            shows = True
    return shows


def per_sample_consistency(make: Make, feed: Feed, control: int | None, sizes: tuple[int, ...]) -> bool:
    """Whether a sample in a batch gives something else than the same sample alone."""
    size = several(make, feed, control, sizes)
    model, longer = make(), feed(size + 1)
    given = feed(size)
    whole, error = call(model, given)
    must_run(error)
    shows = False
    for index in sorted({0, 1, size // 2, size - 1}):
        alone, error = call(model, taken(given, longer, index))
        if error is not None:
            print(f"  sample {index} cannot be run alone: {error}")
            continue
        gap, allowed = distance(whole, alone, size, index)
        shows = shows or gap > allowed
        print(f"  sample {index} of {size} differs by {gap:.3g} from the same sample alone ({allowed:.1g} allowed)")
    return shows


def sample_dependency(make: Make, feed: Feed, control: int | None, sizes: tuple[int, ...]) -> bool:
    """Whether another sample in the batch moves the output of a sample that stays as it is."""
    size = several(make, feed, control, sizes)
    model, longer = make(), feed(size + 1)
    given, other = feed(size), feed(size, 1)
    before, error = call(model, given)
    must_run(error)
    shows = False
    for index in (0, size - 1):
        after, error = call(model, exchanged(given, other, longer, index))
        must_run(error)
        for still in sorted({0, 1, size - 1} - {index}):
            gap, allowed = distance(before, after, size, still, still)
            shows = shows or gap > allowed
            print(f"  another sample {index} moves the output of sample {still} by {gap:.3g} ({allowed:.1g} allowed)")
    return shows


def state_between_runs(make: Make, feed: Feed, control: int | None, sizes: tuple[int, ...]) -> bool:
    """Whether one run changes what the next one gives."""
    size = control or sizes[0]
    shorter = size - 1 if size > 1 else 2
    model = make()
    first, error = call(model, feed(size))
    must_run(error)
    second, error = call(model, feed(size))
    print(f"  a second run with {size} rows: {told(second, error)}")
    if error is not None:
        return True
    gap, allowed = distance(first, second)
    print(f"  it differs from the first by {gap:.3g} ({allowed:.1g} allowed)")
    fresh, refused = call(make(), feed(shorter))
    third, error = call(model, feed(shorter))
    print(f"  {shorter} rows after that: {told(third, error)}; with a fresh model: {told(fresh, refused)}")
    if refused is not None:
        return gap > allowed
    return gap > allowed or error is not None or distance(third, fresh)[0] > allowed


def other_spatial_sizes(make: Make, feed: Feed, control: int | None, sizes: tuple[int, ...]) -> bool:
    """Whether it raises, or gives another number of rows, with larger inputs."""
    size = 2
    own, error = call(make(), feed(size))
    if error is not None:
        size = control or sizes[0]
        own, error = call(make(), feed(size))
    print(f"  {size} rows at the model's own size: {told(own, error)}")
    must_run(error)
    shows = False
    for what, grow in (("8 larger", lambda side: side + 8), ("twice as large", lambda side: side * 2)):
        output, error = call(make(), feed(size, 0, grow))
        print(f"  {size} rows, {what}: {told(output, error)}")
        shows = shows or error is not None
        for before, after in zip(tensors(own), tensors(output)):
            shows = shows or (before.shape[:1] == (size,) != after.shape[:1])
    return shows


def call(model: Any, given: tuple[tuple[Any, ...], dict[str, Any]], training: bool = False) -> tuple[Any, Any]:
    """The output, and what was raised in place of one."""
    if isinstance(model, torch.nn.Module):
        model.train(training)
    torch.manual_seed(0)
    try:
        return model(*given[0], **given[1]), None
    except Exception as error:
        return None, error


def must_run(error: Any) -> None:
    """Leave where the control fails: that is another fault."""
    if error is not None:
        print(f"  It does not run at its own batch size here: {type(error).__name__}: {error}")
        sys.exit(2)


def told(output: Any, error: Any) -> str:
    """A run in words."""
    if error is not None:
        return f"{type(error).__name__}: {error}{place(error)}"
    return f"ok, {', '.join(str(list(tensor.shape)) for tensor in tensors(output)) or type(output).__name__}"


def place(error: Any) -> str:
    """The innermost line of the code that this is about, where *error* was raised."""
    ours = [
        each
        for each in traceback.extract_tb(error.__traceback__)
        if each.filename == __file__ or each.filename[0] == "<"
    ]
    return f"\n    in {ours[-1].name}: {ours[-1].line}" if len(ours) > 1 and ours[-1].line else ""


def tensors(value: Any) -> list[Any]:
    """The tensors in an output, in order."""
    if isinstance(value, torch.Tensor):
        return [value.detach()]
    if isinstance(value, dict):
        value = list(value.values())
    elif hasattr(value, "__dataclass_fields__"):
        value = [getattr(value, name) for name in value.__dataclass_fields__]
    return [tensor for each in value for tensor in tensors(each)] if isinstance(value, (list, tuple)) else []


def several(make: Make, feed: Feed, control: int | None, sizes: tuple[int, ...]) -> int:
    """The first batch size above 1 at which it runs, the control before all others."""
    for size in dict.fromkeys((control or 0, *sizes)):
        if size > 1 and call(make(), feed(size))[1] is None:
            return size
    print("  It runs with two samples or more at no batch size here.")
    sys.exit(2)


def changed(value: Any, other: Any, longer: Any, change: Any) -> Any:
    """*value* with what follows the batch size changed: *longer* is the same for one row more."""
    if isinstance(value, torch.Tensor):
        axes = [axis for axis in range(value.dim()) if value.shape[axis] != longer.shape[axis]]
        return change(value, other, axes[0]) if axes else value
    if isinstance(value, dict):
        return {key: changed(value[key], other[key], longer[key], change) for key in value}
    if isinstance(value, (list, tuple)):
        return type(value)([changed(*each, change) for each in zip(value, other, longer)])
    return value


def taken(given: Any, longer: Any, index: int) -> Any:
    """One sample of the arguments."""
    return changed(given, given, longer, lambda tensor, other, axis: tensor.narrow(axis, index, 1))


def exchanged(given: Any, other: Any, longer: Any, index: int) -> Any:
    """The arguments with one sample taken from *other* ones."""

    def change(tensor: Any, another: Any, axis: int) -> Any:
        made = tensor.clone()
        made.select(axis, index).copy_(another.select(axis, index))
        return made

    return changed(given, other, longer, change)


def distance(one: Any, other: Any, size: int = 0, index: int = 0, place: int = 0) -> tuple[float, float]:
    """The largest difference, and what rounding allows; of one sample where *size* rows are given."""
    gap, allowed = 0.0, 1e-6
    for left, right in zip(tensors(one), tensors(other)):
        axes = [axis for axis in range(left.dim()) if left.shape[axis] == size] if size else []
        if size and (not axes or not left.is_floating_point()):
            continue
        if axes:
            rows = right.shape[axes[0]]
            left = left.select(axes[0], index)
            right = right.select(axes[0], place if rows > 1 else 0)
        if left.shape != right.shape:
            return float("inf"), allowed
        if left.numel():
            gap = max(gap, float((left.double() - right.double()).abs().max()))
            allowed = max(allowed, 1e-4 * float(left.double().abs().max()))
    return gap, allowed
