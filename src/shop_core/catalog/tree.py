"""The tree of categories: where a category may stand, and how the whole of it looks."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from uuid import UUID

from shop_core.catalog.model import Category, CategoryEntry
from shop_core.errors import CategoryCycle, CategoryNotFound, Fault, Invalid

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
