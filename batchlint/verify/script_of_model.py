"""A script that shows a hazard of a model: what is needed of the user's files, how it is made and fed, what happens."""

from __future__ import annotations

import ast
import builtins
import os
import textwrap
from collections.abc import Iterable, Sequence

from batchlint.findings import Problem
from batchlint.source.source import read_source
from batchlint.verify.embedding import Embedded, TooMuch, embed
from batchlint.verify.outcomes import CheckOutcome, Construction, Stage, Status, TargetResult
from batchlint.verify.plan.plans import FilePlan
from batchlint.verify.plan.project import module_name, parse
from batchlint.verify.plan.syntax import loaded, stored
from batchlint.verify.script_library import demonstrations
from batchlint.verify.script_parts import (
    FAULTS,
    SETTINGS,
    NotReproducible,
    cuda,
    header,
    modules,
    own_source,
    plain,
    stand_ins,
)

DEMONSTRATIONS = (
    "crash at batch sizes",
    "train mode at batch size 1",
    "leading dimension",
    "per-sample consistency",
    "sample dependency",
    "state between runs",
    "other spatial sizes",
)
"""Checks that a script can show: each has a function of that name, with underscores."""


def script_of_model(
    plan: FilePlan, target: TargetResult, checks: Sequence[CheckOutcome], title: str, reason: str = ""
) -> str:
    """The source of a script that shows what *checks* saw of *target*.

    Args:
        plan: the target's file.
        target: a class that was run.
        checks: those that failed are shown; of those that passed all, where none failed.
        title: what it is about.
        reason: one sentence more.

    Raises:
        NotReproducible: no script can be written.
    """
    if target.kind != "class":
        raise NotReproducible("it is no model")
    if target.stage is not Stage.RUN or target.construction is None or not target.input_code:
        raise NotReproducible(f"{target.qualname} was not run")
    shown = _shown(checks)
    if not shown:
        raise NotReproducible("none of the checks that decided can be shown in a script")
    setup = _parsed(target.construction.setup)
    part = _embedded(plan, target.construction, setup, _free_in(target.input_code))
    code = [*(each.source for each in part.modules), part.source]
    pieces = [
        header(target, title, reason),
        part.future,
        "import os\nimport sys\nimport traceback\n\nimport torch",
        FAULTS,
        cuda(target, code),
        stand_ins(part.packages),
        modules(part.modules, plan),
        SETTINGS if "Settings(" in target.construction.expression else "",
        own_source(part, plan, target.construction.module),
        "\n".join(target.construction.setup),
        _reproduce(target, target.construction, shown),
    ]
    return "\n\n\n".join(piece.strip("\n") for piece in pieces if piece.strip()) + "\n"


def _shown(checks: Sequence[CheckOutcome]) -> list[tuple[str, bool]]:
    """The checks to show, and whether the control has to run for each."""
    known = [check for check in checks if check.check in DEMONSTRATIONS]
    failed = [check for check in known if check.status is Status.FAILED]
    raising = [check for check in known if check.status is Status.UNDECIDED and any(run.failure for run in check.runs)]
    passed = [check for check in known if check.status is Status.PASSED]
    if failed:
        return [(check.check, True) for check in failed]
    return [(check.check, False) for check in raising] or [(check.check, True) for check in passed]


def _parsed(setup: Iterable[str]) -> list[ast.stmt]:
    return [each for source in setup for each in (parse(textwrap.dedent(source)) or ast.Module([], [])).body]


def _free_in(sources: Iterable[str]) -> set[str]:
    """Names that arguments read, besides those that a script has."""
    found: set[str] = set()
    for source in sources:
        tree = parse(f"f({source})")
        if tree is not None:
            found |= loaded(tree)
    return found - {"f", "torch", "B", "model"} - set(dir(builtins))


def _embedded(plan: FilePlan, construction: Construction, setup: Sequence[ast.stmt], others: set[str]) -> Embedded:
    """The statements that the construction needs, of the file that it is evaluated in."""
    expression = parse(construction.expression)
    if expression is None:
        raise NotReproducible("its construction cannot be read")
    given = {name for each in setup for name in stored(each)}
    wanted = loaded(expression).union(*(loaded(each) for each in setup)) | others
    needed = wanted - given - set(dir(builtins)) - {"torch", "Settings"}
    lost: set[str] = set()
    for path, text, module in _files(plan, construction):
        try:
            part = embed(path, text, module, plan.roots, wanted, [*setup, *expression.body])
        except TooMuch as error:
            raise NotReproducible(str(error)) from None
        except ValueError:
            continue
        opened = part.open_names or any(
            isinstance(each, ast.ImportFrom) and each.names[0].name == "*" for each in setup
        )
        lost = needed - part.bound
        if not lost or opened:
            return part
    raise NotReproducible(f"its construction reads `{min(lost, default='?')}`, which only running the whole file gives")


