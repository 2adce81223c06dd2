"""The latest lines of the kiosk's log, for a support bundle: in memory alone, and about nobody.

A line is made of the words that stand in our code, and of values that cannot be about a person:
short numbers, members of our enumerations, what a driver says of its device, and whatever the code
marks as `Impersonal`. Every other value is left out, and so are all words of other programs, whose
lines may quote anything. So a bundle holds nothing personal even where the log does, by mistake.
"""

import logging
import traceback
from collections import deque
from contextlib import suppress
from datetime import UTC, datetime
from enum import Enum

from hardware.faults import DeviceFault

LINES = 300
"""The number of lines that are kept."""
BEGINNING, END = 300, 1200
"""How many characters are kept of a longer line: a traceback ends where something failed."""
LARGEST_NUMBER = 100_000
"""A number of more than five digits may be a code or a part of a card's number."""
OURS = ("drawn", "hardware", "kiosk", "palm", "protocol", "ui")
"""The rooms whose words are known: ruff holds that none is put together before it is logged."""
LEFT_OUT = "…"


class Impersonal(str):
    """Words of the program that are about nobody, such as the name of an exception's class."""

    __slots__ = ()


class Lately(logging.Handler):
    """Keeps the latest lines."""

    def __init__(self) -> None:
        super().__init__(logging.INFO)
        self._lines: deque[str] = deque(maxlen=LINES)

    def emit(self, record: logging.LogRecord) -> None:
        at = datetime.fromtimestamp(record.created, UTC)
        line = f"{at:%Y-%m-%d %H:%M:%S} {record.levelname} {_said(record)}"
        if len(line) > BEGINNING + END:
            line = f"{line[:BEGINNING]} {LEFT_OUT} {line[-END:]}"
        self._lines.append(line)

    def lines(self) -> list[str]:
        """Returns the lines, the oldest first."""
        return list(self._lines)


def _said(record: logging.LogRecord) -> str:
    room = record.name.partition(".")[0]
    if room not in OURS:
        # The name of a foreign logger may be made up of anything, too.
        return f"another program: {LEFT_OUT}"
    values = record.args if isinstance(record.args, tuple) else ()
    words = str(record.msg)
    # A number that is left out does not fit where a number is to be written.
    with suppress(TypeError, ValueError):
        words = words % tuple(_shown(value) for value in values) if values else words
    failed = "" if not record.exc_info else f" {_failed(record.exc_info[1])}"
    return f"{record.name}: {words}{failed}"


def _failed(error: BaseException | None) -> str:
    """Returns what was raised and where, without its message, which may quote what was typed."""
    where = traceback.extract_tb(None if error is None else error.__traceback__)
    at = " < ".join(f"{frame.name}:{frame.lineno}" for frame in reversed(where))
    return f"({type(error).__name__} in {at})"


def _shown(value: object) -> object:
    match value:
        case Enum():
            return str(value.value)
        case Impersonal() | DeviceFault():
            return str(value)
        case BaseException():
            return type(value).__name__
        case bool():
            return value
        case int() | float() if abs(value) < LARGEST_NUMBER:
            return value
        case _:
            return LEFT_OUT
