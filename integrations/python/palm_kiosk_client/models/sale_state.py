from enum import StrEnum


class SaleState(StrEnum):
    DECLINED = "declined"
    DISPUTED = "disputed"
    NOT_PAID = "not-paid"
    OPEN = "open"
    PAID = "paid"
    REFUNDED = "refunded"

    def __str__(self) -> str:
        return str(self.value)
