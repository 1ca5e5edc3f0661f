"""One try to call a model, and what it was doing when it failed.

A try may run on the meta device, where shapes are computed and nothing else, on a copy of the model. Every operation of
the framework is noted with the shapes it got, and with the arguments of the model that each tensor comes from: so the
operation that fails says which argument was wrong, and how.
"""

from __future__ import annotations

import copy
import re
import time
import traceback
import weakref
from collections.abc import Iterable, Iterator, Mapping
from contextlib import ExitStack, closing
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import nn
from torch.overrides import TorchFunctionMode
from torch.utils.hooks import RemovableHandle

from batchlint.verify.recipes import Inputs
from batchlint.verify.worker.making import arguments
from batchlint.verify.worker.preserving import preserved_model
from batchlint.verify.worker.records import Record
from batchlint.verify.worker.tensors import tensors_in
from batchlint.verify.worker.timeouts import TimeLimit

MAXIMUM_OPERATIONS = 20_000

WEIGHTED = frozenset(
    {
        "linear", "bilinear", "conv1d", "conv2d", "conv3d", "conv_transpose1d", "conv_transpose2d", "conv_transpose3d",
        "embedding", "embedding_bag", "batch_norm", "instance_norm", "layer_norm", "group_norm", "rms_norm", "lstm",
        "gru", "rnn_tanh", "rnn_relu", "lstm_cell", "gru_cell", "rnn_tanh_cell", "rnn_relu_cell", "prelu",
        "multi_head_attention_forward",
    }
)  # fmt: skip
"""Operations with weights, which say what sizes they take."""

_PRODUCTS = frozenset({"matmul", "mm", "bmm", "addmm", "einsum", "__matmul__", "__rmatmul__"})


@dataclass(frozen=True, slots=True)
class Seen:
    """What is noted of a tensor.

    Attributes:
        shape: its sizes.
        dtype: e.g. ``float32``.
        sources: names of the arguments that it comes from.
        fresh: those of them that went through no operation with weights on the way.
        weight: whether it is a parameter or buffer of the model.
    """

    shape: tuple[int, ...]
    dtype: str
    sources: frozenset[str] = frozenset()
    fresh: frozenset[str] = frozenset()
    weight: bool = False

    @property
    def direct(self) -> bool:
        """Whether it comes from arguments alone, through no operation with weights."""
        return self.fresh == self.sources


@dataclass(frozen=True, slots=True)
class Operation:
    """A call of the framework: its name, what it was given (tensors as `Seen`), and the shapes it gave."""

    name: str
    arguments: tuple[Any, ...]
    keywords: Mapping[str, Any]
    result: tuple[tuple[int, ...], ...] = ()

    def tensors(self) -> list[Seen]:
        """The tensors among the arguments, in order."""
        found: list[Seen] = []
        for value in (*self.arguments, *self.keywords.values()):
            found.extend(seen_in(value))
        return found


@dataclass(frozen=True, slots=True)
class LayerCall:
    """A call of a module, with its arguments as in `Operation`."""

    module: nn.Module
    arguments: tuple[Any, ...]
    keywords: Mapping[str, Any]
    operations_before: int = 0


@dataclass(frozen=True, slots=True)
class Trial:
    """How a call of a model went.

    Attributes:
        error: what was raised, ``None`` if nothing was.
        operations: the operations that were finished.
        failing: the one that raised, ``None`` where the model's own Python did.
        layers: the modules that were being called when it failed, outermost first.
        calls: every call of a module, in order.
        outputs: shapes of the tensors in the output.
        seconds: wall time.
        lacks: an argument, and what was asked of it that it has not: an attribute, or a method (``to_here()``).
    """

    error: BaseException | None
    operations: tuple[Operation, ...] = ()
    failing: Operation | None = None
    layers: tuple[LayerCall, ...] = ()
    calls: tuple[LayerCall, ...] = ()
    outputs: tuple[tuple[int, ...], ...] = ()
    seconds: float = 0.0
    lacks: tuple[str, str] | None = None

    @property
    def passed(self) -> bool:
        """Whether nothing was raised."""
        return self.error is None

    @property
    def message(self) -> str:
        """What was raised, in one line."""
        return "" if self.error is None else f"{type(self.error).__name__}: {' '.join(str(self.error).split())[:500]}"

    def at(self, index: int) -> Operation | None:
        """The operation number *index*, whether it was finished or failed."""
        if index < len(self.operations):
            return self.operations[index]
        return self.failing if index == len(self.operations) else None


