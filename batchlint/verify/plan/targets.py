"""Which classes, functions and modules to run: those that findings stand in, and all models where that is asked."""

from __future__ import annotations

import ast
import functools
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from batchlint.verify.plan.frameworks import TORCH, framework_of
from batchlint.verify.plan.plans import Flagged
from batchlint.verify.plan.syntax import DEFINITIONS, FunctionNode, definitions, dotted, first_line, last_line

MODULE = "<module>"

_MODELS = frozenset("Module Sequential ModuleList ModuleDict LightningModule ScriptModule PreTrainedModel".split())
_OTHERS = frozenset(
    """
    object ABC Enum IntEnum Exception NamedTuple Protocol TypedDict Generic Function Dataset IterableDataset Sampler
    BatchSampler Optimizer TestCase Thread Process Callback Env Wrapper Estimator TransformerMixin BaseEstimator dict
    list tuple str int float LightningDataModule
    """.split()
)
"""Bases of what is no model."""


_KERAS_MODELS = frozenset({"Layer", "Model", "Sequential", "Module", "Functional"})
_KERAS_OTHERS = frozenset(
    """
    Loss Metric Mean MeanMetricWrapper LearningRateSchedule Initializer Constraint Regularizer Sequence PyDataset
    HyperModel Tuner TensorBoard ModelCheckpoint LossFunctionWrapper Policy Vocabulary
    """.split()
)
"""Bases of Keras with a ``call`` or ``__call__`` that are no layers."""
FORWARDS = {False: ("forward", "training_step"), True: ("call", "__call__")}
"""What a model's computation is called, in torch and in Keras."""


@dataclass(frozen=True, slots=True)
class Definition:
    """What a target is: its qualified name, ``class``, ``function`` or ``module``, and its lines."""

    qualname: str
    kind: str
    line: int
    end_line: int


@dataclass(frozen=True)
class Models:
    """The classes of a module, and which are models; *keras* says whether they are those of Keras or TensorFlow."""

    classes: Mapping[str, ast.ClassDef]
    by_name: Mapping[str, str]
    keras: bool = False

    def is_model(self, qualname: str, depth: int = 12) -> bool:
        """Whether a class is an ``nn.Module``, or in Keras a layer or model, as far as the file says."""
        node = self.classes[qualname]
        bases = [dotted(_plain(base)) for base in node.bases]
        unknown = False
        for base in bases:
            inner = self.by_name.get(base[-1])
            if base[-1] in (_KERAS_MODELS if self.keras else _MODELS):
                return True
            if inner is not None and inner != qualname:
                if depth and self.is_model(inner, depth - 1):
                    return True
            elif self.keras:
                unknown |= base[-1] not in _OTHERS | _KERAS_OTHERS and base[0] != "unittest"
            elif base[-1] not in _OTHERS and base[0] not in ("tf", "keras", "unittest"):
                unknown = True
        return unknown and self.forward_of(qualname) is not None

    def forward_of(self, qualname: str, depth: int = 12) -> FunctionNode | None:
        """The ``forward`` (or ``call``) of a class, its own or that of a base in the file."""
        node = self.classes[qualname]
        for each in node.body:
            if isinstance(each, ast.FunctionDef | ast.AsyncFunctionDef) and each.name in FORWARDS[self.keras]:
                return each
        for base in node.bases:
            inner = self.by_name.get(dotted(_plain(base))[-1])
            if inner is not None and inner != qualname and depth and (found := self.forward_of(inner, depth - 1)):
                return found
        return None

    def heir_of(self, qualname: str) -> str | None:
        """The first class of the file that is made from *qualname* and has a forward."""
        name = qualname.rpartition(".")[2]
        for other, node in self.classes.items():
            bases = {dotted(_plain(base))[-1] for base in node.bases}
            if name in bases and other != qualname and self.forward_of(other) is not None:
                return other
        return None


def _plain(base: ast.expr) -> ast.expr:
    """A base without its type parameters."""
    return base.value if isinstance(base, ast.Subscript) else base


@functools.lru_cache(maxsize=64)
def models_in(tree: ast.Module) -> Models:
    """The classes of *tree*."""
    classes = {name: node for name, node in definitions(tree) if isinstance(node, ast.ClassDef)}
    by_name = {name.rpartition(".")[2]: name for name in reversed(list(classes))}
    return Models(classes, by_name, framework_of(tree) != TORCH)


def all_models(models: Models) -> list[Definition]:
    """Every model with a forward."""
    return [
        _definition(name, "class", node)
        for name, node in models.classes.items()
        if models.forward_of(name) is not None and models.is_model(name)
    ]


def targets_of(tree: ast.Module, models: Models, flagged: Iterable[Flagged]) -> dict[Definition, tuple[Flagged, ...]]:
    """What each finding stands in: a model, else the outermost function or method, else the module."""
    found: dict[Definition, tuple[Flagged, ...]] = {}
    places = list(definitions(tree))
    whole = Definition(MODULE, "module", 1, max((last_line(each) for each in tree.body), default=1))
    for each in flagged:
        definition = _place(places, models, each) or whole
        found[definition] = (*found.get(definition, ()), each)
    return found


def _place(
    places: list[tuple[str, ast.ClassDef | FunctionNode]], models: Models, flagged: Flagged
) -> Definition | None:
    around = [(name, node) for name, node in places if first_line(node) <= flagged.line <= last_line(node)]
    for name, node in reversed(around):
        if isinstance(node, ast.ClassDef) and models.is_model(name):
            heir = models.heir_of(name) if models.forward_of(name) is None else None
            if models.keras and heir is None and models.forward_of(name) is None:
                continue  # a model that is made of functions alone: each is run by itself
            # A name may be defined several times, in a notebook above all: the finding stands in this definition.
            return (
                _definition(name, "class", node) if heir is None else _definition(heir, "class", models.classes[heir])
            )
    for name, node in around:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            return _definition(name, "function", node)
    return None


def _definition(name: str, kind: str, node: ast.ClassDef | FunctionNode) -> Definition:
    assert isinstance(node, DEFINITIONS)
    return Definition(name, kind, first_line(node), last_line(node))
