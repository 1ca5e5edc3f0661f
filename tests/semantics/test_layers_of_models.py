"""Models as people write them, and the shapes that follow from their layers."""

from __future__ import annotations

from reading import assert_shapes


def test_layers_in_attributes() -> None:
    assert_shapes("""
        import torch.nn.functional as F
        from torch import nn

        class Net(nn.Module):
            def __init__(self, width=8):
                super().__init__()
                self.conv = nn.Conv2d(3, width, kernel_size=3, padding=1)
                self.norm = nn.BatchNorm2d(width)
                self.fc = nn.Linear(width * 16, 10)

            def forward(self, x):
                x = F.relu(self.norm(self.conv(x)))  # [B, 8, H, W]
                x = F.adaptive_avg_pool2d(x, (4, 4))  # [B, 8, 4, 4]
                return self.fc(x.flatten(1))  # [B, 10]
    """)


def test_positional_sequential() -> None:
    assert_shapes("""
        from torch import nn

        class Net(nn.Module):
            def __init__(self):
                super().__init__()
                self.layers = nn.Sequential(nn.Conv2d(1, 4, 3), nn.MaxPool2d(2), nn.AdaptiveAvgPool2d(1), nn.Flatten())

            def forward(self, x):
                first = self.layers[0](x)  # [B, 4, H - 2, W - 2]
                pooled = self.layers[:2](x)  # [B, 4, H//2 - 1, W//2 - 1]
                return self.layers(x)  # [B, 4]
    """)


def test_sequential_of_names() -> None:
    assert_shapes("""
        from collections import OrderedDict
        from torch import nn

        class Net(nn.Module):
            def __init__(self):
                super().__init__()
                self.layers = nn.Sequential(OrderedDict([("fold", nn.Flatten()), ("out", nn.Linear(12, 5))]))
                self.more = nn.Sequential(OrderedDict(hidden=nn.Linear(5, 7)))

            def forward(self, x):
                x = self.layers(x)  # [B, 5]
                return self.more.hidden(x)  # [B, 7]
    """)


def test_sequential_of_a_list() -> None:
    assert_shapes("""
        from torch import nn

        def make(widths, channels=3):
            layers = []
            for width in widths:
                layers += [nn.Conv2d(channels, width, 3, stride=2, padding=1), nn.ReLU()]
                channels = width
            layers.append(nn.AdaptiveAvgPool2d(1))
            return nn.Sequential(*layers)

        class Net(nn.Module):
            def __init__(self):
                super().__init__()
                self.layers = make([8, 16, 32])

            def forward(self, x):
                return self.layers(x)  # [B, 32, 1, 1]
    """)


def test_sequential_that_grows() -> None:
    assert_shapes("""
        from torch import nn

        class Net(nn.Module):
            def __init__(self):
                super().__init__()
                self.layers = nn.Sequential()
                for i in range(3):
                    self.layers.add_module(f"linear{i}", nn.Linear(2 ** (i + 2), 2 ** (i + 3)))

            def forward(self, x):
                return self.layers(x.view(x.size(0), 4))  # [B, 32]
    """)


def test_subclass_of_sequential() -> None:
    assert_shapes("""
        from torch import nn

        class Block(nn.Sequential):
            def __init__(self, inputs, outputs):
                super().__init__(nn.Conv2d(inputs, outputs, 1), nn.ReLU())

        class Net(nn.Module):
            def __init__(self):
                super().__init__()
                self.first = Block(3, 6)
                self.second = Block(6, 9)

            def forward(self, x):
                return self.second(self.first(x))  # [B, 9, H, W]
    """)


def test_subclass_of_a_layer() -> None:
    assert_shapes("""
        from torch import nn

        class Same(nn.Conv2d):
            def __init__(self, inputs, outputs, size):
                super().__init__(inputs, outputs, size, padding=size // 2)

        class Net(nn.Module):
            def __init__(self):
                super().__init__()
                self.conv = Same(3, 8, 5)

            def forward(self, x):
                return self.conv(x)  # [B, 8, H, W]
    """)


def test_module_list_in_a_loop() -> None:
    assert_shapes("""
        from torch import nn

        class Net(nn.Module):
            def __init__(self, widths=(4, 8, 16)):
                super().__init__()
                self.layers = nn.ModuleList([nn.Linear(a, b) for a, b in zip(widths, widths[1:])])
                self.heads = nn.ModuleList()
                for width in widths:
                    self.heads.append(nn.Linear(16, width))

            def forward(self, x):
                for layer in self.layers:
                    x = layer(x)
                outputs = [head(x) for head in self.heads]
                return outputs[1]  # [B, ..., 8]
    """)


def test_module_dictionary() -> None:
    assert_shapes("""
        from torch import nn

        class Net(nn.Module):
            def __init__(self):
                super().__init__()
                self.heads = nn.ModuleDict({"age": nn.Linear(16, 1), "kind": nn.Linear(16, 4)})

            def forward(self, x):
                return self.heads["kind"](x.flatten(1))  # [B, 4]
    """)


def test_recurrent_layers() -> None:
    assert_shapes("""
        from torch import nn

        class Net(nn.Module):
            def __init__(self):
                super().__init__()
                self.lstm = nn.LSTM(16, 32, num_layers=2, batch_first=True, bidirectional=True)
                self.gru = nn.GRU(64, 8)

            def forward(self, x):
                states, (last, cell) = self.lstm(x)
                y = last  # [4, B, 32]
                y = states  # [B, L, 64]
                y = states[:, -1]  # [B, 64]
                steps, _ = self.gru(states.transpose(0, 1))
                return steps  # [L, B, 8]
    """)


def test_a_stack_tells_the_size_of_its_input() -> None:
    assert_shapes("""
        import torch
        from torch import nn

        class Net(nn.Module):
            def __init__(self):
                super().__init__()
                self.conv = nn.Conv2d(3, 8, 5)

            def forward(self, x):
                return self.conv(x)  # [4, 8, 28, 28] or [B, 8, H - 4, W - 4]

        Net()(torch.zeros(4, 3, 32, 32))  # [4, 8, 28, 28]
    """)
