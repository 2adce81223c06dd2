"""What every verb of `./run cloud staff` is, who gives it, and how it fails."""

import argparse
import getpass
import os
from collections.abc import Awaitable, Callable
from typing import TypeVar

from sqlalchemy.ext.asyncio import AsyncSession

from cloud.keys.person_keys import MasterKey

Act = Callable[[argparse.Namespace, AsyncSession, MasterKey], Awaitable[None]]
"""Does what one verb asks for. Raises CannotDo."""
Row = TypeVar("Row")


class CannotDo(ValueError):
    """What staff asked for cannot be done: the message tells why, and what can be done."""


def there(row: Row | None, listed_by: str, row_id: str) -> Row:
    """Returns a row that there is. Raises CannotDo."""
    if row is None:
        raise CannotDo(f"there is no {row_id}. List them: staff {listed_by}.")
    return row


def commander() -> str:
    """Returns who runs the command, on whose behalf where that is `sudo`."""
    try:
        return os.environ.get("SUDO_USER") or getpass.getuser()
    except (KeyError, OSError):
        return f"user {os.getuid()}"


def days(text: str) -> int:
    """Returns a number of days. Raises ValueError, which argparse reports with the option's
    name."""
    found = int(text)
    if not 1 <= found <= 3653:
        raise ValueError
    return found
