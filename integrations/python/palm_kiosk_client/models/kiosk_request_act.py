from enum import StrEnum


class KioskRequestAct(StrEnum):
    LOCK = "lock"
    MAINTAIN = "maintain"
    RESTART = "restart"
    SERVE = "serve"
    TAMPERING = "tampering"

    def __str__(self) -> str:
        return str(self.value)
