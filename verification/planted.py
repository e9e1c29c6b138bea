"""All bugs that can be planted, by name. The proof has to find each; the product knows none of them."""

from __future__ import annotations

from verification import wrong_core, wrong_postgres
from verification.planting import BUGS, Bug

__all__ = ["BUGS", "Bug", "wrong_core", "wrong_postgres"]
