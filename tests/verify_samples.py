"""A run of the verifier that never took place: one finding of each verdict, for the tests of its reports."""

from __future__ import annotations

from dataclasses import replace

from batchlint.findings import Finding, Note, Severity, Span
from batchlint.verify.outcomes import (
    BatchOutcome,
    CheckOutcome,
    Construction,
    Environment,
    Failure,
    FindingVerdict,
    Frame,
    Grade,
    Profile,
    Stage,
    Status,
    TargetResult,
    Verdict,
)
from batchlint.verify.plan.plans import FilePlan, Flagged, TargetPlan
from batchlint.verify.session import Verified, VerifyReport

SOURCE = """\
import torch
from torch import nn

BATCH_SIZE = 64


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(3, 16, 5)
        self.classify = nn.Linear(16 * 28 * 28, 10)

    def forward(self, x):
        x = torch.relu(self.conv(x))
        x = x.view(BATCH_SIZE, -1)  # one row a sample
        return self.classify(x)


class Attention(nn.Module):
    def __init__(self, width=32):
        super().__init__()
        self.score = nn.Linear(width, 1)

    def forward(self, x):
        weights = torch.softmax(self.score(x), dim=0)
        return (weights * x).sum(1)


class Pair(nn.Module):
    def forward(self, left, right):
        return (left * right).sum(1).squeeze()


class Guarded(nn.Module):
    def forward(self, x):
        return x.view(BATCH_SIZE, -1) if x.size(0) == BATCH_SIZE else x.flatten(1)
"""

ENVIRONMENT = Environment(
    "cpu", (("torch", "2.13.0"),), "3.11.2", "Linux x86_64", ("no network",), ("memory bound on this platform",)
)

INVALID = "shape '[64, -1]' is invalid for input of size 12544"


def failed(batch_size: int) -> BatchOutcome:
    frame = Frame("net.py", 15, "forward")
    failure = Failure("RuntimeError", INVALID, frame, (frame,))
    return BatchOutcome(batch_size, Status.FAILED, failure=failure, milliseconds=0.6)


def passed(batch_size: int, *rest: int) -> BatchOutcome:
    return BatchOutcome(batch_size, Status.PASSED, output_shapes=((batch_size, *(rest or (10,))),), milliseconds=0.9)


def found(code: str, name: str, message: str, line: int, column: int, end: int, **more: object) -> Finding:
    severity = Severity.ERROR if code == "BSZ402" else Severity.WARNING
    made = Finding(code, name, message, severity, Span(line, column, line, end), "net.py", statement_line=line)
    return replace(made, **more)  # type: ignore[arg-type]


CRASH = found(
    "BSZ201",
    "fixed-batch-reshape",
    "`view` fixes the batch at 64 (BATCH_SIZE, line 4): any other batch raises; use `x.size(0)`",
    15,
    13,
    35,
    shape="x is [B, 16, 28, 28] here",
    notes=(Note("BATCH_SIZE is set here", Span(4, 1, 4, 16)),),
)
MIXED = found("BSZ402", "softmax-over-batch", "`softmax` over dimension 0 mixes the samples", 25, 19, 54)
UNSURE = found("BSZ401", "squeeze-drops-batch", "`squeeze` drops a batch of 1", 31, 16, 47)
SAFE = found("BSZ201", "fixed-batch-reshape", "`view` fixes the batch at 64", 36, 16, 38)

CRASHES = CheckOutcome(
    "crash at batch sizes",
    Status.FAILED,
    "raises at 1, 2, 63, 67 and 71, not at 64",
    (passed(64), failed(1), failed(2), failed(63), failed(67), failed(71)),
)
ROWS = CheckOutcome("leading dimension", Status.PASSED, "every output has B rows", (passed(64),))
MIXES = CheckOutcome(
    "per-sample consistency",
    Status.FAILED,
    "a sample's output depends on the others in its batch",
    (passed(4, 32), BatchOutcome(2, Status.FAILED, detail="sample 1 differs by 0.31"), passed(1, 32)),
    0.3125,
    (1, 0),
    1e-6,
)
FINE = CheckOutcome("crash at batch sizes", Status.PASSED, "", (passed(64), passed(1), passed(2)))
SLOW = CheckOutcome(
    "crash at batch sizes", Status.FAILED, "", (passed(4), BatchOutcome(1, Status.FAILED, detail="no rows"))
)

