"""Find and prove batch-size hazards in deep learning code. Importing this imports neither libcst nor a framework."""

from __future__ import annotations

TYPE_CHECKING = False  # type checkers know the name; importing it from typing would cost every start
if TYPE_CHECKING:
    from batchlint.verify.model_report import BatchHazard as BatchHazard
    from batchlint.verify.model_report import ModelReport as ModelReport
    from batchlint.verify.worker.model import verify_model as verify_model

__version__ = "0.1.0"

__all__ = ["BatchHazard", "ModelReport", "__version__", "verify_model"]

_PLACES = {
    "BatchHazard": "batchlint.verify.model_report",
    "ModelReport": "batchlint.verify.model_report",
    "verify_model": "batchlint.verify.worker.model",
}


def __getattr__(name: str) -> object:
    """Import what is asked for, and with it the framework, when it is asked for."""
    if name not in _PLACES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    import importlib

    found = getattr(importlib.import_module(_PLACES[name]), name)
    globals()[name] = found
    return found


def __dir__() -> list[str]:
    return sorted({*globals(), *_PLACES})
