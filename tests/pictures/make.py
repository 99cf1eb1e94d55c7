"""Draws the test pictures of this folder; see SOURCES.md.

    pip install pillow scikit-image
    python tests/pictures/make.py
"""

import os
import struct

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
    patches().save(at("restarts.jpg"), quality=90, restart_marker_blocks=1)
    patches("L").save(at("gray.jpg"), quality=95)
    patches("CMYK").save(
        at("cmyk-profile.jpg"), quality=95, subsampling=0, icc_profile=cmyk_profile()
    )
    patches().save(at("rgb.jpg"), quality=95, keep_rgb=True)


def cmyk_profile():
    """A small CMYK profile: paper, inks and their overprints as Lab, nothing between.

    ICC.1, 10.10 (lut8Type); the inks are duller than RGB's complements, so a
    decoder that ignores the profile is told from one that follows it.
    """
    lab = []
    for corner in range(16):
        c, m, y, k = (corner >> 3) & 1, (corner >> 2) & 1, (corner >> 1) & 1, corner & 1
        light = (100 - 40 * c - 45 * m - 10 * y) * (1 - 0.85 * k)
        a = (-30 * c + 60 * m - 5 * y) * (1 - k)
        b = (-40 * c - 5 * m + 75 * y) * (1 - k)
        lab += [round(max(light, 0) * 2.55), round(a + 128), round(b + 128)]
    identity = bytes(range(256))
    fixed = lambda v: struct.pack(">i", round(v * 65536))
    matrix = b"".join(fixed(v) for v in (1, 0, 0, 0, 1, 0, 0, 0, 1))
    lut = b"mft1" + bytes(4) + bytes([4, 3, 2, 0]) + matrix + identity * 4 + bytes(lab) + identity * 3
    text = b"Drawn for tests"
    describe = b"desc" + bytes(4) + struct.pack(">I", len(text) + 1) + text + bytes(1 + 4 + 4 + 2 + 1 + 67)
    white = b"XYZ " + bytes(4) + fixed(0.9642) + fixed(1.0) + fixed(0.8249)
    rights = b"text" + bytes(4) + b"public domain\0"
    tags = {b"desc": describe, b"wtpt": white, b"cprt": rights, b"A2B0": lut}
    at_byte, table, body = 128 + 4 + 12 * len(tags), b"", b""
    for name, tag in tags.items():
        tag += bytes(-len(tag) % 4)
        table += name + struct.pack(">II", at_byte + len(body), len(tag))
        body += tag
    header = bytearray(128)
    header[0:4] = struct.pack(">I", at_byte + len(body))
    header[8:12] = bytes([2, 0x10, 0, 0])
    header[12:24] = b"prtrCMYKLab "
    header[36:40] = b"acsp"
    header[68:80] = fixed(0.9642) + fixed(1.0) + fixed(0.8249)
    return bytes(header) + struct.pack(">I", len(tags)) + table + body


def save_pngs():
    palette = patches().quantize(8)
    palette.save(at("palette.png"))
    white = palette.getpixel((24, 24))
    palette.save(at("palette-clear.png"), transparency=white)
    patches().convert("1", dither=Image.Dither.NONE).save(at("bits.png"))


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
    save_pngs()
    save_animations()
    save_bitmaps()
