from enum import StrEnum
from typing import Self

class Role(StrEnum):
    ADMIN = "admin"
    CUSTOMER = "customer"
    STAFF = "staff"

    @classmethod
    def _missing_(cls, value: object) -> Self | None:
        """A value that the shop has got since: it is shown as it is."""
        if not isinstance(value, str):
            return None
        member = str.__new__(cls, value)
        member._name_ = member._value_ = value
        return member
