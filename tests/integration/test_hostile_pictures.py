"""Whatever is uploaded as a picture is answered with a 4xx or kept as a clean picture, in bounded memory and time."""

from __future__ import annotations

import io
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest
from litestar.testing import TestClient
from PIL import Image

from hostile_pictures import HEAVY, SECRET, encoded, exif, hostile, photo, picture
from shop_adapters.media import renditions
from shop_adapters.media.encoder import PictureProcess
from shop_adapters.memory import MemoryAdapters
from shop_core import SYSTEM, Money, ProductDetails, Registration, Role, Shop
from shop_core.errors import Busy, UnusableImage
from shop_http.app import create_app
from shop_http.routing import App

MEMORY_KIB_MAX = 200 * 1024
PASSWORD = "correct horse battery"


@dataclass
class Studio:
    """Somebody of the staff, who has one product a picture."""

    client: TestClient[App]
    shop: Shop
    encoder: PictureProcess
    token: str

    def upload(self, name: str, body: bytes, media_type: str = "image/jpeg") -> httpx.Response:
        price = Money(1, self.shop.currency)
        product = self.shop.catalog.create_product(SYSTEM, ProductDetails(f"S-{name}"[:60], name, price)).product
        headers = {"authorization": f"Bearer {self.token}", "content-type": media_type}
        return self.client.post(f"/api/v1/products/{product.id}/images", content=body, headers=headers)

    def files(self, response: httpx.Response) -> list[Image.Image]:
        """The files of the one picture that was kept."""
        assert response.status_code == 201, response.text
        (image,) = response.json()["images"]
        return [Image.open(io.BytesIO(self.client.get(size["url"]).content)) for size in image["sizes"]]


@pytest.fixture(scope="module")
def studio() -> Iterator[Studio]:
    encoder = PictureProcess()
    shop = Shop(MemoryAdapters(image_encoder=encoder))
    shop.accounts.register(Registration("boss", PASSWORD), actor=SYSTEM, role=Role.STAFF)
    with TestClient(create_app(shop, threads=8)) as client:
        yield Studio(client, shop, encoder, shop.sessions.log_in("boss", PASSWORD).access)


@pytest.mark.parametrize("heavy", [False, pytest.param(True, marks=pytest.mark.slow)])
def test_hostile_files_are_refused_or_kept_clean(studio: Studio, heavy: bool) -> None:
    """All of them in one test, two at a time: each is a process."""
    cases = [case for case in hostile() if (case[0] in HEAVY) is heavy]
    assert heavy or len(cases) >= 50

    def faults(name: str, body: bytes) -> list[str]:
        response = studio.upload(name, body)
        if 400 <= response.status_code < 500:
            return [] if response.json()["code"] == "unusable_image" else [f"{name}: {response.text}"]
        if response.status_code != 201:
            return [f"{name}: {response.status_code}"]
        found = []
        (image,) = response.json()["images"]
        for size in image["sizes"]:
            content = studio.client.get(size["url"]).content
            kept = Image.open(io.BytesIO(content))
            kept.load()
            if (kept.format, kept.size) != ("WEBP", (size["width"], size["height"])) or kept.width > 1920:
                found.append(f"{name}: is a {kept.format} of {kept.size}")
            if {"exif", "icc_profile", "xmp"} & set(kept.info) or SECRET in content or len(kept.getexif()):
                found.append(f"{name}: says more than it shows: {sorted(kept.info)}")
            if b"<" in content[:12] or b"script" in content or b"<?php" in content:
                found.append(f"{name}: has something of another kind in it")
        return found

    with ThreadPoolExecutor(2) as pool:
        answers = list(pool.map(lambda case: faults(case[0], case[1]()), cases))
    assert [fault for each in answers for fault in each] == []
    assert studio.encoder.memory_kib_max < MEMORY_KIB_MAX
    print(f"{len(cases)} files, at most {studio.encoder.memory_kib_max} KiB")


