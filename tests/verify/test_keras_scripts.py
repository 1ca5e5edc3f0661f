"""Findings outside of Keras classes, proved on the real TensorFlow and Keras: hazards and near-misses."""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING

import pytest

pytest.importorskip("tensorflow")

from batchlint.verify.loop_verdicts import decide_loop
from batchlint.verify.outcomes import FindingVerdict, Verdict
from batchlint.verify.plan.plans import FilePlan, Flagged, TargetPlan
from batchlint.verify.settings import Settings
from batchlint.verify.worker.keras.scripts import perform_script

if TYPE_CHECKING:
    from collections.abc import Sequence

CONFIRMED, REFUTED, INCONCLUSIVE = Verdict.CONFIRMED, Verdict.REFUTED, Verdict.INCONCLUSIVE


def verdict_on(source: str, code: str) -> FindingVerdict:
    """The verdict on a finding of *code* on the line that ends with ``# here``; ``# note`` marks its notes."""
    text = textwrap.dedent(source).lstrip("\n")
    lines = text.splitlines()

    def marked(mark: str) -> Sequence[int]:
        return [number for number, each in enumerate(lines, start=1) if each.rstrip().endswith(mark)]

    line = marked("# here")[0]
    code_there = lines[line - 1].partition("#")[0].rstrip()
    column = len(code_there) - len(code_there.lstrip()) + 1
    flagged = Flagged(0, code, line, line, line, column, len(code_there) + 1, tuple(marked("# note")))
    target = TargetPlan("<module>", "module", 1, len(lines), (flagged,))
    result = perform_script(target, FilePlan("program.py", text, targets=(target,)), None, Settings())
    assert dict(result.environment.versions)["keras"] if result.environment is not None else False
    return decide_loop(flagged, result)


def assert_verdict(source: str, code: str, expected: Verdict, words: str) -> None:
    """That the verdict is *expected* and its reason holds *words*."""
    found = verdict_on(source, code)
    assert found.verdict is expected, found.reason
    assert words in found.reason


# Pipelines

PIPELINE = """
    import tensorflow as tf

    def records(paths, batch_size=16):
        dataset = tf.data.TFRecordDataset(paths).map(lambda record: record)
        return dataset{operations}.prefetch(2)  # here
    """


@pytest.mark.parametrize(
    ("operations", "expected"),
    [
        (".batch(batch_size).shuffle(100)", CONFIRMED),
        (".batch(batch_size).shuffle(100).repeat()", CONFIRMED),
        (".shuffle(100).batch(batch_size)", REFUTED),
        (".batch(batch_size).unbatch().shuffle(100).batch(batch_size)", REFUTED),
        (".batch(batch_size)", INCONCLUSIVE),
    ],
)
def test_which_rows_are_together(operations: str, expected: Verdict) -> None:
    found = verdict_on(PIPELINE.format(operations=operations), "BSZ307")
    assert found.verdict is expected, found.reason


@pytest.mark.parametrize(("drops", "expected"), [("True", CONFIRMED), ("False", REFUTED)])
def test_rows_that_a_pipeline_gives(drops: str, expected: Verdict) -> None:
    source = f"""
        import tensorflow as tf

        (x_train, y_train), (x_test, y_test) = tf.keras.datasets.mnist.load_data()
        test = tf.data.Dataset.from_tensor_slices((x_test, y_test)).batch(32, drop_remainder={drops})  # here
        model = tf.keras.Sequential([tf.keras.layers.Dense(10)])
        model.evaluate(test)
        """
    assert_verdict(source, "BSZ306", expected, "the loader gives")


def test_each_batch_walks_the_pipeline_again() -> None:
    source = """
        import tensorflow_datasets as tfds

        dataset = tfds.load("mnist", split="train")
        batch_size = 8
        for step in range(len(dataset) // batch_size):
            batch = dataset.skip(step * batch_size).take(batch_size)  # here
            for image, label in batch:
                model.train_on_batch(image, label)
        """
    assert_verdict(source, "BSZ303", CONFIRMED, "a row is drawn")


def test_a_pipeline_that_is_walked_once() -> None:
    source = """
        import tensorflow as tf

        def train(model, dataset, batch_size=8):
            for images, labels in dataset.batch(batch_size):  # here
                model.train_on_batch(images, labels)
        """
    assert_verdict(source, "BSZ303", REFUTED, "a row is drawn once")


LENGTHS = """
    import tensorflow as tf

    rows = {rows}

    def tokens():
        for row in rows:
            yield row

    dataset = tf.data.Dataset.from_generator(tokens, output_signature=tf.TensorSpec((None,), tf.int32))
    batches = dataset.{batch}(2)  # here
    """
