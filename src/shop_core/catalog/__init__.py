"""Catalog: `model` is pure, `service` loads, asks and saves."""
