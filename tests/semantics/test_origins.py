"""The same number is a hazard or not by where it came from: which leading dimensions are a batch that was written down."""

from __future__ import annotations

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


ARGUMENTS = """
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


@pytest.mark.parametrize(
    "parts",
    [
        pytest.param({"head": "BATCH_SIZE = 64", "size": "BATCH_SIZE"}, id="constant of the module"),
        pytest.param({"head": "batch_size, epochs = 64, 10", "size": "batch_size"}, id="constant in a tuple"),
        pytest.param({"head": "bs: int = 64", "size": "bs"}, id="annotated constant"),
        pytest.param({"head": "batch_size = 2 * 32", "size": "batch_size"}, id="arithmetic of literals"),
        pytest.param({"head": "batch_size = 64\nrows = batch_size", "size": "rows"}, id="another name for it"),
        pytest.param({"head": "BATCH_SIZE = 64", "body": "n = BATCH_SIZE // 2", "size": "n"}, id="a part of it"),
        pytest.param(
            {"parameter": ", batch_size", "init": "self.batch_size = batch_size", "size": "self.batch_size"},
            id="argument of the constructor",
        ),
        pytest.param(
            {"parameter": ", batch_size=8", "init": "self.rows = batch_size", "size": "self.rows"},
            id="argument of the constructor under another name",
        ),
        pytest.param({"init": "self.batch_size = 64", "size": "self.batch_size"}, id="literal attribute"),
        pytest.param({"head": ARGUMENTS, "size": "args.batch_size"}, id="command line"),
        pytest.param(
            {"head": ARGUMENTS, "parameter": ", args", "init": "self.args = args", "size": "self.args.batch_size",
             "tail": "model = Model(args)"},
            id="command line that is passed on",
        ),
        pytest.param({"parameter": ", config", "init": "self.n = config.batch_size", "size": "self.n"}, id="configuration of another file"),
        pytest.param(
            {"head": DATACLASS, "parameter": ", config", "init": "self.config = config", "size": "self.config.batch_size",
             "tail": "model = Model(Config())"},
            id="dataclass",
        ),
        pytest.param({"head": "config = {'batch_size': 64}", "size": "config['batch_size']"}, id="dictionary"),
        pytest.param({"head": "config = dict(lr=0.1, batch_size=64)", "size": "config['batch_size']"}, id="dict call"),
        pytest.param({"head": "class Config:\n    batch_size = 64", "size": "Config.batch_size"}, id="attribute of a class"),
    ],
)  # fmt: skip
def test_a_batch_size_that_was_written_down_is_fixed(parts: dict[str, str]) -> None:
    assert is_fixed(**parts)


@pytest.mark.parametrize(
    "parts",
    [
        pytest.param({"size": "x.size(0)"}, id="size of an axis"),
        pytest.param({"size": "x.shape[0]"}, id="item of the shape"),
        pytest.param({"size": "len(x)"}, id="length"),
        pytest.param({"body": "batch_size, features = x.shape", "size": "batch_size"}, id="unpacked shape"),
        pytest.param({"body": "batch_size, *rest = x.size()", "size": "batch_size"}, id="starred unpacking"),
        pytest.param({"body": "(batch_size, _), y = x.shape, x", "size": "batch_size"}, id="nested unpacking"),
        pytest.param({"head": "batch_size = 64", "body": "batch_size = x.size(0)", "size": "batch_size"}, id="local of the constant's name"),
        pytest.param(
            {"head": "def rows_of(tensor):\n    return tensor.shape[0]", "body": "batch_size = rows_of(x)", "size": "batch_size"},
            id="helper function",
        ),
        pytest.param(
            {"parameter": ", batch_size=64", "init": "self.batch_size = batch_size",
             "body": "self.batch_size = x.size(0)", "size": "self.batch_size"},
            id="attribute written in forward",
        ),
        pytest.param(
            {"parameter": ", batch_size=64", "init": "self.batch_size = batch_size", "size": "self.batch_size",
             "tail": "def train(model, loader):\n    for x, y in loader:\n        model.batch_size = len(y)\n        model(x)"},
            id="attribute written by the training loop",
        ),
        pytest.param({"parameter": ", graph", "init": "self.graph = graph", "size": "self.graph.batch_size"}, id="library object"),
        pytest.param({"head": "from settings import batch_size", "size": "batch_size"}, id="imported from elsewhere"),
        pytest.param({"head": "width = 16", "size": "-1, width"}, id="another size"),
        pytest.param({"head": "num_classes = 10", "size": "num_classes"}, id="a count of classes"),
        pytest.param({"head": "batch_size = read()", "size": "batch_size"}, id="a call that is not understood"),
    ],
)  # fmt: skip
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
