"""How far a sample alone and the same sample in a batch differ in clean models, by type: kernels depend on the batch.

``python -m benchmarks.verify.tolerances`` writes ``tolerances.md`` beside this file. On a machine with CUDA,
``--device cuda`` prints that device's column.
"""

from __future__ import annotations

import argparse
import json
import warnings
from pathlib import Path

import torch

from batchlint.verify.worker.device import describe, numerics, resolve
from batchlint.verify.worker.tensors import tensors_in
from batchlint.verify.worker.tolerances import tolerance
from benchmarks.verify.clean_models import models, shape_for

HERE = Path(__file__).parent
SIZES = (2, 5, 8)
IN_HALF = 15
"""Models that are measured in half precision, too, which is slow on a CPU and decides nothing."""
DTYPES = (torch.float64, torch.float32, torch.float16, torch.bfloat16)
FEW = """
alexnet squeezenet1_1 resnet18 resnet50 resnext50_32x4d mobilenet_v2 mobilenet_v3_small shufflenet_v2_x0_5 mnasnet0_5
efficientnet_b0 regnet_y_400mf regnet_x_400mf convnext_tiny googlenet swin_t r3d_18 resnet26t resnetv2_18 ecaresnet26t
mobilenetv3_small_050 efficientnet_lite0 ghostnet_050 dla46_c repvgg_a0 nf_regnet_b0 convnext_atto convnextv2_atto
poolformer_s12 edgenext_xx_small mobilevit_xxs mobileone_s0 efficientvit_b0 lcnet_050 mambaout_femto sequencer2d_s
""".split()


def difference(model: torch.nn.Module, shape: tuple[int, ...], dtype: torch.dtype, device: torch.device) -> float:
    """The largest over all sizes and the first, middle and last sample, as a part of the output's largest value."""
    model = model.eval().to(device, dtype)
    worst = 0.0
    with torch.no_grad(), numerics(device):
        for size in SIZES:
            generator = torch.Generator().manual_seed(size)
            images = torch.randn(size, *shape, generator=generator).to(device, dtype)
            together = tensors_in(model(images))
            for index in {0, size // 2, size - 1}:
                for whole, alone in zip(together, tensors_in(model(images[index : index + 1]))):
                    one, other = whole[index : index + 1].double(), alone.double()
                    scale = max(1e-30, float(whole.double().abs().max()))
                    worst = max(worst, float((one - other).abs().max()) / scale)
    return worst


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--rows", type=Path, help="keep results here, and go on from them")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    warnings.simplefilter("ignore")
    device = resolve(arguments.device)
    kept: Path | None = arguments.rows
    rows = [json.loads(line) for line in kept.read_text().splitlines()] if kept and kept.exists() else []
    done = {row["model"] for row in rows}
    for name, make in models():
        if name in done or name.split()[1] not in FEW:
            continue
        torch.manual_seed(0)
        row: dict[str, object] = {"model": name}
        shape = shape_for(name, make())
        for dtype in DTYPES if len(rows) < IN_HALF else DTYPES[:2]:
            torch.manual_seed(0)
            try:
                row[str(dtype)] = difference(make(), shape, dtype, device)
            except RuntimeError:
                row[str(dtype)] = None  # no kernel for this type
        rows.append(row)
        print(row, flush=True)
        if kept:
            with kept.open("a") as file:
                file.write(json.dumps(row) + "\n")
    text = page(rows, device)
    if device.type == "cpu":
        (HERE / "tolerances.md").write_text(text)
    else:
        print(text)


def page(rows: list[dict[str, object]], device: torch.device) -> str:
    environment = describe(device)
    versions = ", ".join(f"{name} {version}" for name, version in environment.versions if name != "numpy")
    lines = [
        "# Tolerances",
        "",
        "`python -m benchmarks.verify.tolerances`: a sample alone against the same sample in a batch of "
        f"{', '.join(map(str, SIZES))},",
        f"in {len(rows)} clean models of torchvision and timm with random weights. Each number is",
        "the largest difference as",
        f"a part of the output's largest value. {environment.device}, {versions}, one thread, TF32 off.",
        "",
        "| type | median | 95% | largest | models | allowed | CUDA |",
        "| --- | ---: | ---: | ---: | ---: | ---: | --- |",
    ]
    for dtype in DTYPES:
        values = sorted(value for row in rows if isinstance(value := row.get(str(dtype)), float) and value == value)
        if values:
            median, high = values[len(values) // 2], values[min(len(values) - 1, int(0.95 * len(values)))]
            lines.append(
                f"| {str(dtype).removeprefix('torch.')} | {median:.1e} | {high:.1e} | {values[-1]:.1e} | {len(values)} "
                f"| {tolerance(dtype, device):.0e} | not measured |"
            )
    lines += [
        "",
        "Double precision decides where the model allows it; half precision decides nothing.",
        "What is allowed is far above",
        "what kernels do and far below what hazards do: the smallest hazard that was measured",
        "moved a sample by 0.11 of",
        "the largest value. No GPU was at hand: CUDA gets the CPU's numbers until they are measured there.",
        "",
        f"| model | {' | '.join(str(dtype).removeprefix('torch.') for dtype in DTYPES)} |",
        f"| --- | {' | '.join('---:' for _ in DTYPES)} |",
    ]
    for row in rows:
        cells = [f"{value:.1e}" if isinstance(value := row.get(str(dtype)), float) else "" for dtype in DTYPES]
        lines.append(f"| {row['model']} | {' | '.join(cells)} |")
    return "\n".join([*lines, ""])


if __name__ == "__main__":
    main()
