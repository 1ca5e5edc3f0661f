"""Layers and models of Keras and TensorFlow: built, fed and asked, in a process that has TensorFlow."""

from __future__ import annotations

import textwrap
from collections.abc import Callable
from pathlib import Path

import pytest

pytest.importorskip("tensorflow")

from batchlint.verify.outcomes import Grade, Stage, Status, TargetResult
from batchlint.verify.plan.planner import plan_file
from batchlint.verify.settings import Settings
from batchlint.verify.worker.keras.performing import perform

HEADER = """
import tensorflow as tf
import keras
from keras import layers, ops
"""

Perform = Callable[[str], TargetResult]


@pytest.fixture
def performed(tmp_path: Path) -> Perform:
    """Run the one class in a text, as a worker does."""

    def run(text: str) -> TargetResult:
        path = tmp_path / "model.py"
        path.write_text(HEADER + textwrap.dedent(text))
        plan = plan_file(str(path), settings=Settings(all_models=True, device="cpu"))
        assert plan.framework == "tensorflow"
        (found,) = perform(plan, Settings(all_models=True, device="cpu"), lambda number: None)
        return found

    return run


def status(result: TargetResult, check: str) -> Status:
    """The answer of one check."""
    return next(each.status for each in result.checks if each.check == check)


def test_a_clean_model_passes_every_check(performed: Perform) -> None:
    found = performed(
        """
        class Net(keras.Model):
            def __init__(self):
                super().__init__()
                self.conv = layers.Conv2D(4, 3)
                self.flat = layers.Flatten()
                self.out = layers.Dense(10)

            def call(self, images, training=False):
                return self.out(self.flat(self.conv(images)))

        net = Net()
        net.build((None, 12, 12, 1))
        """
    )
    assert found.stage is Stage.RUN
    assert found.grade is Grade.CODE
    assert found.inputs == ("images: float32[B, 12, 12, 1]",)
    assert [each for each in found.checks if each.status is not Status.PASSED] == []


def test_a_fixed_reshape_raises_at_other_batch_sizes_at_its_line(performed: Perform) -> None:
    found = performed(
        """
        class Fold(layers.Layer):
            def call(self, x):
                return tf.reshape(x * 2.0, (16, 32))

        Fold()(tf.zeros((16, 32)))
        """
    )
    assert status(found, "crash at batch sizes") is Status.FAILED
    crash = found.checks[0]
    failures = [run.failure for run in crash.runs if run.failure is not None]
    assert {failure.frame.line for failure in failures if failure.frame} == {8}
    assert "requested shape has 512" in failures[0].message
    assert "\x1b" not in failures[0].message


def test_a_static_shape_is_hidden_by_eager_execution_and_seen_in_a_graph(performed: Perform) -> None:
    found = performed(
        """
        class Halves(layers.Layer):
            def call(self, x):
                return tf.reshape(x, (x.shape[0], 2, -1))

        Halves()(tf.zeros((8, 6)))
        """
    )
    assert status(found, "crash at batch sizes") is Status.PASSED
    symbolic = next(each for each in found.checks if each.check == "symbolic batch")
    assert symbolic.status is Status.FAILED
    failure = symbolic.runs[0].failure
    assert failure is not None
    assert failure.frame is not None
    assert failure.frame.line == 8


def test_the_batch_size_read_from_the_tensor_passes(performed: Perform) -> None:
    found = performed(
        """
        class Halves(layers.Layer):
            def call(self, x):
                return tf.reshape(x, (tf.shape(x)[0], 2, 3))

        Halves()(tf.zeros((8, 6)))
        """
    )
    assert [each for each in found.checks if each.status is not Status.PASSED] == []


def test_samples_that_mix_are_found(performed: Perform) -> None:
    found = performed(
        """
        class Centred(layers.Layer):
            def call(self, x):
                return x - ops.mean(x, axis=0, keepdims=True)
        """
    )
    assert status(found, "per-sample consistency") is Status.FAILED
    assert status(found, "sample dependency") is Status.FAILED


def test_random_draws_do_not_pass_for_mixing(performed: Perform) -> None:
    found = performed(
        """
        class Sampling(layers.Layer):
            def call(self, inputs):
                mean, variance = inputs
                noise = tf.random.normal(shape=tf.shape(mean))
                return mean + ops.exp(0.5 * variance) * noise
        """
    )
    assert found.stage is Stage.RUN
    assert found.inputs[0].startswith("inputs: (float32[B")
    assert status(found, "per-sample consistency") is Status.PASSED


