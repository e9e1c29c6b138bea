"""The error of the embedded PostgreSQL."""


class EmbeddedPostgresError(Exception):
    """One line: what is wrong, with the value, and what to do."""
