"""How a mutant is put into the running process, one at a time; the product knows nothing of it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

Patch = tuple[Any, str, Any]
"""Where, which name, and what stands there instead."""

MUTANTS: dict[str, Mutant] = {}


@dataclass(frozen=True)
class Mutant:
    """A mistake: its name, what it is in words, and the patches that make it."""

    name: str
    says: str
    patches: Callable[[], list[Patch]]

    @property
    def is_in_core(self) -> bool:
        """Whether it is there on any adapters."""
        owners = (getattr(owner, "__module__", getattr(owner, "__name__", "")) for owner, _, _ in self.patches())
        return all(owner.startswith("shop_core.") for owner in owners)

    @contextmanager
    def applied(self) -> Iterator[None]:
        """The process makes this mistake until the end of the `with`."""
        patches = self.patches()
        right = [(owner, name, vars(owner)[name]) for owner, name, _ in patches]
        try:
            for owner, name, wrong in patches:
                setattr(owner, name, wrong)
            yield
        finally:
            for owner, name, value in right:
                setattr(owner, name, value)


def mutant(says: str) -> Callable[[Callable[[], list[Patch]]], Callable[[], list[Patch]]]:
    """Add a mutant to the list."""

    def enter(patches: Callable[[], list[Patch]]) -> Callable[[], list[Patch]]:
        name = patches.__name__.replace("_", "-")
        MUTANTS[name] = Mutant(name, says, patches)
        return patches

    return enter
