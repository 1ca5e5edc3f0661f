"""Graphs in TensorFlow 1's style: built by the file's own code, then run in a session with varied numbers of rows.

The placeholders of the file are fed; the parameters of a function that is run by itself become placeholders.
"""

from __future__ import annotations

import ast
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import tensorflow as tf

from batchlint.verify.batch_sizes import ladder
from batchlint.verify.outcomes import BatchOutcome, CheckOutcome, Failure, Frame, Grade, Status
from batchlint.verify.worker.failures import failure_of
from batchlint.verify.worker.loops.crashing import MEETING, samples_of
from batchlint.verify.worker.loops.driving import Program, Run
from batchlint.verify.worker.loops.rewriting import Site
from batchlint.verify.worker.loops.variants import Variant
from batchlint.verify.worker.loops.world import Tensors

CRASH = "crash at batch sizes"
NOT_REACHED = "the flagged code was not reached while the graph was built"
NO_TENSOR = (
    "the flagged value is no tensor of the graph: what it is made of is not in the file, or not in this version of "
    "TensorFlow"
)
SPATIAL = "other spatial sizes"
MAXIMUM_SECONDS = 6.0
MAXIMUM_VALUES = 40_000_000
"""Numbers in what is fed."""
SIZES = (28, 32, 64, 16, 8, 224, 48, 96, 24, 20, 40, 128, 12, 56, 100, 30, 36, 80)
"""Heights and widths that are tried where the graph leaves them open."""
V1 = tf.compat.v1

_OLD = frozenset({"placeholder", "get_variable", "Session", "variable_scope", "placeholder_with_default", "contrib"})


def is_graph(tree: ast.Module) -> bool:
    """Whether a file builds graphs."""
    return any(isinstance(node, ast.Attribute) and node.attr in _OLD for node in ast.walk(tree))


@dataclass(frozen=True)
class Built:
    """A graph with the flagged code in it.

    Attributes:
        graph: it.
        session: with initialised variables.
        flagged: what the flagged code gave.
        placeholders: what is fed.
        batch_size: what the code is written for.
        grade: how sure the shapes of what is fed are.
        run: the run that built it.
    """

    graph: Any
    session: Any
    flagged: tuple[Any, ...]
    placeholders: tuple[Any, ...]
    batch_size: int
    grade: Grade
    run: Run


def prove(program: Program, site: Site) -> CheckOutcome:
    """Build the graph that the finding stands in and run it."""
    reason = "no graph could be built"
    began = time.perf_counter()
    for sample, whole, grade in samples_of(program):
        if time.perf_counter() - began > MAXIMUM_SECONDS:
            break
        built = _build(program, site, Tensors(sample, 10, whole), grade)
        if isinstance(built, Failure):
            found = _raised_while_built(site, built, program)
            if found is not None:
                return found
            line = f" on line {built.frame.line}" if built.frame is not None else ""
            reason = f"the graph could not be built: {built.kind}{line}: {built.message}"[:260]
            continue
        if not built.flagged and site.flagged.code != "BSZ204":
            reason = NO_TENSOR if program.seen(built.run, site) else NOT_REACHED
            continue
        with built.session:
            built = replace(built, batch_size=_control(program, site, built))
            return PROOFS.get(site.flagged.code, _crash)(program, site, built)
    return _outcome(CRASH, site, Status.UNDECIDED, reason)


def _outcome(
    check: str, site: Site, status: Status, detail: str, runs: Sequence[BatchOutcome] = (), grade: Grade | None = None
) -> CheckOutcome:
    return CheckOutcome(check, status, detail, tuple(runs), findings=(site.flagged.number,), grade=grade)


def _build(program: Program, site: Site, tensors: Tensors, grade: Grade) -> Built | Failure:
    graph = tf.Graph()
    with graph.as_default():
        V1.set_random_seed(0)
        variant = Variant(program, site, loads_batches=True, batch_size=program.batch_size)
        world = variant.world(program.batch_size, tensors=tensors)
        world.once = world.whole = True
        run = program.run(world, site)
        if run.error is not None:
            return failure_of(run.error, lambda filename: filename == program.path)
        own = [each for each in run.world.batch_sizes if 1 < each < 100_000]
        placeholders = [op.outputs[0] for op in graph.get_operations() if op.type == "Placeholder"]
        users = [each for each in placeholders if _line_of(each.op, program.path) is not None]
        from_file = bool(placeholders) and all(
            (line := _line_of(each.op, program.path)) is not None and _says_placeholder(program, line)
            for each in placeholders
        )
        fixed = [int(each.shape[0]) for each in users if each.shape.rank and each.shape[0] not in (None, 1)]
        size = max(own or fixed or [program.batch_size])
        session = V1.Session(graph=graph, config=V1.ConfigProto(device_count={"GPU": 0}))
        session.run(V1.global_variables_initializer())
        flagged = tuple(each for each in program.seen(run, site) if isinstance(each, tf.Tensor))
        return Built(graph, session, flagged, tuple(placeholders), size, Grade.CODE if from_file else grade, run)


