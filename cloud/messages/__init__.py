"""Text messages to phones."""

from typing import Protocol


class NotSent(Exception):
    """The message did not leave; the reason holds neither number nor text."""


class Messenger(Protocol):
    async def send(self, phone: str, text: str) -> None:
        """Raises NotSent."""
        ...


class NoMessenger:
    """A service that was given nobody to send through."""

    async def send(self, phone: str, text: str) -> None:
        raise NotSent("no message provider is set up: set [messages] in settings.toml")
