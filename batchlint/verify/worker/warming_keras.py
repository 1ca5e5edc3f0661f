"""Imported by the process that forks: makes Keras on torch import what it otherwise would in every worker."""

import keras
import torch

assert keras.layers.Dense
assert keras.applications
assert torch.nn.functional