@pytest.mark.parametrize("turn", range(1, 9))
def test_a_picture_is_kept_upright(studio: Studio, turn: int) -> None:
    """Its left half is blue after it was turned as its EXIF data say."""
    back = renditions._TURNS.get(turn)
    if turn in (6, 8):  # the others undo themselves
        back = renditions._TURNS[14 - turn]
    stored = photo().transpose(back) if back is not None else photo()
    *_, kept = studio.files(studio.upload(f"turn {turn}", encoded(stored, "JPEG", exif=exif(orientation=turn))))
    assert kept.size == (400, 200)
    left, right = (kept.convert("RGB").getpixel((x, 100)) for x in (50, 350))
    assert isinstance(left, tuple)
    assert isinstance(right, tuple)
    assert left[2] > 150 > left[0]
    assert right[0] > 150 > right[2]


@pytest.mark.parametrize(
    ("size", "widths"),
    [((5_000, 2_000), [320, 960, 1920]), ((1_000, 500), [320, 960, 1000]), ((320, 10), [320]), ((40, 30), [40])],
)
def test_no_file_is_wider_than_the_picture(studio: Studio, size: tuple[int, int], widths: list[int]) -> None:
    files = studio.files(studio.upload(f"size {size}", encoded(picture(*size), "PNG"), "image/png"))
    assert [file.width for file in files] == widths
    assert [file.height for file in files] == [max(1, round(width * size[1] / size[0])) for width in widths]


def test_what_is_transparent_stays_so_and_bleeds_no_colour(studio: Studio) -> None:
    green = Image.new("RGBA", (4_000, 4_000), (0, 200, 0, 255))
    green.paste((255, 0, 0, 0), (0, 0, 2_000, 4_000))  # red, but nobody sees it
    *_, kept = studio.files(studio.upload("alpha", encoded(green, "PNG", compress_level=1), "image/png"))
    assert (kept.mode, kept.getpixel((100, 960))[3]) == ("RGBA", 0)  # type: ignore[index]
    beside = kept.getpixel((kept.width // 2 + 2, 960))
    assert isinstance(beside, tuple)
    assert beside[0] < 60
    assert beside[3] == 255


def test_gray_of_16_bits_keeps_its_brightness(studio: Studio) -> None:
    (kept,) = studio.files(studio.upload("16", encoded(Image.new("I;16", (50, 50), 30_000), "PNG"), "image/png"))
    value = kept.convert("L").getpixel((25, 25))
    assert isinstance(value, (int, float))
    assert abs(value - 30_000 / 257) < 4


def test_the_same_upload_has_the_same_files(studio: Studio) -> None:
    body = encoded(photo(), "JPEG")
    first, second = (studio.upload(f"same {number}", body).json()["images"][0]["sizes"] for number in range(2))
    assert first == second


def test_a_process_that_takes_too_long_or_breaks_refuses_the_upload(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with pytest.raises(UnusableImage, match=r"takes more than 0\.001 s"):
        PictureProcess(done_within_s=0.001).renditions(encoded(photo(), "JPEG"))
    program = tmp_path / "breaks.py"
    monkeypatch.setattr("shop_adapters.media.encoder.PROGRAM", program)
    for code in ("import os; os.abort()", "raise RuntimeError('a fault')", "print('{}', end='')"):
        program.write_text(code)
        with pytest.raises(UnusableImage, match="takes too much to decode"):
            PictureProcess().renditions(b"anything")
    assert "RuntimeError: a fault" in caplog.text


def test_too_many_at_once_are_told_to_come_back() -> None:
    encoder = PictureProcess(at_once=1, wait_s=0)
    assert encoder._places.acquire(blocking=False)
    with pytest.raises(Busy, match="Too many pictures"):
        encoder.renditions(b"anything")
    encoder._places.release()
    with pytest.raises(UnusableImage):
        encoder.renditions(b"anything")
