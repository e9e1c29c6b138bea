"""Families: products that belong together, such as a shirt in its colours. What is sold is the product."""

from __future__ import annotations

from dataclasses import dataclass, replace
from uuid import UUID

from shop_core.catalog.model import (
    DESCRIPTION_LENGTH_MAX,
    NAME_LENGTH_MAX,
    UNCHANGED,
    Options,
    ProductDetails,
    Unchanged,
)
from shop_core.errors import FamilyNotFound, Fault, Invalid
from shop_core.text import comparable, normalized, text_faults

OPTION_NAMES_MAX = 3
OPTION_LENGTH_MAX = 50


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
            raise Invalid(Fault("options", "need a family: give its id, or no options", "no_family"))
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
            faults.append(Fault(f"options.{name}", f"is not an option of the family, which has: {names}", "unknown"))
        faults += text_faults(f"options.{name}", value, min_length=1, max_length=OPTION_LENGTH_MAX)
    if faults:
        raise Invalid(*faults)
    return tuple((name, given[name]) for name in family.option_names)
