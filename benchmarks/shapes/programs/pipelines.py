"""tf.data pipelines: mapped, batched, padded, windowed and zipped."""

import numpy as np
import tensorflow as tf

ROWS = 4
features = np.zeros((11, 6, 2), "float32")
labels = np.zeros((11,), "int64")


def scale(x, y):
    return tf.cast(x, tf.float32) / 255.0, tf.one_hot(y, 3)


def flatten(x, y):
    return tf.reshape(x, [-1]), y


train = tf.data.Dataset.from_tensor_slices((features, labels)).map(scale).shuffle(11).batch(ROWS, drop_remainder=True)
for x, y in train:
    a = tf.reshape(x, [tf.shape(x)[0], -1])
    b = tf.matmul(a, tf.zeros([12, 3]))
    loss = tf.reduce_mean(tf.nn.softmax_cross_entropy_with_logits(y, b))

test = tf.data.Dataset.from_tensor_slices((features, labels)).map(flatten).batch(ROWS)
for x, _ in test:
    c = tf.expand_dims(x, 1)
    d = tf.squeeze(c, 1) * 2
    size = x.shape[0]

numbers = tf.data.Dataset.range(10).batch(ROWS)
for n in numbers:
    e = tf.cast(n, tf.float32)[:, tf.newaxis]

for _, (x, _) in enumerate(train.repeat(2)):
    f = tf.concat([x, x], axis=-1)

together = tf.data.Dataset.zip((tf.data.Dataset.from_tensor_slices(features), tf.data.Dataset.range(11))).batch(ROWS)
for left, right in together.take(2):
    g = tf.transpose(left, [0, 2, 1])
    h = tf.stack([right, right], axis=1)

columns = {"ids": np.zeros((9, 5), "int32"), "label": np.zeros(9, "int32")}
texts = tf.data.Dataset.from_tensor_slices(columns).batch(ROWS)
for batch in texts:
    ids = batch["ids"]
    i = tf.gather(tf.zeros([20, 7]), ids)
    j = tf.reduce_max(i, axis=1)

images, targets = next(iter(train))
k = images[0]
for x in train.map(lambda x, y: x):
    m = x[:, -1]
