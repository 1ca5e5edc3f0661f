"""Well-known data sets: the shape of one sample, and how many samples and classes there are.

The numbers are those of torchvision's classes, which follow the data sets' own pages:

* MNIST: 28x28, 60,000 and 10,000 (LeCun, Cortes and Burges, http://yann.lecun.com/exdb/mnist/).
* FashionMNIST: as MNIST (Xiao, Rasul and Vollgraf 2017, https://github.com/zalandoresearch/fashion-mnist).
* KMNIST: as MNIST (Clanuwat et al. 2018, https://github.com/rois-codh/kmnist).
* QMNIST: 60,000 and 60,000 (Yadav and Bottou 2019, https://github.com/facebookresearch/qmnist).
* EMNIST: its six splits differ in samples and classes (Cohen et al. 2017,
  https://www.nist.gov/itl/products-and-services/emnist-dataset), so these are given for each.
* USPS: 16x16, 7,291 and 2,007 (Hull 1994, https://www.csie.ntu.edu.tw/~cjlin/libsvmtools/datasets/multiclass.html#usps).
* CIFAR10, CIFAR100: 32x32 in colour, 50,000 and 10,000 (Krizhevsky 2009, https://www.cs.toronto.edu/~kriz/cifar.html).
* SVHN: 32x32 in colour, 73,257 and 26,032, further 531,131 (Netzer et al. 2011,
  http://ufldl.stanford.edu/housenumbers/).
* STL10: 96x96 in colour, 5,000 and 8,000, 100,000 without labels (Coates, Ng and Lee 2011,
  https://cs.stanford.edu/~acoates/stl10/).
* Omniglot: 105x105, 964 characters of the background set and 659 of the evaluation set with 20 drawings each
  (Lake, Salakhutdinov and Tenenbaum 2015, https://github.com/brendenlake/omniglot).
* SEMEION: 16x16, 1,593 samples (https://archive.ics.uci.edu/dataset/178/semeion+handwritten+digit).
* PCAM: 96x96 in colour, 262,144 and 32,768 (Veeling et al. 2018, https://github.com/basveeling/pcam).
* EuroSAT: 64x64 in colour, 27,000 samples (Helber et al. 2019, https://github.com/phelber/EuroSAT).
* RenderedSST2: 448x448 in colour, 6,920 and 1,821 (Radford et al. 2021, https://github.com/openai/CLIP).
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import NamedTuple


class Dataset(NamedTuple):
    """A data set of images that all have one size.

    Attributes:
        sample: channels, height and width of one image as a tensor.
        classes: how many labels there are, ``None`` where the split decides.
        train: samples for training (all of them, where there is one split only), ``None`` where the split decides.
        test: samples for testing, ``None`` where there is no such split or it decides.
    """

    sample: tuple[int, int, int]
    classes: int | None
    train: int | None
    test: int | None


_TORCHVISION = {
    "MNIST": Dataset((1, 28, 28), 10, 60_000, 10_000),
    "FashionMNIST": Dataset((1, 28, 28), 10, 60_000, 10_000),
    "KMNIST": Dataset((1, 28, 28), 10, 60_000, 10_000),
    "QMNIST": Dataset((1, 28, 28), 10, 60_000, 60_000),
    "EMNIST": Dataset((1, 28, 28), None, None, None),
    "USPS": Dataset((1, 16, 16), 10, 7_291, 2_007),
    "CIFAR10": Dataset((3, 32, 32), 10, 50_000, 10_000),
    "CIFAR100": Dataset((3, 32, 32), 100, 50_000, 10_000),
    "SVHN": Dataset((3, 32, 32), 10, 73_257, 26_032),
    "STL10": Dataset((3, 96, 96), 10, 5_000, 8_000),
    "Omniglot": Dataset((1, 105, 105), None, None, None),
    "SEMEION": Dataset((1, 16, 16), 10, 1_593, None),
    "PCAM": Dataset((3, 96, 96), 2, 262_144, 32_768),
    "EuroSAT": Dataset((3, 64, 64), 10, 27_000, None),
    "RenderedSST2": Dataset((3, 448, 448), 2, 6_920, 1_821),
}

DATASETS: Mapping[str, Dataset] = MappingProxyType(
    {f"torchvision.datasets.{name}": dataset for name, dataset in _TORCHVISION.items()}
)
"""Canonical name to data set."""


class Arrays(NamedTuple):
    """A data set as Keras and TensorFlow Datasets give it: one sample, its label, and how many there are.

    Attributes:
        sample: the sizes of one sample; empty where samples differ in length.
        label: the sizes of one label.
        train: samples for training.
        test: samples for testing.
    """

    sample: tuple[int, ...]
    label: tuple[int, ...]
    train: int
    test: int


KERAS_DATASETS: Mapping[str, Arrays] = MappingProxyType(
    {
        "mnist": Arrays((28, 28), (), 60_000, 10_000),
        "fashion_mnist": Arrays((28, 28), (), 60_000, 10_000),
        "cifar10": Arrays((32, 32, 3), (1,), 50_000, 10_000),
        "cifar100": Arrays((32, 32, 3), (1,), 50_000, 10_000),
        "imdb": Arrays((), (), 25_000, 25_000),
        "reuters": Arrays((), (), 8_982, 2_246),
        "boston_housing": Arrays((13,), (), 404, 102),
        "california_housing": Arrays((8,), (), 16_512, 4_128),
    }
)
"""What ``keras.datasets.<name>.load_data()`` gives (https://keras.io/api/datasets/)."""

TENSORFLOW_DATASETS: Mapping[str, Arrays] = MappingProxyType(
    {
        "mnist": Arrays((28, 28, 1), (), 60_000, 10_000),
        "fashion_mnist": Arrays((28, 28, 1), (), 60_000, 10_000),
        "kmnist": Arrays((28, 28, 1), (), 60_000, 10_000),
        "cifar10": Arrays((32, 32, 3), (), 50_000, 10_000),
    }
)
"""What ``tfds.load(name)`` gives (https://www.tensorflow.org/datasets/catalog/overview)."""

EMNIST_SPLITS: Mapping[str, Dataset] = MappingProxyType(
    {
        "byclass": Dataset((1, 28, 28), 62, 697_932, 116_323),
        "bymerge": Dataset((1, 28, 28), 47, 697_932, 116_323),
        "balanced": Dataset((1, 28, 28), 47, 112_800, 18_800),
        "letters": Dataset((1, 28, 28), 26, 124_800, 20_800),
        "digits": Dataset((1, 28, 28), 10, 240_000, 40_000),
        "mnist": Dataset((1, 28, 28), 10, 60_000, 10_000),
    }
)
"""``EMNIST(split=…)`` to its samples and classes."""
