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
_TRAINING = rb"batch_?size|mini_?batch|n_?batch|num_?batch|batch_num|epoch|data_?loader|train_(?:x|loader|data|images)|x_train"

# Between the keyword and the name may stand other names (`import os, torch`), but no end of the line; in a notebook
# the end of a line is the two characters `\n`, so a backslash ends it as well.
_IMPORT = rb"\b(?:import|from)[ \t]+(?:[\w., \t]*[ ,\t])?(?:%s)\b"
_imports_framework = re.compile(_IMPORT % _FRAMEWORKS).search
_imports_arrays = re.compile(_IMPORT % _ARRAYS).search
_trains = re.compile(_TRAINING, re.IGNORECASE).search


def may_matter(data: bytes) -> bool:
    """Whether *data*, a Python file's or a notebook's bytes, could hold a batch-size hazard.

    True when it imports a deep-learning framework, or an array library beside the words of training. May err towards
    true, as comments and strings count; encodings that are no superset of ASCII are not understood.
    """
    if _imports_framework(data):
        return True
    return bool(_imports_arrays(data)) and bool(_trains(data))