def seen_in(value: Any) -> list[Seen]:
    """The noted tensors in a nest of tuples, lists and dicts."""
    if isinstance(value, Seen):
        return [value]
    if isinstance(value, tuple | list):
        return [seen for item in value for seen in seen_in(item)]
    if isinstance(value, dict):
        return [seen for item in value.values() for seen in seen_in(item)]
    return []


def on_meta(model: nn.Module) -> nn.Module | None:
    """A copy of *model* on the meta device, made without copying its weights; ``None`` if it cannot be copied."""
    memo: dict[int, Any] = {}
    try:
        for module in model.modules():
            for tensor in _tensors_of(module):
                if id(tensor) not in memo and tensor.layout is torch.strided:
                    empty = torch.empty_like(tensor.detach(), device="meta")
                    if isinstance(tensor, nn.Parameter):
                        memo[id(tensor)] = nn.Parameter(empty, requires_grad=tensor.requires_grad)
                    else:
                        memo[id(tensor)] = empty
        copied: nn.Module = copy.deepcopy(model, memo)
    except TimeLimit:
        raise
    except BaseException:
        return None
    return copied


def _tensors_of(module: nn.Module) -> Iterator[torch.Tensor]:
    yield from module.parameters(recurse=False)
    yield from module.buffers(recurse=False)
    for name, value in vars(module).items():
        if name not in ("_parameters", "_buffers", "_modules"):
            yield from tensors_in(value)


def attempt(
    model: Any,
    inputs: Inputs,
    names: Iterable[str],
    batch: int,
    device: torch.device,
    seed: int,
    namespace: Mapping[str, Any],
    traced: bool = True,
    watch: Watch | None = None,
) -> Trial:
    """Call *model* with *batch* rows of *inputs*; nothing that it raises gets through.

    Args:
        model: it is left as it was.
        inputs: what to call it with.
        names: a name for each positional argument.
        batch: rows.
        device: where the inputs are made, and tensors that the model makes without saying where.
        seed: of all random numbers.
        namespace: what names in expressions mean.
        traced: whether operations and calls of modules are noted.
        watch: a watch over *model*, where there is one already.
    """
    begin = time.perf_counter()
    trace = _Trace()
    output: Any = None
    error: BaseException | None = None
    given: dict[str, Any] = {}
    with ExitStack() as stack:
        if watch is not None and device.type == "meta":
            stack.callback(watch.restore)
        else:
            stack.enter_context(preserved_model(model))
        try:
            if device.type == "meta":
                stack.enter_context(device)
            else:
                torch.manual_seed(seed)
            positional, keywords = arguments(inputs, batch, seed, device, {**namespace, "model": model})
            given = {**dict(zip(names, positional)), **keywords}
            if traced:
                if isinstance(model, nn.Module):
                    watching = watch or stack.enter_context(closing(Watch(model)))
                    watching.trace = trace
                    stack.callback(setattr, watching, "trace", None)
                    trace.known = dict(watching.weights)
                for name, tensor in _parts(given):
                    trace.mark(tensor, frozenset({name}), frozenset({name}))
                stack.enter_context(trace)
            output = model(*positional, **keywords)
        except TimeLimit:
            raise
        except BaseException as raised:
            error = raised
        trace.active = False
    failing = trace.failing if trace.failed is error and error is not None else None
    lacks = _lacking(error, given) if isinstance(error, AttributeError) else None
    if error is not None:
        # Frames hold the arguments and whatever else the model made.
        error.__traceback__ = None
    outputs = tuple(tuple(tensor.shape) for tensor in tensors_in(output))
    return Trial(
        error,
        tuple(trace.operations),
        failing,
        tuple(trace.stack) if error is not None else (),
        tuple(trace.calls),
        outputs,
        time.perf_counter() - begin,
        lacks,
    )


