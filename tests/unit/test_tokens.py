"""A token proves a login for as long as it lives, and nothing else does."""

import base64
import hashlib
import hmac
import json
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shop_adapters.tokens import JwtTokens, OpaqueTokens
from shop_core.accounts.model import NOBODY, SYSTEM, Actor, Role
from shop_core.errors import InvalidToken
from shop_core.ports import Tokens
from shop_testing.credentials import actor_of

SECRET, OTHER_SECRET = b"s" * 32, b"o" * 32
NOW = datetime(2026, 11, 21, 9, 30, tzinfo=UTC)
LIFE = timedelta(minutes=5)
SECOND = timedelta(seconds=1)
ADA = Actor(UUID("019a5f3e-7c00-7000-8000-000000000001"), Role.STAFF)

JWT = JwtTokens(SECRET)


@pytest.fixture(params=["jwt", "opaque"])
def tokens(request: pytest.FixtureRequest) -> Tokens:
    return JWT if request.param == "jwt" else OpaqueTokens()


def part(value: object) -> str:
    raw = value if isinstance(value, bytes) else json.dumps(value).encode()
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def signed(header: object, claims: object, secret: bytes = SECRET, digest: str = "sha256") -> str:
    """A token as one would make it by hand, to leave out or to change what `JwtTokens` would not."""
    body = f"{part(header)}.{part(claims)}"
    return f"{body}.{part(hmac.digest(secret, body.encode(), digest))}"


def opened(token: str) -> tuple[dict[str, Any], dict[str, Any]]:
    header, claims, _ = (base64.urlsafe_b64decode(text + "==") for text in token.split("."))
    return json.loads(header), json.loads(claims)


HEADER, CLAIMS = opened(JWT.access(ADA, NOW, LIFE))


def test_two_tokens_are_never_alike(tokens: Tokens) -> None:
    assert tokens.access(ADA, NOW, LIFE) != tokens.access(ADA, NOW, LIFE)


@pytest.mark.parametrize("actor", [NOBODY, SYSTEM])
def test_only_an_account_gets_a_token(tokens: Tokens, actor: Actor) -> None:
    with pytest.raises(ValueError, match="account"):
        tokens.access(actor, NOW, LIFE)


def test_a_jwt_carries_every_claim_and_the_type_of_an_access_token() -> None:
    assert HEADER == {"alg": "HS256", "typ": "at+jwt", "kid": HEADER["kid"]}
    assert CLAIMS == {
        "iss": "shop",
        "aud": "shop",
        "sub": str(ADA.id),
        "iat": int(NOW.timestamp()),
        "exp": int((NOW + LIFE).timestamp()),
        "jti": CLAIMS["jti"],
        "role": "staff",
    }


def test_a_jwt_made_by_hand_with_the_right_key_is_accepted() -> None:
    """So the forgeries below are refused for what they change, and not because they are made by hand."""
    assert actor_of(JWT, signed(HEADER, CLAIMS), NOW) == ADA


@pytest.mark.parametrize("claim", CLAIMS)
def test_a_jwt_that_lacks_a_claim_is_refused(claim: str) -> None:
    with pytest.raises(InvalidToken):
        actor_of(JWT, signed(HEADER, {name: value for name, value in CLAIMS.items() if name != claim}), NOW)


WRONG_CLAIMS: dict[str, list[object]] = {
    "iss": ["another shop"],
    "aud": ["another shop", ["shop"]],
    "sub": ["ada", 1],
    "role": ["owner", ["staff"], None],
    "jti": [1],
    "exp": [str(CLAIMS["exp"]), float("inf"), float("nan"), True, None],
    "iat": ["now", CLAIMS["iat"] + 6],
}


@pytest.mark.parametrize(
    "change", [{name: value} for name, values in WRONG_CLAIMS.items() for value in values], ids=str
)
def test_a_jwt_with_a_wrong_claim_is_refused(change: dict[str, object]) -> None:
    with pytest.raises(InvalidToken):
        actor_of(JWT, signed(HEADER, CLAIMS | change), NOW)


def test_a_jwt_from_a_server_whose_clock_is_a_little_ahead_is_accepted() -> None:
    assert actor_of(JWT, JWT.access(ADA, NOW + 5 * SECOND, LIFE), NOW) == ADA


WRONG_HEADERS: dict[str, list[object]] = {
    "typ": ["JWT", "rt+jwt"],
    "alg": ["none", "HS512"],
    "kid": ["another", None, ["x"]],
    "crit": [["exp"]],
    "b64": [False],
}


@pytest.mark.parametrize(
    "header",
    [
        *(HEADER | {name: value} for name, values in WRONG_HEADERS.items() for value in values),
        *({"alg": "HS256", "typ": "at+jwt"}, {}, [], "text", b"\xff\xfe", b"[" * 2_000),
    ],
    ids=str,
)
def test_a_jwt_with_a_wrong_header_is_refused(header: object) -> None:
    with pytest.raises(InvalidToken):
        actor_of(JWT, signed(header, CLAIMS), NOW)


@pytest.mark.parametrize("claims", [[], "text", 1, None, b"\xff", b"[" * 2_000, b""], ids=str)
def test_a_jwt_whose_claims_are_no_object_is_refused(claims: object) -> None:
    with pytest.raises(InvalidToken):
        actor_of(JWT, signed(HEADER, claims), NOW)


