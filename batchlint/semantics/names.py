"""Canonical names: what an imported name is called in its framework's documentation."""

from __future__ import annotations

import functools
import re

_PREFIXES = (
    (re.compile(r"^torch\.nn\.modules\.\w+\."), "torch.nn."),
    (re.compile(r"^torch\.nn\.parameter\."), "torch.nn."),
    (re.compile(r"^torch\.(?:functional|_C\._nn|special|autograd|autograd\.variable)\."), "torch."),
    (re.compile(r"^torch\.utils\.data\.(?:dataloader|dataset|sampler|distributed)\."), "torch.utils.data."),
    (re.compile(r"^torchvision\.datasets\.\w+\.(?=[A-Z])"), "torchvision.datasets."),
    (re.compile(r"^torchvision\.transforms\.(?:transforms|v2)\."), "torchvision.transforms."),
    (re.compile(r"^torch\._tensor\."), "torch."),
    (re.compile(r"^torch\.linalg\.(?=matmul|norm)"), "torch."),
    (re.compile(r"^pytorch_lightning\.|^lightning\.pytorch\."), "lightning."),
    (re.compile(r"^np\."), "numpy."),
    (re.compile(r"^(?:tensorflow\.)?(?:compat\.v[12]\.)?(?:python\.)?(?:tf_)?keras\.(?:api\.|src\.)*"), "keras."),
    (re.compile(r"^tensorflow\.(?:contrib|python|_api\.v2)\.keras\."), "keras."),
    (re.compile(r"^tensorflow\.compat\.v[12]\."), "tensorflow."),
    (re.compile(r"^tensorflow\.(?:math|linalg)\.(?!l2_normalize)"), "tensorflow."),
    (
        re.compile(r"^tensorflow\.python\.(?:ops\.(?:\w+_ops|nn|variable_scope|init_ops)|framework\.\w+)\."),
        "tensorflow.",
    ),
    (re.compile(r"^(?:tensorflow\.contrib\.slim|tf_slim)\.(?:layers\.)?"), "tensorflow.contrib.layers."),
    (re.compile(r"^tensorflow\.contrib\.layers\.python\.layers\.(?:\w+\.)?"), "tensorflow.contrib.layers."),
    (
        re.compile(
            r"^tensorflow\.(?:contrib\.rnn|models\.rnn|nn\.rnn_cell|python\.ops)\."
            r"(?:python\.ops\.)?(?:(?:core_)?rnn(?:_cell)?(?:_impl)?\.)?(?=[A-Z]\w*$|\w*rnn$)"
        ),
        "tensorflow.nn.rnn_cell.",
    ),
    (re.compile(r"^tensorflow\.nn\.rnn_cell\.(?=\w*rnn$)"), "tensorflow.nn."),
    (re.compile(r"^tensorflow\.layers\.(?=[A-Z])"), "keras.layers."),
    (re.compile(r"^keras\.(?:engine|models|layers)\.(?:\w+\.)*(?=(?:Input|Model|Sequential)$)"), "keras."),
    (re.compile(r"^keras\.engine\.(?:\w+\.)?(?=Layer$)"), "keras.layers."),
    (re.compile(r"^keras\.(?=Layer$)"), "keras.layers."),
    (re.compile(r"^keras\.layers\.(?:[a-z]\w*\.)+"), "keras.layers."),
    (re.compile(r"^keras\.backend\.(?:common|tensorflow_backend|tensorflow)\."), "keras.backend."),
    (re.compile(r"^keras\.ops\.(?:numpy|nn|core|linalg|math|image)\."), "keras.ops."),
    (re.compile(r"^keras\.utils\.(?:\w+_utils|all_utils|data_utils)\.(?=[A-Z])"), "keras.utils."),
)
_NUMPY_FALLBACKS = {"numpy.linalg.norm": "numpy.linalg.norm"}

MODULE_BASES = frozenset(
    {
        "torch.nn.Module",
        "torch.jit.ScriptModule",
        "lightning.LightningModule",
        "lightning.core.LightningModule",
        "lightning.core.lightning.LightningModule",
        "torch.nn.modules.loss._Loss",
        "torch.nn._Loss",
        "torch.nn.modules.Module",
        "keras.Model",
        "keras.Sequential",
        "keras.layers.Layer",
        "tensorflow.Module",
    }
)
"""Bases that make a class a layer or model."""

MODULE_ATTRIBUTES = frozenset(
    """
    T_destination __annotations__ __getattr__ __setstate__ __weakref__ _apply _backward_hooks
    _backward_pre_hooks _buffers _call_impl _compiled_call_impl _forward_hooks _forward_hooks_always_called
    _forward_hooks_with_kwargs _forward_pre_hooks _forward_pre_hooks_with_kwargs _get_backward_hooks
    _get_backward_pre_hooks _get_name _is_full_backward_hook _load_from_state_dict _load_state_dict_post_hooks
    _load_state_dict_pre_hooks _maybe_warn_non_full_backward_hook _modules _named_members
    _non_persistent_buffers_set _parameters _register_load_state_dict_pre_hook _register_state_dict_hook
    _replicate_for_data_parallel _save_to_state_dict _slow_forward _state_dict_hooks _state_dict_pre_hooks
    _version _wrapped_call_impl add_module apply bfloat16 buffers call_super_init children compile cpu cuda
    double dump_patches eval extra_repr float forward get_buffer get_extra_state get_parameter get_submodule
    half ipu load_state_dict modules mtia named_buffers named_children named_modules named_parameters parameters
    register_backward_hook register_buffer register_forward_hook register_forward_pre_hook
    register_full_backward_hook register_full_backward_pre_hook register_load_state_dict_post_hook
    register_load_state_dict_pre_hook register_module register_parameter register_state_dict_post_hook
    register_state_dict_pre_hook requires_grad_ set_extra_state set_submodule share_memory state_dict to
    to_empty train training type xpu zero_grad
    """.split()
)
"""What every layer or model has of itself."""


@functools.lru_cache(maxsize=4096)
def canonical(name: str) -> str:
    """The documented name of the dotted *name*: ``torch.nn.modules.conv.Conv2d`` is ``torch.nn.Conv2d``."""
    for pattern, replacement in _PREFIXES:
        shorter = pattern.sub(replacement, name, count=1)
        if shorter != name:
            name = shorter
    return name


_FRAMEWORKS = frozenset({"torch", "tensorflow", "keras"})


def is_framework(name: str) -> bool:
    """Whether *name* belongs to PyTorch, TensorFlow or Keras itself."""
    return name.partition(".")[0] in _FRAMEWORKS
