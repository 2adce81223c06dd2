from enum import StrEnum


class Reason(StrEnum):
    GOODWILL = "goodwill"
    NOT_GIVEN = "not-given"
    OTHER = "other"
    PAID_TWICE = "paid-twice"
    RETURNED = "returned"
    WRONG_AMOUNT = "wrong-amount"

    def __str__(self) -> str:
        return str(self.value)
