"""What a parameter, attribute or option is likely to be, by its name alone."""

from __future__ import annotations

import re
from typing import Any

from batchlint.semantics.batch_names import names_batch_size, names_configuration, names_loader
from batchlint.verify.worker.loops.frameworks import framework
from batchlint.verify.worker.loops.loaders import RowLoader
from batchlint.verify.worker.loops.standins import StandIn
from batchlint.verify.worker.loops.world import World

_EPOCHS = re.compile(r"(?:^|_)(?:n_?|num_?|max_?|total_?)?(?:epochs?|ep)(?:$|_)|^(?:num|n|max)epochs?$", re.IGNORECASE)
_OFF = re.compile(
    r"cuda|gpu|distributed|multi_?gpu|ddp|fp16|half|amp|parallel|local_?rank|resume|pretrained|debug|verbose|plot|"
    r"visuali|wandb|save|load_|download|restore|checkpoint|profile|dry_run",
    re.IGNORECASE,
)
_FLAG = re.compile(r"^(?:use|is|has|with|no)_|^(?:cuda|gpu|distributed|fp16|amp)$", re.IGNORECASE)
_RATE = re.compile(
    r"^(?:lr|learning_?rate|momentum|weight_?decay|alpha|beta|gamma|eps(?:ilon)?|dropout)", re.IGNORECASE
)
_PERIOD = re.compile(r"(?:interval|freq|every|period)$", re.IGNORECASE)
_CLASSES = re.compile(r"^(?:n|num|nb|number_of)_?(?:classes|labels|categories)$|^classes$", re.IGNORECASE)
_ROWS = re.compile(
    r"^(?:n|num|nb|number_of|total|len)_?(?:samples|examples|rows|images|train|test|valid?|data|instances|points|items)$|"
    r"^(?:data_?set|data|train|test)_?(?:size|len)$",
    re.IGNORECASE,
)
_COUNTED = re.compile(r"^(?:n|num|nb|number_of|max|min|total)_", re.IGNORECASE)
_LOSS = re.compile(r"loss|criterion|objective|^cost(?:_|$)|^crit$|^ce$|^bce$|^mse$", re.IGNORECASE)


def names_loss(name: str) -> bool:
    """Whether *name* says a loss function."""
    return _LOSS.search(name) is not None


def names_epochs(name: str) -> bool:
    """Whether *name* says a number of epochs."""
    return _EPOCHS.search(name) is not None


def value_named(world: World, name: str, *, parameter: bool = False, owner: str = "") -> Any:
    """A value for something called *name*; ``None`` where the name says nothing that is needed.

    Args:
        world: the run.
        name: the name.
        parameter: whether it is a function's parameter, which is more often what its name says than an attribute.
        owner: the name of what it is an attribute of.
    """
    if name in world.choices:
        return world.choices[name]
    if name in world.constants:
        return world.constants[name]
    if names_batch_size(name):
        world.guessed_size = True
        return world.forced or world.batch_size
    if names_epochs(name) and not name.lower().startswith("start"):
        return 1
    if name.lower() in ("device", "dev"):
        return framework().device()
    if names_loader(name):
        return RowLoader(StandIn(world, f"{name}.dataset"), world.batch_size)
    if _ROWS.match(name):
        return world.rows
    if parameter or _PERIOD.search(name):
        if _PERIOD.search(name):
            return 10
        if _RATE.match(name):
            return 0.01
        if _CLASSES.search(name):
            return 10
        if _COUNTED.match(name):
            return 3
    if not parameter and (_FLAG.match(name) or (names_configuration(owner) and _OFF.search(name))):
        return False
    if name in ("drop_last", "shuffle"):
        return False
    return None
