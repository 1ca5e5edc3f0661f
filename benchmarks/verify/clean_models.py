"""All default checks on models that compute each sample by itself: none may be confirmed.

``python -m benchmarks.verify.clean_models`` writes ``clean_models.md`` beside this file. Random weights, eval mode, the
CPU, one thread, one model at a time; images are small where the model allows it.
"""

from __future__ import annotations

import argparse
import contextlib
import gc
import json
import time
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import timm
import torch
import torchvision

from batchlint import ModelReport, verify_model
from batchlint.verify.worker.device import numerics
from batchlint.verify.worker.tensors import tensors_in

HERE = Path(__file__).parent

TORCHVISION = """
alexnet squeezenet1_1 resnet18 resnet34 resnet50 resnext50_32x4d densenet121 mobilenet_v2 mobilenet_v3_small
mobilenet_v3_large shufflenet_v2_x0_5 mnasnet0_5 efficientnet_b0 efficientnet_v2_s regnet_y_400mf regnet_x_400mf
convnext_tiny googlenet inception_v3 swin_t swin_v2_t lraspp_mobilenet_v3_large r3d_18
""".split()

TIMM = """
resnet18d resnet26t resnetv2_18 resnest14d res2net50_26w_4s skresnet18 seresnet33ts ecaresnet26t mobilenetv3_small_050
mobilenetv4_conv_small efficientnet_lite0 tf_efficientnetv2_b0 ghostnet_050 hardcorenas_a mixnet_s fbnetc_100 dla46_c
hrnet_w18_small ese_vovnet19b_slim repvgg_a0 nf_regnet_b0 convnext_atto convnextv2_atto poolformer_s12
poolformerv2_s12 edgenext_xx_small mobilevit_xxs mobilevitv2_050 mobileone_s0 fastvit_t8 efficientvit_b0
efficientvit_m0 efficientformer_l1 levit_128s tiny_vit_5m_224 vit_tiny_patch16_224 deit_tiny_patch16_224
cait_xxs24_224 xcit_nano_12_p16_224 pit_ti_224 coat_lite_tiny crossvit_tiny_240 pvt_v2_b0 mixer_s32_224 gmlp_ti16_224
resmlp_12_224 gcvit_xxtiny visformer_tiny convit_tiny rexnet_100 selecsls42 lcnet_050 tinynet_e inception_next_atto
starnet_s1 repghostnet_050 caformer_s18 halonet26t botnet26t_256 eva02_tiny_patch14_224 focalnet_tiny_srf repvit_m0_9
mambaout_femto sequencer2d_s
""".split()

SIZES = {"inception_v3": (3, 96, 96), "r3d_18": (3, 8, 32, 32)}
SMALL = (3, 64, 64)


def torchvision_model(name: str) -> torch.nn.Module:
    options: dict[str, Any] = {"weights": None}
    if name in ("googlenet", "inception_v3"):
        options |= {"init_weights": True, "aux_logits": False}
    if name.startswith("lraspp"):
        options["weights_backbone"] = None
    model: torch.nn.Module = torchvision.models.get_model(name, **options)
    return model


def models() -> Iterator[tuple[str, Callable[[], torch.nn.Module]]]:
    for name in TORCHVISION:
        yield f"torchvision {name}", lambda name=name: torchvision_model(name)  # type: ignore[misc]
    for name in TIMM:
        yield f"timm {name}", lambda name=name: timm.create_model(name, num_classes=10)  # type: ignore[misc]


def shape_for(name: str, model: torch.nn.Module) -> tuple[int, ...]:
    """The first input size that the model takes: a small one, or its own."""
    known = SIZES.get(name.split()[1])
    own = tuple(getattr(model, "pretrained_cfg", {}).get("input_size", (3, 224, 224)))
    for shape in [known] if known else [SMALL, own, (3, 256, 256)]:
        with contextlib.suppress(Exception), torch.no_grad():
            model.eval()(torch.zeros(2, *shape))
            return shape
    raise ValueError(f"{name} takes no size that was tried")


