"""Text messages to phones."""

from typing import Protocol


class NotSent(Exception):
    """A message could not be sent. The reason quotes neither number nor text."""


class Messenger(Protocol):
    async def send(self, phone: str, text: str) -> None:
        """Sends a text message to a number in E.164. Raises NotSent."""
        ...


class NoMessenger:
    """Sends nothing, for a service without a message provider."""

    async def send(self, phone: str, text: str) -> None:
        raise NotSent("no message provider is set up: set [messages] in settings.toml")
