"""What to say where a fixed number of rows meets the rows that really are there."""

from __future__ import annotations

from typing import TYPE_CHECKING

from batchlint.semantics.advice import is_torch, rows_of
from batchlint.semantics.fixed_batch import FIRST_BATCH, describe, fixed_symbols, never_short, number_of
from batchlint.semantics.tensors import real_role
from batchlint.semantics.values import Mark, MarkKind, Source, Tensor

if TYPE_CHECKING:
    from batchlint.semantics.observations import Observation, Report


def explain(observation: Observation, report: Report, kind: MarkKind, verb: str) -> None:
    """Report every mark of *kind* on the fixed side of a batch conflict."""
    fixed, real = observation.arguments["fixed"], observation.arguments["real"]
    assert isinstance(fixed, Tensor)
    assert isinstance(real, Tensor)
    context = observation.context
    if FIRST_BATCH in context.guards or not _certain(observation, real):
        return
    symbols = fixed_symbols((*fixed.shape.leading, *fixed.shape.trailing))
    where, notes = describe(symbols, observation.origins)
    shape = f"{fixed.shape} meets {real.shape}" if real.shape.leading else None
    operation = observation.name.rpartition(".")[2]
    one = number_of(symbols) == "1"
    for mark in fixed.marks:
        if one and not is_torch(_made_by(mark, observation.name)):
            # A row of its own on purpose: it is broadcast to as many as come.
            continue
        if mark.kind is kind:
            report(
                mark.node,
                f"this tensor {verb} a batch of {number_of(symbols)} ({where}) but meets as many rows as came in "
                f"`{operation}`: a shorter last batch or a single sample raises; {_instead(mark, observation.name)}",
                shape=shape,
                latent=bool(context.guards) or never_short(real, context),
                notes=(*notes, ("they meet here", observation.node)),
            )


def _instead(mark: Mark, operation: str) -> str:
    """What to write in place of the number."""
    made = _made_by(mark, operation)
    if is_torch(made):
        return "use the size of the tensor it meets"
    return f"use the rows of the tensor it meets, `{rows_of(made)}`"


def _made_by(mark: Mark, operation: str) -> str:
    """The function that made the tensor of *mark*; *operation* where that is not known."""
    return mark.detail if isinstance(mark.detail, str) else operation


def _certain(observation: Observation, real: Tensor) -> bool:
    """Whether the other side has as many rows as came, also where its shape is not known."""
    if real_role(real.shape):
        return True
    if real.marks:
        return False
    return observation.context.in_module or Source.LOADER in real.sources
