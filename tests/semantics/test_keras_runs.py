"""What is known of a program's shapes against what the program has when Keras and TensorFlow run it."""

from __future__ import annotations

import re
import warnings
from textwrap import dedent
from typing import Any

import pytest

from batchlint.semantics.analysis import shape_annotations

pytest.importorskip("tensorflow")

FUNCTIONAL = """
    import keras
    from keras import layers

    inputs = keras.Input((32, 32, 3))
    a = layers.Conv2D(8, 3, padding="same", activation="relu")(inputs)
    b = layers.SeparableConv2D(16, 3, strides=2)(a)
    c = layers.MaxPooling2D(2)(b)
    d = layers.BatchNormalization()(c)
    e = layers.UpSampling2D(2)(d)
    f = layers.Conv2DTranspose(4, 3, strides=2, padding="same")(e)
    g = layers.GlobalAveragePooling2D(keepdims=True)(f)
    h = layers.Flatten()(g)
    i = layers.Dense(10)(h)
    j = layers.Reshape((5, -1))(i)
    k = layers.Permute((2, 1))(j)
    l = layers.RepeatVector(3)(h)
    model = keras.Model(inputs, [i, l])
    one, two = model(keras.ops.zeros((2, 32, 32, 3)))
    m = one + 0
    n = two + 0
"""

RECURRENT = """
    import keras
    from keras import layers

    ids = keras.Input((20,), dtype="int32")
    a = layers.Embedding(100, 16)(ids)
    b = layers.Bidirectional(layers.LSTM(8, return_sequences=True))(a)
    c = layers.GRU(5)(b)
    d = layers.TimeDistributed(layers.Dense(3))(b)
    e = layers.MultiHeadAttention(2, 4)(b, b)
    f = layers.LayerNormalization()(e + b)
    g = layers.Conv1D(7, 5, padding="causal")(f)
    h = layers.GlobalMaxPooling1D()(g)
    i, state, cell = layers.LSTM(6, return_state=True)(f)
    j = layers.concatenate([h, i, state])
    k = layers.Bidirectional(layers.GRU(4), merge_mode="sum")(f)
    l = layers.RNN([layers.LSTMCell(3), layers.GRUCell(5)])(f)
    m = layers.Dot(axes=1)([h, h])
"""

SEQUENTIAL = """
    import numpy as np
    from tensorflow import keras

    model = keras.Sequential()
    model.add(keras.Input((28, 28, 1)))
    for width in (8, 16):
        model.add(keras.layers.Conv2D(width, 3, strides=2))
    model.add(keras.layers.Flatten())
    model.add(keras.layers.Dense(10, activation="softmax"))
    a = model.outputs[0]
    b = model(np.zeros((3, 28, 28, 1), "float32"))
    c = model.predict(np.zeros((3, 28, 28, 1), "float32"), verbose=0)
    inner = keras.Sequential([keras.layers.Dense(4), keras.layers.Dense(2)])
    d = inner(b)
    e = keras.Sequential([keras.layers.InputLayer((10,)), inner]).outputs[0]
"""

LAYER = """
    import tensorflow as tf
    from tensorflow import keras

    class Linear(keras.layers.Layer):
        def __init__(self, units):
            super().__init__()
            self.units = units

        def build(self, input_shape):
            self.kernel = self.add_weight(shape=(input_shape[-1], self.units))
            self.bias = self.add_weight(shape=(self.units,), initializer="zeros")

        def call(self, inputs):
            return tf.matmul(inputs, self.kernel) + self.bias

    class Heads(keras.layers.Layer):
        def __init__(self, heads, width):
            super().__init__()
            self.heads, self.width = heads, width
            self.project = Linear(heads * width)

        def call(self, x):
            rows, steps = tf.shape(x)[0], x.shape[1]
            x = tf.reshape(self.project(x), [rows, steps, self.heads, self.width])
            return tf.transpose(x, [0, 2, 1, 3])

    a = Linear(5)(tf.zeros([8, 3]))
    b = Heads(4, 6)(tf.zeros([2, 7, 3]))
    c = Heads(4, 6)(keras.Input((7, 3)))
"""

MODEL = """
    import tensorflow as tf
    from tensorflow.keras import Model, layers

    class Net(Model):
        def __init__(self):
            super().__init__()
            self.body = [layers.Conv2D(8, 3, activation="relu"), layers.MaxPool2D()]
            self.flatten = layers.Flatten()
            self.out = layers.Dense(10)

        def call(self, inputs, training=None):
            images, extra = inputs
            for layer in self.body:
                images = layer(images)
            x = tf.concat([self.flatten(images), extra], axis=1)
            return {"scores": self.out(x), "features": x}

    result = Net()([tf.zeros([4, 16, 16, 3]), tf.zeros([4, 5])])
    a = result["scores"] + 0.0
    b = result["features"] + 0.0
"""

