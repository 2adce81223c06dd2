from enum import StrEnum


class Remedy(StrEnum):
    FREEZE_ACCOUNT = "freeze_account"
    LOCK_KIOSK = "lock_kiosk"

    def __str__(self) -> str:
        return str(self.value)
