"""Devices, how exactly they compute, and what may differ."""

from __future__ import annotations

import pytest

torch = pytest.importorskip("torch")

from batchlint.verify.worker.device import (  # noqa: E402
    NoSuchDevice,
    cap_memory,
    describe,
    numerics,
    resolve,
)
from batchlint.verify.worker.tolerances import allowing, decides, tolerance  # noqa: E402

CPU = torch.device("cpu")
without_cuda = pytest.mark.skipif(torch.cuda.is_available(), reason="there is a CUDA device")


def test_devices_are_named() -> None:
    assert resolve("cpu") == CPU
    assert resolve("meta") == torch.device("meta")
    assert resolve("auto").type == ("cuda" if torch.cuda.is_available() else "cpu")


@pytest.mark.parametrize("text", ["tpu", "cuda:x", "cuda:", "", "cpu:0:1", "CUDA"])
def test_what_is_no_device_is_said(text: str) -> None:
    with pytest.raises(NoSuchDevice, match="expected auto, cpu, cuda, cuda:N or meta"):
        resolve(text)


@without_cuda
@pytest.mark.parametrize("text", ["cuda", "cuda:3"])
def test_a_missing_gpu_is_said_with_the_way_out(text: str) -> None:
    with pytest.raises(NoSuchDevice, match=r"no CUDA device: .*; use --device cpu"):
        resolve(text)


def test_the_environment_has_versions() -> None:
    environment = describe(CPU, ("no network",), ("memory",))
    assert environment.device == "cpu"
    assert dict(environment.versions)["torch"] == torch.__version__
    assert environment.sandbox == ("no network",)
    assert environment.not_enforced == ("memory",)


def test_numerics_are_exact_inside_and_as_before_outside() -> None:
    cudnn = torch.backends.cudnn
    before = torch.get_float32_matmul_precision(), cudnn.allow_tf32, cudnn.benchmark, cudnn.deterministic
    torch.set_float32_matmul_precision("high")
    cudnn.benchmark = True
    try:
        with numerics(CPU):
            assert torch.get_float32_matmul_precision() == "highest"
            assert not torch.backends.cuda.matmul.allow_tf32
            assert not cudnn.allow_tf32
            assert not cudnn.benchmark
            assert cudnn.deterministic
        assert torch.get_float32_matmul_precision() == "high"
        assert cudnn.benchmark
    finally:
        torch.set_float32_matmul_precision("highest")
        cudnn.benchmark = False
    assert (torch.get_float32_matmul_precision(), cudnn.allow_tf32, cudnn.benchmark, cudnn.deterministic) == before


def test_numerics_are_put_back_after_an_exception() -> None:
    before = torch.backends.cudnn.deterministic
    with pytest.raises(KeyboardInterrupt), numerics(CPU):
        raise KeyboardInterrupt
    assert torch.backends.cudnn.deterministic is before


def test_tolerances_grow_as_types_get_coarser() -> None:
    allowed = [tolerance(dtype, CPU) for dtype in (torch.float64, torch.float32, torch.float16, torch.bfloat16)]
    assert allowed == sorted(allowed)
    assert tolerance(torch.int64, CPU) == 0
    assert not decides(torch.bfloat16)
    assert decides(torch.float32)


def test_a_users_tolerance_holds_for_real_numbers_only_and_for_a_while() -> None:
    with allowing(0.25):
        assert tolerance(torch.float64, CPU) == 0.25
        assert tolerance(torch.int64, CPU) == 0
    assert tolerance(torch.float64, CPU) == 1e-6


def test_the_cpu_needs_no_cap() -> None:
    cap_memory(CPU, 1)
    torch.ones(10)
