"""Bytes become text as Python itself decodes them; what Python would refuse is refused with its line."""

from __future__ import annotations

import ast
import codecs

import pytest
from hypothesis import given
from hypothesis import strategies as st

from batchlint.source.decoding import Decoded, UndecodableSource, decode, split_lines


@pytest.mark.parametrize(
    ("data", "decoded"),
    [
        (b"x = 1\n", Decoded("x = 1\n", "utf-8", "\n", bom=False)),
        (b"", Decoded("", "utf-8", "\n", bom=False)),
        (b" \t\n\n", Decoded(" \t\n\n", "utf-8", "\n", bom=False)),
        (b"x = 1\r\ny = 2\r\n", Decoded("x = 1\r\ny = 2\r\n", "utf-8", "\r\n", bom=False)),
        (b"x = 1\ry = 2\r", Decoded("x = 1\ry = 2\r", "utf-8", "\r", bom=False)),
        (b"\xef\xbb\xbfx = 1\n", Decoded("x = 1\n", "utf-8", "\n", bom=True)),
        ("é = 'ü'\n".encode(), Decoded("é = 'ü'\n", "utf-8", "\n", bom=False)),
        (
            b"# -*- coding: latin-1 -*-\n# \xe9\n",
            Decoded("# -*- coding: latin-1 -*-\n# é\n", "iso-8859-1", "\n", False),
        ),
        (b"#!/bin/sh\n# vim: set fileencoding=cp1252 :\n'\x80'\n", None),
        (b"# first\r# coding: latin-1\r'\xe9'\r", None),
        (b"x = 1\n\x0cy = 2\n", Decoded("x = 1\n\x0cy = 2\n", "utf-8", "\n", bom=False)),
    ],
    ids=["plain", "empty", "blank", "crlf", "cr", "bom", "utf8", "latin1", "cp1252-line-2", "latin1-cr", "form-feed"],
)
def test_what_python_can_read(data: bytes, decoded: Decoded | None) -> None:
    found = decode(data)
    if decoded is not None:
        assert found == decoded
    assert found.encode(found.text) == data
    assert ast.dump(ast.parse(found.text)) == ast.dump(ast.parse(data))


@pytest.mark.parametrize(
    ("data", "message", "line"),
    [
        (b"x = 1\n# caf\xe9\n", "byte 0xe9 is not valid utf-8: save the file as UTF-8 or declare", 2),
        (b"x = 1\ny = 2\n\r\n# caf\xe9\n", "byte 0xe9 is not valid utf-8", 4),
        (b"# coding: ascii\nx = '\xe9'\n", "byte 0xe9 is not valid ascii", 2),
        (b"\xef\xbb\xbfx = '\xe9'\n", "byte 0xe9 is not valid utf-8", 1),
        (b"# coding: klingon\n", "unknown encoding: klingon", 1),
        (b"\xef\xbb\xbf# coding: latin-1\n", "encoding problem: utf-8", 1),
        (b"# coding: rot13\nk = 1\n", "rot13 is not an encoding for source code", 1),
        (b"# coding: base64\nk = 1\n", "base64 is not an encoding for source code", 1),
        (b"x = 1\ny = '\x00'\n", "source code cannot contain NUL bytes", 2),
        (codecs.BOM_UTF16_LE + "x = 1\n".encode("utf-16-le"), "UTF-16 text: Python source must be", 1),
        ("x = 1\n".encode("utf-32"), "UTF-32 text: Python source must be", 1),
        (
            b"\x7fELF\x02\x01\x01\x00\x00\x00\x00\x00\x00\x00\x00\x00\x03\x00\x3e\x00",
            "binary content, not Python",
            None,
        ),
        (bytes(range(256)) * 40, "binary content, not Python source", None),
    ],
)
def test_what_python_would_refuse(data: bytes, message: str, line: int | None) -> None:
    with pytest.raises(UndecodableSource) as refused:
        decode(data)
    assert refused.value.message.startswith(message)
    assert refused.value.line == line


@given(st.binary(max_size=200))
def test_any_bytes_are_either_decoded_without_loss_or_refused(data: bytes) -> None:
    try:
        decoded = decode(data)
    except UndecodableSource:
        return
    assert decoded.encode(decoded.text) == data


@pytest.mark.parametrize(
    ("text", "lines"),
    [
        ("", []),
        ("\n", [""]),
        ("a", ["a"]),
        ("a\n", ["a"]),
        ("a\r\nb\rc\nd", ["a", "b", "c", "d"]),
        ("a\n\r\nb", ["a", "", "b"]),
        ("a\x0cb\x0bc\x1cd\x85e\u2028f\n", ["a\x0cb\x0bc\x1cd\x85e\u2028f"]),
    ],
)
def test_lines_end_where_python_says(text: str, lines: list[str]) -> None:
    assert split_lines(text) == lines
