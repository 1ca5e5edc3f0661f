"""The second gate: is there anything in this file's `ast` that a selected rule could flag, and in which definitions?

Each rule names the kinds of candidate it needs; a kind is a predicate on one node of the `ast`. A file without
candidates is never parsed with libcst, and only definitions with candidates are evaluated on their own.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Protocol

from batchlint.semantics.batch_names import may_name_batch_size, names_batch_size, names_loader
from batchlint.semantics.frameworks import KERAS_FAMILY
from batchlint.semantics.survey import Survey, Unit


class _HasCandidates(Protocol):
    @property
    def candidates(self) -> tuple[str, ...]: ...


def _called(node: ast.AST) -> str | None:
    if not isinstance(node, ast.Call):
        return None
    if isinstance(node.func, ast.Attribute):
        return node.func.attr
    return node.func.id if isinstance(node.func, ast.Name) else None


def _constant(node: ast.AST) -> object:
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub) and isinstance(node.operand, ast.Constant):
        value = node.operand.value
        return -value if isinstance(value, int) else None
    return node.value if isinstance(node, ast.Constant) else None


@dataclass(frozen=True, slots=True)
class KnownNames:
    """Which names mean a batch size in one unit: by what they are called, or by what the unit binds them to.

    Attributes:
        fixed: bound to something that mentions a batch size, or passed to a loader as one.
        read: bound to a size read from a tensor and to nothing else.
        attributes: attributes of the file's objects that are set to something that mentions a batch size.
        moved: bound to a tensor whose leading axis a transposition moves elsewhere.
    """

    fixed: frozenset[str] = frozenset()
    read: frozenset[str] = frozenset()
    attributes: frozenset[str] = frozenset()
    moved: frozenset[str] = frozenset()

    def mean_batch(self, name: str) -> bool:
        """Whether *name* may be a batch size that somebody wrote down."""
        return name in self.fixed or (name not in self.read and may_name_batch_size(name))


def _mentions_batch(nodes: Iterable[ast.AST], names: KnownNames, depth: int = 6) -> bool:
    pending = [(node, 0) for node in nodes]
    while pending:
        node, level = pending.pop()
        if isinstance(node, ast.Name) and names.mean_batch(node.id):
            return True
        if isinstance(node, ast.Attribute) and (names_batch_size(node.attr) or node.attr in names.attributes):
            return True
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and names_batch_size(node.value):
            return True
        if level < depth:
            pending.extend((child, level + 1) for child in ast.iter_child_nodes(node))
    return False


_SIZE_READERS = frozenset({"size", "len", "numel", "get_shape", "dim", "nelement"})


def _reads_size(node: ast.AST) -> bool:
    """``x.shape``, ``x.shape[0]``, ``x.size(0)``, ``len(x)``, a tuple of such."""
    while isinstance(node, ast.Subscript | ast.Starred):
        node = node.value
    if isinstance(node, ast.Tuple):
        return any(_reads_size(element) for element in node.elts)
    if isinstance(node, ast.Attribute):
        return node.attr in ("shape", "size")
    return _called(node) in _SIZE_READERS


def _targets(node: ast.Assign) -> list[str]:
    names: list[str] = []
    pending: list[ast.expr] = list(node.targets)
    while pending:
        target = pending.pop()
        if isinstance(target, ast.Name):
            names.append(target.id)
        elif isinstance(target, ast.Tuple | ast.List):
            pending.extend(target.elts)
        elif isinstance(target, ast.Starred):
            pending.append(target.value)
    return names


def _fixed_attributes(places: Iterable[ast.AST]) -> frozenset[str]:
    """Attributes that an assignment among *places* sets to something that mentions a batch size."""
    known = KnownNames()
    return frozenset(
        node.targets[0].attr
        for node in places
        if isinstance(node, ast.Assign)
        and isinstance(node.targets[0], ast.Attribute)
        and not isinstance(node.value, ast.Call)
        and _mentions_batch([node.value], known, 3)
    )


def names_in(
    unit_places: Iterable[ast.AST], in_loaders: frozenset[str], attributes: frozenset[str] = frozenset()
) -> KnownNames:
    """What the assignments among a unit's nodes tell of its names."""
    read: set[str] = set()
    other: set[str] = set()
    fixed: set[str] = set(in_loaders)
    moved: set[str] = set()
    known = KnownNames()
    for node in unit_places:
        if isinstance(node, ast.Assign):
            targets = _targets(node)
            if _moves_leading_axis(node.value):
                moved.update(targets)
            if _reads_size(node.value):
                read.update(targets)
            else:
                other.update(targets)
                parts = isinstance(node.value, ast.Call) or (isinstance(node.value, ast.Tuple) and len(targets) > 1)
                if not parts and _mentions_batch([node.value], known, 3):
                    fixed.update(targets)
    return KnownNames(frozenset(fixed - (read - other)), frozenset(read - other), attributes, frozenset(moved))


