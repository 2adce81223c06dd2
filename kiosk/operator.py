"""What the operator has told this kiosk from afar, and what the kiosk tells of itself.

Every minute the kiosk sends a report and gets one document in answer. It counts when it is signed
with the key that the kiosk learned when it was activated, names this kiosk, and has a larger number
than the one before. The last that counted is kept in the state folder, is checked again at the next
start, and is in force as long as no other comes: a lock does not end by pulling the plug.
"""

import asyncio
import logging
from collections.abc import Callable
from typing import NoReturn
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import BaseModel, ConfigDict

from kiosk.clock import Clock
from kiosk.lately import Impersonal
from kiosk.race import first
from kiosk.service.client import SignatureService
from kiosk.service.errors import ServiceError
from protocol import documents
from protocol.encoding import to_base64
from protocol.fleet import Orders, Report
from protocol.hours import Hours
from protocol.sealed import SealedPath
from protocol.storage import cause_and_remedy

log = logging.getLogger(__name__)

REPORT_S = 60.0
"""Seconds between two reports."""


class Unacceptable(ValueError):
    """Orders do not count: the message tells why."""


class _Kept(BaseModel):
    model_config = ConfigDict(frozen=True, hide_input_in_errors=True)

    orders: Orders
    restarted: int = 0
    """The demand to start again that these orders repeat, and that was obeyed; 0 for none. A
    service whose database was restored may name another one by a smaller number."""


class Operator:
    """The operator's orders, for one event loop."""

    def __init__(self, file: SealedPath, service: SignatureService, clock: Clock) -> None:
        self._file = file
        self._service = service
        self._clock = clock
        self._soon = asyncio.Event()
        self._kept = self._load()
        self._is_written = True
        """Whether the disk has taken what is kept."""
        self.restart_asked = False
        """Whether the kiosk has to start again at the next quiet moment."""

    @property
    def orders(self) -> Orders | None:
        """The orders in force, None before the first."""
        return self._kept and self._kept.orders

    @property
    def locked(self) -> bool:
        """Whether nothing can be done at this kiosk."""
        return self._kept is not None and self._kept.orders.locked

    @property
    def helpline(self) -> str:
        """Whom people call when the kiosk is out of service; empty for nobody."""
        return "" if self._kept is None else self._kept.orders.helpline

    @property
    def closed(self) -> bool:
        """Whether it is outside of the opening hours."""
        orders = self.orders
        if orders is None or not orders.hours:
            return False
        hours, zone = Hours.parse(orders.hours), ZoneInfo(orders.zone)
        return not hours.are_open(self._clock.wall(), zone, orders.holidays)

    def hurry(self) -> None:
        """Has the next report sent at once, as after an activation."""
        self._soon.set()

    async def keep(self, report: Callable[[], Report], changed: Callable[[], None]) -> NoReturn:
        """Reports and takes orders until it is cancelled; `changed` is called when other orders are
        in force, and once for those that are kept."""
        if self._kept is not None:
            changed()
        await self._service.ready.wait()
        failed: str | None = None
        while True:
            if self._service.identity.device is not None:
                try:
                    if self._take(await self._service.report_state(report())):
                        changed()
                    failed = None
                except Unacceptable as why:
                    failed = self._tell_once(failed, str(why))
                except ServiceError as error:
                    failed = self._tell_once(failed, type(error).__name__)
            await first(self._clock.sleep(REPORT_S), self._soon.wait())
            self._soon.clear()

    def _tell_once(self, before: str | None, failed: str) -> str:
        if failed != before:
            log.warning("the operator tells this kiosk nothing: %s", Impersonal(failed))
        return failed

    def _take(self, orders: Orders) -> bool:
        """Returns whether other orders are in force now. Raises Unacceptable."""
        self.check(orders)
        before = self._kept
        if before is not None and before.orders.public_key != orders.public_key:
            # This kiosk was activated at another service, which counts by itself.
            before = None
        if before is not None and orders.number < before.orders.number:
            raise Unacceptable("they are older than those in force")
        if before is not None and orders == before.orders:
            if not self._is_written:
                self._keep(orders, before.restarted)
            return False
        if before is not None and orders.number == before.orders.number:
            raise Unacceptable("they have the number of others")
        self._keep(orders, 0 if before is None else before.restarted)
        if orders.locked and not (before and before.orders.locked):
            log.error("the operator has locked this kiosk: activate it again to use it")
        return True

    def _keep(self, orders: Orders, restarted: int) -> None:
        """Has orders in force. A disk that does not take them gets them again with the next
        report."""
        kept = _Kept(orders=orders, restarted=orders.restart)
        try:
            self._file.write(kept.model_dump_json().encode())
        except OSError as error:
            # A restart that was not noted would be repeated by every start.
            self._kept = _Kept(orders=orders, restarted=restarted)
            if self._is_written:
                cause, remedy = (Impersonal(words) for words in cause_and_remedy(error))
                log.error("the operator's orders are not kept: %s %s", cause, remedy)
            self._is_written = False
        else:
            self._kept = kept
            self._is_written = True
            self.restart_asked = self.restart_asked or orders.restart not in (0, restarted)

    def check(self, orders: Orders) -> None:
        """Raises Unacceptable unless the service has signed them for this kiosk."""
        try:
            key = documents.verify(documents.document_of(orders))
        except documents.Forged as forged:
            raise Unacceptable(str(forged)) from None
        if orders.device_id != self._service.device_id:
            raise Unacceptable("they are for another kiosk")
        try:
            Hours.parse(orders.hours)
            ZoneInfo(orders.zone)
        except (ValueError, ZoneInfoNotFoundError):
            raise Unacceptable("their hours cannot be read") from None
        device = self._service.identity.device
        known = None if device is None else device.orders_key
        if device is not None and known is None:
            # A service of before did not tell its key: the first one that answers counts.
            key_known = device.model_copy(update={"orders_key": to_base64(key)})
            self._service.identity.become(key_known)
        elif known is not None and known != to_base64(key):
            raise Unacceptable("they are signed with another key than at the activation")

    def _load(self) -> _Kept | None:
        """Returns what is kept. What does not count any more is left out, and the log says why."""
        try:
            content = self._file.read()
            if content is None:
                return None
            kept = _Kept.model_validate_json(content)
            self.check(kept.orders)
        except OSError as error:
            cause, remedy = (Impersonal(words) for words in cause_and_remedy(error))
            log.error("the operator's orders cannot be read: %s %s", cause, remedy)
        except Unacceptable as why:
            log.error("the operator's orders that were kept do not count: %s", Impersonal(why))
        except ValueError:
            log.error("the operator's orders are damaged, and come anew with the next report")
        else:
            return kept
        return None
