"""What only a CUDA device can show. Skipped where there is none; run it with ``pytest tests/verify/test_gpu.py``.

Each poisoned context is in a process of its own.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

torch = pytest.importorskip("torch")

from torch import nn  # noqa: E402

import batchlint  # noqa: E402
from batchlint import verify_model  # noqa: E402
from batchlint.verify.recipes import Inputs, TensorRecipe  # noqa: E402
from batchlint.verify.worker.device import cap_memory, describe, numerics, resolve  # noqa: E402
from batchlint.verify.worker.largest import largest_batch, needed  # noqa: E402
from batchlint.verify.worker.profiling import profile  # noqa: E402
from batchlint.verify.worker.subject import Subject  # noqa: E402
from batchlint.verify.worker.tolerances import tolerance  # noqa: E402

pytestmark = pytest.mark.skipif(not torch.cuda.is_available(), reason="there is no CUDA device")


def on_cuda(model: nn.Module, *sizes: int, seed: int = 0) -> Subject:
    recipe = Inputs((TensorRecipe(("B", *sizes)),))
    return Subject(model.eval().cuda(), recipe, device=torch.device("cuda", 0), seed=seed)


def run_alone(code: str) -> str:
    """What *code* prints in a process of its own."""
    begin = f"import sys; sys.path.insert(0, {str(Path(str(batchlint.__file__)).parents[1])!r})\n"
    done = subprocess.run([sys.executable, "-c", begin + code], capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr[-2000:]
    return done.stdout


def test_auto_is_the_gpu_and_is_named() -> None:
    assert resolve("auto") == torch.device("cuda", 0)
    assert torch.cuda.get_device_name(0) in describe(resolve("cuda")).device
    with pytest.raises(ValueError, match="no device cuda:99"):
        resolve("cuda:99")


def test_a_safe_model_and_a_hazard() -> None:
    class Fixed(nn.Module):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return x.view(4, 3, 8, 8) * 2

    convolutions = nn.Sequential(nn.Conv2d(3, 8, 3), nn.BatchNorm2d(8), nn.ReLU(), nn.Flatten(), nn.LazyLinear(10))
    convolutions(torch.randn(4, 3, 8, 8))
    model_device = next(convolutions.parameters()).device
    assert verify_model(convolutions, torch.randn(4, 3, 8, 8), device="cuda").safe
    assert next(convolutions.parameters()).device == model_device
    failed = [each.check for each in verify_model(Fixed(), torch.randn(4, 3, 8, 8), device="cuda").failures()]
    assert "crash at batch sizes" in failed


def test_wrong_shapes_never_reach_the_device() -> None:
    code = """
import torch
from batchlint import verify_model
seen = set()
class Fixed(torch.nn.Module):
    def forward(self, x):
        if x.is_cuda:
            seen.add(len(x))
        return x.view(4, 8) * 2
verify_model(Fixed(), torch.randn(4, 8), device="cuda", checks=["crash at batch sizes"])
print(sorted(seen))
"""
    assert run_alone(code).strip() == "[4]"


def test_a_device_side_assert_is_told_and_ends_its_process_alone() -> None:
    code = """
