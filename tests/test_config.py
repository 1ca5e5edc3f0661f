from __future__ import annotations

from pathlib import Path

import pytest

from batchlint.config import SEVERITIES, Config, ConfigError, find_config, read_config
from batchlint.findings import Severity
from batchlint.rules.selection import Selection


def write(folder: Path, body: str) -> str:
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "pyproject.toml"
    path.write_text(body, encoding="utf-8")
    return str(path)


def test_every_key(tmp_path: Path) -> None:
    path = write(
        tmp_path,
        """
        [tool.batchlint]
        select = ["BSZ2", "BSZ401"]
        extend-select = ["dropped-tail"]
        ignore = ["BSZ203"]
        exclude = ["third_party/"]
        extend-exclude = ["*_pb2.py"]
        severity = "warning"
        latent = true
        output-format = "concise"
        jobs = 3

        [tool.batchlint.per-file-ignores]
        "tests/" = ["BSZ3"]
        "*.ipynb" = ["BSZ101", "BSZ301"]
        """,
    )
    assert read_config(path) == Config(
        root=str(tmp_path),
        selection=Selection(("BSZ2", "BSZ401"), ("BSZ203",), ("dropped-tail",)),
        exclude=("third_party/",),
        extend_exclude=("*_pb2.py",),
        severity="warning",
        latent=True,
        output_format="concise",
        jobs=3,
        per_file_ignores=(("tests/", ("BSZ3",)), ("*.ipynb", ("BSZ101", "BSZ301"))),
    )


@pytest.mark.parametrize(
    ("line", "complaint"),
    [
        ('selct = ["BSZ2"]', "unknown key 'selct' in [tool.batchlint]: did you mean 'select'?"),
        (
            'per_file_ignores = ""',
            "unknown key 'per_file_ignores' in [tool.batchlint]: did you mean 'per-file-ignores'?",
        ),
        ("colour = true", "unknown key 'colour' in [tool.batchlint]"),
        ('select = "BSZ2"', "select in [tool.batchlint] must be a list of strings, not 'BSZ2'"),
        ("ignore = [201]", "ignore in [tool.batchlint] must be a list of strings, not [201]"),
        ('severity = "high"', "severity in [tool.batchlint] must be one of info, warning, error, not 'high'"),
        ('latent = "yes"', "latent in [tool.batchlint] must be true or false, not 'yes'"),
        ("jobs = 0", "jobs in [tool.batchlint] must be a whole number of at least 1, not 0"),
        ("jobs = true", "jobs in [tool.batchlint] must be a whole number of at least 1, not True"),
        ("output-format = []", "output-format in [tool.batchlint] must be one of text, concise, json, github, not []"),
        (
            'per-file-ignores = {"a.py" = "BSZ2"}',
            "per-file-ignores in [tool.batchlint] must be a table of file patterns to lists of strings",
        ),
    ],
)
def test_what_is_wrong_is_refused_in_one_line(tmp_path: Path, line: str, complaint: str) -> None:
    path = write(tmp_path, f"[tool.batchlint]\n{line}\n")
    with pytest.raises(ConfigError) as caught:
        read_config(path)
    assert str(caught.value).startswith(f"{path}: {complaint}")
    assert "\n" not in str(caught.value)


def test_broken_toml_is_refused_where_it_may_concern_us(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="not valid TOML"):
        read_config(write(tmp_path, "[tool.batchlint\n"))
    assert read_config(write(tmp_path, "[tool.other\n")) is None


def test_the_table_must_be_one(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"tool\.batchlint must be a table, not 3"):
        read_config(write(tmp_path, "[tool]\nbatchlint = 3\n"))


def test_the_nearest_file_with_the_table_counts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(tmp_path, '[tool.batchlint]\nseverity = "error"\n')
    write(tmp_path / "inner", '[tool.batchlint]\nseverity = "warning"\n')
    write(tmp_path / "inner" / "most", '[project]\nname = "batchlint-user"\n')
    write(tmp_path / "other", "")
    monkeypatch.chdir(tmp_path)
    assert find_config(["inner/most/file.py"]).severity == "warning"
    assert find_config(["inner/most/file.py"]).root == str(tmp_path / "inner")
    assert find_config(["other"]).severity == "error"
    assert find_config(["inner/most", "other/file.py"]).severity == "error"
    monkeypatch.chdir(tmp_path / "inner" / "most")
    assert find_config(["."]).severity == "warning"


def test_per_file_ignores_match_files_and_folders_below_the_root(tmp_path: Path) -> None:
    config = Config(
        str(tmp_path), per_file_ignores=(("tests/", ("BSZ3",)), ("/setup.py", ("ALL",)), ("*.py", ("BSZ9",)))
    )
    ignored = {
        path: config.ignored_in(str(tmp_path / path))
        for path in ("tests/deep/model.py", "setup.py", "src/setup.py", "notes.ipynb", "src/tests.ipynb")
    }
    assert ignored == {
        "tests/deep/model.py": ("BSZ3", "BSZ9"),
        "setup.py": ("ALL", "BSZ9"),
        "src/setup.py": ("BSZ9",),
        "notes.ipynb": (),
        "src/tests.ipynb": (),
    }


def test_the_cheap_list_of_severities_is_the_real_one() -> None:
    assert tuple(severity.label for severity in Severity) == SEVERITIES
