"""Turn a file's bytes into text as Python itself does: PEP 263, byte order mark, any line ending."""

from __future__ import annotations

import codecs
import re
import tokenize
from typing import NamedTuple

_LINE_END = re.compile(r"\r\n|\r|\n")
_LINE_END_BYTES = re.compile(rb"\r\n|\r|\n")

# The 32-bit marks begin with the 16-bit ones, hence come first.
_WIDE_MARKS = (
    (codecs.BOM_UTF32_LE, "UTF-32"),
    (codecs.BOM_UTF32_BE, "UTF-32"),
    (codecs.BOM_UTF16_LE, "UTF-16"),
    (codecs.BOM_UTF16_BE, "UTF-16"),
)

_SAMPLE = 8192
_CONTROLS = bytes(set(range(32)) - set(b"\t\n\r\f\v\b\x1b"))
_BINARY_SHARE = 0.05


class UndecodableSource(Exception):
    """Bytes that Python would refuse as source.

    Attributes:
        message: the reason and the way out, in one line.
        line: 1-based line of the first byte that is at fault, ``None`` when no line can be named.
    """

    def __init__(self, message: str, line: int | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.line = line


class Decoded(NamedTuple):
    """Text as it stood in the file, line endings included, and what is needed to write it back.

    Attributes:
        text: without the byte order mark.
        encoding: Python's name for it, e.g. ``utf-8`` or ``iso-8859-1``.
        newline: the file's first line ending, a line feed when it has none.
        bom: whether a byte order mark came first.
    """

    text: str
    encoding: str
    newline: str
    bom: bool

    def encode(self, text: str) -> bytes:
        """Return *text* in this file's encoding.

        Raises:
            UnicodeEncodeError: the encoding lacks a character of *text*.
        """
        return (codecs.BOM_UTF8 if self.bom else b"") + text.encode(self.encoding)


def split_lines(text: str) -> list[str]:
    """Split at the ends of lines that Python counts; form feeds and Unicode separators are none of them."""
    if "\r" in text:
        text = _LINE_END.sub("\n", text)
    lines = text.split("\n")
    if not lines[-1]:
        lines.pop()
    return lines


def decode(data: bytes) -> Decoded:
    """Decode a source file's bytes.

    Raises:
        UndecodableSource: a wrong or unknown encoding, NUL bytes, or no text at all.
    """
    _refuse_binary(data)
    bom = data.startswith(codecs.BOM_UTF8)
    body = data[len(codecs.BOM_UTF8) :] if bom else data
    encoding, declared = _encoding(data)
    try:
        text = body.decode(encoding)
    except UnicodeDecodeError as error:
        line = _line_at(body, error.start)
        where = f"byte 0x{body[error.start]:02x} is not valid {encoding}"
        advice = "" if declared else ": save the file as UTF-8 or declare its encoding in the first line"
        raise UndecodableSource(where + advice, line) from None
    except (LookupError, ValueError):
        raise UndecodableSource(f"{encoding} is not an encoding for source code", 1) from None
    first_end = _LINE_END.search(text)
    return Decoded(text, encoding, first_end.group() if first_end else "\n", bom)


def _encoding(data: bytes) -> tuple[str, bool]:
    """The encoding that *data* is in, and whether its first two lines declare it."""
    # `tokenize` splits at line feeds alone; a file with bare carriage returns must not be one long first line.
    head = iter([line + b"\n" for line in _LINE_END_BYTES.split(data, maxsplit=2)[:2]])
    try:
        encoding, _ = tokenize.detect_encoding(lambda: next(head, b""))
    except SyntaxError as error:
        if "declaration" in str(error.msg):
            return "utf-8", False
        raise UndecodableSource(str(error.msg), 1) from None
    if encoding == "utf-8-sig":
        return "utf-8", True
    return encoding, encoding != "utf-8"


def _refuse_binary(data: bytes) -> None:
    for mark, name in _WIDE_MARKS:
        if data.startswith(mark):
            raise UndecodableSource(f"{name} text: Python source must be UTF-8 or declare another 8-bit encoding", 1)
    sample = data[:_SAMPLE]
    controls = len(sample) - len(sample.translate(None, _CONTROLS))
    if controls > max(2, _BINARY_SHARE * len(sample)):
        raise UndecodableSource("binary content, not Python source")
    position = data.find(b"\0")
    if position >= 0:
        raise UndecodableSource("source code cannot contain NUL bytes", _line_at(data, position))


def _line_at(data: bytes, position: int) -> int:
    return 1 + len(_LINE_END_BYTES.findall(data, 0, position))