def test_a_generator_of_random_numbers_is_no_state_and_mixes_nothing(performed: Perform) -> None:
    found = performed(
        """
        class Noisy(layers.Layer):
            def __init__(self):
                super().__init__()
                self.generator = keras.random.SeedGenerator(3)

            def call(self, x):
                return x + keras.random.normal(ops.shape(x), seed=self.generator)
        """
    )
    assert status(found, "per-sample consistency") is Status.PASSED
    assert status(found, "state between runs") is Status.PASSED


def test_a_stateful_layer_keeps_something_and_takes_one_batch_size(performed: Perform) -> None:
    found = performed(
        """
        class Words(keras.Model):
            def __init__(self):
                super().__init__()
                self.embed = layers.Embedding(50, 8)
                self.rnn = layers.LSTM(8, stateful=True)

            def call(self, ids):
                return self.rnn(self.embed(ids))
        """
    )
    assert found.inputs[0].startswith("ids: int64[B, ")
    assert status(found, "crash at batch sizes") is Status.FAILED
    assert status(found, "state between runs") is Status.FAILED


def test_a_layer_whose_weights_follow_the_batch_is_found(performed: Perform) -> None:
    found = performed(
        """
        class Bias(layers.Layer):
            def build(self, input_shape):
                self.bias = self.add_weight(shape=input_shape, initializer="zeros")

            def call(self, x):
                return x + self.bias

        Bias()(tf.zeros((4, 6)))
        """
    )
    assert status(found, "crash at batch sizes") is Status.FAILED


def test_an_input_spec_made_while_building_is_not_taken_for_a_hazard(performed: Perform) -> None:
    found = performed(
        """
        class Scale(layers.Layer):
            def build(self, input_shape):
                self.input_spec = layers.InputSpec(shape=input_shape)
                self.gamma = self.add_weight(shape=input_shape[-1:], initializer="ones")

            def call(self, x):
                return x * self.gamma
        """
    )
    assert status(found, "crash at batch sizes") is Status.PASSED


def test_one_value_per_channel_in_train_mode_runs_and_is_lost(performed: Perform) -> None:
    found = performed(
        """
        class Net(keras.Model):
            def __init__(self):
                super().__init__()
                self.norm = layers.BatchNormalization()
                self.out = layers.Dense(3)

            def call(self, x, training=False):
                return self.out(self.norm(x, training=training))
        """
    )
    (answer,) = (each for each in found.checks if each.check == "train mode at batch size 1")
    assert answer.status is Status.FAILED
    assert "same output whatever is in it" in answer.detail
    assert [run.failure for run in answer.runs] == [None] * len(answer.runs)
    assert status(found, "crash at batch sizes") is Status.PASSED
    assert status(found, "state between runs") is Status.PASSED


def test_several_values_per_channel_are_normalised_in_one_row(performed: Perform) -> None:
    found = performed(
        """
        class Net(keras.Model):
            def __init__(self):
                super().__init__()
                self.norm = layers.BatchNormalization()
                self.out = layers.Conv2D(3, 3)

            def call(self, images, training=False):
                return self.out(self.norm(images, training=training))

        Net()(tf.zeros((8, 12, 12, 3)))
        """
    )
    assert status(found, "train mode at batch size 1") is Status.PASSED


@pytest.mark.parametrize(
    ("body", "parameters", "inputs"),
    [
        ("return self.embed(x)", "x", "x: int64[B, "),
        ("return self.embed(inputs['title']) + self.embed(inputs['body'])", "inputs", "inputs: {'title': int64[B"),
        ("return self.dense(x) if mask is None else x", "x, training, mask", "x: float32[B, "),
        ("return self.conv(x)", "x", "x: float32[B, 32, 32, 3]"),
        ("return self.rnn(x)", "x", "x: float32[B, 12, "),
        ("a, b = x.shape[1], x.shape[2]\n        return ops.reshape(x, (-1, a * b))", "x", "x: float32[B, "),
    ],
)
def test_inputs_are_found_without_help(performed: Perform, body: str, parameters: str, inputs: str) -> None:
    layer = {"self.embed": "Embedding(50, 8)", "self.conv": "Conv2D(4, 3)", "self.rnn": "GRU(4)"}
    made = next((f"{name} = layers.{kind}" for name, kind in layer.items() if name in body), "self.x = 1")
    found = performed(
        f"""
class Net(keras.Model):
    def __init__(self):
        super().__init__()
        {made}
        self.dense = layers.Dense(4)

    def call(self, {parameters}):
        {body}
"""
    )
    assert found.stage is Stage.RUN, found.reason
    assert found.inputs[0].startswith(inputs)


