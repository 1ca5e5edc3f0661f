"""Keras and TensorFlow in the worker."""
