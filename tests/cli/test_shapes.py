from __future__ import annotations

from typing import TYPE_CHECKING

from commands import HAZARD

if TYPE_CHECKING:
    from pathlib import Path

    from commands import Run


def test_shapes_stand_at_the_ends_of_lines(batchlint: Run, tmp_path: Path) -> None:
    (tmp_path / "net.py").write_text(HAZARD, encoding="utf-8")
    lines = batchlint("shapes", "net.py").out.splitlines()
    assert [line.partition("  # ")[0].rstrip() for line in lines] == [line.rstrip() for line in HAZARD.splitlines()]
    assert "[B, 16, " in lines[12].partition("  # ")[2]


def test_a_source_without_tensors_comes_back_as_it_is(batchlint: Run) -> None:
    assert batchlint("shapes", "-", stdin="x = 1\n").out == "x = 1\n"


def test_what_cannot_be_read_is_one_line(batchlint: Run) -> None:
    for name, stdin in (("gone.py", ""), ("-", "def f(:\n")):
        done = batchlint("shapes", name, stdin=stdin)
        assert (done.code, done.out, done.err.count("\n")) == (2, "", 1)
        assert done.err.startswith(f"batchlint: error: {name}:")
