from enum import StrEnum


class PalmRequestReasonType0(StrEnum):
    DECLINED = "declined"
    NOT_RECOGNISED = "not_recognised"

    def __str__(self) -> str:
        return str(self.value)
