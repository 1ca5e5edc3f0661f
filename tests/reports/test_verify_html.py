"""The page stands alone, is well formed, and shows users' text as text."""

from __future__ import annotations

import itertools
import os
import re
import unicodedata
from collections import Counter
from dataclasses import replace
from html.parser import HTMLParser

import pytest

from batchlint.reports import verify_html
from batchlint.reports.excerpts import excerpt
from batchlint.reports.plots import Plot, svg, ticks
from batchlint.verify.session import Verified, VerifyReport
from verify_samples import CRASH, REPORT, RESIZED, VERIFIED, filled_with

VOID = {"meta", "input", "br", "wbr"}
EVIL = "<script>alert('x')</script>\"&"


class Page(HTMLParser):
    """Checks that tags are balanced, and remembers them with their attributes and the text in them."""

    def __init__(self, source: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.texts: list[tuple[str, str]] = []
        self.feed(source)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert len({name for name, _ in attrs}) == len(attrs), f"{tag} has an attribute twice"
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.texts.append((self.open[-1] if self.open else "", data))

    def text(self) -> str:
        return "".join(text for tag, text in self.texts if tag not in ("style", "script"))


def page(report: VerifyReport = REPORT, *, only_confirmed: bool = False, script: str = "import torch\n") -> str:
    return "".join(verify_html.render(report, only_confirmed=only_confirmed, scripts={CRASH: script}))


def test_the_page_is_well_formed_and_its_links_lead_somewhere() -> None:
    parsed = Page(page())
    ids = Counter(attributes["id"] for _, attributes in parsed.tags if attributes.get("id"))
    assert max(ids.values()) == 1
    targets = [attributes["href"] or "" for tag, attributes in parsed.tags if tag == "a"]
    assert len(targets) == 4
    assert all(target.removeprefix("#") in ids for target in targets)
    labels = [attributes["aria-labelledby"] for _, attributes in parsed.tags if "aria-labelledby" in attributes]
    assert all(label in ids for label in labels)


def test_nothing_is_loaded_from_anywhere() -> None:
    source = page()
    assert not re.search(r"https?:|//\w+\.|@import|url\(", source)
    for tag, attributes in Page(source).tags:
        assert not {"src", "srcset", "action"} & attributes.keys()
        assert tag not in ("link", "img", "iframe", "base")
    assert "default-src 'none'" in source


def test_headings_go_down_one_level_at_a_time() -> None:
    levels = [int(tag[1]) for tag, _ in Page(page()).tags if re.fullmatch(r"h[1-6]", tag)]
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(after - before <= 1 for before, after in itertools.pairwise(levels))


def test_all_that_the_report_knows_is_on_it() -> None:
    text = Page(page()).text()
    for wanted in (
        "net.py:15:13",
        "x is [B, 16, 28, 28] here",
        "BATCH_SIZE is set here",
        "raises at 1, 2, 63, 67 and 71",
        "shape '[64, -1]' is invalid",
        "x: float32[B, 3, 32, 32]",
        "train.py:51",
        "Net()",
        "0.312 at sample 1",
        "What would help: say what it takes",
        "Largest batch that fits: 4,096",
        "writes only below a scratch folder",
        "Not enforced",
        "torch 2.13.0",
        "No confirmed finding speaks of it.",
        "import torch",
    ):
        assert wanted in text


def test_only_confirmed_leaves_the_others_out() -> None:
    parsed = Page(page(only_confirmed=True))
    articles = [attributes["class"] for tag, attributes in parsed.tags if tag == "article" and "id" in attributes]
    assert articles == ["finding card confirmed"] * 2


def test_an_empty_run_has_a_page() -> None:
    assert "No findings to show." in Page(page(VerifyReport())).text()


def test_users_text_is_text_wherever_it_stands() -> None:
    report = filled_with(EVIL)
    finding = report.verified[0].finding
    source = "".join(verify_html.render(report, scripts={finding: EVIL}))
    parsed = Page(source)
    assert [tag for tag, _ in parsed.tags].count("script") == 1
    assert "alert" not in "".join(text for tag, text in parsed.texts if tag == "script")
    assert parsed.text().count("<script>alert('x')</script>") > 20
    allowed = {
        "id", "class", "title", "href", "lang", "charset", "content", "name", "http-equiv", "type", "value", "checked",
        "tabindex", "role", "scope", "viewbox", "fill", "d", "points", "cx", "cy", "r", "x", "y", "x1", "x2", "y1",
        "y2", "text-anchor", "transform", "aria-label", "aria-labelledby", "aria-hidden",
    }  # fmt: skip
    assert {name for _, attributes in parsed.tags for name in attributes} <= allowed


def test_what_cannot_be_seen_is_replaced() -> None:
    source = page(filled_with("a\x1b[31m\x07\u202eb\x9b"), script="\x1b]0;title\x07")
    assert "a\N{REPLACEMENT CHARACTER}[31m" in source
    assert not [each for each in source if each != "\n" and unicodedata.category(each) in ("Cc", "Cf", "Cs")]


def test_what_fails_at_another_height_and_width_fails_at_no_batch_size() -> None:
    text = Page(page(replace(REPORT, verified=(RESIZED,)))).text()
    assert "fails with height and width + 8" in text
    assert "fails at" not in text
    assert "Raised with height and width + 8" in text


def test_long_paths_are_shown_below_the_folder_they_share() -> None:
    def moved(verified: Verified, path: str) -> Verified:
        target = verified.verdict.target
        assert target is not None
        verdict = replace(
            verified.verdict,
            reason=f"it raises at {path}:3, not in /elsewhere{path}",
            target=replace(target, path=path, input_origin=f"{path}:51"),
        )
        return Verified(replace(verified.finding, filename=path), verdict)

    folder = "/home/someone/with/a/long/path"
    some = moved(VERIFIED[0], f"{folder}/models/net.py"), moved(VERIFIED[1], f"{folder}/train.py")
    source = "".join(verify_html.render(VerifyReport(some), scripts={some[1].finding: f"# {folder}/kept"}))
    text = Page(source).text()
    assert "models/net.py:15:13" in text
    assert f"it raises at models/net.py:3, not in /elsewhere{folder}/models/net.py" in text
    assert "from the first layer: train.py:51" in text
    assert f"# {folder}/kept" in text
    inside = moved(VERIFIED[0], f"{os.getcwd()}/net.py")
    assert ">net.py:<wbr>15:<wbr>13<" in "".join(verify_html.render(VerifyReport((inside, *some))))
    roots = moved(VERIFIED[0], "/a.py"), moved(VERIFIED[1], "/b/c.py")
    assert "/b/c.py:25:19" in Page("".join(verify_html.render(VerifyReport(roots)))).text()


def test_the_excerpt_marks_what_is_flagged() -> None:
    found = excerpt(REPORT, VERIFIED[0])
    assert found is not None
    by_number = {line.number: line for line in found.lines}
    assert sorted(by_number) == [4, 13, 14, 15, 16]
    marked = "".join(piece.text for piece in by_number[15].pieces if piece.marked)
    assert marked == "x.view(BATCH_SIZE, -1)"
    assert by_number[15].remark == "x is [B, 16, 28, 28] here"
    assert by_number[4].remark == "BATCH_SIZE is set here"
    assert by_number[4].gap
    assert [line.number for line in found.lines if line.flagged] == [15]
    text = "".join(piece.text for piece in by_number[15].pieces)
    assert text == "        x = x.view(BATCH_SIZE, -1)  # one row a sample"


def test_without_a_plan_the_quoted_line_is_shown() -> None:
    report = replace(REPORT, plans={})
    found = excerpt(report, VERIFIED[1])
    assert found is not None
    (line,) = found.lines
    assert [piece.text for piece in line.pieces if piece.marked] == ["torch.softmax(self.score(x), dim=0)"]
    assert excerpt(replace(report, quoted={}), VERIFIED[1]) is None


@pytest.mark.parametrize(
    ("greatest", "binary", "expected"),
    [
        (71.0, False, [0, 20, 40, 60, 80]),
        (0.9, False, [0, 0.2, 0.4, 0.6, 0.8, 1.0]),
        (100.0, False, [0, 20, 40, 60, 80, 100]),
        (5000.0, True, [0, 1024, 2048, 3072, 4096, 5120]),
        (0.0, False, [0, 1]),
    ],
)
def test_ticks_are_round(greatest: float, binary: bool, expected: list[float]) -> None:
    assert ticks(greatest, binary=binary) == pytest.approx(expected)


def test_a_plot_has_axes_with_units_and_all_points_inside() -> None:
    drawn = svg(Plot("Time", [(1, 2.0), (64, 9.5)], "batch size", "ms", lambda y: f"{y:g} ms", (0.12, 1.9)))
    parsed = Page(drawn)
    assert "batch size" in parsed.text()
    assert "10 ms" in parsed.text()
    circles = [attributes for tag, attributes in parsed.tags if tag == "circle"]
    assert len(circles) == 2
    assert all(84 <= float(each["cx"] or 0) <= 440 and 0 <= float(each["cy"] or 0) <= 214 for each in circles)
