"""The project speaks the words of its field: names that a newcomer could not guess are retired, and stay retired.

Three lists, from each retired name to what is said instead:

- `WORDS` appear nowhere: not in prose, not in file names, not as a part of an identifier;
- `NAMES` are words of ordinary English, so only nothing of ours may be called that, and no page names it as code;
- `PHRASES` are metaphors made of ordinary words.

Old migrations and the changelog are history, and are left as they are. Records of decisions use today's names.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
OF_OTHERS = ("src/shop_core/accounts/common_passwords.py", "src/shop_http/pages/static/htmx.min.js")
MADE = {"__pycache__", ".venv", "node_modules", "dist", "generated", "generated.ts"}
"""Folders and files that nobody writes by hand."""
HISTORY = ("src/shop_adapters/postgres/migrations/versions/", "CHANGELOG.md")
FOLDERS = ("src", "tests", "verification", "benchmarks", "tools", "docs", "examples", "deploy", "clients", ".ci")
READ = {".py", ".md", ".svg", ".sh", ".csv", ".yaml", ".yml", ".toml", ".lua", ".html", ".js", ".css", ".sql", ""}
ROOT_FILES = {".md", ".toml", ".yaml"}

WORDS = {
    "armour": "security headers",
    "armoured": "with security headers",
    "departure": "batch",
    "doorman": "circuit breaker",
    "encounter": "race scenario",
    "he": "they",
    "him": "them",
    "himself": "themselves",
    "his": "their",
    "intake": "request parsing",
    "landmark": "page index cache",
    "lane": "worker pool",
    "planted": "mutant, seeded",
    "planting": "mutants",
    "ride": "pending request",
    "rider": "pending request",
    "seam": "-",
    "stranger": "unrecognised device, another customer, somebody else",
    "train": "order batcher",
    "turnstile": "rate limit",
    "watching": "access log",
}

NAMES = {
    "Answer": "Result, Response",
    "Answers": "KeyedResults",
    "Armour": "SecurityHeaders",
    "CheckoutAt": "PricerAt",
    "Closing": "GracefulShutdown",
    "Doorman": "CircuitBreaker",
    "Edge": "RequestLimits",
    "EndedSessions": "Revocations",
    "Fixed": "PreparedStatement",
    "Form": "QueryShape",
    "FreshAnswers": "ReadModel",
    "Gate": "LoginLimiter",
    "Keyset": "CursorRequest",
    "Landmarks": "CatalogCaches",
    "Lane": "Pool",
    "Lanes": "WorkerPools",
    "Letter": "OutboxMessage",
    "Numbered": "OffsetRequest",
    "OrderTrain": "OrderBatcher",
    "Piece": "PageRequest",
    "QueueNotes": "QueueTable",
    "Seen": "RequestRecord",
    "Snapshots": "CurrentCatalog",
    "StandingChange": "AccountStatusChange",
    "TrainReport": "BatcherReport",
    "Turnstile": "RateLimit",
    "Watched": "AccessLog",
    "alone": "try_lock_task",
    "doorman": "circuit_breaker",
    "edge": "request_limits",
    "encounters": "race scenarios",
    "ground": "fixtures, server",
    "intake": "requests",
    "landmarks": "counts, starts",
    "lanes": "worker_pools",
    "least": "min",
    "let_go": "release_lines",
    "letter": "message",
    "letters": "messages",
    "lock_holders": "lock_customers",
    "more": "a name that says what it is",
    "most": "max",
    "near": "log and memory publisher",
    "only_by_coupon": "is_sum_without_coupons",
    "people": "accounts",
    "placing": "placement",
    "planted": "mutants",
    "planting": "mutants",
    "platform": "queue",
    "plays": "race scenarios",
    "queue_notes": "queue_table",
    "read_checkout": "read_pricer",
    "revive": "requeue",
    "riders": "pending requests",
    "riders_max": "batch_size_max",
    "scene": "shop fixture",
    "seams": "-",
    "spent": "rotated",
    "stage": "fixtures",
    "standing": "account status",
    "tell": "publish",
    "told": "published",
    "train": "order_batcher",
    "turnstile": "rate_limit",
    "units_wanted": "requested_units",
    "wakeups": "-",
    "wanted": "requested_units",
    "wire": "schemas",
    "world": "server",
    "wrong_core": "mutants",
    "wrong_postgres": "mutants",
}

_NAME, _PART = re.compile("[A-Za-z]+"), re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+")

PHRASES = {
    r"\b(on|off|at|to) (the|a) platform\b": "in the queue",
    r"\b(a|the|each|every|first|this|its|no) (dead )?letters? (is|was|in|that|could|waits)\b": "message",
    r"\bthe edge\b": "the middleware",
    r"\bmake proof\b": "make verify",
}


@cache
def texts() -> dict[str, str]:
    """Every file of the project that people read, with its name as the first line."""
    files = [path for folder in FOLDERS for path in sorted((ROOT / folder).rglob("*"))]
    files += [
        path for path in sorted(ROOT.iterdir()) if path.suffix in ROOT_FILES or path.name in ("Makefile", "Dockerfile")
    ]
    named = {str(path.relative_to(ROOT)): path for path in files if path.is_file() and MADE.isdisjoint(path.parts)}
    own = str(Path(__file__).relative_to(ROOT))
    return {
        name: f"{name}\n{path.read_text()}"
        for name, path in named.items()
        if path.suffix in READ and not name.startswith(HISTORY) and name not in (own, *OF_OTHERS)
    }


def words(text: str) -> set[str]:
    """The words of a text in lower case, in the singular, those within identifiers too."""
    different = {part for name in set(_NAME.findall(text)) for part in _PART.findall(name)}
    return {form for word in different for form in (word.lower(), word.lower().removesuffix("s"))}


def names_given(source: str) -> Iterator[str]:
    """The names that a module gives: to what it defines, assigns and imports under another name."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            yield node.name
        elif isinstance(node, ast.arg):
            yield node.arg
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            yield node.id
        elif isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store):
            yield node.attr
        elif isinstance(node, ast.alias) and node.asname:
            yield node.asname


