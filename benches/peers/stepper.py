"""PyTorch's side of the training part of `make bench`, in the words of benches/stepper.rs."""

import sys
import time

import torch
import torch.nn.functional as F
from networks import Anime, UNet
from torch import nn

name, (width, batch, side, threads), device = sys.argv[1], map(int, sys.argv[2:6]), sys.argv[6]
layout = torch.channels_last if "channels-last" in sys.argv else torch.contiguous_format
mixed = torch.autocast(device, torch.bfloat16, enabled="mixed" in sys.argv)
torch.set_num_threads(threads)


def patch_gan(width):
    layers, channels = [nn.Conv2d(6, width, 4, 2, 1), nn.LeakyReLU(0.2)], width
    for stride, outputs in ((2, 2 * width), (2, 4 * width), (1, 8 * width)):
        layers += [nn.Conv2d(channels, outputs, 4, stride, 1, bias=False), nn.BatchNorm2d(outputs), nn.LeakyReLU(0.2)]
        channels = outputs
    return nn.Sequential(*layers, nn.Conv2d(channels, 1, 4, 1, 1))


def wave(seed):
    values = torch.sin(0.37 * torch.arange(batch * 3 * side * side) + seed)
    return values.reshape(batch, 3, side, side).to(device, memory_format=layout)


generator = (UNet(8, width) if name == "unet_256" else Anime()).to(device, memory_format=layout).train()
judge = patch_gan(width).to(device, memory_format=layout).train()
settings = {"lr": 2e-4, "betas": (0.5, 0.999)}
adams = [torch.optim.Adam(net.parameters(), **settings, fused=True) for net in (generator, judge)]
photo, target = wave(0.0), wave(1.0)


def cross_entropy(logits, real):
    return F.binary_cross_entropy_with_logits(logits, torch.full_like(logits, float(real)))


def verdict(picture):
    with mixed:
        logits = judge(torch.cat([photo, picture], 1))
    return logits.float()


def step():
    with mixed:
        drawn = generator(photo)
    drawn = drawn.float()
    for parameter in judge.parameters():
        parameter.requires_grad_(True)
    adams[1].zero_grad()
    fake = cross_entropy(verdict(drawn.detach()), False)
    real = cross_entropy(verdict(target), True)
    ((fake + real) * 0.5).backward()
    adams[1].step()
    for parameter in judge.parameters():
        parameter.requires_grad_(False)
    adams[0].zero_grad()
    likeness = F.l1_loss(drawn, target)
    loss = cross_entropy(verdict(drawn), True) + 100 * likeness
    loss.backward()
    adams[0].step()
    return float(likeness.detach())


def most_memory():
    line = next(line for line in open("/proc/self/status") if line.startswith("VmHWM"))
    return int(line.split()[1]) // 1024


order = "channels last" if layout is torch.channels_last else "channels first"
precision = "bf16 autocast" if "mixed" in sys.argv else "f32"
if device == "cuda":
    torch.backends.cudnn.benchmark = True
print("ready", f"PyTorch {torch.__version__.split('+')[0]}, {precision}, {order}", flush=True)
for line in sys.stdin:
    start = time.perf_counter()
    loss = step()
    if device == "cuda":
        torch.cuda.synchronize()
    print((time.perf_counter() - start) * 1e3, most_memory(), loss, flush=True)