def _moves_leading_axis(node: ast.expr) -> bool:
    """Whether *node* is ``x.transpose(0, 2)``, ``x.permute(1, 2, 0)`` or ``x.t()``."""
    name = _called(node)
    if name == "t":
        return True
    if name not in ("transpose", "permute", "swapaxes", "movedim") or not isinstance(node, ast.Call):
        return False
    axes = [_constant(argument) for argument in _arguments(node)]
    return 0 in axes and axes[0] != 0 if name == "permute" else 0 in axes


_RESHAPES = frozenset(
    """view reshape expand repeat tile broadcast_to unflatten Unflatten expand_as Reshape set_shape ensure_shape
    repeat_elements""".split()
)
_ALLOCATIONS = frozenset(
    """zeros ones full empty rand randn randint normal arange eye zeros_like Tensor FloatTensor LongTensor IntTensor
    DoubleTensor ByteTensor BoolTensor HalfTensor new_zeros new_ones new_full new_empty new randperm tensor init_hidden
    initHidden uniform random_sample diag diagonal fill random_normal random_uniform truncated_normal constant Variable
    get_variable variable zero_state get_initial_state random_integers choice""".split()
)


def _arguments(node: ast.Call) -> list[ast.expr]:
    found: list[ast.expr] = []
    for argument in (*node.args, *(k.value for k in node.keywords)):
        if isinstance(argument, ast.Tuple | ast.List):
            found.extend(argument.elts)
        else:
            found.append(argument)
    return found


def _sizes(node: ast.Call) -> list[ast.expr]:
    """What follows the tensor in ``x.reshape(2, 3)`` and ``tf.reshape(x, [2, 3])``."""
    given = _arguments(node)
    function = isinstance(node.func, ast.Attribute) and node.func.attr.islower() and _is_framework(node.func.value)
    return given[1:] if function else given


def _fixed_reshape(node: ast.AST, names: KnownNames) -> bool:
    name = _called(node)
    if name not in _RESHAPES or not isinstance(node, ast.Call):
        return False
    sizes = _sizes(node)
    if not sizes:
        return False
    first = _constant(sizes[0])
    if isinstance(first, int) and not isinstance(first, bool) and first >= 2 and len(sizes) > 1:
        return name in ("view", "reshape") and (len(sizes) == 2 or all(_constant(size) != -1 for size in sizes))
    return _mentions_batch(sizes, names)


def _fixed_tensor(node: ast.AST, names: KnownNames) -> bool:
    return _called(node) in _ALLOCATIONS and isinstance(node, ast.Call) and _mentions_batch(_arguments(node), names)


def _own_rows(node: ast.AST, names: KnownNames) -> bool:
    """A matrix, or more, of random numbers, zeros or ones whose first size is no 1."""
    if not isinstance(node, ast.Call):
        return False
    given = (*node.args, *(keyword.value for keyword in node.keywords))
    sizes = next((each.elts for each in given if isinstance(each, ast.List | ast.Tuple)), [])
    if len(sizes) < 2 or not _may_be_constant(sizes[0], names):
        return False
    return not isinstance(sizes[0], ast.Constant) or _constant(sizes[0]) != 1


_MATRICES = frozenset("zeros ones fill random_normal random_uniform truncated_normal normal uniform".split())


def _fold(node: ast.AST, names: KnownNames) -> bool:
    if _called(node) not in ("view", "reshape") or not isinstance(node, ast.Call):
        return False
    sizes = _sizes(node)
    if len(sizes) < 2 or _constant(sizes[0]) != -1 or _constant(sizes[1]) in (1, -1):
        return False
    return all(_may_be_constant(size, names) for size in sizes[1:])


def _may_be_constant(node: ast.AST, names: KnownNames) -> bool:
    """Arithmetic of literals, attributes and names that no tensor's size was read into."""
    if isinstance(node, ast.BinOp):
        return _may_be_constant(node.left, names) and _may_be_constant(node.right, names)
    if isinstance(node, ast.Name):
        return node.id not in names.read
    return isinstance(node, ast.Constant | ast.Attribute) or _reads_weight(node)


_WEIGHT = re.compile(r"^w(?:_|\d|s?$)|weight|kernel|param", re.IGNORECASE)


def _reads_weight(node: ast.AST) -> bool:
    """``weights["fc"].get_shape().as_list()[0]``: a size that stands in a weight matrix."""
    while isinstance(node, ast.Subscript | ast.Call | ast.Attribute):
        node = node.func if isinstance(node, ast.Call) else node.value
    return isinstance(node, ast.Name) and _WEIGHT.search(node.id) is not None


def _weight_product(node: ast.AST, names: KnownNames) -> bool:
    """``tf.matmul(x, w)``, and ``Reshape((3136,))``, which stand where PyTorch has ``Linear(3136, ...)``."""
    if not isinstance(node, ast.Call):
        return False
    if _called(node) in ("matmul", "xw_plus_b"):
        root: ast.AST = node.func
        while isinstance(root, ast.Attribute):
            root = root.value
        return isinstance(root, ast.Name) and root.id in ("tf", "tensorflow")
    target = _arguments(node)[:1]
    return _called(node) == "Reshape" and len(target) == 1 and _is_number(target[0])