def retired_in(name: str, text: str) -> list[str]:
    """The retired words, names and phrases in one file."""
    found = sorted(words(text) & WORDS.keys())
    given = set(Path(name).with_suffix("").parts)
    if name.endswith(".py") and any(word.strip("_") in NAMES for word in set(re.findall(r"\w+", text))):
        given |= set(names_given(text.partition("\n")[2]))
    elif name.endswith(".md"):
        given |= set(re.findall(r"`(?:\w+\.)*(\w+)`", text))
    found += [each for each in sorted({every.strip("_") for every in given}) if each in NAMES]
    joined = " ".join(text.split())
    return found + [phrase for phrase in PHRASES if re.search(phrase, joined, re.IGNORECASE)]


def test_no_retired_name_is_used_anywhere() -> None:
    instead = WORDS | NAMES | PHRASES
    found = {
        f"{name}: {retired} -> {instead[retired]}"
        for name, text in texts().items()
        for retired in retired_in(name, text)
    }
    assert sorted(found) == []


def test_the_test_finds_what_it_looks_for() -> None:
    assert len(texts()) > 200
    assert sum(name.startswith("docs/decisions/") for name in texts()) > 20
    assert retired_in("src/x.py", "src/x.py\nclass OrderTrain: ...\n") == ["train", "OrderTrain"]
    assert retired_in("src/wire.py", "src/wire.py\n") == ["wire"]
    assert retired_in("docs/x.md", "docs/x.md\nRequests wait at the\nplatform.") == [next(iter(PHRASES))]
    assert retired_in("docs/x.md", "docs/x.md\nA statement is `Fixed`, or has a `shop.Letter`.") == ["Fixed", "Letter"]
    assert retired_in("docs/x.md", "docs/x.md\nThe training platform, letters and digits. A fixed form.") == []


def test_one_name_is_one_thing() -> None:
    """Classes of the product have different names, so that a name leads to one place."""
    known: dict[str, str] = {}
    twice = set()
    for name, text in texts().items():
        if name.startswith("src/") and name.endswith(".py"):
            for node in ast.parse(text.partition("\n")[2]).body:
                if not isinstance(node, ast.ClassDef) or node.name.startswith("_"):
                    continue
                if known.setdefault(node.name, name) != name:
                    twice.add(node.name)
    assert twice <= {"Account", "Decision", "Fault", "Limits", "Step", "Transaction"}
