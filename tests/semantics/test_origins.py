"""The same number is a hazard or not by where it came from: which leading dimensions were written down as a batch."""

from __future__ import annotations

from typing import Any

import pytest

from reading import flagged

MODEL = """
import torch
from torch import nn
{head}
class Model(nn.Module):
    def __init__(self{parameter}):
        super().__init__()
        {init}
        self.linear = nn.Linear(16, 16)

    def forward(self, x):
        {body}
        return self.linear(x).view({size}, -1)
{tail}
"""


def is_fixed(
    size: str, head: str = "", parameter: str = "", init: str = "pass", body: str = "pass", tail: str = ""
) -> bool:
    program = MODEL.format(size=size, head=head, parameter=parameter, init=init, body=body, tail=tail)
    return flagged(program, "BSZ201") == [f"return self.linear(x).view({size}, -1)"]


COMMAND_LINE = """
import argparse
parser = argparse.ArgumentParser()
parser.add_argument("-b", "--batch-size", type=int, default=64)
args = parser.parse_args()
"""

DATACLASS = """
from dataclasses import dataclass, field

@dataclass
class Config:
    width: int = 16
    batch_size: int = 64
"""


def case(name: str, size: str, **parts: str) -> Any:
    return pytest.param({"size": size, **parts}, id=name)


ARGUMENT = {"parameter": ", batch_size", "init": "self.batch_size = batch_size"}
TRAINING = """
def train(model, loader):
    for x, y in loader:
        model.batch_size = len(y)
        model(x)
"""
HELPER = """
def rows_of(tensor):
    return tensor.shape[0]
"""


@pytest.mark.parametrize(
    "parts",
    [
        case("constant of the module", "BATCH_SIZE", head="BATCH_SIZE = 64"),
        case("constant in a tuple", "batch_size", head="batch_size, epochs = 64, 10"),
        case("annotated constant", "bs", head="bs: int = 64"),
        case("arithmetic of literals", "batch_size", head="batch_size = 2 * 32"),
        case("another name for it", "rows", head="batch_size = 64\nrows = batch_size"),
        case("a part of it", "n", head="BATCH_SIZE = 64", body="n = BATCH_SIZE // 2"),
        case("argument of the constructor", "self.batch_size", **ARGUMENT),
        case("attribute of another name", "self.rows", parameter=", batch_size=8", init="self.rows = batch_size"),
        case("literal attribute", "self.batch_size", init="self.batch_size = 64"),
        case("command line", "args.batch_size", head=COMMAND_LINE),
        case(
            "command line that is passed on", "self.args.batch_size",
            head=COMMAND_LINE, parameter=", args", init="self.args = args", tail="model = Model(args)",
        ),
        case(
            "configuration of another file", "self.n",
            parameter=", config", init="self.n = config.batch_size",
        ),
        case(
            "dataclass", "self.config.batch_size",
            head=DATACLASS, parameter=", config", init="self.config = config", tail="model = Model(Config())",
        ),
        case("dictionary", "config['batch_size']", head="config = {'batch_size': 64}"),
        case("dict call", "config['batch_size']", head="config = dict(lr=0.1, batch_size=64)"),
        case("attribute of a class", "Config.batch_size", head="class Config:\n    batch_size = 64"),
    ],
)  # fmt: skip
def test_a_batch_size_that_was_written_down_is_fixed(parts: dict[str, str]) -> None:
    assert is_fixed(**parts)


@pytest.mark.parametrize(
    "parts",
    [
        case("size of an axis", "x.size(0)"),
        case("item of the shape", "x.shape[0]"),
        case("length", "len(x)"),
        case("unpacked shape", "batch_size", body="batch_size, features = x.shape"),
        case("starred unpacking", "batch_size", body="batch_size, *rest = x.size()"),
        case("nested unpacking", "batch_size", body="(batch_size, _), y = x.shape, x"),
        case("local of the constant's name", "batch_size", head="batch_size = 64", body="batch_size = x.size(0)"),
        case("helper function", "batch_size", head=HELPER, body="batch_size = rows_of(x)"),
        case("attribute written in forward", "self.batch_size", body="self.batch_size = x.size(0)", **ARGUMENT),
        case("attribute written by the training loop", "self.batch_size", tail=TRAINING, **ARGUMENT),
        case("library object", "self.graph.batch_size", parameter=", graph", init="self.graph = graph"),
        case("imported from elsewhere", "batch_size", head="from settings import batch_size"),
        case("another size", "-1, width", head="width = 16"),
        case("a count of classes", "num_classes", head="num_classes = 10"),
        case("a call that is not understood", "batch_size", head="batch_size = read()"),
    ],
)
def test_a_size_that_was_read_or_is_unknown_is_not(parts: dict[str, str]) -> None:
    assert not is_fixed(**parts)


def test_a_parameter_is_what_its_callers_pass() -> None:
    program = """
        from torch import nn

        def fold(x, batch_size):
            return x.view(batch_size, -1)

        class Model(nn.Module):
            def __init__(self, batch_size):
                super().__init__()
                self.batch_size = batch_size
                self.linear = nn.Linear(16, 16)

            def forward(self, x):
                return fold(self.linear(x), {argument})
    """
    assert flagged(program.format(argument="x.size(0)"), "BSZ201") == []
    assert flagged(program.format(argument="self.batch_size"), "BSZ201") == ["return x.view(batch_size, -1)"]


@pytest.mark.parametrize(
    ("imports", "call"),
    [
        ("import torch", "torch.reshape(x, (BATCH_SIZE, -1))"),
        ("import torch as t", "t.reshape(x, (BATCH_SIZE, -1))"),
        ("from torch import reshape", "reshape(x, (BATCH_SIZE, -1))"),
        ("import torch.nn.functional as F", "F.relu(x).view(BATCH_SIZE, -1)"),
        ("", "x.reshape((BATCH_SIZE, -1))"),
        ("", "x.reshape(shape=(BATCH_SIZE, -1))"),
        ("", "x.contiguous().view([BATCH_SIZE, -1])"),
    ],
)
def test_an_operation_is_known_by_its_qualified_name(imports: str, call: str) -> None:
    program = f"""
from torch import nn
{imports}
BATCH_SIZE = 64

class Model(nn.Module):
    def __init__(self):
        super().__init__()
        self.linear = nn.Linear(16, 16)

    def forward(self, x):
        x = self.linear(x)
        return {call}
"""
    assert flagged(program, "BSZ201") == [f"return {call}"]


def test_a_function_of_the_file_is_not_the_framework() -> None:
    program = """
        import torch
        from torch import nn

        batch_size = 64

        def reshape(x, sizes):
            return x

        class Model(nn.Module):
            def forward(self, x):
                return reshape(x, (batch_size, -1))
    """
    assert flagged(program, "BSZ201") == []
