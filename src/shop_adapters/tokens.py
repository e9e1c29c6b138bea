"""Access tokens (JWTs, or opaque ones for a shop in memory), refresh tokens, device tokens and reset codes."""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
import secrets
from collections import OrderedDict
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from threading import Lock
from typing import NamedTuple
from uuid import UUID

from shop_core.accounts.model import AccessToken, Actor, Role
from shop_core.errors import InvalidToken

SECRET_BYTES_MIN = 32
TOKEN_LENGTH_MAX = 4_096  # ours have some 400 characters; longer ones are not decoded
# Three parts in Base64 as in RFC 7515. PyJWT also accepts padding, and any value of the two unused bits of the last
# character of a signature, so that one token could be written in several ways.
_JWT = re.compile(r"[\w-]+\.[\w-]+\.[\w-]{42}[AEIMQUYcgkosw048]", re.ASCII)
_DEVICE_BYTES = 16
_RESET_TIME_BYTES = 6
_RESET_BYTES = 16 + _RESET_TIME_BYTES + 32
FUTURE_ISSUE_MAX = timedelta(seconds=5)  # by which the clocks of two servers may differ


class _ResetCode(NamedTuple):
    """A reset code in its parts, not proved."""

    account_id: UUID
    expires_at: int
    content: bytes
    proof: bytes

    @classmethod
    def parse(cls, code: str) -> _ResetCode | None:
        sent = _bytes_of(code)
        if len(sent) != _RESET_BYTES:
            return None
        content, proof = sent[: 16 + _RESET_TIME_BYTES], sent[16 + _RESET_TIME_BYTES :]
        return cls(UUID(bytes=content[:16]), int.from_bytes(content[16:], "big"), content, proof)


class _SecretTokens:
    """Refresh tokens of 256 bits, device tokens and reset codes, from keys that are derived from a secret.

    Without the secret, nobody can compute the successor of a refresh token, not even its holder.
    """

    def __init__(self, secret: bytes, previous: Sequence[bytes] = ()) -> None:
        self._successor_keys = [_derived(each, "refresh token successor") for each in (secret, *previous)]
        self._device_keys = [_derived(each, "device") for each in (secret, *previous)]
        self._reset_keys = [_derived(each, "password reset") for each in (secret, *previous)]

    def refresh(self) -> str:
        """A new random refresh token."""
        return secrets.token_urlsafe(32)

    def successors(self, refresh: str) -> list[str]:
        """The refresh tokens that may follow this one: under the present secret first, then under each previous one."""
        return [_base64(hmac.digest(key, _encoded(refresh), "sha256")) for key in self._successor_keys]

    def device(self, username_key: str) -> str:
        """A new device token: 128 random bits, and a proof that it was given out to this username."""
        device_id = secrets.token_bytes(_DEVICE_BYTES)
        return _base64(device_id + _device_proof(self._device_keys[0], device_id, username_key))

    def is_device(self, device: str, username_key: str) -> bool:
        """Whether a device token was given out to this username, under the present or a previous secret."""
        sent = _bytes_of(device)
        device_id, proof = sent[:_DEVICE_BYTES], sent[_DEVICE_BYTES:]
        return any(hmac.compare_digest(proof, _device_proof(key, device_id, username_key)) for key in self._device_keys)

    def reset_code(self, account_id: UUID, password_hash: str, until: datetime) -> str:
        """A code that proves its account, its expiry, and that the password is still the same."""
        content = account_id.bytes + int(until.timestamp()).to_bytes(_RESET_TIME_BYTES, "big")
        return _base64(content + _reset_proof(self._reset_keys[0], content, password_hash))

    def account_of_reset(self, code: str) -> UUID | None:
        """The account that a code names, not yet proved; None if it is not a code."""
        reset = _ResetCode.parse(code)
        return reset.account_id if reset else None

    def is_reset_code(self, code: str, password_hash: str, now: datetime) -> bool:
        """Whether it was given out for this account and password, and has not expired."""
        reset = _ResetCode.parse(code)
        return (
            reset is not None
            and now.timestamp() < reset.expires_at
            and any(
                hmac.compare_digest(reset.proof, _reset_proof(key, reset.content, password_hash))
                for key in self._reset_keys
            )
        )

    def digest(self, refresh: str) -> bytes:
        """The SHA-256 under which a refresh token is stored: fast is right, as no one can guess 256 random bits."""
        return hashlib.sha256(_encoded(refresh)).digest()


def _derived(secret: bytes, purpose: str) -> bytes:
    """A key for one purpose. It reveals neither the secret nor the keys of other purposes."""
    return hmac.digest(secret, f"shop: {purpose}".encode(), "sha256")


def _base64(value: bytes) -> str:
    return base64.urlsafe_b64encode(value).rstrip(b"=").decode()


def _bytes_of(text: str) -> bytes:
    """The bytes of a text that `_base64` made; empty for any other text."""
    try:
        sent = base64.urlsafe_b64decode(_encoded(text) + b"=" * (-len(text) % 4))
    except ValueError:
        return b""
    return sent if _base64(sent) == text else b""


def _reset_proof(key: bytes, content: bytes, password_hash: str) -> bytes:
    return hmac.digest(key, content + _encoded(password_hash), "sha256")


def _device_proof(key: bytes, device_id: bytes, username_key: str) -> bytes:
    return hmac.digest(key, device_id + _encoded(username_key), "sha256")


def _encoded(token: str) -> bytes:
    return token.encode("utf-8", "surrogatepass")  # any str that a client sends has bytes


