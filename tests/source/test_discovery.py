"""Which files are found: those named, and in folders those that a user wrote."""

from __future__ import annotations

import itertools
import os
import random
import subprocess
from pathlib import Path

import pytest

from batchlint.findings import Problem
from batchlint.source.discovery import DEFAULT_EXCLUDES, discover
from batchlint.source.ignoring import IgnoreRules


@pytest.fixture(autouse=True)
def _in_an_empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def write(*paths: str, text: str = "") -> None:
    for path in map(Path, paths):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")


def found(*paths: str, **options: object) -> list[str]:
    """The files found, as text; there must be no problem."""
    return [path.as_posix() for path in discover(paths or ["."], **options)]  # type: ignore[arg-type, union-attr]


def test_python_files_and_notebooks_in_the_order_of_their_paths() -> None:
    write("b.py", "a/z.py", "a/a.ipynb", "a-b/c.py", "a.py", "stub.pyi", "notes.txt", "py", "x.pyc")
    assert found() == ["a/a.ipynb", "a/z.py", "a-b/c.py", "a.py", "b.py"]


def test_the_order_and_repetition_of_the_arguments_do_not_matter() -> None:
    write("a/b.py", "a/c/d.py", "e.py")
    arguments = ["a", "e.py", "./a/b.py", os.path.abspath("a/c"), "a/c/../b.py"]
    assert {tuple(found(*order)) for order in itertools.permutations(arguments)} == {("a/b.py", "a/c/d.py", "e.py")}


def test_a_file_given_by_name_is_taken_whatever_it_is_called_and_wherever_it_lies() -> None:
    write(".gitignore", text="ignored.py\n")
    write("script", "stub.pyi", "ignored.py", "build/made.py", "excluded.py")
    given = ["build/made.py", "excluded.py", "ignored.py", "script", "stub.pyi"]
    assert found(*given, extend_exclude=["excluded.py"]) == given


def test_an_absent_path_costs_no_other() -> None:
    write("a.py")
    assert discover(["b.py", "a.py"]) == [Path("a.py"), Problem("b.py", "no such file or directory")]


def test_a_path_with_a_nul_character() -> None:
    assert discover(["a\0b"]) == [Problem("a\\0b", "a path cannot hold NUL characters")]


def test_a_folder_that_may_not_be_read_costs_no_other(without_privileges: Path) -> None:
    folder = without_privileges
    (folder / "a.py").touch()
    (folder / "closed").mkdir(mode=0)
    assert discover([folder]) == [folder / "a.py", Problem(str(folder / "closed"), "permission denied")]


def test_what_nobody_wrote_is_passed_over_by_default() -> None:
    write("a.py", "src/building.py", *(f"{folder}/x.py" for folder in DEFAULT_EXCLUDES), "deep/down/node_modules/x.py")
    assert found() == ["a.py", "src/building.py"]


def test_a_virtual_environment_is_passed_over_whatever_its_name() -> None:
    write("a.py", "my-env/pyvenv.cfg", "my-env/lib/x.py")
    assert found() == ["a.py"]


def test_an_excluded_folder_given_by_name_is_walked() -> None:
    write("build/a.py", "build/deep/b.py", "build/build/c.py")
    assert found("build") == ["build/a.py", "build/deep/b.py"]


@pytest.mark.parametrize(
    ("pattern", "left"),
    [
        ("data", ["a.py", "src/a.py", "src/data.py"]),
        ("data/", ["a.py", "src/a.py", "src/data.py"]),
        ("/data", ["a.py", "src/a.py", "src/data/c.py", "src/data.py"]),
        ("src/data", ["a.py", "data/b.py", "src/a.py", "src/data.py"]),
        ("data.py", ["a.py", "data/b.py", "src/a.py", "src/data/c.py"]),
        ("*.py", []),
        ("src/**/c.py", ["a.py", "data/b.py", "src/a.py", "src/data.py"]),
        ("src/*.py", ["a.py", "data/b.py", "src/data/c.py"]),
        ("./src", ["a.py", "data/b.py", "src/a.py", "src/data/c.py", "src/data.py"]),
    ],
)
def test_patterns_follow_the_grammar_of_gitignore(pattern: str, left: list[str]) -> None:
    write("a.py", "data/b.py", "src/a.py", "src/data/c.py", "src/data.py")
    assert found(extend_exclude=[pattern]) == left


def test_exclude_replaces_the_defaults_and_extend_exclude_adds_to_them() -> None:
    write("a.py", "build/b.py", "data/c.py")
    assert found(exclude=["data"]) == ["a.py", "build/b.py"]
    assert found(extend_exclude=["data"]) == ["a.py"]


def test_a_later_pattern_takes_an_earlier_one_back() -> None:
    write("a.py", "build/b.py", "data/c.py")
    assert found(extend_exclude=["!build"]) == ["a.py", "build/b.py", "data/c.py"]


def test_patterns_with_a_slash_are_relative_to_the_root_given() -> None:
    write("project/src/data/a.py", "project/src/b.py")
    assert found("project/src", extend_exclude=["src/data"], root="project") == ["project/src/b.py"]


def test_a_pattern_that_is_not_valid_is_refused() -> None:
    with pytest.raises(ValueError, match=r"not a valid pattern: '!'"):
        discover(["."], extend_exclude=["!"])


