from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from batchlint.config import ConfigError, read_config
from batchlint.verify_config import ModelConfig, VerifyConfig, bytes_of, is_device, is_model_name

if TYPE_CHECKING:
    from pathlib import Path


def write(folder: Path, body: str) -> str:
    path = folder / "pyproject.toml"
    path.write_text(body, encoding="utf-8")
    return str(path)


def test_every_key(tmp_path: Path) -> None:
    config = read_config(
        write(
            tmp_path,
            """
            [tool.batchlint.verify]
            batch-sizes = [4, 1, 4, 7]
            device = "cuda:1"
            timeout = 5
            memory = "2GiB"
            seed = 3
            allow-network = true
            all-models = false

            [tool.batchlint.verify."pkg.mod:Net"]
            inputs = ["x: float32[B, 3, 32, 32]", "mask: None"]
            construct = "Net(width=8)"
            batch-size = 16

            [tool.batchlint.verify.Other]
            """,
        )
    )
    assert config is not None
    assert config.verify == VerifyConfig(
        (4, 1, 7),
        "cuda:1",
        5.0,
        2 << 30,
        3,
        True,
        False,
        (
            ("pkg.mod:Net", ModelConfig(("x: float32[B, 3, 32, 32]", "mask: None"), "Net(width=8)", 16)),
            ("Other", ModelConfig()),
        ),
    )


def test_without_the_table_nothing_is_said(tmp_path: Path) -> None:
    config = read_config(write(tmp_path, "[tool.batchlint]\n"))
    assert config is not None
    assert config.verify is None


MUST = "in [tool.batchlint.verify] must be"


@pytest.mark.parametrize(
    ("line", "complaint"),
    [
        ("batch-size = [1]", "unknown key 'batch-size' in [tool.batchlint.verify]: did you mean 'batch-sizes'?"),
        ("batch-sizes = []", f"batch-sizes {MUST} a list of whole numbers of at least 1, not []"),
        ("batch-sizes = [1, 0]", f"batch-sizes {MUST} a list of whole numbers of at least 1, not [1, 0]"),
        ("batch-sizes = [true]", f"batch-sizes {MUST} a list"),
        ('device = "gpu"', f"device {MUST} one of auto, cpu, meta, cuda or cuda:N, not 'gpu'"),
        ("device = 0", f"device {MUST} one of"),
        ("timeout = 0", f"timeout {MUST} a number of seconds above 0, not 0"),
        ("timeout = inf", f"timeout {MUST} a number of seconds above 0, not inf"),
        ('memory = "lots"', f"memory {MUST} an amount of memory such as '8GiB', not 'lots'"),
        ("memory = -1", f"memory {MUST} an amount"),
        ("seed = 1.5", f"seed {MUST} a whole number of at least 0, not 1.5"),
        ('allow-network = "no"', f"allow-network {MUST} true or false, not 'no'"),
        ("all-models = 1", f"all-models {MUST} true or false, not 1"),
        ('[tool.batchlint.verify."a b"]', "'a b' in [tool.batchlint.verify] names no model"),
        (
            '[tool.batchlint.verify."m:Net"]\ninput = []',
            """unknown key 'input' in [tool.batchlint.verify."m:Net"]: did you mean 'inputs'?""",
        ),
        (
            '[tool.batchlint.verify."m:Net"]\ninputs = "x"',
            """inputs in [tool.batchlint.verify."m:Net"] must be a list of strings""",
        ),
        ('[tool.batchlint.verify."m:Net"]\nconstruct = 1', "construct in"),
        ('[tool.batchlint.verify."m:Net"]\nbatch-size = 0', "batch-size in"),
    ],
)
def test_what_is_wrong_is_refused_in_one_line(tmp_path: Path, line: str, complaint: str) -> None:
    path = write(tmp_path, f"[tool.batchlint.verify]\n{line}\n")
    with pytest.raises(ConfigError) as caught:
        read_config(path)
    assert str(caught.value).startswith(f"{path}: {complaint}")
    assert "\n" not in str(caught.value)


def test_the_table_must_be_one(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"verify in \[tool\.batchlint\] must be a table, not 3"):
        read_config(write(tmp_path, "[tool.batchlint]\nverify = 3\n"))


@pytest.mark.parametrize(
    ("text", "amount"),
    [
        ("8GiB", 8 << 30),
        ("500MB", 500_000_000),
        (" 1.5 G ", 1_500_000_000),
        ("64k", 64_000),
        ("1kib", 1024),
        ("2TiB", 2 << 40),
        ("4096", 4096),
        ("10B", 10),
    ],
)
def test_amounts_of_memory(text: str, amount: int) -> None:
    assert bytes_of(text) == amount


@pytest.mark.parametrize("text", ["", "GiB", "8 cows", "-1G", "0", "1e9", "8GiBB"])
def test_what_is_no_amount_of_memory(text: str) -> None:
    with pytest.raises(ValueError, match=r"is no "):
        bytes_of(text)


def test_devices_and_names_of_models() -> None:
    assert [text for text in ("auto", "cpu", "meta", "cuda", "cuda:3", "cuda:", "gpu", "cpu:0") if is_device(text)] == [
        "auto", "cpu", "meta", "cuda", "cuda:3",
    ]  # fmt: skip
    names = ("Net", "pkg.mod:Net", "m:Outer.Inner", "m:", ":Net", "a b", "m:1", "a/b:Net")
    assert [text for text in names if is_model_name(text)] == ["Net", "pkg.mod:Net", "m:Outer.Inner"]