_INPUTS = frozenset({"Input", "placeholder", "placeholder_with_default", "TensorSpec", "InputLayer"})
_DECLARATIONS = frozenset({"batch_input_shape", "batch_shape"})


def _fixed_input(node: ast.AST, names: KnownNames) -> bool:
    """A declaration of an input whose first size is neither open nor one."""
    if isinstance(node, ast.keyword):
        return node.arg in _DECLARATIONS and _may_fix_rows(node.value)
    if not isinstance(node, ast.Call) or _called(node) not in _INPUTS:
        return False
    if any(keyword.arg == "batch_size" for keyword in node.keywords):
        return True
    if _called(node) in ("Input", "InputLayer"):
        return False
    given = [*node.args, *(keyword.value for keyword in node.keywords if keyword.arg == "shape")]
    return any(isinstance(value, ast.Tuple | ast.List | ast.BinOp) and _may_fix_rows(value) for value in given)


def _may_fix_rows(node: ast.AST) -> bool:
    while isinstance(node, ast.BinOp):
        node = node.left
    if isinstance(node, ast.Tuple | ast.List):
        return bool(node.elts) and not (isinstance(node.elts[0], ast.Constant) and node.elts[0].value in (None, 1))
    return not isinstance(node, ast.Constant)


def _samples_in_shape(node: ast.AST, names: KnownNames) -> bool:
    """``input_shape=`` made of an array's whole shape, of its length, or of a batch size."""
    if isinstance(node, ast.keyword):
        return node.arg in ("input_shape", "shape") and _counts_samples(node.value, names)
    if not isinstance(node, ast.Call) or _called(node) != "Input" or not node.args:
        return False
    return _counts_samples(node.args[0], names)


def _counts_samples(node: ast.AST, names: KnownNames) -> bool:
    if isinstance(node, ast.Attribute):
        return node.attr == "shape"
    if isinstance(node, ast.Name):
        return "shape" in node.id.lower() or node.id in names.read
    while isinstance(node, ast.BinOp):
        node = node.left
    if not isinstance(node, ast.Tuple | ast.List) or not node.elts:
        return False
    first = node.elts[0]
    # A name may be bound to `len(x)`.
    return not isinstance(first, ast.Constant)


def _linear(node: ast.AST, names: KnownNames) -> bool:
    if _called(node) != "Linear" or not isinstance(node, ast.Call):
        return False
    given = next((k.value for k in node.keywords if k.arg == "in_features"), node.args[0] if node.args else None)
    return given is not None and _is_number(given)


def _is_number(node: ast.AST) -> bool:
    """A literal, or arithmetic of literals."""
    while isinstance(node, ast.BinOp):
        if not _is_number(node.right):
            return False
        node = node.left
    return isinstance(node, ast.Constant) and isinstance(node.value, int)


def _bare_squeeze(node: ast.AST, names: KnownNames) -> bool:
    if _called(node) not in ("squeeze", "squeeze_") or not isinstance(node, ast.Call):
        return False
    if any(keyword.arg not in ("name", "input", "x") for keyword in node.keywords):
        return False
    own = isinstance(node.func, ast.Name) or (isinstance(node.func, ast.Attribute) and _is_framework(node.func.value))
    return len(node.args) + sum(keyword.arg != "name" for keyword in node.keywords) == (1 if own else 0)


def _softmax(node: ast.AST, names: KnownNames) -> bool:
    name = _called(node)
    if not isinstance(node, ast.Call) or name not in (
        "softmax", "log_softmax", "Softmax", "LogSoftmax", "softmin", "Softmin", "gumbel_softmax",
    ):  # fmt: skip
        return False
    given = next((k.value for k in node.keywords if k.arg in ("dim", "axis")), None)
    method = node.func.value if isinstance(node.func, ast.Attribute) and not _is_framework(node.func.value) else None
    if given is None:
        at = 0 if method is not None or name[0].isupper() else 1
        given = node.args[at] if len(node.args) > at else None
    axis = None if given is None else _constant(given)
    if given is None or axis in (0, None):
        return True
    # Axis 1 and the last one hold classes, unless a transposition puts the batch there.
    operand = method if method is not None else node.args[0] if node.args else None
    return operand is not None and (
        (isinstance(operand, ast.Name) and operand.id in names.moved) or _moves_leading_axis(operand)
    )


def _is_framework(node: ast.AST) -> bool:
    while isinstance(node, ast.Attribute):
        node = node.value
    return isinstance(node, ast.Name) and node.id in _FRAMEWORKS


_FRAMEWORKS = frozenset("F torch nn functional tf tensorflow keras K backend ops tfk tfl np numpy onp jnp".split())
"""What a framework's modules are usually imported as."""