def _parts(given: Mapping[str, Any]) -> Iterator[tuple[str, torch.Tensor]]:
    """The tensors of arguments by name, ``batch.premise`` for what has a name within one."""
    for name, value in given.items():
        parts = value.parts if isinstance(value, Record) else value if type(value) is dict else None
        if parts is None:
            yield from ((name, tensor) for tensor in tensors_in(value))
        else:
            yield from ((f"{name}.{part}", tensor) for part, each in parts.items() for tensor in tensors_in(each))


def _lacking(error: AttributeError, given: Mapping[str, Any]) -> tuple[str, str] | None:
    """The argument that was asked for an attribute that it has not, and what was asked."""
    name = next((name for name, value in given.items() if value is error.obj), None)
    if name is None or not error.name:
        return None
    frames = traceback.extract_tb(error.__traceback__)
    line = (frames[-1].line if frames else None) or ""
    return name, f"{error.name}()" if re.search(rf"\.{error.name}\s*\(", line) else error.name


@dataclass
class _Known:
    tensor: Any
    sources: frozenset[str]
    fresh: frozenset[str]
    weight: bool = False


class _Trace(TorchFunctionMode):
    """Notes the operations of a call and where their tensors come from."""

    def __init__(self) -> None:
        super().__init__()
        self.operations: list[Operation] = []
        self.failing: Operation | None = None
        self.failed: BaseException | None = None
        self.stack: list[LayerCall] = []
        self.calls: list[LayerCall] = []
        self.active = True
        self.known: dict[int, _Known] = {}

    def mark(self, tensor: torch.Tensor, sources: frozenset[str], fresh: frozenset[str]) -> None:
        """*tensor* comes from *sources*, from *fresh* through no weights."""
        self.known[id(tensor)] = _Known(weakref.ref(tensor), sources, fresh)

    def summary(self, value: Any, depth: int = 3) -> Any:
        """*value* with its tensors as `Seen`."""
        if isinstance(value, torch.Tensor):
            known = self.known.get(id(value))
            if known is None or known.tensor() is not value:
                return Seen(tuple(value.shape), str(value.dtype).removeprefix("torch."))
            return Seen(
                tuple(value.shape), str(value.dtype).removeprefix("torch."), known.sources, known.fresh, known.weight
            )
        if depth and isinstance(value, tuple | list):
            return tuple(self.summary(item, depth - 1) for item in value[:64])
        if depth and isinstance(value, dict):
            return {key: self.summary(item, depth - 1) for key, item in list(value.items())[:64]}
        return value if isinstance(value, int | float | str | type(None) | torch.dtype | torch.Size) else None

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs = kwargs or {}
        if not self.active or len(self.operations) >= MAXIMUM_OPERATIONS:
            return func(*args, **kwargs)
        name = getattr(func, "__name__", "?")
        if name == "__get__":
            name = getattr(getattr(func, "__self__", None), "__name__", name)
        given = tuple(self.summary(value) for value in args)
        named = {key: self.summary(value) for key, value in kwargs.items()}
        try:
            result = func(*args, **kwargs)
        except BaseException as error:
            if self.failed is not error:
                self.failed, self.failing = error, Operation(name, given, named)
            raise
        inputs = seen_in([given, named])
        sources = frozenset().union(*(seen.sources for seen in inputs)) if inputs else frozenset()
        made = tensors_in(result) if not isinstance(result, torch.Size | int | bool | torch.dtype) else []
        if sources and made:
            heavy = name in WEIGHTED or (name in _PRODUCTS and any(seen.weight for seen in inputs))
            fresh = frozenset() if heavy else frozenset().union(*(seen.fresh for seen in inputs))
            for tensor in made:
                self.mark(tensor, sources, fresh)
        self.operations.append(Operation(name, given, named, tuple(tuple(tensor.shape) for tensor in made)))
        return result


