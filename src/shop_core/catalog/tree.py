"""The tree of categories: where a category may stand, and how the whole of it looks."""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import count
from uuid import UUID

from shop_core.catalog.model import SLUG_LENGTH_MAX, Category, CategoryEntry
from shop_core.errors import CategoryCycle, CategoryNotFound, Fault, Invalid
from shop_core.text import comparable, folded, normalized

_ID = re.compile("[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")

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


Path = tuple[str, ...]
"""The names of categories from the top down; or the id of one alone."""


def located(
    paths: Iterable[Path], tree: Mapping[UUID, Category], new_id: Callable[[], UUID]
) -> tuple[dict[Path, Category], list[Category], dict[Path, Invalid]]:
    """The categories at the ends of paths; those of them that are missing and were made, parents first; and why some
    paths lead nowhere: a name alone is that of several categories below the top, a path is too long, a name is none, or
    nothing has the id.

    A category is the same if its name is, whatever the case and the white space, and if it has the same parent; C and
    C++ differ, and so do Bar and Bär. A name alone means the category at the top, else the only one with that name.
    """
    locator, found, refused = _Locator(tree, new_id), dict[Path, Category](), dict[Path, Invalid]()
    for path in paths:
        try:
            found[path] = locator.find(path)
        except Invalid as refusal:
            refused[path] = refusal
    return found, locator.made, refused


class _Locator:
    """Finds categories of a tree, and makes those that are missing."""

    def __init__(self, tree: Mapping[UUID, Category], new_id: Callable[[], UUID]) -> None:
        self.made: list[Category] = []
        self._tree, self._new_id = tree, new_id
        self._known: dict[tuple[UUID | None, str], Category] = {}
        self._by_name: dict[str, list[Category]] = {}
        for category in sorted(tree.values(), key=lambda category: category.slug, reverse=True):
            self._known[category.parent_id, identity(category.name)] = category
            self._by_name.setdefault(identity(category.name), []).append(category)
        self._slugs = {category.slug for category in tree.values()}

    def find(self, path: Path) -> Category:
        """The category at the end of the path. Raises Invalid."""
        if len(path) == 1:
            if category_id := id_in(path[0]):
                if category_id not in self._tree:
                    raise Invalid(Fault("category", f"there is no category {category_id}: write its name", "unknown"))
                return self._tree[category_id]
            namesakes = self._by_name.get(identity(path[0]), [])
            if namesakes and (None, identity(path[0])) not in self._known:
                if len(namesakes) > 1:
                    rule = f"{path[0]!r} is the name of {len(namesakes)} categories: write its path, such as A > B"
                    raise Invalid(Fault("category", rule, "ambiguous"))
                return namesakes[0]
        if len(path) > LEVELS_MAX:
            raise Invalid(Fault("category", f"has {len(path)} levels, at most {LEVELS_MAX} are possible", "too_deep"))
        category: Category | None = None
        for name in path:
            category = self._child(category.id if category else None, name)
        assert category is not None, "a path has a name"
        return category

    def _child(self, parent_id: UUID | None, name: str) -> Category:
        child = self._known.get((parent_id, identity(name)))
        if child is None:
            child = Category(self._new_id(), normalized(name), free_slug(name, self._slugs), parent_id)
            self._known[parent_id, identity(name)] = child
            self._slugs.add(child.slug)
            self.made.append(child)
        return child


def paths_of(tree: Mapping[UUID, Category]) -> dict[UUID, str]:
    """What leads `located` to each category: its path, as A > B; its id, where another one has the same path."""
    names: dict[UUID, str] = {}
    same: Counter[tuple[UUID | None, str]] = Counter(
        (category.parent_id, identity(category.name)) for category in tree.values()
    )
    for category in tree.values():
        above = [tree[category_id] for category_id in _upward(category.id, tree)]
        is_told = all(same[each.parent_id, identity(each.name)] == 1 and ">" not in each.name for each in above)
        path = " > ".join(each.name for each in reversed(above))
        names[category.id] = path if is_told and not id_in(path) else str(category.id)
    return names


def free_slug(name: str, taken: Collection[str]) -> str:
    """A slug for a category of this name that no other has: `c`, `c-2`, `c-3` for C, C++ and C#.

    What Latin letters cannot say is said by the end of a hash.

    >>> free_slug("Tea & Coffee", ()), free_slug("Küche", ()), free_slug("C++", {"c"})
    ('tea-coffee', 'kuche', 'c-2')
    """
    bare = folded(name)
    slug = "-".join(re.findall("[a-z0-9]+", bare))
    if not slug or len(slug) > SLUG_LENGTH_MAX or any(sign.isalnum() and not sign.isascii() for sign in bare):
        tail = hashlib.sha256(identity(name).encode(errors="surrogatepass")).hexdigest()[:8]
        slug = f"{slug[: SLUG_LENGTH_MAX - 9].strip('-') or 'category'}-{tail}"
    numbered = (f"{slug[: SLUG_LENGTH_MAX - 6].strip('-')}-{number}" for number in count(2))
    return slug if slug not in taken else next(one for one in numbered if one not in taken)


def identity(name: str) -> str:
    """The form in which two names of categories or families are the same."""
    return " ".join(comparable(normalized(name)).split())


def id_in(text: str) -> UUID | None:
    """The id that a text is, if it is one, as the shop writes them."""
    return UUID(text) if _ID.fullmatch(text) else None


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