def _range_loop(node: ast.AST, names: KnownNames) -> bool:
    if not isinstance(node, ast.For | ast.comprehension) or not isinstance(node.target, ast.Name):
        return False
    counted = [part for part in ast.walk(node.iter) if _called(part) in ("range", "trange")]
    if not counted:
        return False
    if _mentions_batch(counted, names):
        return True
    literal = any(isinstance(a, ast.Constant) for part in counted for a in getattr(part, "args", ()))
    return literal and isinstance(node, ast.For) and _indexes(node.body, node.target.id)


def _indexes(body: list[ast.stmt], counter: str) -> bool:
    """Whether something is subscripted by *counter* alone."""
    for statement in body:
        for part in ast.walk(statement):
            if isinstance(part, ast.Subscript) and isinstance(part.slice, ast.Name) and part.slice.id == counter:
                return True
    return False


def _drop_last(node: ast.AST, names: KnownNames) -> bool:
    if isinstance(node, ast.keyword):
        return node.arg in ("drop_last", "drop_remainder") and _constant(node.value) is not False
    if isinstance(node, ast.Assign):
        return any(isinstance(t, ast.Name) and t.id == "drop_last" for t in node.targets)
    return False


_GIVES_BATCHES = re.compile(
    r"load|data|set|batch|train|test|val|iter|dl|gen|dev|bar|queue|fetch|(?:^|_)ds", re.IGNORECASE
)
_READS_NUMBER = frozenset({"item", "float", "mean", "sum", "detach", "cpu"})


def _averaging_loop(node: ast.AST, names: KnownNames) -> bool:
    """A loop over what may be a loader that adds something up."""
    if not isinstance(node, ast.For) or not _GIVES_BATCHES.search(_iterated(node.iter)):
        return False
    return any(_adds_up(part) for statement in node.body for part in ast.walk(statement))


_PIPELINE_STEPS = frozenset({"take", "skip", "enumerate", "batch", "prefetch", "shuffle", "as_numpy_iterator", "cache"})


def _iterated(node: ast.expr) -> str:
    """``loader`` of ``enumerate(tqdm(self.loader))``."""
    while True:
        if isinstance(node, ast.Call):
            wraps = _called(node) in ("enumerate", "tqdm", "iter", "zip", "track", "progress_bar", "tqdm_notebook")
            if isinstance(node.func, ast.Attribute) and node.func.attr in _PIPELINE_STEPS:
                node = node.func.value
            else:
                node = node.args[0] if wraps and node.args else node.func
        elif isinstance(node, ast.Subscript | ast.Starred):
            node = node.value
        else:
            return node.id if isinstance(node, ast.Name) else node.attr if isinstance(node, ast.Attribute) else ""


def _same(one: ast.expr, other: ast.expr) -> bool:
    """Whether both are the same name or attribute."""
    if isinstance(one, ast.Name):
        return isinstance(other, ast.Name) and one.id == other.id
    if not isinstance(one, ast.Attribute) or not isinstance(other, ast.Attribute):
        return False
    return one.attr == other.attr and _same(one.value, other.value)


def _adds_up(node: ast.AST) -> bool:
    if isinstance(node, ast.AugAssign):
        return isinstance(node.op, ast.Add) and not isinstance(node.value, ast.Constant)
    if isinstance(node, ast.Assign):
        value = node.value
        if len(node.targets) > 1 or not isinstance(value, ast.BinOp) or not isinstance(value.op, ast.Add):
            return False
        return _same(node.targets[0], value.left) or _same(node.targets[0], value.right)
    if _called(node) != "append" or not isinstance(node, ast.Call) or len(node.args) != 1:
        return False
    added = node.args[0]
    return "loss" in _iterated(added).lower() or any(_called(part) in _READS_NUMBER for part in ast.walk(added))


def _enumeration(node: ast.AST, names: KnownNames) -> bool:
    """An ``enumerate`` whose counter may be held against two bounds."""
    if isinstance(node, ast.comprehension):
        tests = node.ifs
    elif isinstance(node, ast.For):
        tests = [statement.test for statement in node.body if isinstance(statement, ast.If)]
    else:
        return False
    if not tests or not any(_called(part) == "enumerate" for part in ast.walk(node.iter)):
        return False
    operators = [op for test in tests for part in ast.walk(test) if isinstance(part, ast.Compare) for op in part.ops]
    return sum(isinstance(op, ast.Lt | ast.LtE | ast.Gt | ast.GtE) for op in operators) >= 2


def _skipping(node: ast.AST, names: KnownNames) -> bool:
    """``islice(x, start, stop)``, ``list(x)[start:stop]`` or ``x.skip(start)``."""
    if isinstance(node, ast.Subscript):
        return isinstance(node.slice, ast.Slice) and _called(node.value) in ("list", "tuple")
    if not isinstance(node, ast.Call):
        return False
    return (_called(node) == "islice" and len(node.args) >= 3) or (_called(node) == "skip" and len(node.args) == 1)


_BATCH_COUNT = re.compile(r"batch|steps?(?:_|$)|iter|chunk|(?:^|_)n?b$", re.IGNORECASE)


