"""What breaks naive servers: texts, numbers, JSON, header values, and access tokens that nobody gave out."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from typing import Any

ID = "019aa5c1-5b40-733c-9a1e-4f6d2b7c8e03"

TEXTS: tuple[str, ...] = (
    *("", " ", "\t", "\n", "\r\n", "\x00", "a\x00b", "\x01", "\x1b[31m", "\x7f", "\x85", "\ufeff", "\u200b", "\u00ad"),
    *("\u202e", "gnp.\u202egpj.exe", "\u2066x\u2069", "\u061c", "\ufffe", "\uffff", "\U000e0001", "\ud800", "\udfff"),
    *(
        "e\u0301",
        "\u00e9",
        "\u212b",
        "\ufb01",
        "\u0130",
        "\u0131",
        "\u00df",
        "\ufdfa",
        "\u1e9e",
        "\u0345",
        "Z\u0351" * 60,
    ),
    *(
        "\U0001f469\u200d\U0001f680",
        "\U0001f1e9\U0001f1ea",
        "\u0661\u0662",
        "\uff11",
        "\u4e2d\u6587",
        "\u05d0",
        "\u0915",
    ),
    *("null", "None", "undefined", "NaN", "true", "TRUE", "[]", "{}", "0", "-0", "1e309", "0x1f", "1_000", "01", "+1"),
    *("' OR 1=1 --", "'; DROP TABLE orders; --", '"', "\\", "\\x00", "$1", "%s", "%n%n%n", "{0}", "{{7*7}}", "${7*7}"),
    *(
        "<script>alert(1)</script>",
        "javascript:alert(1)",
        "data:text/html,x",
        "//evil.example",
        "https://[::1",
        "http://",
    ),
    *("https://a:b@c/", "https://example.org/\u0000", "https://" + "a" * 3000, "../../etc/passwd", "..\\..\\x", "%00"),
    *("%2e%2e%2f", "%ff%fe", "%", "%zz", "+", "a b", "a,b", "a;b", "a|b & !c:*", "*", "_", "~", "^$.*", "(a+)+$"),
    *("x" * 149, "x" * 151, "x" * 201, "x" * 256, "x" * 501, "x" * 5_000, "\u0301" * 100, "9" * 30, "-1", "1.", ".5"),
    *("2.20", "2.205", "1e2", "1,20", "\u0662", "-0.00", "99999999999.99", "0.000000000000000001", "1" * 4_000),
    *(ID, ID.upper(), ID.replace("-", ""), "{" + ID + "}", f"urn:uuid:{ID}", ID[:-1], ID + "0", "0" * 36),
    *(
        "2026-11-21T09:30:00Z",
        "2026-11-21",
        "2026-13-41T99:99:99Z",
        "0000-01-01T00:00:00Z",
        "9999-12-31T23:59:59+14:00",
    ),
    *("2026-11-21T09:30:00", "2026-11-21T23:59:60Z", "-0001-01-01T00:00:00Z", "2026-11-21T09:30:00.123456789Z"),
    *("Ada", "ada@example.org", "a@b", "@", "a@b@c", "aaaa", "con", "COM1", "constructor", "__proto__", "toString"),
)

NUMBERS: tuple[str, ...] = (
    *("0", "-0", "1", "-1", "2", "200", "201", "1000000", "1000001", "2147483647", "2147483648", "-2147483649"),
    *("9223372036854775807", "9223372036854775808", "18446744073709551616", "9" * 400, "1" + "0" * 5_000),
    *("0.0", "1.0", "1.5", "-0.0", "1e0", "1e3", "1E+3", "1e-7", "1e308", "1e309", "1e400", "-1e400", "1e999999999"),
    *("0.1e1", "5e-324", "1.7976931348623159e308", "0.30000000000000004", "NaN", "Infinity", "-Infinity", "01", "+1"),
    *("0x10", "1_000", ".5", "1.", "1e", "--1", "\u0661"),
)

JSON: tuple[bytes, ...] = (
    *(b"", b" ", b"null", b"true", b"[]", b"{}", b'""', b"0", b"{", b"}", b"[", b'{"', b'{"a"', b'{"a":', b'{"a":1,}'),
    *(b"{,}", b"[1,]", b"{'a':1}", b"{a:1}", b"/**/{}", b"{}{}", b"{} x", b"\xef\xbb\xbf{}", b"\xff\xfe{\x00}\x00"),
    *(b'"\xff"', b'{"\xff":1}', b'"\xed\xa0\x80"', b'"\xc0\x80"', b'"\xf4\x90\x80\x80"', b'"\\ud800"', b'"\\u0000"'),
    *(
        b'"\\x41"',
        b'"\x00"',
        b'"\n"',
        b"\x00",
        b"\x0c{}",
        b"\xc2\xa0{}",
        b'{"a":1,"a":2}',
        b'{"":1}',
        b'{"__proto__":{}}',
    ),
    *(b"[" * 900, b"[" * 100_000, b'{"a":' * 900, b'{"a":' * 40_000, b"[" * 900 + b"]" * 900),
    *(b'{"lines":' + b"[" * 5_000, b"[" + b"0," * 50_000 + b"0]", b'{"' + b"k" * 100_000 + b'":1}', b" " * 262_144),
    *(
        b"1" * 100_000,
        b"-" * 1000,
        b'"' + b"\\" * 1001 + b'"',
        b"<?xml version='1.0'?><a/>",
        b"a=1&b=2",
        b"--x\r\n\r\n--x--",
    ),
)

HEADERS: tuple[tuple[str, tuple[bytes, ...]], ...] = (
    (
        "Idempotency-Key",
        (b"", b" ", b"x", b"x" * 255, b"x" * 256, b"\xff", b"\xc3\xa9", b"a\tb", b'"', b"a,b", b"\x7f"),
    ),
    (
        "If-Match",
        (
            b"",
            b"*",
            b"1",
            b'"1"',
            b'W/"1"',
            b'"1", "2"',
            b'"1.17"',
            b'"' + b"9" * 5_000 + b'"',
            b'"\xd9\xa1"',
            b'"',
            b",,",
        ),
    ),
    ("If-None-Match", (b"", b"*", b"1", b'"1"', b'W/"1.2"', b'"\xff"', b'"a' * 500, b",")),
    (
        "X-Request-Id",
        (b"", b"ok-1", b"x" * 128, b"x" * 129, b"a b", b"\xff", b"<script>", b"a\tb", b"%0d%0aSet-Cookie:x"),
    ),
    (
        "Content-Type",
        (b"", b"text/plain", b"application/json;charset=utf-16", b"application/jsonx", b"\xff", b"a/b/c", b";"),
    ),
    ("Content-Encoding", (b"gzip", b"identity", b"br", b"", b"\xff")),
    ("Accept", (b"", b"text/html", b"image/png;q=2", b"\xff", b"*/*;" * 100)),
    ("Accept-Encoding", (b"gzip;q=9", b"\xff", b"*")),
    (
        "Host",
        (b"", b"a b", b"\xff", b"evil.example", b"[::1", b"x:99999", b"a,b", b"<x>", b"x" * 2_000, b"user@x", b"/"),
    ),
    ("Cookie", (b"a=b", b"=", b"\xff", b"x" * 4_000, b'a="b', b"session=" + b"A" * 500)),
    ("Range", (b"bytes=0-1", b"bytes=-1", b"lines=1", b"\xff")),
    ("Expect", (b"100-continue", b"200-ok", b"")),
    ("Connection", (b"keep-alive", b"upgrade", b"x-request-id", b"\xff")),
    ("Upgrade", (b"websocket", b"h2c", b"\xff")),
    ("X-Forwarded-For", (b"1.2.3.4", b"::1", b"\xff", b"a" * 3_000, b",,,")),
    ("X-Forwarded-Proto", (b"https", b"javascript", b"\xff")),
    ("X-Forwarded-Host", (b"evil.example", b"\xff")),
    ("X-HTTP-Method-Override", (b"DELETE", b"\xff")),
    ("Forwarded", (b'for="[::1]";host=evil', b"\xff")),
    ("Origin", (b"https://evil.example", b"null", b"\xff")),
    ("Referer", (b"\xff", b"javascript:x")),
    ("User-Agent", (b"", b"\xff", b"x" * 4_000, b"() { :;}; x", b"${jndi:ldap://x}")),
    ("traceparent", (b"", b"00-0-0-0", b"00-" + b"a" * 32 + b"-" + b"b" * 16 + b"-01", b"\xff", b"ff-" + b"0" * 500)),
    ("Prefer", (b"wait=1",)),
    ("X" * 300, (b"1",)),
)

PATHS: tuple[str, ...] = (
    *("", ".", "..", "%2e%2e", "%2f", "a%2fb", "%2F%2F", "..%2f..%2fetc%2fpasswd", "%5c", "%00", "%0a", "%0d%0aX:1"),
    *(
        "%ff",
        "%c0%af",
        "%e2%80%ae",
        "%u0041",
        "%",
        "%2",
        "%zz",
        "a;b=c",
        "a:b",
        "*",
        "me",
        "~",
        "'",
        "(",
        "$",
        "@",
        "!",
    ),
    *("null", "0", "-1", "1e9", ID, ID.upper(), ID.replace("-", ""), ID[:-1], ID + "0", "%7B" + ID + "%7D", ID + "%00"),
    *("x" * 200, "x" * 5_000, "%41" * 36, "0" * 36, "0" * 32, "-" * 36, "%D9%A0" * 32, "{product_id}", "%7B%7D"),
)

METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "BREW", "get", "PROPFIND", "QUERY")


def forged(token: str) -> dict[str, list[bytes]]:
    """Authorization headers that must not open any door, made after a good one; each by what is wrong with it.

    Args:
        token: an access token that is good: a JWT, or an opaque one, of which less can be forged.
    """
    good = token.encode()
    made: dict[str, list[bytes]] = {
        "empty": [b""],
        "no scheme": [good],
        "no token": [b"Bearer"],
        "no token but a space": [b"Bearer "],
        "only spaces": [b"   "],
        "no space": [b"Bearer" + good],
        "basic": [b"Basic " + good],
        "digest": [b"Digest " + good],
        "token scheme": [b"Token " + good],
        "JWT scheme": [b"JWT " + good],
        "scheme in quotes": [b'"Bearer" ' + good],
        "colon": [b"Bearer: " + good],
        "token in quotes": [b'Bearer "' + good + b'"'],
        "token twice": [b"Bearer " + good + b" " + good],
        "token and comma": [b"Bearer " + good + b", Bearer " + good],
        "two headers": [b"Bearer " + good, b"Bearer " + good],
        "two different headers": [b"Bearer x", b"Bearer " + good],
        "cut": [b"Bearer " + good[:-1]],
        "cut in half": [b"Bearer " + good[: len(good) // 2]],
        "without its first character": [b"Bearer " + good[1:]],
        "and one more": [b"Bearer " + good + b"A"],
        "and padding": [b"Bearer " + good + b"="],
        "and a dot": [b"Bearer " + good + b"."],
        "a dot before": [b"Bearer ." + good],
        "upper case": [b"Bearer " + good.upper()],
        "swapped case": [b"Bearer " + good.swapcase()],
        "backwards": [b"Bearer " + good[::-1]],
        "percent": [b"Bearer " + b"%" + good],
        "in Base64 again": [b"Bearer " + base64.urlsafe_b64encode(good)],
        "in hex": [b"Bearer " + good.hex().encode()],
        "high bytes": [b"Bearer \xff\xfe\xfd"],
        "UTF-8": [b"Bearer \xc3\xa9\xe2\x82\xac"],
        "a tab inside": [b"Bearer " + good[:9] + b"\t" + good[9:]],
        "dots": [b"Bearer ..", b"Bearer ..."][:1],
        "more dots": [b"Bearer " + b"." * 500],
        "very long": [b"Bearer " + b"A" * 7_000],
        "very long with dots": [b"Bearer " + b"A.A" * 2_000],
        "null": [b"Bearer null"],
        "undefined": [b"Bearer undefined"],
        "true": [b"Bearer true"],
        "an SQL joke": [b"Bearer ' OR 1=1 --"],
        "an id": [b"Bearer " + ID.encode()],
        "JSON": [b'Bearer {"sub":"admin"}'],
    }
    if token.count(".") == 2:
        made |= {name: [b"Bearer " + value.encode()] for name, value in _forged_jwts(token).items()}
    return made


def _forged_jwts(token: str) -> dict[str, str]:
    head, body, signature = token.split(".")
    header, claims = _decoded(head), _decoded(body)
    admin = claims | {"role": "admin"}
    forever = claims | {"exp": 4_102_444_800}

    def unsigned(name: str) -> str:
        """Not signed at all, with the algorithm of that name."""
        return f"{_encoded(header | {'alg': name})}.{_encoded(admin)}."

    def signed(changed: dict[str, Any], key: bytes, what: Any = admin, algorithm: str = "sha256") -> str:
        text = f"{_encoded(header | changed)}.{_encoded(what)}"
        mac = hmac.digest(key, text.encode(), algorithm)
        return f"{text}.{base64.urlsafe_b64encode(mac).rstrip(b'=').decode()}"

    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    last = alphabet[alphabet.index(signature[-1]) ^ 1]
    flipped = signature[:5] + ("A" if signature[5] != "A" else "B") + signature[6:]
    return {
        "alg none": unsigned("none"),
        "alg None": unsigned("None"),
        "alg NONE": unsigned("NONE"),
        "alg nOnE": unsigned("nOnE"),
        "alg empty": unsigned(""),
        "alg HS256 unsigned": unsigned("HS256"),
        "no signature": f"{head}.{body}.",
        "no signature, no dot": f"{head}.{body}",
        "no body": f"{head}..{signature}",
        "no header": f".{body}.{signature}",
        "four parts": f"{token}.{signature}",
        "another last bit, which means nothing": f"{head}.{body}.{signature[:-1]}{last}",
        "another signature": f"{head}.{body}.{flipped}",
        "another role": f"{head}.{_encoded(admin)}.{signature}",
        "another end": f"{head}.{_encoded(forever)}.{signature}",
        "another subject": f"{head}.{_encoded(claims | {'sub': ID})}.{signature}",
        "no claims": f"{head}.{_encoded({})}.{signature}",
        "empty key": signed({}, b""),
        "key secret": signed({}, b"secret"),
        "key of zeros": signed({}, bytes(32)),
        "signed with the kid": signed({}, str(header.get("kid", "")).encode()),
        "signed with the header": signed({}, head.encode()),
        "signed with the digest of nothing": signed({}, hashlib.sha256().digest()),
        "kid unknown": signed({"kid": "0" * 16}, b"secret"),
        "kid a path": signed({"kid": "../../../../dev/null"}, b""),
        "kid an SQL joke": signed({"kid": "x' UNION SELECT 'secret' --"}, b"secret"),
        "kid null": signed({"kid": None}, b""),
        "kid a number": signed({"kid": 1}, b"secret"),
        "kid a list": signed({"kid": ["x"]}, b"secret"),
        "kid an object": signed({"kid": {"a": 1}}, b"secret"),
        "jwk brought along": signed({"jwk": {"kty": "oct", "k": "c2VjcmV0"}}, b"secret"),
        "jku": signed({"jku": "https://evil.example/keys"}, b"secret"),
        "x5u": signed({"x5u": "https://evil.example/cert"}, b"secret"),
        "crit": signed({"crit": ["exp"], "exp": 1}, b"secret"),
        "b64 false": signed({"b64": False, "crit": ["b64"]}, b"secret"),
        "HS384": signed({"alg": "HS384"}, b"secret", algorithm="sha384"),
        "HS512": signed({"alg": "HS512"}, b"secret", algorithm="sha512"),
        "RS256": signed({"alg": "RS256"}, b"secret"),
        "ES256": signed({"alg": "ES256"}, b"secret"),
        "alg a number": signed({"alg": 256}, b"secret"),
        "alg a list": signed({"alg": ["HS256"]}, b"secret"),
        "typ JWT": signed({"typ": "JWT"}, b"secret"),
        "typ refresh": signed({"typ": "rt+jwt"}, b"secret"),
        "claims a list": signed({}, b"secret", [1]),
        "claims a text": signed({}, b"secret", "admin"),
        "claims null": signed({}, b"secret", None),
        "sub a number": signed({}, b"secret", admin | {"sub": 1}),
        "exp a text": signed({}, b"secret", admin | {"exp": "never"}),
        "exp endless": signed({}, b"secret", admin | {"exp": 10**400}),
        "header null": f"{_encoded(None)}.{body}.{signature}",
        "header a list": f"{_encoded([1])}.{body}.{signature}",
        "header deep": f"{_text(b'[' * 2_000)}.{body}.{signature}",
        "header not UTF-8": f"{_text(bytes([255, 254]))}.{body}.{signature}",
        "header with NUL": f"{_text(bytes(9))}.{body}.{signature}",
        "parts turned round": f"{signature}.{body}.{head}",
        "five parts, as if encrypted": f"{head}.{body}.{signature}.{body}.{signature}",
        "signature in standard Base64": f"{head}.{body}.{'+/' * 21}",
    }


def _decoded(part: str) -> Any:
    return json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))


def _encoded(value: object) -> str:
    return _text(json.dumps(value).encode())


def _text(value: bytes) -> str:
    return base64.urlsafe_b64encode(value).rstrip(b"=").decode()
