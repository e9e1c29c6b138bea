"""What searches and sorts read of products and accounts: made in Python, because PostgreSQL folds text in other ways.

The rows of a version that folded otherwise are made anew by `refresh_search`: when a database is migrated, and from
time to time by each server, as servers of the version before may still write while this one runs.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Engine, text

from shop_adapters.postgres.catalog_version import CatalogVersion
from shop_adapters.postgres.database import TransactionTimeouts, transaction
from shop_core.catalog.model import NAME_LENGTH_MAX
from shop_core.catalog.search import exact_key, sort_key
from shop_core.text import alternatives, comparable, is_combining_mark, search_terms, search_words

REFRESHED_MAX = 500
"""Rows that are made anew in one transaction."""

_FOLDING = "=2"  # a word that no text has: whether a row was written with this folding

_STALE_PRODUCTS = text("""
SELECT id, sku, name, description
FROM products
WHERE NOT search @@ CAST('''=2''' AS tsquery)
ORDER BY id
LIMIT :limit
FOR NO KEY UPDATE SKIP LOCKED
""")
_REFRESH_PRODUCT = text("""
UPDATE products SET sort_key = :sort_key, name_key = :name_key, search = CAST(:search AS tsvector) WHERE id = :id
""")
_STALE_ACCOUNTS = text("""
SELECT id, username, email, first_name, last_name
FROM accounts
WHERE NOT search @@ CAST('''=2''' AS tsquery)
ORDER BY id
LIMIT :limit
FOR NO KEY UPDATE SKIP LOCKED
""")
_REFRESH_ACCOUNT = text("""
UPDATE accounts SET search = CAST(:search AS tsvector) WHERE id = :id
""")


def product_columns(sku: str, name: str, description: str) -> dict[str, Any]:
    """The columns of a product that searches and sorts read."""
    titled = search_terms(name, sku) | _words_before(f"{name} {sku}")
    described = (search_terms(description) | _words_before(description)) - titled
    lexemes = [f"'{term}':1A" for term in sorted(titled)] + [f"'{term}':1D" for term in sorted(described)]
    for place, code in (("1B", sku), ("2C", name)):
        if key := exact_key(search_words(code)):
            lexemes.append(f"'#{key}':{place}")
    return {
        "sort_key": sort_key(name),
        "name_key": comparable(name)[:NAME_LENGTH_MAX],  # by which the version before sorts
        "search": " ".join([*lexemes, f"'{_FOLDING}':1"]),
    }


def account_search(*texts: str) -> str:
    """The column of an account that searches read."""
    terms = search_terms(*texts) | _words_before(" ".join(texts)) | {_FOLDING}
    return " ".join(f"'{term}'" for term in sorted(terms))


def word_query(words: Sequence[str], *, all_begin: bool = False, weight: str = "") -> str:
    """The tsquery that finds what has every word, the last one at least as a beginning.

    Args:
        words: from `search_words`: letters and digits, nothing to escape.
        all_begin: whether each of them may be a beginning.
        weight: of the terms, e.g. `A` to look in name and SKU only.
    """
    found = []
    for at, word in enumerate(words, start=1):
        lists = alternatives(word, is_beginning=all_begin or at == len(words))
        found.append(" | ".join("(" + " & ".join(_term(*term, weight) for term in terms) + ")" for terms in lists))
    return " & ".join(f"({each})" for each in found)


def exact_query(words: Sequence[str], weight: str) -> str:
    """The tsquery that finds the SKU (`B`) or the name (`C`) that the words are."""
    return f"'#{exact_key(words)}':{weight}"


def refresh_search(engine: Engine) -> int:
    """Make rows anew that were written with another folding: up to `REFRESHED_MAX` products, and as many accounts.

    Returns:
        How many of either there were, the greater number; with fewer than `REFRESHED_MAX` nothing is left to do.

    Raises:
        Unavailable: the database is not there, or too busy.
    """
    limit = {"limit": REFRESHED_MAX}
    with transaction(engine, TransactionTimeouts()) as opened:
        accounts, products = opened.run(_STALE_ACCOUNTS, limit), opened.run(_STALE_PRODUCTS, limit)
        for row in accounts:
            opened.run(_REFRESH_ACCOUNT, {"id": row.id, "search": account_search(*row[1:])})
        for row in products:
            opened.run(_REFRESH_PRODUCT, {"id": row.id, **product_columns(*row[1:])})
        if products:
            version = CatalogVersion(opened)
            version.change()
            version.write()
    return max(len(accounts), len(products))


def _term(term: str, is_beginning: bool, weight: str) -> str:
    marks = ("*" if is_beginning else "") + weight
    return f"'{term}':{marks}" if marks else f"'{term}'"


def _words_before(plain: str) -> frozenset[str]:
    """The words by which the version before finds a text. Drop them when no server of it can run any more."""
    bare = "".join(sign if sign.isalnum() or is_combining_mark(sign) else " " for sign in comparable(plain))
    return frozenset(word[:100] for word in bare.split())