def difference(model: torch.nn.Module, shape: tuple[int, ...], dtype: torch.dtype) -> float:
    """The largest difference between samples alone and in a batch of five, as a part of the largest value."""
    model = model.eval().to(dtype)
    images = torch.randn(5, *shape, generator=torch.Generator().manual_seed(0)).to(dtype)
    with torch.no_grad(), numerics():
        together = tensors_in(model(images))
        worst = 0.0
        for index in (0, 2, 4):
            for whole, alone in zip(together, tensors_in(model(images[index : index + 1]))):
                scale = max(1e-30, float(whole.double().abs().max()))
                worst = max(worst, float((whole[index : index + 1].double() - alone.double()).abs().max()) / scale)
    return worst


def failures(report: ModelReport) -> tuple[list[str], list[str]]:
    """What is falsely confirmed, and what is true: batch normalisation of one value per channel in train mode."""
    false, true = [], []
    for each in report.failures():
        is_true = each.check == "train mode at batch size 1" and "more than 1 value per channel" in each.detail
        (true if is_true else false).append(f"{each.check}: {each.detail}")
    return false, true


def measured(name: str, make: Callable[[], torch.nn.Module]) -> dict[str, Any]:
    torch.manual_seed(0)
    model = make()
    shape = shape_for(name, model)
    begin = time.perf_counter()
    report = verify_model(model, f"float32[B, {', '.join(map(str, shape))}]", device="cpu")
    seconds = time.perf_counter() - begin
    false, true = failures(report)
    return {
        "model": name,
        "input": list(shape),
        "milliseconds": round(seconds * 1000),
        "float32": difference(model, shape, torch.float32),
        "float64": difference(model, shape, torch.float64),
        "passed": sum(each.status.value == "passed" for each in report.checks),
        "asked": len(report.checks),
        "undecided": [f"{each.check}: {each.detail}" for each in report.undecided()],
        "false": false,
        "true": true,
        "reason": report.reason,
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", default="", help="models whose name holds this")
    parser.add_argument("--rows", type=Path, help="keep results here, and go on from them")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    warnings.simplefilter("ignore")
    kept: Path | None = arguments.rows
    rows = [json.loads(line) for line in kept.read_text().splitlines()] if kept and kept.exists() else []
    done = {row["model"] for row in rows}
    for name, make in models():
        if name in done or arguments.only not in name:
            continue
        try:
            row = measured(name, make)
        except Exception as error:
            print(f"{name}: {type(error).__name__}: {error}", flush=True)
            continue
        rows.append(row)
        if kept:
            with kept.open("a") as file:
                file.write(json.dumps(row) + "\n")
        print(name, row["input"], row["milliseconds"], "ms", row["false"] or row["undecided"] or "ok", flush=True)
        gc.collect()
    if not arguments.only:
        (HERE / "clean_models.md").write_text(page(rows))


def page(rows: list[dict[str, Any]]) -> str:
    false = sum(bool(row["false"]) for row in rows)
    undecided = sum(bool(row["undecided"] or row["reason"]) for row in rows)
    lines = [
        "# Models that compute each sample by itself",
        "",
        "`python -m benchmarks.verify.clean_models`: all default checks of",
        "`batchlint.verify_model` on the CPU with one",
        f"thread, random weights; torch {torch.__version__}, torchvision",
        f"{torchvision.__version__}, timm {timm.__version__}.",
        "",
        f"**{len(rows)} models, {false} falsely confirmed**, {undecided} with a check that could not tell.",
        "",
        "*ms* is the wall time of all checks together. The differences are between samples alone",
        "and in a batch of five, as a",
        "part of the output's largest value. *BatchNorm*: in train mode one sample raises, because a batch",
        "normalisation gets one value per channel at this image size: that is true, and no false confirmation.",
        "",
        "| model | input | ms | float32 | float64 | checks passed | remarks |",
        "| --- | --- | ---: | ---: | ---: | --- | --- |",
    ]
    for row in sorted(rows, key=lambda row: str(row["model"])):
        remarks = [*(f"**false: {each}**" for each in row["false"]), *(["BatchNorm"] if row["true"] else [])]
        remarks += [each[:90] for each in (*row["undecided"], row["reason"]) if each]
        size = "x".join(map(str, row["input"]))
        lines.append(
            f"| {row['model']} | {size} | {row['milliseconds']} | {row['float32']:.1e} | {row['float64']:.1e} "
            f"| {row['passed']} of {row['asked']} | {'; '.join(remarks)} |"
        )
    return "\n".join([*lines, ""])


if __name__ == "__main__":
    main()
