from enum import StrEnum


class Stage(StrEnum):
    ASKED = "asked"
    CONFIRMED = "confirmed"
    DECLINED = "declined"
    DISPUTED = "disputed"
    NOT_PAID = "not-paid"
    NOT_TOLD = "not-told"
    OPEN = "open"
    PAID = "paid"
    PRESENTED = "presented"
    RECOGNISED = "recognised"
    REFUNDED = "refunded"
    REFUND_ASKED = "refund-asked"
    REFUND_FAILED = "refund-failed"
    REFUND_OPEN = "refund-open"
    TOLD = "told"

    def __str__(self) -> str:
        return str(self.value)
