from enum import StrEnum


class Light(StrEnum):
    BOTH = "both"
    INFRARED = "infrared"
    PLAIN = "plain"
    RING = "ring"

    def __str__(self) -> str:
        return str(self.value)
