"""What the log tells of sign-ins and refusals: how many of each kind, once a minute.

Strangers must not fill the disk, and a log outlives a deletion. So a line counts, and tells of
nobody (OWASP ASVS 5.0, 16.2.1 and 16.3.1 to 16.3.3).
"""

import logging
from collections import Counter
from typing import Literal

from cloud.telemetry.measures import SILENT, Telemetry
from protocol.messages import Problem
from protocol.seldom import Seldom

log = logging.getLogger(__name__)

EVERY_S = 60.0
"""The shortest time between two lines, in seconds."""

Door = Literal["api", "portal", "console"]


class Noted:
    """What has happened since the last line. Its kinds are few, whatever is sent."""

    def __init__(self, telemetry: Telemetry = SILENT) -> None:
        self._telemetry = telemetry
        self._counts: Counter[tuple[Door, str]] = Counter()
        self._may_tell = Seldom(EVERY_S)

    def note(self, door: Door, what: str) -> None:
        """Counts an event. `what` is a constant, and never what was sent."""
        self._counts[door, what] += 1

    def note_refusal(self, door: Door, problem: Problem) -> None:
        """Counts what was refused or has failed, by its kind. What has failed is logged where it
        fails, and not here."""
        self._telemetry.refused(door, problem.type.name.lower())
        if problem.status < 500:
            self.note(door, f"refused as {problem.type.name.lower().replace('_', ' ')}")

    def take(self) -> str:
        """Returns what has happened, which is then forgotten; nothing when nothing has."""
        told = "; ".join(f"{door}: {what}: {n}" for (door, what), n in sorted(self._counts.items()))
        self._counts.clear()
        return told

    def tell(self, *, last: bool = False) -> None:
        """Logs what has happened, unless a line was logged within EVERY_S. With `last` it does so
        in any case: nobody calls it again."""
        if self._counts and (self._may_tell() or last):
            log.info("since the last such line: %s", self.take())
