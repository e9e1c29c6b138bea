"""A shop that lives as long as its process, with the isolation of PostgreSQL: for tests, trials and simulations."""

from shop_adapters.memory.adapters import MemoryAdapters

__all__ = ["MemoryAdapters"]
