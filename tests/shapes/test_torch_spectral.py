"""Fourier transforms against torch."""

from __future__ import annotations

import torch_side  # noqa: F401  (enters PyTorch)
from differential import Case, Draw, Group, Size, Tensor, both, differential_tests, functions


def one(d: Draw, least: int = 1) -> Case:
    tensor = d.tensor(1, 3, least, 6)
    return Case((tensor, d.one_of(None, Size(d.integer(1, 6))), d.dim(len(tensor.sizes))))


def complex_one(d: Draw) -> Case:
    tensor, n, dim = one(d, least=2).arguments
    return Case((Tensor(tensor.sizes, "complex64"), n, dim))


def two(d: Draw, least: int = 1) -> Case:
    tensor = d.tensor(2, 4, least, 6)
    return d.one_of(
        Case((tensor,)),
        Case((tensor, tuple(map(Size, d.sizes(2, 2))))),
        Case((tensor,), {"dim": d.permutation(len(tensor.sizes))[:2]}),
    )


def complex_two(d: Draw) -> Case:
    tensor, *rest = two(d, least=2).arguments
    return Case((Tensor(tensor.sizes, "complex64"), *rest))


def several(d: Draw) -> Case:
    tensor = d.tensor(1, 4, 2, 6)
    dims = d.dims(len(tensor.sizes))
    return d.one_of(
        Case((tensor,)),
        Case((tensor, None, dims)),
        Case((tensor, tuple(map(Size, d.sizes(len(dims), len(dims)))), dims)),
        Case((tensor, tuple(map(Size, d.sizes(1, len(tensor.sizes)))))),
    )


def complex_several(d: Draw) -> Case:
    tensor, *rest = several(d).arguments
    return Case((Tensor(tensor.sizes, "complex64"), *rest))


def shifted(d: Draw) -> Case:
    tensor = d.tensor(1, 3)
    return Case((tensor, d.dims(len(tensor.sizes)))) if d.chance() else Case((tensor,))


def stft(d: Draw) -> Case:
    n_fft = d.one_of(4, 5, 8)
    options = {
        "window": Tensor((n_fft,)),
        "onesided": d.chance(),
        "return_complex": d.chance(),
        "center": d.chance(),
    }
    if d.chance():
        options["hop_length"] = d.integer(1, 4)
    return Case((Tensor((*d.sizes(0, 1), d.integer(9, 20))), n_fft), options)


GROUPS = [
    Group(functions("fft ifft rfft ihfft", "torch.fft"), one, examples=100),
    Group(functions("irfft hfft", "torch.fft"), complex_one, examples=100),
    Group(functions("fft2 ifft2 rfft2", "torch.fft"), two),
    Group(functions("irfft2", "torch.fft"), complex_two),
    Group(functions("fftn ifftn rfftn", "torch.fft"), several, examples=100),
    Group(functions("irfftn", "torch.fft"), complex_several, examples=100),
    Group(functions("fftshift ifftshift", "torch.fft"), shifted),
    Group(functions("fftfreq rfftfreq", "torch.fft"), lambda d: Case((Size(d.integer(1, 9)),))),
    Group(both("stft"), stft, device="cpu", examples=40),
]

test_agrees, test_every_operation_is_tested = differential_tests("torch.spectral", GROUPS)