class Watch:
    """Hooks on the modules of a model that tell a trace of their calls, and what the model was when they were set."""

    def __init__(self, model: nn.Module) -> None:
        self.trace: _Trace | None = None
        self.handles: list[RemovableHandle] = []
        self.weights: dict[int, _Known] = {}
        for module in model.modules():
            for tensor in _tensors_of(module):
                self.weights[id(tensor)] = _Known(weakref.ref(tensor), frozenset(), frozenset(), True)
            if not isinstance(module, torch.jit.ScriptModule):
                self.handles.append(module.register_forward_pre_hook(self._enter, with_kwargs=True))
                self.handles.append(module.register_forward_hook(self._leave))
        self.before = [
            (vars(module), dict(vars(module)), dict(vars(module).get("_buffers", {})))
            for module in model.modules()
            if not isinstance(module, torch.jit.ScriptModule)
        ]

    def _enter(self, module: nn.Module, args: Any, kwargs: Any) -> None:
        trace = self.trace
        if trace is not None and trace.active:
            named = {key: trace.summary(value) for key, value in kwargs.items()}
            positional = tuple(trace.summary(value) for value in args)
            call = LayerCall(module, positional, named, len(trace.operations))
            trace.stack.append(call)
            trace.calls.append(call)

    def _leave(self, module: nn.Module, args: Any, output: Any) -> None:
        if self.trace is not None and self.trace.stack and self.trace.stack[-1].module is module:
            self.trace.stack.pop()

    def restore(self) -> None:
        """Put the attributes of the modules back; their tensors are taken not to be written."""
        for attributes, before, buffers in self.before:
            attributes.clear()
            attributes.update(before)
            if "_buffers" in attributes:
                attributes["_buffers"].clear()
                attributes["_buffers"].update(buffers)

    def close(self) -> None:
        """Take the hooks away."""
        for handle in self.handles:
            handle.remove()


META = torch.device("meta")
CPU = torch.device("cpu")

_UNSURE = (
    "meta", "on the same device", "data-dependent", "fake tensor", "no storage", "cannot access data pointer",
    "not implemented for", "local_scalar_dense",
)  # fmt: skip


def needs_values(trial: Trial) -> bool:
    """Whether a failed try on the meta device may have failed for want of values."""
    if trial.error is None:
        return False
    text = str(trial.error).lower()
    return isinstance(trial.error, NotImplementedError) or any(word in text for word in _UNSURE)


@dataclass
class Bench:
    """A model and the places to try it: on meta first, on real tensors from the first time that meta cannot.

    Attributes:
        model: the real one.
        names: the parameters' names, in order.
        namespace: what names in expressions mean.
        seed: of all random numbers.
        deadline: `time.perf_counter` at which tries are to end.
    """

    model: Any
    names: tuple[str, ...]
    namespace: Mapping[str, Any]
    seed: int = 0
    deadline: float = float("inf")
    meta: Any = field(default=None, repr=False)
    watch: Watch | None = field(default=None, repr=False)
    real_watch: Watch | None = field(default=None, repr=False)
    meta_works: bool = True

    def __post_init__(self) -> None:
        if isinstance(self.model, nn.Module):
            self.meta = on_meta(self.model)
            self.watch = Watch(self.meta) if self.meta is not None else None
        self.meta_works = self.meta is not None

    @property
    def expired(self) -> bool:
        """Whether the time is over."""
        return time.perf_counter() > self.deadline

    def shapes(self, inputs: Inputs, batch: int) -> Trial:
        """A traced try, on meta where that works."""
        if self.meta_works:
            trial = attempt(self.meta, inputs, self.names, batch, META, self.seed, self.namespace, watch=self.watch)
            if not needs_values(trial):
                return trial
            self.meta_works = False
        return self.real(inputs, batch, traced=True)

    def real(self, inputs: Inputs, batch: int, traced: bool = False) -> Trial:
        """A try with real tensors."""
        if traced and self.real_watch is None and isinstance(self.model, nn.Module):
            self.real_watch = Watch(self.model)
        return attempt(
            self.model, inputs, self.names, batch, CPU, self.seed, self.namespace, traced, watch=self.real_watch
        )

    def close(self) -> None:
        """Leave nothing on the model."""
        if self.real_watch is not None:
            self.real_watch.close()
