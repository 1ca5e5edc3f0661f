"""What stands in for packages that cannot be imported, while the user's files are loaded and only for them."""

from __future__ import annotations

import types
from collections.abc import Iterator
from typing import Any

_HARMLESS = frozenset(
    """
    wandb tensorboard tensorboardX visdom matplotlib seaborn plotly mlflow comet_ml neptune loguru absl termcolor
    colorlog rich tqdm apex horovod tensorboard_logger torchsummary torchinfo torchviz icecream IPython ipdb pdb
    """.split()
)
"""Packages whose functions no model's values come from: what they give may be carried along."""


class MissingPackage(Exception):
    """The code needs a package that could not be imported."""

    def __init__(self, name: str, reason: str) -> None:
        super().__init__(f"needs {name}: {reason}")
        self.name = name
        self.reason = reason


class Phase:
    """Whether user code is being loaded, when stubs put up with anything, or run, when they say what is missing."""

    def __init__(self) -> None:
        self.loading = 0


PHASE = Phase()


class Stub:
    """Anything of a package that could not be imported: a class, a function, a decorator, a constant.

    It can be inherited from, called, subscripted, iterated (nothing comes), entered and compared; used as a decorator
    it gives back what it decorates. Once the user's files are loaded, what needs its values raises `MissingPackage`.
    """

    __slots__ = ("_stub_name", "_stub_reason")

    def __init__(self, name: str, reason: str) -> None:
        self._stub_name = name
        self._stub_reason = reason

    def __repr__(self) -> str:
        return f"<stub of {self._stub_name}>"

    def _needed(self) -> None:
        if not PHASE.loading and self._stub_name.partition(".")[0] not in _HARMLESS:
            raise MissingPackage(self._stub_name, self._stub_reason)

    def _like(self, suffix: str = "") -> Stub:
        return Stub(self._stub_name + suffix, self._stub_reason)

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return self._like(f".{name}")

    def __call__(self, *arguments: Any, **keywords: Any) -> Any:
        """Give back what is decorated, else another stub."""
        if len(arguments) == 1 and not keywords and isinstance(arguments[0], type | types.FunctionType):
            return arguments[0]
        self._needed()
        return self._like()

    def __mro_entries__(self, bases: tuple[Any, ...]) -> tuple[type, ...]:
        return (stub_class(self._stub_name, self._stub_reason),)

    def __instancecheck__(self, instance: Any) -> bool:
        return False

    def __subclasscheck__(self, subclass: Any) -> bool:
        return False

    def __getitem__(self, key: Any) -> Any:
        return self._like()

    def __setitem__(self, key: Any, value: Any) -> None:
        pass

    def __iter__(self) -> Iterator[Any]:
        self._needed()
        return iter(())

    def __len__(self) -> int:
        self._needed()
        return 0

    def __bool__(self) -> bool:
        return True

    def __contains__(self, item: Any) -> bool:
        return False

    def __enter__(self) -> Any:
        return self

    def __exit__(self, *error: Any) -> None:
        pass

    def _with(self, other: Any) -> Any:
        self._needed()
        return self._like()

    __add__ = __radd__ = __sub__ = __rsub__ = __mul__ = __rmul__ = __truediv__ = __rtruediv__ = _with
    __floordiv__ = __mod__ = __pow__ = __rpow__ = __matmul__ = _with

    def __or__(self, other: Any) -> Any:
        return self._like()

    __ror__ = __or__

    def __lt__(self, other: Any) -> bool:
        return False

    __gt__ = __le__ = __ge__ = __lt__


def stub_class(name: str, reason: str) -> type:
    """A class to inherit from in place of the class *name*; its instances cannot be made."""

    def init(self: Any, *arguments: Any, **keywords: Any) -> None:
        raise MissingPackage(name, reason)

    return type(name.rpartition(".")[2], (), {"__init__": init, "__module__": name.rpartition(".")[0]})


class StubModule(types.ModuleType):
    """A module that could not be imported: whatever is asked of it is a `Stub`."""

    def __init__(self, name: str, reason: str) -> None:
        super().__init__(name)
        self.__dict__["_stub_reason"] = reason

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return Stub(f"{self.__name__}.{name}", self.__dict__["_stub_reason"])


class Patched(types.ModuleType):
    """An installed module in which names that it no longer has are answered."""

    def __init__(self, module: types.ModuleType, extra: dict[str, Any]) -> None:
        super().__init__(module.__name__)
        self.__dict__.update({"_real": module, **extra})

    def __getattr__(self, name: str) -> Any:
        return getattr(self.__dict__["_real"], name)
