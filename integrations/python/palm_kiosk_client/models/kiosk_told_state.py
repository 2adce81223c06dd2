from enum import StrEnum


class KioskToldState(StrEnum):
    FAULTY = "faulty"
    LOCKED = "locked"
    MAINTENANCE = "maintenance"
    NEW = "new"
    REVOKED = "revoked"
    SILENT = "silent"
    WELL = "well"

    def __str__(self) -> str:
        return str(self.value)
