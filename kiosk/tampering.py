"""Watching for signs that somebody tampers with the kiosk, and telling the till and the access
controller of them. A grave sign has the kiosk lock itself (`kiosk.lock`)."""

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from hardware.camera.feed import Broken, Feed, Recovering, Streaming
from hardware.enclosure import Contact
from hardware.faults import DeviceFault
from hardware.gate import Controller
from hardware.usb import Kind
from kiosk.clock import Clock
from kiosk.fittings import Fittings
from kiosk.lock import Locked, Seen
from kiosk.race import first
from kiosk.till.till import Tampering, Till
from protocol.backoff import pause_after

log = logging.getLogger(__name__)

LOOKS_S = 1.0
"""Seconds between two looks at every sign."""
LASTS_S = 3.0
"""How long a sign has to last before the till is told, in seconds: a camera on the network may be
lost for a moment."""
SHORTEST_PAUSE_S, LONGEST_PAUSE_S = 2.0, 60.0
"""The pauses before a till that has not heard of a sign is told again."""


@dataclass(frozen=True, slots=True)
class Sign:
    """A sign that somebody tampers with the kiosk."""

    kind: Tampering
    look: Callable[[], tuple[str, ...] | None]
    """Returns at once the values of what is seen, None while nothing is. May raise DeviceFault."""
    grave: bool = False
    """Whether the kiosk locks itself for it, once it is activated."""
    lasts_s: float = LASTS_S
    """How long it has to be seen, in seconds, before it counts."""


def signs_of(
    camera: Feed, infrared: Feed | None, enclosure: Contact | None, fittings: Fittings
) -> list[Sign]:
    """Returns the signs that these devices show."""
    return [
        Sign(Tampering.CAMERA, _whether(Lost(camera))),
        *([] if infrared is None else [Sign(Tampering.INFRARED, _whether(Lost(infrared)))]),
        Sign(Tampering.SWAPPED_CAMERA, _swapped(fittings), grave=True, lasts_s=0),
        *([] if enclosure is None else [_opened(enclosure)]),
        Sign(Tampering.USB, _unknown(fittings, storage=False), grave=True, lasts_s=0),
        # Staff plug in a stick to carry a support bundle: the kiosk runs nothing that is on it.
        Sign(Tampering.USB_STORAGE, _unknown(fittings, storage=True)),
    ]


def signs_while(locked: Locked) -> list[Sign]:
    """Returns the sign for which a kiosk is locked: it lasts until the kiosk is activated again."""
    return [Sign(locked.seen.sign, lambda: locked.seen.values, lasts_s=0)]


class Watch:
    """Tells of each sign once, and again after it was gone."""

    def __init__(
        self,
        signs: Sequence[Sign],
        till: Till,
        clock: Clock,
        controller: Controller | None = None,
        *,
        activated: Callable[[], bool] = lambda: True,
    ) -> None:
        """`activated` returns whether the kiosk is activated: before, its enclosure is open because
        somebody installs it."""
        self._signs = signs
        self._till = till
        self._clock = clock
        self._controller = controller
        self._activated = activated
        self._seen: set[Tampering] = set()
        self._unreadable: set[Tampering] = set()
        """The signs whose device cannot be read, and of which the log was told."""

    async def run(self) -> Seen:
        """Watches until there is a grave sign, and returns it. The controller knows of it then, and
        the till does not yet."""
        return await first(*(self._watch(sign) for sign in self._signs))

    async def _watch(self, sign: Sign) -> Seen:
        while True:
            values = await self._until_seen(sign)
            log.error("somebody may tamper with the kiosk: %s", sign.kind)
            self._seen.add(sign.kind)
            self._tell_controller()
            if sign.grave and self._activated():
                return Seen(sign=sign.kind, values=values)
            await self._tell(sign.kind)
            await self._until_gone(sign)
            self._seen.remove(sign.kind)
            self._tell_controller()
            log.info("a sign of tampering is gone: %s", sign.kind)
            self._till.tampering_ended(sign.kind)

    async def _until_seen(self, sign: Sign) -> tuple[str, ...]:
        """Waits until a sign was seen for as long as it has to last, and returns what is seen."""
        since: float | None = None
        while True:
            now, values = self._clock.now(), self._look(sign)
            if values is None:
                since = None
            else:
                since = now if since is None else since
                if now - since >= sign.lasts_s:
                    return values
            await self._clock.sleep(LOOKS_S)

    async def _until_gone(self, sign: Sign) -> None:
        """Waits until a sign was not seen for LASTS_S."""
        since: float | None = None
        while True:
            now = self._clock.now()
            if self._look(sign) is not None:
                since = None
            elif since is None:
                since = now
            elif now - since >= LASTS_S:
                return
            await self._clock.sleep(LOOKS_S)

    def _tell_controller(self) -> None:
        if self._controller is not None:
            self._controller.tell_tampering(bool(self._seen))

    async def _tell(self, kind: Tampering) -> None:
        failures = 0
        while not await self._till.tampering(kind):
            await self._clock.sleep(pause_after(failures, SHORTEST_PAUSE_S, LONGEST_PAUSE_S))
            failures += 1

    def _look(self, sign: Sign) -> tuple[str, ...] | None:
        try:
            values = sign.look()
        except DeviceFault as fault:
            if sign.kind not in self._unreadable:
                self._unreadable.add(sign.kind)
                log.error("tampering cannot be seen: %s", fault)
            return None
        self._unreadable.discard(sign.kind)
        return values


class Lost:
    """Returns whether a camera that has delivered pictures is gone. One that never did is not set
    up yet, or is not what its address says."""

    def __init__(self, feed: Feed) -> None:
        self._feed = feed
        self._delivered = False

    def __call__(self) -> bool:
        state = self._feed.state
        self._delivered = self._delivered or isinstance(state, Streaming)
        return self._delivered and isinstance(state, Recovering | Broken)


def _whether(sees: Callable[[], bool]) -> Callable[[], tuple[str, ...] | None]:
    return lambda: () if sees() else None


def _opened(enclosure: Contact) -> Sign:
    return Sign(Tampering.ENCLOSURE, _whether(enclosure.was_opened), grave=True)


def _swapped(fittings: Fittings) -> Callable[[], tuple[str, ...] | None]:
    def look() -> tuple[str, ...] | None:
        now = fittings.swapped()
        return None if now is None else (now,)

    return look


def _unknown(fittings: Fittings, *, storage: bool) -> Callable[[], tuple[str, ...] | None]:
    def look() -> tuple[str, ...] | None:
        for device in fittings.unknown():
            if (device.kind is Kind.STORAGE) is storage:
                return device.name, device.kind
        return None

    return look
