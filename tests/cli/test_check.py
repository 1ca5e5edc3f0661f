"""`batchlint check`, the real command, on real files."""

from __future__ import annotations

import json
import os
import stat
import sys
from typing import TYPE_CHECKING

import pytest

from commands import CLEAN, HAZARD

if TYPE_CHECKING:
    from pathlib import Path

    from commands import Run

FOUND = "net.py:14:16: BSZ201 [fixed-batch-reshape] "


@pytest.fixture
def net(tmp_path: Path) -> Path:
    path = tmp_path / "net.py"
    path.write_text(HAZARD, encoding="utf-8")
    return path


@pytest.mark.usefixtures("net")
def test_a_finding_is_reported_with_its_line(batchlint: Run) -> None:
    done = batchlint("check")
    assert done.code == 1
    headline, _, source, caret, *_ = done.out.splitlines()
    assert headline.startswith(FOUND)
    assert source == "14 |         return x.view(BATCH_SIZE, -1)"
    assert caret == "   |                ^^^^^^^^^^^^^^^^^^^^^^"
    assert "64" in headline
    assert "is [B, 16, H - 4, W - 4] here" in done.out
    assert done.err == "Found 1 hazard (1 warning) in 1 of 1 file.\n"


def test_a_clean_file_is_clean(batchlint: Run, net: Path) -> None:
    net.write_text(CLEAN, encoding="utf-8")
    done = batchlint("check", "net.py")
    assert (done.code, done.out, done.err) == (0, "", "No batch-size hazards found in 1 file.\n")


def test_nothing_to_check_is_told(batchlint: Run) -> None:
    done = batchlint("check", ".")
    assert (done.code, done.out) == (0, "")
    assert done.err == "warning: no Python files or notebooks found under the given paths\n"


@pytest.mark.usefixtures("net")
@pytest.mark.parametrize(
    ("options", "code", "lines"),
    [
        (["--output-format=concise"], 1, 1),
        (["--output-format=concise", "--exit-zero"], 0, 1),
        (["--output-format=concise", "--select", "BSZ2"], 1, 1),
        (["--output-format=concise", "--select", "fixed-batch-reshape"], 1, 1),
        (["--output-format=concise", "--select", "BSZ4"], 0, 0),
        (["--output-format=concise", "--select", "BSZ4", "--extend-select", "BSZ201"], 1, 1),
        (["--output-format=concise", "--ignore", "BSZ201"], 0, 0),
        (["--output-format=concise", "--ignore", "fixed-batch-reshape"], 0, 0),
        (["--output-format=concise", "--severity", "warning"], 1, 1),
        (["--output-format=concise", "--severity", "error"], 0, 0),
        (["--output-format=concise", "--exclude", "net.py"], 0, 0),
        (["--output-format=concise", "--extend-exclude", "n*.py"], 0, 0),
        (["--output-format=github"], 1, 1),
        (["--statistics"], 1, 1),
        (["-q", "-j", "1", "--output-format=concise", "--latent", "--no-respect-gitignore", "--isolated"], 1, 1),
    ],
)
def test_options(batchlint: Run, options: list[str], code: int, lines: int) -> None:
    done = batchlint("check", *options)
    assert (done.code, len(done.out.splitlines())) == (code, lines), done.err


@pytest.mark.usefixtures("net")
def test_statistics_take_the_place_of_findings(batchlint: Run) -> None:
    assert batchlint("check", "--statistics").out == "1  BSZ201  fixed-batch-reshape\n"


def test_json_is_alone_on_standard_output(batchlint: Run, net: Path, tmp_path: Path) -> None:
    (tmp_path / "broken.py").write_text("import torch\ndef f(:\n", encoding="utf-8")
    done = batchlint("check", "--output-format", "json", ".")
    (record,) = json.loads(done.out)
    assert record["filename"] == str(net)
    assert record["location"] == {"row": 14, "column": 16}
    assert record["end_location"] == {"row": 14, "column": 38}
    assert done.err.startswith("broken.py:2:7: error: ")
    assert done.code == 2


def test_json_of_nothing_is_an_empty_list(batchlint: Run) -> None:
    assert json.loads(batchlint("check", "--output-format", "json").out) == []


