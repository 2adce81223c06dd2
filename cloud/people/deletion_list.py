"""The list of deletions and withdrawals, in a file beside the database.

A backup of the database does not know who has left since it was made. This list does: it holds
their receipts, and the digests of people, and names nobody. It is applied to a backup that is
restored before anything of it is served (`cloud.jobs.backups`). The rows of the receipts are what
counts: housekeeping adds what the list does not have yet, in the order of the log.
"""

import os
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict
from sqlalchemy import Select, select
from sqlalchemy.ext.asyncio import AsyncSession

from cloud.context import Context
from cloud.people import receipt_log
from cloud.people.tables import ReceiptRow
from cloud.state import StateDamaged
from protocol import documents
from protocol.encoding import to_base64
from protocol.files import held, read_if_there
from protocol.messages import DeletionReceipt

_LONGEST_LINE = 1 << 20


class Listed(BaseModel):
    """A line of the list."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    place: int
    """In the log of receipts."""
    person: str
    """The digest of the person, in base64."""
    merchant: str | None
    """The merchant with whom an agreement has ended, None when everything was deleted."""
    receipt: dict[str, Any]

    @property
    def receipt_id(self) -> str:
        return str(self.receipt.get("receipt_id"))


async def keep_list(context: Context) -> None:
    """Adds to the list what it does not have yet. Raises StateDamaged and OSError."""
    async with context.database.session() as session:
        await catch_up(session, context.state.deletions)


async def catch_up(session: AsyncSession, path: Path) -> None:
    """Adds to a list what the database has and it has not, unless another process is at it and adds
    the same. Raises StateDamaged and OSError."""
    if await receipt_log.size_of(session):
        with suppress(BlockingIOError), held(path):
            await _catch_up(session, path)


async def _catch_up(session: AsyncSession, path: Path) -> None:
    last, size = _last(path), await receipt_log.size_of(session)
    if last is not None and last.place == size - 1:
        return
    if last is not None and last.place < size:
        since = DeletionReceipt.model_validate(last.receipt).at
        lines = await _lines(session, select(ReceiptRow).where(ReceiptRow.at >= since))
        lines = [line for line in lines if line.place > last.place]
        if len(lines) == size - 1 - last.place:
            _append(path, lines)
            return
    # A clock was set back meanwhile, receipts are gone by their age, or the list is of more than
    # this database knows.
    there = {line.receipt_id for line in read(path)}
    lines = await _lines(session, select(ReceiptRow))
    _append(path, [line for line in lines if line.receipt_id not in there])


def read(path: Path) -> list[Listed]:
    """Returns the lines of a list, none when there is no file. What was cut off by a power cut does
    not count. Raises StateDamaged and OSError."""
    content = read_if_there(path) or b""
    return [_parsed(path, line) for line in content.split(b"\n")[:-1] if line]


def _last(path: Path) -> Listed | None:
    """Returns the last line, None when there is none."""
    if not path.exists():
        return None
    with path.open("rb") as file:
        size = file.seek(0, os.SEEK_END)
        file.seek(max(0, size - _LONGEST_LINE))
        lines = [line for line in file.read().split(b"\n")[:-1] if line]
    return _parsed(path, lines[-1]) if lines else None


def _parsed(path: Path, line: bytes) -> Listed:
    try:
        return Listed.model_validate_json(line)
    except ValueError:
        raise StateDamaged(
            f"{path} is damaged: it is the list of those who have left. Restore it from the folder "
            "of the backups, or remove it: it is made anew of what the database knows."
        ) from None


async def _lines(session: AsyncSession, rows: Select[ReceiptRow]) -> list[Listed]:
    """Returns lines in the order of the log."""
    lines: list[Listed] = []
    for row in (await session.scalars(rows)).all():
        document = documents.read(row.document.encode())
        place = await receipt_log.place_of(session, documents.entry_of(document))
        if place is not None:
            person = to_base64(row.person_digest)
            listed = Listed(
                place=place, person=person, merchant=row.merchant_id, receipt=dict(document)
            )
            lines.append(listed)
    return sorted(lines, key=lambda line: line.place)


def _append(path: Path, lines: Sequence[Listed]) -> None:
    if not lines:
        return
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    with os.fdopen(descriptor, "r+b") as file:
        begin = max(0, file.seek(0, os.SEEK_END) - _LONGEST_LINE)
        file.seek(begin)
        # A line that was cut off is written anew.
        file.truncate(begin + file.read().rfind(b"\n") + 1)
        file.seek(0, os.SEEK_END)
        file.write(b"".join(line.model_dump_json().encode() + b"\n" for line in lines))
        file.flush()
        os.fsync(file.fileno())
