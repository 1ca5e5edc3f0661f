"""Layers and models that a file defines on Keras."""

from __future__ import annotations

from reading import assert_shapes


def test_weights_made_in_build() -> None:
    assert_shapes("""
        import tensorflow as tf
        from tensorflow import keras

        class Linear(keras.layers.Layer):
            def __init__(self, units=32):
                super().__init__()
                self.units = units

            def build(self, input_shape):
                self.w = self.add_weight(shape=(input_shape[-1], self.units), initializer="zeros")
                self.b = self.add_weight("bias", shape=(self.units,))

            def call(self, inputs):
                return tf.matmul(inputs, self.w) + self.b  # [8, 5] or [B, ..., 5]

        y = Linear(5)(tf.zeros([8, 3]))  # [8, 5]
    """)


def test_a_model_of_layers() -> None:
    assert_shapes("""
        from tensorflow.keras import Model
        from tensorflow.keras.layers import Conv2D, Dense, Flatten

        class Net(Model):
            def __init__(self):
                super().__init__()
                self.conv = Conv2D(32, 3, activation="relu")
                self.flatten = Flatten()
                self.out = Dense(10)

            def call(self, x, training=None):
                x = self.conv(x)  # [B, H - 2, W - 2, 32]
                x = self.flatten(x)  # [B, 32*H*W - 64*H - 64*W + 128]
                return self.out(x, training=training)  # [B, 10]
    """)


def test_several_inputs() -> None:
    assert_shapes("""
        import tensorflow as tf
        from tensorflow.keras import layers

        class Pair(layers.Layer):
            def __init__(self):
                super().__init__()
                self.left = layers.Dense(4)
                self.right = layers.Dense(6)

            def call(self, inputs):
                a, b = inputs
                return tf.concat([self.left(a), self.right(b)], axis=-1)  # [2, 10] or [?, ..., 10]

        class Named(layers.Layer):
            def __init__(self):
                super().__init__()
                self.embed = layers.Embedding(10, 4)

            def call(self, inputs):
                return self.embed(inputs["ids"])  # [B, ..., 4]

        pair = Pair()([tf.zeros([2, 3]), tf.zeros([2, 8])])  # [2, 10]
    """)


def test_attention_over_the_real_shape() -> None:
    assert_shapes("""
        import tensorflow as tf
        from tensorflow.keras import layers

        class Attention(layers.Layer):
            def __init__(self, heads=4, dim=32):
                super().__init__()
                self.heads, self.depth = heads, dim // heads
                self.query = layers.Dense(dim)

            def split(self, x, rows):
                x = tf.reshape(x, (rows, -1, self.heads, self.depth))
                return tf.transpose(x, perm=[0, 2, 1, 3])

            def call(self, x):
                rows = tf.shape(x)[0]
                q = self.split(self.query(x), rows)  # [B, 4, 10, 8] or [B, 4, ?, 8]
                scores = tf.matmul(q, q, transpose_b=True)  # [B, 4, 10, 10] or [B, 4, ?, ?]
                mixed = tf.transpose(tf.nn.softmax(scores) @ q, [0, 2, 1, 3])  # [B, 10, 4, 8] or [B, ?, 4, 8]
                return tf.reshape(mixed, (rows, -1, 32))  # [B, 10, 32] or [B, ?, 32]

        import keras
        y = Attention()(keras.Input((10, 16)))  # [B, 10, 32]
    """)


def test_a_layer_on_a_layer() -> None:
    assert_shapes("""
        import keras

        class Wide(keras.layers.Dense):
            def __init__(self, units):
                super().__init__(units * 2)

        class Noisy(keras.layers.Dense):
            def call(self, inputs):
                return super().call(inputs) * 0.5

        y = Wide(4)(keras.Input((3,)))  # [B, 8]
        z = Noisy(4)(keras.Input((3,)))  # [B, 4]
    """)


def test_a_functional_model_as_a_class() -> None:
    assert_shapes("""
        import keras

        class Small(keras.Model):
            def __init__(self, classes):
                inputs = keras.Input((8,))
                outputs = keras.layers.Dense(classes)(inputs)
                super().__init__(inputs=inputs, outputs=outputs)

        model = Small(3)
        y = model(keras.ops.zeros((5, 8)))  # [5, 3]
        p = model.predict(keras.ops.zeros((5, 8)))  # [5, 3]
    """)


def test_a_training_step() -> None:
    assert_shapes("""
        import tensorflow as tf
        from tensorflow import keras

        class Net(keras.Model):
            def __init__(self):
                super().__init__()
                self.dense = keras.layers.Dense(3)

            def call(self, x):
                return self.dense(x)

            def train_step(self, data):
                x, y = data
                with tf.GradientTape() as tape:
                    prediction = self(x, training=True)  # [B, ..., 3]
                    loss = tf.reduce_mean(tf.square(prediction))  # []
                return {"loss": loss}
    """)


def test_a_recurrent_cell() -> None:
    assert_shapes("""
        import keras

        x = keras.Input((10, 3))
        a = keras.layers.RNN(keras.layers.LSTMCell(4))(x)  # [B, 4]
        b = keras.layers.RNN([keras.layers.GRUCell(4), keras.layers.GRUCell(6)], return_sequences=True)(x)  # [B, 10, 6]
        out, h, c = keras.layers.LSTM(5, return_state=True)(x)
        d = h * 1  # [B, 5]
    """)


def test_either_mode_is_looked_at() -> None:
    assert_shapes("""
        import keras
        from keras import ops

        class Pooled(keras.layers.Layer):
            def call(self, x, training=None):
                if training:
                    return x
                return ops.mean(x, axis=1)

        y = Pooled()(keras.Input((5, 4)))  # [B, ..., 4]
    """)


def test_calling_what_the_base_calls() -> None:
    assert_shapes("""
        import keras

        class Twice(keras.layers.Layer):
            def __init__(self):
                super().__init__()
                self.dense = keras.layers.Dense(4)

            def __call__(self, x):
                return super().__call__(x)

            def call(self, x):
                return self.dense(x) * 2

        y = Twice()(keras.Input((5,)))  # [B, 4]
    """)
