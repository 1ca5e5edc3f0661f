"""Functions, scripts, pipelines and sequences on TensorFlow and Keras."""