def _says_placeholder(program: Program, line: int) -> bool:
    return any(
        isinstance(node, ast.Call)
        and node.lineno <= line <= (node.end_lineno or 0)
        and ast.unparse(node.func).rpartition(".")[2].startswith("placeholder")
        for node in ast.walk(program.original)
    )


def _line_of(op: Any, path: str) -> int | None:
    """The user's line that made an operation."""
    lines = [frame.lineno for frame in op.traceback if frame.filename == path]
    return lines[-1] if lines else None


def _raised_while_built(site: Site, failure: Failure, program: Program) -> CheckOutcome | None:
    """A graph whose batch is open cannot be built where no batch size fits, or where its number is asked for."""
    if site.flagged.code not in ("BSZ103", "BSZ206") or failure.frame is None:
        return None
    lines = {*range(site.flagged.statement_line, site.flagged.end_line + 1)}
    if site.flagged.code == "BSZ206":
        lines |= set(site.flagged.note_lines)
    if failure.frame.line not in lines or (program.target.kind == "function" and site.flagged.code == "BSZ103"):
        return None
    if site.flagged.code == "BSZ206" and "None" not in failure.message:
        return None
    what = f"the graph cannot be built, for any number of rows: {failure.kind} on line {failure.frame.line}: "
    runs = [BatchOutcome(size, Status.FAILED, "the graph is built", failure) for size in (program.batch_size,)]
    return _outcome(CRASH, site, Status.FAILED, what + failure.message[:200], runs)


# Feeding


def _fed(built: Built, rows: int, side: int, own: frozenset[Any] = frozenset()) -> dict[Any, Any]:
    """Values for the placeholders: *rows* where the first size is open, *side* where another one is."""
    feeds: dict[Any, Any] = {}
    numbers = np.random.default_rng(0)
    for each in built.placeholders:
        if each.shape.rank is None:
            feeds[each] = np.float32(0.5) if each.dtype.is_floating else each.dtype.as_numpy_dtype(1)
            continue
        sizes = [int(size) if size is not None else side for size in each.shape]
        if sizes and (each.shape[0] is None or each.ref() in own):
            sizes[0] = rows
        if int(np.prod(sizes)) > MAXIMUM_VALUES:
            raise MemoryError(f"{sizes} are too many numbers")
        kind = each.dtype.as_numpy_dtype
        feeds[each] = numbers.random(sizes).astype(kind) if each.dtype.is_floating else np.zeros(sizes, kind)
    return feeds


def _ends(built: Built) -> list[Any]:
    """What depends on the flagged code and nothing else depends on."""
    reached = {each.ref() for each in built.flagged}
    pending = list(built.flagged)
    ends = []
    while pending:
        tensor = pending.pop()
        after = [output for op in tensor.consumers() for output in op.outputs]
        if not after:
            ends.append(tensor)
        for each in after:
            if each.ref() not in reached:
                reached.add(each.ref())
                pending.append(each)
    return ends or list(built.flagged)


def _run(program: Program, site: Site, built: Built, rows: int, side: int) -> tuple[list[Any], Failure | None, Any]:
    """The flagged values at so many rows, else what was raised and by which operation."""
    try:
        flagged, _ = built.session.run([list(built.flagged), _ends(built)], feed_dict=_fed(built, rows, side))
    except tf.errors.OpError as error:
        op = error.op
        lines = [] if op is None else [frame for frame in op.traceback if frame.filename == program.path]
        frames = tuple(Frame(frame.filename, frame.lineno, frame.name) for frame in lines)
        message = _said(error.message or "")
        memory = isinstance(error, tf.errors.ResourceExhaustedError)
        failure = Failure(type(error).__name__, message[:400], frames[-1] if frames else None, frames, memory)
        return [], failure, op
    except (ValueError, TypeError, MemoryError) as error:
        return [], failure_of(error, lambda filename: filename == program.path), None
    return flagged, None, None


