"""The journal of purchases whose outcome is not known yet, which survives a power cut.

An entry is on the disk before the purchase is requested, and is removed once the till has its
answer. Whatever happens in between, the next start knows which sales to ask the service about.
"""

import logging
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

from pydantic import ValidationError

from protocol.files import remove_durably, write_private
from protocol.messages import Message, PurchaseRequest

log = logging.getLogger(__name__)


class PendingPurchase(Message):
    """A purchase in doubt. It holds nothing about a person but the id of one identification."""

    request: PurchaseRequest
    idempotency_key: str
    decided_by: datetime
    """When the identification has lapsed: a purchase that was not made by then never will be."""


class PurchaseJournal:
    """A folder with one small file for each purchase, named after its reference."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def open(self, pending: PendingPurchase) -> None:
        """Writes an entry. Raises OSError when it cannot; the purchase must not be requested
        then."""
        write_private(self._path(pending.request.reference), pending.model_dump_json().encode())

    def close(self, reference: str) -> None:
        remove_durably(self._path(reference))

    def find(self, reference: str) -> PendingPurchase | None:
        return next((p for p in self.pending() if p.request.reference == reference), None)

    def pending(self) -> Iterator[PendingPurchase]:
        """Yields every entry, and renames files that cannot be read to `.unreadable`."""
        for path in sorted(self._folder.glob("*.json")):
            try:
                yield PendingPurchase.model_validate_json(path.read_bytes())
            except ValidationError:
                log.error("the journal's %s cannot be read and is set aside", path.name)
                path.rename(path.with_suffix(".unreadable"))

    def _path(self, reference: str) -> Path:
        return self._folder / f"{reference}.json"