AUTOENCODER = """
    import keras
    from keras import layers, ops

    class Sampling(layers.Layer):
        def call(self, inputs):
            mean, log_variance = inputs
            noise = keras.random.normal(shape=(ops.shape(mean)[0], ops.shape(mean)[1]))
            return mean + ops.exp(0.5 * log_variance) * noise

    images = keras.Input(shape=(28, 28, 1))
    x = layers.Conv2D(32, 3, strides=2, padding="same")(images)
    x = layers.Conv2D(64, 3, strides=2, padding="same")(x)
    x = layers.Flatten()(x)
    x = layers.Dense(16)(x)
    mean, deviation = layers.Dense(2)(x), layers.Dense(2)(x)
    a = Sampling()([mean, deviation])
    encoder = keras.Model(images, [mean, deviation, a])
    code = keras.Input(shape=(2,))
    x = layers.Dense(7 * 7 * 64)(code)
    x = layers.Reshape((7, 7, 64))(x)
    x = layers.Conv2DTranspose(32, 3, strides=2, padding="same")(x)
    b = layers.Conv2DTranspose(1, 3, strides=2, padding="same")(x)
    decoder = keras.Model(code, b)
    c = decoder(encoder(ops.zeros((5, 28, 28, 1)))[2])
"""

SHAPES = """
    import tensorflow as tf

    x = tf.zeros([3, 4, 6])
    a = tf.reshape(x, tf.concat([tf.shape(x)[:1], [24]], axis=0))
    b = tf.reshape(x, tf.stack([tf.shape(x)[0], 6, 4]))
    rows, steps, size = tf.unstack(tf.shape(x))
    c = tf.reshape(x, [rows * steps, size])
    d = tf.reshape(x, [-1, x.shape[1] * x.shape[2]])
    e = x[:, tf.newaxis, -1]
    f = x[..., 0]
    g = tf.expand_dims(x[:, 0], 1) @ tf.transpose(x, [0, 2, 1])
    h = tf.tile(x[:, :1], [1, tf.shape(x)[1], 1])
    i = tf.one_hot(tf.argmax(x, axis=-1), 7)
    j = tf.stack([x, x], axis=1)
    k = tf.squeeze(x[:, :1], axis=1)
    l = tf.reduce_mean(x, axis=[1, 2], keepdims=True)
    m = tf.einsum("bij,bkj->bik", x, x)
    n = tf.gather(x, [0, 2], axis=1)
    o = tf.cast(x, tf.int32) + 1
    p = tf.concat(tf.split(x, 2, axis=-1), axis=0)
    q = tf.broadcast_to(x[:1], [5, 4, 6])
"""

GRAPH = """
    import tensorflow.compat.v1 as tf

    graph = tf.Graph()
    with graph.as_default():
        x = tf.placeholder(tf.float32, [None, 784])
        a = tf.reshape(x, [-1, 28, 28, 1])
        kernel = tf.get_variable("kernel", [5, 5, 1, 32])
        b = tf.nn.relu(tf.nn.conv2d(a, kernel, strides=[1, 1, 1, 1], padding="SAME"))
        c = tf.nn.max_pool(b, ksize=[1, 2, 2, 1], strides=[1, 2, 2, 1], padding="SAME")
        d = tf.reshape(c, [-1, 14 * 14 * 32])
        e = tf.matmul(d, tf.Variable(tf.truncated_normal([6272, 10])))
        y = tf.placeholder(tf.float32, [None, 10])
        f = tf.nn.softmax_cross_entropy_with_logits(logits=e, labels=y)
        g = tf.reduce_mean(f)
        fixed = tf.placeholder(tf.float32, shape=(32, 8))
        h = tf.concat([fixed, fixed], 1)
"""

STATEFUL = """
    import keras

    batch_size = 4
    a = keras.Input(batch_shape=(batch_size, 10, 3))
    b = keras.layers.LSTM(5, stateful=True, return_sequences=True)(a)
    c = keras.layers.Dense(2)(b)
    d = keras.Input(shape=(6,), batch_size=batch_size)
    e = keras.layers.Dense(3)(d)
"""

SUBCLASSED_FUNCTIONAL = """
    import keras

    class Small(keras.Model):
        def __init__(self, classes):
            inputs = keras.Input((8,))
            super().__init__(inputs=inputs, outputs=keras.layers.Dense(classes)(inputs))

    class Wide(keras.layers.Dense):
        def __init__(self, units):
            super().__init__(units * 2)

    model = Small(3)
    a = model(keras.ops.zeros((5, 8)))
    b = model.predict(keras.ops.zeros((5, 8)), verbose=0)
    c = Wide(4)(a)
"""

PROGRAMS = {name.lower(): text for name, text in sorted(globals().items()) if name.isupper() and isinstance(text, str)}
_BOUND = re.compile(r"^\s*(\w+) = ")
_SIZE = re.compile(r"\d+$")


def _agree(known: str, real: tuple[Any, ...]) -> bool:
    """Whether the sizes that are known as numbers are the real ones; a letter stands for any number, or for none."""
    sizes = [] if known == "[]" else known[1:-1].split(", ")
    if "..." in sizes:
        return False
    return len(sizes) == len(real) and all(
        int(size) == number if _SIZE.match(size) else number is None or size not in ("B",) or number > 0
        for size, number in zip(sizes, real)
    )


@pytest.mark.parametrize("name", PROGRAMS)
def test_the_known_shapes_are_the_real_ones(name: str) -> None:
    text = dedent(PROGRAMS[name])
    known = shape_annotations(text)
    names: dict[str, Any] = {"__name__": "program"}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        exec(compile(text, f"{name}.py", "exec"), names)
    checked = 0
    for number, line in enumerate(text.splitlines(), start=1):
        bound = _BOUND.match(line)
        if bound is None or not re.match(r"[a-q]$", bound[1]):
            continue
        real = tuple(names[bound[1]].shape)
        assert number in known, line
        assert _agree(known[number], real), (line, known[number], real)
        checked += 1
    assert checked > 1
