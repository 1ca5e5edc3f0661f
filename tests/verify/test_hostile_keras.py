"""Hostile code in workers that were forked from TensorFlow: they are held as all others are."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

pytest.importorskip("tensorflow")

from workers_at_work import FOLDER, Shared, plan, run

from batchlint.verify.outcomes import Stage, Status, TargetResult
from batchlint.verify.plan.planner import plan_file
from batchlint.verify.sandbox import landlock
from batchlint.verify.settings import Settings
from batchlint.verify.workers import Workers

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="what holds elsewhere is less: see test_sandbox.py")

SECRET = "secret-5c07"

LAYER = """
import os, sys
from tensorflow import keras

class Layer(keras.layers.Layer):
    {statement}

    def call(self, x):
        {body}
        return x
"""


@pytest.fixture(scope="module")
def shared() -> Iterator[Shared]:
    """Workers whose parent has secrets."""
    running = Shared()
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYTHONPATH", FOLDER)
        patch.setenv("HF_TOKEN", SECRET)
        yield running
    running.close()


def test_endless_and_leaving_layers_cost_themselves_alone(tmp_path: Path) -> None:
    settings = Settings(all_models=True, device="cpu", seconds_per_target=6.0)
    hostile = {
        "endless": ("size = 3", "while True: pass"),
        "left": ("os._exit(3)", "pass"),
        "exited": ("sys.exit('no data')", "pass"),
        "fine": ("size = 3", "pass"),
    }
    plans = []
    for name, (statement, body) in hostile.items():
        path = tmp_path / f"{name}.py"
        path.write_text(LAYER.format(statement=statement, body=body))
        plans.append(plan_file(str(path), settings=settings))
    found: dict[str, TargetResult] = {}
    with Workers(settings, 2) as workers:
        for index, result in workers.perform(plans):
            found[Path(plans[index].path).stem] = result
    assert set(found) == set(hostile)
    assert found["endless"].stage is not Stage.RUN
    assert "ran past 6 s" in found["endless"].reason
    assert found["left"].stage is Stage.NOT_LOADED
    assert "os._exit(3)" in found["left"].reason
    assert found["exited"].stage is Stage.SLICED
    assert "SystemExit: no data" in found["exited"].reason
    assert found["fine"].stage is Stage.RUN
    assert found["fine"].checks[0].status is Status.PASSED


def test_memory_without_end_is_refused_with_tensorflow(shared: Shared) -> None:
    code = """
    import tensorflow as tf
    def attack():
        return tf.zeros([1 << 40])
    def fine():
        return float(tf.reduce_sum(tf.nn.relu(tf.ones([8, 4]) @ tf.ones([4, 2]))))
    """
    (found,) = run([plan(code, "attack", "fine", framework="tensorflow")], shared.of(seconds_per_target=20))
    assert "returned" not in found["attack"]
    assert found["fine"] == "returned 64.0"


@pytest.mark.skipif(landlock.version() == 0, reason="this kernel has no Landlock")
def test_neither_files_nor_secrets_are_reached_with_tensorflow(shared: Shared) -> None:
    home, name = Path.home(), "batchlint-was-here"
    code = f"""
    import os
    import tensorflow as tf
    def write():
        tf.io.write_file({str(home / name)!r}, "x")
    def plain():
        open({str(home / name)!r}, "w")
    def secret():
        return {SECRET!r} in str(os.environ) + open("/proc/self/environ").read()
    """
    assert os.environ["HF_TOKEN"] == SECRET
    wanted = plan(code, "write", "plain", "secret", framework="tensorflow")
    (found,) = run([wanted], shared.of(seconds_per_target=20))
    assert found["write"].startswith("raised PermissionDeniedError")
    assert found["plain"].startswith("raised PermissionError")
    assert found["secret"] == "returned False"
    assert not (home / name).exists()
