"""A phone that exists only in memory: the development dock and the tests read it."""

import re
from collections import deque
from dataclasses import dataclass
from datetime import UTC, datetime

KEPT = 100


@dataclass(frozen=True, slots=True)
class Sent:
    number: int
    """Counts up from 1."""
    to: str
    text: str
    code: str | None
    at: datetime


class SandboxMessenger:
    def __init__(self) -> None:
        self._sent: deque[Sent] = deque(maxlen=KEPT)
        self._count = 0

    async def send(self, phone: str, text: str) -> None:
        self._count += 1
        code = re.search(r"\b[0-9]{6}\b", text)
        sent = Sent(self._count, phone, text, code and code.group(), datetime.now(UTC))
        self._sent.append(sent)

    def after(self, number: int) -> list[Sent]:
        """What was sent after the message of that number."""
        return [sent for sent in self._sent if sent.number > number]