def _identity(actor: Actor) -> tuple[UUID, Role]:
    if actor.id is None or actor.role is None:
        raise ValueError(f"an access token is for an account with a role, not for {actor}")
    return actor.id, actor.role


class JwtTokens(_SecretTokens):
    """Access tokens as JWTs (RFC 7519, RFC 9068), signed with HS256 and nothing else. Needs the extra `auth`.

    A token names its key (`kid`), so a secret can be replaced without logging anyone out: sign with the new one, and
    accept `previous` ones until their tokens have expired.

    Args:
        secret: signs, at least 32 random bytes.
        previous: earlier secrets that are still accepted.
        issuer: the `iss` claim.
        audience: the `aud` claim.

    Raises:
        ValueError: a secret has fewer than 32 bytes.
    """

    def __init__(
        self, secret: bytes, previous: Sequence[bytes] = (), issuer: str = "shop", audience: str = "shop"
    ) -> None:
        for each in (secret, *previous):
            if len(each) < SECRET_BYTES_MIN:
                raise ValueError(
                    f"a token secret must have at least {SECRET_BYTES_MIN} bytes (RFC 7518, 3.2), this has {len(each)}"
                )
        super().__init__(secret, previous)
        self._kid = _kid(secret)
        self._keys = {_kid(each): each for each in (secret, *previous)}
        self._issuer = issuer
        self._audience = audience

    def access(self, actor: Actor, issued_at: datetime, life: timedelta) -> str:
        """A token for an actor. It expires within the second before `issued_at + life`: JWT times are in seconds.

        Raises:
            ValueError: no account acts.
        """
        import jwt  # here, so that `OpaqueTokens` needs no installation

        account_id, role = _identity(actor)
        claims = {
            "iss": self._issuer,
            "aud": self._audience,
            "sub": str(account_id),
            "iat": int(issued_at.timestamp()),
            "exp": int((issued_at + life).timestamp()),
            "jti": secrets.token_urlsafe(16),
            "role": role.value,
        }
        if actor.session is not None:
            claims["sid"] = str(actor.session)
        return jwt.encode(claims, self._keys[self._kid], "HS256", headers={"typ": "at+jwt", "kid": self._kid})

    def read_access(self, token: str) -> AccessToken:
        """What a token says, whatever the time is.

        Raises:
            InvalidToken: malformed, forged, or for another audience.
        """
        import jwt

        if len(token) > TOKEN_LENGTH_MAX:
            raise InvalidToken
        try:
            actor, issued, expires = self._verified(token)
            issued_at, expires_at = (datetime.fromtimestamp(seconds, UTC) for seconds in (issued, expires))
            return AccessToken(actor, issued_at - FUTURE_ISSUE_MAX, expires_at)
        # Not UTF-8, not a UUID, not a role, or no time that there can be.
        except (jwt.PyJWTError, ValueError, OverflowError, OSError) as wrong:
            raise InvalidToken from wrong

    def _verified(self, token: str) -> tuple[Actor, int, int]:
        """The actor, and the times of issue and expiry; everything else was checked."""
        import jwt

        if not _JWT.fullmatch(token):
            raise InvalidToken
        header = jwt.get_unverified_header(token)
        key = self._keys.get(header.get("kid", ""))
        if key is None or header.get("typ") != "at+jwt":
            raise InvalidToken
        claims = jwt.decode(
            token,
            key,
            algorithms=["HS256"],
            audience=self._audience,
            issuer=self._issuer,
            options={
                "require": ["iss", "aud", "sub", "iat", "exp", "jti", "role"],
                # PyJWT would use the machine's clock; here the time is an argument.
                "verify_exp": False,
                "verify_iat": False,
                "verify_nbf": False,
                "strict_aud": True,
            },
        )
        issued, expires = claims["iat"], claims["exp"]
        if type(issued) is not int or type(expires) is not int:
            raise InvalidToken
        session = UUID(claims["sid"]) if "sid" in claims else None
        return Actor(UUID(claims["sub"]), Role(claims["role"]), session), issued, expires


def _kid(secret: bytes) -> str:
    return _derived(secret, "key id").hex()[:16]


class OpaqueTokens(_SecretTokens):
    """Random access tokens that are looked up, for a shop in memory: they end with the process.

    Args:
        tokens_max: how many access tokens are remembered; the oldest ones beyond that expire early.
    """

    def __init__(self, tokens_max: int = 100_000) -> None:
        super().__init__(secrets.token_bytes(SECRET_BYTES_MIN))
        self._tokens_max = tokens_max
        self._issued: OrderedDict[bytes, AccessToken] = OrderedDict()
        self._lock = Lock()

    def access(self, actor: Actor, issued_at: datetime, life: timedelta) -> str:
        """A token for an actor, until `issued_at + life`.

        Raises:
            ValueError: no account acts.
        """
        _identity(actor)
        token = secrets.token_urlsafe(32)
        with self._lock:
            self._forget_ended(issued_at)
            self._issued[self.digest(token)] = AccessToken(actor, issued_at - FUTURE_ISSUE_MAX, issued_at + life)
        return token

    def read_access(self, token: str) -> AccessToken:
        """What a token says, whatever the time is.

        Raises:
            InvalidToken: it was not given out here, or it was forgotten.
        """
        issued = self._issued.get(self.digest(token))
        if issued is None:
            raise InvalidToken
        return issued

    def _forget_ended(self, now: datetime) -> None:
        """Make room for one token: drop the oldest ones, if they have expired or there are too many."""
        while self._issued:
            oldest = next(iter(self._issued.values()))
            if now < oldest.expires_at and len(self._issued) < self._tokens_max:
                return
            self._issued.popitem(last=False)
