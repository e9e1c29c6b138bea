"""All mutants by name: `verification.bugs` has to find each; the product knows none of them."""

from __future__ import annotations

from verification import mutants_core, mutants_postgres
from verification.mutants import MUTANTS, Mutant

__all__ = ["MUTANTS", "Mutant", "mutants_core", "mutants_postgres"]
