"""Rows that loops visit, at numbers of rows that the batch size divides and does not."""

from __future__ import annotations

import pytest

pytest.importorskip("torch")

from loops import proved

from batchlint.verify.outcomes import Status


def test_lost_rows_are_counted() -> None:
    answer = proved(
        """
        def batches(rows, batch_size):
            for i in range(len(rows) // batch_size):  # here
                yield rows[i * batch_size:(i + 1) * batch_size]
        """,
        "BSZ302",
    )
    assert answer.status is Status.FAILED
    assert answer.detail == "with 19 rows in batches of 4, 3 rows are never visited; with 16 all of them are"
    assert [run.status for run in answer.runs] == [Status.PASSED, Status.FAILED, Status.FAILED]


def test_a_file_s_own_batch_size_is_kept() -> None:
    answer = proved(
        """
        import numpy as np
        batch_size = 32
        images = np.load("images.npy")
        order = np.random.permutation(len(images))
        for i in range(len(images) // batch_size):  # here
            print(images[order[i * batch_size:(i + 1) * batch_size]].mean())
        """,
        "BSZ302",
    )
    assert answer.status is Status.FAILED
    assert "batches of 32" in answer.detail


def test_rows_that_no_batch_size_explains_are_not_decided() -> None:
    answer = proved(
        """
        import numpy as np
        def batches(rows, batch_size):
            for i in range(len(rows) // batch_size):  # here
                yield rows[np.random.choice(len(rows), batch_size)]
        """,
        "BSZ302",
    )
    assert answer.status is Status.UNDECIDED


def test_a_loop_that_never_ends_is_given_up() -> None:
    answer = proved(
        """
        def batches(rows, batch_size):
            while True:
                for i in range(len(rows) // batch_size):  # here
                    yield rows[i * batch_size:(i + 1) * batch_size]
        """,
        "BSZ302",
    )
    assert answer.status is Status.UNDECIDED
    assert "OutOfBudget" in answer.detail


@pytest.mark.parametrize("what", ["raise SystemExit(3)", "raise KeyboardInterrupt", "import sys; sys.exit()"])
def test_what_user_code_raises_stays_inside(what: str) -> None:
    answer = proved(
        f"""
        def batches(rows, batch_size):
            {what}
            for i in range(len(rows) // batch_size):  # here
                yield rows[i * batch_size:(i + 1) * batch_size]
        """,
        "BSZ302",
    )
    assert answer.status is Status.UNDECIDED


def test_an_empty_batch_that_only_its_length_is_asked_of_is_not_used() -> None:
    source = """
        def means(rows, batch_size):
            found = []
            for i in range(len(rows) // batch_size + 1):  # here
                batch = rows[i * batch_size:(i + 1) * batch_size]
                {guard}
                found.append(batch.mean())
            return found
        """
    assert proved(source.format(guard="if len(batch) == 0: continue"), "BSZ305").status is Status.PASSED
    used = proved(source.format(guard="pass"), "BSZ305")
    assert used.status is Status.FAILED
    assert "is used on line 6" in used.detail


def test_a_loader_that_drops_rows_is_seen_through_a_function() -> None:
    answer = proved(
        """
        from functools import partial
        from torch.utils.data import DataLoader
        make = partial(DataLoader, batch_size=16, drop_last=True)
        def build(test_set):
            return make(test_set, shuffle=False)  # here
        """,
        "BSZ306",
    )
    assert answer.status is Status.FAILED
    assert answer.detail.startswith("with 1000 rows and batches of 16, the loader gives 992")


def test_windows_that_overlap_are_no_loader_s_batches() -> None:
    answer = proved(
        """
        def train(model, series, batch_size):
            for start in range(0, len(series) - batch_size):  # here
                model(series[start:start + batch_size])
        """,
        "BSZ301",
    )
    assert answer.status is Status.PASSED


def test_each_batch_that_walks_the_data_again_is_told_from_one_walk() -> None:
    again = """
        def batches(dataset, batch_size):
            for b in range(len(dataset) // batch_size):
                yield [x for i, x in enumerate(dataset) if b * batch_size <= i < (b + 1) * batch_size]  # here
        """
    once = """
        def chosen(dataset, low, high):
            return [x for i, x in enumerate(dataset) if low <= i < high]  # here
        """
    assert proved(again, "BSZ303").status is Status.FAILED
    assert proved(once, "BSZ303").status is Status.PASSED


def test_what_a_main_block_raises_is_not_overlooked() -> None:
    answer = proved(
        """
        import numpy as np
        if __name__ == "__main__":
            rows = np.load("rows.npy")
            for i in range(-(-len(rows) // 8)):  # here
                batch = rows[i * 8:(i + 1) * 8]
                raise ValueError("broken")
        """,
        "BSZ302",
    )
    assert answer.status is Status.UNDECIDED
    assert "ValueError: broken" in answer.detail
