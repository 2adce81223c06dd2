from enum import StrEnum


class SaidBy(StrEnum):
    MERCHANT = "merchant"
    SERVICE = "service"
    SITE = "site"

    def __str__(self) -> str:
        return str(self.value)
