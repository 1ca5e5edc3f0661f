"""What passes the gate cannot end the process, and what does not pass is told in one line on every Python."""

from __future__ import annotations

import ast
import json
import resource
import subprocess
import sys
import warnings
from typing import TYPE_CHECKING

import pytest

from batchlint.source.syntax_gate import (
    MAXIMUM_DEPTH,
    MAXIMUM_PATTERN_DEPTH,
    UnparsableSource,
    check_depth,
    measure_depth,
    parse_guarded,
)

if TYPE_CHECKING:
    from collections.abc import Callable


def refusal(text: str) -> UnparsableSource:
    with pytest.raises(UnparsableSource) as refused:
        parse_guarded(text)
    assert "\n" not in refused.value.message
    return refused.value


@pytest.mark.parametrize(
    "text", ["", "\n", " \n\t\n", "\x0c\n", "# nothing\n", "x = 1\r\ny = 2\r", "x = 1\n\x0cy = 2\n"]
)
def test_what_python_reads_passes(text: str) -> None:
    assert isinstance(parse_guarded(text), ast.Module)


@pytest.mark.parametrize(
    ("text", "message", "line", "column"),
    [
        ("x = [\n", "syntax error: '[' was never closed", 1, 5),
        ("x = 1\nif x\n", "syntax error: expected ':'", 2, 5),
        ("é = 'é'; x = = 2\n", "syntax error: invalid syntax", 1, 14),
        ("def f():\npass\n", "syntax error: expected an indented block after function definition on line 1", 2, 1),
        ("x = 1\r\n\r\ny = $\r\n", "syntax error: invalid syntax", 3, 5),
    ],
)
def test_a_syntax_error_is_one_line_with_its_place(text: str, message: str, line: int, column: int) -> None:
    refused = refusal(text)
    assert (refused.message, refused.line, refused.column) == (message, line, column)


@pytest.mark.parametrize(
    ("text", "construct"),
    [
        ("import torch\nprint 'epoch', epoch\n", "print statement"),
        ("print loss.data[0]\n", "print statement"),
        ("exec code in names\n", "exec statement"),
        ("try:\n    a\nexcept ValueError, e:\n    b\n", "except clause"),
        ("try:\n    a\nexcept (A, B), e:\n    b\n", "except clause"),
        ("raise ValueError, 'no'\n", "raise statement"),
        ("x = 0777\n", "octal number"),
        ("x = 64L\n", "long integer"),
        ("x = 0xFFL\n", "long integer"),
        ("x = ur'a'\n", "string prefix"),
        ("x = `a`\n", "backquotes"),
        ("x = a <> b\n", "operator <>"),
        ("def f(a, (b, c)):\n    pass\n", "tuple parameter"),
        ("f = lambda (a, b): a\n", "tuple parameter"),
    ],
)
def test_python_2_is_called_by_its_name(text: str, construct: str) -> None:
    assert refusal(text).message == f"Python 2 {construct}: batchlint reads Python 3"


def test_characters_that_no_file_can_hold() -> None:
    assert refusal("x = '\ud800'\n").message == "not valid as source: a character that cannot be encoded"
    assert "null bytes" in refusal("x = '\0'\n").message


def test_warnings_about_the_users_code_are_not_shown() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        parse_guarded("x = '\\d'\nif x is 'a': pass\nassert (x, 'always')\n")


CHAINS: dict[str, Callable[[int], str]] = {
    "a sum": lambda n: "x = " + " + ".join("a" * n),
    "chained calls": lambda n: "x = a" + ".b()" * n,
    "attributes": lambda n: "x = a" + ".b" * n,
    "subscripts": lambda n: "x = a" + "[0]" * n,
    "powers": lambda n: "x = " + "**".join("a" * n),
    "negations": lambda n: "x = " + "not " * n + "a",
    "signs": lambda n: "x = " + "-" * n + "a",
    "calls of calls": lambda n: "a" + "()" * n,
    "and": lambda n: "x = " + " and ".join("a" * n),
    "conditions": lambda n: "x = " + "a if b else " * n + "c",
    "lambdas": lambda n: "x = " + "lambda: " * n + "c",
    "clauses of a comprehension": lambda n: "x = [a " + "for a in b " * n + "]",
    "elif": lambda n: "if a:\n b\n" + "elif a:\n b\n" * n,
    "a dotted import": lambda n: "import " + ".".join("a" * n),
    "a dotted from": lambda n: "from " + ".".join("a" * n) + " import b",
    "continued lines": lambda n: "x = a" + " + \\\n a" * n,
}
"""Where n links of a chain are n levels of libcst's tree."""

