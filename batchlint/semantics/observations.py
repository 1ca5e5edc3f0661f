"""What the evaluator tells rules: an operation, its abstract arguments and result, and where it stands."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from batchlint.findings import Severity
from batchlint.semantics.facts import FileFacts
from batchlint.semantics.values import UNKNOWN, Function, Instance, Loader, Origin, Value
from batchlint.shapes.dimension import Dimension, Symbol

# Kinds of observation beside canonical operation names such as ``torch.Tensor.view`` and ``torch.nn.Linear``.
LOOP = "loop"
"""A ``for`` loop is about to run; *arguments*: ``iterable``, ``target``."""
LOOP_END = "loop end"
"""A ``for`` loop has run; *arguments* as for `LOOP`."""
COMPREHENSION = "comprehension"
"""A list, set or generator comprehension; *arguments*: ``iterable``."""
SLICE = "slice"
"""``receiver[lower:upper]``, whatever the receiver is; *arguments*: ``receiver``, ``slice`` (a `SliceValue`)."""
INDEX = "index"
"""``receiver[items]``; *arguments*: ``receiver``, ``items`` (a `Sequence`)."""
ASSIGN = "assign"
"""A name or attribute is bound; *arguments*: ``value``; *name* is the name."""
RETURN = "return"
"""A function returns; *arguments*: ``value``."""
CONFLICT = "batch conflict"
"""Real rows meet a fixed number of rows; *arguments*: ``fixed``, ``real`` (tensors); *name* is the operation."""
MISMATCH = "shape mismatch"
"""A shape function is certain that the framework raises; *error* says why; *name* is the operation."""
CONSUME = "consume"
"""An operation that relies on the axes of a tensor marked as squeezed; *arguments*: ``tensor``, ``others``."""
STATIC_BATCH = "static batch"
"""The size of a batch, read when a graph is built, is used as a number; *arguments*: ``size``; *name* is the function
that it is given to, empty for an operator."""
BATCH_STATISTIC = "batch statistic"
"""A reduction over the batch changes single samples; *node* is the reduction, *arguments*: ``tensor`` (the samples)."""
LAST_STEP = "last step"
"""The last step of a recurrent layer is read from sequences padded on the right; *arguments*: ``layer``; *name* is
``index`` for ``outputs[:, -1]``, else the layer that gives it alone."""
TRY = "try"
"""A ``try`` statement with handlers is about to run; *node* is the statement."""
DIVIDE = "divide"
"""``left / right`` (also ``/=``); *arguments*: ``left``, ``right``."""
ACCUMULATE = "accumulate"
"""``name += value``; *arguments*: ``before``, ``value``."""
DROP_LAST = "drop last"
"""A call is given ``drop_last``; *arguments*: all that is given by keyword; *name* is the last name of the callee."""
FIT = "fit"
"""``model.fit``, ``evaluate`` or ``predict`` is given a ``batch_size``; *arguments*: ``x``, ``batch_size`` and, where
it is known, the ``own`` batch size of what feeds the model; *name* is the method's name."""
STEPS = "steps"
"""``model.evaluate`` or ``predict`` is given a number of ``steps``; *arguments*: ``x``, ``steps``."""
SKIP = "skip"
"""``dataset.skip(count)``; *arguments*: ``receiver``, ``count``."""
UNMIXED_BATCHES = "unmixed batches"
"""Batches are shuffled whose samples never are; told when the file has been read, as it may unbatch them later."""
CALL = "call"
"""Any call; *arguments*: ``callee`` and, positionally, ``args``."""


@dataclass(frozen=True, slots=True)
class LoopContext:
    """A loop that encloses the observation."""

    node: Any
    iterable: Value
    loader: Loader | None
    targets: tuple[str, ...]
    conditions: int = 0
    """How many conditions enclosed the loop itself."""


@dataclass(frozen=True, slots=True)
class Context:
    """Where an observation stands.

    Attributes:
        function: the function being evaluated, ``None`` at module level.
        instance: ``self`` of the method being evaluated.
        in_module: whether a method of an ``nn.Module`` (or a layer) is being evaluated.
        loops: the enclosing loops, outermost first, across inlined calls.
        guards: why a hazard here is prevented for now: ``first batch only``, ``short batch skipped``, …
        conditions: the libcst nodes of the tests that enclose it, outermost first, across inlined calls.
        evaluating: whether the code runs without gradients or under ``model.eval()``.
        scope: the libcst node of the function, or of the module, whose statements run.
        drops_last: whether some loader of the file drops its short last batch.
        facts: what one look at the whole file told.
    """

    function: Function | None = None
    instance: Instance | None = None
    in_module: bool = False
    loops: tuple[LoopContext, ...] = ()
    guards: frozenset[str] = frozenset()
    conditions: tuple[Any, ...] = ()
    evaluating: bool = False
    scope: Any = None
    drops_last: bool = False
    facts: FileFacts | None = None
    frameworks: frozenset[str] = frozenset()
    """The frameworks that the file imports: ``tensorflow`` (Keras too), ``torch``, ``numpy``."""


@dataclass(frozen=True, slots=True)
class Observation:
    """One thing that the evaluated program does.

    Attributes:
        operation: a canonical operation name, or a kind from this module.
        node: the libcst node, for positions and source text.
        arguments: abstract arguments by the framework's parameter names.
        result: what the operation gives.
        context: see `Context`.
        name: the canonical name of the operation where *operation* is a kind.
        error: for `MISMATCH`.
        positional: arguments as they were given by position, the tensor of a method first.
        keywords: arguments as they were given by keyword.
        origins: where each fixed batch was written down.
        quotients: the node at which each floor division was made.
    """

    operation: str
    node: Any
    arguments: Mapping[str, Value]
    result: Value = UNKNOWN
    context: Context = Context()
    name: str = ""
    error: Any = None
    positional: tuple[Value, ...] = ()
    keywords: Mapping[str, Value] = field(default_factory=dict)
    origins: Mapping[Symbol, Origin] = field(default_factory=dict)
    quotients: Mapping[Dimension, Any] = field(default_factory=dict)

    def argument(self, *names: str) -> Value:
        """The first of *names* that was given, else unknown."""
        for name in names:
            if name in self.arguments:
                return self.arguments[name]
        return UNKNOWN


class Report(Protocol):
    """How a rule tells a hazard."""

    def __call__(
        self,
        node: Any,
        message: str,
        *,
        severity: Severity | None = None,
        shape: str | None = None,
        latent: bool = False,
        notes: tuple[tuple[str, Any], ...] = (),
    ) -> None:
        """Report *message* at *node*; *notes* are (message, node) of further places."""
        ...
