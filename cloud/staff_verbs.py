"""What the verbs of `./run cloud staff` share: their type, their error, and who runs them."""

import argparse
import getpass
import os
from collections.abc import Awaitable, Callable
from typing import TypeVar

from sqlalchemy.ext.asyncio import AsyncSession

from cloud.keys.person_keys import MasterKey

Act = Callable[[argparse.Namespace, AsyncSession, MasterKey], Awaitable[None]]
"""Carries out one verb. Raises CannotDo."""
Row = TypeVar("Row")


class CannotDo(ValueError):
    """A verb cannot be carried out. The message tells staff why, and what they can do."""


def there(row: Row | None, listed_by: str, row_id: str) -> Row:
    """Returns a row, or raises CannotDo when it is None. `listed_by` is the verb that lists such
    rows."""
    if row is None:
        raise CannotDo(f"there is no {row_id}. List them: staff {listed_by}.")
    return row


def commander() -> str:
    """Returns the name of the user who runs the command; under sudo, of the user who called it."""
    try:
        return os.environ.get("SUDO_USER") or getpass.getuser()
    except (KeyError, OSError):
        return f"user {os.getuid()}"


def days(text: str) -> int:
    """Returns a number of days, 1 to 3653. Raises ValueError, which argparse reports with the
    option's name."""
    found = int(text)
    if not 1 <= found <= 3653:
        raise ValueError
    return found
