"""The lock that a kiosk puts on itself when somebody tampers with it, until it is activated again.

It is closed by one file, which is on the disk before anything else happens, and what has to happen
then is done in steps that a power cut may end anywhere: the next start goes on where it was. A
kiosk is locked as long as the file is there, whatever else there is.
"""

import logging
from enum import StrEnum
from pathlib import Path

from pydantic import AwareDatetime, BaseModel, ConfigDict, ValidationError

from kiosk import state as folder
from kiosk.faults import FileUnusable
from kiosk.lately import Impersonal
from kiosk.till.till import Tampering
from protocol.files import read_if_there, remove_durably, write_private
from protocol.storage import cause_and_remedy

log = logging.getLogger(__name__)


class Step(StrEnum):
    """How far the locking has come."""

    SEEN = "seen"
    """The service is to be told, with the key that is still there."""
    WIPING = "wiping"
    """The keys are to be destroyed, and some may be."""
    WIPED = "wiped"
    """No key of before is left. The kiosk can be activated again."""


class Seen(BaseModel):
    """What was seen of somebody who tampers with the kiosk."""

    model_config = ConfigDict(frozen=True)

    sign: Tampering
    values: tuple[str, ...] = ()
    """What the words for it need (`kiosk.screens.Finding`)."""


class Locked(BaseModel):
    """Why and how the kiosk is locked."""

    model_config = ConfigDict(frozen=True)

    seen: Seen
    at: AwareDatetime
    merchant: str
    helpline: str
    """Whom to call, as the operator has said it before; empty for nobody."""
    step: Step = Step.SEEN


class Lock:
    """The lock of the kiosk with the state folder `state`."""

    def __init__(self, state: Path) -> None:
        """Raises FileUnusable when the file is there and cannot be read: nobody knows then whether
        the kiosk is locked."""
        self._state = state
        self._path = state / "tampering.json"
        self.locked = self._load()
        """Why and how it is locked; None for a kiosk that is not."""

    def close(self, locked: Locked) -> None:
        """Locks the kiosk; as long as the program runs, when the disk does not take it."""
        log.error("the kiosk locks itself: activate it again to use it")
        self._become(locked)

    def wipe(self) -> bool:
        """Destroys the keys of this kiosk. Returns whether none is left."""
        assert self.locked is not None
        kept = self._become(self.locked.model_copy(update={"step": Step.WIPING}))
        try:
            folder.wipe(self._state)
        except OSError as error:
            cause, remedy = (Impersonal(words) for words in cause_and_remedy(error))
            log.error("the keys are not all destroyed: %s %s", cause, remedy)
            return False
        return kept

    def go_on(self) -> None:
        """Does at a start, before any key is read, what a power cut has left undone, and what may
        have come back meanwhile."""
        if self.locked is not None and self.locked.step is Step.WIPING and self.wipe():
            self._become(self.locked.model_copy(update={"step": Step.WIPED}))

    def open(self) -> None:
        """Opens the lock of a kiosk that was activated again. Before the keys are destroyed, it
        stays closed."""
        if self.locked is None or self.locked.step is not Step.WIPED:
            return
        self.locked = None
        try:
            remove_durably(self._path)
        except OSError as error:
            cause, remedy = (Impersonal(words) for words in cause_and_remedy(error))
            log.error("the lock is opened again at the next start: %s %s", cause, remedy)

    def _become(self, locked: Locked) -> bool:
        """Returns whether the disk has taken it."""
        self.locked = locked
        try:
            write_private(self._path, locked.model_dump_json().encode())
        except OSError as error:
            cause, remedy = (Impersonal(words) for words in cause_and_remedy(error))
            log.error("the lock is not kept: %s %s", cause, remedy)
            return False
        return True

    def _load(self) -> Locked | None:
        try:
            content = read_if_there(self._path)
            return None if content is None else Locked.model_validate_json(content)
        except OSError as error:
            raise FileUnusable(self._path, *cause_and_remedy(error)) from None
        except ValidationError:
            raise FileUnusable(
                self._path,
                f"What this kiosk is locked for, in {self._path}, is damaged.",
                "Look whether somebody has tampered with the kiosk. Then make it unknown to its "
                "service, remove the state folder's secrets and this file, and activate it again.",
            ) from None