def _counted_batches(node: ast.AST, names: KnownNames) -> bool:
    """A loop that counts batches, the division that gives their number, or the slice that cuts one."""
    if isinstance(node, ast.Slice):
        return _mentions_batch([bound for bound in (node.lower, node.upper) if bound is not None], names, 3)
    if isinstance(node, ast.BinOp):
        return isinstance(node.op, ast.Div | ast.FloorDiv) and _mentions_batch([node.right], names, 3)
    if not isinstance(node, ast.For | ast.comprehension):
        return False
    for part in ast.walk(node.iter):
        if _called(part) in ("range", "trange", "xrange") and isinstance(part, ast.Call):
            if _mentions_batch(part.args, names):
                return True
            counts = [a.attr if isinstance(a, ast.Attribute) else getattr(a, "id", "") for a in part.args]
            if any(_BATCH_COUNT.search(count) for count in counts):
                return True
    return False


def _zipped_ranges(node: ast.AST, names: KnownNames) -> bool:
    if _called(node) != "zip" or not isinstance(node, ast.Call):
        return False
    return len(node.args) == 2 and all(_called(argument) == "range" for argument in node.args)


def _full_batch_test(node: ast.AST, names: KnownNames) -> bool:
    return isinstance(node, ast.Compare) and _called(node.left) == "len" and _mentions_batch(node.comparators, names, 2)


_SHAPE_READERS = frozenset({"get_shape", "as_list", "int_shape", "shape_list", "get_shape_list"})


def _reads_static_shape(node: ast.AST) -> bool:
    """``x.shape``, ``x.get_shape()``, ``x.shape.as_list()``, ``K.int_shape(x)``, and parts of them."""
    while isinstance(node, ast.Subscript):
        node = node.value
    if isinstance(node, ast.Attribute):
        return node.attr == "shape"
    if _called(node) in ("list", "tuple") and isinstance(node, ast.Call) and node.args:
        return _reads_static_shape(node.args[0])
    return _called(node) in _SHAPE_READERS


def _static_batch(node: ast.AST, names: KnownNames) -> bool:
    """The first size, or all sizes, of a tensor's static shape."""
    if isinstance(node, ast.Assign):
        whole = not isinstance(node.value, ast.Subscript)
        return whole and _reads_static_shape(node.value)
    if isinstance(node, ast.Subscript):
        if not _reads_static_shape(node.value):
            return False
        if isinstance(node.slice, ast.Slice):
            return node.slice.lower is None or _constant(node.slice.lower) == 0
        return _constant(node.slice) == 0
    return any(_reads_static_shape(argument) for argument in _arguments(node)) if isinstance(node, ast.Call) else False


_BUILDING = frozenset(
    """fit fit_generator predict predict_generator evaluate evaluate_generator train_on_batch test_on_batch
    predict_on_batch Input placeholder Session input_signature TensorSpec compile""".split()
)


def _leaves_rows_open(found: Survey) -> bool:
    """Whether the file builds a graph from placeholders or inputs."""
    return found.facts.open_placeholders or (
        _is_tensorflows(found) and any("Input" in unit.uses for unit in found.units)
    )


def _is_tensorflows(found: Survey) -> bool:
    """Whether the file imports TensorFlow or Keras."""
    return not found.facts.imported.isdisjoint(KERAS_FAMILY)


def _builds_a_graph(found: Survey) -> bool:
    """Whether the file is TensorFlow's, and may do other than run everything eagerly or on another backend."""
    uses = {name for unit in found.units for name in unit.uses}
    if not _is_tensorflows(found) or any(_chooses_other_backend(place.node) for place in found.places):
        return False
    methods = {unit.name for unit in found.units if unit.owner is not None}
    return "GradientTape" not in uses or bool(uses & _BUILDING) or "train_step" in methods


def _chooses_other_backend(node: ast.AST) -> bool:
    """``os.environ["KERAS_BACKEND"] = "jax"``."""
    if not isinstance(node, ast.Assign) or not isinstance(node.targets[0], ast.Subscript):
        return False
    return _constant(node.targets[0].slice) == "KERAS_BACKEND" and _constant(node.value) in ("jax", "torch")


_REDUCTIONS = frozenset(
    """reduce_mean reduce_sum reduce_max reduce_min reduce_std reduce_variance reduce_euclidean_norm reduce_logsumexp
    norm moments mean sum max min amax amin std var logsumexp l2_normalize normalize""".split()
)


def _batch_statistic(node: ast.AST, names: KnownNames) -> bool:
    """A reduction by a framework's function over axis 0, all axes, or axes that are not written here."""
    if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Attribute):
        return False
    if not _is_framework(node.func.value):
        return False
    given = next((k.value for k in node.keywords if k.arg in ("axis", "axes", "reduction_indices")), None)
    if given is None:
        given = next((argument for argument in node.args[1:2]), None)
    if given is None or not isinstance(given, ast.Constant | ast.Tuple | ast.List | ast.UnaryOp):
        return True
    axes = given.elts if isinstance(given, ast.Tuple | ast.List) else [given]
    return any(_constant(axis) in (0, None) for axis in axes)


