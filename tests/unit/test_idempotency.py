"""Idempotency keys: what is a key, what tells requests apart, and what the keys of a batch stand for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shop_core.batching import Batch
from shop_core.errors import Invalid, KeyReused
from shop_core.idempotency import (
    KEY_LENGTH_MAX,
    CustomerKey,
    KeyClaim,
    Result,
    check_key,
    fields_of,
    fingerprint,
    replay,
)
from shop_core.inventory.model import LineRequest
from shop_core.money import Money
from shop_core.orders.model import PlacementRequest
from shop_core.pricing.benefits import (
    EVERYTHING,
    AmountEach,
    Benefit,
    BuyXGetY,
    Condition,
    FixedPrice,
    OrderAmount,
    OrderPercent,
    Percent,
    Selection,
)
from shop_core.pricing.model import PromotionDetails
from shop_core.reservations.model import ReservationRequest

ADA, BOB, LAMP, CHAIR = (UUID(int=number) for number in (0xADA, 0xB0B, 1, 2))
ORDER = UUID(int=77)

CENT = Money(1, "EUR")
BENEFITS_OF_EACH_KIND: list[Benefit] = [
    *(Percent(1), AmountEach(CENT), FixedPrice(CENT, EVERYTHING), OrderPercent(1), OrderAmount(CENT)),
]

claims = st.builds(
    KeyClaim,
    st.sampled_from([ADA, BOB]),
    st.sampled_from(["k", "l"]),
    st.sampled_from([b"1", b"2"]),
    st.uuids(),
)
ttls = st.integers(1, 3).map(lambda seconds: timedelta(seconds=seconds))
lines = st.lists(st.builds(LineRequest, st.sampled_from([LAMP, CHAIR]), st.integers(1, 3)), min_size=1, max_size=3)
requests_ = st.builds(
    PlacementRequest,
    st.just(ADA),
    lines.map(tuple),
    key=st.just("k"),
    expected_total=st.none() | st.integers(0, 2).map(lambda minor: Money(minor, "EUR")),
) | st.builds(
    ReservationRequest,
    st.just(ADA),
    lines.map(tuple),
    st.integers(1, 3).map(lambda s: timedelta(seconds=s)),
    st.just("k"),
)


# ---- keys


@given(st.text(st.characters(min_codepoint=32, max_codepoint=126), min_size=1, max_size=KEY_LENGTH_MAX))
def test_printable_ascii_is_a_key(key: str) -> None:
    check_key(key)


@pytest.mark.parametrize("key", ["", "x" * (KEY_LENGTH_MAX + 1), "é", "a\n", "a\x00", "\x7f", "a\tb"])
def test_anything_else_is_none(key: str) -> None:
    with pytest.raises(Invalid) as refused:
        check_key(key)
    assert refused.value.faults[0].field == "idempotency_key"
    with pytest.raises(Invalid):
        PlacementRequest(ADA, (LineRequest(LAMP, 1),), key=key)
    with pytest.raises(Invalid):
        ReservationRequest(ADA, (LineRequest(LAMP, 1),), key=key)


# ---- fingerprints


@given(requests_, requests_)
def test_two_requests_have_one_fingerprint_if_and_only_if_they_are_the_same(one: object, other: object) -> None:
    assert (_print(one) == _print(other)) == (one == other)


def test_the_fingerprint_of_a_request_never_changes() -> None:
    """Keys are kept for ever: a request that is sent again in a year must be recognised by what is stored today."""
    place = PlacementRequest(ADA, (LineRequest(LAMP, 2),), key="k", expected_total=Money(295, "EUR"))
    confirm = PlacementRequest(ADA, reservation_id=CHAIR, key="k")
    reserve = ReservationRequest(ADA, (LineRequest(LAMP, 2),), timedelta(minutes=10), "k")
    assert [_print(request).hex()[:16] for request in (place, confirm, reserve)] == [
        "17a4a0100fe173de",
        "e39eea38435efee1",
        "9b7ab08b1c74f73c",
    ]


def test_what_is_asked_of_a_promotion_is_written_as_it_always_was() -> None:
    """Keys are kept for ever: a new field of what a promotion is made of must be left out here at its default."""
    selection, everything = (
        f"Selection(product_ids={each}, category_ids=None)" for each in (f"frozenset({{{LAMP!r}}})", None)
    )
    details = PromotionDetails(
        "Sale",
        BuyXGetY(2, 1, selection=Selection(frozenset([LAMP]))),
        Condition(Money(500, "EUR")),
        ends_at=datetime(2026, 11, 29, tzinfo=UTC),
    )
    assert list(fields_of(details)) == [
        "label='Sale'",
        "benefit=BuyXGetY(buy=2, get=1, basis_points=10000, times_max=None, "
        f"selection={selection}, get_selection=None)",
        f"condition=Condition(total_min=Money(minor=500, currency='EUR'), units_min=None, selection={everything})",
        "ends_at=datetime.datetime(2026, 11, 29, 0, 0, tzinfo=datetime.timezone.utc)",
    ]
    assert [next(fields_of(PromotionDetails(benefit=each))) for each in BENEFITS_OF_EACH_KIND] == [
        f"benefit=Percent(basis_points=1, selection={everything})",
        f"benefit=AmountEach(amount=Money(minor=1, currency='EUR'), selection={everything})",
        f"benefit=FixedPrice(price=Money(minor=1, currency='EUR'), selection={everything})",
        "benefit=OrderPercent(basis_points=1)",
        "benefit=OrderAmount(amount=Money(minor=1, currency='EUR'))",
    ]


@given(st.permutations([UUID(int=1 + 8 * number) for number in range(5)]))  # ids that want the same place in a set
def test_products_that_are_named_in_another_order_are_the_same_request(ids: list[UUID]) -> None:
    def asked(ids: list[UUID]) -> bytes:
        selection = Selection(frozenset(ids))
        return fingerprint(*fields_of(PromotionDetails("Sale", Percent(1, selection), Condition(None, 1, selection))))

    assert asked(ids) == asked(sorted(ids))


def test_parts_cannot_run_into_each_other() -> None:
    assert fingerprint("a", 1, 2) != fingerprint("a", 12)
    assert fingerprint("a", None) != fingerprint("a")


@pytest.mark.parametrize("made", [PlacementRequest, ReservationRequest])
def test_without_a_key_there_is_nothing_to_claim(made: type) -> None:
    assert made(ADA, (LineRequest(LAMP, 1),)).key_claim(ORDER) is None


# ---- a batch


def test_a_key_answers_its_request_and_refuses_any_other() -> None:
    earlier = KeyClaim(ADA, "k", b"1", ORDER)
    assert replay(KeyClaim(ADA, "k", b"1", LAMP), earlier, "the order") == Result("the order", replayed=True)
    with pytest.raises(KeyReused):
        replay(KeyClaim(ADA, "k", b"2", LAMP), earlier, "the order")


def test_a_key_that_made_something_of_another_kind_is_refused() -> None:
    earlier = KeyClaim(ADA, "k", b"1", ORDER)
    with pytest.raises(KeyReused):
        replay(earlier, earlier, None)


@dataclass(frozen=True)
class Asking:
    """A request of a batch, as far as its key is concerned."""

    asked: KeyClaim
    units: Mapping[UUID, int] = field(default_factory=dict)

    def key_claim(self, _: UUID) -> KeyClaim:
        return self.asked


class Makes:
    """A draft that grants every request, and numbers what it makes."""

    def __init__(self) -> None:
        self.made = 0

    def grant(self, *_: object) -> int:
        self.made += 1
        return self.made


def test_requests_of_a_batch_with_one_key_get_the_same_result() -> None:
    asked = [KeyClaim(ADA, "k", b"1", ORDER), KeyClaim(ADA, "l", b"1", LAMP), KeyClaim(ADA, "k", b"1", LAMP)]
    batch: Batch[Asking, int] = Batch([Asking(claim) for claim in asked], [claim.result_id for claim in asked])
    decision = batch.decide_once(Makes(), {}, {})
    assert decision.outcomes == (Result(1), Result(2), Result(1, replayed=True))
    assert list(decision.new_claims.values()) == asked[:2]


def by_key(claims: Sequence[KeyClaim]) -> dict[CustomerKey, KeyClaim]:
    """The first claim of each key."""
    return {claim.customer_key: claim for claim in reversed(claims)}


class KeysInADict:
    """`shop_core.ports.Keys`, as far as one unit of work needs it."""

    def __init__(self, taken: Sequence[KeyClaim]) -> None:
        self.stored = {claim.customer_key: claim for claim in taken}

    def claim(self, claims: Sequence[KeyClaim], *, wait: bool = True) -> dict[CustomerKey, KeyClaim]:
        taken = {
            claim.customer_key: self.stored[claim.customer_key] for claim in claims if claim.customer_key in self.stored
        }
        self.stored.update({claim.customer_key: claim for claim in claims if claim.customer_key not in taken})
        return taken

    def forget(self, claims: Sequence[KeyClaim]) -> None:
        for claim in claims:
            assert self.stored.pop(claim.customer_key) == claim, "it forgot a key that is not its own"

    def erase_all(self, customer_id: UUID) -> None:
        raise NotImplementedError


@given(before=st.lists(claims, max_size=2), requested=st.lists(claims, max_size=6), data=st.data())
def test_after_a_batch_each_key_stands_for_what_was_made_and_no_refused_one_is_kept(
    before: list[KeyClaim], requested: list[KeyClaim], data: st.DataObject
) -> None:
    keys = KeysInADict(list(by_key(before).values()))
    stored = dict(keys.stored)
    batch: Batch[Asking, None] = Batch([Asking(claim) for claim in requested], [claim.result_id for claim in requested])
    earlier = {claim.customer_key: claim for claim in requested if claim.customer_key in stored}
    batch.claim_keys(keys)
    granted = [claim for claim in requested if claim.customer_key not in earlier and data.draw(st.booleans())]
    batch.settle_keys(keys, by_key(granted))
    assert keys.stored == stored | by_key(granted)


def _print(request: object) -> bytes:
    assert isinstance(request, PlacementRequest | ReservationRequest)
    claim = request.key_claim(ORDER)
    assert claim is not None
    return claim.fingerprint
