"""Which names the field uses for a batch size, for configurations, and for splits of the data."""

from __future__ import annotations

import functools
import re

_BATCH_SIZE = re.compile(
    r"""^_*
    (?:(?:train|training|test|testing|val|valid|validation|eval|evaluation|infer|inference|sample|mini|micro|local|
        global|per_gpu|per_device|per_replica|device|gpu|input|max|default|full|real|fixed|the|my)_?)*
    (?:batch_?size|batch_?sz|bsz|bsize|b_size|batch_?dim|bs|size_batch|n_batch_size)
    (?:_?(?:train|training|test|testing|val|valid|validation|eval|evaluation|per_gpu|per_device|sup|real|fake|\d))?_*$""",
    re.IGNORECASE | re.VERBOSE,
)
_AMBIGUOUS = re.compile(r"^_*(?:mini_?|n_?)?batch$", re.IGNORECASE)
_ROWS = re.compile(r"^(?:b|n|nb|bz|(?:[a-z]+_)?batch)_?\d?$", re.IGNORECASE)
_CONFIGURATION = re.compile(
    r"^_*(?:args?|arguments|opts?|options?|cfgs?|conf(?:ig)?s?|configuration|hparams?|hyper_?params?|"
    r"hyperparameters|hps?|flags|settings?|params?|train_args|training_args|default_config)$",
    re.IGNORECASE,
)
_EVALUATION = re.compile(
    r"(?:^|[_\W\d])(?:test|testing|tst|val|valid|validation|eval|evaluation|dev|infer|inference|predict|pred|holdout)(?:$|[_\W\d])|(?:^|_)(?:test|val|valid|eval)(?=loader|data|set|_|$|iter|dl|ds)",
    re.IGNORECASE,
)
_TRAINING = re.compile(r"train|fit|\btr(?:n)?(?=_)", re.IGNORECASE)
_LOADER = re.compile(
    r"(?:loader|_dl|dataloaders?|data_iter|_iter(?:ator)?|batches|_gen(?:erator)?)s?(?:_?(?:train|test|val|valid|eval|\d))?$",
    re.IGNORECASE,
)
_INPUT_SIZE = re.compile(
    r"^_*(?:(?:input|image|img|im|crop|frame|pic|picture|patch|seq|sequence|window)_?(?:size|sz|height|width|h|w|res|resolution|len|length|side)|"
    r"size|height|resolution|length|side|h|w)_*$",
    re.IGNORECASE,
)
_NUMBER = re.compile(r"^_*(?:n|nb|num|number|no|total|max|min|len|count)_", re.IGNORECASE)


_COUNT = re.compile(
    r"^_*(?:n|(?:n|nb|nr|no|num|number|count|total|len|length|size)_?[a-z0-9_]*|"
    r"[a-z0-9_]*(?:_n|count|counts|len|length|size|total|samples|examples|images|rows|instances))_*$",
    re.IGNORECASE,
)


@functools.lru_cache(maxsize=8192)
def names_count(name: str) -> bool:
    """Whether *name* says a number of things: ``n_samples``, ``num_examples``, ``data_size``, ``n``."""
    return _COUNT.match(name) is not None


@functools.lru_cache(maxsize=8192)
def names_batch_size(name: str) -> bool:
    """Whether *name* says batch size: ``batch_size``, ``BATCH_SIZE``, ``batchSize``, ``bsz``, ``train_bs``, …"""
    return _BATCH_SIZE.match(name) is not None


@functools.lru_cache(maxsize=8192)
def may_name_batch_size(name: str) -> bool:
    """Whether *name* says batch size where it is bound to a number (``batch``, ``BATCH``)."""
    return _AMBIGUOUS.match(name) is not None or names_batch_size(name)


@functools.lru_cache(maxsize=8192)
def names_rows(name: str) -> bool:
    """Whether *name*, bound to the first size of a tensor, says batch: ``b``, ``batch_``, ``enc_batch``."""
    return _ROWS.match(name) is not None or names_batch_size(name)


@functools.lru_cache(maxsize=8192)
def names_input_size(name: str) -> bool:
    """Whether *name* says how large an input is: ``image_size``, ``imsize``, ``height``, ``seq_len``."""
    return _INPUT_SIZE.match(name) is not None


@functools.lru_cache(maxsize=8192)
def names_configuration(name: str) -> bool:
    """Whether *name* says command-line arguments or configuration: ``args``, ``opt``, ``cfg``, ``hparams``, …"""
    return _CONFIGURATION.match(name) is not None


@functools.lru_cache(maxsize=8192)
def names_evaluation(name: str) -> bool:
    """Whether *name* says that the data only evaluates: ``test_loader``, ``valloader``, ``eval_ds``."""
    return _EVALUATION.search(name) is not None and not _TRAINING.search(name)


@functools.lru_cache(maxsize=8192)
def names_training(name: str) -> bool:
    """Whether *name* says that the data trains."""
    return _TRAINING.search(name) is not None


@functools.lru_cache(maxsize=8192)
def names_data_loader(name: str) -> bool:
    """Whether *name* says data loader in so many words: ``train_loader``, ``test_dataloader``."""
    return names_loader(name) and "loader" in name.lower()


@functools.lru_cache(maxsize=8192)
def names_loader(name: str) -> bool:
    """Whether *name* says that iterating gives batches: ``train_loader``, ``dataloader``, ``test_dl``."""
    return _LOADER.search(name) is not None and _NUMBER.match(name) is None
