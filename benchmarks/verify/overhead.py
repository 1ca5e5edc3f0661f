"""What all default checks cost, against plain forward passes at the same batch sizes.

``python -m benchmarks.verify.overhead`` writes ``overhead.md`` beside this file. The CPU, one thread, eval mode without
gradients; the median of the rounds. The bar is 4.
"""

from __future__ import annotations

import argparse
import statistics
import time
import warnings
from collections.abc import Callable
from pathlib import Path

import torch
import torchvision

from batchlint.verify.batch_sizes import ladder
from batchlint.verify.recipes import Inputs, TensorRecipe
from batchlint.verify.settings import Settings
from batchlint.verify.worker.checking import run_checks, usual_checks
from batchlint.verify.worker.subject import Subject

HERE = Path(__file__).parent
BAR = 4.0

CASES: dict[str, tuple[Callable[[], torch.nn.Module], tuple[int, ...], int]] = {
    "ResNet-18, 224x224": (lambda: torchvision.models.resnet18(weights=None), (3, 224, 224), 8),
    "ResNet-18, 64x64": (lambda: torchvision.models.resnet18(weights=None), (3, 64, 64), 16),
    "MobileNetV2, 96x96": (lambda: torchvision.models.mobilenet_v2(weights=None), (3, 96, 96), 8),
    "Transformer encoder, 4 layers of 256, 128 tokens": (lambda: transformer(), (128, 256), 8),
}
"""Model, shape of a sample and control, by name."""


def transformer() -> torch.nn.Module:
    layer = torch.nn.TransformerEncoderLayer(256, 8, 1024, batch_first=True)
    return torch.nn.TransformerEncoder(layer, 4)


def plain(model: torch.nn.Module, shape: tuple[int, ...], sizes: tuple[int, ...]) -> float:
    """Processor seconds for one forward pass at each size."""
    batches = [torch.randn(size, *shape) for size in sizes]
    begin = time.process_time()
    with torch.no_grad():
        for batch in batches:
            model(batch)
    return time.process_time() - begin


def checked(model: torch.nn.Module, shape: tuple[int, ...], control: int, names: list[str]) -> float:
    """Processor seconds for these checks."""
    subject = Subject(model, Inputs((TensorRecipe(("B", *shape)),)), control)
    settings = Settings(device="cpu", seconds_per_check=600, seconds_per_target=600)
    begin = time.process_time()
    answers = run_checks(subject, names, settings)
    seconds = time.process_time() - begin
    assert all(each.status.value == "passed" for each in answers), answers
    return seconds


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--only", default="")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    warnings.simplefilter("ignore")
    lines = []
    for name, (make, shape, control) in CASES.items():
        if arguments.only not in name:
            continue
        model = make().eval()
        sizes = ladder(control, set(shape))
        plain(model, shape, sizes[:1])
        pairs = [
            (plain(model, shape, sizes), checked(model, shape, control, list(usual_checks())))
            for _ in range(arguments.rounds)
        ]
        ratios = [all_checks / passes for passes, all_checks in pairs]
        passes, all_checks = (statistics.median(each) for each in zip(*pairs))
        ratio = statistics.median(ratios)
        verdict = "" if ratio <= BAR else " **over the bar**"
        lines.append(
            f"| {name} | {', '.join(map(str, sizes))} | {passes:.2f} | {all_checks:.2f} | {ratio:.1f}{verdict} "
            f"| {min(ratios):.1f} to {max(ratios):.1f} |"
        )
        print(lines[-1], flush=True)
    if not arguments.only:
        (HERE / "overhead.md").write_text(page(lines, arguments.rounds))


def page(lines: list[str], rounds: int) -> str:
    head = [
        "# What the checks cost",
        "",
        "`python -m benchmarks.verify.overhead`: all default checks against one plain forward",
        "pass in eval mode at each",
        f"of the same batch sizes; torch {torch.__version__}, the CPU, one thread, medians of",
        f"{rounds} rounds. Times are",
        "seconds of the processor. The bar is 4.",
        "",
        f"Checks: {', '.join(usual_checks())}.",
        "",
        "| model | batch sizes | passes | checks | ratio | range |",
        "| --- | --- | ---: | ---: | ---: | --- |",
    ]
    return "\n".join([*head, *lines, ""])


if __name__ == "__main__":
    main()
