"""Shapes that TensorFlow code reads, static and real, and what is made of them."""

from __future__ import annotations

from textwrap import dedent

import pytest

from batchlint.semantics.analysis import everything
from batchlint.semantics.entry_points import run
from batchlint.semantics.evaluator import Evaluator
from batchlint.semantics.parsing import parse
from batchlint.semantics.survey import survey
from batchlint.semantics.values import Integer, Value
from reading import assert_shapes


def bound_to(program: str, name: str) -> Value:
    """What *name* of the layer's ``call`` in *program* is bound to."""
    import ast

    import libcst as cst

    text = dedent(program)
    seen: list[Value] = []

    def record(node: cst.CSTNode, value: Value) -> None:
        if isinstance(node, cst.Name) and node.value == name:
            seen.append(value)

    tree = ast.parse(text)
    ev = Evaluator(survey(tree).facts, frozenset(), lambda observation: None, recorder=record)
    run(ev, parse(text), everything(tree))
    return seen[-1]


_LAYER = """
    import keras
    import tensorflow as tf
    from keras import backend as K
    from tensorflow.keras.layers import Layer

    class Mine(Layer):
        def call(self, x):
            n = {read}
            return n
"""


@pytest.mark.parametrize(
    ("read", "static"),
    [
        ("x.shape[0]", True),
        ("x.get_shape()[0]", True),
        ("x.get_shape().as_list()[0]", True),
        ("x.shape[0].value", True),
        ("K.int_shape(x)[0]", True),
        ("x.shape[0] * 2", True),
        ("tf.shape(x)[0]", False),
        ("keras.ops.shape(x)[0]", False),
        ("K.shape(x)[0]", False),
        ("tf.unstack(tf.shape(x), 3)[0]", False),
        ("tf.shape(x)[0] * x.shape[1]", False),
        ("x.shape[0] if x.shape[0] is not None else tf.shape(x)[0]", False),
        ("x.shape[0] or tf.shape(x)[0]", False),
    ],
)
def test_what_is_fixed_when_a_graph_is_built(read: str, static: bool) -> None:
    value = bound_to(_LAYER.format(read=read), "n")
    assert isinstance(value, Integer)
    assert value.origin is not None
    assert value.origin.static is static


def test_arrays_and_torch_have_no_static_shapes() -> None:
    program = """
        import tensorflow as tf
        import numpy as np
        x = np.zeros((3, 4))
        n = x.shape[0]
        print(n)
    """
    value = bound_to(program, "n")
    assert isinstance(value, Integer)
    assert value.origin is not None
    assert not value.origin.static


def test_shapes_are_put_together() -> None:
    assert_shapes("""
        import keras
        import tensorflow as tf

        x = keras.Input((4, 6))
        a = tf.reshape(x, tf.concat([tf.shape(x)[:1], [24]], axis=0))  # [B, 24]
        b = tf.reshape(x, tf.stack([tf.shape(x)[0], 6, 4]))  # [B, 6, 4]
        rows, steps, size = tf.unstack(tf.shape(x))
        c = tf.reshape(x, [rows * steps, size])  # [4*B, 6]
        d = tf.zeros([tf.shape(x)[0], 3])  # [B, 3]
        e = tf.reshape(x, [-1, x.shape[1] * x.shape[2]])  # [B, 24]
        f = tf.ones((*tf.shape(x)[:-1], 2))  # [B, 4, 2]
        g = x[:, tf.newaxis, -1]  # [B, 1, 6]
        h = tf.cast(x, tf.int32)[..., 0]  # [B, 4]
        i = tf.reshape(x, [tf.shape(x)[0], tf.reduce_prod(tf.shape(x)[1:])])  # [B, 24]
        j = tf.zeros(x.shape.as_list()[1:] + [2])  # [4, 6, 2]
        k = keras.ops.reshape(x, (keras.ops.shape(x)[0], -1))  # [B, 24]
    """)


def test_a_helper_that_reads_a_shape() -> None:
    assert_shapes("""
        import tensorflow as tf
        from tensorflow.keras.layers import Layer

        def shape_list(x):
            static = x.shape.as_list()
            dynamic = tf.shape(x)
            return [dynamic[i] if s is None else s for i, s in enumerate(static)]

        class Fold(Layer):
            def call(self, x):
                b, t, f = shape_list(x)
                return tf.reshape(x, [b * t, f])  # [B*t, f]
    """)
