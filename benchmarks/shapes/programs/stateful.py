"""Recurrent models with a fixed batch, states handed on by hand, and cells stepped through."""

import numpy as np
from tensorflow import keras
from tensorflow.keras import layers

ROWS = 4
STEPS = 5

words = keras.Input(batch_shape=(ROWS, STEPS), dtype="int32")
x = layers.Embedding(30, 8)(words)
x = layers.LSTM(6, stateful=True, return_sequences=True)(x)
x, state_h, state_c = layers.LSTM(7, return_sequences=True, return_state=True)(x)
scores = layers.TimeDistributed(layers.Dense(30))(x)
model = keras.Model(words, scores)
out = model(np.zeros((ROWS, STEPS), "int32"))
last = out[:, -1, :]

encoder_inputs = keras.Input((None, 3))
encoded, h, c = layers.LSTM(9, return_state=True)(encoder_inputs)
decoder_inputs = keras.Input((None, 4))
decoded = layers.LSTM(9, return_sequences=True)(decoder_inputs, initial_state=[h, c])
dense = layers.Dense(4, activation="softmax")(decoded)
translator = keras.Model([encoder_inputs, decoder_inputs], dense)
translated = translator([np.zeros((ROWS, 6, 3), "float32"), np.zeros((ROWS, 8, 4), "float32")])
best = np.argmax(translated, axis=-1)

attention = layers.MultiHeadAttention(num_heads=2, key_dim=4)
mixed = attention(translated, translated)
merged = layers.Bidirectional(layers.GRU(3, return_sequences=True), merge_mode="concat")(mixed)
pooled = layers.GlobalMaxPooling1D()(merged)
conv = layers.ConvLSTM2D(4, 3, padding="same")(np.zeros((ROWS, 2, 8, 8, 1), "float32"))
