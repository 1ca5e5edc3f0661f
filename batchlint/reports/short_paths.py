"""Paths as a page shows them: below the working directory, or else below the folder that all of them share."""

from __future__ import annotations

import contextlib
import dataclasses
import os
import re
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from batchlint.verify.session import VerifyReport

if TYPE_CHECKING:
    from batchlint.findings import Finding


def shortened(report: VerifyReport, scripts: Mapping[Finding, str]) -> tuple[VerifyReport, dict[Finding, str]]:
    """*report*, and *scripts* by its findings, with short paths; sources stay as they are."""
    folders = base_folders(report)
    if not folders:
        return report, dict(scripts)
    alternatives = "|".join(re.escape(folder.rstrip(os.sep) + os.sep) for folder in folders)
    leading = re.compile(rf"(?<![\w.{re.escape(os.sep)}-])(?:{alternatives})")

    def short(text: str) -> str:
        return leading.sub("", text)

    plans = {
        short(path): replace(plan, path=short(plan.path), targets=_changed(plan.targets, short))
        for path, plan in report.plans.items()
    }
    quoted = {(short(path), cell, line): text for (path, cell, line), text in report.quoted.items()}
    changed = replace(
        report,
        verified=_changed(report.verified, short),
        models=_changed(report.models, short),
        plans=plans,
        quoted=quoted,
    )
    renamed = {
        after.finding: scripts[before.finding]
        for before, after in zip(report.verified, changed.verified)
        if before.finding in scripts
    }
    return changed, renamed


def base_folders(report: VerifyReport) -> tuple[str, ...]:
    """The folders that paths are shown below, the longest first; none where no path is absolute."""
    paths = {each.finding.filename for each in report.verified} | {target.path for target in report.models}
    absolute = {path for path in paths if os.path.isabs(path)}
    here = os.getcwd()
    outside = sorted(path for path in absolute if not path.startswith(here + os.sep))
    found = {here} if len(outside) < len(absolute) else set()
    if outside:
        with contextlib.suppress(ValueError):  # they are on several drives
            found.add(os.path.commonpath([os.path.dirname(path) for path in outside]))
    return tuple(sorted((each for each in found if os.path.dirname(each) != each), key=len, reverse=True))


def _changed(value: Any, change: Callable[[str], str]) -> Any:
    """*value* with *change* applied to all text in it."""
    if isinstance(value, str):
        return change(value)
    if isinstance(value, tuple):
        parts = [_changed(each, change) for each in value]
        return type(value)(*parts) if hasattr(value, "_fields") else tuple(parts)
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        names = [each.name for each in dataclasses.fields(value)]
        return replace(value, **{name: _changed(getattr(value, name), change) for name in names})
    return value
