"""What was run and what came of it: plain data that travels from the worker to the reports as JSON."""

from __future__ import annotations

import enum
from dataclasses import dataclass, field


class Verdict(enum.Enum):
    """What running the code says of a finding."""

    CONFIRMED = "confirmed"
    REFUTED = "refuted"
    INCONCLUSIVE = "inconclusive"


class Status(enum.Enum):
    """How one check, or one run in it, ended.

    ``PASSED`` and ``FAILED`` are answers; ``SKIPPED`` is a check that does not apply, ``UNDECIDED`` one that could not
    tell (a control that fails, something data-dependent, a limit that was reached).
    """

    PASSED = "passed"
    FAILED = "failed"
    SKIPPED = "skipped"
    UNDECIDED = "undecided"


class Grade(enum.IntEnum):
    """Where the shape of an input comes from; a refutation needs at least `LAYER`, for spatial sizes `CODE`."""

    GUESSED = 0
    """Probed, or taken from a parameter's name."""
    LAYER = 1
    """The first layer's arguments."""
    CODE = 2
    """A call site, a data set, the parent that makes the call, or the user's own word."""

    @property
    def letter(self) -> str:
        """``A`` for `CODE`, ``B`` for `LAYER`, ``C`` for `GUESSED`."""
        return "CBA"[self.value]


@dataclass(frozen=True, slots=True)
class Frame:
    """A place in the user's sources where something was raised."""

    path: str
    line: int
    function: str = ""


@dataclass(frozen=True, slots=True)
class Failure:
    """An exception of the user's code.

    Attributes:
        kind: the exception's class, e.g. ``RuntimeError``.
        message: its text, cut to something readable.
        frame: the innermost frame in the user's own files, ``None`` where there is none.
        frames: all frames in the user's own files, outermost first.
        out_of_memory: whether memory was what ended it.
        fatal: whether the process or the device's context cannot be used any more.
    """

    kind: str
    message: str
    frame: Frame | None = None
    frames: tuple[Frame, ...] = ()
    out_of_memory: bool = False
    fatal: bool = False


@dataclass(frozen=True, slots=True)
class BatchOutcome:
    """One run at one batch size (or at one variation of it: another spatial size, train mode, the second run in a row).

    Attributes:
        batch_size: the rows that were given.
        status: `Status.PASSED` or `Status.FAILED`, or why neither.
        variation: what else was varied, e.g. ``height and width + 8``; empty for the batch size alone.
        failure: what was raised, if anything.
        output_shapes: shapes of the tensors in the output, in order.
        milliseconds: the time of the run.
        detail: what is wrong where nothing was raised.
    """

    batch_size: int
    status: Status
    variation: str = ""
    failure: Failure | None = None
    output_shapes: tuple[tuple[int, ...], ...] = ()
    milliseconds: float | None = None
    detail: str = ""


@dataclass(frozen=True, slots=True)
class CheckOutcome:
    """The answer of one check.

    Attributes:
        check: the check's name, as rules have it in ``proved_by``.
        status: the answer.
        detail: one sentence with the numbers that decide.
        runs: the runs that it rests on.
        difference: the largest difference that decided, in units of the output, and the pair of samples it was between.
        samples: that pair.
        tolerance: what difference was allowed.
        findings: numbers of the findings that the answer is about, as `Flagged.number` has them; empty for all of the
            target's.
        call_code: for a function outside of models, the call that shows the hazard in the file as it is, with ``count``
            for the number of rows, ``rows()`` and ``labels()`` for data and ``anything()`` for a model, a loss or the
            like; empty where none is known.
        grade: how sure the shapes are that this check made up itself; ``None`` where it needs none, or takes the
            target's.
    """

    check: str
    status: Status
    detail: str = ""
    runs: tuple[BatchOutcome, ...] = ()
    difference: float | None = None
    samples: tuple[int, int] | None = None
    tolerance: float | None = None
    findings: tuple[int, ...] = ()
    call_code: str = ""
    grade: Grade | None = None


@dataclass(frozen=True, slots=True)
class Construction:
    """How an object was made.

    Attributes:
        expression: Python that makes it in the namespace of the sliced module, e.g. ``Net(opt.latent_dim)``.
        setup: statements to run before the expression, e.g. the locals that it reads at its call site.
        origin: where the expression comes from, e.g. ``train.py:41``, ``README.md:17`` or ``defaults``.
        submodule: path of the part of what the expression makes that is meant (``layer1.0``), empty for all of it.
        module: path of the file in whose namespace the expression is evaluated; empty for the target's own.
    """

    expression: str
    setup: tuple[str, ...] = ()
    origin: str = ""
    submodule: str = ""
    module: str = ""