def _has_layers(found: Survey) -> bool:
    """Whether the file defines what a layer of Keras does."""
    layers = any((unit.name == "call" and unit.owner is not None) or "Lambda" in unit.uses for unit in found.units)
    return layers and _is_tensorflows(found)


def _last_step(node: ast.AST, names: KnownNames) -> bool:
    """``outputs[:, -1]``, or a recurrent layer of Keras that gives its last step alone."""
    if isinstance(node, ast.Subscript):
        index = node.slice
        return isinstance(index, ast.Tuple) and len(index.elts) > 1 and _constant(index.elts[1]) == -1
    if _called(node) not in _RECURRENT or not isinstance(node, ast.Call):
        return False
    return all(keyword.arg != "return_sequences" or _constant(keyword.value) is False for keyword in node.keywords)


_RECURRENT = frozenset({"LSTM", "GRU", "SimpleRNN", "RNN", "CuDNNLSTM", "CuDNNGRU"})


def _pads_sequences(found: Survey) -> bool:
    """Whether sequences are padded behind their ends in the file, and nothing masks them."""
    facts = found.facts
    if not _is_tensorflows(found):
        return False
    lengths = "dynamic_rnn" in facts.called_names or "bidirectional_dynamic_rnn" in facts.called_names
    return not facts.masks and ((facts.pads_right and not facts.pads_left) or lengths)


_MEMORY_ERRORS = frozenset({"OutOfMemoryError", "ResourceExhaustedError"})
_ANY_ERROR = frozenset({"RuntimeError", "Exception", "BaseException", "OpError", "InternalError"})
_SHRINKING = (ast.FloorDiv, ast.Div, ast.RShift, ast.Sub)


def _handler_of_memory(node: ast.AST, names: KnownNames) -> bool:
    """A block that may catch an error about memory, makes something smaller, and calls something."""
    if not isinstance(node, ast.ExceptHandler):
        return False
    errors = node.type.elts if isinstance(node.type, ast.Tuple) else [node.type] if node.type is not None else []
    caught = {error.attr if isinstance(error, ast.Attribute) else getattr(error, "id", "") for error in errors}
    if caught and not caught & (_MEMORY_ERRORS | _ANY_ERROR):
        return False
    parts = [part for statement in node.body for part in ast.walk(statement)]
    return any(
        (isinstance(part, ast.BinOp | ast.AugAssign) and isinstance(part.op, _SHRINKING))
        or _called(part) in ("chunk", "split", "array_split", "tensor_split")
        for part in parts
    ) and any(isinstance(part, ast.Call) for part in parts)


def _fit_with_batch_size(node: ast.AST, names: KnownNames) -> bool:
    return isinstance(node, ast.Call) and any(keyword.arg == "batch_size" for keyword in node.keywords)


_RANDOM = frozenset({"random", "rng", "np", "numpy", "torch", "tf"})


def _shuffled_pipeline(node: ast.AST, names: KnownNames) -> bool:
    """``x.shuffle(n)`` of something that may be a pipeline."""
    if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Attribute) or not (node.args or node.keywords):
        return False
    receiver = node.func.value
    name = receiver.attr if isinstance(receiver, ast.Attribute) else getattr(receiver, "id", "")
    return name not in _RANDOM


def _differ_in_length(nodes: Sequence[ast.expr]) -> bool:
    """Whether *nodes* are lists, or arrays made of lists, of different lengths."""
    lengths = set()
    for node in nodes:
        if isinstance(node, ast.Call) and node.args:
            node = node.args[0]
        if not isinstance(node, ast.List | ast.Tuple) or any(isinstance(part, ast.Starred) for part in node.elts):
            return False
        lengths.add(len(node.elts))
    return len(lengths) > 1


_STACKING = frozenset(
    """array asarray stack vstack tensor as_tensor LongTensor FloatTensor constant convert_to_tensor from_tensor_slices
    DataLoader from_generator""".split()
)


def _ragged(node: ast.AST, names: KnownNames) -> bool:
    """What may put sequences of different lengths together, in a file that has such."""
    return isinstance(node, ast.Call) and bool(node.args or node.keywords)


def _has_ragged(found: Survey) -> bool:
    """Whether the file lists sequences of different lengths, or declares a generator's elements with an open size."""
    return any(_lists_ragged(place.node) for place in found.places)


def _lists_ragged(node: ast.AST) -> bool:
    if isinstance(node, ast.Assign):
        value: ast.expr | None = node.value
    elif isinstance(node, ast.Call):
        if _called(node) == "from_generator":
            return any(isinstance(part, ast.Constant) and part.value is None for part in ast.walk(node))
        value = node.args[0] if node.args and _called(node) in _STACKING else None
    else:
        return False
    return isinstance(value, ast.List | ast.Tuple) and len(value.elts) > 1 and _differ_in_length(value.elts)


_SEQUENCE_CLASSES = frozenset({"Sequence", "PyDataset"})


