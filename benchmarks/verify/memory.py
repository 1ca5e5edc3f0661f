"""The largest batch that `largest_batch` predicts, against the largest that really runs under the same bound.

``python -m benchmarks.verify.memory`` writes ``memory.md`` beside this file. Linux, the CPU, one thread. The truth is
found by halving: forked children under ``RLIMIT_DATA``, until one batch runs and the next larger one does not.
"""

from __future__ import annotations

import argparse
import time
import warnings
from collections.abc import Callable
from pathlib import Path

import torch
import torchvision

from batchlint.verify.recipes import Inputs, TensorRecipe
from batchlint.verify.worker.largest import LargestBatch, largest_batch, needed
from batchlint.verify.worker.subject import Subject

HERE = Path(__file__).parent
LIMIT = 1_500_000_000


def transformer() -> torch.nn.Module:
    layer = torch.nn.TransformerEncoderLayer(256, 8, 2048, batch_first=True)
    return torch.nn.TransformerEncoder(layer, 2)


CASES: dict[str, tuple[Callable[[], torch.nn.Module], tuple[int, ...], bool]] = {
    "ResNet-18, 224x224, forward": (lambda: torchvision.models.resnet18(weights=None), (3, 224, 224), False),
    "MobileNetV2, 224x224, forward": (lambda: torchvision.models.mobilenet_v2(weights=None), (3, 224, 224), False),
    "Transformer encoder, 2 layers of 256, 512 tokens, forward": (transformer, (512, 256), False),
    "ResNet-18, 224x224, forward and backward": (
        lambda: torchvision.models.resnet18(weights=None),
        (3, 224, 224),
        True,
    ),
}


def truth(subject: Subject, backward: bool, near: int) -> int:
    """The largest batch that runs, looked for around *near*."""
    low, high = 0, near
    while needed(subject, high, LIMIT, backward=backward).fits:
        low, high = high, high + max(1, high // 16)
    if not low:
        low = max(1, high - max(1, high // 8))
        while low > 1 and not needed(subject, low, LIMIT, backward=backward).fits:
            low, high = max(1, low - max(1, low // 8)), low
    while high - low > max(1, near // 100):
        middle = (low + high) // 2
        if needed(subject, middle, LIMIT, backward=backward).fits:
            low = middle
        else:
            high = middle
    return low


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", default="")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    warnings.simplefilter("ignore")
    lines = []
    for name, (make, shape, backward) in CASES.items():
        if arguments.only not in name:
            continue
        subject = Subject(make().train(backward), Inputs((TensorRecipe(("B", *shape)),)))
        begin = time.perf_counter()
        found: LargestBatch = largest_batch(subject, LIMIT, backward=backward, seconds=400)
        seconds = time.perf_counter() - begin
        true = truth(subject, backward, found.predicted)
        lines.append(
            f"| {name} | {found.bytes_per_sample / 1e6:.2f} | {found.predicted} | {found.batch_size} | {true} "
            f"| {found.predicted / true - 1:+.1%} | {seconds:.0f} |"
        )
        print(lines[-1], found, flush=True)
    if not arguments.only:
        (HERE / "memory.md").write_text(page(lines))


def page(lines: list[str]) -> str:
    head = [
        "# The largest batch that fits",
        "",
        f"`python -m benchmarks.verify.memory`: torch {torch.__version__}, the CPU, one thread, a bound of",
        f"{LIMIT / 1e9:g} GB for model, inputs and all that a pass makes. *Predicted* is what",
        "runs at small batches say,",
        "*confirmed* the batch that then ran under the bound in a child process, *true* the",
        "largest that runs under it,",
        "found by halving to within 1%. The bar is 5%.",
        "",
        "| model and pass | MB a sample | predicted | confirmed | true | error | s |",
        "| --- | ---: | ---: | ---: | ---: | ---: | ---: |",
    ]
    tail = [
        "",
        "Children return freed memory to the system at once (`mallopt`): with glibc's default,",
        "what it keeps back hides",
        "the slope at small batches. The bytes that tensors hold, which profiles show, are not",
        "enough for the CPU: fused",
        "kernels (a Transformer encoder's fast path) take six times that for themselves. No GPU",
        "was at hand: on CUDA the",
        "allocator's own peak is taken, and was not measured.",
        "",
    ]
    return "\n".join([*head, *lines, *tail])


if __name__ == "__main__":
    main()
