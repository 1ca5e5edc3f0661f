"""Multi-head attention written by hand, as a layer that asks for the batch size while it runs."""

import tensorflow as tf
from tensorflow import keras
from tensorflow.keras import layers

ROWS = 4


class SelfAttention(layers.Layer):
    def __init__(self, width=12, heads=3):
        super().__init__()
        self.heads = heads
        self.size = width // heads
        self.query = layers.Dense(width)
        self.key = layers.Dense(width)
        self.value = layers.Dense(width)
        self.combine = layers.Dense(width)

    def split(self, x, rows):
        x = tf.reshape(x, (rows, -1, self.heads, self.size))
        return tf.transpose(x, perm=[0, 2, 1, 3])

    def call(self, inputs):
        rows = tf.shape(inputs)[0]
        steps = inputs.shape[1]
        query = self.split(self.query(inputs), rows)
        key = self.split(self.key(inputs), rows)
        value = self.split(self.value(inputs), rows)
        scores = tf.matmul(query, key, transpose_b=True) / tf.math.sqrt(float(self.size))
        weights = tf.nn.softmax(scores, axis=-1)
        attended = tf.transpose(tf.matmul(weights, value), perm=[0, 2, 1, 3])
        merged = tf.reshape(attended, (rows, steps, self.heads * self.size))
        return self.combine(merged)


class Block(layers.Layer):
    def __init__(self, width, hidden):
        super().__init__()
        self.attention = SelfAttention(width)
        self.feed = keras.Sequential([layers.Dense(hidden, activation="relu"), layers.Dense(width)])
        self.first = layers.LayerNormalization(epsilon=1e-6)
        self.second = layers.LayerNormalization(epsilon=1e-6)

    def call(self, inputs, training=False):
        attended = self.first(inputs + self.attention(inputs))
        return self.second(attended + self.feed(attended))


class Positions(layers.Layer):
    def __init__(self, steps, vocabulary, width):
        super().__init__()
        self.tokens = layers.Embedding(vocabulary, width)
        self.places = layers.Embedding(steps, width)

    def call(self, x):
        steps = tf.shape(x)[-1]
        places = self.places(tf.range(start=0, limit=steps, delta=1))
        return self.tokens(x) + places


ids = keras.Input(shape=(9,), dtype="int32")
x = Positions(9, 100, 12)(ids)
x = Block(12, 24)(x)
x = layers.GlobalAveragePooling1D()(x)
model = keras.Model(ids, layers.Dense(2)(x))

tokens = tf.zeros([ROWS, 9], tf.int32)
block = Block(12, 24)
embedded = Positions(9, 100, 12)(tokens)
out = block(embedded)
scores = model(tokens)
