from enum import StrEnum


class RefundOutcome(StrEnum):
    FAILED = "failed"
    REFUNDED = "refunded"

    def __str__(self) -> str:
        return str(self.value)