RAGGED, EQUAL = "[[1, 2, 3], [4, 5], [6]]", "[[1, 2], [3, 4], [5, 6]]"


@pytest.mark.parametrize(
    ("rows", "batch", "expected"),
    [(RAGGED, "batch", CONFIRMED), (RAGGED, "padded_batch", REFUTED), (EQUAL, "batch", REFUTED)],
)
def test_batches_of_several_lengths(rows: str, batch: str, expected: Verdict) -> None:
    found = verdict_on(LENGTHS.format(rows=rows, batch=batch), "BSZ602")
    assert found.verdict is expected, found.reason


# Loops and accounts

LOOP = """
    from tensorflow import keras

    (x_train, y_train), _ = keras.datasets.mnist.load_data()
    x_train = x_train.reshape(-1, 784) / 255.0
    model = keras.Sequential([keras.layers.Dense(10)])
    model.compile("adam", "mse")
    batch_size = 64
    for i in range({steps}):  # here
        model.train_on_batch(x_train[{cut}], y_train[{cut}])  # note
    """
BY_STEP = "i * batch_size:(i + 1) * batch_size"


@pytest.mark.parametrize(
    ("code", "steps", "cut", "expected"),
    [
        ("BSZ302", "len(x_train) // batch_size", BY_STEP, CONFIRMED),
        ("BSZ302", "-(-len(x_train) // batch_size)", BY_STEP, REFUTED),
        ("BSZ301", "0, len(x_train), batch_size", "i:i + batch_size", CONFIRMED),
        ("BSZ305", "len(x_train) // batch_size + 1", BY_STEP, CONFIRMED),
        ("BSZ305", "-(-len(x_train) // batch_size)", BY_STEP, REFUTED),
    ],
)
def test_slices_that_reach_the_model(code: str, steps: str, cut: str, expected: Verdict) -> None:
    found = verdict_on(LOOP.format(steps=steps, cut=cut), code)
    assert found.verdict is expected, found.reason


def test_what_a_session_is_fed() -> None:
    source = """
        import tensorflow as tf

        x = tf.placeholder(tf.float32, [None, 784])
        images = load()
        batch_size = 100
        with tf.Session() as session:
            for i in range(len(images) // batch_size):  # here
                session.run(train_op, feed_dict={x: images[i * batch_size:(i + 1) * batch_size]})
        """
    assert_verdict(source, "BSZ302", CONFIRMED, "never visited")


ACCOUNT = """
    import tensorflow as tf

    loss_fn = tf.keras.losses.SparseCategoricalCrossentropy({options})
    dataset = tf.data.Dataset.from_tensor_slices((x_train, y_train)).batch(32)
    total, rows = 0.0, 0
    for x, y in dataset:
        loss = loss_fn(y, model(x))
        total += {added}
        rows += {counted}
    print(total / {divisor})  # here
    """


@pytest.mark.parametrize(
    ("options", "added", "counted", "divisor", "expected"),
    [
        ("", "loss", "len(x)", "len(x_train)", CONFIRMED),
        ("", "float(loss) * x.shape[0]", "x.shape[0]", "rows", REFUTED),
        ("", "loss.numpy() * tf.shape(x)[0]", "1", "len(x_train)", REFUTED),
        ("reduction='sum'", "loss", "tf.shape(x)[0]", "rows", REFUTED),
        ("reduction='none'", "tf.reduce_sum(loss)", "len(x)", "rows", REFUTED),
    ],
)
def test_a_constant_loss(options: str, added: str, counted: str, divisor: str, expected: Verdict) -> None:
    source = ACCOUNT.format(options=options, added=added, counted=counted, divisor=divisor)
    found = verdict_on(source, "BSZ501")
    assert found.verdict is expected, found.reason


# Sequences

SEQUENCE = """
    import numpy as np
    from tensorflow import keras

    class Pictures(keras.utils.PyDataset):
        def __init__(self, names, batch_size=8, **options):
            super().__init__(**options)
            self.names, self.batch_size = names, batch_size

        def __len__(self):
            return int(np.ceil(len(self.names) / self.batch_size))

        def __getitem__(self, index):
            low = index * self.batch_size
            names = self.names[low:low + self.batch_size]
            {size}
            pictures = np.{made}({rows}, 4))  # here
            for row, name in enumerate(names):
                pictures[row] = np.load(name)
            return pictures, np.ones(len(pictures))
    """


