"""The tree of categories: where a category may stand, and how the whole of it looks."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import count
from uuid import UUID

from shop_core.catalog.model import SLUG_LENGTH_MAX, Category, CategoryEntry
from shop_core.errors import CategoryCycle, CategoryNotFound, Fault, Invalid
from shop_core.text import comparable, folded, normalized

LEVELS_MAX = 10
"""The depth limit: clients show the tree nested, and a search below a category stays small."""


@dataclass(frozen=True, slots=True)
class CategoryNode:
    """A category with those directly below it, by slug."""

    entry: CategoryEntry
    children: tuple[CategoryNode, ...]


def check_place(category: Category, tree: Mapping[UUID, Category]) -> None:
    """Check that a category can be below its parent.

    Args:
        category: a new one, or one of the tree after it was edited.
        tree: all categories as they are, locked.

    Raises:
        CategoryNotFound: its parent is not there.
        CategoryCycle: its parent is itself or below it.
        Invalid: it, or what is below it, would be deeper than ten levels.
    """
    above = 0
    for ancestor_id in _upward(category.parent_id, tree):
        if ancestor_id == category.id and category.parent_id is not None:
            raise CategoryCycle(category.id, category.parent_id)
        if ancestor_id not in tree:
            raise CategoryNotFound(ancestor_id)
        above += 1
    levels = above + _height(category.id, tree)
    if levels > LEVELS_MAX:
        rule = f"may have at most {LEVELS_MAX} levels from the top, with this parent there would be {levels}"
        raise Invalid(Fault("parent", rule, "too_deep"))


def nested(entries: Iterable[CategoryEntry]) -> tuple[CategoryNode, ...]:
    """The top of the tree, with everything below it; siblings keep the order of `entries`."""
    below: dict[UUID | None, list[CategoryEntry]] = {}
    for entry in entries:
        below.setdefault(entry.category.parent_id, []).append(entry)

    def nodes(parent_id: UUID | None) -> tuple[CategoryNode, ...]:
        return tuple(CategoryNode(entry, nodes(entry.category.id)) for entry in below.get(parent_id, ()))

    return nodes(None)


def located(
    paths: Iterable[tuple[str, ...]], tree: Mapping[UUID, Category], new_id: Callable[[], UUID]
) -> tuple[dict[tuple[str, ...], Category], list[Category]]:
    """The categories at the ends of paths of names, and those of them that are missing and were made, parents first.

    A category is the same if its name is, whatever the case and the white space, and if it has the same parent; C and
    C++ differ, and so do Bar and Bär. A name alone means the category at the top, else the only one with that name.

    Raises:
        Invalid: a name alone is that of several categories below the top, a path is too long, or a name is none.
    """
    known: dict[tuple[UUID | None, str], Category] = {}
    by_name: dict[str, list[Category]] = {}
    for category in sorted(tree.values(), key=lambda category: category.slug, reverse=True):
        known[category.parent_id, _identity(category.name)] = category
        by_name.setdefault(_identity(category.name), []).append(category)
    taken, found, made = {category.slug for category in tree.values()}, dict[tuple[str, ...], Category](), []
    for path in paths:
        namesakes = by_name.get(_identity(path[0]), []) if len(path) == 1 else []
        if namesakes and (None, _identity(path[0])) not in known:
            if len(namesakes) > 1:
                rule = f"{path[0]!r} is the name of {len(namesakes)} categories: write its path, such as A > B"
                raise Invalid(Fault("category", rule, "ambiguous"))
            found[path] = namesakes[0]
            continue
        if len(path) > LEVELS_MAX:
            raise Invalid(Fault("category", f"has {len(path)} levels, at most {LEVELS_MAX} are possible", "too_deep"))
        parent: Category | None = None
        for name in path:
            parent_id = parent.id if parent else None
            step = known.get((parent_id, _identity(name)))
            if step is None:
                step = Category(new_id(), normalized(name), free_slug(name, taken), parent_id)
                known[parent_id, _identity(name)] = step
                taken.add(step.slug)
                made.append(step)
            parent = step
        assert parent is not None, "a path has a name"
        found[path] = parent
    return found, made


def free_slug(name: str, taken: Collection[str]) -> str:
    """A slug for a category of this name that no other has: `c`, `c-2`, `c-3` for C, C++ and C#.

    What Latin letters cannot say is said by the end of a hash.

    >>> free_slug("Tea & Coffee", ()), free_slug("Küche", ()), free_slug("C++", {"c"})
    ('tea-coffee', 'kuche', 'c-2')
    """
    bare = folded(name)
    slug = "-".join(re.findall("[a-z0-9]+", bare))
    if not slug or len(slug) > SLUG_LENGTH_MAX or any(sign.isalnum() and not sign.isascii() for sign in bare):
        tail = hashlib.sha256(_identity(name).encode()).hexdigest()[:8]
        slug = f"{slug[: SLUG_LENGTH_MAX - 9].strip('-') or 'category'}-{tail}"
    numbered = (f"{slug[: SLUG_LENGTH_MAX - 6].strip('-')}-{number}" for number in count(2))
    return slug if slug not in taken else next(one for one in numbered if one not in taken)


def _identity(name: str) -> str:
    return " ".join(comparable(normalized(name)).split())


def _upward(category_id: UUID | None, tree: Mapping[UUID, Category]) -> Iterator[UUID]:
    while category_id is not None:
        yield category_id
        category_id = tree[category_id].parent_id


def _height(category_id: UUID, tree: Mapping[UUID, Category]) -> int:
    """How many levels the category has, itself included."""
    below: dict[UUID | None, list[UUID]] = {}
    for category in tree.values():
        below.setdefault(category.parent_id, []).append(category.id)
    levels, level = 0, [category_id]
    while level:
        levels += 1
        level = [child for parent in level for child in below.get(parent, ())]
    return levels