class TestGitignore:
    def test_files_in_nested_folders_add_to_those_above(self) -> None:
        write(".gitignore", text="made_*.py\n")
        write("sub/.gitignore", text="/local.py\n")
        write("a.py", "made_a.py", "local.py", "sub/made_b.py", "sub/local.py", "sub/deep/local.py")
        assert found() == ["a.py", "local.py", "sub/deep/local.py"]

    def test_the_innermost_file_decides(self) -> None:
        write(".gitignore", text="*_data.py\n")
        write("sub/.gitignore", text="!keep_data.py\n")
        write("keep_data.py", "sub/keep_data.py", "sub/drop_data.py")
        assert found() == ["sub/keep_data.py"]

    def test_nothing_in_an_ignored_folder_can_be_taken_back(self) -> None:
        write(".gitignore", text="out/\n!out/keep.py\n")
        write("out/keep.py")
        assert found() == []

    def test_all_but_some_folders(self) -> None:
        write(".gitignore", text="*\n!*/\n!keep.py\n")
        write("a.py", "sub/keep.py", "sub/a.py")
        assert found() == ["sub/keep.py"]

    def test_files_above_a_folder_count_up_to_the_root_of_the_repository(self) -> None:
        write(".gitignore", text="*.py\n")
        Path("repository/.git/info").mkdir(parents=True)
        write("repository/.gitignore", text="made.py\n")
        write("repository/.git/info/exclude", text="private.py\n")
        write("repository/a/b/made.py", "repository/a/b/c.py", "repository/a/b/private.py")
        assert found("repository/a/b") == ["repository/a/b/c.py"]

    def test_files_above_count_for_nothing_outside_a_repository(self) -> None:
        write(".gitignore", text="*.py\n")
        write("sub/a.py")
        assert found("sub") == ["sub/a.py"]

    def test_a_repository_in_another_follows_its_own_rules(self) -> None:
        Path(".git").mkdir()
        write(".gitignore", text="a.py\n")
        write("submodule/.git", text="gitdir: elsewhere\n")
        write("a.py", "submodule/a.py")
        assert found() == ["submodule/a.py"]

    def test_an_ignored_folder_given_by_name_is_walked(self) -> None:
        Path(".git").mkdir()
        write(".gitignore", text="out/\n")
        write("out/a.py")
        assert found("out") == ["out/a.py"]

    def test_can_be_left_out(self) -> None:
        write(".gitignore", text="a.py\n")
        write("a.py")
        assert found(respect_gitignore=False) == ["a.py"]

    def test_bytes_and_patterns_that_make_no_sense_are_passed_over(self) -> None:
        Path(".gitignore").write_bytes(b"\xff\xfe\n!\n[\n\n# a.py\n\\\nb.py\r\n")
        write("a.py", "b.py")
        assert found() == ["a.py"]


PATTERNS = [
    "*",
    "!*/",
    "*.py",
    "!*.py",
    "a",
    "/a",
    "a/",
    "!a",
    "!a/",
    "a/*",
    "!a/b.py",
    "a/**",
    "**/b.py",
    "b*",
    "!b.py",
]
PATTERNS += [
    "/a/b",
    "a/b/",
    "!/a/b/",
    "/*",
    "!/a",
    "*/b.py",
    "**/a/",
    "a/**/c.py",
    "[ab].py",
    "!c.py",
    "c.py ",
    r"\!x.py",
]
FILES = [
    f"{folder}{name}.py" for folder in ("", "a/", "a/b/", "a/a/", "b/", "b/a/c/") for name in ("a", "b", "c", "!x")
]


def test_git_itself_agrees() -> None:
    write(*FILES)
    subprocess.run(["git", "init", "--quiet"], check=True)
    draw = random.Random(0)
    for _ in range(60):
        for ignore_file in (".gitignore", "a/.gitignore"):
            write(ignore_file, text="\n".join(draw.sample(PATTERNS, draw.randint(0, 4))) + "\n")
        listed = subprocess.run(
            ["git", "ls-files", "--others", "--exclude-standard", "-z", "*.py"],
            capture_output=True,
            text=True,
            check=True,
        )
        rules = [Path(file).read_text(encoding="utf-8") for file in (".gitignore", "a/.gitignore")]
        assert sorted(found()) == sorted(filter(None, listed.stdout.split("\0"))), rules


class TestLinks:
    def test_links_to_folders_are_not_followed_so_that_loops_end(self) -> None:
        write("a/b.py")
        Path("a/up").symlink_to("..")
        Path("a/self").symlink_to("self")
        assert found() == ["a/b.py"]

    def test_a_link_to_a_folder_given_by_name_is_followed(self) -> None:
        write("a/b.py")
        Path("link").symlink_to("a")
        assert found("link") == ["link/b.py"]

    def test_a_file_and_a_link_to_it_are_one_file(self) -> None:
        write("z.py")
        Path("a.py").symlink_to("z.py")
        assert found() == ["z.py"]

    def test_a_file_that_leads_to_itself_is_told_and_costs_no_other(self) -> None:
        write("a.py")
        Path("loop.py").symlink_to("loop.py")
        assert discover(["."]) == [Path("a.py"), Problem("loop.py", "a symbolic link that leads to itself")]

    def test_a_link_that_leads_nowhere_is_an_editors_lock_and_no_error(self) -> None:
        write("a.py")
        Path(".#a.py").symlink_to("someone@somewhere:1")
        assert found() == ["a.py"]


def test_a_folder_named_like_a_file_is_walked() -> None:
    write("package.py/a.py")
    assert found() == ["package.py/a.py"]


def test_names_that_are_not_utf8() -> None:
    name = os.fsdecode(b"caf\xe9.py")
    write(name)
    assert discover(["."]) == [Path(name)]


def test_plain_names_do_without_the_pattern_library() -> None:
    rules = IgnoreRules.from_patterns(DEFAULT_EXCLUDES, "/project")
    assert rules.ignores("/project/src/venv", is_folder=True)
    assert not rules.ignores("/project/src/environment", is_folder=True)
    assert rules.decide("/project/src/a.py", is_folder=False) is None
