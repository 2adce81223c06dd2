"""The journal of purchases whose outcome is not known yet, which survives a power cut.

An entry is on the disk before the purchase is requested, and is removed once the till has its
answer. Whatever happens in between, the next start knows which sales to ask the service about.
"""

import logging
import os
from collections.abc import Iterator
from contextlib import suppress
from datetime import datetime
from pathlib import Path

from pydantic import ValidationError

from kiosk.faults import FileUnusable
from protocol.files import remove_durably, write_private
from protocol.messages import Message, PurchaseRequest
from protocol.storage import cause_and_remedy

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
        self._told: set[Path] = set()
        """The entries that cannot be read and of which the log was told."""
        self._closed: set[Path] = set()
        """The entries that are closed, and that the disk has not let go yet."""

    def check(self) -> None:
        """Raises FileUnusable when the folder is there and cannot be listed: purchases in doubt
        would be forgotten without a word."""
        try:
            os.listdir(self._folder)
        except FileNotFoundError:
            pass
        except OSError as error:
            raise FileUnusable(self._folder, *cause_and_remedy(error)) from None

    def open(self, pending: PendingPurchase) -> None:
        """Writes an entry. Raises OSError when it cannot; the purchase must not be requested
        then."""
        path = self._path(pending.request.reference)
        # What is written half way is not an entry.
        self._closed.add(path)
        write_private(path, pending.model_dump_json().encode())
        self._closed.discard(path)

    def close(self, reference: str) -> None:
        """Removes an entry whose outcome is known. Raises OSError when the disk does not let it go:
        it counts as removed until the next start all the same, and is removed when that is
        possible."""
        path = self._path(reference)
        self._closed.add(path)
        remove_durably(path)
        self._closed.discard(path)

    def find(self, reference: str) -> PendingPurchase | None:
        return next((p for p in self.pending() if p.request.reference == reference), None)

    def unreadable(self) -> int:
        """Returns how many entries could not be read and wait for somebody to look at them."""
        return len(list(self._folder.glob("*.unreadable"))) + len(self._told)

    def pending(self) -> Iterator[PendingPurchase]:
        """Yields every entry. Those that are damaged are renamed to `.unreadable`, and those that
        cannot be read stay; the log is told of each once."""
        for path in sorted(self._folder.glob("*.json")):
            if path in self._closed:
                with suppress(OSError):
                    self.close(path.stem)
                continue
            try:
                yield PendingPurchase.model_validate_json(path.read_bytes())
                self._told.discard(path)
            except FileNotFoundError:
                continue
            except ValidationError:
                self._set_aside(path)
            except OSError as error:
                self._tell(path, "{} {}".format(*cause_and_remedy(error)))

    def _set_aside(self, path: Path) -> None:
        aside = path.with_suffix(".unreadable")
        try:
            path.rename(aside)
        except OSError as error:
            self._tell(path, "{} {}".format(*cause_and_remedy(error)))
            return
        log.error(
            "the journal's %s is damaged and is kept as %s: ask the payment provider what became "
            "of the sale %s, and remove the file",
            path,
            aside.name,
            path.stem,
        )

    def _tell(self, path: Path, what: str) -> None:
        if path not in self._told:
            self._told.add(path)
            log.error("a purchase stays in the journal: %s", what)

    def _path(self, reference: str) -> Path:
        return self._folder / f"{reference}.json"
