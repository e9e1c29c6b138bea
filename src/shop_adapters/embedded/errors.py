"""What the launcher says when it cannot do its work."""


class EmbeddedPostgresError(Exception):
    """One line: what is wrong, the value it is about, and the next step."""
