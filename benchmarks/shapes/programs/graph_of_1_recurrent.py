"""TensorFlow 1: steps of a sequence unstacked, a dynamic batch size, one-hot labels, a mask."""

import numpy as np
import tensorflow.compat.v1 as tf

tf.disable_v2_behavior()

ROWS = 3
STEPS, WIDTH, CLASSES = 6, 5, 4

inputs = tf.placeholder(tf.int32, [None, STEPS])
targets = tf.placeholder(tf.int32, [None, STEPS])
lengths = tf.placeholder(tf.int32, [None])
rows = tf.shape(inputs)[0]
table = tf.get_variable("table", [20, WIDTH])
embedded = tf.nn.embedding_lookup(table, inputs)
steps = tf.unstack(embedded, STEPS, 1)
state = tf.zeros([rows, WIDTH])
kernel = tf.get_variable("kernel", [2 * WIDTH, WIDTH])
outputs = []
for step in steps:
    state = tf.tanh(tf.matmul(tf.concat([step, state], 1), kernel))
    outputs.append(state)
stacked = tf.stack(outputs, axis=1)
flat = tf.reshape(stacked, [-1, WIDTH])
softmax_w = tf.get_variable("softmax_w", [WIDTH, CLASSES])
logits = tf.reshape(tf.matmul(flat, softmax_w), [rows, STEPS, CLASSES])
losses = tf.nn.sparse_softmax_cross_entropy_with_logits(labels=targets, logits=logits)
mask = tf.sequence_mask(lengths, STEPS, dtype=tf.float32)
masked = losses * mask
per_row = tf.reduce_sum(masked, axis=1) / tf.cast(lengths, tf.float32)
cost = tf.reduce_mean(per_row)
best = tf.argmax(logits, axis=-1)
hot = tf.one_hot(targets, CLASSES)
last = tf.gather_nd(stacked, tf.stack([tf.range(rows), lengths - 1], axis=1))
transposed = tf.transpose(stacked, [1, 0, 2])
expanded = tf.expand_dims(last, -1)
squeezed = tf.squeeze(expanded, [2])
tiled = tf.tile(tf.expand_dims(last, 1), [1, STEPS, 1])

with tf.Session() as sess:
    sess.run(tf.global_variables_initializer())
    data = np.zeros((ROWS, STEPS), "int32")
    feed = {inputs: data, targets: data, lengths: np.full(ROWS, 2)}
    found, guessed = sess.run([cost, best], feed_dict=feed)
    picked = sess.run([last, tiled, squeezed, transposed], feed_dict=feed)
