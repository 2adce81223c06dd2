"""What belongs to a kiosk: the devices that were plugged in when it was activated.

They are taken down at the first look after the kiosk has got a key that the service knows, and hold
as long as that key does: what is put in later is unknown until the kiosk is activated with another
key (`docs/decisions/0050-tampering.md`).
"""

import logging
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from pydantic import BaseModel, ConfigDict, ValidationError

from hardware.camera import CameraSource
from hardware.usb import Bus, Kind, UsbDevice
from kiosk.faults import FileUnusable
from kiosk.lately import Impersonal
from kiosk.service.identity import Identity
from protocol.files import read_if_there, write_private
from protocol.storage import cause_and_remedy

log = logging.getLogger(__name__)


class _TakenDown(BaseModel):
    model_config = ConfigDict(frozen=True)

    key: str
    """The id of the kiosk's key at that time."""
    usb: list[UsbDevice] | None = None
    """None when nobody looked."""
    cameras: dict[str, str] = {}
    """What tells the camera from others, by the name of its place."""


class Fittings:
    def __init__(
        self, path: Path, identity: Identity, bus: Bus | None, cameras: Sequence[CameraSource]
    ) -> None:
        """Raises FileUnusable."""
        self._path = path
        self._identity = identity
        self.bus = bus
        """Where devices are plugged in, None when nobody looks there."""
        self._cameras = cameras
        self._taken = self._load()
        self._is_written = True
        """Whether the disk has taken it."""

    def belonging(self) -> Sequence[UsbDevice] | None:
        """Returns what may be plugged in; None when anything may, because nobody looks there or the
        kiosk is not activated."""
        if self.bus is None or self._identity.device is None:
            return None
        if self._present.usb is None:
            self.bus.forget()
            self._keep({"usb": list(self.bus.look())})
            log.info("what is plugged in now belongs to this kiosk from now on")
        self._keep_at_last()
        return self._present.usb

    def unknown(self) -> Sequence[UsbDevice]:
        """Returns what is plugged in, or was some seconds ago, and does not belong here, the worst
        first. Raises TemporaryFault."""
        belonging = self.belonging()
        if self.bus is None or belonging is None:
            return []
        # A second device that says the same as one that belongs here is unknown, too.
        beside = Counter(self.bus.look()) - Counter(belonging)
        # A loose plug of one that belongs here is no other device.
        gone = [each for each in self.bus.passed() if not any(map(each.may_be, belonging))]
        return sorted((*beside, *gone), key=lambda device: list(Kind).index(device.kind))

    def swapped(self) -> str | None:
        """Returns what stands in the place of a camera that belongs here, None when it is that
        camera, or none. A camera that is there for the first time belongs here from then on."""
        if self._identity.device is None:
            return None
        for camera in self._cameras:
            now, known = camera.identity, self._present.cameras.get(camera.name)
            if now is None or now == known:
                continue
            if known is not None:
                return now
            self._keep({"cameras": self._present.cameras | {camera.name: now}})
        self._keep_at_last()
        return None

    @property
    def _present(self) -> _TakenDown:
        """What was taken down for the present key."""
        if self._taken.key != self._identity.device_id:
            self._taken = _TakenDown(key=self._identity.device_id)
        return self._taken

    def _keep(self, found: dict[str, object]) -> None:
        self._taken = self._present.model_copy(update=found)
        self._write()

    def _keep_at_last(self) -> None:
        """Keeps what the disk has not taken until now: the next start would take whatever is
        plugged in then for what belongs here."""
        if not self._is_written:
            self._write()

    def _write(self) -> None:
        was_written = self._is_written
        try:
            write_private(self._path, self._taken.model_dump_json().encode())
        except OSError as error:
            self._is_written = False
            if was_written:
                cause, remedy = (Impersonal(words) for words in cause_and_remedy(error))
                log.error("what belongs to this kiosk is not kept: %s %s", cause, remedy)
        else:
            self._is_written = True

    def _load(self) -> _TakenDown:
        try:
            content = read_if_there(self._path)
            if content is None:
                return _TakenDown(key="")
            return _TakenDown.model_validate_json(content)
        except OSError as error:
            raise FileUnusable(self._path, *cause_and_remedy(error)) from None
        except ValidationError:
            raise FileUnusable(
                self._path,
                f"The devices that belong to this kiosk, in {self._path}, are damaged.",
                "Look at what is plugged in. Then restore the file, or remove it: what is plugged "
                "in at the next start belongs to the kiosk then.",
            ) from None
