from enum import StrEnum


class Why(StrEnum):
    AMOUNTS = "amounts"
    CHARGED = "charged"
    MISSING = "missing"
    NOT_TOLD = "not-told"
    TOLD_OTHERWISE = "told-otherwise"
    UNFINISHED = "unfinished"
    UNKNOWN = "unknown"
    UNPAID = "unpaid"

    def __str__(self) -> str:
        return str(self.value)
