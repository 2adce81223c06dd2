from enum import StrEnum


class KioskLogoInkType0(StrEnum):
    DARK = "dark"
    LIGHT = "light"

    def __str__(self) -> str:
        return str(self.value)
