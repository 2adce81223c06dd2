from enum import StrEnum


class ReaderFault(StrEnum):
    BUSY = "busy"
    NOT_WORKING = "not_working"
    OFFLINE = "offline"
    SIMULATED = "simulated"
    UNKNOWN = "unknown"

    def __str__(self) -> str:
        return str(self.value)
