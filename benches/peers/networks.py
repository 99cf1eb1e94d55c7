"""The generators in PyTorch, by the names of their weights."""

import sys
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import nn

sys.path.append(str(Path(__file__).resolve().parents[2] / "tests/golden"))
from pix2pix import ResNet, UNet  # noqa: E402, F401: the one definition, which the tests hold


class Residual(nn.Module):
    def __init__(self, channels):
        super().__init__()
        self.conv1 = nn.Conv2d(channels, channels, 3, padding=1)
        self.conv2 = nn.Conv2d(channels, channels, 3, padding=1)

    def forward(self, x):
        return x + self.conv2(F.leaky_relu(self.conv1(x), 0.1))


class Down(nn.Module):
    def __init__(self, inputs, outputs):
        super().__init__()
        self.halve = nn.Conv2d(inputs, outputs, 4, 2, 1)
        self.refine = Residual(outputs)

    def forward(self, x):
        return self.refine(F.leaky_relu(self.halve(x), 0.1))


class Up(nn.Module):
    """The doubled features and the skip side by side, as anyone would write it."""

    def __init__(self, inputs, outputs):
        super().__init__()
        self.join = nn.Conv2d(inputs + outputs, outputs, 3, padding=1)
        self.refine = Residual(outputs)

    def forward(self, x, skip):
        joined = torch.cat([F.interpolate(x, scale_factor=2.0, mode="nearest"), skip], 1)
        return self.refine(F.leaky_relu(self.join(joined), 0.1))


class Anime(nn.Module):
    """src/nn/anime.rs, read there."""

    def __init__(self, widths=(32, 64, 128, 192), recolours=False):
        super().__init__()
        self.downs = nn.ModuleList(Down(a, b) for a, b in zip((3, *widths), widths))
        self.block1 = Residual(widths[-1])
        self.ups = nn.ModuleList(Up(b, a) for a, b in reversed(list(zip(widths, widths[1:]))))
        self.mix = nn.Conv2d(widths[0] + 12, widths[0], 3, padding=1)
        self.head = nn.Conv2d(widths[0], 12, 3, padding=1)
        self.recolour = nn.Conv2d(3, 3, 1) if recolours else nn.Identity()

    def forward(self, photo):
        x, skips = photo, []
        for down in self.downs:
            x = down(x)
            skips.append(x)
        x = self.block1(x)
        for up, skip in zip(self.ups, reversed(skips[:-1])):
            x = up(x, skip)
        beside = torch.cat([x, F.pixel_unshuffle(photo, 2)], 1)
        difference = self.head(F.leaky_relu(self.mix(beside), 0.1))
        return (self.recolour(photo) + F.pixel_shuffle(difference, 2)).clamp(-1, 1)

    def load(self, weights):
        """Weights by the names in weights/anime.safetensors, to draw in the first style."""
        state = {}
        for name, tensor in in_first_style(weights).items():
            part, _, rest = name.partition(".")
            for group in ("down", "up"):
                if part.startswith(group):
                    name = f"{group}s.{int(part.removeprefix(group)) - 1}.{rest}"
            state[name] = tensor.float()
        for up in (f"ups.{i}" for i in range(len(self.ups))):
            both = state.pop(f"{up}.double.weight"), state.pop(f"{up}.skip.weight")
            state[f"{up}.join.weight"], state[f"{up}.join.bias"] = torch.cat(both, 1), state.pop(f"{up}.bias")
        self.load_state_dict(state)
        return self


def in_first_style(weights):
    """Weights whose style is a part of them: no peer has to scale and shift channels at run time."""
    folded = {name: tensor.float() for name, tensor in weights.items() if ".style." not in name}
    # Eight times the style's column is what the photo's colours change by: three factors a row, and what is added.
    colours = 8 * folded.pop("recolour.weight")[:, 0].reshape(3, 4)
    folded["recolour.weight"] = (torch.eye(3) + colours[:, :3])[:, :, None, None]
    folded["recolour.bias"] = colours[:, 3].clone()
    for name in weights:
        if not name.endswith(".style.scale"):
            continue
        layer = name.removesuffix(".style.scale")
        scale, shift = 1 + weights[name][:, 0].float(), weights[f"{layer}.style.shift"][:, 0].float()
        if f"{layer}.double.weight" in folded:
            convolutions, bias = [f"{layer}.double", f"{layer}.skip"], f"{layer}.bias"
        else:
            convolution = f"{layer}.conv1" if f"{layer}.conv1.weight" in folded else layer
            convolutions, bias = [convolution], f"{convolution}.bias"
        for convolution in convolutions:
            folded[f"{convolution}.weight"] *= scale[:, None, None, None]
        folded[bias] = folded[bias] * scale + shift
    return folded
