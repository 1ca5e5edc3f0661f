"""TensorFlow 1: placeholders, layer functions, recurrent cells, flags and sessions."""

from __future__ import annotations

from reading import assert_shapes


def test_a_convolutional_network() -> None:
    assert_shapes("""
        import tensorflow as tf

        def weight(shape):
            return tf.Variable(tf.truncated_normal(shape, stddev=0.1))

        x = tf.placeholder(tf.float32, [None, 784])  # [B, 784]
        images = tf.reshape(x, [-1, 28, 28, 1])  # [B, 28, 28, 1]
        hidden = tf.nn.relu(tf.nn.conv2d(images, weight([5, 5, 1, 32]), strides=[1, 1, 1, 1], padding="SAME"))
        pooled = tf.nn.max_pool(hidden, ksize=[1, 2, 2, 1], strides=[1, 2, 2, 1], padding="SAME")  # [B, 14, 14, 32]
        flat = tf.reshape(pooled, [-1, 14 * 14 * 32])  # [B, 6272]
        logits = tf.matmul(flat, weight([6272, 10])) + tf.get_variable("b", [10])  # [B, 10]
        labels = tf.placeholder(tf.int64, shape=(None,))  # [B]
        with tf.Session() as sess:
            sess.run(tf.global_variables_initializer())
            scores = sess.run(logits, feed_dict={x: 0})  # [B, 10]
    """)


def test_layer_functions() -> None:
    assert_shapes("""
        import tensorflow as tf
        import tensorflow.contrib.slim as slim

        x = tf.placeholder(tf.float32, (None, 32, 32, 3))
        a = tf.layers.conv2d(x, 16, 3, padding="same", strides=2)  # [B, 16, 16, 16]
        a = tf.layers.max_pooling2d(a, 2, 2)  # [B, 8, 8, 16]
        a = tf.layers.dense(tf.layers.flatten(a), units=10)  # [B, 10]
        b = slim.conv2d(x, 16, [3, 3], stride=2)  # [B, 16, 16, 16]
        b = slim.max_pool2d(b, [2, 2])  # [B, 8, 8, 16]
        b = slim.repeat(b, 2, slim.conv2d, 8, [3, 3])  # [B, 8, 8, 8]
        b = slim.fully_connected(slim.flatten(b), 10)  # [B, 10]
        c = tf.contrib.layers.conv2d(x, 16, 3, padding="VALID")  # [B, 30, 30, 16]
    """)


def test_a_scope_may_have_set_the_padding() -> None:
    assert_shapes("""
        import tensorflow as tf
        import tensorflow.contrib.slim as slim

        x = tf.placeholder(tf.float32, (None, 32, 32, 3))
        with slim.arg_scope([slim.conv2d], padding="VALID"):
            y = slim.conv2d(x, 16, [3, 3], stride=1)  # [B, ?, ?, 16]
    """)


def test_recurrent_cells() -> None:
    assert_shapes("""
        import tensorflow as tf
        from tensorflow.contrib import rnn

        batch_size = 20
        x = tf.placeholder(tf.float32, [None, 7, 5])
        cell = rnn.DropoutWrapper(rnn.BasicLSTMCell(16), 0.5)
        outputs, state = tf.nn.dynamic_rnn(cell, x, dtype=tf.float32)
        a = outputs[:, -1]  # [B, 16]
        b = state.h  # [B, 16]
        stacked = rnn.MultiRNNCell([rnn.GRUCell(8) for _ in range(2)])
        start = stacked.zero_state(batch_size, tf.float32)
        c = start[0]  # [batch_size, 8]
        outputs, state = tf.nn.dynamic_rnn(stacked, x, initial_state=start)
        d = state[1]  # [B, 8]
        (left, right), _ = tf.nn.bidirectional_dynamic_rnn(cell, cell, x, dtype=tf.float32)
        e = tf.concat([left, right], 2)  # [B, 7, 32]
        steps, last = rnn.static_rnn(cell, tf.unstack(x, 7, 1), dtype=tf.float32)
        f = steps[-1]  # [B, 16]
        g, _ = cell(x[:, 0], last)
        h = g * 1  # [B, 16]
    """)


def test_flags_and_a_network_in_a_class() -> None:
    assert_shapes("""
        import tensorflow as tf

        flags = tf.app.flags
        flags.DEFINE_integer("batch_size", 64, "rows")
        FLAGS = flags.FLAGS

        class Network:
            def __init__(self, size=28):
                self.images = tf.placeholder(tf.float32, [FLAGS.batch_size, size, size, 1])  # [B, 28, 28, 1]
                self.rows = tf.placeholder(tf.float32, [None, size])  # [B, 28]
                self.scores = self.discriminator(self.images)  # [B, 1]

            def discriminator(self, image, reuse=False):
                with tf.variable_scope("discriminator", reuse=reuse):
                    h = tf.layers.conv2d(image, 8, 5, strides=2, padding="same")
                    return tf.layers.dense(tf.layers.flatten(h), 1)

        network = Network()
    """)


def test_an_argument_that_is_convolved_is_a_batch_of_images() -> None:
    assert_shapes("""
        import tensorflow as tf

        def network(images):
            kernel = tf.get_variable("kernel", [3, 3, 3, 16])
            x = tf.nn.conv2d(images, kernel, [1, 2, 2, 1], "SAME")  # [B, (H + 1)//2, (W + 1)//2, 16]
            return tf.reduce_mean(x, [1, 2])  # [B, 16]
    """)
