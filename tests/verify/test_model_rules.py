"""Findings in models, proved on the fixtures of their rules: hazards are confirmed, near-misses refuted.

A near-miss has no finding. The line that would have to be refuted says ``# refuted: BSZ201`` at its end, and the test
invents the finding. `MODELS` says how a fixture's model is made and fed.
"""

from __future__ import annotations

import ast
import re
import sys
import types
import warnings
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

torch = pytest.importorskip("torch")

from batchlint.engine import check_bytes  # noqa: E402
from batchlint.rules.registry import all_rules  # noqa: E402
from batchlint.rules.selection import Selection  # noqa: E402
from batchlint.verify.outcomes import FindingVerdict, Grade, Stage, TargetResult, Verdict  # noqa: E402
from batchlint.verify.plan.plans import Flagged  # noqa: E402
from batchlint.verify.recipe_text import parse_input  # noqa: E402
from batchlint.verify.recipes import Inputs  # noqa: E402
from batchlint.verify.settings import Settings  # noqa: E402
from batchlint.verify.verdicts import decide  # noqa: E402
from batchlint.verify.worker.checking import run_checks  # noqa: E402
from batchlint.verify.worker.failures import same_file  # noqa: E402
from batchlint.verify.worker.subject import Subject  # noqa: E402
from batchlint.verify.worker.tracing import lines_run  # noqa: E402

FIXTURES = Path(__file__).parents[2] / "fixtures"
RULES = {rule.code: rule for rule in all_rules()}
ANNOUNCED = re.compile(r"#\s*(expect|refuted):\s*(BSZ\d{3}(?:\s*,\s*BSZ\d{3})*)")


@dataclass(frozen=True)
class Model:
    """How a fixture's model is made and fed, and for how many rows it is written."""

    path: str
    made: str
    inputs: tuple[str, ...]
    control: int = 4
    in_class: bool = True

    def __str__(self) -> str:
        return f"{self.path}:{self.made.partition('(')[0]}"


BROKEN = {
    ("fc_input_mismatch/hazard_other_dataset", "BSZ101"),
    ("fc_input_mismatch/hazard_trial_input", "BSZ101"),
}
"""Hazards that cannot be told by running: with the file's own input the model fails whatever the batch size."""