@pytest.mark.parametrize(
    ("size", "made", "rows", "expected", "words"),
    [
        ("pass", "empty", "(self.batch_size", CONFIRMED, "nothing was ever written"),
        ("self.batch_size = len(names)", "zeros", "(self.batch_size", CONFIRMED, "the last on"),
        ("pass", "empty", "(len(names)", REFUTED, "trains on all of them"),
    ],
)
def test_what_keras_trains_on(size: str, made: str, rows: str, expected: Verdict, words: str) -> None:
    assert_verdict(SEQUENCE.format(size=size, made=made, rows=rows), "BSZ208", expected, words)


# What fit does with a batch size

FIT = """
    import numpy as np
    import tensorflow as tf

    x, y = np.zeros((50, 4)), np.zeros((50, 1))

    def batches():
        while True:
            yield x[:8], y[:8]

    model = tf.keras.Sequential([tf.keras.layers.Dense(1)])
    model.compile("sgd", "mse")
    model.{call}  # here
    """


@pytest.mark.parametrize(
    ("call", "expected"),
    [
        ("fit(tf.data.Dataset.from_tensor_slices((x, y)).batch(16), batch_size=32)", CONFIRMED),
        ("fit(tf.data.Dataset.from_tensor_slices((x, y)).batch(32), batch_size=32)", CONFIRMED),
        ("evaluate(batches(), batch_size=32, steps=2)", CONFIRMED),
        ("predict(tf.data.Dataset.from_tensor_slices(x).batch(16), batch_size=4)", CONFIRMED),
        ("fit(x, y, batch_size=32)", REFUTED),
        ("predict(x, batch_size=4)", REFUTED),
        ("fit(given(), batch_size=4)", INCONCLUSIVE),
    ],
)
def test_a_batch_size_for_each_kind_of_data(call: str, expected: Verdict) -> None:
    found = verdict_on(FIT.format(call=call), "BSZ601")
    assert found.verdict is expected, found.reason
    if expected is not INCONCLUSIVE:
        assert "Keras 3" in found.reason


# Memory at a retry

RETRY = """
    import tensorflow as tf

    def step(x):
        return model(x)

    def robust(x, parts):
        try:
            return step(x)
        except {error}{named}:
            {cleared}
            {inside}
        {after}
        return step(x[:2])  # {mark}
    """


@pytest.mark.parametrize(
    ("error", "named", "cleared", "inside", "expected"),
    [
        ("tf.errors.ResourceExhaustedError", "", "pass", "return step(x[:1])  # here", CONFIRMED),
        ("(MemoryError, tf.errors.ResourceExhaustedError)", "", "pass", "step(x[:1])  # here", CONFIRMED),
        ("tf.errors.ResourceExhaustedError", "", "pass", "pass", REFUTED),
        (
            "tf.errors.ResourceExhaustedError",
            " as error",
            "import traceback; traceback.clear_frames(error.__traceback__)",
            "return step(x[:1])  # here",
            REFUTED,
        ),
    ],
)
def test_memory_when_a_step_is_tried_again(
    error: str, named: str, cleared: str, inside: str, expected: Verdict
) -> None:
    mark = "" if "# here" in inside else "here"
    source = RETRY.format(error=error, named=named, cleared=cleared, inside=inside, after="pass", mark=mark)
    found = verdict_on(source, "BSZ603")
    assert found.verdict is expected, found.reason


# Models outside of classes

MODEL = """
    import keras
    from keras import layers, ops

    def build(batch_size=6):
        inputs = keras.Input((4, 8){fixed})
        x = {operation}  # here
        return keras.Model(inputs, layers.Dense(3)(x))

    model = build()
    """


@pytest.mark.parametrize(
    ("code", "operation", "expected"),
    [
        ("BSZ201", "ops.reshape(inputs, (batch_size, 32))", CONFIRMED),
        ("BSZ201", "ops.reshape(inputs, (-1, 32))", REFUTED),
        ("BSZ402", "ops.softmax(layers.Flatten()(inputs), axis=0)", CONFIRMED),
        ("BSZ402", "ops.softmax(layers.Flatten()(inputs), axis=-1)", REFUTED),
        ("BSZ403", "inputs - ops.mean(inputs, axis=0, keepdims=True)", CONFIRMED),
        ("BSZ403", "inputs - ops.mean(inputs, axis=1, keepdims=True)", REFUTED),
        ("BSZ401", "ops.squeeze(layers.Dense(1)(inputs[:, :1]))", INCONCLUSIVE),
    ],
)
def test_a_function_that_builds_a_model(code: str, operation: str, expected: Verdict) -> None:
    found = verdict_on(MODEL.format(operation=operation, fixed=""), code)
    assert found.verdict is expected, found.reason


