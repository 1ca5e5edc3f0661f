"""Which models are run: for each file, how to make a model and what to call it with."""

from __future__ import annotations

from benchmarks.shapes.catalogue import gans, image_classifiers, packages, transformers, tutorials
from benchmarks.shapes.catalogue.model import Collection, Model

COLLECTIONS: tuple[Collection, ...] = (
    *image_classifiers.COLLECTIONS,
    *transformers.COLLECTIONS,
    *gans.COLLECTIONS,
    *tutorials.COLLECTIONS,
    *packages.COLLECTIONS,
)

__all__ = ["COLLECTIONS", "Collection", "Model"]
