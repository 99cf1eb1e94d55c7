"""A picture out of nothing: hills, sky, clouds and grain, so that a JPEG of it costs what a photo costs."""

import numpy as np


def noise(rng, height, width, cells):
    """Smooth noise in 0..1: a grid of so many cells across, bent into a curve between them."""
    rows = max(2, cells * height // width)
    grid = rng.random((rows + 1, cells + 1), dtype=np.float32)
    y, x = (np.linspace(0, n, size, endpoint=False, dtype=np.float32) for n, size in ((rows, height), (cells, width)))
    (yi, xi), (yf, xf) = (y.astype(int), x.astype(int)), (y % 1, x % 1)
    yf, xf = (yf * yf * (3 - 2 * yf))[:, None], (xf * xf * (3 - 2 * xf))[None]
    top = grid[yi][:, xi] * (1 - xf) + grid[yi][:, xi + 1] * xf
    low = grid[yi + 1][:, xi] * (1 - xf) + grid[yi + 1][:, xi + 1] * xf
    return top * (1 - yf) + low * yf


def picture(width, height, seed):
    """(height, width, 3) in 0..255; the same for the same seed."""
    rng = np.random.default_rng(seed)
    y = np.linspace(0, 1, height, dtype=np.float32)[:, None]
    clouds = sum(noise(rng, height, width, 4 << i) / (2 << i) for i in range(5))
    leaves = sum(noise(rng, height, width, 32 << i) / (2 << i) for i in range(4))
    horizon = 0.45 + 0.25 * noise(rng, 1, width, 6)[:1]
    land = (y > horizon).astype(np.float32)
    sky = np.stack([0.35 + 0.6 * clouds, 0.55 + 0.4 * clouds, 0.95 - 0.2 * y + 0 * clouds], -1)
    ground = np.stack([0.2 + 0.5 * leaves, 0.25 + 0.6 * leaves * (1.2 - y), 0.1 + 0.3 * leaves], -1)
    rgb = sky + land[..., None] * (ground - sky) + rng.normal(0, 0.02, (height, width, 1)).astype(np.float32)
    return (rgb.clip(0, 1) * 255).astype(np.uint8)
