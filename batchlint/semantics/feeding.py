"""What a loop does with the batches that it cuts: whether it feeds them to a model."""

from __future__ import annotations

import re
from typing import Any

from batchlint.semantics.syntax import calls_in, kind, last_name, names_in

_STEPS = frozenset(
    "backward zero_grad train_on_batch test_on_batch predict_on_batch partial_fit apply_gradients minimize".split()
)
_MODEL = re.compile(
    r"(?:^|_)(?:model|net|network|encoder|decoder|classifier|generator|discriminator|backbone|autoencoder|cnn|rnn|lstm|"
    r"gru|mlp|vae|bert|transformer|predictor|regressor)\d*$|(?:Net|Model)$",
    re.IGNORECASE,
)
_METHODS = frozenset({"forward", "predict", "predict_proba", "encode", "generate", "transform", "__call__", "infer"})
_FUNCTIONS = re.compile(
    r"^(?:train|training|eval|evaluate|test|validate|predict|infer|optimi[sz]e)_?"
    r"(?:step|batch|one_batch|on_batch|minibatch)$"
)
_REINFORCEMENT = re.compile(
    r"advantage|rollout|replay|reward|log_?prob|trajector|episode|observation|old_action|"
    r"(?:^|_)(?:adv|obs|returns|agent|policy|ppo)(?:_|$)",
    re.IGNORECASE,
)


def feeds_model(loop: Any) -> bool:
    """Whether the body of the ``for`` statement *loop* trains on what it cuts, or calls a model with it.

    Reinforcement learning cuts its rollouts into minibatches for which no loader is made: such a loop does not count.
    """
    if kind(loop) != "For" or any(_REINFORCEMENT.search(name) for name in names_in(loop.body)):
        return False
    return any(_is_step(call.func) or _runs_graph(call) for call in calls_in(loop.body))


def _runs_graph(call: Any) -> bool:
    """``sess.run(train_op, feed_dict={x: batch})``."""
    if last_name(call.func) != "run":
        return False
    return any(_feeds(argument) for argument in call.args)


def _feeds(argument: Any) -> bool:
    return kind(argument.value) == "Dict" or (argument.keyword is not None and argument.keyword.value == "feed_dict")


def _is_step(function: Any) -> bool:
    name = last_name(function)
    if name in _STEPS or _FUNCTIONS.search(name):
        return True
    if kind(function) == "Attribute" and name in _METHODS:
        return _MODEL.search(last_name(function.value)) is not None
    return _MODEL.search(name) is not None and kind(function) in ("Name", "Attribute")