def _files(plan: FilePlan, construction: Construction) -> list[tuple[str, str, str]]:
    """Path, text and dotted name of the file that a construction is evaluated in, then of the target's own."""
    own = (plan.path, plan.text, plan.module)
    path = construction.module
    if not path or os.path.abspath(path) == os.path.abspath(plan.path):
        return [own]
    if not path.endswith((".py", ".ipynb")):
        return [(path, "", ""), own]
    source = read_source(path)
    if isinstance(source, Problem):
        return [own]
    return [(path, source.text, module_name(os.path.abspath(path), source.text)), own]


def _reproduce(target: TargetResult, construction: Construction, shown: Sequence[tuple[str, bool]]) -> str:
    """The function that makes, feeds and shows, with the call of it."""
    device = "cpu" if target.environment is None else target.environment.device.partition(" ")[0]
    made = construction.expression + (f".get_submodule({construction.submodule!r})" if construction.submodule else "")
    origin = f"  # {plain(construction.origin)}" if construction.origin else ""
    growing = any(check == "other spatial sizes" for check, _ in shown)
    positional, keywords = _arguments(target.input_code, growing)
    feeds = [f"torch.manual_seed({target.seed} + other)"]
    if "model" in loaded(parse(f"f({', '.join(target.input_code)})") or ast.Module([], [])):
        feeds.append("model = make()")
    feeds.append(f"positional = ({''.join(f'{each}, ' for each in positional).rstrip(' ') if positional else ''})")
    feeds.append(f"keywords = {{{', '.join(f'{name!r}: {each}' for name, each in keywords.items())}}}")
    on_device = device.startswith("cuda")
    feeds.append("return (to(positional), to(keywords))" if on_device else "return positional, keywords")
    sizes = tuple(dict.fromkeys(target.batch_sizes))
    lines = [
        "def make():",
        f"    torch.manual_seed({target.seed})",
        f"    return {f'({made}).to(device)' if on_device else made}{origin}",
        "",
        f"def feed(B, other=0{', grow=lambda side: side' if growing else ''}):",
        *(f"    {line}" for line in feeds),
        "",
        f"sizes = {sizes!r}  # the first is the control, for which the code is written",
        "shows = False",
    ]
    if on_device:
        lines[:0] = [f'device = {device!r} if torch.cuda.is_available() else "cpu"', "", *_TO_DEVICE.splitlines(), ""]
    for check, controlled in shown:
        control = target.control if controlled else None
        sizes_shown = "sizes" if check != "train mode at batch size 1" else _training_sizes(target)
        lines.append(f"print({check + ':'!r})")
        lines.append(f"shows = {_function_of(check)}(make, feed, {control}, {sizes_shown}) or shows")
    lines.append('print("The hazard shows." if shows else "The hazard does not show.")')
    lines.append("return shows")
    inner = "\n\n".join(demonstrations(_function_of(check) for check, _ in shown))
    body = "\n".join(lines)
    return (
        "# ---- how it is made and fed, and what happens\n\n"
        f"def reproduce():\n{textwrap.indent(inner, '    ')}\n\n{textwrap.indent(body, '    ')}\n\n\n"
        "sys.exit(1 if reproduce() else 0)"
    )


_TO_DEVICE = """\
def to(value):
    if isinstance(value, torch.Tensor):
        return value.to(device)
    if isinstance(value, dict):
        return {key: to(each) for key, each in value.items()}
    return type(value)(map(to, value)) if isinstance(value, (list, tuple)) else value"""


def _function_of(check: str) -> str:
    return check.replace(" ", "_").replace("-", "_")


def _training_sizes(target: TargetResult) -> str:
    return repr(tuple(dict.fromkeys((target.control or 2, 2, 1))))


def _arguments(input_code: Sequence[str], growing: bool) -> tuple[list[str], dict[str, str]]:
    """The positional and keyword arguments in *input_code*, spatial sizes as ``grow(32)`` where *growing*."""
    positional: list[str] = []
    keywords: dict[str, str] = {}
    for source in input_code:
        tree = parse(f"f({source})")
        call = tree.body[0].value if tree is not None and isinstance(tree.body[0], ast.Expr) else None
        if not isinstance(call, ast.Call):
            raise NotReproducible(f"its input `{source}` cannot be read")
        if growing:
            _Growing().visit(call)
        positional += [ast.unparse(each) for each in call.args]
        keywords.update({each.arg: ast.unparse(each.value) for each in call.keywords if each.arg})
    return positional, keywords


class _Growing(ast.NodeTransformer):
    """Lets the sizes after batch and channels of random tensors grow."""

    def visit_Call(self, node: ast.Call) -> ast.AST:
        """``torch.randn(B, 3, 32, 32)`` becomes ``torch.randn(B, 3, grow(32), grow(32))``."""
        self.generic_visit(node)
        name = node.func.attr if isinstance(node.func, ast.Attribute) else ""
        sizes = node.args
        batched = bool(sizes) and isinstance(sizes[0], ast.Name) and sizes[0].id == "B"
        if name in ("randn", "rand", "ones", "zeros") and batched and len(sizes) > 2 and not node.keywords:
            node.args[2:] = [
                ast.Call(ast.Name("grow", ast.Load()), [each], []) if isinstance(each, ast.Constant) else each
                for each in sizes[2:]
            ]
        return node