def test_quiet_leaves_the_report_and_the_problems(batchlint: Run, net: Path) -> None:
    done = batchlint("check", "-q", "--output-format=concise", net.name, "gone.py")
    assert done.out.startswith(FOUND)
    assert done.err == "gone.py: error: no such file or directory\n"


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["chekc"], "unknown command 'chekc': did you mean 'check'?"),
        (
            ["check", "--selct=BSZ2"],
            "unknown argument '--selct': did you mean '--select'? (see `batchlint check --help`)",
        ),
        (["check", "--select", "bsz20l"], "unknown rule 'bsz20l': did you mean 'BSZ20"),
        (["check", "--ignore", "fixed-batch"], "unknown rule 'fixed-batch': did you mean 'fixed-batch-"),
        (["check", "--severity", "high"], "argument --severity: invalid choice: 'high'"),
        (["check", "-j", "0"], "argument -j/--jobs: '0' is not a whole number of at least 1"),
        (["check", "--config", "gone.toml"], "gone.toml: cannot read the configuration"),
        (["check", "--stdin-filename", "a.py", "a.py"], "--stdin-filename names standard input"),
        (["check", "--exclude", "!"], "exclude: "),
        (["rule", "fixed-batch-reshap"], "unknown rule 'fixed-batch-reshap': did you mean 'fixed-batch-reshape'?"),
        ([], "the following arguments are required: COMMAND"),
    ],
)
def test_misuse_is_one_line_and_exit_code_2(batchlint: Run, arguments: list[str], complaint: str) -> None:
    done = batchlint(*arguments)
    assert (done.code, done.out) == (2, "")
    assert done.err.startswith(f"batchlint: error: {complaint}")
    assert done.err.count("\n") == 1


def test_help_names_every_command_and_option(batchlint: Run) -> None:
    assert all(command in batchlint("--help").out for command in ("check", "rule", "shapes", "version"))
    shown = batchlint("check", "--help").out
    for option in (
        "--output-format --select --ignore --extend-select --severity --latent --statistics --exit-zero --exclude "
        "--extend-exclude --no-respect-gitignore --stdin-filename --jobs --config --isolated --quiet"
    ).split():
        assert option in shown


def test_standard_input_goes_by_the_given_name(batchlint: Run) -> None:
    done = batchlint("check", "--stdin-filename", "src/net.py", "--output-format=concise", "-", stdin=HAZARD)
    assert done.out.startswith(f"src/{FOUND}")
    assert batchlint("check", "-", "--output-format=concise", stdin=HAZARD).out.startswith("-:14:16: BSZ201")
    assert batchlint("check", "-", stdin=CLEAN).code == 0


def test_a_notebook_on_standard_input(batchlint: Run) -> None:
    cells = [{"cell_type": "code", "source": source, "metadata": {}, "outputs": []} for source in ("1 + 1", HAZARD)]
    document = json.dumps({"cells": cells, "metadata": {}, "nbformat": 4, "nbformat_minor": 5})
    done = batchlint("check", "--stdin-filename", "net.ipynb", "--output-format=concise", "-", stdin=document)
    assert done.out.startswith("net.ipynb:cell 2:14:16: BSZ201")


def test_comments_silence(batchlint: Run, net: Path) -> None:
    for comment in ("noqa", "noqa: BSZ201", "batchlint: ignore[fixed-batch-reshape]"):
        net.write_text(HAZARD.replace("-1)", f"-1)  # {comment}"), encoding="utf-8")
        assert batchlint("check", "net.py").code == 0
    net.write_text("# batchlint: ignore-file\n" + HAZARD, encoding="utf-8")
    assert batchlint("check", "net.py").code == 0
    net.write_text(HAZARD.replace("-1)", "-1)  # noqa: E501"), encoding="utf-8")
    assert batchlint("check", "net.py").code == 1


@pytest.mark.usefixtures("net")
def test_the_configuration_counts_and_the_command_line_overrules(batchlint: Run, tmp_path: Path) -> None:
    configuration = tmp_path / "pyproject.toml"
    configuration.write_text('[tool.batchlint]\noutput-format = "concise"\nignore = ["BSZ2"]\n', encoding="utf-8")
    assert batchlint("check").code == 0
    assert batchlint("check", "--isolated").code == 1
    assert batchlint("check", "--ignore", "BSZ4").out.startswith(FOUND)
    configuration.write_text('[tool.batchlint.per-file-ignores]\n"net.py" = ["BSZ201"]\n', encoding="utf-8")
    assert batchlint("check").code == 0
    assert batchlint("check", "--select", "BSZ201").code == 0
    configuration.write_text("[tool.batchlint]\nlatnt = true\n", encoding="utf-8")
    done = batchlint("check")
    assert (done.code, done.out) == (2, "")
    assert done.err == (
        "batchlint: error: pyproject.toml: unknown key 'latnt' in [tool.batchlint]: did you mean 'latent'?\n"
    )
    configuration.write_text('[tool.batchlint]\nselect = ["BSZ999"]\n', encoding="utf-8")
    assert "unknown rule 'BSZ999'" in batchlint("check").err


