"""What batchlint costs, as ratios of CPU time taken in one run on one machine, so that the machine cancels out.

    python benchmarks/speed/measure.py FOLDER...

For each folder: the engine against libcst's parse of the same files, whole processes against TorchFix, and flake8 with
the plugin against flake8 without; then one start on a file without a framework against an empty Python program.

Only CPU time counts (the process's own, or a child's as the system accounts for it), never time on the clock. What is
compared takes turns, in changing order, after a warm-up; the medians of the rounds are compared, and the range of the
rounds' ratios is printed beside, to tell how noisy the machine was.
"""

from __future__ import annotations

import argparse
import gc
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

import libcst

from batchlint.engine import check_bytes, may_matter, preload
from batchlint.rules.registry import all_rules
from batchlint.rules.selection import Selection
from batchlint.semantics.gate import candidates
from batchlint.semantics.survey import survey
from batchlint.source.syntax_gate import UnparsableSource, parse_guarded

CHUNK = 40
"""Files after which it is the other side's turn: few enough that both sides meet the same noise."""

_FLAKE8 = """
import importlib.metadata, sys
found = importlib.metadata.distributions
importlib.metadata.distributions = lambda **k: (d for d in found(**k) if d.metadata["Name"] != "batchlint")
from flake8.main.cli import main
sys.exit(main())
"""
"""flake8 without installed entry points of batchlint's, so that the configuration alone decides on the plugin."""

_SCRIPT = "import sys; from batchlint.cli import main; sys.exit(main())"
"""What the installed command ``batchlint`` runs; ``python -m`` would add what the interpreter loads for that."""

_WITH_PLUGIN = "[flake8:local-plugins]\nextension =\n    BSZ = batchlint.flake8_plugin:Plugin\n"


class Ratio(NamedTuple):
    """One row of the table: CPU seconds of both sides (medians of the rounds) and how the rounds' ratios spread."""

    tree: str
    what: str
    ours: float
    theirs: float
    ratios: list[float]
    bar: str

    def row(self) -> str:
        """The row as Markdown; TorchFix's ratio is turned round, since there more is better."""
        ratio = self.ours / self.theirs
        ratios = self.ratios
        if self.bar.startswith("at least"):
            ratio, ratios = 1 / ratio, [1 / each for each in ratios]
        spread = f"{min(ratios):.2f} to {max(ratios):.2f}"
        return (
            f"| {self.tree} | {self.what} | {self.ours:.2f} | {self.theirs:.2f} | {ratio:.2f} | {spread} | {self.bar} |"
        )


class Side(NamedTuple):
    """One of the two that are compared: *run* does it all once and returns the CPU seconds that it took."""

    run: Callable[[], float]


def compared(tree: str, what: str, ours: Side, theirs: Side, rounds: int, bar: str) -> Ratio:
    """Run both sides *rounds* times in turns."""
    taken: tuple[list[float], list[float]] = ([], [])
    for number in range(rounds):
        for which in (0, 1) if number % 2 else (1, 0):
            taken[which].append((ours, theirs)[which].run())
    ratios = [one / other for one, other in zip(*taken)]
    return Ratio(tree, what, statistics.median(taken[0]), statistics.median(taken[1]), ratios, bar)


# In this process -----------------------------------------------------------------------------------------------------


def framework_files(folder: Path) -> list[tuple[str, bytes]]:
    """The Python files under *folder* that name a framework and that both parsers can read."""
    found = []
    for path in sorted(folder.rglob("*.py")):
        data = path.read_bytes()
        if not may_matter(data):
            continue
        try:
            parse_guarded(data.decode("utf-8"))
            libcst.parse_module(data)
        except (UnicodeDecodeError, UnparsableSource, libcst.ParserSyntaxError):
            continue
        found.append((str(path), data))
    return found


def passes_gate(data: bytes) -> bool:
    """Whether a file holds something that a rule could flag, so that it is parsed with libcst and evaluated."""
    return bool(candidates(survey(parse_guarded(data.decode("utf-8"))), all_rules()))


def _check(name: str, data: bytes) -> None:
    check_bytes(data, name, Selection())


def _parse(name: str, data: bytes) -> None:
    libcst.parse_module(data.decode("utf-8"))


def _timed(run: Callable[[str, bytes], None], files: Sequence[tuple[str, bytes]]) -> float:
    gc.collect()
    start = time.process_time()
    for name, data in files:
        run(name, data)
    # Garbage that one side leaves must not be the other's to collect.
    gc.collect()
    return time.process_time() - start


