"""A subclassed segmentation model with skip connections and lists of layers."""

import tensorflow as tf
from tensorflow.keras import Model, layers

ROWS = 2


class Double(layers.Layer):
    def __init__(self, width):
        super().__init__()
        self.first = layers.Conv2D(width, 3, padding="same", activation="relu")
        self.norm = layers.BatchNormalization()
        self.second = layers.Conv2D(width, 3, padding="same")

    def call(self, x, training=None):
        x = self.norm(self.first(x), training=training)
        return tf.nn.relu(self.second(x))


class UNet(Model):
    def __init__(self, widths=(4, 8, 16), classes=3):
        super().__init__()
        self.down = [Double(width) for width in widths]
        self.pool = layers.MaxPool2D()
        self.bottom = Double(widths[-1] * 2)
        self.grow = [layers.Conv2DTranspose(width, 2, strides=2) for width in reversed(widths)]
        self.up = [Double(width) for width in reversed(widths)]
        self.head = layers.Conv2D(classes, 1)

    def call(self, images, training=None):
        x = images
        skips = []
        for block in self.down:
            x = block(x, training=training)
            skips.append(x)
            x = self.pool(x)
        x = self.bottom(x)
        for grow, block, skip in zip(self.grow, self.up, reversed(skips)):
            x = grow(x)
            x = tf.concat([skip, x], axis=-1)
            x = block(x)
        return self.head(x)


model = UNet()
masks = model(tf.zeros([ROWS, 32, 48, 1]))
classes = tf.argmax(masks, axis=-1)[..., tf.newaxis]
flat = tf.reshape(masks, (-1, 3))
per_image = tf.reshape(masks, (tf.shape(masks)[0], -1, 3))
mean = tf.reduce_mean(per_image, axis=1)
