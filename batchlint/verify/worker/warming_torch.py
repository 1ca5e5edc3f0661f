"""Imported by the process that forks: makes torch import what it otherwise would at its first use in every worker."""

import torch

# An optimizer's first use imports the compiler: a second each. No gradients and no step, as both ask for devices; tiny
# tensors, as a parallel region before the fork would hang the first one after it.
_layer = torch.nn.Sequential(torch.nn.Conv2d(1, 1, 1), torch.nn.Flatten(), torch.nn.Linear(4, 1))
_layer(torch.zeros(2, 1, 2, 2))
torch.optim.Adam(_layer.parameters())
_layer.to("meta")(torch.zeros(2, 1, 2, 2, device="meta"))
