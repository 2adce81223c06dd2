from enum import StrEnum


class DoorKind(StrEnum):
    CONTROLLER = "controller"
    DESK = "desk"
    RELAY = "relay"
    VENUE = "venue"

    def __str__(self) -> str:
        return str(self.value)
