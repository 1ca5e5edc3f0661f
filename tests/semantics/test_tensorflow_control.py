"""Functions of TensorFlow that run other functions, strategies, initialisers and losses."""

from __future__ import annotations

from reading import assert_shapes


def test_branches_loops_and_maps() -> None:
    assert_shapes("""
        import tensorflow as tf
        from tensorflow import keras

        x = keras.Input((5, 3))
        flag = keras.Input(())
        a = tf.map_fn(lambda row: tf.reduce_sum(row, 0), x)  # [B, 3]
        b = tf.cond(flag, lambda: a * 2, lambda: a)  # [B, 3]
        c = tf.cond(flag, lambda: x[:, :2], lambda: x)  # [B, ?, 3]
        i, d = tf.while_loop(lambda i, d: i < 3, lambda i, d: (i + 1, d + 1.0), [0, b])
        e = d * 1  # [B, 3]
        i, f = tf.while_loop(lambda i, f: i < 3, lambda i, f: (i + 1, tf.concat([f, f], 1)), [0, b])
        g = f * 1  # [B, ?]
        h, j = tf.nest.map_structure(lambda t: tf.reduce_sum(t, -1), [x, b])
        k = h * 1  # [B, 5]
    """)


def test_initialisers_make_tensors() -> None:
    assert_shapes("""
        import tensorflow as tf

        start = tf.random_normal_initializer()
        w = tf.Variable(initial_value=start(shape=(3, 4), dtype="float32"))  # [3, 4]
        b = tf.Variable(tf.keras.initializers.Zeros()((4,)))  # [4]
    """)


def test_a_step_that_a_strategy_runs() -> None:
    assert_shapes("""
        import tensorflow as tf

        strategy = tf.distribute.MirroredStrategy()
        model = tf.keras.Sequential([tf.keras.layers.Dense(3)])

        @tf.function
        def step(rows):
            return model(rows)  # [8, 3]

        result = strategy.run(step, args=(tf.zeros([8, 4]),))
    """)


def test_losses_and_their_reductions() -> None:
    assert_shapes("""
        import keras

        x = keras.Input((3,))
        y = keras.Input((3,))
        a = keras.losses.MeanSquaredError()(y, x)  # []
        b = keras.losses.MeanSquaredError(reduction="none")(y, x)  # [B]
        c = keras.losses.CategoricalCrossentropy(from_logits=True, reduction=keras.losses.Reduction.NONE)(y, x)
        d = keras.losses.BinaryCrossentropy(reduction="sum")(y, x)  # []
    """)


def test_rows_of_a_queue() -> None:
    assert_shapes("""
        import tensorflow as tf

        batch_size = 16
        image = tf.zeros([24, 24, 3])
        images, labels = tf.train.shuffle_batch([image, tf.constant(1)], batch_size=batch_size, capacity=9)
        x = images * 1  # [batch_size, 24, 24, 3]
        some = tf.train.batch([image], 16, allow_smaller_final_batch=True)
        y = some[0] * 1  # [B, 24, 24, 3]
    """)
