from enum import StrEnum


class SaleOutcome(StrEnum):
    APPROVED = "approved"
    DECLINED = "declined"
    NOT_PAID = "not_paid"
    OPEN = "open"

    def __str__(self) -> str:
        return str(self.value)
