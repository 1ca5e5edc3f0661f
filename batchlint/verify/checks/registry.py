"""All checks of models, by the names that rules have in ``proved_by``."""

from __future__ import annotations

import importlib
from collections.abc import Iterator, Mapping

from batchlint.verify.checks.base import Check

PLACES: dict[str, tuple[str, str]] = {
    "crash at batch sizes": ("crash_at_batch_sizes", "CrashAtBatchSizes"),
    "leading dimension": ("leading_dimension", "LeadingDimension"),
    "per-sample consistency": ("per_sample_consistency", "PerSampleConsistency"),
    "sample dependency": ("sample_dependency", "SampleDependency"),
    "state between runs": ("state_between_runs", "StateBetweenRuns"),
    "train mode at batch size 1": ("train_mode_at_batch_size_1", "TrainModeAtBatchSize1"),
    "other spatial sizes": ("other_spatial_sizes", "OtherSpatialSizes"),
    "further padding": ("further_padding", "FurtherPadding"),
    "duplicated batch": ("duplicated_batch", "DuplicatedBatch"),
    "symbolic batch": ("symbolic_batch", "SymbolicBatch"),
    "export and run": ("export_and_run", "ExportAndRun"),
}
"""Name to module and class, in the order in which checks are run: what is cheap and what others reuse comes first."""


class _Registry(Mapping[str, Check]):
    """Checks by name; a check's module is imported when the check is asked for."""

    def __getitem__(self, name: str) -> Check:
        module, kind = PLACES[name]
        found: type[Check] = getattr(importlib.import_module(f"batchlint.verify.checks.{module}"), kind)
        return found()

    def __iter__(self) -> Iterator[str]:
        return iter(PLACES)

    def __len__(self) -> int:
        return len(PLACES)


CHECKS: Mapping[str, Check] = _Registry()
"""The check called so, e.g. ``CHECKS["leading dimension"]``."""