def _said(message: str) -> str:
    """What TensorFlow says is wrong, without where in its graph."""
    before = message.partition("[[{{node")[0].strip().splitlines() or [message]
    return " ".join(before[-1].split())


def _is_ours(site: Site, built: Built, failure: Failure, op: Any) -> bool:
    """Whether the flagged operation raised, or one that takes what it gave and that a note names."""
    lines = set(range(site.flagged.statement_line, site.flagged.end_line + 1))
    if failure.frame is not None and failure.frame.line in lines:
        return True
    if op is None:
        return False
    if site.flagged.code == "BSZ201":
        # An axis of unknown size takes up what is missing, and what the tensor is given to next raises.
        fixed = any(each.shape.rank and each.shape[0] == built.batch_size for each in built.flagged)
        return fixed and any(each is one for each in op.inputs for one in built.flagged)
    if site.flagged.code not in MEETING or failure.frame is None:
        return False
    noted = site.flagged.note_lines[-1:]
    return (not noted or failure.frame.line in noted) and any(_follows(each, built.flagged, 6) for each in op.inputs)


def _follows(tensor: Any, flagged: Sequence[Any], depth: int) -> bool:
    if any(tensor is each for each in flagged):
        return True
    return depth > 0 and any(_follows(each, flagged, depth - 1) for each in tensor.op.inputs)


def _is_fed(tensors: Sequence[Any], placeholders: Sequence[Any]) -> bool:
    """Whether one of *tensors* is computed from one of *placeholders*."""
    fed = {each.ref() for each in placeholders}
    pending, reached = list(tensors), {each.ref() for each in tensors}
    while pending:
        tensor = pending.pop()
        if tensor.ref() in fed:
            return True
        for each in tensor.op.inputs:
            if each.ref() not in reached:
                reached.add(each.ref())
                pending.append(each)
    return False


# Proofs


def _crash(program: Program, site: Site, built: Built) -> CheckOutcome:
    """It runs at its own batch size and raises at another, or gives another number of rows."""
    control = built.batch_size
    side = _side(program, site, built, control)
    if side is None:
        _, failure, _ = _run(program, site, built, control, SIZES[0])
        what = "" if failure is None else f"{failure.kind}: {failure.message}"
        return _outcome(CRASH, site, Status.UNDECIDED, f"the graph does not run with {control} rows: {what}"[:260])
    first, _, _ = _run(program, site, built, control, side)
    if not any(each.shape.rank is None or (each.shape.rank and each.shape[0] is None) for each in built.placeholders):
        return _outcome(CRASH, site, Status.UNDECIDED, "nothing that is fed leaves the number of rows open")
    outcomes = [BatchOutcome(control, Status.PASSED)]
    ours: list[tuple[int, str]] = []
    others: list[Failure] = []
    for rows in _others(control):
        values, failure, op = _run(program, site, built, rows, side)
        if failure is not None:
            outcomes.append(BatchOutcome(rows, Status.FAILED, failure=failure))
            if _is_ours(site, built, failure, op):
                line = f" on line {failure.frame.line}" if failure.frame is not None else ""
                ours.append((rows, f"raises {failure.kind}{line}, {failure.message[:200]!r}"))
            else:
                others.append(failure)
            continue
        changed = site.flagged.code == "BSZ201" and any(
            _leads(a, control) and not _leads(b, rows) for a, b in zip(first, values)
        )
        outcomes.append(BatchOutcome(rows, Status.FAILED if changed else Status.PASSED))
        if changed:
            ours.append((rows, f"gives {len(np.atleast_1d(values[0]))} rows instead of {rows}"))
    if ours:
        rows, what = ours[0]
        return _outcome(
            CRASH,
            site,
            Status.FAILED,
            f"fed with {rows} rows, it {what}; with {control} it runs",
            outcomes,
            built.grade,
        )
    if others:
        line = f" on line {others[0].frame.line}" if others[0].frame is not None else ""
        what = f"it raises {others[0].kind}{line} with another number of rows, but not at the flagged code"
        return _outcome(CRASH, site, Status.UNDECIDED, f"{what}: {others[0].message}"[:260], outcomes)
    if site.flagged.code in MEETING and not _is_fed(_ends(built), built.placeholders):
        # It was made, but the rows that it should meet were not: they come from something that could not be built.
        return _outcome(CRASH, site, Status.UNDECIDED, "what the flagged tensor meets could not be built", outcomes)
    if built.grade is Grade.GUESSED:
        return _outcome(CRASH, site, Status.UNDECIDED, "it runs, but the shape of what is fed is a guess", outcomes)
    listed = ", ".join(str(each) for each in _others(control))
    return _outcome(CRASH, site, Status.PASSED, f"runs with {control} rows, and with {listed}", outcomes, built.grade)


