"""A simulated phone that keeps messages and mails in memory, for the development dock and the
tests."""

import re
from collections import deque
from dataclasses import dataclass
from datetime import UTC, datetime

from cloud.messages import Mail

KEPT = 100
"""The number of messages that are kept."""


@dataclass(frozen=True, slots=True)
class Sent:
    number: int
    """The position of the message, counted from 1."""
    to: str
    """A number, or the address of a mail."""
    text: str
    code: str | None
    """The one-time code in the text."""
    at: datetime


class SandboxMessenger:
    def __init__(self) -> None:
        self._sent: deque[Sent] = deque(maxlen=KEPT)
        self._count = 0

    async def send(self, phone: str, text: str) -> None:
        self._count += 1
        found = re.search(r"\b[0-9]{6}\b", text)
        one_time_code = found.group() if found else None
        sent = Sent(self._count, phone, text, one_time_code, datetime.now(UTC))
        self._sent.append(sent)

    async def send_mail(self, mail: Mail) -> None:
        await self.send(mail.to, f"{mail.subject}\n\n{mail.text}")

    def after(self, number: int) -> list[Sent]:
        """Returns the messages that were sent after the one with this number."""
        return [sent for sent in self._sent if sent.number > number]
