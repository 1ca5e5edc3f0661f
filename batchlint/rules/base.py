"""What a rule is: one class, one file, one page.

A rule subscribes to observations of the evaluator and reports hazards; it never walks a tree. Its docstring is its
documentation, with the fixed sections of `SECTIONS`; the code below ``Example:`` must be flagged and the code below
``Instead:`` must be silent, which the tests run. A module that holds a rule is named after the rule and must not import
libcst when it is imported (use ``typing.TYPE_CHECKING``): ``batchlint rule``, ``--help`` and the flake8 plugin read
rules' metadata without it.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, ClassVar, NamedTuple

from batchlint.findings import Severity

if TYPE_CHECKING:
    from batchlint.semantics.observations import Observation, Report

SECTIONS = ("Example", "Instead", "Why", "Silent when", "Proof", "Fix")
"""The headings of every rule's docstring, in this order, after the summary line."""

_CODE = re.compile(r"BSZ[1-9][0-9]{2}\Z")
_NAME = re.compile(r"[a-z]+(-[a-z0-9]+)*\Z")


class Page(NamedTuple):
    """A rule's documentation: the summary line, and the text below each heading of `SECTIONS`."""

    summary: str
    sections: dict[str, str]

    @property
    def hazard(self) -> str:
        """The code of ``Example:``, which the rule flags."""
        return self.sections["Example"] + "\n"

    @property
    def remedy(self) -> str:
        """The code of ``Instead:``, about which the rule is silent."""
        return self.sections["Instead"] + "\n"


def parse_page(docstring: str) -> Page:
    """Split a rule's *docstring* into its page.

    Raises:
        ValueError: there is no summary line, or a heading is absent, empty, unknown or out of order.
    """
    import inspect

    summary, _, rest = inspect.cleandoc(docstring).partition("\n")
    if not summary or summary.rstrip(":") in SECTIONS:
        raise ValueError("has no summary line")
    sections: dict[str, str] = {}
    parts = re.split(r"^(\S.*):$", rest, flags=re.MULTILINE)
    if parts[0].strip():
        raise ValueError(f"has text outside of sections: {parts[0].strip().splitlines()[0]!r}")
    for heading, body in zip(parts[1::2], parts[2::2], strict=True):
        text = inspect.cleandoc("\n" + body).strip("\n")
        if not text:
            raise ValueError(f"has an empty section {heading!r}")
        sections[heading] = text
    if tuple(sections) != SECTIONS:
        raise ValueError(f"needs the sections {', '.join(SECTIONS)} in this order, but has {', '.join(sections)}")
    return Page(summary, sections)


class Rule:
    """Base of all rules. A subclass without code, name, severity, observations or a full page is refused.

    Attributes:
        code: ``BSZ`` and three digits, unique.
        name: kebab-case, unique, as good as the code everywhere; the module bears the same name.
        severity: the usual one; a report may lower or raise it.
        observes: canonical operation names (``torch.Tensor.view``) or kinds of observation (``loop``) to be given.
        candidates: what must stand in a file for this rule to have anything to say, read by the gate before the file is
            parsed with libcst.
        proved_by: names of the verifier's checks that can confirm or refute a finding.
    """

    code: ClassVar[str]
    name: ClassVar[str]
    severity: ClassVar[Severity]
    observes: ClassVar[tuple[str, ...]]
    candidates: ClassVar[tuple[str, ...]] = ()
    proved_by: ClassVar[tuple[str, ...]] = ()

    def __init_subclass__(cls, *, abstract: bool = False) -> None:
        """Refuse a concrete rule that is not fully described.

        Raises:
            TypeError: an attribute or a part of the documentation is absent or malformed.
        """
        super().__init_subclass__()
        if abstract:
            return
        if not _CODE.match(getattr(cls, "code", "")):
            raise TypeError(f"rule {cls.__name__} needs a code such as 'BSZ201'")
        if not _NAME.match(getattr(cls, "name", "")):
            raise TypeError(f"rule {cls.__name__} needs a kebab-case name")
        if not isinstance(getattr(cls, "severity", None), Severity):
            raise TypeError(f"rule {cls.__name__} needs a severity")
        if not getattr(cls, "observes", ()):
            raise TypeError(f"rule {cls.__name__} observes nothing")
        if not cls.__dict__.get("__doc__"):
            raise TypeError(f"rule {cls.__name__} needs a docstring: it is the rule's documentation")
        try:
            cls.page()
        except ValueError as error:
            raise TypeError(f"the docstring of rule {cls.__name__} {error}") from None

    @classmethod
    def page(cls) -> Page:
        """The documentation in this rule's docstring."""
        return parse_page(cls.__doc__ or "")

    def check(self, observation: Observation, report: Report) -> None:
        """Look at one *observation* and call *report* for each hazard in it."""
        raise NotImplementedError
