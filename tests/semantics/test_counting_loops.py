"""``while`` loops that count, arrays of lists of arrays, and arrays that are split in two."""

from __future__ import annotations

from reading import assert_shapes, flagged

_BEGIN = """
    import numpy as np
    batch_size = 20
    x = np.zeros((330, 16))
    i = 0
"""


def test_the_last_slice_of_a_counting_while_may_be_short() -> None:
    assert_shapes(
        _BEGIN
        + """
    while i < len(x):
        piece = x[i:i + batch_size]  # [B, 16]
        i += batch_size
    """
    )


def test_a_while_that_counts_otherwise_tells_nothing() -> None:
    for body in (
        "i += batch_size\n        i += 1",
        "i = i * 2",
        "i += 1 if x.any() else batch_size",
        "if x.any():\n            i += batch_size",
    ):
        lines = flagged(
            f"{_BEGIN}\n    while i < len(x):\n        piece = x[i:i + batch_size].reshape((batch_size, 4, 4))\n"
            f"        {body}\n",
            "BSZ201",
        )
        assert lines == [], body


def test_full_batches_of_a_while_are_not_short() -> None:
    lines = flagged(
        _BEGIN
        + """
    while i + batch_size <= len(x):
        piece = x[i:i + batch_size].reshape((batch_size, 4, 4))
        i += batch_size
    """,
        "BSZ201",
    )
    assert lines == []


def test_numpys_array_of_a_list_of_arrays_has_an_axis_more() -> None:
    assert_shapes(
        """
        import numpy as np
        x = np.array([np.zeros((28, 28)) for _ in range(500)])  # [500, 28, 28]
        rows = [np.zeros(n) for n in range(500)]
        y = np.array(rows)  # nothing
        """
    )


def test_both_parts_of_a_split_keep_what_a_row_is() -> None:
    assert_shapes(
        """
        import numpy as np
        from sklearn.model_selection import train_test_split
        x = np.zeros((500, 28, 28))
        train, test, train_marks, test_marks = train_test_split(x, [1, 2], test_size=0.2)
        doubled = train * 2  # [n_train, 28, 28]
        other = test + 1  # [n_test, 28, 28]
        unknown = train_marks + test_marks  # nothing
        """
    )
