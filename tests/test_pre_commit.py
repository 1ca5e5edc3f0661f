"""The hook, run by the real pre-commit, which installs this checkout with pip."""

from __future__ import annotations

import functools
import shutil
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from commands import CLEAN, HAZARD, ROOT, Finished, run_command

if TYPE_CHECKING:
    from pathlib import Path

pytest.importorskip("pre_commit")


@functools.cache
def pip_reaches_an_index() -> bool:
    command = [sys.executable, "-m", "pip", "download", "--no-deps", "--no-cache-dir", "--dest", "-", "hatchling"]
    with_limit = [*command[:3], "--retries=0", "--timeout=10", *command[3:]]
    import tempfile

    with tempfile.TemporaryDirectory() as folder:
        with_limit[with_limit.index("-")] = folder
        return subprocess.run(with_limit, capture_output=True, check=False).returncode == 0


def git(folder: Path, *arguments: str) -> None:
    identity = ["-c", "user.name=test", "-c", "user.email=test@example.org", "-c", "init.defaultBranch=main"]
    subprocess.run(["git", *identity, *arguments], cwd=folder, check=True, capture_output=True)


@pytest.fixture(scope="module")
def hook(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """This checkout as a repository of hooks, whatever is not committed included."""
    folder = tmp_path_factory.mktemp("hook") / "batchlint"
    ignored = shutil.ignore_patterns(".git", ".tox", ".venv", "__pycache__", "dist", "build", ".*_cache", "benchmarks")
    shutil.copytree(ROOT, folder, ignore=ignored)
    git(folder, "init")
    git(folder, "add", "--all")
    git(folder, "commit", "--message", "all")
    return folder


@pytest.fixture
def project(tmp_path: Path) -> Path:
    git(tmp_path, "init")
    return tmp_path


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> str:
    return str(tmp_path_factory.mktemp("pre-commit"))


def pre_commit(project: Path, hook: Path, home: str) -> Finished:
    git(project, "add", "--all")
    command = [sys.executable, "-m", "pre_commit", "try-repo", str(hook), "batchlint", "--all-files", "--verbose"]
    return run_command(command, project, PRE_COMMIT_HOME=home, PYTHONPATH="", PIP_DISABLE_PIP_VERSION_CHECK="1")


@pytest.mark.network
@pytest.mark.skipif(shutil.which("git") is None, reason="needs git")
def test_the_hook(project: Path, hook: Path, home: str) -> None:
    if not pip_reaches_an_index():
        pytest.skip("pip reaches no package index")

    (project / "notes.md").write_text("No Python here.\n", encoding="utf-8")
    nothing = pre_commit(project, hook, home)
    assert (nothing.code, "no files to check" in nothing.out) == (0, True), nothing.out + nothing.err

    (project / "net.py").write_text(CLEAN, encoding="utf-8")
    clean = pre_commit(project, hook, home)
    assert (clean.code, "Passed" in clean.out) == (0, True), clean.out + clean.err

    (project / "net.py").write_text(HAZARD, encoding="utf-8")
    found = pre_commit(project, hook, home)
    assert (found.code, "Failed" in found.out) == (1, True), found.out + found.err
    assert "net.py:14:16: BSZ201 [fixed-batch-reshape]" in found.out
