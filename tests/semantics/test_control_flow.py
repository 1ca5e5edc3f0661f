"""Both ways of a branch are taken, loops run until nothing changes, and guards are remembered."""

from __future__ import annotations

import pytest

from reading import assert_shapes, flagged


def test_branches_join() -> None:
    assert_shapes("""
        import torch

        flag = read()
        x = torch.zeros(4, 8)
        if flag:
            x = torch.zeros(4, 9)
        elif flag > 2:
            x = torch.ones(4, 10)
        y = x + 1  # [4, ?]
        if flag:
            z = torch.zeros(3, 3)
        else:
            z = torch.ones(3, 3)
        z + 1  # [3, 3]
    """)


def test_a_known_test_takes_one_branch() -> None:
    assert_shapes("""
        import torch
        from torch import nn

        class Net(nn.Module):
            def __init__(self, deep=False, kind="sum"):
                super().__init__()
                if kind == "sum":
                    width = 4
                else:
                    raise ValueError(kind)
                self.linear = nn.Linear(8, width)

            def forward(self, x):
                return self.linear(x.flatten(1))  # [B, 4]
    """)


def test_what_leaves_early_does_not_join() -> None:
    assert_shapes("""
        import torch

        def pick(flag):
            x = torch.zeros(2, 2)
            if flag:
                x = torch.zeros(7)
                return x
            while flag:
                x = torch.zeros(9)
                raise RuntimeError
            return x + 0  # [2, 2]

        pick(read())
    """)


def test_loops_run_to_a_fixpoint() -> None:
    assert_shapes("""
        import torch

        x = torch.zeros(2, 3)
        for _ in read():
            x = torch.cat([x, torch.zeros(2, 1)], dim=1)
        x + 0  # [2, ?]
        y = torch.zeros(5)
        while read():
            y = y * 2
        y + 0  # [5]
    """)


def test_short_loops_are_unrolled() -> None:
    assert_shapes("""
        import torch

        x, steps = torch.zeros(64, 64), (2, 2, 4)
        for i in range(3):
            x = x[:: steps[i]]
        x + 0  # [4, 64]
        for size in (2, 5):
            y = torch.zeros(size)  # [2] or [5]
        parts = [torch.zeros(n) for n in (1, 2)]
        torch.cat(parts)  # [3]
    """)


def test_one_round_stands_for_all_where_the_counter_only_counts() -> None:
    assert_shapes("""
        import torch

        x, y = torch.zeros(64, 64), torch.zeros(64, 64)
        for epoch in range(3):
            x = x[::2]
            y = y * 2
        x + 0  # [(? + 1)//2, 64]
        y + 0  # [64, 64]
    """)


TRAINING = """
from torch import nn
from torch.utils.data import DataLoader

batch_size = 64

def run(model, dataset):
    loader = DataLoader(dataset, batch_size=batch_size{more})
    for epoch in range(10):
        for i, (x, y) in enumerate(loader):
            {guard}
            model(x.view(batch_size, -1))
"""
LINE = "model(x.view(batch_size, -1))"


@pytest.mark.parametrize(
    "guard",
    [
        "if len(x) < batch_size: continue",
        "if x.size(0) != batch_size: break",
        "if x.shape[0] != 64: continue",
        "assert x.size(0) == batch_size",
        "if i == len(dataset) // batch_size: break",
        "if i >= len(loader) - 1: break",
    ],
)
def test_a_short_batch_that_is_left_out_makes_it_latent(guard: str) -> None:
    program = TRAINING.format(guard=guard, more="")
    assert flagged(program, "BSZ201", latent=True) == [LINE]
    assert flagged(program, "BSZ201") == []


def test_full_batches_make_it_latent() -> None:
    program = TRAINING.format(guard="pass", more=", drop_last=True")
    assert flagged(program, "BSZ201", latent=True) == [LINE]
    assert flagged(program, "BSZ201") == []


@pytest.mark.parametrize(
    "guard",
    [
        "pass",
        "if i % 100 == 0: print(i)",
        "if epoch == 0: print(y)",
        "if x.size(0) == 3: print(y)",
        "if len(y) < batch_size: print('short')",
    ],
)
def test_what_prevents_nothing_is_no_guard(guard: str) -> None:
    assert flagged(TRAINING.format(guard=guard, more=""), "BSZ201") == [LINE]


@pytest.mark.parametrize("test", ["i == 0", "i == 3 and epoch > 2"])
def test_one_batch_alone_is_full(test: str) -> None:
    program = TRAINING.format(guard=f"if {test}: print(y.view(batch_size, 1))", more="")
    assert flagged(program, "BSZ201") == [LINE]


def test_the_first_epoch_is_not_the_first_batch() -> None:
    program = TRAINING.format(guard="if epoch == 0: print(y.view(batch_size, 1))", more="")
    assert flagged(program, "BSZ201") == ["if epoch == 0: print(y.view(batch_size, 1))", LINE]


def test_what_one_branch_stores_is_not_there_in_the_other() -> None:
    assert_shapes("""
        import torch
        from torch import nn

        class Net(nn.Module):
            def __init__(self):
                super().__init__()
                self.size = 7

            def made(self):
                return torch.zeros(self.size, 3)

            def forward(self, x):
                if x.sum() > 0:
                    self.size = 5
                    y = self.made()
                    y + 1  # [5, 3]
                else:
                    z = self.made()
                    z + 2  # [7, 3] or [?, 3]

        Net().forward(torch.randn(2))
    """)


def test_a_function_reads_globals_as_they_are_when_it_is_called() -> None:
    assert_shapes("""
        import torch

        size = 2

        def made():
            return torch.zeros(size, 3)

        first = made()
        first + 1  # [2, 3]
        size = 9
        second = made()
        second + 1  # [9, 3]
    """)
