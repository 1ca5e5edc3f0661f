"""One model of a file, and the checkout or installed package that the file is of."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple


class Model(NamedTuple):
    """How to make and call one model.

    Attributes:
        path: the file, relative to the checkout.
        construct: the expression that makes the model.
        arguments: what the model is called with.
        command_line: arguments that the file's parser asks for.
    """

    path: str
    construct: str
    arguments: str
    command_line: tuple[str, ...] = ()

    @property
    def driver(self) -> str:
        """The statements that make the model and call it once, without gradients."""
        return (
            f"import torch\nmodel = {self.construct}\nmodel.eval()\n"
            f"with torch.no_grad():\n    output = model({self.arguments})\n"
        )


@dataclass(frozen=True)
class Collection:
    """The models of one repository.

    Attributes:
        name: ``owner/name`` on GitHub, or the name of an installed package.
        folder: where in it the files' paths start.
        package: the package that the files are modules of, where they import from it; ``None`` for plain scripts.
    """

    name: str
    models: tuple[Model, ...]
    folder: str = ""
    package: str | None = None


def of(path: str, arguments: str, *constructors: str) -> tuple[Model, ...]:
    """Several models of one file that take the same arguments."""
    return tuple(Model(path, construct, arguments) for construct in constructors)
