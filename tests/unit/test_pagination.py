"""A cursor stands for one item of one list, and says so or says nothing."""

from __future__ import annotations

import json
import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shop_core.errors import Invalid, InvalidCursor
from shop_core.pagination import (
    LIMIT_MAX,
    OFFSET_MAX,
    CursorRequest,
    OffsetRequest,
    Page,
    _seal,
    cursor_page,
    make_cursor,
    read_cursor,
)

keys = st.lists(
    st.integers(-(2**63), 2**63) | st.text(st.characters(exclude_categories=["Cs"])), min_size=1, max_size=3
)
ALPHABET = string.ascii_letters + string.digits + "-_+/=. \n\x00é"


@given(key=keys, listing=st.text(st.characters(exclude_categories=["Cs"])))
def test_a_cursor_gives_back_the_key_that_was_put_in(key: list[str | int], listing: str) -> None:
    cursor = make_cursor(listing, tuple(key))
    assert read_cursor(listing, cursor, [type(part) for part in key]) == tuple(key)
    assert set(cursor) <= set(string.ascii_letters + string.digits + "-_"), "it goes into links as it is"


@pytest.mark.parametrize("key", [("a",), ("ab",), ("abc",), (7, "id"), ("\u6f22?~\xff>", "id")])
def test_a_cursor_with_any_character_changed_to_any_other_is_refused(key: tuple[str | int, ...]) -> None:
    cursor = make_cursor("products", key)
    for index, there in enumerate(cursor):
        for character in set(ALPHABET) - {there}:
            changed = cursor[:index] + character + cursor[index + 1 :]
            with pytest.raises(InvalidCursor):
                pytest.fail(f"{changed!r} is {read_cursor('products', changed, [type(part) for part in key])}")


@given(key=keys, data=st.data())
def test_a_cursor_that_was_cut_or_lengthened_is_refused(key: list[str | int], data: st.DataObject) -> None:
    cursor = make_cursor("products", tuple(key))
    shorter = cursor[: data.draw(st.integers(0, len(cursor) - 1))]
    longer = cursor + data.draw(st.text(ALPHABET, min_size=1, max_size=4))
    for changed in (shorter, longer):
        with pytest.raises(InvalidCursor):
            read_cursor("products", changed, [type(part) for part in key])


def test_a_cursor_of_another_list_or_of_other_types_is_refused() -> None:
    cursor = make_cursor("products", (7, "id"))
    for listing, types in (("orders", [int, str]), ("products", [str, str]), ("products", [int]), ("products", [])):
        with pytest.raises(InvalidCursor):
            read_cursor(listing, cursor, types)


@given(st.text(max_size=60) | st.text(ALPHABET, max_size=60))
def test_no_text_but_a_cursor_is_one(text: str) -> None:
    with pytest.raises(InvalidCursor):
        read_cursor("products", text, [str])


@pytest.mark.parametrize(
    "body", ["[" * 3_000, '{"a":1}', "7", "null", '"abc"', "[]", '["products",true]', '["products",1.0]', "\udcff"]
)
def test_a_forged_cursor_with_a_good_seal_and_a_strange_body_is_refused(body: str) -> None:
    import base64

    raw = body.encode("utf-8", "surrogateescape")
    forged = base64.urlsafe_b64encode(_seal(raw) + raw).rstrip(b"=").decode()
    with pytest.raises(InvalidCursor):
        read_cursor("products", forged, [int])


@given(items=st.lists(st.integers(), unique=True, max_size=30), limit=st.integers(1, 7))
def test_a_walk_by_key_sees_every_item_once_in_order(items: list[int], limit: int) -> None:
    items.sort()
    seen: list[int] = []
    after: str | None = None
    while True:
        start = 0 if after is None else items.index(int(read_cursor("numbers", after, [int])[0])) + 1
        page = cursor_page("numbers", items[start : start + limit + 1], limit, lambda item: (item,))
        seen += page.items
        if (after := page.cursor) is None:
            break
        assert len(page.items) == limit
    assert seen == items


@pytest.mark.parametrize("limit", [0, -1, LIMIT_MAX + 1, 10**30])
def test_a_piece_has_a_reasonable_size(limit: int) -> None:
    for page_request in (OffsetRequest, CursorRequest):
        with pytest.raises(Invalid) as refused:
            page_request(limit)
        assert refused.value.faults[0].field == "limit"


@pytest.mark.parametrize("offset", [-1, OFFSET_MAX + 1])
def test_a_numbered_piece_starts_within_reach(offset: int) -> None:
    with pytest.raises(Invalid) as refused:
        OffsetRequest(offset=offset)
    assert refused.value.faults[0].field == "offset"


def test_the_bounds_themselves_are_fine() -> None:
    assert OffsetRequest(LIMIT_MAX, OFFSET_MAX).limit == CursorRequest(LIMIT_MAX).limit == LIMIT_MAX
    assert OffsetRequest(1, 0).offset == 0


def test_a_page_can_be_mapped() -> None:
    assert Page((1, 2), count=9, cursor="c").map(str) == Page(("1", "2"), count=9, cursor="c")


def test_a_cursor_is_readable_by_nobody_but_holds_no_secret() -> None:
    """It is JSON behind a seal: an operator can look into it."""
    import base64

    cursor = make_cursor("products", (7, "id"))
    assert json.loads(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4))[6:]) == ["products", 7, "id"]
