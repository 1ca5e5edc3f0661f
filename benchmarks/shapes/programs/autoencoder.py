"""A variational autoencoder that is a model with a training step of its own."""

import keras
import numpy as np
import tensorflow as tf
from keras import layers, ops

ROWS = 4


class Sampling(layers.Layer):
    def call(self, inputs):
        mean, log_variance = inputs
        rows, size = ops.shape(mean)[0], ops.shape(mean)[1]
        noise = keras.random.normal(shape=(rows, size))
        return mean + ops.exp(0.5 * log_variance) * noise


pictures = keras.Input(shape=(28, 28, 1))
x = layers.Conv2D(8, 3, activation="relu", strides=2, padding="same")(pictures)
x = layers.Conv2D(16, 3, activation="relu", strides=2, padding="same")(x)
x = layers.Flatten()(x)
x = layers.Dense(16, activation="relu")(x)
z_mean = layers.Dense(2)(x)
z_log = layers.Dense(2)(x)
z = Sampling()([z_mean, z_log])
encoder = keras.Model(pictures, [z_mean, z_log, z])

codes = keras.Input(shape=(2,))
x = layers.Dense(7 * 7 * 16, activation="relu")(codes)
x = layers.Reshape((7, 7, 16))(x)
x = layers.Conv2DTranspose(16, 3, activation="relu", strides=2, padding="same")(x)
decoded = layers.Conv2DTranspose(1, 3, activation="sigmoid", strides=2, padding="same")(x)
decoder = keras.Model(codes, decoded)


class Autoencoder(keras.Model):
    def __init__(self, encoder, decoder):
        super().__init__()
        self.encoder = encoder
        self.decoder = decoder

    def call(self, data):
        _, _, code = self.encoder(data)
        return self.decoder(code)

    def train_step(self, data):
        with tf.GradientTape() as tape:
            mean, log_variance, code = self.encoder(data)
            restored = self.decoder(code)
            errors = keras.losses.binary_crossentropy(data, restored)
            restoration = ops.mean(ops.sum(errors, axis=(1, 2)))
            divergence = -0.5 * (1 + log_variance - ops.square(mean) - ops.exp(log_variance))
            total = restoration + ops.mean(ops.sum(divergence, axis=1))
        gradients = tape.gradient(total, self.trainable_weights)
        self.optimizer.apply_gradients(zip(gradients, self.trainable_weights, strict=True))
        return {"loss": total}


model = Autoencoder(encoder, decoder)
model.compile(optimizer="adam")
data = np.zeros((ROWS, 28, 28, 1), "float32")
model.fit(data, epochs=1, batch_size=ROWS, verbose=0)
restored = model(data)
mean, log_variance, code = encoder(data)
grid = np.zeros((28 * 2, 28 * 2))
tile = decoder.predict(np.array([[0.0, 1.0]]), verbose=0)[0].reshape(28, 28)
