"""`Idempotency-Key`: a request that bears one is carried out once, however often it is sent."""

from __future__ import annotations

from shop_core.errors import Fault, Invalid
from shop_core.idempotency import check_key
from shop_http.routing import ShopRequest, headers

HEADER = "Idempotency-Key"
REPLAYED = "Idempotency-Replayed"


def sent_key(request: ShopRequest) -> str | None:
    """The key of the request; None without one.

    Raises:
        Invalid: there are several, or it is not 1 to 255 printable ASCII characters.
    """
    match headers(request.scope, b"idempotency-key"):
        case []:
            return None
        case [key]:
            check_key(key)
            return key
        case keys:
            first, second = keys[0][:40], keys[1][:40]
            rule = f"the header is sent {len(keys)} times, with {first!r} and {second!r}: send it once"
            raise Invalid(Fault("idempotency_key", rule, "duplicate"))


def replay_header(replayed: bool) -> dict[str, str]:
    """What tells a client that this was made by an earlier request of his."""
    return {REPLAYED: "true"} if replayed else {}
