"""Files that somebody uploads as pictures, to find out what breaks: bombs, polyglots, broken ones, and odd ones."""

from __future__ import annotations

import io
import struct
import zlib
from collections.abc import Callable, Iterator
from functools import cache
from typing import Any

from PIL import ExifTags, Image, ImageCms

SECRET = b"51.4779 N 0.0015 W"
"""Stands somewhere in files that say more than they show; no file that is kept may have it."""
HEAVY = {
    "png of 40 million pixels of 16 bits",
    "png of 40 million pixels, interlaced",
    "jpeg of 40 million pixels",
    "jpeg of 40 million pixels, progressive, all colours",
    "jpeg with thousands of scans",
    "webp of 8 million pixels",
    "png 3 times as high as wide",
}
"""Those that take a second each; one of them is like another."""
PNG = b"\x89PNG\r\n\x1a\n"


def encoded(picture: Image.Image, kind: str, **options: Any) -> bytes:
    out = io.BytesIO()
    picture.save(out, kind, **options)
    return out.getvalue()


def chunk(kind: bytes, body: bytes) -> bytes:
    """A part of a PNG."""
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def png(width: int, height: int, *chunks: bytes, depth: int = 8, colour: int = 2, interlaced: int = 0) -> bytes:
    head = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, interlaced))
    return PNG + head + b"".join(chunks) + chunk(b"IEND", b"")


def picture(width: int = 40, height: int = 30, mode: str = "RGB") -> Image.Image:
    return Image.linear_gradient("L").resize((width, height)).convert(mode)


def photo() -> Image.Image:
    red = Image.new("RGB", (400, 200), (200, 30, 30))
    red.paste((30, 30, 200), (0, 0, 200, 200))  # its left half is blue
    return red


def exif(orientation: int = 1) -> bytes:
    data = Image.Exif()
    data[ExifTags.Base.Orientation] = orientation
    data[ExifTags.Base.Artist] = SECRET.decode()
    data.get_ifd(ExifTags.IFD.GPSInfo)[ExifTags.GPS.GPSLatitudeRef] = "N"
    return data.tobytes()


def webp_chunks(*chunks: tuple[bytes, bytes]) -> bytes:
    body = b"".join(name + struct.pack("<I", len(data)) + data + b"\0" * (len(data) % 2) for name, data in chunks)
    return b"RIFF" + struct.pack("<I", len(body) + 4) + b"WEBP" + body


def animated(kind: str, **options: Any) -> bytes:
    frames = [picture(mode=mode) for mode in ("RGB", "RGB")]
    frames[1] = frames[1].rotate(90)
    return encoded(frames[0], kind, save_all=True, append_images=frames[1:], duration=100, **options)


def with_comment(jpeg: bytes, comment: bytes) -> bytes:
    return jpeg[:2] + b"\xff\xfe" + struct.pack(">H", len(comment) + 2) + comment + jpeg[2:]


