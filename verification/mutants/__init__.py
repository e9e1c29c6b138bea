"""Mutants of the shop: mistakes that somebody could make, each put into the running process by itself.

`python -m verification.mutants` has to find each; the product knows none of them.
"""

from __future__ import annotations

from verification.mutants import core, postgres
from verification.mutants.registry import MUTANTS, Mutant

__all__ = ["MUTANTS", "Mutant", "core", "postgres"]
