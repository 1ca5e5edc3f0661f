"""A training loop by hand with metrics, losses that are not reduced, and slices of arrays."""

import numpy as np
import tensorflow as tf
from tensorflow import keras

ROWS = 5

x_train = np.random.rand(23, 8).astype("float32")
y_train = np.random.randint(0, 3, (23,))

model = keras.Sequential([keras.layers.Dense(16, activation="relu"), keras.layers.Dense(3)])
optimizer = keras.optimizers.SGD(0.01)
per_sample = keras.losses.SparseCategoricalCrossentropy(from_logits=True, reduction="none")
metric = keras.metrics.SparseCategoricalAccuracy()

for start in range(0, len(x_train), ROWS):
    x = x_train[start : start + ROWS]
    y = y_train[start : start + ROWS]
    with tf.GradientTape() as tape:
        logits = model(x, training=True)
        losses = per_sample(y, logits)
        loss = tf.reduce_mean(losses)
    gradients = tape.gradient(loss, model.trainable_weights)
    optimizer.apply_gradients(zip(gradients, model.trainable_weights, strict=True))
    metric.update_state(y, logits)
    probabilities = tf.nn.softmax(logits, axis=-1)
    best = tf.argmax(probabilities, axis=1)
    right = tf.reduce_sum(tf.cast(tf.equal(best, y), tf.float32))

order = np.random.permutation(len(x_train))
for i in range(len(x_train) // ROWS):
    chosen = order[i * ROWS : (i + 1) * ROWS]
    batch, wanted = x_train[chosen], y_train[chosen]
    hot = np.eye(3)[wanted]
    scores = model.predict_on_batch(batch)
    errors = np.sum((scores - hot) ** 2, axis=1)
    centred = batch - batch.mean(axis=0, keepdims=True)

result = model.predict(x_train, batch_size=ROWS, verbose=0)
joined = np.concatenate([result, np.zeros((23, 1))], axis=1)
stacked = np.stack([joined[0], joined[1]])
split = np.split(result[:20], 4)
rows = split[0].reshape(-1, 1)
