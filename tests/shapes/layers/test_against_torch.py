"""Every layer and function against torch itself, with numbers and with symbols in their place."""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from batchlint.shapes.shape import ShapeMismatch
from shapes.layers.cases import CASES
from shapes.layers.truth import Generaliser, agrees, as_claim, as_claim_of, claimed, describe, true_sizes

WINDOWED = ("Conv", "conv", "Pool", "pool")


def examples(name: str) -> int:
    return 100 if any(part in name for part in WINDOWED) else 30


@pytest.mark.parametrize("name", sorted(CASES))
def test_claims_hold(name: str) -> None:
    accepted = 0

    @settings(
        max_examples=examples(name), deadline=None, derandomize=True, database=None,
        suppress_health_check=list(HealthCheck),
    )  # fmt: skip
    @given(st.data())
    def check(data: st.DataObject) -> None:
        nonlocal accepted
        case = data.draw(CASES[name])
        numbers = as_claim(case.inputs), {key: as_claim(value) for key, value in case.settings.items()}
        try:
            truth = true_sizes(name, case)
        except (RuntimeError, ValueError, IndexError, AssertionError, TypeError):
            with contextlib.suppress(ShapeMismatch):
                claimed(name, *numbers)
            return
        accepted += 1
        claim = claimed(name, *numbers)
        assert case.vague or describe(claim) == describe(as_claim_of(truth)), (describe(claim), truth)

        general = Generaliser(data, case.batched)
        inputs = tuple(general.input(value) for value in case.inputs)
        options = {key: general.setting(value) for key, value in case.settings.items()}
        claim = claimed(name, inputs, options)
        message = f"{describe(claim)} from {describe(inputs)} with {options}, in truth {truth}"
        assert agrees(claim, truth, general.values), message

    check()
    assert accepted > examples(name) // 5, f"torch accepted only {accepted} of the calls"
