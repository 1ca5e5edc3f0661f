"""Several inputs and outputs: embeddings of users and items, dictionaries, dot products."""

import keras
import numpy as np
from keras import layers

ROWS = 6

user = keras.Input((1,), dtype="int32", name="user")
item = keras.Input((1,), dtype="int32", name="item")
extra = keras.Input((5,), name="extra")
user_vector = layers.Flatten()(layers.Embedding(100, 8)(user))
item_vector = layers.Reshape((8,))(layers.Embedding(200, 8)(item))
dot = layers.Dot(axes=1)([user_vector, item_vector])
product = layers.Multiply()([user_vector, item_vector])
joined = layers.Concatenate(axis=-1)([product, extra, dot])
hidden = layers.Dense(16, activation="relu")(joined)
rating = layers.Dense(1, name="rating")(hidden)
kind = layers.Dense(4, activation="softmax", name="kind")(hidden)
model = keras.Model(inputs=[user, item, extra], outputs=[rating, kind])
users = np.zeros((ROWS, 1), "int32")
items = np.zeros((ROWS, 1), "int32")
features = np.zeros((ROWS, 5), "float32")
ratings, kinds = model([users, items, features])
error = ratings - np.zeros((ROWS, 1))
best = keras.ops.argmax(kinds, axis=-1)
predicted = model.predict([users, items, features], verbose=0)
first = predicted[0]
second = predicted[1].sum(axis=1)


class TwoTowers(keras.Model):
    def __init__(self, width=8):
        super().__init__()
        self.users = keras.Sequential([layers.Embedding(100, width), layers.Flatten(), layers.Dense(width)])
        self.items = keras.Sequential([layers.Embedding(200, width), layers.Flatten(), layers.Dense(width)])

    def call(self, inputs):
        left = self.users(inputs["user"])
        right = self.items(inputs["item"])
        return keras.ops.matmul(left, keras.ops.transpose(right))


towers = TwoTowers()
scores = towers({"user": users, "item": items})
loss = keras.losses.categorical_crossentropy(np.eye(ROWS), keras.ops.softmax(scores))