import os
os.environ["CUDA_LAUNCH_BLOCKING"] = "1"
import torch
from batchlint import verify_model
class Embeds(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.table = torch.nn.Embedding(4, 8)
    def forward(self, x):
        return self.table(torch.arange(len(x), device=x.device))
report = verify_model(Embeds(), torch.randn(4, 8), device="cuda", checks=["crash at batch sizes"])
failed = [run for run in report.checks[0].runs if run.failure is not None]
print(failed[0].batch_size, failed[0].failure.fatal, failed[0].status.value)
"""
    assert run_alone(code).split() == ["5", "True", "undecided"]
    assert bool((torch.ones(3, device="cuda") == 1).all())


def test_out_of_memory_is_survived() -> None:
    code = """
import torch
from batchlint.verify.outcomes import Status
from batchlint.verify.recipes import Inputs, TensorRecipe
from batchlint.verify.worker.device import cap_memory
from batchlint.verify.worker.subject import Subject
device = torch.device("cuda", 0)
cap_memory(device, 1 << 30)
class Wide(torch.nn.Module):
    def forward(self, x):
        return x.repeat(1, 10_000_000).sum(1)
subject = Subject(Wide(), Inputs((TensorRecipe(("B", 1)),)), device=device)
print(subject.run(4).failure, subject.run(1000).failure.out_of_memory, subject.run(4).failure)
"""
    assert run_alone(code).split() == ["None", "True", "None"]


def models() -> list[tuple[str, nn.Module, tuple[int, ...]]]:
    torch.manual_seed(0)
    resnet_like = nn.Sequential(
        nn.Conv2d(3, 64, 7, 2, 3), nn.BatchNorm2d(64), nn.ReLU(), nn.MaxPool2d(3, 2, 1),
        nn.Conv2d(64, 128, 3, 2, 1), nn.BatchNorm2d(128), nn.ReLU(), nn.Conv2d(128, 256, 3, 2, 1), nn.ReLU(),
        nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(256, 10),
    )  # fmt: skip
    layers: list[nn.Module] = []
    for before, after in ((3, 64), (64, 64), (64, 128), (128, 256)):
        layers += [nn.Conv2d(before, after, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2)]
    encoder = nn.TransformerEncoder(nn.TransformerEncoderLayer(256, 8, 1024, batch_first=True), 4)
    return [
        ("resnet-like", resnet_like, (3, 224, 224)),
        ("vgg-like", nn.Sequential(*layers, nn.Flatten(), nn.Linear(256 * 64, 10)), (3, 128, 128)),
        ("transformer", encoder, (128, 256)),
    ]


@pytest.mark.parametrize(("name", "model", "sizes"), models(), ids=lambda each: each if isinstance(each, str) else "")
def test_the_largest_batch_is_within_five_percent(name: str, model: nn.Module, sizes: tuple[int, ...]) -> None:
    limit = 4 << 30
    subject = on_cuda(model, *sizes)
    found = largest_batch(subject, limit)
    assert found.confirmed
    assert needed(subject, int(found.predicted * 0.95), limit).fits
    assert not needed(subject, int(found.predicted * 1.05) + 1, limit).fits


@pytest.mark.parametrize(("name", "model", "sizes"), models(), ids=lambda each: each if isinstance(each, str) else "")
@pytest.mark.parametrize("dtype", [torch.float64, torch.float32])
def test_clean_models_stay_within_the_tolerance(
    name: str, model: nn.Module, sizes: tuple[int, ...], dtype: torch.dtype
) -> None:
    device = torch.device("cuda", 0)
    model = model.eval().to(device, dtype)
    batch = torch.randn(17, *sizes, device=device, dtype=dtype)
    with torch.no_grad(), numerics(device):
        together, alone = model(batch), torch.cat([model(row.unsqueeze(0)) for row in batch])
    assert float((together - alone).abs().max() / together.abs().max()) <= tolerance(dtype, device)


def test_tf32_is_off_inside() -> None:
    one = torch.randn(256, 256, device="cuda")
    with numerics(torch.device("cuda", 0)):
        error = float(((one @ one).double() - one.double() @ one.double()).abs().max())
    assert error < 1e-3


def test_a_profile_has_the_allocators_peak() -> None:
    profiles = profile(on_cuda(nn.Linear(1024, 1024), 1024), (4, 64))
    assert all(each.peak_bytes and each.peak_bytes >= 4 * 1024 * 1024 for each in profiles)


def test_a_cap_holds() -> None:
    code = """
import torch
from batchlint.verify.worker.device import cap_memory
device = torch.device("cuda", 0)
cap_memory(device, 256 << 20)
try:
    torch.empty(512 << 20, dtype=torch.uint8, device=device)
except torch.cuda.OutOfMemoryError:
    print("held")
"""
    assert run_alone(code).strip() == "held"
    assert callable(cap_memory)
