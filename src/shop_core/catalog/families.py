"""Families: products that belong together, such as a shirt in its colours. What is sold is the product."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from uuid import UUID

from shop_core.catalog.model import (
    DESCRIPTION_LENGTH_MAX,
    NAME_LENGTH_MAX,
    UNCHANGED,
    Options,
    Product,
    ProductDetails,
    Unchanged,
)
from shop_core.catalog.tree import id_in, identity
from shop_core.errors import FamilyNotFound, Fault, Invalid
from shop_core.text import comparable, normalized, text_faults

OPTION_NAMES_MAX = 3
OPTION_LENGTH_MAX = 50

OptionsKey = tuple[UUID, Options]
"""A family and options in it, which at most one product of the catalog has."""


@dataclass(frozen=True, slots=True)
class Family:
    """Products that differ by their options alone.

    Args:
        option_names: what they differ by, e.g. `("colour", "size")`; they never change.
        version: counts the edits, from 1.

    Raises:
        Invalid: a field breaks its rule.
    """

    id: UUID
    name: str
    option_names: tuple[str, ...] = ()
    description: str = ""
    version: int = 1

    def __post_init__(self) -> None:
        faults = text_faults("name", self.name, min_length=1, max_length=NAME_LENGTH_MAX)
        faults += text_faults(
            "description", self.description, min_length=0, max_length=DESCRIPTION_LENGTH_MAX, lines=True
        )
        if len(self.option_names) > OPTION_NAMES_MAX:
            rule = f"may be {OPTION_NAMES_MAX} at most, these are {len(self.option_names)}"
            faults.append(Fault("option_names", rule, "too_many"))
        for index, name in enumerate(self.option_names):
            faults += text_faults(f"option_names.{index}", name, min_length=1, max_length=OPTION_LENGTH_MAX)
        if len(set(map(comparable, self.option_names))) < len(self.option_names):
            faults.append(Fault("option_names", "name one option twice", "duplicate"))
        if faults:
            raise Invalid(*faults)

    def edited(self, name: str | Unchanged, description: str | Unchanged) -> Family:
        """The family after a change; itself if nothing differs.

        Raises:
            Invalid: a field breaks its rule.
        """
        edited = replace(
            self,
            name=self.name if name is UNCHANGED else normalized(name),
            description=self.description if description is UNCHANGED else normalized(description),
        )
        return self if edited == self else replace(edited, version=self.version + 1)


def options_key(product: Product) -> OptionsKey | None:
    """What no other product of the catalog may have; None without family or options."""
    if product.family_id is None or not product.options or product.archived_at is not None:
        return None
    return product.family_id, product.options


def sorted_options(details: ProductDetails, family: Family | None) -> Options:
    """The options of a product, in the order of its family's option names.

    Args:
        details: what staff entered of the product.
        family: the one that it names, if it exists.

    Raises:
        FamilyNotFound: it names a family that does not exist.
        Invalid: an option is missing, is not one of the family, or has an impossible value.
    """
    if details.family_id is None:
        if details.options:
            names = ", ".join(repr(name) for name, _ in details.options)
            rule = f"need a family, these are {names[:200]}: name the family, or give no options"
            raise Invalid(Fault("options", rule, "no_family"))
        return ()
    if family is None:
        raise FamilyNotFound(details.family_id)
    given = dict(details.options)
    faults = [
        Fault(f"options.{name}", f"is required, as the family {family.name!r} has it", "missing")
        for name in family.option_names
        if name not in given
    ]
    for name, value in given.items():
        if name not in family.option_names:
            names = ", ".join(family.option_names) or "none"
            rule = f"{value[:40]!r} is for no option of the family {family.name!r}, which has: {names}"
            faults.append(Fault(f"options.{name}", rule, "unknown"))
        faults += text_faults(f"options.{name}", value, min_length=1, max_length=OPTION_LENGTH_MAX)
    if faults:
        raise Invalid(*faults)
    return tuple((name, given[name]) for name in family.option_names)


def merged_options(current: Options, said: Options, family: Family | None) -> Options:
    """The options of a product after some were said; see `sorted_options`, which checks them.

    Args:
        current: those that it has; what is not an option of the family is gone.
        said: names, whatever their case, and values; an empty value: without this option.
        family: the one of the product.
    """
    names = {identity(name): name for name in family.option_names} if family else {}
    merged = {name: value for name, value in current if family and name in family.option_names}
    for name, value in said:
        known = names.get(identity(name))
        if value:
            merged[known or name] = value
        elif known:
            merged.pop(known, None)
    return tuple(merged.items())


def located_families(
    requested: Mapping[str, Iterable[str]], families: Iterable[Family], new_id: Callable[[], UUID]
) -> tuple[dict[str, Family], list[Family], dict[str, Invalid]]:
    """The families that texts name; those of them that are missing and were made; and why some name none.

    A family is named by its name; by its name whatever the case, if only one has it so; or by its id.

    Args:
        requested: the texts, and the options of a family that has to be made.
        families: all that there are.
    """
    by_id = {str(family.id): [family] for family in families}
    exactly, folded = dict[str, list[Family]](), dict[str, list[Family]]()
    for (family,) in by_id.values():
        exactly.setdefault(family.name, []).append(family)
        folded.setdefault(identity(family.name), []).append(family)
    found, made, refused = dict[str, Family](), list[Family](), dict[str, Invalid]()
    for text, options in requested.items():
        namesakes = by_id.get(text) or exactly.get(normalized(text)) or folded.get(identity(text), [])
        if len(namesakes) > 1:
            rule = f"{text!r} is the name of {len(namesakes)} families: write the id of one"
            refused[text] = Invalid(Fault("family", rule, "ambiguous"))
        elif namesakes:
            found[text] = namesakes[0]
        elif id_in(text):
            refused[text] = Invalid(Fault("family", f"there is no family {text}: write its name", "unknown"))
        else:
            try:
                found[text] = folded.setdefault(identity(text), [_new_family(new_id(), text, options)])[0]
            except Invalid as refusal:
                refused[text] = refusal
            else:
                made.append(found[text])
    return found, made, refused


def _new_family(family_id: UUID, name: str, options: Iterable[str]) -> Family:
    """A family that rows of an import name; its faults are those of the rows."""
    option_names: dict[str, str] = {}
    for option in options:
        option_names.setdefault(identity(option), normalized(option))
    try:
        return Family(family_id, normalized(name), tuple(option_names.values()))
    except Invalid as refusal:
        renamed = {"name": "family", "option_names": "options"}
        raise Invalid(
            *(replace(fault, field=renamed[fault.field.partition(".")[0]]) for fault in refusal.faults)
        ) from None


def names_of(families: Iterable[Family]) -> dict[UUID, str]:
    """What leads `located_families` to each: its name; its id, where another one has the same name."""
    all_of_them = list(families)
    same = Counter(family.name for family in all_of_them)
    return {
        each.id: each.name if same[each.name] == 1 and not id_in(each.name) else str(each.id) for each in all_of_them
    }