def test_a_part_gets_what_its_parent_gives_it(performed: Perform, tmp_path: Path) -> None:
    path = tmp_path / "parent.py"
    path.write_text(
        HEADER
        + textwrap.dedent(
            """
            class Block(layers.Layer):
                def __init__(self, width):
                    super().__init__()
                    self.width = width

                def call(self, x, scale):
                    return ops.reshape(x, (-1, self.width, 6)) * scale

            class Net(keras.Model):
                def __init__(self):
                    super().__init__()
                    self.first = layers.Dense(42)
                    self.block = Block(7)

                def call(self, x):
                    return self.block(self.first(x), 3.0)

            Net()(tf.zeros((2, 5)))
            """
        )
    )
    plan = plan_file(str(path), settings=Settings(all_models=True))
    found = {each.qualname: each for each in perform(plan, Settings(all_models=True), lambda number: None)}
    assert found["Net"].grade is Grade.CODE
    assert found["Block"].grade is Grade.CODE
    assert found["Block"].inputs == ("x: float32[B, 42]", "scale: 3.0")


def test_what_needs_a_package_that_is_not_there_says_so(performed: Perform) -> None:
    found = performed(
        """
        import no_such_package

        class Net(layers.Layer):
            def __init__(self):
                super().__init__()
                self.inner = no_such_package.Layer(3)

            def call(self, x):
                return self.inner(x)
        """
    )
    assert found.stage is Stage.SLICED
    assert "needs the package no_such_package" in found.reason


def test_older_spellings_of_keras_run(performed: Perform) -> None:
    found = performed(
        """
        class Dense(layers.Layer):
            def __init__(self, inputs, outputs):
                super().__init__(name="a/b")
                self.kernel = self.add_weight("w", [inputs, outputs])
                self.drop = layers.Dropout(0.5)

            def call(self, x, training=None):
                return self.drop(x @ self.kernel, training)

        layer = Dense(6, 3)
        layer(tf.zeros((2, 6)), False)
        """
    )
    assert found.stage is Stage.RUN, found.reason


@pytest.mark.parametrize(
    "body",
    [
        "return x * tf.zeros(self.dense.kernel.get_shape())[:, 0]",
        "return ops.image.resize(image=x[:, :, None, None], size=(8, 2))",
        "return x * keras.backend.int_shape(x)[-1]",
    ],
)
def test_older_functions_of_keras_run(performed: Perform, body: str) -> None:
    found = performed(
        f"""
class Older(layers.Layer):
    def __init__(self):
        super().__init__()
        self.dense = layers.Dense(3)

    def call(self, x):
        self.dense(x)
        {body}
"""
    )
    assert found.stage is Stage.RUN, found.reason


def test_the_length_of_a_tensor_is_known_in_a_graph_where_its_shape_is(performed: Perform) -> None:
    found = performed(
        """
        class Drop(layers.Layer):
            def call(self, x):
                return x * tf.ones((tf.shape(x)[0],) + (1,) * (len(tf.shape(x)) - 1))

        drop = Drop()
        model = keras.Sequential([keras.Input((8, 8, 3)), drop])
        model.build((None, 8, 8, 3))
        """
    )
    assert status(found, "symbolic batch") is Status.PASSED
    assert found.stage is Stage.RUN, found.reason


def test_code_that_counts_on_a_mask_is_given_one(performed: Perform) -> None:
    found = performed(
        """
        class Decoder(layers.Layer):
            def call(self, inputs, mask=None):
                if mask is not None:
                    padding = tf.cast(mask[:, :, None], "float32")
                return layers.GlobalAveragePooling1D()(inputs) * tf.reduce_sum(padding, axis=1)
        """
    )
    assert found.stage is Stage.RUN, found.reason
    assert [each for each in found.inputs if each.startswith("mask: bool[B, ")]


def test_a_reshape_to_the_file_s_own_batch_size_is_run_at_it(performed: Perform) -> None:
    found = performed(
        """
        BATCH_SIZE = 20

        class Heads(layers.Layer):
            def __init__(self, batch_size):
                super().__init__()
                self.batch_size = batch_size
                self.dense = layers.Dense(7)

            def call(self, x):
                return tf.reshape(self.dense(x), (self.batch_size, 7))

        Heads(BATCH_SIZE)
        """
    )
    assert found.stage is Stage.RUN, found.reason
    assert found.control == 20


def test_a_module_of_tensorflow_runs(performed: Perform) -> None:
    found = performed(
        """
        class Affine(tf.Module):
            def __init__(self):
                super().__init__()
                self.w = tf.Variable(tf.random.normal((32, 4)))

            @tf.function
            def __call__(self, x):
                return tf.squeeze(tf.matmul(x, self.w))
        """
    )
    assert status(found, "leading dimension") is Status.FAILED
