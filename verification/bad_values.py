"""What breaks naive servers: texts, numbers, JSON, header values, and access tokens that nobody gave out."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from typing import Any

ID = "019aa5c1-5b40-733c-9a1e-4f6d2b7c8e03"

TEXTS: tuple[str, ...] = (
    *("", " ", "\t", "\n", "\r\n", "\x00", "a\x00b", "\x01", "\x1b[31m", "\x7f", "\x85", "a b", "a,b", "a|b & !c:*"),
    *"\ufeff|\u200b|\u00ad|\u202e|gnp.\u202egpj.exe|\u2066x\u2069|\u061c|\ufffe|\uffff|\U000e0001".split("|"),
    *"\ud800|\udfff|e\u0301|\u00e9|\u212b|\ufb01|\u0130|\u0131|\u00df|\ufdfa|\u1e9e|\u0345|\u4e2d\u6587".split("|"),
    *"\U0001f469\u200d\U0001f680|\U0001f1e9\U0001f1ea|\u0661\u0662|\uff11|\u05d0|\u0915|\u0662".split("|"),
    *"null None undefined NaN true TRUE [] {} 0 -0 1e309 0x1f 1_000 01 +1 2.20 2.205 1e2 1,20 -0.00".split(),
    *("' OR 1=1 -- # '; DROP TABLE orders; -- # \" # \\ # \\x00 # $1 # %s # %n%n%n # {0} # {{7*7}} # ${7*7}").split(
        " # "
    ),
    *"<script>alert(1)</script> javascript:alert(1) data:text/html,x //evil.example https://[::1 http://".split(),
    *r"https://a:b@c/ ../../etc/passwd ..\..\x %00 %2e%2e%2f %ff%fe % %zz + a;b * _ ~ ^$.* (a+)+$ @ a@b a@b@c".split(),
    *("x" * 149, "x" * 151, "x" * 201, "x" * 256, "x" * 501, "x" * 5_000, "\u0301" * 100, "Z\u0351" * 60, "9" * 30),
    *("99999999999.99", "0.000000000000000001", "1" * 4_000, "https://example.org/\u0000", "https://" + "a" * 3000),
    *(ID, ID.upper(), ID.replace("-", ""), "{" + ID + "}", f"urn:uuid:{ID}", ID[:-1], ID + "0", "0" * 36),
    *"2026-11-21T09:30:00Z 2026-11-21 2026-13-41T99:99:99Z 0000-01-01T00:00:00Z 2026-11-21T23:59:60Z".split(),
    *"9999-12-31T23:59:59+14:00 -0001-01-01T00:00:00Z 2026-11-21T09:30:00.123456789Z 2026-11-21T09:30:00".split(),
    *"Ada ada@example.org aaaa con COM1 constructor __proto__ toString -1 1. .5".split(),
)

NUMBERS: tuple[str, ...] = (
    *"0 -0 1 -1 2 200 201 1000000 1000001 2147483647 2147483648 -2147483649 9223372036854775807".split(),
    *"9223372036854775808 18446744073709551616 0.0 1.0 1.5 -0.0 1e0 1e3 1E+3 1e-7 1e308 1e309 1e400 -1e400".split(),
    *"1e999999999 0.1e1 5e-324 0.30000000000000004 1.7976931348623159e308 NaN Infinity".split(),
    *"-Infinity 01 +1 0x10 1_000 .5 1. 1e --1".split(),
    *("9" * 400, "1" + "0" * 5_000, "\u0661"),
)

JSON: tuple[bytes, ...] = (
    *b'null true [] {} "" 0 { } [ {" {"a" {"a": {"a":1,} {,} [1,] {a:1} /**/{} {}{} {"":1} a=1&b=2'.split(),
    b'{"a":1,"a":2}',
    *(
        b"",
        b" ",
        b"{} x",
        b"{'a':1}",
        b"\xef\xbb\xbf{}",
        b"\xff\xfe{\x00}\x00",
        b'"\xff"',
        b'{"\xff":1}',
        b"\xc2\xa0{}",
    ),
    *(
        b'"\xed\xa0\x80"',
        b'"\xc0\x80"',
        b'"\xf4\x90\x80\x80"',
        b'"\\ud800"',
        b'"\\u0000"',
        b'"\\x41"',
        b'"\x00"',
        b'"\n"',
    ),
    *(b"\x00", b"\x0c{}", b"[" * 900, b"[" * 100_000, b'{"a":' * 900, b'{"a":' * 40_000, b"[" * 900 + b"]" * 900),
    *(b'{"lines":' + b"[" * 5_000, b"[" + b"0," * 50_000 + b"0]", b'{"' + b"k" * 100_000 + b'":1}', b" " * 262_144),
    *(b"1" * 100_000, b"-" * 1000, b'"' + b"\\" * 1001 + b'"', b"--x\r\n\r\n--x--", b"<?xml version='1.0'?><a/>"),
    *(b'{"__proto__":{}}', b'{"a":1,"a":{}}'),
)

HEADERS: dict[str, tuple[bytes, ...]] = {
    "Idempotency-Key": (b" ", b"x", b"x" * 255, b"x" * 256, b"\xc3\xa9", b"a\tb", b'"', b"a,b", b"\x7f"),
    "If-Match": (b"*", b"1", b'"1"', b'W/"1"', b'"1", "2"', b'"' + b"9" * 5_000 + b'"', b'"\xd9\xa1"', b'"', b",,"),
    "If-None-Match": (b"*", b"1", b'"1"', b'W/"1.2"', b'"a' * 500, b","),
    "X-Request-Id": (b"ok-1", b"x" * 128, b"x" * 129, b"a b", b"<script>", b"a\tb", b"%0d%0aSet-Cookie:x"),
    "Content-Type": (b"text/plain", b"application/json;charset=utf-16", b"application/jsonx", b"a/b/c", b";"),
    "Host": (b"a b", b"evil.example", b"[::1", b"x:99999", b"a,b", b"<x>", b"x" * 2_000, b"user@x", b"/"),
    "Cookie": (b"a=b", b"=", b"x" * 4_000, b'a="b', b"session=" + b"A" * 500),
    "User-Agent": (b"x" * 4_000, b"() { :;}; x", b"${jndi:ldap://x}"),
    "traceparent": (b"00-0-0-0", b"00-" + b"a" * 32 + b"-" + b"b" * 16 + b"-01", b"ff-" + b"0" * 500),
    "X-Forwarded-For": (b"1.2.3.4", b"::1", b"a" * 3_000, b",,,"),
    "Accept": (b"text/html", b"image/png;q=2", b"*/*;" * 100),
    **dict.fromkeys(("Content-Encoding", "Accept-Encoding"), (b"gzip", b"gzip;q=9", b"br", b"identity", b"*")),
    **dict.fromkeys(("Expect", "Connection", "Upgrade"), (b"100-continue", b"upgrade", b"keep-alive", b"h2c")),
    **dict.fromkeys(("X-Forwarded-Proto", "X-Forwarded-Host", "Forwarded"), (b"https", b'for="[::1]";host=evil')),
    **dict.fromkeys(("Origin", "Referer", "Range", "Prefer"), (b"https://evil.example", b"null", b"bytes=-1")),
    "X-HTTP-Method-Override": (b"DELETE",),
    "X" * 300: (b"1",),
}
"""Each is sent with an empty value and with a byte that is no ASCII, too."""

PATHS: tuple[str, ...] = (
    *"me null 0 -1 1e9 . .. %2e%2e %2f a%2fb %2F%2F ..%2f..%2fetc%2fpasswd %5c %00 %0a %0d%0aX:1 %ff %c0%af".split(),
    *"%e2%80%ae %u0041 % %2 %zz a;b=c a:b * ~ ' ( $ @ ! {product_id} %7B%7D".split(),
    *("", ID, ID.upper(), ID.replace("-", ""), ID[:-1], ID + "0", "%7B" + ID + "%7D", ID + "%00", "x" * 200),
    *("x" * 5_000, "%41" * 36, "0" * 36, "0" * 32, "-" * 36, "%D9%A0" * 32),
)


def forged(token: str) -> dict[str, list[bytes]]:
    """Authorization headers that must not be accepted, made after a good one; each by what is wrong with it.

    Args:
        token: an access token that is good: a JWT.
    """
    good, bearer = token.encode(), b"Bearer "
    whole = {
        **dict.fromkeys(("Basic", "Digest", "Token", "JWT", '"Bearer"', "Bearer:"), good),
        **{"Bearer" + str(number): word for number, word in enumerate((b"", b".", b"null", b"undefined", b"true"))},
    }
    made = {name: [name.rstrip("0123456789").encode() + b" " + value] for name, value in whole.items()}
    made |= {"nothing": [b""], "spaces": [b"   "], "no scheme": [good], "no space": [b"Bearer" + good]}
    made |= {"two headers": [bearer + good] * 2, "two different headers": [bearer + b"x", bearer + good]}
    values = {
        "in quotes": b'"' + good + b'"',
        "twice": good + b" " + good,
        "and comma": good + b", Bearer " + good,
        "cut": good[:-1],
        "half": good[: len(good) // 2],
        "without its first character": good[1:],
        **{f"and {suffix!r}": good + suffix for suffix in (b"A", b"=", b".")},
        "a dot before": b"." + good,
        "upper case": good.upper(),
        "swapped case": good.swapcase(),
        "backwards": good[::-1],
        "percent": b"%" + good,
        "in Base64": base64.urlsafe_b64encode(good),
        "in hex": good.hex().encode(),
        "high bytes": b"\xff\xfe\xfd",
        "a tab inside": good[:9] + b"\t" + good[9:],
        "dots": b"..",
        "many dots": b"." * 500,
        "long": b"A" * 7_000,
        "long with dots": b"A.A" * 2_000,
        "SQL": b"' OR 1=1 --",
        "an id": ID.encode(),
        "JSON": b'{"sub":"admin"}',
    }
    if token.count(".") == 2:
        values |= {name: value.encode() for name, value in _forged_jwts(token).items()}
    return made | {f"token {name}": [bearer + value] for name, value in values.items()}


def _forged_jwts(token: str) -> dict[str, str]:
    head, body, signature = token.split(".")
    header, claims = _decoded(head), _decoded(body)
    admin = claims | {"role": "admin"}

    def signed(changed: dict[str, Any], key: bytes = b"secret", what: Any = admin, algorithm: str = "sha256") -> str:
        text = f"{_encoded(header | changed)}.{_encoded(what)}"
        mac = hmac.digest(key, text.encode(), algorithm)
        return f"{text}.{base64.urlsafe_b64encode(mac).rstrip(b'=').decode()}"

    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    last = alphabet[alphabet.index(signature[-1]) ^ 1]
    flipped = signature[:5] + ("A" if signature[5] != "A" else "B") + signature[6:]
    unsigned = [
        f"{_encoded(header | {'alg': name})}.{_encoded(admin)}." for name in ("none", "NONE", "nOnE", "", "HS256")
    ]
    other_claims = [admin, claims | {"exp": 4_102_444_800}, claims | {"sub": ID}, {}]
    shapes = [
        *(f"{head}.{body}.", f"{head}.{body}", f"{head}..{signature}", f".{body}.{signature}", f"{token}.{signature}"),
        *(f"{head}.{body}.{signature[:-1]}{last}", f"{head}.{body}.{flipped}", f"{head}.{body}.{'+/' * 21}"),
        *(f"{signature}.{body}.{head}", f"{head}.{body}.{signature}.{body}.{signature}"),
        *(f"{head}.{_encoded(other)}.{signature}" for other in other_claims),
        *(f"{_encoded(other)}.{body}.{signature}" for other in (None, [1])),
        *(f"{_text(other)}.{body}.{signature}" for other in (b"[" * 2_000, bytes([255, 254]), bytes(9))),
    ]
    keys = [b"", b"secret", bytes(32), str(header.get("kid", "")).encode(), head.encode(), hashlib.sha256().digest()]
    key_ids: list[Any] = ["0" * 16, "../../../../dev/null", "x' UNION SELECT 'secret' --", None, 1, ["x"], {}]
    headers: list[dict[str, Any]] = [
        *({"kid": key_id} for key_id in key_ids),
        *({"alg": alg} for alg in ("RS256", "ES256", 256, ["HS256"])),
        *({"typ": typ} for typ in ("JWT", "rt+jwt")),
        *(
            {"jwk": {"kty": "oct", "k": "c2VjcmV0"}},
            {"jku": "https://evil.example/keys"},
            {"x5u": "https://evil.example"},
        ),
        *({"crit": ["exp"], "exp": 1}, {"b64": False, "crit": ["b64"]}),
    ]
    bodies = [[1], "admin", None, admin | {"sub": 1}, admin | {"exp": "never"}, admin | {"exp": 10**400}]
    return {
        **{f"unsigned {number}": value for number, value in enumerate(unsigned)},
        **{f"of shape {number}": value for number, value in enumerate(shapes)},
        **{f"signed with {key!r}": signed({}, key) for key in keys},
        **{f"with {change}": signed(change) for change in headers},
        **{f"saying {number}": signed({}, what=what) for number, what in enumerate(bodies)},
        **{f"signed by HS{bits}": signed({"alg": f"HS{bits}"}, algorithm=f"sha{bits}") for bits in (384, 512)},
    }


def _decoded(part: str) -> Any:
    return json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))


def _encoded(value: object) -> str:
    return _text(json.dumps(value).encode())


def _text(value: bytes) -> str:
    return base64.urlsafe_b64encode(value).rstrip(b"=").decode()
