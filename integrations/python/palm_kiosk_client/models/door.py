from enum import StrEnum


class Door(StrEnum):
    API = "api"
    COMMAND = "command"
    CONSOLE = "console"

    def __str__(self) -> str:
        return str(self.value)
