"""Layers that make their weights in build: a linear layer, a memory, a capsule, a bilinear product."""

import tensorflow as tf
from tensorflow import keras
from tensorflow.keras import layers

ROWS = 4


class Linear(layers.Layer):
    def __init__(self, units=6, **kwargs):
        super().__init__(**kwargs)
        self.units = units

    def build(self, input_shape):
        self.w = self.add_weight(shape=(input_shape[-1], self.units), initializer="random_normal", name="w")
        self.b = self.add_weight(shape=(self.units,), initializer="zeros", name="b")

    def call(self, inputs):
        return tf.matmul(inputs, self.w) + self.b


class Prototypes(layers.Layer):
    def __init__(self, count):
        super().__init__()
        self.count = count

    def build(self, input_shape):
        self.prototypes = self.add_weight(shape=(self.count, input_shape[-1]), name="prototypes")

    def call(self, x):
        difference = tf.expand_dims(x, 1) - self.prototypes
        distance = tf.reduce_sum(tf.square(difference), axis=-1)
        nearest = tf.argmin(distance, axis=-1)
        hot = tf.one_hot(nearest, self.count)
        return tf.matmul(hot, self.prototypes), distance


class Squash(layers.Layer):
    def __init__(self, capsules, size):
        super().__init__()
        self.capsules, self.size = capsules, size

    def call(self, x):
        vectors = tf.reshape(x, [-1, self.capsules, self.size])
        squared = tf.reduce_sum(tf.square(vectors), axis=-1, keepdims=True)
        scaled = squared / (1 + squared) * vectors / tf.sqrt(squared + 1e-7)
        return tf.norm(scaled, axis=-1)


class Bilinear(layers.Layer):
    def build(self, input_shape):
        left, right = input_shape
        self.w = self.add_weight(shape=(left[-1], right[-1]), name="w")

    def call(self, inputs):
        left, right = inputs
        product = tf.linalg.matmul(left, self.w)
        return tf.reduce_sum(product * right, axis=-1, keepdims=True)


x = tf.random.normal([ROWS, 12])
a = Linear()(x)
b, distances = Prototypes(5)(x)
c = Squash(3, 4)(x)
d = Bilinear()([x, a])
norm = tf.nn.l2_normalize(x, axis=-1)
similarity = tf.matmul(norm, norm, transpose_b=True)
upper = tf.linalg.band_part(similarity, 0, -1)
diagonal = tf.linalg.diag_part(similarity)
pairs = tf.boolean_mask(similarity, tf.not_equal(similarity, 0))
inputs = keras.Input((12,))
y = Linear(7)(inputs)
z = layers.Concatenate()([y, inputs])
model = keras.Model(inputs, z)
e = model(x)
f = layers.Lambda(lambda v: v * 2)(e)
g = layers.RepeatVector(3)(e)
h = layers.TimeDistributed(layers.Dense(2))(g)
