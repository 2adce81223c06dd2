"""The journal of purchases whose outcome is not known yet, which survives a power cut.

An entry is on the disk before the purchase is requested, and is taken out once the till has its
answer. Whatever happens in between, the next start knows which sales to ask the service about. What
the till was told of a purchase is kept beside the journal until the service has heard it.
"""

import logging
import os
from collections.abc import Iterator
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from typing import get_args

from kiosk.faults import FileUnusable
from protocol.files import remove_durably, rename_durably
from protocol.messages import CardSale, Message, PurchaseRequest, Result, Told
from protocol.sealed import SealedPath
from protocol.storage import cause_and_remedy

log = logging.getLogger(__name__)

_RESULTS: tuple[Result, ...] = get_args(Result)


class PendingPurchase(Message):
    """A purchase in doubt. It holds nothing about a person but the id of one identification."""

    request: PurchaseRequest | CardSale
    """A CardSale when the card itself is presented."""
    idempotency_key: str
    decided_by: datetime
    """When the identification has lapsed, or a request cannot arrive any more: a purchase that was
    not made by then never will be."""


class PurchaseJournal:
    """A folder with one small file for each purchase, named after its reference, and in it a folder
    for each thing that tills were told and the service has not heard."""

    def __init__(self, folder: SealedPath) -> None:
        self._sealed = folder
        self._folder = folder.path
        self._told: set[Path] = set()
        """The entries that cannot be read and of which the log was told."""
        self._closed: dict[str, Told | None] = {}
        """The purchases whose entries are closed, and that the disk has not let go yet, with what
        the till was told."""

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
        reference = pending.request.reference
        # What is written half way is not an entry.
        self._closed[reference] = None
        self._file(self._path(reference)).write(pending.model_dump_json().encode())
        del self._closed[reference]

    def close(self, reference: str, told: Told | None = None) -> None:
        """Takes out an entry whose outcome is known, and keeps what the till was `told` of the
        purchase until `heard`. Raises OSError when the disk does not let it go: it counts as taken
        out until the next start all the same, and is taken out when that is possible."""
        path = self._path(reference)
        self._closed[reference] = told
        entry = path if path.exists() else _aside(path)
        if told is None:
            remove_durably(entry)
        elif entry.exists():
            to = self._folder / told.result / path.name
            to.parent.mkdir(exist_ok=True, mode=0o700)
            rename_durably(entry, to)
        self._told.discard(path)
        del self._closed[reference]

    def unheard(self) -> Iterator[tuple[str, Told]]:
        """Yields what tills were told and the service has not heard, by reference."""
        for result in _RESULTS:
            for path in sorted((self._folder / result).glob("*.json")):
                yield path.stem, Told(result=result)

    def heard(self, reference: str, told: Told) -> None:
        """Forgets what the service has heard. Raises OSError."""
        remove_durably(self._folder / told.result / f"{reference}.json")

    def holds(self, reference: str) -> bool:
        """Returns whether the outcome of a purchase is not known, also where its entry cannot be
        read: it must not be said then that nothing was charged."""
        path = self._path(reference)
        if reference in self._closed:
            return False
        return path.exists() or _aside(path).exists()

    def doubts(self) -> list[str]:
        """Returns the references of the purchases that it holds."""
        for reference, told in [*self._closed.items()]:
            with suppress(OSError):
                self.close(reference, told)
        return [each for each in sales_in(self._folder) if each not in self._closed]

    def pending(self) -> Iterator[PendingPurchase]:
        """Yields every entry that can be read."""
        for reference in self.doubts():
            pending = self.find(reference)
            if pending is not None:
                yield pending

    def find(self, reference: str) -> PendingPurchase | None:
        """Returns an entry, None when there is none that can be read. One that is damaged is
        renamed to `.unreadable`, and one that cannot be read stays; the log is told of each
        once."""
        path = self._path(reference)
        if reference in self._closed:
            return None
        try:
            content = self._file(path).read()
            if content is None:
                return None
            pending = PendingPurchase.model_validate_json(content)
        except ValueError:
            self._set_aside(path)
        except OSError as error:
            self._tell(path, "{} {}".format(*cause_and_remedy(error)))
        else:
            self._told.discard(path)
            return pending
        return None

    def unreadable(self) -> int:
        """Returns how many entries could not be read and wait for somebody to look at them."""
        # Somebody may have removed an entry meanwhile.
        told = self._told.intersection(self._folder.glob("*.json"))
        return len(list(self._folder.glob("*.unreadable"))) + len(told)

    def _set_aside(self, path: Path) -> None:
        aside = _aside(path)
        try:
            path.rename(aside)
        except OSError as error:
            self._tell(path, "{} {}".format(*cause_and_remedy(error)))
            return
        log.error(
            "the journal's %s is damaged and is kept as %s until the service says what became of "
            "the sale %s. If it does not know the sale, ask the payment provider. If nothing was "
            "charged, remove the file: at the next start the till is told so",
            path,
            aside.name,
            path.stem,
        )

    def _tell(self, path: Path, what: str) -> None:
        if path not in self._told:
            self._told.add(path)
            log.error("a purchase stays in the journal: %s", what)

    def _file(self, path: Path) -> SealedPath:
        return self._sealed / path.name

    def _path(self, reference: str) -> Path:
        return self._folder / f"{reference}.json"


def sales_in(folder: Path) -> list[str]:
    """Returns the references of the sales that a journal has entries of, also of those that cannot
    be read."""
    paths = [*folder.glob("*.json"), *folder.glob("*.unreadable")]
    return sorted({path.stem for path in paths})


def _aside(path: Path) -> Path:
    """Returns where a damaged entry is kept."""
    return path.with_suffix(".unreadable")
