"""Runs the batches that end long trainings, before they begin: the first, the last (short) one, and a batch of one."""

from __future__ import annotations

import inspect
import math
import time
import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch.overrides import TorchFunctionMode

from batchlint.verify.checks.rows import by_tensor, rows_of
from batchlint.verify.checks.words import shape
from batchlint.verify.model_report import BatchHazard
from batchlint.verify.outcomes import Failure, Status
from batchlint.verify.preflight_report import PreflightReport, PreflightRun
from batchlint.verify.worker.failures import failure_of
from batchlint.verify.worker.loader_batches import batches_of, preserved_loader, rows_in
from batchlint.verify.worker.model import is_users
from batchlint.verify.worker.preserving import preserved_model, preserved_process
from batchlint.verify.worker.tensors import tensors_in

Step = Callable[[Any, Any], Any]

TARGETS = ("target", "targets", "label", "labels", "y")
"""Keys of a dict batch that hold what the loss compares with."""

ELEMENTWISE = frozenset(
    "add sub mul div true_divide rsub __add__ __sub__ __mul__ __truediv__ __radd__ __rsub__ __rmul__ __rtruediv__ "
    "mse_loss l1_loss smooth_l1_loss huber_loss eq __eq__ maximum minimum squared_difference".split()
)
"""Operations that broadcast their operands."""

ONE_VALUE = "Expected more than 1 value per channel when training"


@dataclass
class Broadcast:
    """Operands that were stretched against each other, if any were."""

    shapes: tuple[tuple[int, ...], tuple[int, ...]] | None = None


class _WatchingBroadcasts(TorchFunctionMode):
    """Notes a ``(B, 1)`` that met a ``(B,)``: each row with each, and nobody says so."""

    def __init__(self, seen: Broadcast) -> None:
        super().__init__()
        self.seen = seen

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs = kwargs or {}
        if self.seen.shapes is None and getattr(func, "__name__", "") in ELEMENTWISE:
            operands = [each for each in (*args, *kwargs.values()) if isinstance(each, torch.Tensor)][:2]
            if len(operands) == 2 and is_outer(tuple(operands[0].shape), tuple(operands[1].shape)):
                self.seen.shapes = tuple(operands[0].shape), tuple(operands[1].shape)
        return func(*args, **kwargs)


def is_outer(one: tuple[int, ...], other: tuple[int, ...]) -> bool:
    """Whether one is ``(B, 1)`` and the other ``(B,)``.

    >>> is_outer((8, 1), (8,)), is_outer((8, 1), (8, 1)), is_outer((1, 1), (1,))
    (True, False, False)
    """
    few, many = sorted((one, other), key=len)
    return len(few) == 1 and few[0] > 1 and many == (few[0], 1)


def preflight(
    model: Any,
    loader: Any,
    loss: Callable[..., Any] | None = None,
    *,
    device: str | torch.device | None = None,
    step: Step | None = None,
) -> PreflightReport:
    """See `batchlint.testing.preflight`."""
    where = torch.device(device) if device is not None else _device_of(model)
    runs: list[PreflightRun] = []
    with preserved_process(), preserved_loader(loader):
        found = batches_of(loader)
        for name, load in found.batches:
            work = _Work(model, loss, step, where)
            run = work.run(name, load)
            impossible = name == "batch of one" and found.single_possible is False
            if impossible and run.status is Status.FAILED:
                run = _as_note(work.run(name, load, training=False), run)
            runs.append(run)
    runs = _with_rows(runs)
    report = PreflightReport(type(model).__name__, tuple(runs), found.not_run)
    if not report.safe:
        raise BatchHazard(str(report))
    return report


def _as_note(evaluated: PreflightRun, trained: PreflightRun) -> PreflightRun:
    """A batch of one that fails in training alone, from a loader that gives none, stops nobody."""
    if evaluated.status is Status.FAILED:
        return evaluated
    detail = f"{trained.detail}; the loader gives no such batch, and in eval mode it runs"
    return replace(trained, status=Status.UNDECIDED, detail=detail, advice="")


