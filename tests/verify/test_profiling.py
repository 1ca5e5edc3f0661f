"""Time and memory by batch size, the largest batch, and shapes on meta tensors."""

from __future__ import annotations

import functools
import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace

import pytest

torch = pytest.importorskip("torch")

from torch import nn  # noqa: E402

from batchlint.verify.recipes import Inputs, TensorRecipe  # noqa: E402
from batchlint.verify.worker.largest import Fit, Needed, fit, largest_batch  # noqa: E402
from batchlint.verify.worker.meta import foresee, meta_copy, shape_crashes  # noqa: E402
from batchlint.verify.worker.profiling import LiveBytes, profile, slope  # noqa: E402
from batchlint.verify.worker.subject import Subject  # noqa: E402

FRESH = "BATCHLINT_TEST_IN_A_FRESH_PROCESS"

on_linux = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="children are measured by /proc")


def in_a_fresh_process(test: Callable[[], None]) -> Callable[[], None]:
    """Run *test* in a process of its own: memory that an old one has freed and kept hides what its children take."""

    @functools.wraps(test)
    def run() -> None:
        if os.environ.get(FRESH):
            test()
            return
        command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", f"{__file__}::{test.__name__}"]
        done = subprocess.run(command, env={**os.environ, FRESH: "1"}, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout

    return run


def subject(model: nn.Module, *sizes: int) -> Subject:
    return Subject(model, Inputs((TensorRecipe(("B", *sizes)),)))


class Wide(nn.Module):
    """A hundred thousand numbers a sample, twice."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return (x.repeat(1, 100_000) + 1).mean(1)


class Pairs(nn.Module):
    """Memory that grows with the square of the batch."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return (x.unsqueeze(0) * x.unsqueeze(1)).mean((1, 2))


def test_live_bytes_are_those_that_are_alive_together() -> None:
    held = torch.zeros(1000)
    with LiveBytes([held]) as counted:
        one = torch.ones(2000)
        view = one[:10]
        two = one + 1
        del one
        three = two * 2
        assert counted.live == 4 * (1000 + 2000 + 2000 + 2000)  # the view keeps the first alive
        del view, two
        assert counted.live == 4 * (1000 + 2000)
        del three
    assert counted.live == 4 * 1000
    assert counted.peak == 4 * (1000 + 2000 + 2000 + 2000)


def test_operations_in_place_cost_nothing() -> None:
    with LiveBytes() as counted:
        one = torch.ones(1000)
        one.add_(1).view(10, 100).transpose(0, 1)
    assert counted.peak == 4000


def test_a_profile_has_time_and_memory_and_a_slope() -> None:
    model = nn.Sequential(nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 1)).train()
    profiles = profile(subject(model, 64), (8, 4, 16))
    assert [each.batch_size for each in profiles] == [4, 8, 16]
    assert all(each.milliseconds > 0 for each in profiles)
    parameters = sum(parameter.nbytes for parameter in model.parameters())
    assert all(each.peak_bytes and each.peak_bytes > parameters for each in profiles)
    found = slope(profiles)
    assert found is not None
    assert found[1] == 64 * 4 * 3  # the input, the first layer's output, and its activation
    assert model.training


def test_what_raises_has_no_profile() -> None:
    class Fixed(nn.Module):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return x.view(4, -1)

    assert [each.batch_size for each in profile(subject(Fixed(), 5), (3, 4))] == [4]
    assert slope(()) is None


def test_a_line_and_a_parabola_are_told_apart() -> None:
    straight = fit([Needed(batch, 100 + 7 * batch, 0.0, True) for batch in (4, 8, 16)])
    assert straight == Fit(100, 7)
    assert straight.largest(800) == 100
    bent = fit([Needed(batch, 100 + 7 * batch + 3 * batch**2, 0.0, True) for batch in (4, 8, 16)])
    assert (bent.fixed, bent.linear, bent.square) == pytest.approx((100, 7, 3))
    assert bent.largest(100 + 7 * 50 + 3 * 2500) == 50


@on_linux
@in_a_fresh_process
def test_the_largest_batch_is_predicted_and_confirmed() -> None:
    limit = 100_000_000
    found = largest_batch(subject(Wide(), 1), limit)
    true = limit / (2 * 4 * 100_000)
    assert found.confirmed
    assert found.predicted == pytest.approx(true, rel=0.05)
    assert found.batch_size == pytest.approx(true, rel=0.08)
    assert not found.quadratic


@on_linux
@in_a_fresh_process
def test_a_backward_pass_needs_what_the_forward_pass_saves() -> None:
    layers = subject(nn.Sequential(nn.Linear(10, 20_000), *(nn.Tanh() for _ in range(8))), 10)
    limit = 100_000_000
    forward, both = largest_batch(layers, limit), largest_batch(layers, limit, backward=True)
    assert both.confirmed
    assert both.bytes_per_sample > 2 * forward.bytes_per_sample
    assert both.predicted < forward.predicted / 2


@on_linux
@in_a_fresh_process
def test_memory_that_grows_with_the_square_is_noticed() -> None:
    found = largest_batch(subject(Pairs(), 2000), 100_000_000)
    assert found.quadratic
    assert found.confirmed
    assert found.predicted == pytest.approx((100_000_000 / (4 * 2000)) ** 0.5, rel=0.08)


@on_linux
@in_a_fresh_process
def test_what_does_not_fit_at_all_is_said() -> None:
    found = largest_batch(subject(Wide(), 1), 1_000_000)
    assert found.batch_size == 0
    assert "does not fit at batch size 4" in found.reason


@on_linux
def test_what_raises_for_another_reason_has_no_largest_batch() -> None:
    found = largest_batch(subject(Fixed(), 8), 100_000_000)
    assert (found.batch_size, found.confirmed) == (0, False)
    assert "raises at batch size 8, and not for want of memory" in found.reason


@on_linux
def test_code_that_ends_its_process_ends_a_child_alone() -> None:
    class Exits(nn.Module):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            import os

            os._exit(3)

    assert largest_batch(subject(Exits(), 1), 100_000_000).batch_size == 0


class Fixed(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.Linear(8, 3)
        self.register_buffer("scale", torch.ones(3))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.layer(x.view(4, 8)) * self.scale


class Reads(nn.Module):
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x * float(x.sum()) if len(x) != 4 else x


def test_a_meta_copy_has_shapes_and_no_values() -> None:
    model = Fixed()
    copied = meta_copy(model)
    assert copied is not None
    assert {each.device.type for each in [*copied.parameters(), *copied.buffers()]} == {"meta"}
    assert {each.device.type for each in [*model.parameters(), *model.buffers()]} == {"cpu"}
    assert copied.layer.weight.shape == (3, 8)


def test_wrong_shapes_are_found_without_the_device() -> None:
    assert sorted(shape_crashes(subject(Fixed(), 8), (4, 1, 5))) == [1, 5]
    assert shape_crashes(subject(Reads(), 8), (4, 1, 5)) == {}
    assert shape_crashes(subject(nn.Linear(8, 3), 8), (4, 1, 5)) == {}


def test_what_was_foreseen_is_not_run() -> None:
    calls: list[int] = []

    class Counting(Fixed):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            if x.device.type != "meta":
                calls.append(len(x))
            return super().forward(x)

    counted = replace(subject(Counting(), 8), control=4)
    foresee(counted, (4, 1, 5))
    assert counted.evaluated(1).failure is not None
    assert counted.evaluated(4).failure is None
    assert calls == [4]
