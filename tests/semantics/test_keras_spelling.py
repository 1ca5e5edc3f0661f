"""Arguments as Keras 1 spelt them, and layouts that a file or its user decides."""

from __future__ import annotations

from reading import assert_shapes


def test_arguments_of_keras_1() -> None:
    assert_shapes("""
        from keras.layers import Convolution1D, Dense, Embedding
        from keras.models import Sequential

        model = Sequential()
        model.add(Embedding(1000, 16, input_length=40))  # [B, 40, 16]
        model.add(Convolution1D(nb_filter=8, filter_length=3, border_mode="valid"))  # [B, ?, ?]
        dense = Sequential([Dense(output_dim=4, input_dim=3, init="uniform")])
        out = dense.output  # [B, 4]
    """)


def test_the_layout_of_keras_1_is_the_users() -> None:
    assert_shapes("""
        from keras.layers import Convolution2D, Dense, Flatten
        from keras.models import Sequential

        model = Sequential()
        model.add(Convolution2D(32, 3, 3, border_mode="same", input_shape=(3, 32, 32)))  # [B, ?, ?, ?]
        model.add(Flatten())
        model.add(Dense(10))  # [B, 10]
    """)


def test_a_kernel_or_a_stride() -> None:
    assert_shapes("""
        from keras.layers import Conv2D, Input

        x = Conv2D(32, 3, 2)(Input((32, 32, 3)))  # [B, ?, ?, ?]
        y = Conv2D(32, (3, 3), 2)(Input((32, 32, 3)))  # [B, ?, ?, ?]
    """)


def test_a_file_that_sets_the_layout() -> None:
    assert_shapes("""
        from keras import backend as K
        from keras.layers import Conv2D, Input

        K.set_image_data_format("channels_first")
        x = Conv2D(8, (3, 3))(Input((3, 32, 32)))  # [B, ?, ?, ?]
        y = Conv2D(8, (3, 3), data_format="channels_last")(Input((32, 32, 3)))  # [B, 30, 30, 8]
    """)


def test_the_layout_is_channels_last_by_default() -> None:
    assert_shapes("""
        from keras import backend as K
        from keras.layers import Conv2D, Input

        if K.image_data_format() == "channels_first":
            shape = (3, 32, 32)
        else:
            shape = (32, 32, 3)
        x = Conv2D(8, (3, 3))(Input(shape))  # [B, 30, 30, 8]
    """)
