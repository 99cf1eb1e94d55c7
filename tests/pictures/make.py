"""Draws the test pictures of this folder; see SOURCES.md.

    pip install pillow scikit-image
    python tests/pictures/make.py
"""

import os

from PIL import Image, ImageDraw
from skimage import data

HERE = os.path.dirname(os.path.abspath(__file__))


def at(name):
    return os.path.join(HERE, name)


def save_photos():
    Image.fromarray(data.astronaut()).save(at("astronaut.jpg"), quality=90, optimize=True)
    coffee = Image.fromarray(data.coffee())
    coffee.resize((450, 300), Image.LANCZOS).save(at("coffee.jpg"), quality=88, optimize=True)


def patches(mode="RGB"):
    """Four flat patches of 16 pixels: red, green / blue, white."""
    picture = Image.new("RGB", (32, 32), (255, 255, 255))
    draw = ImageDraw.Draw(picture)
    draw.rectangle((0, 0, 15, 15), fill=(200, 30, 30))
    draw.rectangle((16, 0, 31, 15), fill=(30, 180, 60))
    draw.rectangle((0, 16, 15, 31), fill=(40, 60, 200))
    return picture.convert(mode)


def as_ycck(jpeg):
    """Pillow writes CMYK with Adobe's transform 0; 2 says that it is YCCK."""
    marker = jpeg.index(b"Adobe")
    return jpeg[: marker + 11] + b"\x02" + jpeg[marker + 12 :]


def save_jpeg_kinds():
    patches("CMYK").save(at("cmyk.jpg"), quality=95, subsampling=0)
    # Pillow writes inks inverted, which for Y, Cb and Cr is YCCK of the inks.
    no_black = Image.new("L", (32, 32), 0)
    inks = Image.merge("CMYK", [*patches().convert("YCbCr").split(), no_black])
    inks.save(at("ycck.jpg"), quality=95, subsampling=0)
    with open(at("ycck.jpg"), "rb") as file:
        jpeg = as_ycck(file.read())
    with open(at("ycck.jpg"), "wb") as file:
        file.write(jpeg)
    patches().save(at("progressive.jpg"), quality=90, progressive=True)
    patches().save(at("rgb.jpg"), quality=95, keep_rgb=True)


def save_animations():
    frames = [Image.new("RGB", (24, 16), c) for c in [(200, 30, 30), (30, 180, 60), (40, 60, 200)]]
    rest = dict(save_all=True, append_images=frames[1:], duration=100)
    frames[0].save(at("animated.webp"), lossless=True, **rest)
    frames[0].save(at("animated.png"), **rest)
    frames[0].save(at("animated.gif"), **rest)
    frames[0].save(at("two.mpo"), save_all=True, append_images=frames[1:2], quality=95)


def save_bitmaps():
    patches().quantize(8).save(at("palette.bmp"))


if __name__ == "__main__":
    save_photos()
    save_jpeg_kinds()
    save_animations()
    save_bitmaps()
