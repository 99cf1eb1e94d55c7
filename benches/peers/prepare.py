"""Makes what the benchmarks run on: models for all runtimes, pictures for all models.

prepare.py SAKUGA FOLDER [NAME...]: each model (or those named) as NAME.pt (PyTorch), NAME.onnx and models/NAME.toml (by
the binary SAKUGA); photos-SIDE.f32 as (N, 3, SIDE, SIDE) in -1..1; photo.jpg of twelve megapixels.
"""

import shutil
import subprocess
import sys
import warnings
from pathlib import Path

import numpy as np
import torch
from networks import Anime, ResNet, UNet
from picture import picture
from PIL import Image
from safetensors.torch import load_file

sakuga, folder, names = sys.argv[1], Path(sys.argv[2]), sys.argv[3:]
root = Path(__file__).resolve().parents[2]
PICTURES = {256: 8, 512: 8, 1024: 1}


# pix2pix's generators as cards name them, and the norms that look at the whole picture.
NETWORKS = {
    "unet_256-64": lambda: UNet(8, 64),
    "unet_256-32": lambda: UNet(8, 32),
    "unet_256-instance": lambda: UNet(8, 64, "instance"),
    "resnet_9blocks": lambda: ResNet(9, 64),
    "resnet_9blocks-instance": lambda: ResNet(9, 64, "instance"),
}


def network(build):
    """Random weights whose values stay of the size of 1, with statistics of their own."""
    torch.manual_seed(0)
    net = build()
    for module in net.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            torch.nn.init.normal_(module.weight, 1, 0.02)
            torch.nn.init.normal_(module.bias, 0, 0.1)
            module.momentum = 0.3
    with torch.no_grad():
        for _ in range(8):
            net(torch.rand(2, 3, 256, 256) * 2 - 1)
    return net.eval()


def export(net, name):
    torch.save(net, folder / f"{name}.pt")
    # The exporter that traces: the newer one needs another package and draws the same.
    warnings.filterwarnings("ignore", category=DeprecationWarning)
    axes = {0: "batch", 2: "height", 3: "width"}
    torch.onnx.export(
        net,
        torch.zeros(1, 3, 256, 256),
        folder / f"{name}.onnx",
        input_names=["photo"],
        output_names=["picture"],
        dynamic_axes={"photo": axes, "picture": axes},
        dynamo=False,
    )


def main():
    for part in ("models", "weights"):
        (folder / part).mkdir(parents=True, exist_ok=True)
    for side, count in PICTURES.items():
        photos = np.stack([picture(side, side, seed) for seed in range(count)])
        values = photos.transpose(0, 3, 1, 2).astype(np.float32) / 127.5 - 1
        values.tofile(folder / f"photos-{side}.f32")
    Image.fromarray(picture(4000, 3000, 0)).save(folder / "photo.jpg", quality=92)

    for name, build in NETWORKS.items():
        if names and name not in names:
            continue
        net = network(build)
        torch.save(net.state_dict(), folder / f"{name}.pth")
        command = [sakuga, "import", folder / f"{name}.pth", "--name", name, "--models", folder / "models"]
        subprocess.run(command, check=True)
        export(net, name)
    for card in ("models/anime.toml", "weights/anime.safetensors", "weights/anime-discriminator.safetensors"):
        shutil.copy(root / card, folder / card)
    export(Anime(recolours=True).load(load_file(root / "weights/anime.safetensors")).eval(), "anime")


main()
