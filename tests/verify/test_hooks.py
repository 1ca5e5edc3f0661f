"""What a parent feeds its parts."""

from __future__ import annotations

from typing import Any

import pytest

torch = pytest.importorskip("torch")

from torch import nn  # noqa: E402
from torch.nn.utils.rnn import pack_padded_sequence  # noqa: E402

from batchlint.verify.outcomes import Grade  # noqa: E402
from batchlint.verify.recipe_text import format_recipe  # noqa: E402
from batchlint.verify.recipes import Expression, Inputs, Literal, TensorRecipe  # noqa: E402
from batchlint.verify.worker.fitting import Fed  # noqa: E402
from batchlint.verify.worker.hooks import Captured, capture, feed_captured  # noqa: E402
from batchlint.verify.worker.subject import Subject  # noqa: E402

MASK = torch.ones(5, 5).tril().bool()


class Block(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.fc = nn.Linear(6, 6)

    def forward(self, x: Any, mask: Any = None, scale: float = 1.0, rows: int = 0, pair: Any = None) -> Any:
        return self.fc(x) * scale


class Folded(nn.Module):
    def forward(self, x: Any) -> Any:
        return x


class Packed(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.rnn = nn.GRU(6, 6, batch_first=True)

    def forward(self, x: Any) -> Any:
        return self.rnn(x)[0]


class Parent(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.first = nn.Sequential(Block(), Block())
        self.named, self.folded, self.packed = Block(), Folded(), Packed()

    def forward(self, x: Any) -> Any:
        rows = x.size(0)
        x = self.first(x)
        x = self.named(x, MASK, scale=0.5, rows=rows, pair=(x, None))
        self.folded(x.view(rows * 5, 6))
        self.packed(pack_padded_sequence(x, [5] * rows, batch_first=True))
        return x


def subject(model: nn.Module, sizes: tuple[int | str, ...] = ("B", 5, 6)) -> Subject:
    return Subject(model, Inputs((TensorRecipe(sizes),), ("x",)), control=4, grade=Grade.CODE)


def captured(model: nn.Module, kind: type) -> list[Captured]:
    return capture(subject(model), lambda each: each is kind)


def test_blocks_in_containers_that_are_fed_the_same_are_told_once() -> None:
    found = captured(Parent(), Block)
    assert [each.path for each in found] == ["first.0", "named"]
    assert format_recipe(found[0].inputs.positional[0]) == "float32[B, 5, 6]"
    assert found[0].candidate.origin == "Parent, which calls first.0"
    assert found[0].grade is Grade.CODE


def test_arguments_of_every_kind() -> None:
    named = captured(Parent(), Block)[1]
    assert [format_recipe(recipe) for recipe in named.inputs.positional] == ["float32[B, 5, 6]", "= kept_0"]
    assert named.kept["kept_0"].equal(MASK)
    assert dict(named.inputs.keywords)["scale"] == Literal("0.5")
    assert dict(named.inputs.keywords)["rows"] == Expression("B")
    assert format_recipe(dict(named.inputs.keywords)["pair"]) == "(float32[B, 5, 6], None)"


def test_rows_that_are_several_for_each_sample() -> None:
    (folded,) = captured(Parent(), Folded)
    assert format_recipe(folded.inputs.positional[0]) == "float32[5*B, 6]"


def test_packed_sequences_are_packed_anew() -> None:
    model = Parent()
    (packed,) = captured(model, Packed)
    fed = feed_captured(packed, subject(model))
    assert isinstance(fed, Fed)
    assert fed.subject.run(7).failure is None


def test_a_part_runs_at_other_batch_sizes() -> None:
    model = Parent().train()
    for each in captured(model, Block):
        fed = feed_captured(each, subject(model))
        assert isinstance(fed, Fed)
        assert [fed.subject.run(rows).failure for rows in (1, 4, 7)] == [None] * 3
        assert fed.subject.model is each.model
    assert all(module.training for module in model.modules())
    assert not any(module._forward_pre_hooks for module in model.modules())


def test_a_parent_of_one_batch_size_gives_less_certain_shapes() -> None:
    class Fixed(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.block = Block()

        def forward(self, x: Any) -> Any:
            return self.block(x.view(4, 5, 6))

    (block,) = captured(Fixed(), Block)
    assert block.grade is Grade.LAYER
    assert format_recipe(block.inputs.positional[0]) == "float32[B, 5, 6]"


def test_indices_keep_their_bound() -> None:
    class Indexed(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.block = Folded()

        def forward(self, x: Any) -> Any:
            return self.block(x.argmax(-1) + 40)

    (block,) = captured(Indexed(), Folded)
    (recipe,) = block.inputs.positional
    assert isinstance(recipe, TensorRecipe)
    assert (recipe.sizes, recipe.dtype, recipe.values) == (("B", 5), "int64", "integers")
    assert recipe.below is not None
    assert 40 < recipe.below <= 46


def test_what_is_not_understood_is_left_out() -> None:
    class Odd(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.block = Folded()

        def forward(self, x: Any) -> Any:
            return self.block(torch.zeros(x.size(0) ** 2 + 1, 6))

    assert captured(Odd(), Folded) == []


def test_a_parent_that_fails_tells_nothing() -> None:
    class Broken(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.block = Folded()

        def forward(self, x: Any) -> Any:
            raise ValueError("no")

    assert captured(Broken(), Folded) == []
