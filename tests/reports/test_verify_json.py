"""The JSON of a run is that of ``check``, with verdicts."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

from batchlint.reports import as_json, verify_json
from batchlint.reports.content import ReportedFinding
from verify_samples import CRASH, REPORT, RESIZED, SOURCE, VERIFIED


def records(**options: Any) -> list[dict[str, Any]]:
    loaded: list[dict[str, Any]] = json.loads("".join(verify_json.render(REPORT, **options)))
    return loaded


def test_a_finding_is_as_check_prints_it_and_more() -> None:
    checked = json.loads("".join(as_json.render([ReportedFinding(each.finding, {}) for each in VERIFIED])))
    for verified, plain in zip(records(), checked, strict=True):
        assert {key: verified[key] for key in plain} == plain
        assert list(verified)[len(plain) :] == [
            "verdict", "reason", "help", "checks", "batch_sizes", "failing_batch_sizes", "failing_variations", "device",
            "evidence",
        ]  # fmt: skip


def test_a_crash_in_full() -> None:
    record = records(scripts={CRASH: "repro/a.py"})[0]
    assert record["verdict"] == "confirmed"
    assert record["batch_sizes"] == [64, 1, 2, 63, 67, 71]
    assert record["failing_batch_sizes"] == [1, 2, 63, 67, 71]
    assert record["device"] == "cpu"
    assert record["help"] is None
    assert record["checks"][0] == {
        "check": "crash at batch sizes",
        "status": "failed",
        "detail": "raises at 1, 2, 63, 67 and 71, not at 64",
    }
    evidence = record["evidence"]
    assert evidence["target"] == {"path": "net.py", "name": "Net", "kind": "class", "line": 7}
    assert evidence["construction"]["expression"] == "Net()"
    assert (evidence["inputs"], evidence["shape_grade"]) == (["x: float32[B, 3, 32, 32]"], "A")
    assert evidence["input_origin"] == "train.py:51"
    assert evidence["exception"]["kind"] == "RuntimeError"
    assert evidence["exception"]["frame"] == {"path": "net.py", "line": 15, "function": "forward"}
    assert evidence["difference"] is None
    assert [each["batch_size"] for each in evidence["outcomes"]] == [64, 1, 2, 63, 67, 71, 64]
    assert evidence["reproduction"] == "repro/a.py"
    import hashlib

    assert evidence["source_sha256"] == hashlib.sha256(SOURCE.encode()).hexdigest()


def test_what_fails_at_another_height_and_width_fails_at_no_batch_size() -> None:
    (record,) = json.loads("".join(verify_json.render(replace(REPORT, verified=(RESIZED,)))))
    assert record["batch_sizes"] == [64, 1, 2]
    assert (record["failing_batch_sizes"], record["failing_variations"]) == ([], ["height and width + 8"])


def test_a_silent_hazard_has_its_difference() -> None:
    assert records()[1]["evidence"]["difference"] == {"value": 0.3125, "samples": [1, 0], "tolerance": 1e-6}


def test_what_was_not_run_has_reason_and_help() -> None:
    record = records()[2]
    assert record["verdict"] == "inconclusive"
    assert record["reason"].startswith("no inputs were found")
    assert record["help"].startswith("say what it takes")
    assert record["evidence"]["stage"] == "built"


def test_only_confirmed_leaves_the_others_out() -> None:
    assert [each["verdict"] for each in records(only_confirmed=True)] == ["confirmed", "confirmed"]


def test_the_same_run_is_the_same_text_and_times_stay_out_of_it() -> None:
    first = "".join(verify_json.render(REPORT))
    assert first == "".join(verify_json.render(REPORT))
    assert "milliseconds" not in first


def test_the_whole_run_has_models_and_sandbox() -> None:
    run = json.loads("".join(verify_json.render_run(REPORT)))
    assert list(run) == ["findings", "models", "summary", "sandbox", "not_enforced", "problems"]
    assert run["findings"] == records()
    assert run["summary"] == {
        "findings": 4, "confirmed": 2, "refuted": 1, "inconclusive": 1, "models": 5, "models_run": 4,
    }  # fmt: skip
    assert [each["target"]["name"] for each in run["models"]] == ["Net", "Attention", "Pair", "Guarded", "Late"]
    assert [each["unforeseen"] for each in run["models"]] == [[], [], [], [], ["crash at batch sizes"]]
    assert run["models"][0]["profiles"][0] == {"batch_size": 1, "milliseconds": 0.4, "peak_bytes": 2100000}
    assert run["models"][0]["largest_batch"] == 4096
    assert run["not_enforced"] == ["nothing"]
