"""Imported by the process that forks: makes TensorFlow import what it otherwise would in every worker.

Nothing is computed, as the first operation starts threads, with which no worker can be forked.
"""

import keras
import tensorflow

assert keras.layers.Dense
assert keras.applications
assert tensorflow.function
assert tensorflow.data.Dataset
