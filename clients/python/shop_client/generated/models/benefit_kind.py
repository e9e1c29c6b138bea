from enum import StrEnum
from typing import Self

class BenefitKind(StrEnum):
    AMOUNT_EACH = "amount_each"
    BUY_X_GET_Y = "buy_x_get_y"
    FIXED_PRICE = "fixed_price"
    ORDER_AMOUNT = "order_amount"
    ORDER_PERCENT = "order_percent"
    PERCENT = "percent"

    @classmethod
    def _missing_(cls, value: object) -> Self | None:
        """A value that the shop has got since: it is shown as it is."""
        if not isinstance(value, str):
            return None
        member = str.__new__(cls, value)
        member._name_ = member._value_ = value
        return member
