"""The pictures that the operator has this kiosk show.

Orders name them by digest. The kiosk fetches those that it has not, one after the other, and shows
the new ones when all of them are there: until then, and while one cannot be had, the last ones
stay. They lie in a folder of their own, beside the orders that named them. Those are signed and
checked again at the next start, and so is every picture.
"""

import asyncio
import logging
from collections.abc import Callable
from contextlib import suppress
from hashlib import sha256
from pathlib import Path
from typing import NoReturn

from pydantic import ValidationError

from kiosk.clock import Clock
from kiosk.lately import Impersonal
from kiosk.operator import Operator, Unacceptable
from kiosk.race import first
from kiosk.screens import Logo
from kiosk.service.client import SignatureService
from kiosk.service.errors import ServiceError
from protocol.files import read_if_there, write_private
from protocol.fleet import Orders, Picture
from protocol.pictures import NoPicture, check
from protocol.storage import cause_and_remedy

log = logging.getLogger(__name__)

AGAIN_S = 60.0
"""Seconds after which a picture that could not be had is fetched again."""
SHOWN = "shown.json"
"""The orders whose pictures are shown."""


class Pictures:
    """The pictures in a folder, for one event loop."""

    def __init__(
        self, folder: Path, operator: Operator, service: SignatureService, clock: Clock
    ) -> None:
        self._folder = folder.absolute()
        self._operator = operator
        self._service = service
        self._clock = clock
        self._soon = asyncio.Event()
        self._shown = self._load()

    @property
    def logo(self) -> Logo | None:
        logo = self._shown and self._shown.logo
        return Logo(self._path(logo).as_uri(), logo.ink) if logo else None

    @property
    def attract(self) -> tuple[str, ...]:
        """The addresses of the files."""
        shown = self._shown
        return tuple(self._path(each).as_uri() for each in shown.attract) if shown else ()

    def hurry(self) -> None:
        """Has the orders looked at now."""
        self._soon.set()

    async def keep(self, changed: Callable[[], None]) -> NoReturn:
        """Shows what the orders name until it is cancelled; `changed` is called when that is
        something else than before."""
        await self._service.ready.wait()
        failed: str | None = None
        while True:
            self._soon.clear()
            orders = self._operator.orders
            if orders is not None and _named(orders) != _named(self._shown):
                try:
                    await self._show(orders)
                    failed = None
                    changed()
                except (NoPicture, ServiceError, OSError) as error:
                    failed = self._tell_once(failed, error)
            await first(self._clock.sleep(AGAIN_S), self._soon.wait())

    async def _show(self, orders: Orders) -> None:
        """Fetches what is missing and shows all. Raises NoPicture, ServiceError and OSError."""
        # With the two sets that are there at most, no more than 42 MiB.
        self._tidy(orders, self._shown)
        for picture in orders.pictures:
            if self._content(picture) is None:
                content = await self._service.picture(picture.sha256)
                _compare(content, picture)
                write_private(self._path(picture), content)
        if orders.pictures or self._shown is not None:
            write_private(self._folder / SHOWN, orders.model_dump_json().encode())
        self._shown = orders
        self._tidy(orders)

    def _tidy(self, *needed: Orders | None) -> None:
        """Removes what these orders do not need. What cannot be removed is tried again."""
        kept = {
            self._path(picture).name for orders in needed if orders for picture in orders.pictures
        }
        with suppress(OSError):
            for path in self._folder.iterdir():
                if path.name not in (*kept, SHOWN):
                    path.unlink()

    def _path(self, picture: Picture) -> Path:
        return self._folder / f"{picture.sha256}.png"

    def _content(self, picture: Picture) -> bytes | None:
        """Returns a picture that is here, None when it has to be fetched. Raises OSError."""
        content = read_if_there(self._path(picture))
        if content is not None:
            try:
                _compare(content, picture)
            except NoPicture:
                return None
        return content

    def _load(self) -> Orders | None:
        """Returns the orders whose pictures were shown, and are all here still."""
        try:
            content = read_if_there(self._folder / SHOWN)
            if content is None:
                return None
            orders = Orders.model_validate_json(content)
            self._operator.check(orders)
            if all(self._content(picture) is not None for picture in orders.pictures):
                return orders
            log.error("a picture that is shown is damaged, and comes anew")
        except OSError as error:
            cause, remedy = (Impersonal(words) for words in cause_and_remedy(error))
            log.error("pictures cannot be read: %s %s", cause, remedy)
        except (ValidationError, Unacceptable):
            log.error("the pictures that were kept do not count, and come anew")
        return None

    def _tell_once(self, before: str | None, error: Exception) -> str:
        match error:
            case NoPicture():
                why = str(error)
            case OSError():
                why = " ".join(cause_and_remedy(error))
            case _:
                why = type(error).__name__
        if why != before:
            log.warning("the pictures stay as they are: %s", Impersonal(why))
        return why


def _named(orders: Orders | None) -> tuple[Picture | None, ...]:
    """Returns what orders have shown, the logo first; None stands for no logo."""
    return (None,) if orders is None else (orders.logo, *orders.attract)


def _compare(content: bytes, picture: Picture) -> None:
    """Raises NoPicture when it is not what the orders name."""
    if len(content) != picture.size or sha256(content).hexdigest() != picture.sha256:
        raise NoPicture("a picture is not the one that the orders name")
    check(content)