@dataclass(frozen=True, slots=True)
class Profile:
    """Time and memory of a plain forward pass at one batch size.

    Attributes:
        batch_size: rows.
        milliseconds: median wall time of one pass.
        peak_bytes: the most memory in use by tensors during the pass, parameters included; ``None`` where not measured.
    """

    batch_size: int
    milliseconds: float
    peak_bytes: int | None = None


@dataclass(frozen=True, slots=True)
class Environment:
    """What the code ran on.

    Attributes:
        device: e.g. ``cpu`` or ``cuda:0 (NVIDIA H100 80GB HBM3)``.
        versions: package and version, e.g. ``(("torch", "2.13.0"),)``.
        python: the interpreter's version.
        platform: operating system and machine.
        sandbox: what was enforced, a line each.
        not_enforced: what was asked and could not be enforced, a line each.
    """

    device: str
    versions: tuple[tuple[str, str], ...] = ()
    python: str = ""
    platform: str = ""
    sandbox: tuple[str, ...] = ()
    not_enforced: tuple[str, ...] = ()


class Stage(enum.Enum):
    """How far a target came."""

    SLICED = "sliced"
    """Its file was loaded, but it could not be made."""
    BUILT = "built"
    """It was made, but no input was found that it accepts."""
    RUN = "run"
    """It ran at its control batch size."""
    NOT_LOADED = "not loaded"
    """Its file could not be loaded."""


@dataclass(frozen=True, slots=True)
class TargetResult:
    """What came of one target: a class, a function, or a module's own statements.

    Attributes:
        path: the file, as the user gave it.
        qualname: ``Net``, ``train`` or, for a module's own statements, ``<module>``.
        kind: ``class``, ``function`` or ``module``.
        line: the first line of the definition.
        stage: how far it came.
        construction: how it was made, for a class that was.
        inputs: the inputs' recipes as text, e.g. ``x: float32[B, 3, 32, 32]``.
        input_code: Python for each argument, with ``B`` for the batch size: positional as ``torch.randn(B, 3)``, by
            keyword as ``mask=torch.ones(B, 7)``.
        grade: how sure the inputs' shapes are.
        control: the batch size that the code is written for, at which it must run.
        batch_sizes: those at which it ran or was to run, the control first.
        checks: the answers.
        executed_lines: lines of *path* that ran at every batch size that did not raise.
        reached_lines: lines of *path* that ran at all.
        profiles: time and memory by batch size.
        largest_batch: the largest batch that fits, where that was asked.
        environment: what it ran on.
        seed: the seed of its random numbers.
        milliseconds: wall time that the target took.
        reason: why it came no further, in one sentence.
        help: the one thing that the user can say to make it run.
        input_origin: where the inputs' shapes come from, e.g. ``train.py:51``, ``--input`` or ``the first layer``.
    """

    path: str
    qualname: str
    kind: str
    line: int
    stage: Stage
    construction: Construction | None = None
    inputs: tuple[str, ...] = ()
    input_code: tuple[str, ...] = ()
    grade: Grade = Grade.GUESSED
    control: int | None = None
    batch_sizes: tuple[int, ...] = ()
    checks: tuple[CheckOutcome, ...] = ()
    executed_lines: tuple[int, ...] = ()
    reached_lines: tuple[int, ...] = ()
    profiles: tuple[Profile, ...] = ()
    largest_batch: int | None = None
    environment: Environment | None = None
    seed: int = 0
    milliseconds: float = 0.0
    reason: str = ""
    help: str = ""
    input_origin: str = ""


@dataclass(frozen=True, slots=True)
class FindingVerdict:
    """The verdict on one finding.

    Attributes:
        verdict: see `Verdict`.
        reason: one sentence: what failed and where, that nothing did, or why nothing can be said.
        help: the one thing that the user can give to make it run; empty unless inconclusive.
        batch_sizes: those at which the flagged code ran.
        failing: those at which it failed.
        checks: answers of the checks that the rule names.
        target: what was run, ``None`` where nothing could be.
    """

    verdict: Verdict
    reason: str
    help: str = ""
    batch_sizes: tuple[int, ...] = ()
    failing: tuple[int, ...] = ()
    checks: tuple[CheckOutcome, ...] = field(default=())
    target: TargetResult | None = None
