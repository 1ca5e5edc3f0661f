"""The plugin inside the real flake8."""

from __future__ import annotations

import ast
import json
import sys
from typing import TYPE_CHECKING

import pytest

from batchlint.flake8_plugin import Plugin
from commands import CLEAN, HAZARD, ROOT, Finished, run_command

if TYPE_CHECKING:
    from pathlib import Path

    from batchlint.flake8_plugin import Plugin
from commands import Run

pytest.importorskip("flake8")

LOCAL = "[flake8]\nextend-select = BSZ\nselect = BSZ,E9\n"
LOCAL_PLUGIN = f"[flake8:local-plugins]\nextension =\n    BSZ = batchlint.flake8_plugin:Plugin\npaths = {ROOT}\n"


def _installed() -> bool:
    from importlib.metadata import entry_points

    return any(entry.value == "batchlint.flake8_plugin:Plugin" for entry in entry_points(group="flake8.extension"))


def flake8(folder: Path, *arguments: str, options: str = "", stdin: str = "") -> Finished:
    """Run flake8 in *folder* with *options* in its configuration; the plugin is registered there unless installed."""
    registration = "" if _installed() else LOCAL_PLUGIN
    (folder / "setup.cfg").write_text(f"{LOCAL}{options}\n{registration}", encoding="utf-8")
    return run_command([sys.executable, "-m", "flake8", *arguments], folder, stdin)


def test_the_plugin_is_registered_for_its_prefix() -> None:
    text = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    assert '[project.entry-points."flake8.extension"]\nBSZ = "batchlint.flake8_plugin:Plugin"\n' in text


def test_a_finding_stands_at_its_exact_place(tmp_path: Path, batchlint: Run) -> None:
    (tmp_path / "net.py").write_text(HAZARD, encoding="utf-8")
    done = flake8(tmp_path, "net.py")
    assert done.code == 1
    assert done.out.startswith("net.py:14:16: BSZ201 [fixed-batch-reshape] ")
    line = HAZARD.splitlines()[13]
    assert line[16 - 1 :] == "x.view(BATCH_SIZE, -1)"
    (record,) = json.loads(batchlint("check", "--output-format=json", "net.py").out)
    assert record["location"] == {"row": 14, "column": 16}


@pytest.mark.parametrize("comment", ["noqa", "noqa: BSZ201", "batchlint: ignore[fixed-batch-reshape]"])
def test_comments_silence(tmp_path: Path, comment: str) -> None:
    (tmp_path / "net.py").write_text(HAZARD.replace("-1)", f"-1)  # {comment}"), encoding="utf-8")
    done = flake8(tmp_path, "net.py")
    assert (done.code, done.out) == (0, "")


def test_noqa_is_flake8s_to_honour(tmp_path: Path) -> None:
    (tmp_path / "net.py").write_text(HAZARD.replace("-1)", "-1)  # noqa"), encoding="utf-8")
    assert "BSZ201" in flake8(tmp_path, "--disable-noqa", "net.py").out


@pytest.mark.parametrize(
    ("options", "found"),
    [
        ("batchlint-select = BSZ2", True),
        ("batchlint-select = BSZ4, softmax-over-batch", False),
        ("batchlint-ignore = fixed-batch-reshape", False),
        ("batchlint-severity = warning", True),
        ("batchlint-severity = error", False),
        ("batchlint-latent = true", True),
        ("extend-ignore = BSZ201", False),
        ("per-file-ignores =\n    net.py: BSZ2", False),
        ("per-file-ignores =\n    other.py: BSZ2", True),
    ],
)
def test_options_stand_in_flake8s_configuration(tmp_path: Path, options: str, found: bool) -> None:
    (tmp_path / "net.py").write_text(HAZARD, encoding="utf-8")
    done = flake8(tmp_path, "net.py", options=options)
    assert ("BSZ201" in done.out) is found
    assert done.err == ""


def test_a_wrong_option_is_one_line(tmp_path: Path) -> None:
    done = flake8(tmp_path, "--batchlint-select=BSZ20l", ".")
    assert "batchlint: unknown rule 'BSZ20l': did you mean 'BSZ20" in done.err + done.out


def test_editors_send_standard_input(tmp_path: Path) -> None:
    assert flake8(tmp_path, "-", stdin=HAZARD).out.startswith("stdin:14:16: BSZ201 ")
    named = flake8(tmp_path, "--stdin-display-name", "src/net.py", "-", stdin=HAZARD)
    assert named.out.startswith("src/net.py:14:16: BSZ201 ")
    assert flake8(tmp_path, "-", stdin=CLEAN).out == ""


def test_parallel_jobs_find_the_same(tmp_path: Path) -> None:
    for number in range(24):
        (tmp_path / f"net{number:02}.py").write_text(HAZARD if number % 2 else CLEAN, encoding="utf-8")
    alone = flake8(tmp_path, "-j", "1", ".", options="batchlint-ignore = BSZ4")
    together = flake8(tmp_path, "-j", "4", ".", options="batchlint-ignore = BSZ4")
    assert sorted(alone.out.splitlines()) == sorted(together.out.splitlines())
    assert alone.out.count("BSZ201") == 12


@pytest.mark.parametrize(
    "text",
    [
        "import torch\ndef f(:\n",
        "import torch\nprint 'old'\n",
        "import torch\r\nx = torch.zeros(3)\r\n",
        "\ufeffimport torch\nx = torch.zeros(3)\n",
        "",
    ],
    ids=["syntax", "Python 2", "CRLF", "byte order mark", "empty"],
)
def test_bad_files_are_flake8s_to_tell(tmp_path: Path, text: str) -> None:
    (tmp_path / "bad.py").write_bytes(text.encode())
    (tmp_path / "net.py").write_text(HAZARD, encoding="utf-8")
    done = flake8(tmp_path, "-j1", ".")
    assert done.err == ""
    assert [line for line in done.out.splitlines() if "E9" not in line] == [
        line for line in done.out.splitlines() if line.startswith("./net.py:14:16: BSZ201")
    ]
    assert "BSZ201" in done.out


@pytest.mark.parametrize("expression", ["torch" + ".relu()" * 400, " + ".join(["torch.ones(1)"] * 900)])
def test_what_libcst_would_not_survive_is_passed_over(expression: str) -> None:
    text = f"import torch\nx = ({expression}).view(64, -1)\n"
    assert list(Plugin(ast.parse(text), text.splitlines(keepends=True), "deep.py").run()) == []


def test_importing_the_plugin_and_passing_a_file_over_imports_nothing_heavy(tmp_path: Path) -> None:
    code = (
        "import ast, sys; from batchlint.flake8_plugin import Plugin;"
        "assert list(Plugin(ast.parse('import os'), ['import os\\n'], 'a.py').run()) == [];"
        "print(sorted({'libcst', 'rich', 'click', 'torch', 'numpy', 'pathspec', 'yaml', 'batchlint.rules.base',"
        " 'batchlint.findings', 'batchlint.source.source', 'batchlint.config'} & set(sys.modules)))"
    )
    assert run_command([sys.executable, "-c", code], tmp_path).out == "[]\n"