def _device_of(model: Any) -> torch.device:
    tensors = [*model.parameters(), *model.buffers()] if isinstance(model, torch.nn.Module) else []
    return tensors[0].device if tensors else torch.device("cpu")


@dataclass(frozen=True)
class _Work:
    """What is done with each batch."""

    model: Any
    loss: Callable[..., Any] | None
    step: Step | None
    device: torch.device

    def run(self, name: str, load: Callable[[], Any], training: bool = True) -> PreflightRun:
        """Load a batch and take it through forward, loss and backward; everything is put back."""
        begin = time.perf_counter()
        changes = self.step is not None
        with preserved_model(self.model, changes), preserved_model(self.loss, changes), preserved_process():
            if isinstance(self.model, torch.nn.Module):
                self.model.train(training)
            run = self._tried(name, load)
        return replace(run, milliseconds=(time.perf_counter() - begin) * 1000)

    def _tried(self, name: str, load: Callable[[], Any]) -> PreflightRun:
        size: int | None = None
        seen = Broadcast()
        stage = "loading it"
        try:
            batch = _moved(load(), self.device)
            size = rows_in(batch)
            with torch.enable_grad(), warnings.catch_warnings(), _WatchingBroadcasts(seen):
                warnings.simplefilter("ignore")
                stage = "the step" if self.step is not None else "the forward pass"
                output, target = self._forward(batch)
                stage = "the loss"
                loss = self._loss(output, target)
            shapes = tuple(tuple(tensor.shape) for tensor in tensors_in(output))
            problem, value = _judged(loss)
            if seen.shapes is not None:
                problem = _broadcast(seen.shapes)
            if problem:
                return PreflightRun(name, size, Status.FAILED, *problem, None, shapes, value)
            stage = "the backward pass"
            self._backward(loss)
        except (Exception, SystemExit) as error:
            failure = failure_of(error, is_users)
            return PreflightRun(name, size, Status.FAILED, f"{stage} raises", _advice(failure, name), failure)
        return PreflightRun(name, size, Status.PASSED, output_shapes=shapes, loss=value)

    def _forward(self, batch: Any) -> tuple[Any, Any]:
        """The output and the target; of a step, what it returns is the loss."""
        if self.step is not None:
            return None, self.step(self.model, batch)
        names, required, takes_any = _parameters(self.model)
        if isinstance(batch, Mapping):
            key = next((each for each in TARGETS if each in batch and each not in names), None)
            given = {name: value for name, value in batch.items() if name != key and (takes_any or name in names)}
            if not given:
                expected, found = ", ".join(names) or "nothing", ", ".join(map(str, batch))
                raise TypeError(f"the batch has {found}, the model takes {expected}: give step=, which says how")
            return self.model(**given), batch.get(key) if key is not None else None
        if isinstance(batch, tuple | list) and not hasattr(batch, "data"):
            if len(batch) == 1 or (self.loss is None and 0 < len(batch) <= required):
                return self.model(*batch), None
            return self.model(*batch[:-1]), batch[-1]
        return self.model(batch), None

    def _loss(self, output: Any, target: Any) -> Any:
        if self.step is not None:
            return _own_loss(target)
        if self.loss is not None:
            return self.loss(output, target) if target is not None else self.loss(output)
        return _own_loss(output) if not isinstance(output, torch.Tensor) else None

    def _backward(self, loss: Any) -> None:
        done = any(each.grad is not None for each in self.model.parameters()) if self.step is not None else False
        if isinstance(loss, torch.Tensor) and loss.requires_grad and not done:
            loss.backward()  # type: ignore[no-untyped-call]


def _own_loss(output: Any) -> Any:
    """The loss that a step or a model returns: itself, the first of several, or what is called ``loss``."""
    if isinstance(output, Mapping):
        return output.get("loss")
    if isinstance(output, tuple | list):
        return next((each for each in output if isinstance(each, torch.Tensor) and each.numel() == 1), None)
    return output if isinstance(output, torch.Tensor | float | int) else getattr(output, "loss", None)