@pytest.mark.parametrize(("stateful", "expected"), [("True", CONFIRMED), ("False", REFUTED)])
def test_an_input_of_a_fixed_batch(stateful: str, expected: Verdict) -> None:
    source = f"""
        import keras

        model = keras.Sequential(
            [
                keras.Input(batch_shape=(6, 5, 2)),  # here
                keras.layers.GRU(3, stateful={stateful}),
            ]
        )
        """
    assert_verdict(source, "BSZ204", expected, "Keras 3")


@pytest.mark.parametrize(
    ("shape", "expected"),
    [("x.shape", CONFIRMED), ("(len(x), 5)", INCONCLUSIVE), ("x.shape[1:]", REFUTED), ("x[0].shape", REFUTED)],
)
def test_the_shape_of_one_sample(shape: str, expected: Verdict) -> None:
    source = f"""
        import keras
        import numpy as np

        x, y = np.random.random((60, 7, 5)), np.zeros((60, 1))
        model = keras.Sequential()
        model.add(keras.layers.LSTM(4, input_shape={shape}))  # here
        model.add(keras.layers.Dense(1))
        model.compile("adam", "mse")
        model.fit(x, y)
        """
    found = verdict_on(source, "BSZ104")
    assert found.verdict is expected, found.reason


# Graphs

GRAPH = """
    import tensorflow.compat.v1 as tf

    batch_size = 12
    images = tf.placeholder(tf.float32, [{rows}, 8, 8, 3])
    {line}  # here
    out = tf.layers.flatten(x) if False else tf.reduce_sum(x) * 2.0
    """


@pytest.mark.parametrize(
    ("code", "rows", "line", "expected"),
    [
        ("BSZ201", "None", "x = tf.reshape(images, [batch_size, 192])", CONFIRMED),
        ("BSZ201", "None", "x = tf.reshape(images, [-1, 192])", REFUTED),
        ("BSZ202", "None", "x = images + tf.zeros([batch_size, 8, 8, 3])", CONFIRMED),
        ("BSZ202", "None", "x = images + tf.zeros(tf.shape(images))", REFUTED),
        ("BSZ102", "None", "x = tf.reshape(images, [-1, 100])", INCONCLUSIVE),
        ("BSZ102", "None", "x = tf.reshape(images, [-1, 24])", INCONCLUSIVE),
        ("BSZ102", "None", "x = tf.reshape(images, [-1, 64])", CONFIRMED),
        ("BSZ102", "None", "x = tf.reshape(images, [-1, 192])", REFUTED),
        ("BSZ206", "None", "x = tf.zeros([images.shape[0], 4])", CONFIRMED),
    ],
)
def test_a_graph_at_several_numbers_of_rows(code: str, rows: str, line: str, expected: Verdict) -> None:
    found = verdict_on(GRAPH.format(rows=rows, line=line), code)
    assert found.verdict is expected, found.reason


@pytest.mark.parametrize(("rows", "expected"), [("16", CONFIRMED), ("None", REFUTED)])
def test_a_placeholder_is_fed_with_one_row_fewer(rows: str, expected: Verdict) -> None:
    source = f"""
        import tensorflow.compat.v1 as tf

        images = tf.placeholder(tf.float32, [{rows}, 8])  # here
        """
    found = verdict_on(source, "BSZ204")
    assert found.verdict is expected, found.reason


# Training loops on real tensors


@pytest.mark.parametrize(
    ("target", "expected"), [("tf.ones((BATCH_SIZE, 1))", CONFIRMED), ("tf.ones((len(x), 1))", REFUTED)]
)
def test_a_loop_over_a_pipeline_with_a_short_tail(target: str, expected: Verdict) -> None:
    source = f"""
        import numpy as np
        import tensorflow as tf

        BATCH_SIZE = 32
        rows = np.random.random((100, 6)).astype("float32")
        dataset = tf.data.Dataset.from_tensor_slices(rows).batch(BATCH_SIZE)
        model = tf.keras.Sequential([tf.keras.layers.Dense(1)])
        for x in dataset:
            real = {target}  # here
            loss = tf.reduce_mean(tf.square(model(x) - real))  # note
        """
    found = verdict_on(source, "BSZ202")
    assert found.verdict is expected, found.reason


def test_a_full_batch_alone_refutes_nothing() -> None:
    source = """
        import numpy as np
        import tensorflow as tf

        BATCH_SIZE = 25
        rows = np.random.random((100, 6)).astype("float32")
        for x in tf.data.Dataset.from_tensor_slices(rows).batch(BATCH_SIZE):
            if len(x) < 0:
                print(tf.reshape(x, (BATCH_SIZE, 6)))  # here
        """
    found = verdict_on(source, "BSZ201")
    assert found.verdict is INCONCLUSIVE, found.reason
