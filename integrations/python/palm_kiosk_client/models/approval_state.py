from enum import StrEnum


class ApprovalState(StrEnum):
    APPROVED = "approved"
    DECLINED = "declined"
    DONE = "done"
    OVER = "over"
    WAITING = "waiting"

    def __str__(self) -> str:
        return str(self.value)