@pytest.mark.skipif(sys.platform != "linux", reason="file modes and links")
def test_bad_files_cost_one_line_each_and_no_other_file(batchlint: Run, net: Path, tmp_path: Path) -> None:
    bad = {
        "binary.py": b"import torch\n" + bytes(range(256)) * 8,
        "deep.py": b"import torch\nx = " + b"-" * 10_000 + b"1\ntorch.zeros(x)\n",
        "encoding.py": b"import torch  # \xff\n",
        "nul.py": b"import torch\n\0\n",
        "python2.py": b"import torch\nprint 'old'\n",
        "sum.py": b"import torch\nx = " + b" + ".join([b"torch.ones(1)"] * 10_000) + b"\n",
        "syntax.py": b"import torch\ndef f(:\n",
        "chain.py": b"import torch\nx = torch" + b".relu()" * 3_000 + b"\n",
    }
    for name, data in bad.items():
        (tmp_path / name).write_bytes(data)
    (tmp_path / "empty.py").write_bytes(b"")
    (tmp_path / "loop.py").symlink_to("loop.py")
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder" / "up").symlink_to("..", target_is_directory=True)
    (tmp_path / "pipe.py").touch()
    (tmp_path / "pipe.py").unlink()
    os.mkfifo(tmp_path / "pipe.py")
    done = batchlint("check", "-q", "--output-format=concise", ".", "gone.py")
    assert done.code == 2
    assert [line.split(":")[0] for line in done.out.splitlines()] == [net.name]
    assert sorted(line.split(":")[0] for line in done.err.splitlines()) == sorted(
        [*bad, "gone.py", "loop.py", "pipe.py"]
    )
    assert "internal error" not in done.err


@pytest.mark.skipif(sys.platform != "linux" or os.geteuid() == 0, reason="root may read everything")
def test_an_unreadable_file_is_told(batchlint: Run, net: Path) -> None:
    net.chmod(stat.S_IWUSR)
    done = batchlint("check", "net.py")
    assert (done.code, done.out) == (2, "")
    assert "net.py: error: permission denied" in done.err


def test_output_is_the_same_for_any_jobs_order_and_hash_seed(batchlint: Run, tmp_path: Path) -> None:
    for number in range(30):
        (tmp_path / f"net{number:02}.py").write_text(HAZARD if number % 3 else CLEAN, encoding="utf-8")
    names = sorted(path.name for path in tmp_path.iterdir())
    outputs = {
        batchlint("check", "-j", jobs, *paths, PYTHONHASHSEED=seed).out
        for jobs, paths, seed in (
            ("1", ["."], "0"),
            ("2", ["."], "1"),
            ("4", names, "2"),
            ("3", [*reversed(names), "."], "3"),
        )
    }
    assert len(outputs) == 1
    assert outputs.pop().count("BSZ201") == 20


def test_files_by_name_come_as_from_their_folder(batchlint: Run, tmp_path: Path) -> None:
    names = ["b.py", "a/z.py", "a/b/c.py", "a-b.py", "a.py"]
    for name in names:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(HAZARD, encoding="utf-8")
    expected = batchlint("check", "--output-format=concise", ".").out
    assert expected.count("BSZ201") == 5
    assert batchlint("check", "--output-format=concise", *names).out == expected
    assert batchlint("check", "--output-format=concise", *names, "./a/../a.py", str(tmp_path / "b.py")).out == expected


@pytest.mark.usefixtures("net")
def test_colour_is_for_terminals_and_those_who_ask(batchlint: Run) -> None:
    assert "\x1b" not in batchlint("check").out
    assert "\x1b" in batchlint("check", FORCE_COLOR="1").out
    assert "\x1b" not in batchlint("check", FORCE_COLOR="1", NO_COLOR="1").out


def test_a_reader_that_leaves_early_is_no_error(net: Path) -> None:
    import subprocess

    from commands import ROOT

    command = f"'{sys.executable}' -m batchlint check -q net.py | true"
    env = {**os.environ, "PYTHONPATH": os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")])}
    done = subprocess.run(["sh", "-c", command], cwd=net.parent, env=env, capture_output=True, text=True, check=True)
    assert done.stderr == ""


@pytest.mark.skipif(sys.platform == "win32", reason="pseudo-terminals")
@pytest.mark.parametrize(("ci", "bar"), [("", True), ("1", False)])
def test_a_bar_is_drawn_at_a_terminal(tmp_path: Path, ci: str, bar: bool) -> None:
    import pty
    import subprocess

    from commands import ROOT

    for number in range(60):
        (tmp_path / f"net{number:02}.py").write_text(CLEAN, encoding="utf-8")
    controller, terminal = pty.openpty()
    env = {**os.environ, "TERM": "xterm", "CI": ci, "NO_COLOR": ""}
    env["PYTHONPATH"] = os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")])
    command = [sys.executable, "-m", "batchlint", "check"]
    process = subprocess.Popen(command, cwd=tmp_path, env=env, stdout=subprocess.PIPE, stderr=terminal)
    os.close(terminal)
    shown = b""
    try:
        while block := os.read(controller, 65536):
            shown += block
    except OSError:  # the other end is closed
        pass
    finally:
        os.close(controller)
    out, _ = process.communicate(timeout=60)
    assert (process.returncode, out) == (0, b"")
    assert (b"checking" in shown) is bar
    assert b"No batch-size hazards found in 60 files." in shown
