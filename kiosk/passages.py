"""What the service is still to be told of those who came to the gate, kept over a power cut.

A folder with one small file for each passage. A file names an entry by the id that the service gave
it, or somebody by a mark that the service alone can read.
"""

import logging
import secrets
from collections.abc import Iterator

from pydantic import Field, TypeAdapter

from protocol.entry import OfflinePassage, Passage
from protocol.files import remove_durably
from protocol.messages import Identifier
from protocol.sealed import SealedPath
from protocol.storage import cause_and_remedy

log = logging.getLogger(__name__)


class Untold(Passage):
    """What came of an entry."""

    entry_id: Identifier

    @property
    def name(self) -> str:
        return self.entry_id


class UntoldOffline(OfflinePassage):
    """Somebody has passed without the service."""

    passage_id: Identifier = Field(default_factory=lambda: secrets.token_hex(16))

    @property
    def name(self) -> str:
        return self.passage_id


AnyUntold = Untold | UntoldOffline
_READER = TypeAdapter[AnyUntold](AnyUntold)


class PassageJournal:
    """Its methods wait for the disk."""

    def __init__(self, folder: SealedPath) -> None:
        self._folder = folder

    def keep(self, untold: AnyUntold) -> bool:
        """Keeps a passage until `forget`. Returns whether the disk has taken it; otherwise the log
        is told why."""
        try:
            self._file(untold).write(untold.model_dump_json().encode())
        except OSError as error:
            log.error("a passage is not kept over a power cut: %s %s", *cause_and_remedy(error))
            return False
        return True

    def forget(self, untold: AnyUntold) -> None:
        """Forgets what the service knows. Told again after the next start, nothing changes."""
        try:
            remove_durably(self._file(untold).path)
        except FileNotFoundError:
            # Not even the folder is there.
            return
        except OSError as error:
            log.error("a passage stays in the journal: %s %s", *cause_and_remedy(error))

    def untold(self) -> Iterator[AnyUntold]:
        """Yields what was kept and not forgotten. A file that cannot be read is told to the log and
        left where it is."""
        for path in sorted(self._folder.path.glob("*.json")):
            try:
                yield _READER.validate_json((self._folder / path.name).read() or b"")
            except (ValueError, OSError) as error:
                log.error("the passage in %s cannot be read: %s", path, type(error).__name__)

    def _file(self, untold: AnyUntold) -> SealedPath:
        return self._folder / f"{untold.name}.json"