def _sequence_of_batches(node: ast.AST, names: KnownNames) -> bool:
    """An array of a batch's rows, or a batch size that is written, in a file that has a ``Sequence``."""
    if isinstance(node, ast.Assign):
        return any(isinstance(target, ast.Attribute) and names_batch_size(target.attr) for target in node.targets)
    return isinstance(node, ast.Call) and _mentions_batch(_arguments(node), names)


KINDS: dict[str, Callable[[ast.AST, KnownNames], bool]] = {
    "fixed reshape": _fixed_reshape,
    "fixed tensor": _fixed_tensor,
    "rows of its own": _own_rows,
    "fold": _fold,
    "linear": _linear,
    "bare squeeze": _bare_squeeze,
    "softmax": _softmax,
    "range loop": _range_loop,
    "drop last": _drop_last,
    "averaging loop": _averaging_loop,
    "enumeration": _enumeration,
    "skipping": _skipping,
    "counted batches": _counted_batches,
    "zipped ranges": _zipped_ranges,
    "full batch test": _full_batch_test,
    "handler of memory": _handler_of_memory,
    "static batch": _static_batch,
    "last step": _last_step,
    "batch statistic": _batch_statistic,
    "weight product": _weight_product,
    "fixed input": _fixed_input,
    "samples in shape": _samples_in_shape,
    "fit with batch size": _fit_with_batch_size,
    "shuffled pipeline": _shuffled_pipeline,
    "ragged": _ragged,
    "sequence of batches": _sequence_of_batches,
}
"""Kind of candidate to the predicate that finds it."""


@dataclass(frozen=True, slots=True)
class Candidates:
    """Where candidates stand: the kinds that were found, and the definitions (class, function) that hold them.

    *units* holds the ``id`` of each surveyed unit with one.
    """

    kinds: frozenset[str]
    definitions: frozenset[tuple[str | None, str]]
    classes: frozenset[str]
    in_module: bool
    units: frozenset[int] = frozenset()

    def __bool__(self) -> bool:
        return bool(self.kinds)


_BY_CALL: dict[str, frozenset[str]] = {
    "fixed reshape": _RESHAPES,
    "fixed tensor": _ALLOCATIONS,
    "rows of its own": _MATRICES,
    "fold": frozenset({"view", "reshape"}),
    "linear": frozenset({"Linear"}),
    "bare squeeze": frozenset({"squeeze", "squeeze_"}),
    "softmax": frozenset({"softmax", "log_softmax", "Softmax", "LogSoftmax", "softmin", "Softmin", "gumbel_softmax"}),
    "zipped ranges": frozenset({"zip"}),
    "weight product": frozenset({"matmul", "xw_plus_b", "Reshape"}),
    "fixed input": _INPUTS,
    "samples in shape": frozenset({"Input"}),
    "fit with batch size": frozenset({"fit", "evaluate", "predict"}),
    "shuffled pipeline": frozenset({"shuffle"}),
    "ragged": _STACKING,
    "sequence of batches": frozenset({"empty", "zeros", "ones", "full"}),
    "batch statistic": _REDUCTIONS,
}
"""Kinds that are calls, by what they call: the predicate is asked about these alone."""

_BY_TYPE: dict[str, tuple[type[ast.AST], ...]] = {
    "range loop": (ast.For, ast.comprehension),
    "drop last": (ast.keyword, ast.Assign),
    "averaging loop": (ast.For,),
    "enumeration": (ast.For, ast.comprehension),
    "skipping": (ast.Call, ast.Subscript),
    "counted batches": (ast.BinOp, ast.For, ast.comprehension, ast.Slice),
    "full batch test": (ast.Compare,),
    "handler of memory": (ast.ExceptHandler,),
    "last step": (ast.Call, ast.Subscript),
    "static batch": (ast.Assign, ast.Subscript, ast.Call),
    "fixed input": (ast.keyword,),
    "samples in shape": (ast.keyword,),
    "sequence of batches": (ast.Assign,),
}
"""Kinds that are other nodes, by their types."""

_ABOUT_BATCHES = frozenset({"enumeration", "skipping", "range loop"})
"""Kinds that are candidates only where something is called a batch or a loader."""


def _speaks_of_batches(unit: Unit) -> bool:
    return any("batch" in name.lower() or names_batch_size(name) or names_loader(name) for name in unit.uses)


_Predicate = Callable[[ast.AST, KnownNames], bool]

_CALLERS = 1
"""How many calls up from a candidate its arguments are looked for."""


def _callers(found: Survey, definitions: set[tuple[str | None, str]]) -> list[Unit]:
    """The units that use a function, or a method of their own class, of *definitions*: they give it its arguments."""
    callers: list[Unit] = []
    sought = set(definitions)
    for _ in range(_CALLERS):
        functions = {function for owner, function in sought if owner is None}
        methods: dict[str | None, set[str]] = {}
        for owner, function in sought:
            if owner is not None and not function.startswith("__"):
                methods.setdefault(owner, set()).add(function)
        new = [
            unit
            for unit in found.units
            if (unit.is_class or unit.name is not None)
            and (unit.owner, unit.name) not in sought
            and (unit.uses & functions or unit.uses & methods.get(unit.owner, _NONE))
        ]
        if not new:
            break
        callers += new
        sought = {(unit.owner, unit.name) for unit in new if unit.name is not None}
    return callers


