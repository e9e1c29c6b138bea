"""Makes the files of a picture out of an upload. Runs as a process of its own, in bounded memory and time.

    python -I renditions.py < upload > result

Whoever uploads chooses every byte, and decoders of pictures are where such bytes do harm. So nothing of the shop is in
this process: it imports Pillow and the standard library, reads one file, and writes one result: a line of JSON, then
the bytes of each file. A refusal is a line of JSON, too.

Nothing of an upload gets into the result but its pixels: they are turned upright, converted to sRGB and encoded anew.
"""

from __future__ import annotations

import io
import json
import os
import resource
import sys
import warnings
from typing import IO, Any

from PIL import ExifTags, Image, ImageCms, JpegImagePlugin, PngImagePlugin, WebPImagePlugin

FORMATS = tuple(
    each.format for each in (JpegImagePlugin.JpegImageFile, PngImagePlugin.PngImageFile, WebPImagePlugin.WebPImageFile)
)
"""Named, so that no other decoder is tried, and imported, so that Pillow need not look for them."""
WIDTHS = (320, 960, 1920)
PIXELS_MAX = 40_000_000
WEBP_PIXELS_MAX = 8_000_000
"""Its decoder takes four times as much memory as the others."""
HEIGHT_MAX = 3
"""Times the width. What is higher is no picture of a product, and would be large at every width."""
MEMORY_BYTES_MAX = 177 * 2**20
"""What may be added to the address space after Pillow is imported: the process then has less than 200 MiB."""
CPU_S_MAX = 20
RESULT_BYTES_MAX = 64 * 2**20
PIXEL_BYTES_MAX = 170 * 2**20
STRIP_BYTES = 2**20
QUALITY = 82
_TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
"""What makes a picture upright, by the orientation that its EXIF data name."""
_DECODER_ERRORS = (OSError, SyntaxError, ValueError, TypeError, KeyError, IndexError, OverflowError, EOFError, Warning)
"""What Pillow raises about a file that it cannot read. Any other one is a fault, and answered in the same way."""


class Unusable(Exception):
    """The upload is no picture that can be shown: the stable code, and the rule that it breaks."""

    def __init__(self, code: str, rule: str) -> None:
        super().__init__(rule)
        self.code, self.rule = code, rule


def renditions(file: IO[bytes]) -> list[tuple[int, int, bytes]]:
    """Width, height and bytes of each file, as WebP, from narrow to wide. None is wider than the picture.

    Raises:
        Unusable: it is no picture, or none that is allowed.
        MemoryError: to decode it takes more than there is.
    """
    try:
        picture = _opened(file)
        turn = _TURNS.get(_orientation(picture))
        pixels = _upright(_reduced(picture, turn), turn)
    except Unusable:
        raise
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        rule = f"has more than {PIXELS_MAX:,} pixels: make it smaller"
        raise Unusable("too_many_pixels", rule) from error
    except _DECODER_ERRORS as error:
        rule = "is damaged, is no JPEG, PNG or WebP, or takes too much memory to decode: save it anew, or smaller"
        raise Unusable("unreadable", rule) from error
    return [_encoded(pixels, width) for width in sorted({min(width, pixels.width) for width in WIDTHS})]


def _opened(file: IO[bytes]) -> Image.Image:
    """The picture, of which nothing but the head was read."""
    picture = Image.open(file, formats=FORMATS)
    width, height = picture.size
    pixels_max = WEBP_PIXELS_MAX if picture.format == WebPImagePlugin.WebPImageFile.format else PIXELS_MAX
    if width * height > pixels_max:
        rule = f"has {width} x {height} pixels, and a {picture.format} may have {pixels_max:,} in all: make it smaller"
        raise Unusable("too_many_pixels", rule)
    if getattr(picture, "is_animated", False) and picture.format != "MPO":  # which has a still picture first
        raise Unusable("animated", "moves: send one still picture")
    return picture


def _orientation(picture: Image.Image) -> int:
    orientation = picture.getexif().get(ExifTags.Base.Orientation, 1)
    return orientation if isinstance(orientation, int) else 1