def _leads(value: Any, rows: int) -> bool:
    shape = np.shape(value)
    return bool(shape) and shape[0] == rows


def _others(control: int) -> list[int]:
    return [size for size in ladder(control, ()) if size != control]


def _control(program: Program, site: Site, built: Built) -> int:
    """The first number of rows at which the graph runs: what the code says, else a number that stands in the file."""
    numbers = (node.value for node in ast.walk(program.original) if isinstance(node, ast.Constant))
    wanted = [int(each) for each in numbers if type(each) is int and 2 <= each <= 512]
    for rows in dict.fromkeys((built.batch_size, *program.target.own_batch_sizes, *wanted)):
        if built.flagged and _run(program, site, built, rows, SIZES[0])[1] is None:
            return rows
    return built.batch_size


def _side(program: Program, site: Site, built: Built, rows: int) -> int | None:
    """A size for what the placeholders leave open beside the rows, at which the graph runs."""
    for side in SIZES if _is_open(built) else SIZES[:1]:
        _, failure, _ = _run(program, site, built, rows, side)
        if failure is None:
            return side
    return None


def _is_open(built: Built) -> bool:
    return any(each.shape.rank and None in list(each.shape)[1:] for each in built.placeholders)


def _placeholder(program: Program, site: Site, built: Built) -> CheckOutcome:
    """BSZ204: the flagged placeholder is fed with one row fewer."""
    lines = range(site.flagged.line, site.flagged.end_line + 1)
    found = [each for each in built.placeholders if _line_of(each.op, program.path) in lines]
    if not found:
        return _outcome(CRASH, site, Status.UNDECIDED, "no placeholder was made at the flagged code")
    shape = [int(size) if size is not None else 4 for size in found[0].shape] if found[0].shape.rank else []
    if not shape:
        return _outcome(CRASH, site, Status.UNDECIDED, "the flagged placeholder has no rows")
    rows = shape[0] if found[0].shape[0] is not None else 32
    if rows * int(np.prod(shape[1:])) > MAXIMUM_VALUES:
        return _outcome(CRASH, site, Status.UNDECIDED, f"{shape} are too many numbers to feed")
    outcomes = []
    with built.graph.as_default():
        value = tf.identity(found[0])
    failures = []
    for count in [rows, *(each for each in (rows - 1, 1) if 0 < each < rows)]:
        given = np.zeros((count, *shape[1:]), found[0].dtype.as_numpy_dtype)
        try:
            built.session.run(value, feed_dict={found[0]: given})
            outcomes.append(BatchOutcome(count, Status.PASSED))
        except (ValueError, tf.errors.OpError) as error:
            failure = Failure(type(error).__name__, " ".join(str(error).split())[:300])
            failures.append(failure)
            outcomes.append(BatchOutcome(count, Status.FAILED, failure=failure))
    if outcomes[0].status is not Status.PASSED or len(outcomes) < 2:
        return _outcome(CRASH, site, Status.UNDECIDED, f"it cannot be fed with {rows} rows", outcomes)
    if failures:
        what = f"fed with {outcomes[1].batch_size} rows, it raises {failures[0].kind}: {failures[0].message}"
        return _outcome(CRASH, site, Status.FAILED, f"{what[:240]}; with {rows} it runs", outcomes)
    return _outcome(CRASH, site, Status.PASSED, f"it can be fed with {rows} rows, with {rows - 1} and with 1", outcomes)


def _mismatch(program: Program, site: Site, built: Built) -> CheckOutcome:
    """BSZ103: the graph was built; it has to run as well."""
    found = _crash(program, site, built)
    if found.status is Status.PASSED and built.grade is Grade.CODE:
        return found
    return _outcome(CRASH, site, Status.UNDECIDED, found.detail, found.runs)


