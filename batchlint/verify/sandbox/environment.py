"""The environment variables of the processes that run the user's code: none that could hold a secret."""

from __future__ import annotations

import os
import site
import sysconfig
from collections.abc import Mapping
from pathlib import Path

from batchlint.verify.sandbox.devices import HIDING

KEPT = frozenset(
    """
    PATH LANG LANGUAGE LC_ALL LC_CTYPE LC_NUMERIC TZ PYTHONPATH PYTHONHOME PYTHONUTF8 PYTHONIOENCODING PYTHONNOUSERSITE
    VIRTUAL_ENV CONDA_PREFIX LD_LIBRARY_PATH DYLD_LIBRARY_PATH DYLD_FALLBACK_LIBRARY_PATH CUDA_VISIBLE_DEVICES CUDA_HOME
    CUDA_PATH CUDA_DEVICE_ORDER NVIDIA_VISIBLE_DEVICES NVIDIA_DRIVER_CAPABILITIES HIP_VISIBLE_DEVICES
    ROCR_VISIBLE_DEVICES HSA_OVERRIDE_GFX_VERSION SYSTEMROOT SYSTEMDRIVE WINDIR PATHEXT COMSPEC NUMBER_OF_PROCESSORS
    PROCESSOR_ARCHITECTURE
    """.split()
)
"""Names that are passed on; everything else stays behind."""

ALWAYS = {
    "OMP_NUM_THREADS": "1",
    "OMP_WAIT_POLICY": "PASSIVE",  # waiting in a loop takes ten times as long on a busy machine
    "KMP_BLOCKTIME": "0",
    "MKL_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
    "NUMEXPR_NUM_THREADS": "1",
    "PYTHONDONTWRITEBYTECODE": "1",
    "PYTHONHASHSEED": "0",
    "MPLBACKEND": "Agg",
    "WANDB_MODE": "disabled",
    "TOKENIZERS_PARALLELISM": "false",
    "PYTORCH_NVML_BASED_CUDA_CHECK": "1",
}
OFFLINE = {"HF_HUB_OFFLINE": "1", "TRANSFORMERS_OFFLINE": "1", "HF_DATASETS_OFFLINE": "1"}
CACHES = {"TORCH_HOME": ".cache/torch", "HF_HUB_CACHE": ".cache/huggingface/hub"}
"""Folders of downloaded weights, below the user's home: read where they are, never written to."""


def scrubbed(environment: Mapping[str, str], *, hide_accelerators: bool, allow_network: bool) -> dict[str, str]:
    """What of *environment* the processes that run the user's code get, and what else they need.

    Args:
        environment: that of this process.
        hide_accelerators: whether frameworks are to find none.
        allow_network: whether libraries may try to download.
    """
    kept = {name: value for name, value in environment.items() if name.upper() in KEPT}
    kept.update(ALWAYS)
    if not allow_network:
        kept.update(OFFLINE)
    for name, folder in CACHES.items():
        found = environment.get(name) or os.path.join(os.path.expanduser("~"), folder)
        if os.path.isdir(found):
            kept[name] = os.path.abspath(found)
    if site.ENABLE_USER_SITE:
        kept["PYTHONUSERBASE"] = site.getuserbase()  # it would be sought in the home, which is another one
    if hide_accelerators:
        kept.update(HIDING)
    if (own := _own_root()) is not None:
        kept["PYTHONPATH"] = os.pathsep.join([own, *filter(None, [kept.get("PYTHONPATH")])])
    return kept


def homes(folder: str) -> dict[str, str]:
    """Variables that make *folder* the home and the place of temporary files."""
    names = ("HOME", "USERPROFILE", "TMPDIR", "TEMP", "TMP", "XDG_CACHE_HOME", "XDG_CONFIG_HOME", "XDG_DATA_HOME",
             "XDG_STATE_HOME", "XDG_RUNTIME_DIR", "APPDATA", "LOCALAPPDATA")  # fmt: skip
    return dict.fromkeys(names, folder)


def _own_root() -> str | None:
    """The folder that this package lies in, unless Python looks there anyway."""
    root = str(Path(__file__).resolve().parents[3])
    usual = {os.path.realpath(sysconfig.get_path(name)) for name in ("purelib", "platlib", "stdlib")}
    return None if root in usual or "site-packages" in root else root
