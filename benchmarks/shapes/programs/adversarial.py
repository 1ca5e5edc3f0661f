"""A generator and a discriminator with a hand-written training step over a pipeline."""

import tensorflow as tf
from tensorflow.keras import layers

ROWS = 4
NOISE = 20


def make_generator():
    model = tf.keras.Sequential()
    model.add(layers.Dense(7 * 7 * 8, use_bias=False, input_shape=(NOISE,)))
    model.add(layers.BatchNormalization())
    model.add(layers.LeakyReLU())
    model.add(layers.Reshape((7, 7, 8)))
    model.add(layers.Conv2DTranspose(8, (5, 5), strides=(1, 1), padding="same", use_bias=False))
    model.add(layers.Conv2DTranspose(4, (5, 5), strides=(2, 2), padding="same", use_bias=False))
    model.add(layers.Conv2DTranspose(1, (5, 5), strides=(2, 2), padding="same", activation="tanh"))
    return model


def make_discriminator():
    model = tf.keras.Sequential()
    model.add(layers.Conv2D(8, (5, 5), strides=(2, 2), padding="same", input_shape=[28, 28, 1]))
    model.add(layers.LeakyReLU())
    model.add(layers.Dropout(0.3))
    model.add(layers.Flatten())
    model.add(layers.Dense(1))
    return model


generator = make_generator()
discriminator = make_discriminator()
entropy = tf.keras.losses.BinaryCrossentropy(from_logits=True)


def discriminator_loss(real, fake):
    real_loss = entropy(tf.ones_like(real), real)
    fake_loss = entropy(tf.zeros_like(fake), fake)
    return real_loss + fake_loss


def generator_loss(fake):
    return entropy(tf.ones_like(fake), fake)


@tf.function
def train_step(images):
    noise = tf.random.normal([tf.shape(images)[0], NOISE])
    with tf.GradientTape() as generator_tape, tf.GradientTape() as discriminator_tape:
        generated = generator(noise, training=True)
        real = discriminator(images, training=True)
        fake = discriminator(generated, training=True)
        first = generator_loss(fake)
        second = discriminator_loss(real, fake)
    generator_tape.gradient(first, generator.trainable_variables)
    discriminator_tape.gradient(second, discriminator.trainable_variables)
    return first, second


pictures = tf.zeros([ROWS * 2 + 1, 28, 28, 1])
dataset = tf.data.Dataset.from_tensor_slices(pictures).shuffle(100).batch(ROWS)
for batch in dataset:
    one, two = train_step(batch)
whole = tf.data.Dataset.from_tensor_slices(pictures).batch(ROWS, drop_remainder=True)
for batch in whole:
    flat = tf.reshape(batch, [batch.shape[0], -1])
seed = tf.random.normal([ROWS, NOISE])
made = generator(seed, training=False)
verdicts = discriminator(made)
