from enum import StrEnum


class RequestState(StrEnum):
    APPROVED = "approved"
    BEGUN = "begun"
    CANCELLED = "cancelled"
    ENROLLED = "enrolled"
    EXPIRED = "expired"
    IDENTIFIED = "identified"
    REFUSED = "refused"
    SHOWN = "shown"
    WAITING = "waiting"

    def __str__(self) -> str:
        return str(self.value)
