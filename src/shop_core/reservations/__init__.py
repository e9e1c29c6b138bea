"""Reservations: `model` and `holding` are pure, `service` loads, asks and saves."""
