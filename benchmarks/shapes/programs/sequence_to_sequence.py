"""An encoder and a decoder with attention over the encoder's states, step by step."""

import tensorflow as tf

ROWS = 3
UNITS, VOCABULARY = 10, 30


class Encoder(tf.keras.Model):
    def __init__(self, vocabulary, width, units):
        super().__init__()
        self.units = units
        self.embedding = tf.keras.layers.Embedding(vocabulary, width)
        self.gru = tf.keras.layers.GRU(units, return_sequences=True, return_state=True)

    def call(self, x, hidden):
        x = self.embedding(x)
        output, state = self.gru(x, initial_state=hidden)
        return output, state

    def start(self, rows):
        return tf.zeros((rows, self.units))


class Attention(tf.keras.layers.Layer):
    def __init__(self, units):
        super().__init__()
        self.w1 = tf.keras.layers.Dense(units)
        self.w2 = tf.keras.layers.Dense(units)
        self.v = tf.keras.layers.Dense(1)

    def call(self, query, values):
        query_with_time = tf.expand_dims(query, 1)
        score = self.v(tf.nn.tanh(self.w1(query_with_time) + self.w2(values)))
        weights = tf.nn.softmax(score, axis=1)
        context = weights * values
        context = tf.reduce_sum(context, axis=1)
        return context, weights


class Decoder(tf.keras.Model):
    def __init__(self, vocabulary, width, units):
        super().__init__()
        self.embedding = tf.keras.layers.Embedding(vocabulary, width)
        self.gru = tf.keras.layers.GRU(units, return_sequences=True, return_state=True)
        self.fc = tf.keras.layers.Dense(vocabulary)
        self.attention = Attention(units)

    def call(self, x, hidden, encoded):
        context, weights = self.attention(hidden, encoded)
        x = self.embedding(x)
        x = tf.concat([tf.expand_dims(context, 1), x], axis=-1)
        output, state = self.gru(x)
        output = tf.reshape(output, (-1, output.shape[2]))
        x = self.fc(output)
        return x, state, weights


loss_object = tf.keras.losses.SparseCategoricalCrossentropy(from_logits=True, reduction="none")


def masked_loss(real, predicted):
    mask = tf.math.logical_not(tf.math.equal(real, 0))
    losses = loss_object(real, predicted)
    mask = tf.cast(mask, dtype=losses.dtype)
    losses *= mask
    return tf.reduce_mean(losses)


encoder = Encoder(VOCABULARY, 8, UNITS)
decoder = Decoder(VOCABULARY, 8, UNITS)
source = tf.ones((ROWS, 7), tf.int32)
target = tf.ones((ROWS, 5), tf.int32)
encoded, hidden = encoder(source, encoder.start(ROWS))
word = tf.expand_dims([1] * ROWS, 1)
total = 0.0
for t in range(1, target.shape[1]):
    predictions, hidden, weights = decoder(word, hidden, encoded)
    total += masked_loss(target[:, t], predictions)
    word = tf.expand_dims(target[:, t], 1)
picked = tf.argmax(predictions[0]).numpy()
