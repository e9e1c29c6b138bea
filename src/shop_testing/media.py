"""The contract of a store of pictures, and an encoder for tests that need no real pictures."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import pytest

from shop_core.catalog.images import Rendition, key_of
from shop_core.errors import Fault, Unavailable, UnusableImage
from shop_core.ports import Media

WEBP = "image/webp"


class PlainEncoder:
    """`shop_core.ports.ImageEncoder` for tests: each line of an upload becomes a file, one wider than the other.

    An upload without any is unusable.
    """

    def renditions(self, body: bytes) -> Sequence[Rendition]:
        """A file for each line."""
        if not body:
            raise UnusableImage(Fault("image", "is empty: send a picture", "unreadable"))
        return [Rendition(10 * number, 5 * number, line) for number, line in enumerate(body.splitlines(), 1)]


@dataclass(frozen=True)
class MediaBench:
    """A store, and how to break it.

    Args:
        fetched: what somebody gets who asks the store itself, not us, for a file: content and media type; None if it
            cannot be asked.
        fall_ill: from now on it cannot be reached; None if that cannot happen.
        recover: from now on it can again.
    """

    media: Media
    fetched: Callable[[str], tuple[bytes, str]] | None = None
    fall_ill: Callable[[], None] | None = None
    recover: Callable[[], None] | None = None


class MediaContract:
    """What any store of pictures must do: subclass it with a fixture `bench`."""

    @pytest.fixture
    def bench(self) -> MediaBench:
        """The store under test, with nothing in it."""
        raise NotImplementedError(f"{type(self).__name__} needs a fixture `bench`: see MediaBench")

    @pytest.fixture
    def media(self, bench: MediaBench) -> Media:
        """The store."""
        return bench.media

    def test_what_was_put_is_there_until_it_is_deleted(self, media: Media) -> None:
        first, second = (key_of(body) for body in (b"first", b"second"))
        assert media.get(first) is None
        media.put(first, b"first", WEBP)
        media.put(second, b"second", WEBP)
        assert (media.get(first), media.get(second)) == (b"first", b"second")
        assert sorted(media.keys()) == sorted([first, second])
        media.delete([first])
        assert (media.get(first), media.get(second)) == (None, b"second")
        assert list(media.keys()) == [second]

    def test_to_put_it_again_or_to_delete_it_again_changes_nothing(self, media: Media) -> None:
        body = bytes(range(256)) * 2_000
        for _ in range(2):
            media.put(key_of(body), body, WEBP)
        assert media.get(key_of(body)) == body
        for _ in range(2):
            media.delete([key_of(body), key_of(b"never there")])
        assert media.get(key_of(body)) is None
        media.put(key_of(body), body, WEBP)
        assert media.get(key_of(body)) == body

    def test_a_key_has_one_address_whether_the_file_is_there_or_not(self, media: Media) -> None:
        key, other = key_of(b"1"), key_of(b"2")
        url = media.url_form.format(key)
        media.put(key, b"1", WEBP)
        assert media.url_form.format(key) == url
        assert url.startswith(("/", "http://", "https://"))
        assert key in url
        assert media.url_form.format(other) != url

    def test_whoever_asks_the_store_itself_is_told_what_it_is(self, bench: MediaBench) -> None:
        if bench.fetched is None:
            pytest.skip("nobody can ask it")
        bench.media.put(key_of(b"a picture"), b"a picture", WEBP)
        assert bench.fetched(key_of(b"a picture")) == (b"a picture", WEBP)

    def test_many_files_are_listed_each_once(self, media: Media) -> None:
        bodies = [b"%d" % number for number in range(60)]
        with ThreadPoolExecutor(8) as pool:  # threads may share it
            list(pool.map(lambda body: media.put(key_of(body), body, WEBP), bodies))
        assert sorted(media.keys()) == sorted(map(key_of, bodies))

    def test_a_store_that_is_gone_is_unavailable_and_works_again_once_it_is_back(self, bench: MediaBench) -> None:
        if bench.fall_ill is None or bench.recover is None:
            pytest.skip("nothing can go wrong there")
        media, key = bench.media, key_of(b"1")
        media.put(key, b"1", WEBP)
        bench.fall_ill()
        use: Callable[[], object]
        for use in (lambda: media.put(key, b"1", WEBP), lambda: media.get(key), lambda: media.delete([key])):
            with pytest.raises(Unavailable):
                use()
        bench.recover()
        assert media.get(key) == b"1"
