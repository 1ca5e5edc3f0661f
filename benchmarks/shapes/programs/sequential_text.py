"""Sequential text models: embeddings, recurrent layers, convolutions over time."""

import numpy as np
from tensorflow.keras import Sequential, layers

ROWS = 3
VOCABULARY, STEPS = 50, 12

ids = np.zeros((ROWS, STEPS), "int32")

recurrent = Sequential(
    [
        layers.Embedding(VOCABULARY, 16),
        layers.SpatialDropout1D(0.1),
        layers.Bidirectional(layers.LSTM(6, return_sequences=True)),
        layers.GRU(5),
        layers.Dense(1, activation="sigmoid"),
    ]
)
a = recurrent(ids)

convolutional = Sequential()
convolutional.add(layers.Embedding(VOCABULARY, 16))
for width in (8, 4):
    convolutional.add(layers.Conv1D(width, 3, padding="causal", activation="relu"))
convolutional.add(layers.AveragePooling1D(2))
convolutional.add(layers.Flatten())
convolutional.add(layers.Dense(3))
b = convolutional(ids)
c = convolutional.predict(ids, verbose=0)
mean = c.mean(axis=0)
best = c.argmax(axis=1)