def engine_against_parse(
    tree: str, what: str, files: Sequence[tuple[str, bytes]], rounds: int, bar: str
) -> Ratio | None:
    """The whole engine against libcst's parse, both over *files*, chunk by chunk in turns."""
    if not files:
        return None
    totals: tuple[list[float], list[float]] = ([0.0] * rounds, [0.0] * rounds)
    gc.collect()
    gc.freeze()  # so that the collections between the turns look at what the turns made, and at little else
    for start in range(0, len(files), CHUNK):
        chunk = files[start : start + CHUNK]
        for number in range(rounds):
            for which in (0, 1) if (number + start // CHUNK) % 2 else (1, 0):
                totals[which][number] += _timed((_check, _parse)[which], chunk)
    gc.unfreeze()
    ratios = [one / other for one, other in zip(*totals)]
    return Ratio(tree, what, statistics.median(totals[0]), statistics.median(totals[1]), ratios, bar)


# Whole processes -----------------------------------------------------------------------------------------------------


def child(command: Sequence[str]) -> Side:
    """A process of its own: user and system time together, with those of its children that it waited for."""

    def run() -> float:
        with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
            _, status, usage = os.wait4(process.pid, 0)
            process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode < 0:
            raise SystemExit(f"measure: {command[0]} was ended by signal {-process.returncode}")
        return usage.ru_utime + usage.ru_stime

    return Side(run)


def against_torchfix(tree: str, folder: Path, torchfix: str, rounds: int) -> Ratio:
    """``batchlint check`` against ``torchfix --select=ALL``, one process each."""
    ours = child([sys.executable, "-c", _SCRIPT, "check", "--isolated", "-q", "-j", "1", str(folder)])
    theirs = child([torchfix, "-j", "1", "--select=ALL", str(folder)])
    return compared(tree, "check / TorchFix", ours, theirs, rounds, "at least 20")


def against_flake8(tree: str, folder: Path, rounds: int) -> Ratio:
    """flake8 with the plugin against flake8 without."""
    with tempfile.TemporaryDirectory() as scratch:
        configurations = []
        for name, text in (("with.cfg", "[flake8]\n" + _WITH_PLUGIN), ("without.cfg", "[flake8]\n")):
            path = Path(scratch, name)
            path.write_text(text, encoding="utf-8")
            configurations.append(str(path))
        base = [sys.executable, "-c", _FLAKE8, "-j", "1", "-q", "--exit-zero"]
        ours, theirs = (child([*base, "--config", each, str(folder)]) for each in configurations)
        return compared(tree, "flake8 with / without", ours, theirs, rounds, "at most 1.15")


def start_against_python(rounds: int) -> Ratio:
    """``batchlint check`` of one file without a framework against an empty program."""
    with tempfile.TemporaryDirectory() as scratch:
        path = Path(scratch, "plain.py")
        path.write_text("import os\n\nprint(os.sep)\n", encoding="utf-8")
        ours = child([sys.executable, "-c", _SCRIPT, "check", str(path)])
        theirs = child([sys.executable, "-c", "pass"])
        for side in (ours, theirs):  # the first start compiles and fills the system's caches
            side.run()
        return compared("one file", "check / `python -c pass`", ours, theirs, rounds, "at most 3")


# Command line --------------------------------------------------------------------------------------------------------


def arguments() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description="CPU time of batchlint, as ratios")
    parser.add_argument("folders", nargs="*", type=Path, metavar="FOLDER", help="trees of Python files")
    parser.add_argument("--rounds", type=int, default=5, help="rounds in this process and of flake8 (default: 5)")
    parser.add_argument("--torchfix", metavar="PATH", default=shutil.which("torchfix"), help="its executable")
    parser.add_argument("--torchfix-rounds", type=int, default=1, help="rounds of TorchFix, which is slow (default: 1)")
    parser.add_argument("--skip", action="append", default=[], choices=("engine", "torchfix", "flake8", "start"))
    options = parser.parse_args()
    for folder in options.folders:
        if not folder.is_dir():
            parser.error(f"{folder}: no such folder")
    return options


def main() -> None:
    """Measure and print the table."""
    options = arguments()
    preload()
    check_bytes(b"import torch\nx = torch.zeros(6, 2).view(3, -1)\n", "warm_up.py", Selection())
    print("| tree | what | ours, s | theirs, s | ratio | range of the rounds | bar |")
    print("| --- | --- | --- | --- | --- | --- | --- |")

    def show(ratio: Ratio | None) -> None:
        if ratio is not None:
            print(ratio.row(), flush=True)

    for folder in options.folders:
        tree = folder.resolve().name
        if "engine" not in options.skip:
            files = framework_files(folder)
            passing = [(name, data) for name, data in files if passes_gate(data)]
            for what, some, bar in (
                (f"engine / parse, {len(files)} framework files", files, "at most 0.9"),
                (f"engine / parse, {len(passing)} that pass the gate", passing, "at most 1.3"),
            ):
                show(engine_against_parse(tree, what, some, options.rounds, bar))
        if "torchfix" not in options.skip and options.torchfix:
            show(against_torchfix(tree, folder, options.torchfix, options.torchfix_rounds))
        if "flake8" not in options.skip:
            show(against_flake8(tree, folder, options.rounds))
    if "start" not in options.skip:
        show(start_against_python(max(options.rounds, 15)))


if __name__ == "__main__":
    main()
