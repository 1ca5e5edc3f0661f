"""Fixed batches in TensorFlow, Keras and NumPy, beyond what the fixtures show: where they come from, what silences."""

from __future__ import annotations

import pytest

from reading import flagged

GRAPH = """
import tensorflow as tf
{head}

def inference(images):
    pool = tf.nn.max_pool(images, ksize=[1, 3, 3, 1], strides=[1, 2, 2, 1], padding="SAME")
    return tf.reshape(pool, [{rows}, -1])
"""


@pytest.mark.parametrize(
    ("head", "rows", "reported"),
    [
        ("FLAGS = tf.app.flags.FLAGS\ntf.app.flags.DEFINE_integer('batch_size', 128, '')", "FLAGS.batch_size", True),
        ("from config import cfg", "cfg.batch_size", True),
        ("BATCH_SIZE = 64", "BATCH_SIZE", True),
        ("BATCH_SIZE = 64", "tf.shape(images)[0]", False),
        ("rows = 1", "-1", False),
        ("import graphs as g", "g.batch_size", False),
    ],
)
def test_a_graph_is_bound_to_a_written_batch_size(head: str, rows: str, reported: bool) -> None:
    found = flagged(GRAPH.format(head=head, rows=rows), "BSZ201")
    assert bool(found) is reported


def test_zero_state_is_blamed_where_it_meets_the_inputs() -> None:
    program = """
        import tensorflow as tf

        batch_size = 50
        words = tf.placeholder(tf.float32, [None, 20, 8])
        cell = tf.nn.rnn_cell.BasicLSTMCell(32)
        state = cell.zero_state(batch_size, tf.float32)
        unused = cell.zero_state(batch_size, tf.float32)
        outputs, last = tf.nn.dynamic_rnn(cell, words, initial_state=state)
    """
    assert flagged(program, "BSZ202") == ["state = cell.zero_state(batch_size, tf.float32)"]


def test_weights_of_a_sequence_loss() -> None:
    program = """
        import tensorflow as tf

        batch_size = 50
        steps = 20
        targets = tf.placeholder(tf.int32, [batch_size, steps])
        logits = tf.placeholder(tf.float32, [None, 10])
        loss = tf.contrib.legacy_seq2seq.sequence_loss_by_example(
            [logits], [tf.reshape(targets, [-1])], [tf.ones([batch_size * steps])]
        )
    """
    assert flagged(program, "BSZ202") == ["[logits], [tf.reshape(targets, [-1])], [tf.ones([batch_size * steps])]"]


def test_the_first_step_of_a_loop_over_time_counts() -> None:
    program = """
        import tensorflow as tf
        from tensorflow import keras

        batch_size = 128

        class Steps(keras.Model):
            def __init__(self, units):
                super().__init__()
                self.state = [tf.zeros([batch_size, units])]
                self.cell = keras.layers.SimpleRNNCell(units)

            def call(self, inputs):
                state = self.state
                for step in tf.unstack(inputs, axis=1):
                    out, state = self.cell(step, state)
                return out

        model = Steps(64)
    """
    assert flagged(program, "BSZ202") == ["self.state = [tf.zeros([batch_size, units])]"]


EPOCH = """
import numpy as np
from tensorflow import keras

batch_size = 32
x = np.random.random(({rows}, 16))
model = keras.Sequential([keras.layers.Dense(1)])
valid = np.ones((batch_size, 1))
for i in range({count}):
    model.train_on_batch(x[{cut}], valid)
"""


@pytest.mark.parametrize(
    ("rows", "count", "cut", "reported"),
    [
        (100, "0, len(x), batch_size", "i:i + batch_size", True),
        (96, "0, len(x), batch_size", "i:i + batch_size", False),
        (100, "-(-len(x) // batch_size)", "i * batch_size:(i + 1) * batch_size", True),
        (100, "len(x) // batch_size", "i * batch_size:(i + 1) * batch_size", False),
        (100, "10", "np.random.randint(0, len(x), batch_size)", False),
    ],
)
def test_labels_of_a_full_batch(rows: int, count: str, cut: str, reported: bool) -> None:
    found = flagged(EPOCH.format(rows=rows, count=count, cut=cut), "BSZ202")
    assert found == (["valid = np.ones((batch_size, 1))"] if reported else [])


SIGNATURE = """
import tensorflow as tf
{head}
signature = [tf.TensorSpec(shape={shape}, dtype=tf.float32)]

@tf.function(input_signature=signature)
def train_step(x):
    return tf.reduce_mean(x)
"""


@pytest.mark.parametrize(
    ("head", "shape", "reported"),
    [
        ("BATCH_SIZE = 32", "(BATCH_SIZE, 8)", True),
        ("", "(32, 8)", True),
        ("", "(None, 8)", False),
        ("", "(1, 8)", False),
        ("strategy = tf.distribute.TPUStrategy(None)", "(32, 8)", False),
    ],
)
def test_a_signature_made_elsewhere(head: str, shape: str, reported: bool) -> None:
    assert bool(flagged(SIGNATURE.format(head=head, shape=shape), "BSZ204")) is reported


INPUTS = """
import tensorflow as tf
from tensorflow import keras

class ModelTest(tf.test.TestCase):
    def test_shapes(self):
        return keras.Input(shape=(8,), batch_size=4)

    def helper(self):
        return keras.Input(shape=(8,), batch_size=4)

def export_model():
    return keras.Input(shape=(8,), batch_size=4)

def build(batch_size):
    return keras.Input(shape=(8,), batch_size=batch_size)

def build_model():
    return keras.Input(shape=(16,), batch_size=4)
"""


def test_tests_and_exports_say_what_they_are_given() -> None:
    assert flagged(INPUTS, "BSZ204") == ["return keras.Input(shape=(16,), batch_size=4)"]


@pytest.mark.parametrize(
    ("declared", "reported"),
    [
        ("[55000, 1]", True),
        ("[3, None]", False),
        ("[2708, 2708]", False),
        ("[N, 5]", False),
        ("[10]", False),
    ],
)
def test_a_bare_number_in_a_placeholder_beside_an_open_one(declared: str, reported: bool) -> None:
    program = f"""
        import tensorflow as tf
        N = 10
        x = tf.placeholder(tf.float32, [None, 784])
        y = tf.placeholder(tf.float32, {declared})
    """
    assert bool(flagged(program, "BSZ204")) is reported


FITTED = """
import numpy as np
from tensorflow import keras
from data import load

{name}, labels = load()
model = keras.Sequential([keras.layers.LSTM(8, input_shape={shape}), keras.layers.Dense(1)])
model.fit({fitted}, labels)
"""


@pytest.mark.parametrize(
    ("name", "shape", "fitted", "reported"),
    [
        ("series", "series.shape", "series", True),
        ("series", "(len(series), 3)", "series", True),
        ("series", "series.shape[1:]", "series", False),
        ("series", "(series.shape[1], series.shape[2])", "series", False),
        ("series", "series[0].shape", "series", False),
        ("window", "window.shape", "other", False),
        ("x_train", "x_train.shape", "other", True),
    ],
)
def test_what_is_fitted_holds_many_samples(name: str, shape: str, fitted: str, reported: bool) -> None:
    found = flagged(FITTED.format(name=name, shape=shape, fitted=fitted), "BSZ104")
    assert bool(found) is reported
