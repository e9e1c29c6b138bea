from enum import StrEnum
from typing import Self

class WhyNot(StrEnum):
    ANOTHER_PROMOTION_IS_BETTER = "another_promotion_is_better"
    CONDITION_NOT_MET = "condition_not_met"
    NO_SELECTED_PRODUCT = "no_selected_product"
    PRICE_NOT_LOWER = "price_not_lower"
    TOO_FEW_UNITS = "too_few_units"

    @classmethod
    def _missing_(cls, value: object) -> Self | None:
        """A value that the shop has got since: it is shown as it is."""
        if not isinstance(value, str):
            return None
        member = str.__new__(cls, value)
        member._name_ = member._value_ = value
        return member
