"""Tensors that both sides can build exactly, and the form in which results are written down.

Everything is computed by PyTorch in float64 from values that float32 holds exactly, so the
numbers are the truth to which a float32 implementation may be compared.
"""

import math
import re

import torch

torch.set_default_dtype(torch.float64)
MARK = "# numbers: written by this script, read by the tests\n"


def formula(name, *shape, scale=1.0, offset=0.0):
    """offset + scale * noise in -1..1; element i of a tensor is a mix of i and its name."""
    seed = 0
    for byte in name.encode():
        seed = (seed * 31 + byte) % 2**32
    k = (torch.arange(math.prod(shape)) * 0x9E3779B1 + seed) % 2**32
    for _ in range(2):
        k = (k ^ (k >> 16)) * 0x045D9F3B % 2**32
    k = k ^ (k >> 16)
    value = offset + scale * (k.double() / 2**31 - 1)
    return value.float().double().reshape(shape).requires_grad_()


def parameter(name, *shape):
    """A network's parameter or running statistic, its range by what it is."""
    if name.endswith("running_var"):
        return formula(name, *shape, scale=0.5, offset=1.0)
    if len(shape) == 1 and name.endswith("weight"):
        return formula(name, *shape, scale=0.2, offset=1.0)
    return formula(name, *shape, scale=0.2)


def loss(y):
    """A scalar in which every element of y has a weight of its own."""
    return (y * formula("loss", *y.shape)).mean()


def row(name, t):
    """Name, shape, root mean square, weighted sum / sqrt(n), and up to six elements from first to last."""
    t = t.detach().reshape(t.shape or (1,))
    flat, n = t.flatten(), t.numel()
    m = min(n, 6)
    at = [j * (n - 1) // max(m - 1, 1) for j in range(m)]
    check = (flat * formula("check", n).detach()).sum() / math.sqrt(n)
    numbers = [flat.square().mean().sqrt(), check, *flat[at]]
    return " ".join([name, "x".join(map(str, t.shape)), *(f"{float(v):.9g}" for v in numbers)])


def write(script, rows):
    """Replaces the numbers at the end of the script that made them."""
    with open(script) as f:
        code = re.split("^" + MARK, f.read(), flags=re.M)[0]
    with open(script, "w") as f:
        f.write(code + MARK + "".join(f"# {r}\n" for r in rows))
