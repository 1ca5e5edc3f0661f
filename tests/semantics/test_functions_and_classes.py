"""Calls are followed: functions, methods, constructors, inheritance, and no further than bounds allow."""

from __future__ import annotations

from reading import assert_shapes, flagged


def test_helper_functions_and_lambdas() -> None:
    assert_shapes("""
        import torch
        from torch import nn

        def pooled(maps, keep=False):
            return maps.mean(dim=(2, 3), keepdim=keep)

        swap = lambda maps: maps.transpose(1, 2)

        class Net(nn.Module):
            def __init__(self):
                super().__init__()
                self.conv = nn.Conv2d(3, 8, 1)

            def forward(self, x):
                y = pooled(self.conv(x), keep=True)  # [B, 8, 1, 1]
                y = pooled(self.conv(x))  # [B, 8]
                return swap(self.conv(x))  # [B, H, 8, W]
    """)


def test_arguments_of_every_form() -> None:
    assert_shapes("""
        import torch

        def make(rows, *sizes, lead=1, **options):
            return torch.zeros(lead, rows, *sizes)

        make(2)  # [1, 2]
        make(2, 3, 4)  # [1, 2, 3, 4]
        make(2, lead=5, dtype=None)  # [5, 2]
        sizes = (6, 7)
        make(*sizes)  # [1, 6, 7]
        make(**{"rows": 9})  # [1, 9]
    """)


def test_inherited_constructors_and_methods() -> None:
    assert_shapes("""
        from torch import nn

        class Base(nn.Module):
            def __init__(self, width):
                super().__init__()
                self.width = width
                self.hidden = nn.Linear(4, width)

            def encode(self, x):
                return self.hidden(x.flatten(1))  # [?, width] or [B, 6]

        class Child(Base):
            def __init__(self):
                super().__init__(width=6)
                self.out = nn.Linear(self.width, 2)

            def forward(self, x):
                return self.out(self.encode(x))  # [B, 2]

        class Grandchild(Child):
            def forward(self, x):
                return super(Grandchild, self).forward(x).unsqueeze(1)  # [B, 1, 2]

        Child(), Grandchild()
    """)


def test_static_methods_class_methods_and_properties() -> None:
    assert_shapes("""
        import torch
        from torch import nn

        class Net(nn.Module):
            classes = 10

            def __init__(self, width=4):
                super().__init__()
                self.half = width // 2

            @property
            def width(self):
                return self.half * 2

            @staticmethod
            def fold(x):
                return x.flatten(1)

            @classmethod
            def zeros(cls):
                return torch.zeros(cls.classes)

            def forward(self, x):
                y = self.zeros()  # [10]
                return self.fold(x.view(x.size(0), self.width, 1))  # [B, 4]
    """)


def test_modules_inside_modules() -> None:
    assert_shapes("""
        from torch import nn

        class Residual(nn.Module):
            def __init__(self, width, inner):
                super().__init__()
                self.inner = inner
                self.norm = nn.LayerNorm(width)

            def forward(self, x):
                return x + self.inner(self.norm(x))

        class Net(nn.Module):
            def __init__(self):
                super().__init__()
                self.embedding = nn.Embedding(100, 16)
                self.blocks = nn.ModuleList([Residual(16, nn.Linear(16, 16)) for _ in range(4)])

            def forward(self, x):
                x = self.embedding(x[:, :7])  # [B, ?, ..., 16]
                for block in self.blocks:
                    x = block(x)
                return x.mean(dim=1)
    """)


def test_recursion_is_bounded() -> None:
    assert_shapes("""
        import torch

        def down(x, depth):
            return x if depth == 0 else down(x[..., 0], depth - 1)

        def forever(x):
            return forever(x.unsqueeze(0))

        y = torch.zeros(2, 3)  # [2, 3]
        down(torch.zeros(2, 3, 4), 1)
        forever(torch.zeros(2))
        y = torch.zeros(5, 6)  # [5, 6]
    """)


def test_mutual_recursion_of_classes_is_bounded() -> None:
    program = """
        from torch import nn

        batch_size = 8

        class Tree(nn.Module):
            def __init__(self, depth):
                super().__init__()
                self.child = Tree(depth - 1) if depth else None
                self.linear = nn.Linear(4, 4)

            def forward(self, x):
                if self.child is not None:
                    x = self.child(x)
                return self.linear(x).view(batch_size, -1)

        Tree(50)
    """
    assert flagged(program, "BSZ201") == ["return self.linear(x).view(batch_size, -1)"]


def test_a_model_of_another_file_keeps_the_rows_and_nothing_else() -> None:
    assert_shapes("""
        from torch import nn
        from elsewhere import Backbone

        class Net(nn.Module):
            def __init__(self):
                super().__init__()
                self.backbone = Backbone()
                self.fc = nn.Linear(512, 10)

            def forward(self, x):
                y = self.backbone(x)  # [B, ...]
                return self.fc(y)  # [..., 10]
    """)