BRACKETS: dict[str, Callable[[int], str]] = {
    "parentheses": lambda n: "x = " + "(" * n + "a" + ")" * n,
    "lists": lambda n: "x = " + "[" * n + "a" + "]" * n,
    "dicts": lambda n: "x = " + "{1: " * n + "a" + "}" * n,
    "calls": lambda n: "x = " + "f(" * n + "a" + ")" * n,
    "methods": lambda n: "x = " + "a.b(c, " * n + "a" + ").d" * n,
    "comprehensions": lambda n: "x = " + "[a for a in " * n + "b" + "]" * n,
    "defaults of lambdas": lambda n: "x = " + "lambda a=(" * n + "b" + "): c" * n,
    "targets": lambda n: "(" * n + "a" + ",)" * n + " = b",
}

PATTERNS: dict[str, Callable[[int], str]] = {
    "sequences": lambda n: "match a:\n case " + "[" * n + "b" + "]" * n + ": pass",
    "groups": lambda n: "match a:\n case " + "(" * n + "b" + ")" * n + ": pass",
    "classes": lambda n: "match a:\n case " + "C(k=" * n + "b" + ")" * n + ": pass",
    "mappings": lambda n: "match a:\n case " + "{1: " * n + "b" + "}" * n + ": pass",
    "a later case on further lines": lambda n: (
        "match a:\n case 1:\n  f(1)\n case " + "(\n" * n + "b" + ")" * n + ": pass"
    ),
}

STRINGS: dict[str, Callable[[int], str]] = {
    "strings": lambda n: "x = (" + "\n".join(["'a'"] * n) + ")",
    "strings on one line": lambda n: "x = " + '"a"' * n,
    "f-strings": lambda n: "x = (" + "\n".join(["f'{a}'"] * n) + ")",
    "bytes": lambda n: "x = f(é, " + " ".join(["b'a'"] * n) + ")",
}

TOO_DEEP = f"nested more than {MAXIMUM_DEPTH} levels deep: too deep to analyse"


@pytest.mark.parametrize("kind", CHAINS)
@pytest.mark.parametrize("length", [MAXIMUM_DEPTH + 1, 3_000, 10_000])
def test_long_chains_are_refused(kind: str, length: int) -> None:
    assert refusal(CHAINS[kind](length) + "\n").message == TOO_DEEP


@pytest.mark.parametrize("kind", STRINGS)
@pytest.mark.parametrize("length", [4 * (MAXIMUM_DEPTH + 1), 10_000])
def test_long_rows_of_strings_are_refused(kind: str, length: int) -> None:
    assert refusal(STRINGS[kind](length) + "\n").message == TOO_DEEP


@pytest.mark.parametrize("kind", BRACKETS)
def test_ten_thousand_brackets_are_refused(kind: str) -> None:
    assert refusal(BRACKETS[kind](10_000) + "\n").message in ("syntax error: too many nested parentheses", TOO_DEEP)


@pytest.mark.parametrize("kind", PATTERNS)
def test_deep_patterns_are_refused(kind: str) -> None:
    message = f"a match pattern nested more than {MAXIMUM_PATTERN_DEPTH} levels deep: too deep to analyse"
    assert refusal(PATTERNS[kind](MAXIMUM_PATTERN_DEPTH + 1) + "\n").message == message


def test_python_reads_on_after_a_text_that_was_too_deep() -> None:
    refusal(CHAINS["chained calls"](3_000))
    assert measure_depth(parse_guarded("x = 1\n")) > 0