@cache
def _zeros(count: int) -> bytes:
    packer, zeros = zlib.compressobj(1), b"\0" * 2**20
    return b"".join(packer.compress(zeros) for _ in range(count // 2**20)) + packer.flush()


def bombs() -> dict[str, Callable[[], bytes]]:
    return {
        "png of 100,000 x 100,000": lambda: png(100_000, 100_000, chunk(b"IDAT", _zeros(2**22))),
        "png of 2^31 - 1 pixels a side": lambda: png(2**31 - 1, 2**31 - 1, chunk(b"IDAT", _zeros(2**20))),
        "png of no width": lambda: png(0, 10, chunk(b"IDAT", _zeros(2**20))),
        "png of one pixel too many": lambda: png(40_000_001, 1, chunk(b"IDAT", _zeros(2**20))),
        "png whose head lies": lambda: png(6_000, 6_000, chunk(b"IDAT", zlib.compress(b"\0"))),
        "png that unpacks to more than its head says": lambda: png(10, 10, chunk(b"IDAT", _zeros(2**27))),
        "png of 40 million pixels, interlaced": lambda: png(
            6_324, 6_324, chunk(b"IDAT", _zeros(2**27 + 2**23)), interlaced=1
        ),
        "png of 40 million pixels of 16 bits": lambda: png(6_324, 6_324, chunk(b"IDAT", _zeros(2**28)), depth=16),
        "png of 40 million pixels": lambda: png(6_324, 6_324, chunk(b"IDAT", _zeros(2**27))),
        "png that is a column": lambda: png(1, 40_000_000, chunk(b"IDAT", _zeros(2**27))),
        "png that is a row": lambda: png(40_000_000, 1, chunk(b"IDAT", _zeros(2**27))),
        "png with a text bomb": lambda: png(10, 10, chunk(b"zTXt", b"Comment\0\0" + _zeros(2**27))),
        "png with a profile bomb": lambda: png(10, 10, chunk(b"iCCP", b"sRGB\0\0" + _zeros(2**27))),
        "png with 50,000 empty chunks": lambda: png(10, 10, chunk(b"teXt", b"") * 50_000),
        "jpeg of 65,500 x 65,500": lambda: _jpeg_of(65_500, 65_500),
        "jpeg of 40 million pixels": lambda: encoded(Image.new("RGB", (6_324, 6_324)), "JPEG"),
        "jpeg of 40 million pixels, progressive, all colours": lambda: encoded(
            Image.new("RGB", (6_324, 6_324)), "JPEG", progressive=True, subsampling=0
        ),
        "jpeg with thousands of scans": lambda: _with_scans(5_000),
        "webp of 16,383 x 16,383": lambda: webp_chunks(
            (b"VP8L", b"\x2f" + struct.pack("<I", 16_382 | 16_382 << 14) + b"\0" * 20)
        ),
        "webp of 8 million pixels": lambda: encoded(Image.new("RGBA", (3_265, 2_450)), "WEBP", method=0),
    }


def _jpeg_of(width: int, height: int) -> bytes:
    small = encoded(Image.new("RGB", (16, 16)), "JPEG")
    at = small.index(b"\xff\xc0") + 5
    return small[:at] + struct.pack(">HH", height, width) + small[at + 4 :]


def _with_scans(count: int) -> bytes:
    whole = encoded(picture(2_000, 2_000), "JPEG", progressive=True)
    at = whole.rindex(b"\xff\xda")
    return whole[:at] + whole[at:-2] * count + whole[-2:] if len(whole[at:]) < 2_000 else whole[:-2] + b"\xff\xd9"


def broken() -> dict[str, Callable[[], bytes]]:
    jpeg, webp = encoded(photo(), "JPEG"), encoded(photo(), "WEBP")
    small = encoded(picture(), "PNG")
    return {
        "nothing": lambda: b"",
        "one byte": lambda: b"\xff",
        "zeros": lambda: b"\0" * 10_000,
        "noise": lambda: bytes(number * number * 7 % 251 for number in range(10_000)),
        "the start of a jpeg": lambda: jpeg[:20],
        "half a jpeg": lambda: jpeg[: len(jpeg) // 2],
        "half a png": lambda: small[: len(small) // 2],
        "half a webp": lambda: webp[: len(webp) // 2],
        "png with a wrong checksum": lambda: small.replace(b"IDAT", b"IDAU", 1),
        "png without pixels": lambda: png(10, 10),
        "png with an impossible depth": lambda: png(10, 10, chunk(b"IDAT", _zeros(2**20)), depth=3),
        "png with a palette that is missing": lambda: png(10, 10, chunk(b"IDAT", _zeros(2**20)), colour=3),
        "jpeg with broken exif": lambda: encoded(
            photo(), "JPEG", exif=b"Exif\0\0MM\0*\0\0\0\x08\xff\xff" + b"\xff" * 60
        ),
        "jpeg with a broken profile": lambda: encoded(photo(), "JPEG", icc_profile=b"no profile" * 20),
        "png that ends in the middle of a chunk": lambda: small[:-6],
        "webp with a chunk that is too long": lambda: webp[:16] + b"\xff\xff\xff\x7f" + webp[20:],
    }


def other_kinds() -> dict[str, Callable[[], bytes]]:
    gif = encoded(picture(mode="P"), "GIF")
    svg = b'<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>'
    return {
        "svg": lambda: svg,
        "svg with a declaration": lambda: b'<?xml version="1.0"?>' + svg,
        "html": lambda: b"<!doctype html><script>alert(1)</script>",
        "pdf": lambda: b"%PDF-1.7\n1 0 obj<<>>endobj\ntrailer<<>>\n%%EOF",
        "zip": lambda: b"PK\x03\x04" + b"\0" * 100,
        "elf": lambda: b"\x7fELF" + b"\0" * 100,
        "gif": lambda: gif,
        "animated gif": lambda: animated("GIF"),
        "bmp": lambda: encoded(picture(), "BMP"),
        "tiff": lambda: encoded(picture(), "TIFF"),
        "postscript": lambda: b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n%%EndComments\nshowpage\n",
        "ico": lambda: encoded(picture(), "ICO"),
        "ppm": lambda: b"P6 10 10 255\n" + b"\0" * 300,
        "xbm": lambda: b"#define a_width 8\n#define a_height 8\nstatic char a_bits[] = {0};",
        "php": lambda: b"<?php system($_GET['c']); ?>",
    }


def polyglots() -> dict[str, Callable[[], bytes]]:
    jpeg, webp, small = encoded(photo(), "JPEG"), encoded(photo(), "WEBP"), encoded(picture(), "PNG")
    script = b"<script>alert(1)</script>" + SECRET
    return {
        "gif that says it is a jpeg at its end": lambda: encoded(picture(mode="P"), "GIF") + jpeg,
        "jpeg with html behind it": lambda: jpeg + script,
        "jpeg with a zip behind it": lambda: jpeg + b"PK\x03\x04" + SECRET,
        "jpeg with html in a comment": lambda: with_comment(jpeg, script),
        "png with html in a text": lambda: png_with(small, chunk(b"tEXt", b"Comment\0" + script)),
        "png with php in its palette": lambda: encoded(_palette(b"<?php " + SECRET), "PNG"),
        "png with a jpeg behind it": lambda: small + jpeg + SECRET,
        "png with a chunk nobody knows": lambda: png_with(small, chunk(b"maLi", SECRET)),
        "webp with a chunk nobody knows": lambda: webp_chunks(
            (b"VP8X", struct.pack("<I", 0) + b"\x8f\x01\0\xc7\0\0"), (webp[12:16], webp[20:]), (b"EVIL", SECRET)
        ),
        "webp with html behind it": lambda: webp + script,
        "html before a jpeg": lambda: b"<!doctype html>" + jpeg,
    }


def png_with(file: bytes, *chunks: bytes) -> bytes:
    return file[:33] + b"".join(chunks) + file[33:]  # behind the head


def _palette(words: bytes) -> Image.Image:
    made = picture(mode="L").convert("P")
    made.putpalette(words.ljust(768, b"\0"))
    return made


def telling() -> dict[str, Callable[[], bytes]]:
    xmp = b"<x:xmpmeta xmlns:x='adobe:ns:meta/'>" + SECRET + b"</x:xmpmeta>"
    return {
        "jpeg with gps": lambda: encoded(photo(), "JPEG", exif=exif()),
        "jpeg with xmp": lambda: encoded(photo(), "JPEG", xmp=xmp),
        "jpeg with a comment": lambda: with_comment(encoded(photo(), "JPEG"), SECRET),
        "png with gps": lambda: encoded(photo(), "PNG", exif=exif()),
        "png with text": lambda: png_with(encoded(photo(), "PNG"), chunk(b"tEXt", b"Author\0" + SECRET)),
        "webp with gps and xmp": lambda: encoded(photo(), "WEBP", exif=exif(), xmp=xmp),
        **{
            f"jpeg on its side, {turn}": lambda turn=turn: encoded(  # type: ignore[misc]
                photo(), "JPEG", exif=exif(orientation=turn)
            )
            for turn in range(2, 9)
        },
        "jpeg with an orientation that there is not": lambda: encoded(photo(), "JPEG", exif=exif(orientation=77)),
    }


def odd() -> dict[str, Callable[[], bytes]]:
    srgb = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    lab = ImageCms.ImageCmsProfile(ImageCms.createProfile("LAB")).tobytes()
    return {
        "jpeg in cmyk": lambda: encoded(photo().convert("CMYK"), "JPEG"),
        "jpeg in cmyk with a profile for rgb": lambda: encoded(photo().convert("CMYK"), "JPEG", icc_profile=srgb),
        "jpeg with a profile": lambda: encoded(photo(), "JPEG", icc_profile=srgb),
        "png with a profile for other pixels": lambda: encoded(photo(), "PNG", icc_profile=lab),
        "gray jpeg": lambda: encoded(picture(mode="L"), "JPEG"),
        "gray png of 16 bits": lambda: encoded(Image.new("I;16", (50, 50), 30_000), "PNG"),
        "png of 1 bit": lambda: encoded(picture(mode="1"), "PNG"),
        "png with a palette": lambda: encoded(picture(mode="P"), "PNG"),
        "png with a transparent colour": lambda: encoded(photo(), "PNG", transparency=(200, 30, 30)),
        "png with gray and alpha": lambda: encoded(picture(mode="LA"), "PNG"),
        "png that is all transparent": lambda: encoded(Image.new("RGBA", (50, 50)), "PNG"),
        "jpeg of one pixel": lambda: encoded(Image.new("RGB", (1, 1)), "JPEG"),
        "png 8,000 wide and 2 high": lambda: encoded(picture(8_000, 2), "PNG"),
        "png 3 times as high as wide": lambda: encoded(picture(1_000, 3_000), "PNG"),
        "apng": lambda: animated("PNG"),
        "animated webp": lambda: animated("WEBP"),
        "jpegs of a stereo camera": lambda: encoded(photo(), "MPO", save_all=True, append_images=[picture()]),
        "lossless webp with alpha": lambda: encoded(photo().convert("RGBA"), "WEBP", lossless=True),
    }


def hostile() -> Iterator[tuple[str, Callable[[], bytes]]]:
    """All of them, by name."""
    for group in (bombs, broken, other_kinds, polyglots, telling, odd):
        yield from group().items()
