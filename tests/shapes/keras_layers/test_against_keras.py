"""Every layer against Keras itself: on symbols with an open batch, on numbers at two batch sizes, and made symbolic."""

from __future__ import annotations

import contextlib
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from scale import SCALE

from batchlint.shapes.shape import Shape, ShapeMismatch
from shapes.keras_layers.cases import CASES
from shapes.keras_layers.truth import BATCH, B, Case, agrees, as_claim, claimed, describe, drawn, matches, ran
from shapes.layers.claims import Generaliser

EXAMPLES = 8 * SCALE


def truth_of(call: Any) -> Any:
    try:
        return call()
    except Exception:  # Keras and TensorFlow raise whatever they like
        return None


def plain(truth: Any) -> Any:
    return truth.leading if isinstance(truth, Shape) else tuple(map(plain, truth)) if isinstance(truth, tuple) else None


def substituted(claim: Any, batch: int) -> Any:
    if isinstance(claim, Shape):
        return claim.substitute({BATCH: batch})
    return tuple(substituted(part, batch) for part in claim) if isinstance(claim, tuple) else claim


@pytest.mark.parametrize("name", sorted(CASES))
def test_claims_hold(name: str) -> None:
    accepted = 0

    @settings(
        max_examples=EXAMPLES, deadline=None, derandomize=True, database=None, suppress_health_check=list(HealthCheck)
    )
    @given(st.data())
    def check(data: st.DataObject) -> None:
        nonlocal accepted
        case: Case = data.draw(CASES[name])
        options = {key: as_claim(value) for key, value in case.settings.items()}
        on_symbols = truth_of(lambda: drawn(name, case)) if case.drawn else None
        batches = (None, data.draw(st.sampled_from((1, 2)))) if case.run else ()
        on_numbers = {batch: truth_of(lambda batch=batch: ran(name, case, batch)) for batch in batches}
        truths = [on_symbols, *on_numbers.values()]
        claim = None
        with contextlib.suppress(ShapeMismatch):
            claim = claimed(name, as_claim(case.inputs, B), options, case.call)
        if claim is None:
            # Some layers look at their input only when run.
            refused = list(on_numbers.values()) or [on_symbols]
            assert refused == [None] * len(refused), truths
            return
        if truths == [None] * len(truths):
            return
        accepted += 1
        if on_symbols is not None:
            assert matches(claim, on_symbols, case.vague), (describe(claim), on_symbols)
        for batch, truth in on_numbers.items():
            if truth is not None:
                there = substituted(claim, 3 if batch is None else batch)
                assert matches(there, truth, case.vague), (batch, describe(claim), truth)
        truth = on_numbers.get(None)
        if truth is None:
            return
        assert matches(claimed(name, as_claim(case.inputs), options, case.call), truth, case.vague)
        general = Generaliser(data, case.batched)
        inputs = tuple(general.input(value) for value in case.inputs)
        options = {key: general.setting(value) for key, value in options.items()}
        claim = claimed(name, inputs, options, case.call)
        message = f"{describe(claim)} from {describe(inputs)} with {options}, in truth {truth}"
        assert agrees(claim, plain(truth), general.values), message

    check()
    assert accepted > EXAMPLES // 5, f"Keras accepted only {accepted} of the calls"
