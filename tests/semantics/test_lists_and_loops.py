"""Layers that are gathered in lists, dicts and loops: what is called is what the file made."""

from __future__ import annotations

from reading import assert_shapes


def test_continue_goes_on_with_the_next_round() -> None:
    assert_shapes("""
        import torch
        from torch import nn

        def layers(plan):
            made, width = [], 3
            for step in plan:
                if step == "M":
                    made += [nn.MaxPool2d(2)]
                    continue
                made += [nn.Conv2d(width, step, 3, padding=1)]
                width = step
            return nn.Sequential(*made)

        x = layers([8, "M", 16, "M", 32])(torch.zeros(2, 3, 16, 16))  # [2, 32, 4, 4]
    """)


def test_break_and_return_leave_a_loop() -> None:
    assert_shapes("""
        import torch

        def first_above(sizes, least):
            for size in sizes:
                if size > least:
                    return torch.zeros(size)
            return torch.zeros(0)

        for size in (1, 2, 3):
            if size == 2:
                break
        x = torch.zeros(size)  # [2]
        y = first_above([3, 5, 7], 4)  # [5]
    """)


def test_a_constructor_counts_down() -> None:
    assert_shapes("""
        import torch
        from torch import nn

        class Net(nn.Module):
            def __init__(self, repeat=3):
                super().__init__()
                layers = [nn.Linear(4, 8)]
                while repeat - 1:
                    layers.append(nn.Linear(8, 8 * repeat))
                    layers.append(nn.Linear(8 * repeat, 8))
                    repeat -= 1
                self.layers = nn.Sequential(*layers, nn.Linear(8, 5))

            def forward(self, x):
                return self.layers(x)

        y = Net()(torch.zeros(2, 4))  # [2, 5]
    """)


def test_lists_change_in_functions_that_are_given_them() -> None:
    assert_shapes("""
        import torch
        from torch import nn

        def add(layers, width):
            layers.append(nn.Linear(4, width))

        layers = []
        add(layers, 7)
        y = nn.Sequential(*layers)(torch.zeros(2, 4))  # [2, 7]
        sizes = [1, 2, 3]
        sizes.insert(1, 5)
        sizes.pop()
        z = torch.zeros(*sizes)  # [1, 5, 2]
        w = torch.zeros(*reversed(sizes))  # [2, 5, 1]
    """)


def test_dicts_that_others_may_fill_leave_defaults_open() -> None:
    assert_shapes("""
        import torch
        from torch import nn
        from elsewhere import fill

        options = {"stride": 2}
        x = nn.Conv2d(3, 8, 4, **options)(torch.zeros(1, 3, 8, 8))  # [1, 8, 3, 3]
        fill(options)
        y = nn.Conv2d(3, 8, 4, **options)(torch.zeros(1, 3, 8, 8))  # [1, 8, ?, ?]
    """)


def test_what_a_subclass_of_sequential_sets_is_called_in_order() -> None:
    assert_shapes("""
        import torch
        from torch import nn

        class Transition(nn.Sequential):
            def __init__(self, width, out):
                super().__init__()
                self.norm = nn.BatchNorm2d(width)
                self.conv = nn.Conv2d(width, out, 1)
                self.pool = nn.AvgPool2d(2)

        y = Transition(8, 4)(torch.zeros(2, 8, 6, 6))  # [2, 4, 3, 3]
    """)


def test_layers_keep_sizes_for_each_axis() -> None:
    assert_shapes("""
        import torch
        from torch import nn

        conv = nn.Conv2d(3, 8, 5, bias=False)
        x = torch.zeros(conv.kernel_size)  # [5, 5]
        w = conv.weight + 0  # [8, 3, 5, 5]
        if conv.bias is None:
            y = torch.zeros(2)
        else:
            y = torch.zeros(3)
        y + 1  # [2]
    """)


def test_types_and_attributes_decide_branches() -> None:
    assert_shapes("""
        import torch
        from torch import nn

        class Block(nn.Module):
            def __init__(self, width, stride=1):
                super().__init__()
                out, stride = width if isinstance(width, tuple) else (width, stride)
                self.conv = nn.Conv2d(4, out, 1, stride)
                if stride != 1:
                    self.shortcut = nn.Conv2d(4, out, 1, stride)

            def forward(self, x):
                kept = self.shortcut(x) if hasattr(self, "shortcut") else x
                return self.conv(x) + kept

        y = Block((4, 2))(torch.zeros(1, 4, 6, 6))  # [1, 4, 3, 3]
        z = Block(4)(torch.zeros(1, 4, 6, 6))  # [1, 4, 6, 6]
    """)


def test_attributes_by_computed_names() -> None:
    assert_shapes("""
        import torch
        from torch import nn

        class Net(nn.Module):
            def __init__(self, widths):
                super().__init__()
                for index, width in enumerate(widths, start=1):
                    setattr(self, f"fc{index}", nn.Linear(4, width))
                    self.add_module("out%d" % index, nn.Linear(width, 4))

            def forward(self, x):
                for index in range(1, 3):
                    x = getattr(self, f"out{index}")(getattr(self, f"fc{index}")(x))
                return self.fc2(x)

        y = Net([8, 9])(torch.zeros(2, 4))  # [2, 9]
    """)


def test_arithmetic_with_floats() -> None:
    assert_shapes("""
        import math
        import torch

        width = int(math.floor(24 * 0.5)) + math.ceil(7 * 0.3) + round(2.6)
        x = torch.zeros(width)  # [18]
        y = torch.zeros(int(math.sqrt(49)))  # [7]
    """)


def test_patterns_of_einops() -> None:
    assert_shapes("""
        import torch
        from einops import pack, rearrange, repeat, unpack
        from einops.layers.torch import Rearrange
        from torch import nn

        class Net(nn.Module):
            def __init__(self, patch=4):
                super().__init__()
                self.embed = nn.Sequential(
                    Rearrange("b c (h p) (w q) -> b (h w) (p q c)", p=patch, q=patch), nn.Linear(patch * patch * 3, 32)
                )
                self.token = nn.Parameter(torch.randn(32))

            def forward(self, x):
                x = self.embed(x)  # [B, (H//4)*(W//4), 32]
                token = repeat(self.token, "d -> b d", b=x.shape[0])  # [B, 32]
                x, sizes = pack([token, x], "b * d")
                q = rearrange(x, "b n (h d) -> b h n d", h=8)  # [B, 8, (H//4)*(W//4) + 1, 4]
                token, x = unpack(x, sizes, "b * d")
                return x + 0  # [B, (H//4)*(W//4), 32]
    """)
