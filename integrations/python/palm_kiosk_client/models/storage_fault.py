from enum import StrEnum


class StorageFault(StrEnum):
    BROKEN = "broken"
    FULL = "full"
    QUOTA = "quota"
    READ_ONLY = "read_only"

    def __str__(self) -> str:
        return str(self.value)