_NONE: frozenset[str] = frozenset()


_SPATIAL = re.compile(r"conv|pool", re.IGNORECASE)


def _is_spatial(found: Survey) -> bool:
    """Whether anything in the file is called a convolution or a pooling."""
    return any(_SPATIAL.search(name) for unit in found.units for name in unit.uses)


def _divides(found: Survey) -> bool:
    """Whether the file divides by anything that it does not write as a number."""
    for place in found.places:
        node = place.node
        if isinstance(node, ast.BinOp):
            divisor = node.right
        elif isinstance(node, ast.AugAssign):
            divisor = node.value
        else:
            continue
        if isinstance(node.op, ast.Div) and not isinstance(divisor, ast.Constant):
            return True
    return False


def _batches_pipelines(found: Survey) -> bool:
    """Whether anything in the file makes batches of a pipeline."""
    return any(_BATCHES_PIPELINE.search(name) for unit in found.units for name in unit.uses)


_BATCHES_PIPELINE = re.compile(r"^(?:batch|padded_batch|ragged_batch|map_and_batch|\w*_dataset_from_\w+|tfds)$")


def _has_sequences(found: Survey) -> bool:
    """Whether the file names Keras's ``Sequence`` or ``PyDataset``."""
    return any(unit.uses & _SEQUENCE_CLASSES for unit in found.units)


_FILE_NEEDS: dict[str, Callable[[Survey], bool]] = {
    "fold": _is_spatial,
    "averaging loop": _divides,
    "weight product": _is_spatial,
    "shuffled pipeline": _batches_pipelines,
    "sequence of batches": _has_sequences,
    "ragged": _has_ragged,
    "static batch": _builds_a_graph,
    "rows of its own": _leaves_rows_open,
    "last step": _pads_sequences,
    "batch statistic": _has_layers,
}
"""Kinds that mean nothing in a file without something else."""


def candidates(found: Survey, rules: Sequence[_HasCandidates]) -> Candidates:
    """Which of the surveyed nodes *rules* could flag."""
    by_call: dict[str, list[tuple[str, _Predicate]]] = {}
    by_type: dict[type[ast.AST], list[tuple[str, _Predicate]]] = {}
    for kind in sorted({kind for rule in rules for kind in rule.candidates}):
        if kind in _FILE_NEEDS and not _FILE_NEEDS[kind](found):
            continue
        for called in _BY_CALL.get(kind, ()):
            by_call.setdefault(called, []).append((kind, KINDS[kind]))
        for node_type in _BY_TYPE.get(kind, ()):
            by_type.setdefault(node_type, []).append((kind, KINDS[kind]))
    in_loaders = frozenset(name for _, name in found.facts.loader_batch_names)
    module_names = names_in((p.node for p in found.places if p.function is None), in_loaders)
    attributes = _fixed_attributes(p.node for p in found.places)
    per_unit: dict[int, KnownNames] = {}
    about_batches: dict[int, bool] = {}
    nodes_of: dict[int, list[ast.AST]] = {}
    for place in found.places:
        if place.node.__class__ is ast.Assign:
            nodes_of.setdefault(id(place.unit), []).append(place.node)
    kinds: set[str] = set()
    definitions: set[tuple[str | None, str]] = set()
    classes: set[str] = set()
    units: set[int] = set()
    in_module = False
    for place in found.places:
        node = place.node
        asked = by_type.get(node.__class__, ())
        if node.__class__ is ast.Call:
            asked = [*asked, *by_call.get(_called(node) or "", ())]
        if not asked:
            continue
        names = per_unit.get(id(place.unit))
        if names is None:
            names = names_in(nodes_of.get(id(place.unit), ()), module_names.fixed, attributes)
            per_unit[id(place.unit)] = names
        for kind, predicate in asked:
            if kind in _ABOUT_BATCHES:
                speaks = about_batches.get(id(place.unit))
                if speaks is None:
                    speaks = about_batches[id(place.unit)] = _speaks_of_batches(place.unit)
                if not speaks:
                    continue
            if predicate(node, names):
                kinds.add(kind)
                units.add(id(place.unit))
                if place.owner is not None:
                    classes.add(place.owner)
                if place.function is not None:
                    definitions.add((place.owner, place.function))
                elif place.owner is None:
                    in_module = True
    for unit in _callers(found, definitions):
        units.add(id(unit))
        if unit.owner is not None:
            classes.add(unit.owner)
        if unit.is_class:
            classes.add(unit.name or "")
        elif unit.name is not None:
            definitions.add((unit.owner, unit.name))
    return Candidates(frozenset(kinds), frozenset(definitions), frozenset(classes), in_module, frozenset(units))
