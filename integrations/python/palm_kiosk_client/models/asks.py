from enum import StrEnum


class Asks(StrEnum):
    APPROVE = "approve"
    ENROL = "enrol"
    IDENTIFY = "identify"

    def __str__(self) -> str:
        return str(self.value)
