"""Messages to people: text messages to their phones, and mails."""

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Protocol


class NotSent(Exception):
    """A message could not be sent. The reason quotes neither number nor address nor text."""


class Way(StrEnum):
    """How a message reaches somebody."""

    TEXT = "text"
    """As a text message, to their mobile number."""
    MAIL = "mail"


class Messenger(Protocol):
    async def send(self, phone: str, text: str) -> None:
        """Sends a text message to a number in E.164. Raises NotSent."""
        ...


class NoMessenger:
    """Sends nothing, for a service without a message provider."""

    async def send(self, phone: str, text: str) -> None:
        raise NotSent("no message provider is set up: set [messages] in settings.toml")


@dataclass(frozen=True, slots=True)
class Mail:
    to: str = field(repr=False)
    """The address alone, such as `alex@example.com`."""
    subject: str = field(repr=False)
    text: str = field(repr=False)


class Mailer(Protocol):
    async def send_mail(self, mail: Mail) -> None:
        """Sends a mail. Raises NotSent."""
        ...


class NoMailer:
    """Sends nothing, for a service without a mail server."""

    async def send_mail(self, mail: Mail) -> None:
        raise NotSent("no mail server is set up: set [mail] in settings.toml")
