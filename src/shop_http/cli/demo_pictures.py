"""Pictures of the demo products, drawn here: so nobody else has a right in them."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING
from zlib import crc32

if TYPE_CHECKING:
    from PIL.ImageDraw import ImageDraw

SIDE = 640
"""Of a picture, in pixels: two files are made of it."""

_Colour = tuple[int, int, int]
_PAPER: _Colour = (244, 240, 232)
_DARK: _Colour = (52, 44, 40)


def drawn(sku: str) -> bytes:
    """The picture of a demo product, as a PNG: its shape by the first letters of the SKU, its colours by all of them.

    Raises:
        ImportError: Pillow is not installed.
    """
    from PIL import Image, ImageDraw  # here: not every shop has it, and no other command should wait for it

    picture = Image.new("RGB", (SIDE, SIDE), _PAPER)
    draw = ImageDraw.Draw(picture)
    draw.ellipse((90, 520, 550, 580), fill=(222, 214, 202))  # its shadow
    colour = _colour(sku)
    {"COF": _bag, "EQP": _kettle}.get(sku[:3], _cup)(draw, colour)
    out = io.BytesIO()
    picture.save(out, "PNG")
    return out.getvalue()


def _colour(sku: str) -> _Colour:
    named = {"MUG-BLU": (44, 92, 168), "MUG-RED": (178, 52, 44)}
    number = crc32(sku.encode())
    return named.get(sku) or (70 + number % 120, 60 + number // 256 % 110, 50 + number // 65536 % 110)


def _bag(draw: ImageDraw, colour: _Colour) -> None:
    draw.polygon([(200, 130), (440, 130), (470, 550), (170, 550)], fill=colour)
    draw.rectangle((196, 100, 444, 150), fill=_DARK)
    draw.rounded_rectangle((230, 260, 410, 440), 16, fill=_PAPER)
    draw.ellipse((280, 300, 360, 400), fill=_DARK)
    draw.line((330, 304, 310, 396), fill=_PAPER, width=8)


def _kettle(draw: ImageDraw, colour: _Colour) -> None:
    draw.arc((350, 180, 560, 440), -80, 90, fill=_DARK, width=26)
    draw.line([(190, 480), (110, 330), (70, 320)], fill=colour, width=26)
    draw.polygon([(220, 220), (420, 220), (480, 550), (160, 550)], fill=colour)
    draw.ellipse((210, 190, 430, 250), fill=_DARK)
    draw.ellipse((300, 160, 340, 200), fill=_DARK)


def _cup(draw: ImageDraw, colour: _Colour) -> None:
    draw.ellipse((390, 270, 530, 430), outline=colour, width=28)
    draw.rounded_rectangle((160, 220, 440, 550), 60, fill=colour)
    draw.rectangle((160, 220, 440, 300), fill=colour)
    draw.ellipse((160, 190, 440, 260), fill=_DARK)
