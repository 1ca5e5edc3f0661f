"""The user's own words on a class: comments, configuration, command line."""

from __future__ import annotations

import ast

import pytest

from batchlint.source.source import source_from_bytes
from batchlint.source.suppressions import Suppressions
from batchlint.verify.outcomes import Grade
from batchlint.verify.plan.overrides import Overrides, Stated, input_problems, stated
from batchlint.verify.plan.planner import plan_file
from batchlint.verify.recipes import Literal, Recipe, TensorRecipe
from batchlint.verify.settings import Settings
from batchlint.verify_config import ModelConfig

NET = """
import torch.nn as nn

# An ordinary remark.
# batchlint: input x: float32[B, 3, 32, 32]
@register
# batchlint: input mask: None
class Net(nn.Module):
    # batchlint: input scale: 0.5
    @torch.no_grad()
    def forward(self, x, mask=None, scale=1.0):
        return x

class Other(nn.Module):
    def forward(self, x, y):
        return x

class Outer:
    # batchlint: input z: float32[B, 8]
    class Inner(nn.Module):
        def forward(self, z):
            return z
"""


def say(qualname: str, text: str = NET, overrides: Overrides | None = None) -> Stated:
    return stated(text, ast.parse(text), qualname, overrides or Overrides(), path="src/pkg/mod.py", module="pkg.mod")


def recipes(said: Stated) -> dict[str, Recipe]:
    (candidate,) = said.inputs
    assert candidate.grade is Grade.CODE
    return dict(candidate.inputs.keywords)


def test_comments_above_the_class_and_its_forward() -> None:
    said = say("Net")
    assert recipes(said) == {"x": TensorRecipe(("B", 3, 32, 32)), "mask": Literal("None"), "scale": Literal("0.5")}
    assert said.inputs[0].origin.startswith("batchlint: input, line ")
    assert not said.problems


def test_in_the_order_of_the_parameters() -> None:
    assert [name for name, _ in say("Net").inputs[0].inputs.keywords] == ["x", "mask", "scale"]


def test_a_comment_belongs_to_the_class_below_it_alone() -> None:
    assert say("Other") == Stated()
    assert recipes(say("Outer.Inner")) == {"z": TensorRecipe(("B", 8))}


def test_a_comment_with_a_line_between_is_another_matter() -> None:
    text = "# batchlint: input x: float32[B]\n\nclass Net:\n    def forward(self, x):\n        return x\n"
    assert say("Net", text).inputs == ()


def test_the_command_line_is_for_every_class_with_the_parameter() -> None:
    given = Overrides(("x: float32[B, 7]", "Other.y: int64[B] < 3"))
    assert recipes(say("Other", overrides=given)) == {
        "x": TensorRecipe(("B", 7)),
        "y": TensorRecipe(("B",), "int64", "integers", 3),
    }
    net = say("Net", overrides=given)
    assert recipes(net)["x"] == TensorRecipe(("B", 7)), "the command line wins over the comment"
    assert "--input" in net.inputs[0].origin
    assert recipes(say("Outer.Inner", overrides=given)) == {"z": TensorRecipe(("B", 8))}


@pytest.mark.parametrize("key", ["pkg.mod:Net", "mod:Net", "src/pkg/mod.py:Net", "Net"])
def test_a_table_names_a_class(key: str) -> None:
    model = ModelConfig(("x: float32[B, 5]",), "Net(10, *rest, width=8, **options)", 64)
    said = say("Net", overrides=Overrides(models=((key, model),)))
    assert recipes(said)["x"] == TensorRecipe(("B", 3, 32, 32)), "the comment wins over the configuration"
    assert said.batch_size == 64
    (site,) = said.sites
    assert (site.callee, site.call.arguments) == ("Net", ("10", "*rest"))
    assert site.call.keywords == (("width", "8"), ("**", "options"))


@pytest.mark.parametrize("key", ["other.mod:Net", "pkg.mod:Other", "od:Net"])
def test_a_table_of_another_class_is_not_this_ones(key: str) -> None:
    said = say("Net", overrides=Overrides(models=((key, ModelConfig(batch_size=64)),)))
    assert said.batch_size is None


@pytest.mark.parametrize(
    ("text", "overrides", "problem"),
    [
        (
            "# batchlint: input x: float32[B, ?]\nclass Net:\n    def forward(self, x): ...\n",
            Overrides(),
            "batchlint: input, line 1: x: '?' is no size: write a number in its place",
        ),
        (
            "# batchlint: input imgs: float32[B, 3]\nclass Net:\n    def forward(self, img): ...\n",
            Overrides(),
            "batchlint: input, line 1: forward of Net has no parameter 'imgs': did you mean 'img'?",
        ),
        (
            "class Net:\n    def forward(self, x): ...\n",
            Overrides(("x float32[B]",)),
            "--input 'x float32[B]': 'x float32[B]' names no parameter: write e.g. `x: float32[B, 3, 32, 32]`",
        ),
        (
            "class Net:\n    def forward(self, x): ...\n",
            Overrides(models=(("Net", ModelConfig(construct="Net")),)),
            'pyproject.toml, [tool.batchlint.verify."Net"]: construct \'Net\' is no call: write e.g. "Net(10)"',
        ),
    ],
)
def test_what_cannot_be_understood_is_said_once(text: str, overrides: Overrides, problem: str) -> None:
    said = say("Net", text, overrides)
    assert said.problems == (problem,)
    assert said.inputs == ()
    assert said.sites == ()


def test_the_problems_of_the_command_line_alone() -> None:
    assert input_problems(["x: float32[B]"]) == ()
    (problem,) = input_problems(["x: float33[B]"])
    assert problem == "--input 'x: float33[B]': x: there is no dtype 'float33': did you mean 'float32'?"


def test_inherited_forward() -> None:
    text = "class Base:\n    def forward(self, x): ...\nclass Net(Base):\n    pass\n"
    assert recipes(say("Net", text, Overrides(("x: float32[B]",)))) == {"x": TensorRecipe(("B",))}


def test_the_plan_has_it_first() -> None:
    text = NET.replace("import torch.nn as nn", "import torch\nimport torch.nn as nn\nregister = lambda c: c")
    source = source_from_bytes(text.encode(), "mod.py")
    plan = plan_file(source, settings=Settings(all_models=True))  # type: ignore[arg-type]
    net = next(target for target in plan.targets if target.qualname == "Net")
    assert net.inputs[0].origin.startswith("batchlint: input")


def test_the_comment_silences_nothing_and_is_known() -> None:
    suppressions = Suppressions.from_text("# batchlint: input x: float32[B]\n# batchlint: inptu x: float32[B]\n")
    assert [wrong.name for wrong in suppressions.unknown_verbs] == ["inptu"]
    assert not suppressions
