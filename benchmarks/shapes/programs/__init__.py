"""Small programs of TensorFlow, Keras and NumPy whose every claimed shape is compared; ``ROWS`` is changed in each."""