MODELS = (
    Model("fixed_batch_reshape/hazard_command_line", "Autoencoder()", ("images: float32[B, 1, 28, 28]",), 128),
    Model("fixed_batch_reshape/hazard_constructor_argument", "SentimentLSTM(50)", ("words: int64[B, 7] < 1000",), 50),
    Model(
        "fixed_batch_reshape/hazard_dataclass_configuration",
        "MultiHeadPooling(Config())",
        ("tokens: float32[B, 9, 64]",),
        16,
    ),
    Model("fixed_batch_reshape/hazard_literal", "SmallNet()", ("x: float32[B, 1, 28, 28]",), 32),
    Model("fixed_batch_reshape/hazard_module_constant", "Classifier()", ("x: float32[B, 3, 32, 32]",), 64),
    Model("fixed_batch_reshape/hazard_time_major", "LanguageModel(50, 20)", ("text: int64[7, B] < 50",), 20),
    Model("fixed_batch_reshape/safe_read_from_the_tensor", "Classifier()", ("x: float32[B, 3, 32, 32]",), 64),
    Model("fixed_batch_reshape/safe_local_shadows_the_constant", "Attention()", ("x: float32[B, 5, 128]",), 64),
    Model("fixed_batch_reshape/safe_set_in_forward", "Capsules()", ("images: float32[B, 1, 28, 28]",), 32),
    Model("fixed_batch_tensor/hazard_hidden_state", "Counter(32)", ("series: float32[B, 5, 8]",), 32),
    Model(
        "fixed_batch_tensor/hazard_identity_mask",
        "ContrastiveLoss(8)",
        ("left: float32[B, 6]", "right: float32[B, 6]"),
        8,
    ),
    Model(
        "fixed_batch_tensor/hazard_start_tokens",
        "Decoder()",
        ("memory: float32[1, B, 32]", "targets: int64[B, 9] < 100"),
        16,
    ),
    Model("fixed_batch_tensor/safe_state_of_the_input", "Counter(32)", ("series: float32[B, 5, 8]",), 32),
    Model("fixed_batch_expand/hazard_anchor_grid", "GridHead()", ("features: float32[B, 64, 13, 13]",), 16),
    Model("fixed_batch_expand/hazard_class_token", "VisionTransformer()", ("images: float32[B, 3, 112, 112]",), 32),
    Model("fixed_batch_expand/hazard_repeated_queries", "QueryDecoder()", ("memory: float32[B, 11, 64]",), 8),
    Model("fixed_batch_expand/safe_argument_of_the_caller", "Memory()", ("inputs: float32[B, 5, 64]",), 32),
    Model("fixed_batch_expand/safe_broadcast_over_rows", "Relative()", ("scores: float32[B, 4, 16, 16]",), 32),
    Model("fixed_batch_expand/safe_class_token", "VisionTransformer()", ("images: float32[B, 3, 112, 112]",), 32),
    Model("fixed_batch_expand/safe_repeated_over_beams", "BeamDecoder()", ("memory: float32[B, 9, 64]",), 5),
    Model("fixed_batch_loop/hazard_attribute", "PerSampleFilter(6)", ("features: float32[B, 8, 5, 5]",), 6),
    Model("fixed_batch_loop/safe_other_axis", "Ensemble()", ("x: float32[B, 32]",), 4),
    Model("flatten_folds_batch/hazard_attribute", "Discriminator()", ("images: float32[B, 3, 32, 32]",)),
    Model("flatten_folds_batch/hazard_function_form", "Heartbeat()", ("signal: float32[B, 1, 256]",)),
    Model("flatten_folds_batch/hazard_lenet", "LeNet()", ("x: float32[B, 3, 32, 32]",)),
    Model("flatten_folds_batch/hazard_sequential_reshape", "Digits()", ("images: float32[B, 1, 28, 28]",)),
    Model("flatten_folds_batch/safe_adaptive_pooling", "Digits()", ("images: float32[B, 3, 32, 32]",)),
    Model("hardcoded_fc_input/hazard_configured_stack", "SmallVGG()", ("images: float32[B, 3, 32, 32]",)),
    Model("hardcoded_fc_input/hazard_flatten_layer", "Critic()", ("images: float32[B, 3, 32, 32]",), in_class=False),
    Model("hardcoded_fc_input/hazard_lenet", "LeNet()", ("x: float32[B, 1, 32, 32]",)),
    Model("hardcoded_fc_input/hazard_multiple_of_a_width", "Discriminator(32)", ("images: float32[B, 3, 32, 32]",)),
    Model("hardcoded_fc_input/hazard_signal", "Gesture()", ("window: float32[B, 6, 100]",)),
    Model("hardcoded_fc_input/safe_adaptive_pooling", "Classifier()", ("images: float32[B, 3, 32, 32]",)),
    Model("hardcoded_fc_input/safe_pooled_over_what_is_there", "Classifier()", ("images: float32[B, 3, 32, 32]",)),
    Model("fc_input_mismatch/hazard_features_in_a_row", "Head()", ("images: float32[B, 3, 32, 32]",)),
    Model("fc_input_mismatch/hazard_other_dataset", "Net()", ("x: float32[B, 1, 28, 28]",), 64),
    Model("fc_input_mismatch/hazard_trial_input", "Net()", ("x: float32[B, 3, 32, 32]",), 8),
    Model("fc_input_mismatch/safe_right_number", "Net()", ("x: float32[B, 3, 32, 32]",), 8),
    Model("fc_input_mismatch/safe_alternatives", "Net(deep=True)", ("images: float32[B, 3, 32, 32]",)),
    Model(
        "squeeze_drops_batch/hazard_hidden_state",
        "PairEncoder()",
        ("left: float32[B, 5, 32]", "right: float32[B, 6, 32]"),
    ),
    Model("squeeze_drops_batch/hazard_pooled_features", "Embedder()", ("images: float32[B, 3, 16, 16]",)),
    Model("squeeze_drops_batch/hazard_returned_by_the_model", "SentimentLSTM()", ("words: int64[B, 7] < 1000",)),
    Model("squeeze_drops_batch/safe_axis_broadcast_back", "Latents(5)", ("values: float32[B, 7, 5]",)),
    Model("squeeze_drops_batch/safe_axis_given_back", "Attention()", ("states: float32[B, 7, 64]",)),
    Model(
        "squeeze_drops_batch/safe_broadcast_with_rows", "Gated()", ("x: float32[B, 32]", "series: float32[B, 32, 9]")
    ),
    Model("squeeze_drops_batch/safe_named_axis", "SentimentLSTM()", ("words: int64[B, 7] < 1000",)),
    Model("squeeze_drops_batch/safe_one_image", "Gate()", ("x: float32[B, 8]",)),
    Model("softmax_over_batch/hazard_attention_over_rows", "AttentionPooling()", ("series: float32[B, 5, 32]",)),
    Model("softmax_over_batch/hazard_attention_over_rows", "ImplicitPooling()", ("series: float32[B, 5, 32]",)),
    Model("softmax_over_batch/hazard_first_axis_of_classes", "Classifier()", ("images: float32[B, 1, 28, 28]",)),
    Model("softmax_over_batch/hazard_implicit_on_sequences", "Tagger()", ("words: int64[B, 7] < 1000",)),
    Model("softmax_over_batch/hazard_layer", "Policy()", ("windows: float32[B, 4, 9]",)),
    Model(
        "softmax_over_batch/hazard_transposed_scores",
        "StepAttention(8)",
        ("states: float32[B, 1, 8]", "memory: float32[B, 6, 8]"),
    ),
    Model("softmax_over_batch/safe_class_axis", "Segmenter()", ("images: float32[B, 3, 8, 8]",)),
    Model("softmax_over_batch/safe_one_vector", "Mixture()", ("x: float32[B, 32]",)),
    Model("softmax_over_batch/safe_own_function", "Tagger()", ("embedded: float32[B, 7, 32]",)),
    Model("softmax_over_batch/safe_time_major", "Attention()", ("series: float32[7, B, 32]",)),
    Model(
        "softmax_over_batch/safe_transposed_back",
        "TimeMajorAttention(8)",
        ("states: float32[B, 1, 8]", "memory: float32[B, 6, 8]"),
    ),
    Model("softmax_over_batch/safe_two_axes", "Classifier()", ("images: float32[B, 3, 8, 8]",)),
)


