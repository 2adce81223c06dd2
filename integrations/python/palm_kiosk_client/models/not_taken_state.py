from enum import StrEnum


class NotTakenState(StrEnum):
    DELIVERED = "delivered"
    GIVEN_UP = "given_up"
    GONE = "gone"
    WAITING = "waiting"

    def __str__(self) -> str:
        return str(self.value)
