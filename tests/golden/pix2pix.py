"""pix2pix's U-Net as a PyTorch module.

Written from the published layout: modules nest and count as in the reference implementation, so that
state dicts have its names.
"""

import torch
from torch import nn


class Level(nn.Module):
    """Halve, run what lies inside, double; but for the outermost, join with what came in."""

    def __init__(self, around, here, inside, outer, drops=False, top=3):
        super().__init__()
        self.outer = outer
        down = nn.Conv2d(around, here, 4, 2, 1, bias=False)
        up = nn.ConvTranspose2d(2 * here if inside else here, top if outer else around, 4, 2, 1, bias=outer)
        if outer:
            parts = [down, inside, nn.ReLU(), up, nn.Tanh()]
        elif inside:
            parts = [nn.LeakyReLU(0.2), down, nn.BatchNorm2d(here), inside, nn.ReLU(), up, nn.BatchNorm2d(around)]
            parts += [nn.Dropout(0.5)] if drops else []
        else:
            parts = [nn.LeakyReLU(0.2), down, nn.ReLU(), up, nn.BatchNorm2d(around)]
        self.model = nn.Sequential(*parts)

    def forward(self, x):
        y = self.model(x)
        return y if self.outer else torch.cat([x, y], 1)


class UNet(nn.Module):
    """unet_256 has 8 halvings, unet_128 has 7."""

    def __init__(self, downs, ngf):
        super().__init__()
        widths = [3] + [ngf * min(2**i, 8) for i in range(downs)]
        level = None
        for i in reversed(range(downs)):
            level = Level(widths[i], widths[i + 1], level, outer=i == 0, drops=4 <= i < downs - 1)
        self.model = level

    def forward(self, x):
        return self.model(x)
