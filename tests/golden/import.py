"""Small checkpoints and what PyTorch's eval() draws with them (`python tests/golden/import.py`, PyTorch 2.13).

Writes unet_256.pth and unet_128.pth beside itself: the first as `torch.save(net.state_dict(), …)` does;
the second in half precision, with channels-last strides, under a wrapper's names and without counters.
"""

from pathlib import Path

import torch
from formula import formula, parameter, row, write
from pix2pix import UNet

rows = []


def checkpoint(downs, ngf, change):
    net = UNet(downs, ngf).eval()
    floats = {name: parameter(name, *t.shape) for name, t in net.state_dict().items() if t.is_floating_point()}
    net.load_state_dict(floats, strict=False)
    state = change(net.float())
    torch.save(state, Path(__file__).parent / f"unet_{2**downs}.pth")
    for name, t in state.items():  # what was rounded on the way to the file
        if t.is_floating_point():
            floats[name.removeprefix("module._orig_mod.")] = t.double()
    net.double().load_state_dict(floats, strict=False)
    name = f"unet_{2**downs}"
    # Twice as wide as high: not only the size of training.
    photo = formula(f"{name}.photo", 1, 3, 2**downs, 2 ** (downs + 1))
    with torch.no_grad():
        rows.append(row(f"{name}/drawn", net(photo)))


def wrapped(net):
    state = net.half().to(memory_format=torch.channels_last).state_dict()
    return {f"module._orig_mod.{name}": t for name, t in state.items() if not name.endswith("num_batches_tracked")}


checkpoint(8, 1, lambda net: net.state_dict())
checkpoint(7, 2, wrapped)
write(__file__, rows)

# numbers: written by this script, read by the tests
# unet_256/drawn 1x3x256x512 0.126279153 -0.0883504504 0.0419060387 0.0682696688 -0.10097418 0.00773728865 0.150393629 0.108914036
# unet_128/drawn 1x3x128x256 0.149531606 0.00439234077 0.0121285654 0.143952146 -0.110083076 -0.150146998 0.152716393 0.143685583
