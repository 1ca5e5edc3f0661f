"""What a stand-in gives when it is called."""

from __future__ import annotations

from typing import Any

from batchlint.verify.worker.loops import naming
from batchlint.verify.worker.loops.deliveries import holds_known, note_delivery, note_empty
from batchlint.verify.worker.loops.frameworks import framework
from batchlint.verify.worker.loops.loaders import RowLoader
from batchlint.verify.worker.loops.operations import apply
from batchlint.verify.worker.loops.standins import Sizes, StandIn, rows_of, scalar
from batchlint.verify.worker.loops.world import World

_SAME = frozenset(
    """to cuda cpu float double half long int byte bool numpy detach clone contiguous astype requires_grad_ train eval
    data type type_as pin_memory copy tolist values squeeze_ share_memory apply requires_grad half zero_grad
    float_ construct get_dataset cache with_format prefetch""".split()
)
_WALKS = frozenset({"tqdm", "tqdm_notebook", "progress_bar", "track", "progressbar", "ProgressBar", "notebook_tqdm"})
_QUIET = frozenset({"backward", "step", "zero_grad", "add_scalar", "write", "log", "info", "debug", "flush", "close"})


def call_standin(function: StandIn, arguments: tuple[Any, ...], keywords: dict[str, Any]) -> Any:
    """What a stand-in gives when it is called."""
    world, name, owner = function._bl_world, function._bl_name, function._bl_value
    world.step()
    found = framework().method(world, owner, name, arguments, keywords)
    if found is not NotImplemented:
        return found
    if name in _WALKS:
        return arguments[0] if arguments else keywords.get("iterable", StandIn(world, name))
    if name == "trange":
        return range(*arguments)
    if isinstance(owner, StandIn) and (owner._bl_known() or name in _SAME):
        return _method(world, owner, name, arguments, keywords)
    size = keywords.get("batch_size", arguments[1] if len(arguments) > 1 else None)
    if name.lower().endswith("loader") and (isinstance(size, int) or "batch_size" in keywords):
        return RowLoader(*arguments, **keywords)
    if world.tensors is not None:
        given = next((each for each in arguments if isinstance(each, framework().tensors) and len(each.shape)), None)
        if given is not None and name not in _QUIET and not naming.names_loss(name):
            made = framework().prediction(given, world.tensors.width)
            world.made = made
            return made
        if given is not None and naming.names_loss(name):
            return scalar(1.0)
    note_delivery(world, arguments, keywords)
    note_empty(world, arguments)
    ids = rows_of(list(arguments)) if holds_known(arguments, keywords) else None
    if ids is None and holds_known(arguments, keywords):
        ids = rows_of(list(keywords.values()))
    if name in _QUIET:
        return StandIn(world, name)
    if naming.names_loss(name) and ids is not None:
        world.assume(f"`{name}` gives the mean over the rows")
        return scalar(1.0 if ids.size else float("nan"))
    if name.lower() == "variable" and arguments:
        return arguments[0]
    if ids is not None:
        return StandIn(world, name, ids=ids)
    if isinstance(owner, StandIn) and name in ("size", "dim", "item", "numel"):
        return _method(world, owner, name, arguments, keywords)
    return StandIn(world, name)


def _method(world: World, owner: StandIn, name: str, arguments: tuple[Any, ...], keywords: dict[str, Any]) -> Any:
    if name in _SAME:
        return owner
    if name == "get_shape":
        return owner.shape
    if name == "size":
        sizes: Sizes = owner.shape
        if not arguments and not keywords:
            return sizes
        axis = arguments[0] if arguments else keywords.get("dim", 0)
        return sizes[axis] if isinstance(axis, int) and -4 <= axis < 4 else StandIn(world, name)
    if name == "dim":
        return 4
    if name.startswith("new"):
        return StandIn(world, name)
    if name == "item":
        return 1.0 if owner._bl_known() and owner._bl_rows().size == 1 else StandIn(world, name)
    if name in ("view_as", "expand_as", "reshape_as") and arguments and isinstance(arguments[0], StandIn):
        return owner if owner._bl_known() else arguments[0]
    if name in ("keys", "items"):
        return iter([(StandIn(world, "key"), owner)]) if name == "items" else iter([StandIn(world, "key")])
    if name == "__len__":
        return len(owner)
    return apply(world, name, (owner, *arguments), keywords)