def _judged(loss: Any) -> tuple[tuple[str, str] | None, float | None]:
    """What is wrong with a loss, with advice, and its value."""
    if isinstance(loss, torch.Tensor):
        if loss.numel() != 1:
            detail = f"the loss is of shape {shape(tuple(loss.shape))}, not one number"
            return (detail, "reduce it: reduction='mean', or loss.mean()"), None
        loss = loss.detach().item()
    if not isinstance(loss, int | float):
        return None, None
    value = float(loss)
    if not math.isfinite(value):
        advice = "look at the targets, the learning rate's warm-up does not matter yet: nothing was trained"
        return (f"the loss is {value}", advice), value
    return None, value


def _broadcast(shapes: tuple[tuple[int, ...], tuple[int, ...]]) -> tuple[str, str]:
    rows = max(shapes, key=len)[0]
    detail = f"{shape(shapes[0])} meets {shape(shapes[1])}: broadcast to {shape((rows, rows))}, each row with each"
    return detail, "bring both to one shape: output.squeeze(-1), or target.unsqueeze(-1)"


def _advice(failure: Failure, name: str) -> str:
    if failure.out_of_memory:
        return "it does not fit: take a smaller batch, or accumulate gradients over several"
    if ONE_VALUE in failure.message:
        return "batch normalisation needs two rows: drop_last=True, or a batch size that leaves no single row"
    if name == "last batch":
        return "the last batch is shorter: take its size from the data (x.size(0)), or drop it with drop_last=True"
    if name == "batch of one":
        return "one row is lost or fixed somewhere: name the axis in squeeze(), take the size from x.size(0)"
    return "it fails whatever the batch size; if the batch is not (input, target) or keywords, give step="


def _with_rows(runs: list[PreflightRun]) -> list[PreflightRun]:
    """Runs, of which those fail whose outputs do not follow the batch size."""
    good = {run.batch_size: run for run in runs if run.status is Status.PASSED and run.batch_size}
    tensors = by_tensor({size: run.output_shapes for size, run in good.items()}) if len(good) > 1 else None
    for place, shapes in enumerate(tensors or []):
        ranks = {len(each) for each in shapes.values()}
        if max(ranks) == 0 or rows_of(shapes) is not None or (len(ranks) == 1 and len(set(shapes.values())) == 1):
            continue
        if len(ranks) == 1 and len(tensors or []) > 1:
            continue
        return [_without_rows(run, shapes, place) for run in runs]
    return runs


def _without_rows(run: PreflightRun, shapes: Mapping[int, tuple[int, ...]], place: int) -> PreflightRun:
    largest = max(shapes)
    size = run.batch_size
    if size is None or size == largest or size not in shapes or run.status is not Status.PASSED:
        return run
    mine, usual = shapes[size], shapes[largest]
    detail = f"output {place + 1} is {shape(mine)} for {size} rows and {shape(usual)} for {largest}"
    advice = "an axis is lost with one row: name the axis in squeeze()" if len(mine) < len(usual) else ""
    return replace(run, status=Status.FAILED, detail=detail, advice=advice)


def _parameters(model: Any) -> tuple[tuple[str, ...], int, bool]:
    """Names of the forward pass's parameters, how many are required, and whether it takes any keyword."""
    called = model.forward if isinstance(model, torch.nn.Module) else model
    try:
        parameters = inspect.signature(called).parameters.values()
    except (TypeError, ValueError):
        return (), 0, True
    named = [each for each in parameters if each.kind not in (each.VAR_POSITIONAL, each.VAR_KEYWORD)]
    required = sum(each.default is each.empty and each.kind is not each.KEYWORD_ONLY for each in named)
    return tuple(each.name for each in named), required, any(each.kind is each.VAR_KEYWORD for each in parameters)


def _moved(batch: Any, device: torch.device) -> Any:
    if isinstance(batch, Mapping):
        return {key: _moved(value, device) for key, value in batch.items()}
    if isinstance(batch, tuple) and hasattr(batch, "_fields"):
        return type(batch)(*(_moved(value, device) for value in batch))
    if isinstance(batch, tuple | list):
        return type(batch)(_moved(value, device) for value in batch)
    move = getattr(batch, "to", None)
    return move(device) if callable(move) else batch
