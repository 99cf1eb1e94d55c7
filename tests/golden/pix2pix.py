"""pix2pix's and CycleGAN's networks as PyTorch modules.

Written from the published layout: modules nest and count as in the reference implementation, so that
state dicts have its names.
"""

import torch
from torch import nn

NORMS = {"batch": nn.BatchNorm2d, "instance": nn.InstanceNorm2d}


class Level(nn.Module):
    """Halve, run what lies inside, double; but for the outermost, join with what came in."""

    def __init__(self, around, here, inside, outer, drops=False, inputs=3, top=3, norm="batch"):
        super().__init__()
        self.outer = outer
        bias, norm = norm == "instance", NORMS[norm]
        down = nn.Conv2d(inputs if outer else around, here, 4, 2, 1, bias=bias)
        up = nn.ConvTranspose2d(2 * here if inside else here, top if outer else around, 4, 2, 1, bias=outer or bias)
        if outer:
            parts = [down, inside, nn.ReLU(), up, nn.Tanh()]
        elif inside:
            parts = [nn.LeakyReLU(0.2), down, norm(here), inside, nn.ReLU(), up, norm(around)]
            parts += [nn.Dropout(0.5)] if drops else []
        else:
            parts = [nn.LeakyReLU(0.2), down, nn.ReLU(), up, norm(around)]
        self.model = nn.Sequential(*parts)

    def forward(self, x):
        y = self.model(x)
        return y if self.outer else torch.cat([x, y], 1)


class UNet(nn.Module):
    """unet_256 has 8 halvings, unet_128 has 7."""

    def __init__(self, downs, ngf, norm="batch", inputs=3, outputs=3):
        super().__init__()
        widths = [inputs] + [ngf * min(2**i, 8) for i in range(downs)]
        level = None
        for i in reversed(range(downs)):
            drops = 4 <= i < downs - 1
            level = Level(widths[i], widths[i + 1], level, i == 0, drops, inputs, outputs, norm)
        self.model = level

    def forward(self, x):
        return self.model(x)


class Block(nn.Module):
    def __init__(self, channels, norm, dropout):
        super().__init__()
        bias, norm = norm == "instance", NORMS[norm]
        conv = lambda: [nn.ReflectionPad2d(1), nn.Conv2d(channels, channels, 3, bias=bias), norm(channels)]
        drop = [nn.Dropout(0.5)] if dropout else []
        self.conv_block = nn.Sequential(*conv(), nn.ReLU(), *drop, *conv())

    def forward(self, x):
        return x + self.conv_block(x)


class ResNet(nn.Module):
    """resnet_9blocks and resnet_6blocks."""

    def __init__(self, blocks, ngf, norm="batch", dropout=True, inputs=3, outputs=3):
        super().__init__()
        bias, normed = norm == "instance", NORMS[norm]
        parts = [nn.ReflectionPad2d(3), nn.Conv2d(inputs, ngf, 7, bias=bias), normed(ngf), nn.ReLU()]
        for width in (ngf, 2 * ngf):
            parts += [nn.Conv2d(width, 2 * width, 3, 2, 1, bias=bias), normed(2 * width), nn.ReLU()]
        parts += [Block(4 * ngf, norm, dropout) for _ in range(blocks)]
        for width in (2 * ngf, ngf):
            parts += [nn.ConvTranspose2d(2 * width, width, 3, 2, 1, 1, bias=bias), normed(width), nn.ReLU()]
        parts += [nn.ReflectionPad2d(3), nn.Conv2d(ngf, outputs, 7), nn.Tanh()]
        self.model = nn.Sequential(*parts)

    def forward(self, x):
        return self.model(x)


class PatchGan(nn.Module):
    """`basic` has three layers, `n_layers` any number."""

    def __init__(self, inputs, ndf, layers=3, norm="batch"):
        super().__init__()
        bias, norm = norm == "instance", NORMS[norm]
        parts = [nn.Conv2d(inputs, ndf, 4, 2, 1), nn.LeakyReLU(0.2)]
        widths = [ndf * min(2**i, 8) for i in range(layers + 1)]
        for i in range(1, layers + 1):
            parts += [nn.Conv2d(widths[i - 1], widths[i], 4, 2 if i < layers else 1, 1, bias=bias)]
            parts += [norm(widths[i]), nn.LeakyReLU(0.2)]
        self.model = nn.Sequential(*parts, nn.Conv2d(widths[-1], 1, 4, 1, 1))

    def forward(self, x):
        return self.model(x)


class PixelGan(nn.Module):
    """`pixel`."""

    def __init__(self, inputs, ndf, norm="batch"):
        super().__init__()
        bias, norm = norm == "instance", NORMS[norm]
        parts = [nn.Conv2d(inputs, ndf, 1), nn.LeakyReLU(0.2), nn.Conv2d(ndf, 2 * ndf, 1, bias=bias), norm(2 * ndf)]
        self.net = nn.Sequential(*parts, nn.LeakyReLU(0.2), nn.Conv2d(2 * ndf, 1, 1, bias=bias))

    def forward(self, x):
        return self.net(x)


def by_image(net):
    """As the reference's test.py runs it: batch norm by each picture's own statistics, here without dropout."""
    for module in net.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.train()
    return net
