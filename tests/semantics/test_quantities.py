"""What is added up over a loader, and what it is divided by: read from one line of an evaluation each."""

from __future__ import annotations

import ast

import libcst as cst
import pytest

from batchlint.semantics import observations as seen
from batchlint.semantics.evaluator import Evaluator
from batchlint.semantics.observations import Observation
from batchlint.semantics.quantities import Count, count_of, quantity_of
from batchlint.semantics.survey import survey
from batchlint.semantics.values import Quantity, QuantityKind

MEAN, SUM = QuantityKind.MEAN, QuantityKind.SUM

PROGRAM = """
import numpy as np
import torch
import torch.nn.functional as F
from torch import nn
from torch.utils.data import DataLoader, SubsetRandomSampler

batch_size = 64
dataset = read()
loader = DataLoader(dataset, batch_size=batch_size{more})
other = DataLoader(read(), batch_size=batch_size)
model = build()
mean_of_classes = nn.CrossEntropyLoss(weight=torch.ones(10)).cuda()
summed = nn.MSELoss(reduction="sum")
each = nn.L1Loss(reduction="none")
open_reduction = nn.MSELoss(reduction=option())

def helper(prediction, target):
    return F.smooth_l1_loss(prediction, target)

total, rows, steps, guessed = 0, 0, 0, 0
values = []
for i, (x, y) in enumerate(loader):
    out = model(x)
    rows += y.size(0)
    steps += 1
    guessed += batch_size
    part = {part}
    values.append(part)
    {add}
result = {total} / {divisor}
"""


def divided(
    part: str = "F.cross_entropy(out, y)",
    divisor: str = "1",
    add: str = "total += part",
    total: str = "total",
    more: str = "",
) -> tuple[Quantity | None, Count | None]:
    """The quantity that is divided in the last line, and what the divisor counts."""
    text = PROGRAM.format(part=part, divisor=divisor, add=add, total=total, more=more)
    found: list[Observation] = []
    evaluator = Evaluator(survey(ast.parse(text)).facts, frozenset({seen.DIVIDE}), found.append)
    evaluator.run_module(cst.parse_module(text))
    last = found[-1].arguments
    quantity = quantity_of(last["left"])
    if quantity is None or quantity.loader is None:
        return quantity, None
    return quantity, count_of(last["right"], quantity.loader)


@pytest.mark.parametrize(
    ("part", "kind"),
    [
        ("F.cross_entropy(out, y)", MEAN),
        ("F.cross_entropy(out, y).item()", MEAN),
        ("F.nll_loss(out, y).data[0]", MEAN),
        ("float(mean_of_classes(out, y))", MEAN),
        ("mean_of_classes(out, y).detach().cpu().numpy()", MEAN),
        ("mean_of_classes(out, y).sum().item()", MEAN),
        ("helper(out, y)", MEAN),
        ("0.5 * helper(out, y) + 2 * F.l1_loss(out, y)", MEAN),
        ("each(out, y).mean()", MEAN),
        ("each(out, y).sum(1).mean()", MEAN),
        ("torch.mean((out - y) ** 2)", MEAN),
        ("(out.argmax(1) == y).float().mean()", MEAN),
        ("out.argmax(1).eq(y).sum().item() / len(y)", MEAN),
        ("F.nll_loss(out, y, reduction='sum')", SUM),
        ("F.nll_loss(out, y, size_average=False).item()", SUM),
        ("summed(out, y)", SUM),
        ("each(out, y).sum()", SUM),
        ("F.kl_div(out, y, reduction='batchmean') * x.size(0)", SUM),
        ("helper(out, y).item() * len(x)", SUM),
        ("helper(out, y).item() * batch_size", SUM),
        ("torch.sum(out.argmax(1) == y)", SUM),
        ("out.argmax(1).eq(y.view_as(out)).sum()", SUM),
    ],
)
def test_what_is_added_up_is_a_mean_or_a_sum(part: str, kind: QuantityKind) -> None:
    quantity, _ = divided(part)
    assert quantity is not None
    assert (quantity.kind, quantity.accumulated) == (kind, True)


