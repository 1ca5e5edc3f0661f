"""The call of a function whose rows were counted, as Python with simple data in place of what is not known.

It is kept only where the hazard shows with it: the file's own function is called that way, without rewriting.
"""

from __future__ import annotations

import re
from typing import Any

from batchlint.verify.worker.loops.driving import LABELS, NO_TENSOR, Program
from batchlint.verify.worker.loops.standins import StandIn
from batchlint.verify.worker.loops.variants import Variant

PROBE = 1_009
"""Rows of the run whose arguments are spelled: no number that code has by itself."""


def spelled_call(program: Program, variant: Variant) -> str:
    """``minibatches(inputs=rows(), targets=labels(), batch_size=4)``; empty where it cannot be said so simply.

    Names in it: ``count`` is the number of rows, ``rows()`` and ``labels()`` are data, ``anything()`` is a model, a
    loss or the like.
    """
    name = program.target.qualname
    if variant.constants or variant.choices or not variant.truth or not name.isidentifier():
        return ""
    given = variant.run(PROBE).world.arguments
    spelled = [(key, _spelled(key, value)) for key, value in given.items()]
    if any(value is None for _, value in spelled):
        return ""
    return f"{name}({', '.join(f'{key}={value}' for key, value in spelled)})"


def _spelled(name: str, value: Any) -> str | None:
    if isinstance(value, StandIn):
        if NO_TENSOR.search(name) and not re.fullmatch("data(_?set)?", name):
            return "anything()"
        return "labels()" if LABELS.search(name) else "rows()"
    if type(value).__name__ == "device":
        return 'torch.device("cpu")'
    if isinstance(value, int) and not isinstance(value, bool) and value == PROBE:
        return "count"
    return repr(value) if value is None or isinstance(value, bool | int | float | str) else None
