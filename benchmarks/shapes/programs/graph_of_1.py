"""TensorFlow 1: placeholders, variables, convolutions by hand, a session."""

import numpy as np
import tensorflow.compat.v1 as tf

tf.disable_v2_behavior()

ROWS = 4


def weight(shape):
    return tf.Variable(tf.truncated_normal(shape, stddev=0.1))


def convolve(x, w, stride=1):
    return tf.nn.conv2d(x, w, strides=[1, stride, stride, 1], padding="SAME")


def pool(x, size=2):
    return tf.nn.max_pool(x, ksize=[1, size, size, 1], strides=[1, size, size, 1], padding="SAME")


x = tf.placeholder(tf.float32, [None, 784], name="x")
y = tf.placeholder(tf.float32, [None, 10], name="y")
keep = tf.placeholder(tf.float32)
images = tf.reshape(x, shape=[-1, 28, 28, 1])
first = pool(tf.nn.relu(convolve(images, weight([5, 5, 1, 8]))))
second = pool(tf.nn.relu(tf.nn.bias_add(convolve(first, weight([5, 5, 8, 16])), tf.Variable(tf.zeros([16])))))
flat = tf.reshape(second, [-1, 7 * 7 * 16])
hidden = tf.nn.relu(tf.add(tf.matmul(flat, weight([784, 32])), tf.Variable(tf.zeros([32]))))
dropped = tf.nn.dropout(hidden, rate=1 - keep)
logits = tf.matmul(dropped, weight([32, 10]))
losses = tf.nn.softmax_cross_entropy_with_logits_v2(logits=logits, labels=y)
cost = tf.reduce_mean(losses)
train = tf.train.GradientDescentOptimizer(0.1).minimize(cost)
correct = tf.equal(tf.argmax(logits, 1), tf.argmax(y, 1))
accuracy = tf.reduce_mean(tf.cast(correct, tf.float32))

with tf.Session() as session:
    session.run(tf.global_variables_initializer())
    for _ in range(2):
        batch_x = np.zeros((ROWS, 784), "float32")
        batch_y = np.zeros((ROWS, 10), "float32")
        session.run(train, feed_dict={x: batch_x, y: batch_y, keep: 0.5})
    value = session.run(accuracy, feed_dict={x: batch_x, y: batch_y, keep: 1.0})
    scores = session.run(logits, {x: batch_x, keep: 1.0})