NET = TargetResult(
    "net.py",
    "Net",
    "class",
    7,
    Stage.RUN,
    Construction("Net()", origin="train.py:41"),
    ("x: float32[B, 3, 32, 32]",),
    ("torch.randn(B, 3, 32, 32)",),
    Grade.CODE,
    64,
    (64, 1, 2, 63, 67, 71),
    (CRASHES, ROWS),
    profiles=(
        Profile(1, 0.4, 2_100_000),
        Profile(2, 0.5, 2_400_000),
        Profile(64, 12.1, 21_000_000),
        Profile(71, 13.5, 23_200_000),
    ),
    largest_batch=4096,
    environment=ENVIRONMENT,
    seed=0,
    input_origin="train.py:51",
)
ATTENTION = TargetResult(
    "net.py",
    "Attention",
    "class",
    19,
    Stage.RUN,
    Construction("Attention()", origin="defaults"),
    ("x: float32[B, 7, 32]",),
    ("torch.randn(B, 7, 32)",),
    Grade.LAYER,
    4,
    (4, 1, 2),
    (MIXES,),
    environment=ENVIRONMENT,
)
PAIR = TargetResult(
    "net.py",
    "Pair",
    "class",
    29,
    Stage.BUILT,
    Construction("Pair()", origin="defaults"),
    environment=ENVIRONMENT,
    reason="no inputs were found that `forward(left, right)` accepts",
    help="say what it takes: --input 'Pair.left: float32[B, 8]'",
)
GUARDED = TargetResult(
    "net.py",
    "Guarded",
    "class",
    34,
    Stage.RUN,
    Construction("Guarded()", origin="defaults"),
    ("x: float32[B, 3]",),
    ("torch.randn(B, 3)",),
    Grade.CODE,
    64,
    (64, 1, 2),
    (FINE,),
    environment=ENVIRONMENT,
)
UNFLAGGED = replace(GUARDED, path="other.py", qualname="Late", line=3, control=4, batch_sizes=(4, 1), checks=(SLOW,))

VERIFIED = (
    Verified(
        CRASH,
        FindingVerdict(
            Verdict.CONFIRMED,
            "the flagged line raises at 1, 2, 63, 67 and 71 and runs at 64",
            batch_sizes=(64, 1, 2, 63, 67, 71),
            failing=(1, 2, 63, 67, 71),
            checks=(CRASHES, ROWS),
            target=NET,
        ),
    ),
    Verified(
        MIXED,
        FindingVerdict(
            Verdict.CONFIRMED,
            "a sample's output changes with the other samples of its batch",
            batch_sizes=(4, 1, 2),
            failing=(2,),
            checks=(MIXES,),
            target=ATTENTION,
        ),
    ),
    Verified(
        UNSURE,
        FindingVerdict(Verdict.INCONCLUSIVE, PAIR.reason, help=PAIR.help, target=PAIR),
    ),
    Verified(
        SAFE,
        FindingVerdict(
            Verdict.REFUTED,
            "it ran at 64, 1 and 2 and nothing was wrong",
            batch_sizes=(64, 1, 2),
            checks=(FINE,),
            target=GUARDED,
        ),
    ),
)

RESIZED = Verified(
    found("BSZ101", "hardcoded-fc-input", "12544 input features are hardcoded", 11, 25, 57),
    FindingVerdict(
        Verdict.CONFIRMED,
        "raises with height and width + 8; runs at its own size",
        batch_sizes=(64, 1, 2),
        failing=(2,),
        checks=(
            CheckOutcome(
                "other spatial sizes",
                Status.FAILED,
                runs=(
                    passed(2),
                    replace(failed(2), variation="height and width + 8"),
                    replace(passed(2), variation="x2"),
                ),
            ),
        ),
        target=NET,
    ),
)
"""Confirmed at another height and width, at a batch size at which nothing is wrong."""

PLAN = FilePlan(
    "net.py",
    SOURCE,
    targets=tuple(
        TargetPlan(
            target.qualname,
            "class",
            target.line,
            target.line + 9,
            (
                Flagged(
                    number,
                    finding.code,
                    finding.span.line,
                    finding.span.end_line,
                    finding.statement_line,
                    finding.span.column,
                    finding.span.end_column,
                    tuple(note.span.line for note in finding.notes),
                ),
            ),
        )
        for number, (finding, target) in enumerate(((CRASH, NET), (MIXED, ATTENTION), (UNSURE, PAIR), (SAFE, GUARDED)))
    ),
)

REPORT = VerifyReport(
    VERIFIED,
    (NET, ATTENTION, PAIR, GUARDED, UNFLAGGED),
    plans={"net.py": PLAN},
    quoted={("net.py", None, line): text for line, text in enumerate(SOURCE.splitlines(), 1)},
    sandbox=("no network (seccomp)", "writes only below a scratch folder (Landlock)", "at most 8 GiB of memory"),
    not_enforced=("nothing",),
    seconds=2.4,
)


def filled_with(text: str) -> VerifyReport:
    """A run in which everything that users' code can say is *text*."""
    finding = replace(CRASH, message=text, name=text, filename=text, shape=text)
    construction = replace(NET.construction, expression=text, origin=text, setup=(text,), submodule=text)  # type: ignore[type-var]
    checks = tuple(
        replace(
            check,
            check=text,
            detail=text,
            runs=tuple(
                replace(run, variation=text, failure=run.failure and replace(run.failure, kind=text, message=text))
                for run in check.runs
            ),
        )
        for check in NET.checks
    )
    target = replace(
        NET,
        path=text,
        qualname=text,
        construction=construction,
        inputs=(text,),
        input_origin=text,
        checks=checks,
        environment=replace(NET.environment, device=text, versions=((text, text),), platform=text, python=text),  # type: ignore[type-var]
    )
    verdict = replace(VERIFIED[0].verdict, reason=text, help=text, target=target, checks=checks)
    plan = replace(PLAN, text=f"{text}\n" * 20)
    return VerifyReport(
        (Verified(finding, verdict),),
        (target,),
        plans={text: plan},
        sandbox=(text,),
        not_enforced=(text,),
        quoted={(text, None, CRASH.span.line): text},
    )
