"""Draws looks.jpg and hard.jpg anew, with the weights of the repository.

    python docs/pictures/sheets.py target/release/sakuga

Needs Pillow and numpy. The photos are those of static/samples; what is hard about them is done here.
"""

import io
import math
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFont

HERE = Path(__file__).resolve().parent
SAMPLES = HERE.parent.parent / "static" / "samples"
LOOKS = ("cel", "gouache", "luminous", "ink")


def sample(name):
    return Image.open(SAMPLES / f"{name}.jpg").convert("RGB")


def drawn(sakuga, pictures):
    """Every picture in every look."""
    with tempfile.TemporaryDirectory() as folder:
        folder = Path(folder)
        for i, picture in enumerate(pictures):
            picture.save(folder / f"{i}.png")
        files = [str(folder / f"{i}.png") for i in range(len(pictures))]
        for look in LOOKS:
            out = folder / look
            command = [sakuga, "stylize", "--model", "anime", "--style", look, "--format", "png", "-o", str(out), *files]
            subprocess.run(command, check=True, cwd=HERE.parent.parent)
        return [[Image.open(folder / look / f"{i}.png").convert("RGB") for look in LOOKS] for i in range(len(pictures))]


def sheet(rows, width, gap):
    """Pictures in rows, each so many pixels wide, those of a row equally high."""
    rows = [[p.resize((width, round(width * p.height / p.width)), Image.LANCZOS) for p in row] for row in rows]
    height = sum(row[0].height + gap for row in rows) + gap
    whole = Image.new("RGB", (len(rows[0]) * (width + gap) + gap, height), "white")
    y = gap
    for row in rows:
        for x, picture in enumerate(row):
            whole.paste(picture, (gap + x * (width + gap), y))
        y += row[0].height + gap
    return whole


def noisy(picture, deviation):
    values = np.asarray(picture, np.float32) + np.random.default_rng(1).normal(0, deviation, (*picture.size[::-1], 3))
    return Image.fromarray(values.round().clip(0, 255).astype(np.uint8))


def under(picture, stops):
    """As if exposed so many stops less, by sRGB's power of 2.2."""
    values = np.asarray(picture, np.float32) * 2 ** (-stops / 2.2)
    return Image.fromarray(values.round().astype(np.uint8))


def compressed(picture, quality):
    file = io.BytesIO()
    picture.save(file, "JPEG", quality=quality)
    return Image.open(file).convert("RGB")


def text(size):
    shade = np.linspace(255, 190, size[0], dtype=np.float32)[None, :, None].repeat(size[1], 0).repeat(3, 2)
    picture = Image.fromarray(shade.astype(np.uint8))
    pen = ImageDraw.Draw(picture)
    y = 16
    for height, words in (
        (44, "Sakuga"),
        (30, "A photo goes in, an anime-styled"),
        (30, "picture comes out. 0123456789"),
        (22, "Quick brown foxes jump over lazy dogs,"),
        (22, "and small letters stay letters."),
        (15, "This line is fifteen pixels tall in the picture, or so."),
        (10, "And this is what nobody can read any more without their glasses."),
    ):
        pen.text((28, y), words, "black", ImageFont.load_default(height))
        y += round(1.8 * height)
    return picture


def line_art(size):
    picture = Image.new("RGB", size, "white")
    pen = ImageDraw.Draw(picture)
    middle, eyes = size[0] // 2, size[1] * 3 // 8
    pen.ellipse((middle - 100, eyes - 110, middle + 100, eyes + 110), outline="black", width=4)
    for side in (-40, 40):
        pen.ellipse((middle + side - 12, eyes - 22, middle + side + 12, eyes + 18), fill="black")
    pen.arc((middle - 55, eyes - 10, middle + 55, eyes + 70), 20, 160, "black", 4)
    for i in range(-7, 8):
        pen.line((middle + 11 * i, eyes - 70 - round(38 * math.cos(i / 7)), middle + 16 * i, 8), "black", 3)
    for i in range(-8, 9):
        pen.line((middle, eyes + 135, middle + 60 * i, size[1]), "black", 3)
    pen.line((20, 300, 85, 240, 150, 300, 20, 300, 30, 300, 30, 420, 140, 420, 140, 300), "black", 3)
    return picture


def main(sakuga):
    photos = [sample(name) for name in ("astronaut", "cat", "coffee", "rocket")]
    rows = [[photo, *pictures] for photo, pictures in zip(photos, drawn(sakuga, photos))]
    sheet(rows, 240, 4).save(HERE / "looks.jpg", quality=88)
    astronaut, cat, coffee, rocket = photos
    hard = [
        noisy(under(astronaut.crop((0, 0, astronaut.width, astronaut.width * 3 // 4)), 4), 5),
        rocket.crop((0, rocket.height // 4, rocket.width, rocket.height)),
        noisy(cat, 20),
        compressed(coffee, 8),
        text((640, 480)),
        line_art((640, 480)),
    ]
    rows = [[photo, *pictures] for photo, pictures in zip(hard, drawn(sakuga, hard))]
    sheet(rows, 320, 2).save(HERE / "hard.jpg", quality=85)


if __name__ == "__main__":
    main(str(Path(sys.argv[1]).resolve()))
