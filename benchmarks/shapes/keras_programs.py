"""``python -m benchmarks.shapes.keras_programs``: run programs of TensorFlow and Keras and compare every claim."""

from __future__ import annotations

import argparse
import re
import sys
from pathlib import Path
from typing import NamedTuple

import libcst as cst

from benchmarks.shapes import claims, comparison
from benchmarks.shapes.comparison import Outcome
from benchmarks.shapes.instrument import RECORDER, Expressions, instrumented
from benchmarks.shapes.worker import Worker

_PROGRAMS = Path(__file__).with_name("programs")
_ROWS = re.compile(r"^ROWS = \d+$", re.MULTILINE)
_WHOLE_PROCESS = re.compile(r"disable_v2_behavior|disable_eager_execution|set_floatx|set_image_data_format")
"""What changes everything that runs later in the same process."""
SIZES = (1, 2, 3, 6)


class Result(NamedTuple):
    """The outcomes of one program at one number of rows, or why there are none."""

    path: Path
    rows: int | None
    concrete: Outcome | None = None
    generic: tuple[Outcome, ...] = ()
    error: str | None = None
    expressions: Expressions | None = None


def examine(path: Path, rows: int | None, worker: Worker) -> Result:
    """Run the program of *path* and compare what was claimed with what was seen."""
    text = path.read_text(encoding="utf-8")
    if rows is not None:
        text = _ROWS.sub(f"ROWS = {rows}", text)
    module = cst.parse_module(text)
    expressions = Expressions(module)
    worker.submit({"code": instrumented(module, expressions), "recorder": RECORDER, "rows": rows or 5})
    concrete = claims.with_inputs(text, module, expressions)
    generic = claims.for_any_call(text, module, expressions)
    answer = worker.answer()
    if _WHOLE_PROCESS.search(text):
        worker.close()
    if "error" in answer:
        return Result(path, rows, error=answer["error"])
    seen = answer["seen"]
    return Result(
        path,
        rows,
        comparison.compare(concrete, seen),
        tuple(comparison.compare(each, seen) for each in generic.values()),
        expressions=expressions,
    )


def main() -> int:
    """Compare every program at several numbers of rows; 1 if a claim is wrong."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.shapes.keras_programs", description=__doc__)
    parser.add_argument("files", nargs="*", type=Path, help="other programs than the benchmark's own")
    parser.add_argument("--timeout", type=float, default=120, help="seconds for one run (default: 120)")
    parser.add_argument("--unknown", action="store_true", help="list the expressions of which nothing is known")
    parser.add_argument("--failures", action="store_true", help="say why programs that were named did not run")
    arguments = parser.parse_args()
    files = arguments.files or sorted(each for each in _PROGRAMS.glob("*.py") if each.name != "__init__.py")
    results: list[Result] = []
    worker = Worker([], arguments.timeout, "keras_execution.py")
    try:
        for path in files:
            sizes = SIZES if _ROWS.search(path.read_text(encoding="utf-8")) else (None,)
            for rows in sizes:
                result = examine(path, rows, worker)
                results.append(result)
                if result.error is None or arguments.failures or not arguments.files:
                    _tell(result)
                if arguments.unknown and result.concrete is not None and rows == sizes[-1]:
                    _list_unknown(result)
    finally:
        worker.close()
    outcomes = [each for result in results for each in (result.concrete, *result.generic) if each is not None]
    wrong = sum(len(each.wrong) for each in outcomes)
    print(_figures(results, outcomes, wrong))
    return 1 if wrong else 0


def _figures(results: list[Result], outcomes: list[Outcome], wrong: int) -> str:
    ran = [result for result in results if result.error is None]
    tensors = {(result.path, number) for result in ran if result.concrete for number in result.concrete.tensors}
    unknown = {(result.path, number) for result in ran if result.concrete for number in result.concrete.not_known}
    return (
        f"{len({result.path for result in ran})} programs in {len(ran)} runs ({len(results) - len(ran)} runs failed): "
        f"{sum(each.evaluations for each in outcomes):,} evaluations compared, {wrong} wrong; "
        f"{len(tensors):,} tensor expressions, {1 - len(unknown & tensors) / max(len(tensors), 1):.1%} known; "
        f"{sum(len(each.unmatched) for each in outcomes)} claims never there"
    )


def _tell(result: Result) -> None:
    """Errors and wrong claims as they are found."""
    name = f"{result.path.parent.name}/{result.path.name}" + (f" with {result.rows} rows" if result.rows else "")
    if result.error is not None:
        print(f"{name}: {result.error}", file=sys.stderr)
        return
    assert result.expressions is not None
    assert result.concrete is not None
    for which, outcome in (("", result.concrete), *((" for any input", each) for each in result.generic)):
        for wrong in outcome.wrong:
            code = _code(result.expressions, wrong.number)
            where = f" in {wrong.context}" if wrong.context else ""
            print(f"{name}: wrong{which}: {code!r}{where}: {wrong.claimed}, seen {wrong.seen}", file=sys.stderr)


def _list_unknown(result: Result) -> None:
    assert result.expressions is not None
    assert result.concrete is not None
    for number in sorted(result.concrete.not_known & result.concrete.tensors):
        node = result.expressions.nodes[number]
        if not isinstance(node, cst.Name):
            print(f"{result.path.name}: not known: {_code(result.expressions, number)}")


def _code(expressions: Expressions, number: int) -> str:
    return " ".join(cst.Module([]).code_for_node(expressions.nodes[number]).split())[:100]


if __name__ == "__main__":
    sys.exit(main())