def _hardcoded(program: Program, site: Site, built: Built) -> CheckOutcome:
    """BSZ101: it runs at one height and width alone."""
    if not _is_open(built):
        what = "what is fed has one size, and no other can be given"
        return _outcome(SPATIAL, site, Status.UNDECIDED, what)
    rows = built.batch_size if built.batch_size < 16 else 4
    side = _side(program, site, built, rows)
    if side is None:
        return _outcome(SPATIAL, site, Status.UNDECIDED, "no height and width was found at which the graph runs")
    outcomes = [BatchOutcome(rows, Status.PASSED, f"height and width {side}")]
    failures = []
    for more in (side + 8, side + 16):
        _, failure, op = _run(program, site, built, rows, more)
        status = Status.PASSED if failure is None else Status.FAILED
        outcomes.append(BatchOutcome(rows, status, f"height and width {more}", failure))
        if failure is not None:
            failures.append((more, failure, _is_ours(site, built, failure, op)))
    if len(failures) == 2 and all(ours for _, _, ours in failures):
        more, failure, _ = failures[0]
        what = f"runs at {side} by {side}; at {more} by {more} it raises {failure.kind}: {failure.message[:200]}"
        return _outcome(SPATIAL, site, Status.FAILED, what, outcomes)
    if not failures and built.grade is Grade.CODE:
        what = f"runs at {side} by {side}, and at {side + 8} and {side + 16}"
        return _outcome(SPATIAL, site, Status.PASSED, what, outcomes)
    return _outcome(SPATIAL, site, Status.UNDECIDED, "it raises at other sizes, but not at the flagged code", outcomes)


def _fold(program: Program, site: Site, built: Built) -> CheckOutcome:
    """BSZ102: the folded tensor has as many rows as are fed, at its own size and at others."""
    rows = built.batch_size if built.batch_size < 16 else 4
    side = _side(program, site, built, rows)
    if side is None or len(built.flagged) != 1:
        return _outcome(SPATIAL, site, Status.UNDECIDED, "the graph does not run")
    outcomes, bad = [], []
    sides = (side, side + 4, side + 8) if _is_open(built) else (side,)
    for each in sides:
        for count in (rows, 1, 2, rows + 3):
            values, failure, op = _run(program, site, built, count, each)
            words = f"height and width {each}" if len(sides) > 1 else ""
            if failure is not None:
                ours = _is_ours(site, built, failure, op)
                outcomes.append(BatchOutcome(count, Status.FAILED if ours else Status.UNDECIDED, words, failure))
                if ours:
                    bad.append((count, each, f"raises {failure.kind}"))
                continue
            same = _leads(values[0], count)
            outcomes.append(BatchOutcome(count, Status.PASSED if same else Status.FAILED, words))
            if not same:
                bad.append((count, each, f"gives {len(values[0])} rows for {count}"))
    at_own = [each for each in bad if each[1] == side]
    if at_own and not _cuts_through(built.flagged[0]):
        what = f"it {at_own[0][2]}: that may be meant (a row for each token or pixel)"
        return _outcome(SPATIAL, site, Status.UNDECIDED, what, outcomes)
    if bad:
        count, each, what = bad[0]
        where = "at its own size" if each == side else f"at {each} by {each}, not at {side} by {side},"
        return _outcome(SPATIAL, site, Status.FAILED, f"{where} it {what}", outcomes)
    if all(each.status is Status.PASSED for each in outcomes) and built.grade is Grade.CODE:
        other = f" at {', '.join(map(str, sides))}" if len(sides) > 1 else ", and takes no other image size"
        return _outcome(SPATIAL, site, Status.PASSED, f"gives as many rows as are fed{other}", outcomes)
    return _outcome(SPATIAL, site, Status.UNDECIDED, "it could not be run at other sizes", outcomes)


def _cuts_through(folded: Any) -> bool:
    """Whether rows of the folded tensor end within an axis of what was folded, which nobody means."""
    whole, width = folded.op.inputs[0].shape, folded.shape[-1]
    if whole.rank is None or width is None or None in list(whole)[1:]:
        return False
    products, product = set(), 1
    for size in reversed(list(whole)[1:]):
        product *= int(size)
        products.add(product)
    return int(width) not in products


PROOFS = {"BSZ101": _hardcoded, "BSZ102": _fold, "BSZ103": _mismatch, "BSZ204": _placeholder}