def test_a_jwt_signed_with_another_key_or_algorithm_or_not_at_all_is_refused() -> None:
    forged = signed(HEADER, CLAIMS, OTHER_SECRET)
    longer = signed(HEADER | {"alg": "HS512"}, CLAIMS, digest="sha512")
    unsigned = f"{part(HEADER | {'alg': 'none'})}.{part(CLAIMS)}."
    for token in (forged, longer, unsigned):
        with pytest.raises(InvalidToken):
            actor_of(JWT, token, NOW)


def test_a_jwt_is_written_in_one_way_only() -> None:
    token = JWT.access(ADA, NOW, LIFE)
    same_bits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    last = same_bits[same_bits.index(token[-1]) + 1]  # the last character has two bits that mean nothing
    for otherwise in (token + "=", token[:-1] + last, token + "\n", " " + token):
        with pytest.raises(InvalidToken):
            actor_of(JWT, otherwise, NOW)


@given(token=st.text(st.characters(codec=None)) | st.from_regex(r"\A[\w-]*\.[\w-]*\.[\w-]*\Z"))
def test_no_text_at_all_breaks_the_reading_of_tokens(token: str) -> None:
    for tokens in (JWT, OpaqueTokens()):
        with pytest.raises(InvalidToken):
            actor_of(tokens, token, NOW)


def test_a_replaced_secret_logs_nobody_out() -> None:
    old = JWT.access(ADA, NOW, LIFE)
    assert actor_of(JwtTokens(OTHER_SECRET, previous=[SECRET]), old, NOW) == ADA
    with pytest.raises(InvalidToken):
        actor_of(JwtTokens(OTHER_SECRET), old, NOW)


def test_the_new_secret_signs_and_the_previous_one_does_not() -> None:
    new = JwtTokens(OTHER_SECRET, previous=[SECRET]).access(ADA, NOW, LIFE)
    assert actor_of(JwtTokens(OTHER_SECRET), new, NOW) == ADA


def test_a_token_for_another_shop_with_the_same_secret_is_refused() -> None:
    for other in (JwtTokens(SECRET, issuer="toys"), JwtTokens(SECRET, audience="toys")):
        with pytest.raises(InvalidToken):
            actor_of(JWT, other.access(ADA, NOW, LIFE), NOW)


def test_short_secrets_are_refused_by_name_of_the_rule() -> None:
    for arguments in ((b"s" * 31,), (SECRET, [b"short"])):
        with pytest.raises(ValueError, match="at least 32 bytes"):
            JwtTokens(*arguments)


def test_a_refresh_token_has_one_successor_which_only_the_secret_can_tell() -> None:
    refresh = JWT.refresh()
    assert JWT.successors(refresh)[0] == JwtTokens(SECRET).successors(refresh)[0] != refresh
    assert JWT.successors(refresh)[0] != JwtTokens(OTHER_SECRET).successors(refresh)[0]
    assert JWT.successors(refresh)[0] != JWT.successors(JWT.successors(refresh)[0])[0]
    assert len(base64.urlsafe_b64decode(JWT.successors(refresh)[0] + "=")) == 32


def test_a_successor_that_the_previous_secret_gave_out_is_still_known() -> None:
    refresh = JWT.refresh()
    rotated = JwtTokens(OTHER_SECRET, previous=[SECRET])
    assert rotated.successors(refresh) == [*JwtTokens(OTHER_SECRET).successors(refresh), *JWT.successors(refresh)]


def test_a_device_is_known_by_the_username_it_was_given_to_and_by_no_other(tokens: Tokens) -> None:
    device = tokens.device("ada")
    assert tokens.is_device(device, "ada")
    assert tokens.device("ada") != device
    for other in ("", "Ada", "ada ", "grace", "\ud800"):
        assert not tokens.is_device(device, other)
    changed = ("B" if device[0] == "A" else "A") + device[1:]
    for text in ("", "=", device[:-1], device + "A", device + "=", changed, "\ud800", "é" * 64, device[:22]):
        assert not tokens.is_device(text, "ada")


def test_a_replaced_secret_forgets_no_device() -> None:
    device = JWT.device("ada")
    assert JwtTokens(OTHER_SECRET, previous=[SECRET]).is_device(device, "ada")
    assert not JwtTokens(OTHER_SECRET).is_device(device, "ada")


def test_a_refresh_token_is_stored_as_its_sha256(tokens: Tokens) -> None:
    refresh = tokens.refresh()
    assert tokens.digest(refresh) == hashlib.sha256(refresh.encode()).digest()
    tokens.digest("\ud800")  # any text that a client sends has one


def test_opaque_tokens_remember_no_more_than_they_are_allowed_to() -> None:
    tokens = OpaqueTokens(tokens_max=3)
    issued = [tokens.access(ADA, NOW, LIFE) for _ in range(4)]
    with pytest.raises(InvalidToken):
        actor_of(tokens, issued[0], NOW)
    assert [actor_of(tokens, token, NOW) for token in issued[1:]] == [ADA] * 3


def test_opaque_tokens_forget_those_that_ended() -> None:
    tokens = OpaqueTokens()
    for minute in range(100):
        tokens.access(ADA, NOW + timedelta(minutes=minute), LIFE)
    assert len(tokens._issued) == 5
