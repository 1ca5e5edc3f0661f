"""Reading sizes from tensors, and shapes that meet again what was read."""

from __future__ import annotations

from reading import assert_shapes


def test_unpacked_sizes_come_back() -> None:
    assert_shapes("""
        from torch import nn

        class Net(nn.Module):
            def forward(self, x):
                b, c, h, w = x.shape
                y = x.view(b, c, h * w)  # [B, c, h*w]
                y = y.transpose(1, 2)  # [B, h*w, c]
                y = y.reshape(b, h, w, c)  # [B, h, w, c]
                return y.view(-1, c)  # [B*h*w, c]
    """)


def test_starred_and_nested_unpacking() -> None:
    assert_shapes("""
        from torch import nn

        class Net(nn.Module):
            def __init__(self):
                super().__init__()
                self.conv = nn.Conv2d(3, 8, 1)

            def forward(self, x):
                x = self.conv(x)
                b, *sizes = x.shape
                y = x.view(b, -1)  # [B, 8*H*W]
                *_, h, w = x.size()
                y = x.view(-1, h, w)  # [8*B, H, W]
                (rows, channels), last = x.shape[:2], x.size(-1)
                return x.reshape(rows, channels, -1, last)  # [B, 8, H, W]
    """)


def test_products_and_floors_of_sizes() -> None:
    assert_shapes("""
        import math
        import torch
        from torch import nn

        class Net(nn.Module):
            def __init__(self, heads=4):
                super().__init__()
                self.heads = heads
                self.qkv = nn.Linear(64, 3 * 64)

            def forward(self, x):
                b, n, width = x.shape
                q, k, v = self.qkv(x).reshape(b, n, 3, self.heads, 64 // self.heads).permute(2, 0, 3, 1, 4).unbind(0)
                scores = q @ k.transpose(-2, -1)  # [B, 4, n, n]
                mixed = (scores.softmax(dim=-1) @ v).transpose(1, 2)  # [B, n, 4, 16]
                return mixed.reshape(b, n, math.prod((4, 16)))  # [B, n, 64]
    """)


def test_a_branch_on_the_rank_does_not_lose_the_batch() -> None:
    assert_shapes("""
        import torch
        from torch import nn

        class Net(nn.Module):
            def __init__(self):
                super().__init__()
                self.linear = nn.Linear(8, 4)

            def forward(self, x, scale=None):
                if x.dim() == 2:
                    x = x.unsqueeze(1)
                if scale is not None:
                    x = x * 2
                x = x + 1  # [B, ...]
                return self.linear(x)  # [B, ..., 4]
    """)


def test_arrays_are_tensors_too() -> None:
    assert_shapes("""
        import numpy as np

        a = np.zeros((6, 4))  # [6, 4]
        b = np.concatenate([a, a], axis=1)  # [6, 8]
        c = b[:, np.newaxis]  # [6, 1, 8]
        d = c.squeeze().T  # [8, 6]
        e = np.expand_dims(d, 0).reshape(-1, 6)  # [8, 6]
        f = e[2:5, -1]  # [3]
    """)
