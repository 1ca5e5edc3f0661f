"""Which input size a hardcoded number of features stands for."""

from __future__ import annotations

from batchlint.engine import check_bytes
from batchlint.rules.selection import Selection

PATCHES = b"""
from torch import nn

class Descriptor(nn.Module):
    def __init__(self):
        super().__init__()
        self.features = nn.Sequential(nn.Conv2d(1, 32, 7), nn.MaxPool2d(2), nn.Conv2d(32, 64, 6))
        self.describe = nn.Linear(64 * 8 * 8, 128)

    def forward(self, patches):
        return self.describe(self.features(patches).flatten(1))
"""


def test_sizes_that_leave_nothing_after_a_convolution_are_no_solution() -> None:
    # An input of 1x1 would give -8 * -8 positions, as many as the 8 * 8 of an input of 32x32.
    (finding,) = check_bytes(PATCHES, "patches.py", Selection(select=("BSZ101",))).findings
    assert "accepts inputs of 32x32 to 33x33 only" in finding.message
