"""The pieces of a reproduction script that are the same for models and loops: its head, stand-ins, and modules."""

from __future__ import annotations

import os
import textwrap
from collections.abc import Iterable, Sequence

from batchlint import __version__
from batchlint.verify.embedding import Embedded, EmbeddedModule
from batchlint.verify.outcomes import TargetResult
from batchlint.verify.plan.plans import FilePlan

OURS = "# Written by batchlint"
"""Begins the second line of every script: a file without it is not overwritten."""

_WIDTH = 100


class NotReproducible(ValueError):
    """No script can be written; the message says why."""


def header(target: TargetResult, title: str, reason: str) -> str:
    """What the script is about, and on what the hazard was seen."""
    environment = target.environment
    ran = []
    if environment is not None:
        versions = ", ".join(f"{name} {version}" for name, version in environment.versions)
        ran = [f"It was seen with {versions} on {environment.device}, Python {environment.python}, seed {target.seed}."]
    said = [
        title,
        "",
        *([reason[:1].upper() + reason[1:] + "."] if reason else []),
        *ran,
        "",
        "Run it with Python and PyTorch alone. It exits with 1 where the hazard shows, with 0 where it does not, and "
        "with 2 where the code does not run at its own batch size.",
    ]
    lines = [line for each in said for line in (textwrap.wrap(plain(each), _WIDTH - 2) or [""])]
    written = "\n".join(f"# {line}".rstrip() for line in lines)
    return f"#!/usr/bin/env python3\n{OURS} {__version__}.\n#\n{written}"


def plain(text: str) -> str:
    """*text* on one line, without characters that end one."""
    return " ".join("".join(each if each.isprintable() else " " for each in text).split())


FAULTS = '''\
def _not_run(kind, error, trace):
    """What is raised before the hazard could show is another fault."""
    traceback.print_exception(kind, error, trace)
    print("The code could not be run here.")
    sys.stdout.flush()
    os._exit(2)


sys.excepthook = _not_run
sys.argv = sys.argv[:1]  # the code's own command line stays at its defaults'''


_CUDA = """\
if not torch.cuda.is_available():  # the code asks for it
    torch.Tensor.cuda = torch.nn.Module.cuda = lambda self, *_, **__: self"""


SETTINGS = '''\
class Settings(dict):
    """Stands for a configuration that the code takes: items that are attributes, too."""

    def __getattr__(self, name):
        if name in self:
            return self[name]
        raise AttributeError(name)'''


_STAND_INS = '''\
class _StandIn:
    """Anything of a package that is not installed here: it can be called, inherited from and looked into."""

    def __init__(self, name):
        self._name = name

    def __getattr__(self, name):
        if name.startswith("__"):
            raise AttributeError(name)
        return _StandIn(f"{self._name}.{name}")

    def __call__(self, *arguments, **keywords):
        decorated = len(arguments) == 1 and not keywords and callable(arguments[0])
        return arguments[0] if decorated else self

    def __mro_entries__(self, bases):
        return (type(self._name.rpartition(".")[2], (), {}),)

    def __getitem__(self, key):
        return self

    def __or__(self, other):
        return self

    __ror__ = __or__

    def __enter__(self):
        return self

    def __exit__(self, *error):
        pass


class _StandIns:
    """Finds packages that nothing else finds."""

    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in _PACKAGES:
            return importlib.machinery.ModuleSpec(name, self, is_package=True)

    def create_module(self, spec):
        if "." not in spec.name:
            print(f"{spec.name} is not installed here: a stand-in takes its place", file=sys.stderr)
        module = types.ModuleType(spec.name)
        module.__getattr__ = _StandIn(spec.name).__getattr__
        return module

    def exec_module(self, module):
        pass


sys.meta_path.append(_StandIns())'''


_IMPORTER = '''\
class _Embedded:
    """Imports the modules above."""

    def find_spec(self, name, path=None, target=None):
        if name in _MODULES:
            return importlib.machinery.ModuleSpec(name, self, is_package=_MODULES[name][1])

    def create_module(self, spec):
        return None

    def exec_module(self, module):
        filename, _, source = _MODULES[module.__name__]
        linecache.cache[filename] = (len(source), None, source.splitlines(True), filename)
        flags = __future__.annotations.compiler_flag if "from __future__ import" in source else 0
        for statement in ast.parse(source).body:
            code = compile(ast.Module([statement], []), filename, "exec", flags, True)
            try:
                exec(code, module.__dict__)
            except Exception as error:  # what does not need it may still run
                print(f"{filename}, line {statement.lineno}: {type(error).__name__}: {error}", file=sys.stderr)


sys.meta_path.insert(0, _Embedded())'''


def cuda(target: TargetResult, sources: Iterable[str]) -> str:
    """Lets code that asks for a CUDA device run without one."""
    device = "cpu" if target.environment is None else target.environment.device
    return _CUDA if not device.startswith("cuda") and any(".cuda(" in each for each in sources) else ""


def stand_ins(packages: Sequence[str]) -> str:
    """Stand-ins for packages that may not be installed."""
    if not packages:
        return ""
    names = ", ".join(f'"{each}"' for each in packages)
    return f"import importlib.machinery\nimport types\n\n_PACKAGES = {{{names}}}\n\n\n{_STAND_INS}"


def modules(modules: Sequence[EmbeddedModule], plan: FilePlan) -> str:
    """Modules of the project, and what imports them."""
    package = plan.module.rpartition(".")[0]
    if not modules:
        return ""
    entries = "\n".join(
        f"    {each.name!r}: ({f'<{each.path}>'!r}, {each.is_package}, {_literal(each.source)})," for each in modules
    )
    within = f"\n__package__ = {package!r}" if any(each.name == package for each in modules) else ""
    return (
        "import __future__\nimport ast\nimport importlib.machinery\nimport linecache\n\n"
        f"_MODULES = {{  # of the project, as far as they are needed\n{entries}\n}}\n\n\n{_IMPORTER}{within}"
    )


def _literal(source: str) -> str:
    """*source* as a string that reads like the source."""
    source = f"\n{source}\n" if source else ""
    for quotes in ("'''", '"""'):
        if (
            quotes not in source
            and not source.rstrip("\n").endswith(quotes[0])
            and "\r" not in source
            and "\0" not in source
        ):
            return f"r{quotes}{source}{quotes}"
    return repr(source)


def own_source(part: Embedded, plan: FilePlan, module: str) -> str:
    """The statements of the file that are needed; *module* is where a construction is evaluated, if elsewhere."""
    if not part.source:
        return ""
    path = module if module.endswith(".py") else plan.path
    return f"# ---- {plain(os.path.basename(path))}: what is needed of it, as it stands there\n\n{part.source}"