@pytest.mark.parametrize(
    "part",
    [
        "open_reduction(out, y)",
        "imported_loss(out, y)",
        "model(x, y).loss",
        "helper(out, y) * scale()",
        "helper(out, y) + summed(out, y)",
        "helper(out, y) + torch.sum(out ** 2)",
        "summed(out, y) * x.size(0)",
        "helper(out, y) / x.size(0)",
        "x.sum()",
        "x.size(0)",
    ],
)
def test_what_is_not_certain_is_nothing(part: str) -> None:
    assert divided(part)[0] is None


def test_a_number_for_each_sample_is_no_total() -> None:
    quantity, _ = divided("each(out, y)")
    assert quantity is not None
    assert (quantity.kind, quantity.accumulated) == (QuantityKind.EACH, False)


@pytest.mark.parametrize(
    ("divisor", "count"),
    [
        ("len(dataset)", Count.SAMPLES),
        ("len(loader.dataset)", Count.SAMPLES),
        ("len(loader.sampler)", Count.SAMPLES),
        ("float(len(loader.dataset))", Count.SAMPLES),
        ("rows", Count.SAMPLES),
        ("len(loader)", Count.BATCHES),
        ("steps", Count.BATCHES),
        ("(i + 1)", Count.BATCHES_SO_FAR),
        ("(len(loader) * batch_size)", Count.FULL_BATCHES),
        ("(64 * len(loader))", Count.FULL_BATCHES),
        ("(len(loader) * loader.batch_size)", Count.FULL_BATCHES),
        ("((i + 1) * batch_size)", Count.FULL_BATCHES_SO_FAR),
        ("guessed", Count.CONSTANTS),
        ("len(other.dataset)", None),
        ("len(other)", None),
        ("(len(loader) * 10)", None),
        ("(len(loader) + batch_size)", None),
        ("batch_size", None),
        ("100", None),
    ],
)
def test_what_a_divisor_counts(divisor: str, count: Count | None) -> None:
    assert divided(divisor=divisor)[1] is count


def test_a_sampler_of_a_part_leaves_rows_out() -> None:
    more = ", sampler=SubsetRandomSampler(indices)"
    assert divided(divisor="len(loader.dataset)", more=more)[1] is Count.WHOLE_DATASET
    assert divided(divisor="len(loader.sampler)", more=more)[1] is Count.SAMPLES


@pytest.mark.parametrize("total", ["sum(values)", "np.sum(values)"])
def test_a_list_of_one_number_a_batch_is_added_up(total: str) -> None:
    quantity, count = divided(total=total, divisor="len(dataset)")
    assert quantity is not None
    assert (quantity.kind, quantity.accumulated, count) == (MEAN, True, Count.SAMPLES)


@pytest.mark.parametrize("add", ["total += part", "total = total + part", "total = part + total"])
def test_adding_is_read_in_every_spelling(add: str) -> None:
    quantity, _ = divided(add=add)
    assert quantity is not None
    assert quantity.accumulated


def test_the_last_batch_alone_is_not_added_up() -> None:
    quantity, _ = divided(add="total = part")
    assert quantity is not None
    assert not quantity.accumulated


def test_the_rows_of_a_skipped_short_batch_are_counted_right() -> None:
    add = "\n    ".join(("if len(x) < batch_size:", "    continue", "total += part", "seen += batch_size"))
    assert divided(add=add.replace("seen", "rows"), divisor="rows")[1] is not Count.CONSTANTS


@pytest.mark.parametrize(("step", "training"), [("part.backward()", True), ("total += part", False)])
def test_a_loop_that_goes_backward_trains(step: str, training: bool) -> None:
    quantity, _ = divided(add=f"{step}; total += part")
    assert quantity is not None
    assert quantity.training is training
