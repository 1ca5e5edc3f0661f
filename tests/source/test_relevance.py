"""A file that may hold a hazard is never passed over; most others cost no more than one scan."""

from __future__ import annotations

import subprocess
import sys

import pytest

from batchlint.source.relevance import may_matter


@pytest.mark.parametrize(
    "text",
    [
        "import torch\n",
        "import torch.nn as nn\n",
        "from torch import nn\n",
        "from torch.utils.data import DataLoader\n",
        "    import torch\n",
        "if x: import torch\n",
        "import os, torch\n",
        "import os as system, torch as t\n",
        "import numpy as np; import torch\n",
        "import\ttorch\n",
        "from   torchvision import models\r\n",
        "import torch_geometric\n",
        "import pytorch_lightning as pl\n",
        "import lightning as L\n",
        "import tensorflow as tf\n",
        "import tensorflow.compat.v1 as tf\n",
        "from tensorflow.keras import layers\n",
        "from keras.models import Sequential\n",
        "import numpy as np\nfor epoch in range(10): pass\n",
        "from numpy import zeros\nBATCH_SIZE = 64\n",
        "import jax.numpy as jnp\nminibatch = 3\n",
        '{"source": ["import torch\\n", "x = 1"]}',
        '{"source": ["import os\\nfrom torch import nn"]}',
        '{"source": "import os, torch"}',
    ],
)
def test_may_matter(text: str) -> None:
    assert may_matter(text.encode())


@pytest.mark.parametrize(
    "text",
    [
        "",
        "import os\nbatch_size = 64\n",
        "import numpy as np\nx = np.zeros(3)\n",
        "# the epoch of torch and keras\n",
        "from .torch_helpers import load\n",
        "from mytorch import nn\n",
        "import pytorch\n",
        "import os\ntorch = None\n",
        "important torches\n",
    ],
)
def test_cannot_matter(text: str) -> None:
    assert not may_matter(text.encode())


def test_long_hostile_lines_take_no_longer_than_long_harmless_ones() -> None:
    assert not may_matter(b"import a " * 200_000)


def test_the_filter_imports_nothing_but_regular_expressions() -> None:
    script = (
        "import re, sys; before = {*sys.modules}; import batchlint.source.relevance; print(*{*sys.modules} - before)"
    )
    added = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True).stdout
    assert set(added.split()) <= {"batchlint", "batchlint.source", "batchlint.source.relevance", "__future__"}