def _reduced(picture: Image.Image, turn: Image.Transpose | None) -> Image.Image:
    """Its pixels in sRGB, already smaller if there are many more than are needed.

    A JPEG is decoded smaller. All others are decoded whole, which takes four bytes a pixel, and converted in strips: a
    second copy would not fit.
    """
    is_on_its_side = (
        turn is not None and turn.value >= Image.Transpose.ROTATE_90.value and (turn is not Image.Transpose.ROTATE_180)
    )
    widest = WIDTHS[-1]
    width, height = picture.size[::-1] if is_on_its_side else picture.size
    if height > HEIGHT_MAX * width:
        rule = f"is {width} x {height}, and may be {HEIGHT_MAX} times as high as wide: cut it"
        raise Unusable("too_high", rule)
    if picture.format in ("JPEG", "MPO") and width > widest:
        scale = widest / width
        picture.draft(None, (round(picture.width * scale), round(picture.height * scale)))
    picture.load()
    width = picture.height if is_on_its_side else picture.width
    factor = max(1, width // widest)
    if 4 * picture.width * picture.height * (1 + 1 / factor**2) > PIXEL_BYTES_MAX:
        factor += 1
    profile, mode = picture.info.get("icc_profile"), _mode(picture)
    target = Image.new(mode, (-(-picture.width // factor), -(-picture.height // factor)))
    rows = max(1, STRIP_BYTES // (4 * picture.width) // factor) * factor
    for top in range(0, picture.height, rows):
        strip = picture.crop((0, top, picture.width, min(top + rows, picture.height)))
        if "transparency" in picture.info:
            strip.info["transparency"] = picture.info["transparency"]
        strip = _in_srgb(_eight_bits(strip), mode, profile)
        if factor > 1:
            strip = strip.convert("RGBa").reduce(factor).convert("RGBA") if mode == "RGBA" else strip.reduce(factor)
        target.paste(strip, (0, top // factor))
    picture.close()
    return target


def _mode(picture: Image.Image) -> str:
    has_alpha = picture.mode in ("RGBA", "LA", "PA", "La", "RGBa") or "transparency" in picture.info
    return "RGBA" if has_alpha else "RGB"


def _eight_bits(strip: Image.Image) -> Image.Image:
    """Gray with 16 bits would be cut off at white, as Pillow converts it."""
    if strip.mode in ("I", "I;16"):
        return strip.point(lambda value: value * (1 / 256) + 0).convert("L")
    return strip


def _in_srgb(strip: Image.Image, mode: str, profile: bytes | None) -> Image.Image:
    """The strip with the colours that its profile means; a profile that is none, or for other pixels, means nothing."""
    if profile and strip.mode in ("RGB", "CMYK"):
        try:
            source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
            converted = ImageCms.profileToProfile(strip, source, _SRGB, outputMode="RGB")
        except (ImageCms.PyCMSError, OSError, ValueError, TypeError):
            converted = None
        if converted is not None:
            return converted if mode == "RGB" else converted.convert(mode)
    return strip if strip.mode == mode else strip.convert(mode)


_SRGB = ImageCms.createProfile("sRGB")


def _upright(pixels: Image.Image, turn: Image.Transpose | None) -> Image.Image:
    return pixels if turn is None else pixels.transpose(turn)


def _encoded(pixels: Image.Image, width: int) -> tuple[int, int, bytes]:
    height = max(1, round(pixels.height * width / pixels.width))
    scaled = pixels if width == pixels.width else pixels.resize((width, height), Image.Resampling.LANCZOS)
    out = io.BytesIO()
    scaled.info.clear()
    scaled.save(out, "WEBP", quality=QUALITY, method=4, exif=b"", icc_profile=b"", xmp=b"")
    return width, height, out.getvalue()


def bound(memory_bytes: int = MEMORY_BYTES_MAX) -> None:
    """Bound what this process can do from now on: memory, time, files; and have Pillow refuse what it only warns of."""
    warnings.simplefilter("error")
    Image.MAX_IMAGE_PIXELS = PIXELS_MAX
    PngImagePlugin.MAX_TEXT_CHUNK = PngImagePlugin.MAX_TEXT_MEMORY = 2**20
    if sys.platform == "linux":
        with open("/proc/self/statm") as statm:
            memory_bytes += int(statm.read().split()[0]) * resource.getpagesize()
        resource.setrlimit(resource.RLIMIT_AS, (memory_bytes, memory_bytes))
    resource.setrlimit(resource.RLIMIT_CPU, (CPU_S_MAX, CPU_S_MAX))
    resource.setrlimit(resource.RLIMIT_FSIZE, (RESULT_BYTES_MAX, RESULT_BYTES_MAX))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def _memory_kib() -> int:
    """The most memory that this process had in use at once; 0 where that is not known."""
    if sys.platform != "linux":
        return 0
    with open("/proc/self/status") as status:
        return next(int(line.split()[1]) for line in status if line.startswith("VmHWM"))


def main() -> None:
    """Read an upload from standard input, and write what became of it."""
    with open(os.dup(1), "wb") as out:
        bound()
        result: dict[str, Any]
        files: list[bytes] = []
        try:
            made = renditions(sys.stdin.buffer)
            result = {"files": [[width, height, len(body)] for width, height, body in made]}
            files = [body for _, _, body in made]
        except Unusable as unusable:
            result = {"code": unusable.code, "rule": unusable.rule}
        except MemoryError:
            result = {"code": "too_large_to_decode", "rule": "takes more memory than there is for it: make it smaller"}
        result["memory_kib"] = _memory_kib()
        out.write(json.dumps(result).encode() + b"\n")
        for body in files:
            out.write(body)


if __name__ == "__main__":
    main()
