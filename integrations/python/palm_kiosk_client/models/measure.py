from enum import StrEnum


class Measure(StrEnum):
    DIGITS = "digits"
    LIFELESS = "lifeless"
    REFUSED = "refused"
    SLOW = "slow"
    UNREADABLE = "unreadable"

    def __str__(self) -> str:
        return str(self.value)
