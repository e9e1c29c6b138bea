"""Pictures are kept in memory, in a folder and in S3, and each store keeps every promise of the port."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import boto3  # type: ignore[import-untyped]
import httpx
import pytest
from moto.server import ThreadedMotoServer

from shop_adapters.media.memory import MemoryMedia
from shop_adapters.media.object_store import media_at
from shop_core.catalog.images import key_of
from shop_core.errors import Unavailable
from shop_testing import MediaBench, MediaContract

BUCKET = "pictures"


class TestInMemory(MediaContract):
    @pytest.fixture
    def bench(self) -> MediaBench:
        return MediaBench(MemoryMedia())


class TestInAFolder(MediaContract):
    @pytest.fixture
    def bench(self, tmp_path: Path) -> MediaBench:
        folder = tmp_path / "media"
        elsewhere = tmp_path / "elsewhere"

        def fall_ill() -> None:  # a file stands where the folder was, so that not even root can use it
            folder.rename(elsewhere)
            folder.write_text("not a folder")

        def recover() -> None:
            folder.unlink()
            elsewhere.rename(folder)

        return MediaBench(media_at(str(folder)), fall_ill=fall_ill, recover=recover)


@pytest.fixture(scope="module")
def s3() -> Iterator[str]:
    """The address of a server that talks as Amazon's does."""
    server = ThreadedMotoServer("127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


@pytest.fixture
def bucket(s3: str, monkeypatch: pytest.MonkeyPatch) -> str:
    """An empty bucket there, which the usual variables lead to."""
    for name, value in {
        "AWS_ACCESS_KEY_ID": "a-user",
        "AWS_SECRET_ACCESS_KEY": "a-secret",
        "AWS_REGION": "eu-central-1",
        "AWS_ENDPOINT_URL": s3,
        "NO_PROXY": "127.0.0.1",
    }.items():
        monkeypatch.setenv(name, value)
    httpx.post(f"{s3}/moto-api/reset", trust_env=False).raise_for_status()
    keys = {"aws_access_key_id": "a-user", "aws_secret_access_key": "a-secret"}
    client = boto3.client("s3", endpoint_url=s3, region_name="eu-central-1", **keys)
    client.create_bucket(Bucket=BUCKET, CreateBucketConfiguration={"LocationConstraint": "eu-central-1"})
    client.put_bucket_policy(
        Bucket=BUCKET,
        Policy=f'{{"Version": "2012-10-17", "Statement": [{{"Effect": "Allow", "Principal": "*", "Action": '
        f'"s3:GetObject", "Resource": "arn:aws:s3:::{BUCKET}/*"}}]}}',
    )
    return f"s3://{BUCKET}/shop"


class TestInS3(MediaContract):
    @pytest.fixture
    def bench(self, bucket: str, s3: str, monkeypatch: pytest.MonkeyPatch) -> MediaBench:
        def fetched(key: str) -> tuple[bytes, str]:
            answer = httpx.get(f"{s3}/{BUCKET}/shop/{key}.webp", trust_env=False).raise_for_status()
            assert answer.headers["cache-control"] == "public, max-age=31536000, immutable"
            return answer.content, answer.headers["content-type"]

        return MediaBench(media_at(bucket, "https://pictures.example"), fetched)

    def test_a_bucket_that_is_not_there_is_unavailable(self, bucket: str) -> None:
        media = media_at("s3://no-such-bucket")
        with pytest.raises(Unavailable):
            media.put(key_of(b"1"), b"1", "image/webp")
        with pytest.raises(Unavailable):
            list(media.keys())


def test_two_shops_can_share_a_bucket(bucket: str) -> None:
    one, other = media_at(bucket), media_at(f"s3://{BUCKET}/other")
    one.put(key_of(b"1"), b"1", "image/webp")
    assert (list(one.keys()), list(other.keys())) == ([key_of(b"1")], [])
    assert other.get(key_of(b"1")) is None


def test_addresses_are_those_of_the_application_or_of_another_origin(tmp_path: Path) -> None:
    assert media_at(str(tmp_path)).url_form.format("ab") == "/media/ab.webp"
    assert (
        media_at(str(tmp_path), "https://pictures.example/shop").url_form.format("ab")
        == "https://pictures.example/shop/ab.webp"
    )


@pytest.mark.parametrize("place", ["s3://", "gs://bucket", "/dev/null/media"])
def test_a_place_that_is_none_is_refused_in_a_line(place: str) -> None:
    with pytest.raises(ValueError, match=r"name a folder that this user may write to, or s3://bucket$"):
        media_at(place)
