from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from batchlint import __version__
from commands import ROOT

HEADINGS = re.findall(r"^## (.+)$", (ROOT / "CHANGELOG.md").read_text(encoding="utf-8"), flags=re.MULTILINE)


def test_the_changelog_knows_the_version() -> None:
    assert any(heading.startswith(__version__) for heading in HEADINGS)


def test_what_is_run_by_others_is_executable() -> None:
    script = ROOT / ".ci" / "run"
    assert script.stat().st_mode & 0o111
    assert subprocess.run(["bash", "-n", str(script)], check=False).returncode == 0


def test_continuous_integration_runs_what_the_readme_says() -> None:
    command = "python -m pip install tox && tox"
    assert command in (ROOT / "README.md").read_text(encoding="utf-8")
    assert command in (ROOT / ".ci" / "run").read_text(encoding="utf-8").splitlines()


@pytest.mark.skipif(shutil.which("git") is None or not (ROOT / ".git").exists(), reason="needs a checkout")
def test_no_built_file_is_tracked() -> None:
    tracked = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True).stdout.split()
    assert not [path for path in tracked if path.endswith((".pyc", ".whl", ".so"))]


def test_every_option_is_in_the_readme() -> None:
    import argparse

    from batchlint.cli import check, verify

    options = set()
    for command in (check, verify):
        parser = argparse.ArgumentParser(add_help=False)
        command.add_arguments(parser)
        options |= {option for action in parser._actions for option in action.option_strings}
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    assert {option for option in options if f"`{option}" not in readme} == set()


def test_the_configuration_in_the_readme_is_valid_and_complete(tmp_path: Path) -> None:
    from batchlint import verify_config
    from batchlint.config import _KEYS, read_config

    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    block = "\n".join(re.findall(r"^```toml\n(.+?)^```", readme, flags=re.MULTILINE | re.DOTALL))
    (tmp_path / "pyproject.toml").write_text(block, encoding="utf-8")
    assert read_config(str(tmp_path / "pyproject.toml")) is not None
    known = (*_KEYS, *verify_config._KEYS, *verify_config._MODEL_KEYS)
    assert {key for key in known if key not in block} == set()
