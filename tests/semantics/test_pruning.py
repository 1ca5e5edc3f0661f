"""What no candidate needs is left out of the parse; lines stay, and so do findings."""

from __future__ import annotations

import ast
from textwrap import dedent

from batchlint.rules.registry import all_rules
from batchlint.semantics.gate import candidates
from batchlint.semantics.pruning import without_unneeded
from batchlint.semantics.survey import survey

FILLER = "\n".join(f"    x{i} = {i}" for i in range(100))

TEXT = dedent("""\
    import torch
    from torch import nn

    SIZE = 64
    UNUSED = {unused}


    def helper(batch_size):
        return torch.zeros(batch_size, 3)


    def nobody_needs_this():
    {filler}
        return x1


    class Unneeded(nn.Module):
        def forward(self, x):
    {filler_in_method}
            return x


    class Net(nn.Module):
        def __init__(self, batch_size=SIZE):
            super().__init__()
            self.batch_size = batch_size

        def forward(self, x):
            return x.view(self.batch_size, -1) + helper(self.batch_size)

        def unneeded(self):
    {filler_in_method}
            return 0
    """)


def pruned(text: str) -> str:
    surveyed = survey(ast.parse(text))
    return without_unneeded(text, surveyed, candidates(surveyed, all_rules()))


def program() -> str:
    inner = "\n".join("    " + line for line in FILLER.split("\n"))
    return TEXT.format(unused="{'a': 1}", filler=FILLER, filler_in_method=inner)


def test_unneeded_definitions_become_blank_lines() -> None:
    before, after = program().split("\n"), pruned(program()).split("\n")
    assert len(before) == len(after)
    assert all(new in ("", old) for old, new in zip(before, after))
    kept = "\n".join(after)
    assert "class Net" in kept and "def helper" in kept and "SIZE = 64" in kept  # noqa: PT018
    for name in ("nobody_needs_this", "class Unneeded", "def unneeded", "UNUSED"):
        assert name not in kept


def test_what_is_left_still_parses() -> None:
    ast.parse(pruned(program()))


def test_small_files_are_left_alone() -> None:
    text = program().replace(FILLER, "    x1 = 1")
    text = text.replace("\n".join("    " + line for line in FILLER.split("\n")), "        x1 = 1")
    assert pruned(text) == text


def test_many_statements_take_no_longer_each() -> None:
    text = "import torch\nbatch_size = 3\ny = torch.zeros(3).view(batch_size, -1)\n" + "y = torch.relu(y)\n" * 4_000
    assert pruned(text).count("relu") == 4_000