FLAT: dict[str, str] = {
    "a dict of 100,000 entries": "x = {" + "".join(f"'key{i}': {i},\n" for i in range(100_000)) + "}\n",
    "a list of 100,000 numbers": "x = [" + "1, " * 100_000 + "]\n",
    "100,000 lines": "x = a.b(1)\n" * 100_000,
    "10,000 comparisons": "x = " + " < ".join("a" * 10_000) + "\n",
    "10,000 strings in a list": "x = [" + "'a', " * 10_000 + "]\n",
    "10,000 quotes in a string": "x = '''" + '"a" ' * 10_000 + "'''\n",
    "10,000 decorators": "@a\n" * 10_000 + "def f(): pass\n",
    "10,000 exceptions": "try:\n a\n" + "except b:\n a\n" * 10_000,
    "a pattern of 1,000 choices": "match a:\n case " + " | ".join(["(1)"] * 1_000) + ": pass\n",
    "brackets in the body of a case": "match a:\n case 1: x = " + "(" * 20 + "b" + ")" * 20 + "\n case 2: pass\n",
    "99 nested blocks": "".join(" " * level + "if a:\n" for level in range(99)) + " " * 99 + "b\n",
}


@pytest.mark.parametrize("kind", FLAT)
def test_what_is_long_but_flat_passes(kind: str) -> None:
    parse_guarded(FLAT[kind])


@pytest.mark.parametrize(
    ("text", "flat"),
    [
        ("x = a and b and c and d", "x = a and b"),
        ("x = [a for a in b for c in d]", "x = [a for a in b]"),
        ("import a.b.c", "import a"),
        ("x = a + b + c", "x = a + b"),
        ("x = a.b.c", "x = a.b"),
    ],
)
def test_depth_grows_by_each_link_of_a_chain(text: str, flat: str) -> None:
    assert measure_depth(ast.parse(text)) > measure_depth(ast.parse(flat))


@pytest.mark.parametrize("kind", CHAINS)
def test_the_quick_look_refuses_exactly_what_is_too_deep(kind: str) -> None:
    for length in range(MAXIMUM_DEPTH - 10, MAXIMUM_DEPTH + 3):
        text = CHAINS[kind](length)
        tree = ast.parse(text)
        try:
            check_depth(tree, text)
            refused = False
        except UnparsableSource:
            refused = True
        assert refused == (measure_depth(tree, text) > MAXIMUM_DEPTH)


def test_a_tree_from_elsewhere_is_checked_with_its_text() -> None:
    text = STRINGS["strings"](3_000)
    with pytest.raises(UnparsableSource):
        check_depth(ast.parse(text), text)


def longest_that_passes(shape: Callable[[int], str], most: int) -> str:
    least = 1
    while least < most:
        middle = (least + most + 1) // 2
        try:
            parse_guarded(shape(middle) + "\n")
        except UnparsableSource:
            most = middle - 1
        else:
            least = middle
    return shape(least) + "\n"


def limit_the_stack() -> None:
    resource.setrlimit(resource.RLIMIT_STACK, (4 << 20, resource.getrlimit(resource.RLIMIT_STACK)[1]))


PARSE_ALL = "import json, libcst, sys; [libcst.parse_module(text) for text in json.load(sys.stdin)]"


@pytest.mark.parametrize(
    "shapes", [CHAINS, BRACKETS, STRINGS, PATTERNS], ids=["chains", "brackets", "strings", "patterns"]
)
def test_libcst_survives_the_deepest_that_passes_on_half_the_usual_stack(
    shapes: dict[str, Callable[[int], str]],
) -> None:
    texts = [longest_that_passes(shape, 4 * MAXIMUM_DEPTH) for shape in shapes.values()]
    parsed = subprocess.run(
        [sys.executable, "-c", PARSE_ALL],
        input=json.dumps(texts),
        text=True,
        capture_output=True,
        preexec_fn=limit_the_stack,
        timeout=120,
        check=False,
    )
    assert (parsed.returncode, parsed.stderr) == (0, "")
