"""May this file matter: one scan of the bytes, so that most files of a tree are never decoded, let alone parsed.

Imports the regular expressions alone, because a run over files without a framework consists of little else.
"""

from __future__ import annotations

import re

# A prefix stands for its family: `torch` for torchvision, torch_geometric; `tensorflow` for tensorflow_datasets.
_FRAMEWORKS = (
    rb"torch\w*|tensorflow\w*|tf_\w+|keras\w*|lightning\w*|pytorch_\w+|fastai|ignite|skorch|timm|transformers|"
    rb"accelerate|datasets|monai|kornia|mmcv|mmengine|detectron2|fvcore|segmentation_models\w*|tflearn|catalyst|dgl"
)
_ARRAYS = rb"numpy|jax|cupy|mxnet|paddle\w*|flax|chainer"
_TRAINING = tuple(
    b"batch_size batchsize minibatch mini_batch n_batch num_batch nbatch batch_num epoch dataloader data_loader "
    b"x_train train_x train_data train_images train_loader".split()
)

# Each pattern begins with a plain word, which the regular expression engine looks for ten times faster than for a
# choice. Before the name may stand others (`import os, torch`), but no end of the line; in a notebook the end of a
# line is the two characters `\n`, so a backslash ends it as well.
_FROM = rb"from[ \t]+(?:%s)\b"
_IMPORT = rb"import[ \t]+(?:[\w., \t]{0,200}[ ,\t])?(?:%s)\b"
_from_framework = re.compile(_FROM % _FRAMEWORKS).search
_import_framework = re.compile(_IMPORT % _FRAMEWORKS).search
_from_arrays = re.compile(_FROM % _ARRAYS).search
_import_arrays = re.compile(_IMPORT % _ARRAYS).search


def may_matter(data: bytes) -> bool:
    """Whether *data*, a Python file's or a notebook's bytes, could hold a batch-size hazard.

    True when it imports a deep-learning framework, or an array library beside the words of training. May err towards
    true, as comments and strings count; encodings that are no superset of ASCII are not understood.
    """
    if _from_framework(data) or _import_framework(data):
        return True
    if not (_from_arrays(data) or _import_arrays(data)):
        return False
    lowered = data.lower()
    return any(word in lowered for word in _TRAINING)