def namespace_of(path: Path) -> dict[str, Any]:
    """What the definitions of a fixture bind: its imports, classes, functions, and what needs no data."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    unwanted = {
        ast.Import: ("torchvision", "matplotlib"),
        ast.ImportFrom: ("torchvision", "matplotlib"),
        ast.ClassDef: (),
        ast.FunctionDef: (),
        ast.Assign: ("DataLoader(", "datasets.", "model =", "model(", "discriminator", "net"),
        ast.Expr: ("print(", "model("),
    }
    tree.body = [
        each
        for each in tree.body
        if type(each) in unwanted and not any(word in ast.unparse(each) for word in unwanted[type(each)])
    ]
    module = types.ModuleType("fixture")
    with pytest.MonkeyPatch.context() as patch, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        patch.setattr(sys, "argv", ["fixture"])
        patch.setitem(sys.modules, "fixture", module)
        exec(compile(tree, str(path), "exec"), module.__dict__)
    return module.__dict__


def findings_of(path: Path) -> list[tuple[Flagged, bool]]:
    """The findings of a fixture, and whether they are hazards; near-misses are invented."""
    data = path.read_bytes()
    found: list[tuple[Flagged, bool]] = []
    for finding in check_bytes(data, str(path), Selection()).findings:
        span, notes = finding.span, tuple(note.span.line for note in finding.notes)
        found.append(
            (
                Flagged(
                    0, finding.code, span.line, span.end_line, finding.statement_line, span.column, span.end_column,
                    notes, RULES[finding.code].proved_by, finding.message,
                ),
                True,
            )
        )  # fmt: skip
    for number, line in enumerate(data.decode("utf-8").splitlines(), start=1):
        for kind, codes in ANNOUNCED.findall(line):
            if kind == "refuted":
                found += [
                    (Flagged(0, code, number, number, number, checks=RULES[code].proved_by), False)
                    for code in re.findall(r"BSZ\d{3}", codes)
                ]
    return found


def verdicts_of(model: Model, grade: Grade = Grade.CODE) -> dict[tuple[int, str], tuple[FindingVerdict, bool]]:
    """The verdict on each finding in the class of *model*, by line and code, and whether it is a hazard."""
    path = FIXTURES / f"{model.path}.py"
    kind = next(
        node
        for node in ast.parse(path.read_text(encoding="utf-8")).body
        if isinstance(node, ast.ClassDef) and node.name == model.made.partition("(")[0]
    )
    namespace = namespace_of(path)
    torch.manual_seed(0)
    with lines_run(same_file(str(path))) as made_by:
        made = eval(model.made, namespace)
    parsed = [parse_input(each) for each in model.inputs]
    inputs = Inputs(tuple(recipe for _, recipe in parsed), tuple(name for name, _ in parsed))
    subject = Subject(made, inputs, model.control, grade, is_users=same_file(str(path)), path=str(path))
    own = range(kind.lineno, (kind.end_lineno or 0) + 1)
    wanted = [(each, hazard) for each, hazard in findings_of(path) if each.line in own or not model.in_class]
    names = {name for each, _ in wanted for name in each.checks}
    lines = {each.line for each, _ in wanted}
    checks = run_checks(subject, names, Settings(), wanted_lines=lines)
    runs = any(run.batch_size == model.control and run.failure is None for run in checks[0].runs)
    result = TargetResult(
        str(path), kind.name, "class", kind.lineno, Stage.RUN if runs else Stage.BUILT,
        inputs=model.inputs, grade=grade, control=model.control, batch_sizes=subject.batch_sizes, checks=checks,
        executed_lines=tuple(sorted(subject.executed_lines)),
        reached_lines=tuple(sorted(subject.reached_lines | made_by)),
    )  # fmt: skip
    return {(each.line, each.code): (decide(each, each.checks, result), hazard) for each, hazard in wanted}


@pytest.mark.parametrize("model", MODELS, ids=str)
def test_hazards_are_confirmed_and_near_misses_refuted(model: Model) -> None:
    found = verdicts_of(model)
    assert found
    for (line, code), (verdict, hazard) in found.items():
        wanted = Verdict.CONFIRMED if hazard else Verdict.REFUTED
        if (model.path, code) in BROKEN:
            wanted = Verdict.INCONCLUSIVE
        assert verdict.verdict is wanted, f"line {line}, {code}: {verdict.verdict.value}: {verdict.reason}"


def test_every_rule_of_models_has_both() -> None:
    seen: dict[str, set[str]] = {}
    for model in MODELS:
        for each, hazard in findings_of(FIXTURES / f"{model.path}.py"):
            seen.setdefault(each.code, set()).add("hazard" if hazard else "near-miss")
    both = {"hazard", "near-miss"}
    wanted = ("BSZ101", "BSZ102", "BSZ103", "BSZ201", "BSZ202", "BSZ203", "BSZ205", "BSZ401", "BSZ402")
    assert {code: kinds for code, kinds in seen.items() if code in wanted} == dict.fromkeys(wanted, both)


def test_a_guessed_shape_refutes_nothing() -> None:
    model = next(each for each in MODELS if "safe_read_from" in each.path)
    verdicts = [verdict for verdict, _ in verdicts_of(replace(model, control=8), Grade.GUESSED).values()]
    assert [each.verdict for each in verdicts] == [Verdict.INCONCLUSIVE]
    assert "guess" in verdicts[0].reason
    assert "--input" in verdicts[0].help
