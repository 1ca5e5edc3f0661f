"""What a run imports decides what it costs: a file without a framework must cost next to nothing."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import pytest

from commands import run_command

if TYPE_CHECKING:
    from pathlib import Path

HEAVY = {
    "argparse", "ast", "asyncio", "click", "concurrent.futures", "dataclasses", "importlib.metadata", "inspect", "json",
    "libcst", "multiprocessing", "numpy", "pathlib", "pathspec", "rich", "shutil", "tempfile", "tomli", "tomllib",
    "torch", "typing_extensions", "yaml",
}  # fmt: skip


def loaded(code: str, folder: Path) -> set[str]:
    """The heavy modules loaded after *code*, besides those that this environment loads at every start."""
    show = "print('\\n'.join(sys.modules))"
    before = run_command([sys.executable, "-c", f"import sys; {show}"], folder).out.split()
    after = run_command([sys.executable, "-c", f"import sys; {code}; {show}"], folder).out.split()
    return (set(after) - set(before)) & HEAVY


def test_a_file_without_a_framework(tmp_path: Path) -> None:
    (tmp_path / "plain.py").write_text("import os\nprint(os.name)\n", encoding="utf-8")
    (tmp_path / "other.py").write_text("import sys\n", encoding="utf-8")
    for paths in ("'plain.py'", "'plain.py', './other.py'"):
        assert loaded(f"from batchlint.cli import main; assert main(['check', {paths}]) == 0", tmp_path) == set()
    with_options = "from batchlint.cli import main; assert main(['check', '--quiet', 'plain.py']) == 0"
    assert loaded(with_options, tmp_path) == {"argparse"}


@pytest.mark.parametrize("module", ["batchlint", "batchlint.findings", "batchlint.rules.registry"])
def test_importing_us_imports_no_parser_and_no_framework(tmp_path: Path, module: str) -> None:
    assert not loaded(f"import {module}", tmp_path) & {"libcst", "torch", "numpy", "rich", "click", "yaml"}


def test_a_fault_of_ours_is_one_line(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    from batchlint.cli import check, main

    def fail(_: object) -> int:
        raise ZeroDivisionError("two\nlines")

    monkeypatch.setattr(check, "run", fail)
    monkeypatch.delenv("BATCHLINT_DEBUG", raising=False)
    assert main(["check"]) == 2
    assert capsys.readouterr().err == (
        "batchlint: internal error: ZeroDivisionError: two lines; please report it (BATCHLINT_DEBUG=1 tells more)\n"
    )
    monkeypatch.setenv("BATCHLINT_DEBUG", "1")
    with pytest.raises(ZeroDivisionError):
        main(["check"])
