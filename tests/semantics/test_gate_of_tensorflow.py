"""The second gate on TensorFlow, Keras and NumPy: which nodes are candidates, so that a file is parsed at all."""

from __future__ import annotations

import ast

import pytest

from batchlint.semantics.gate import candidates
from batchlint.semantics.survey import survey


class Wanting:
    """A rule that needs one kind."""

    def __init__(self, kind: str) -> None:
        self.candidates = (kind,)


def is_candidate(kind: str, code: str) -> bool:
    return bool(candidates(survey(ast.parse(code)), [Wanting(kind)]))


@pytest.mark.parametrize(
    ("kind", "code", "expected"),
    [
        ("fixed reshape", "tf.reshape(x, [FLAGS.batch_size, -1])", True),
        ("fixed reshape", "tf.reshape(x, [32, -1])", True),
        ("fixed reshape", "K.reshape(x, (-1, 28, 28))", False),
        ("fixed reshape", "layers.Reshape((batch_size, 16))(x)", True),
        ("fixed reshape", "layers.Reshape((7, 7, 256))(x)", False),
        ("fixed reshape", "x.set_shape([batch_size, None])", True),
        ("fixed reshape", "tf.reshape(x, [tf.shape(x)[0], -1])", False),
        ("fixed tensor", "cell.zero_state(args.batch_size, tf.float32)", True),
        ("fixed tensor", "tf.fill([batch_size, 1], 2)", True),
        ("fixed tensor", "tf.get_variable('state', [batch_size, 8])", True),
        ("fixed tensor", "tf.get_variable('kernel', [5, 5, 3, 8])", False),
        ("fold", "pool = tf.nn.max_pool2d(y, 2, 2, 'SAME')\ntf.reshape(pool, [-1, 7 * 7 * 64])", True),
        ("fold", "def f(pool):\n    n = len(pool)\n    return tf.reshape(pool, [-1, n])", False),
        ("fold", "conv = 1\ntf.reshape(conv, [-1, weights['fc'].get_shape().as_list()[0]])", True),
        ("weight product", "conv = 1\ntf.matmul(x, w)", True),
        ("weight product", "conv = 1\ntorch.matmul(x, w)", False),
        ("weight product", "conv = 1\nReshape((3136,))(x)", True),
        ("fixed input", "tf.placeholder(tf.float32, [batch_size, 784])", True),
        ("fixed input", "tf.placeholder(tf.float32, [bs] + dims)", True),
        ("fixed input", "tf.placeholder(tf.float32, [None, 784])", False),
        ("fixed input", "tf.placeholder(tf.float32, shape=(1, 28, 28, 3))", False),
        ("fixed input", "LSTM(8, batch_input_shape=(32, 10, 1))", True),
        ("fixed input", "Input(shape=(28, 28))", False),
        ("fixed input", "Input((28, 28), batch_size=8)", True),
        ("samples in shape", "LSTM(8, input_shape=x.shape)", True),
        ("samples in shape", "LSTM(8, input_shape=x.shape[1:])", False),
        ("samples in shape", "Dense(8, input_shape=(28, 28))", False),
        ("samples in shape", "Input((len(x), 28))", True),
    ],
)
def test_candidates(kind: str, code: str, expected: bool) -> None:
    assert is_candidate(kind, code) is expected
