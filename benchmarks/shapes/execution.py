"""Runs instrumented modules and notes the shape of every value: a process that reads jobs and writes what it saw.

One job a line of standard input, one answer a line of standard output, both JSON. A seen value is ``["t", [2, 3]]`` for
a tensor or array, ``["i", 4]`` for an integer, ``["s", [...]]`` for a tuple or list, ``["n"]`` for ``None`` and
``["o"]`` for anything else.
"""

from __future__ import annotations

import importlib
import importlib.abc
import importlib.machinery
import importlib.util
import inspect
import json
import re
import sys
import traceback
import types
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any
from unittest.mock import MagicMock

FILE_NAME = "<model under test>"
MAXIMUM_SEEN = 4000
"""Evaluations of one expression in one context to note at most."""
_NOT_ON_STACK = frozenset({"<lambda>", "<listcomp>", "<setcomp>", "<dictcomp>", "<genexpr>"})
_STUBBED = frozenset({"matplotlib", "PIL", "cv2", "gym", "gymnasium", "torchaudio", "tensorboardX", "nltk", "sklearn"})
"""Packages that the files import and that no shape depends on."""

_KEPT: list[Any] = []
"""Definitions of operations, which end when their objects do."""


class _Stubs(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """Packages that are not installed, as modules whose every attribute is a mock."""

    def find_spec(self, fullname: str, path: Any, target: Any = None) -> importlib.machinery.ModuleSpec | None:
        if fullname.partition(".")[0] in _STUBBED:
            return importlib.machinery.ModuleSpec(fullname, self, is_package=True)
        return None

    def create_module(self, spec: importlib.machinery.ModuleSpec) -> types.ModuleType:
        return _Stub(spec.name)

    def exec_module(self, module: types.ModuleType) -> None:
        pass


class _Stub(types.ModuleType):
    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return MagicMock()


def describe(value: Any, depth: int = 3) -> list[Any]:
    """What is noted of *value*, see the module's text."""
    import numpy as np
    import torch

    if isinstance(value, torch.Tensor):
        if value.is_nested:
            return ["o"]
        return ["t", list(value.shape)]
    if isinstance(value, np.ndarray):
        return ["t", list(value.shape)]
    if isinstance(value, bool):
        return ["o"]
    if isinstance(value, int | np.integer):
        return ["i", int(value)]
    if isinstance(value, tuple | list) and depth and len(value) <= 64:
        return ["s", [describe(item, depth - 1) for item in value]]
    return ["n"] if value is None else ["o"]


class Notes:
    """What each expression was, in each context: the functions of the file that were running, outermost first."""

    def __init__(self, describe: Callable[[Any], Any] = describe) -> None:
        self.seen: dict[str, dict[int, list[Any]]] = {}
        self._describe = describe

    def record(self, number: int, value: Any, depth: int = 1) -> Any:
        """Note *value* and give it back; the expression is of the *depth*-th caller."""
        parts: list[str] = []
        frame = sys._getframe(depth)
        current: types.FrameType | None = frame
        while current is not None:
            code = current.f_code
            is_function = code.co_filename == FILE_NAME and code.co_flags & inspect.CO_OPTIMIZED
            if is_function and code.co_name not in _NOT_ON_STACK:
                parts.append(f"{code.co_name}:{code.co_firstlineno}")
            current = current.f_back
        notes = self.seen.setdefault("/".join(reversed(parts)), {}).setdefault(number, [])
        if len(notes) < MAXIMUM_SEEN:
            notes.append(self._describe(value))
        return value


def run(code: str, package: str | None, recorder: str) -> dict[str, dict[int, list[Any]]]:
    """Execute *code* as a module of *package* and return what its expressions were."""
    import torch

    torch.manual_seed(0)
    if package is not None:
        importlib.import_module(package)
    registry = sys.modules.get("torchvision.models._api")
    if registry is not None:
        # The file registers its models under the names under which they already are.
        registry.BUILTIN_MODELS.clear()
    notes = Notes()
    name = f"{package}.model_under_test" if package else "model_under_test"
    module = types.ModuleType(name)
    module.__dict__.update({recorder: notes.record, "__file__": FILE_NAME, "__package__": package or ""})
    sys.modules[name] = module
    scripted = torch.jit.ScriptModule
    if "ScriptModule" in code:
        torch.jit.ScriptModule = torch.nn.Module  # type: ignore[misc, assignment]
    try:
        exec(compile(code, FILE_NAME, "exec"), module.__dict__)
    finally:
        torch.jit.ScriptModule = scripted  # type: ignore[misc]
    return notes.seen


def _prepare(paths: Sequence[str]) -> None:
    sys.path[:0] = paths
    sys.meta_path.append(_Stubs())
    import torch

    torch.set_num_threads(1)
    # Script is compiled from a file's text, which is not there: the functions run as they are.
    torch.jit.script = lambda function=None, *a, **k: function  # type: ignore[assignment]
    torch.jit.script_method = lambda function: function  # type: ignore[assignment]
    torchvision = importlib.util.find_spec("torchvision")
    if torchvision is not None and torchvision.origin is not None:
        _define_missing_operations(Path(torchvision.origin).parent)


def _define_missing_operations(folder: Path) -> None:
    """Declare the compiled operations of a torchvision that is not of this torch, whose models run without them."""
    import torch

    try:
        torch.ops.load_library(next(folder.glob("_C*.so")))
    except (OSError, StopIteration):
        names = re.findall(r"torchvision::(\w+)", (folder / "_meta_registrations.py").read_text(encoding="utf-8"))
        names += re.findall(r'register_meta\("(\w+)"', (folder / "_meta_registrations.py").read_text(encoding="utf-8"))
        _KEPT.append(torch.library.Library("torchvision", "DEF"))
        for name in dict.fromkeys(names):
            _KEPT[0].define(f"{name}(Tensor a) -> Tensor")


def main() -> None:
    """Answer jobs until standard input ends."""
    answers = sys.stdout
    sys.stdout = sys.stderr
    _prepare(json.loads(sys.stdin.readline()))
    for line in sys.stdin:
        job = json.loads(line)
        answer: dict[str, Any]
        try:
            sys.argv = [FILE_NAME, *job["command_line"]]
            sys.path.insert(0, job["folder"])
            try:
                answer = {"seen": run(job["code"], job["package"], job["recorder"])}
            finally:
                sys.path.pop(0)
        except BaseException as error:
            where = traceback.extract_tb(error.__traceback__)
            lines = [frame.lineno for frame in where if frame.filename == FILE_NAME]
            answer = {"error": f"{type(error).__name__}: {error} (line {lines[-1] if lines else '?'})"}
        print(json.dumps(answer), file=answers, flush=True)


if __name__ == "__main__":
    sys.path[0] = str(Path.cwd())
    main()
