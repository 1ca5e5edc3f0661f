"""From a module to the statements that define things: what a model needs, without what the script does.

Imports, definitions, constants, command-line parsers and cheap changes of what was kept stay; training, downloads, data
sets, plots, files and instances of the file's own models go. Nothing is run here. What stays is run statement by
statement, so that one that fails costs its own names alone.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from batchlint.verify.plan.frameworks import TORCH, framework_of
from batchlint.verify.plan.syntax import (
    DEFINITIONS,
    FunctionNode,
    dotted,
    is_main_guard,
    loaded,
    run_now,
    stored,
    words,
)

HEAVY_WORDS = frozenset(
    """
    backward benchmark connect crawl dataloader dataloaders dataset datasets demo destroy download drain evaluate
    experiment fetch fit generate glob imread imshow imwrite launch listdir load loader loaders loads loadtxt main
    makedirs mkdir mkdirs open optimize plot popen preprocess pretrained process read remove rename rmtree run save
    savefig savetxt scandir scrape show sleep spawn step subplots synchronize system test tokenize train trainer
    training urlopen urlretrieve validate visualize walk write writer
    """.split()
)
"""Words of the names of functions that do something, rather than say what something is."""

_HEAVY_ROOTS = frozenset(
    """
    datasets dset dsets dataset torchtext plt pyplot requests urllib subprocess shutil cv2 wandb nltk spacy socket tf
    tensorflow keras ray mlflow comet_ml neptune optim optimizer
    """.split()
)
_HEAVY_BUILTINS = frozenset({"input", "exec", "print", "exit", "quit"})
_LIGHT = frozenset(
    {"parse_args", "parse_known_args", "is_available", "add_argument", "get_default_dtype", "from_numpy", "getenv"}
)
_CHANGES = frozenset(
    """
    append extend insert add update setdefault appendleft discard pop sort reverse remove clear
    add_argument add_argument_group add_mutually_exclusive_group add_subparsers set_defaults
    register register_module add_module merge_from_list freeze defrost
    """.split()
)
"""Methods that change what they are called on, cheaply."""

_SETTERS = frozenset({"set_default_dtype", "set_default_tensor_type", "set_floatx"})
_MODELS = frozenset({"Module", "Sequential", "LightningModule", "Dataset", "IterableDataset", "VisionDataset"})


_KERAS_ROOTS = frozenset({"tf", "tensorflow", "keras"})
"""Heavy in code of another framework alone."""
_KERAS_MODELS = _MODELS | {"Layer", "Model"}
_KERAS_HEAVY = frozenset("compile summary get_file load_data predict evaluate adapt".split())


@dataclass(frozen=True, slots=True)
class Sliced:
    """What is kept of a module.

    Attributes:
        kept: statements to run in order, with the positions of the text.
        left_out: names that only a statement that was left out binds, with its line.
    """

    kept: tuple[ast.stmt, ...]
    left_out: dict[str, int]


@dataclass
class _Slicer:
    functions: dict[str, FunctionNode] = field(default_factory=dict)
    classes: dict[str, ast.ClassDef] = field(default_factory=dict)
    wanted: set[str] = field(default_factory=set)
    left_out: dict[str, int] = field(default_factory=dict)
    bound: set[str] = field(default_factory=set)
    heavy_functions: dict[str, bool] = field(default_factory=dict)
    keras: bool = False

    def keep(self, statements: Iterable[ast.stmt]) -> list[ast.stmt]:
        kept: list[ast.stmt] = []
        for statement in statements:
            remains = self.remains(statement)
            if remains:
                for each in remains:
                    self.bound |= stored(each)
                kept.extend(remains)
            else:
                for name in stored(statement):
                    self.left_out.setdefault(name, statement.lineno)
        return kept

    def remains(self, statement: ast.stmt) -> list[ast.stmt]:
        """What is kept of *statement*."""
        if isinstance(statement, ast.Import | ast.ImportFrom | ast.Global | ast.Delete | ast.ClassDef):
            return [statement]
        if isinstance(statement, ast.FunctionDef | ast.AsyncFunctionDef):
            return [statement]
        if isinstance(statement, ast.Assign | ast.AnnAssign | ast.AugAssign):
            return [] if statement.value is None or self.is_heavy(statement.value) else [statement]
        if isinstance(statement, ast.Expr):
            return [statement] if self.is_change(statement) else []
        if is_main_guard(statement):
            assert isinstance(statement, ast.If)
            return self.keep(statement.body)
        if isinstance(statement, ast.If):
            return self._remains_of_if(statement)
        if isinstance(statement, ast.Try):
            return self._remains_of_try(statement)
        if isinstance(statement, ast.For):
            return self._remains_of_for(statement)
        if isinstance(statement, ast.With) and not any(self.is_heavy(item.context_expr) for item in statement.items):
            return self.keep(statement.body)
        return []

    def _remains_of_if(self, statement: ast.If) -> list[ast.stmt]:
        body, orelse = self.keep(statement.body), self.keep(statement.orelse)
        if not body and not orelse:
            return []
        if self.is_heavy(statement.test):
            return [*body, *orelse]
        made = ast.If(statement.test, body or [_pass(statement)], orelse)
        return [ast.copy_location(made, statement)]

    def _remains_of_try(self, statement: ast.Try) -> list[ast.stmt]:
        body, final = self.keep(statement.body), self.keep(statement.finalbody)
        handlers = [
            ast.copy_location(ast.ExceptHandler(each.type, each.name, self.keep(each.body) or [_pass(each)]), each)
            for each in statement.handlers
        ]
        if not body:
            return final
        made = ast.Try(body, handlers, self.keep(statement.orelse), final or ([] if handlers else [_pass(statement)]))
        return [ast.copy_location(made, statement)]

    def _remains_of_for(self, statement: ast.For) -> list[ast.stmt]:
        """A loop that fills something that a definition reads, and does nothing else."""
        if self.is_heavy(statement.iter):
            return []
        changed: set[str] = set()
        pending = list(statement.body)
        while pending:
            each = pending.pop()
            if isinstance(each, ast.If | ast.For) and not self.is_heavy(
                each.test if isinstance(each, ast.If) else each.iter
            ):
                pending.extend([*each.body, *each.orelse])
            elif isinstance(each, ast.Expr) and self.is_change(each):
                changed |= loaded(each)
            elif isinstance(each, ast.Assign | ast.AnnAssign | ast.AugAssign):
                if each.value is None or self.is_heavy(each.value):
                    return []
                targets = each.targets if isinstance(each, ast.Assign) else [each.target]
                changed |= {dotted(t.value)[0] for t in targets if isinstance(t, ast.Subscript | ast.Attribute)}
            elif not isinstance(each, ast.Pass | ast.Continue | ast.Break):
                return []
        return [statement] if changed & self.wanted else []

    def is_change(self, statement: ast.Expr) -> bool:
        """Whether an expression is there for a cheap change of something kept."""
        call = statement.value
        if not is_change(statement) or not isinstance(call, ast.Call):
            return False
        return not any(self.is_heavy(each) for each in [*call.args, *(keyword.value for keyword in call.keywords)])

    def is_heavy(self, node: ast.AST) -> bool:
        """Whether to evaluate *node* does something, or makes what only a running script needs."""
        for each in run_now(node):
            if isinstance(each, ast.Await | ast.Yield | ast.YieldFrom):
                return True
            if isinstance(each, ast.Call) and self._is_heavy_call(each):
                return True
            if isinstance(each, ast.Name) and each.id in self.left_out and each.id not in self.bound:
                return True
        return False

    def _is_heavy_call(self, call: ast.Call) -> bool:
        name = dotted(call.func)
        last = name[-1]
        if last in _LIGHT:
            return False
        if len(name) == 1 and last in self.functions:
            return self._is_heavy_function(last)
        if name[0] in self.classes:
            return self._is_model(name[0])
        if len(name) == 1 and last in _HEAVY_BUILTINS:
            return True
        roots = _HEAVY_ROOTS
        if self.keras:
            if last in _KERAS_HEAVY or name[:2] == ("tf", "data"):
                return True
            roots = _HEAVY_ROOTS - _KERAS_ROOTS
        if roots & set(name[:-1]) or last in roots:
            return True
        return not HEAVY_WORDS.isdisjoint(words(last))

    def _is_heavy_function(self, name: str) -> bool:
        if name not in self.heavy_functions:
            self.heavy_functions[name] = False
            self.heavy_functions[name] = any(
                isinstance(each, ast.While) or self.is_heavy(each) for each in self.functions[name].body
            )
        return self.heavy_functions[name]

    def _is_model(self, name: str, depth: int = 8) -> bool:
        bases = [dotted(base) for base in self.classes[name].bases]
        known = _KERAS_MODELS if self.keras else _MODELS
        return any(
            base[-1] in known or (base[-1] in self.classes and depth > 0 and self._is_model(base[-1], depth - 1))
            for base in bases
        )


def _pass(where: ast.stmt | ast.ExceptHandler) -> ast.stmt:
    return ast.copy_location(ast.Pass(), where)


def slice_module(tree: ast.Module) -> Sliced:
    """What is kept of the module *tree*."""
    slicer = _slicer(tree)
    kept = slicer.keep(tree.body)
    kept += slicer.keep(_assigned_to_globals(tree, slicer.bound))
    left_out = {name: line for name, line in slicer.left_out.items() if name not in slicer.bound}
    return Sliced(tuple(kept), left_out)


def _slicer(tree: ast.Module) -> _Slicer:
    slicer = _Slicer(keras=framework_of(tree) != TORCH)
    for statement in tree.body:
        for each in ast.walk(statement) if isinstance(statement, ast.If | ast.Try) else [statement]:
            if isinstance(each, ast.FunctionDef | ast.AsyncFunctionDef):
                slicer.functions.setdefault(each.name, each)
            elif isinstance(each, ast.ClassDef):
                slicer.classes.setdefault(each.name, each)
        if isinstance(statement, DEFINITIONS):
            slicer.wanted |= loaded(statement)
    return slicer


def _assigned_to_globals(tree: ast.Module, bound: set[str]) -> list[ast.stmt]:
    """What functions assign to global names that nothing else binds: ``global args; args = parser.parse_args()``."""
    found: list[ast.stmt] = []
    for function in tree.body:
        if not isinstance(function, ast.FunctionDef):
            continue
        names = {name for each in function.body if isinstance(each, ast.Global) for name in each.names}
        if names:
            found += [
                each
                for each in function.body
                if isinstance(each, ast.Assign) and stored(each) and stored(each) <= names
            ]
    return found


def is_change(statement: ast.Expr) -> bool:
    """Whether *statement* calls a method that changes what it is called on, cheaply: ``layers.append(4)``."""
    if not isinstance(statement.value, ast.Call):
        return False
    name = dotted(statement.value.func)
    if name[-1] in _SETTERS:
        return True
    return len(name) > 1 and name[-1] in _CHANGES and name[0] not in ("os", "sys")


def weigher(tree: ast.Module, models: bool = False) -> Callable[[ast.AST], bool]:
    """What says whether an expression or statement in the module *tree* is heavy.

    Args:
        tree: the module.
        models: whether instances of the file's own models count as light.
    """
    slicer = _slicer(tree)
    if models:
        slicer.classes.clear()
    return slicer.is_heavy
