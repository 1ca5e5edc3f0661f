"""``python -m benchmarks.shapes FOLDER...``: run the models of the catalogue and compare every claimed shape."""

from __future__ import annotations

import argparse
import collections
import importlib.util
import sys
from pathlib import Path
from typing import NamedTuple

import libcst as cst

from benchmarks.shapes import claims, comparison
from benchmarks.shapes.catalogue import COLLECTIONS, Collection, Model
from benchmarks.shapes.comparison import Outcome
from benchmarks.shapes.instrument import RECORDER, Expressions, instrumented
from benchmarks.shapes.report import table
from benchmarks.shapes.standalone import standalone
from benchmarks.shapes.worker import Worker

_ROOT = Path(__file__).parents[2]


class Result(NamedTuple):
    """One model's outcomes, or why there are none."""

    collection: str
    model: Model
    concrete: Outcome | None = None
    generic: Outcome | None = None
    error: str | None = None
    expressions: Expressions | None = None


def locate(collection: Collection, folders: list[Path]) -> Path | None:
    """The checkout of *collection* in one of *folders* (``name`` or ``owner__name``), else the installed package."""
    names = {collection.name.lower().replace("/", "__"), collection.name.lower().rpartition("/")[2]}
    for folder in folders:
        for candidate in (folder, *sorted(folder.iterdir())):
            if candidate.is_dir() and candidate.name.lower() in names:
                return candidate
    if "/" not in collection.name:
        spec = importlib.util.find_spec(collection.name)
        if spec is not None and spec.submodule_search_locations:
            return Path(next(iter(spec.submodule_search_locations)))
    return None


def examine(collection: Collection, model: Model, root: Path, worker: Worker) -> Result:
    """Run one model and compare what was claimed with what was seen."""
    try:
        source = (root / collection.folder / model.path).read_text(encoding="utf-8")
        text = standalone(source, model.driver)
    except (OSError, SyntaxError) as error:
        return Result(collection.name, model, error=str(error))
    module = cst.parse_module(text)
    folder = (root / collection.folder / model.path).parent.resolve()
    expressions = Expressions(module)
    worker.submit(
        {
            "code": instrumented(module, expressions),
            "package": collection.package,
            "folder": str(folder) if collection.package is None else "",
            "command_line": model.command_line,
            "recorder": RECORDER,
        }
    )
    concrete = claims.with_inputs(text, module, expressions)
    generic = claims.for_any_input(text, module, expressions)
    answer = worker.answer()
    if "error" in answer:
        return Result(collection.name, model, error=answer["error"])
    return Result(
        collection.name,
        model,
        comparison.compare(concrete, answer["seen"]),
        None if generic is None else comparison.compare(generic, answer["seen"]),
        expressions=expressions,
    )


def main() -> int:
    """Compare every model of the catalogue that is there; 1 if a claim is wrong."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.shapes", description=__doc__)
    parser.add_argument("folders", nargs="*", type=Path, help="checkouts, or folders that hold checkouts")
    parser.add_argument("--only", default="", help="only models whose file or constructor contains this")
    parser.add_argument("--timeout", type=float, default=120, help="seconds for one model (default: 120)")
    parser.add_argument("--unknown", type=int, default=0, metavar="N", help="list the N commonest unknown expressions")
    parser.add_argument("--details", action="store_true", help="list every model")
    arguments = parser.parse_args()
    results: list[Result] = []
    for collection in COLLECTIONS:
        root = locate(collection, arguments.folders)
        if root is None:
            print(f"{collection.name}: neither among the folders nor installed", file=sys.stderr)
            continue
        worker = Worker([str(root.resolve())] if "/" in collection.name else [], arguments.timeout)
        try:
            for model in collection.models:
                if arguments.only not in f"{collection.name}/{model.path} {model.construct}":
                    continue
                result = examine(collection, model, root, worker)
                results.append(result)
                _tell(result)
        finally:
            worker.close()
    print(table(results, arguments.details))
    if arguments.unknown:
        _list_unknown(results, arguments.unknown)
    wrong = sum(len(o.wrong) for r in results for o in (r.concrete, r.generic) if o is not None)
    return 1 if wrong else 0


def _tell(result: Result) -> None:
    """Errors and wrong claims as they are found."""
    name = f"{result.collection}: {result.model.path}: {result.model.construct[:60]}"
    if result.error is not None:
        print(f"{name}: {result.error}", file=sys.stderr)
        return
    assert result.expressions is not None
    assert result.concrete is not None
    kinds = [("wrong", result.concrete.wrong), ("never there", result.concrete.unmatched)]
    if result.generic is not None:
        kinds.append(("wrong for any input", result.generic.wrong))
    for kind, found in kinds:
        for wrong in found:
            code = _code(result.expressions, wrong.number)
            print(f"{name}: {kind}: {code!r} in {wrong.context}: {wrong.claimed}, seen {wrong.seen}", file=sys.stderr)


def _code(expressions: Expressions, number: int) -> str:
    return " ".join(cst.Module([]).code_for_node(expressions.nodes[number]).split())[:100]


def _list_unknown(results: list[Result], count: int) -> None:
    """The expressions whose operands are known and whose own shape is not, by what they call."""
    found: collections.Counter[tuple[str, str]] = collections.Counter()
    for result in results:
        for kind, outcome in (("inputs given", result.concrete), ("any input", result.generic)):
            if outcome is None or result.expressions is None:
                continue
            for number in outcome.not_known & outcome.tensors:
                node = result.expressions.nodes[number]
                if isinstance(node, cst.Name) or _operand_unknown(node, result.expressions, outcome):
                    continue
                found[kind, f"{result.model.path}: {_code(result.expressions, number)}"] += 1
    for (kind, code), times in found.most_common(count):
        print(f"{times:4} {kind}: {code}")


def _operand_unknown(node: cst.CSTNode, expressions: Expressions, outcome: Outcome) -> bool:
    pending = list(node.children)
    while pending:
        child = pending.pop()
        if expressions.numbers.get(id(child)) in outcome.not_known:
            return True
        pending.extend(child.children)
    return False


if __name__ == "__main__":
    sys.exit(main())
