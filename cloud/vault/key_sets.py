"""The vault's capture keys in time: which one captures are sealed to, and until when others open.

Kiosks are told a signed set of public keys that counts for SET_LIFE (`protocol.messages`). So when
a key is renewed, those that have not heard of it go on with the one before for so long at most; and
that one opens envelopes for OVERLAP, and is destroyed then. When a key was made is the name of its
file, and nothing else is stored.
"""

import threading
import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cloud.keys.person_keys import Key
from cloud.telemetry import logs
from cloud.vault import keys
from protocol import documents
from protocol.envelope import PrivateKey
from protocol.files import alone, remove_durably
from protocol.messages import DatedKey, VaultKey, VaultKeySet
from protocol.seldom import Seldom
from protocol.storage import cause_and_remedy

SET_LIFE = timedelta(hours=24)
OVERLAP = SET_LIFE + timedelta(hours=1)
"""With an hour for what was sealed at the end, and for clocks that differ."""

COMPLAINTS_EVERY_S = 600.0
"""How often the log is told of a key that cannot be destroyed, in seconds."""

_SECOND = 10**9
_OVERLAP_NS = int(OVERLAP.total_seconds()) * _SECOND


class CaptureKeys:
    """The keys of one directory, for several threads. Every method raises StateDamaged and
    OSError."""

    def __init__(
        self, directory: Path, sealing: Key | None, clock: Callable[[], int] = time.time_ns
    ) -> None:
        """`sealing` is what seals the files; `clock` tells nanoseconds since the epoch."""
        self._directory = directory
        self._sealing = sealing
        self._clock = clock
        self._lock = threading.Lock()
        self._may_complain = Seldom(COMPLAINTS_EVERY_S)
        self._signer = keys.signing_key(directory, sealing)
        self._by_path: dict[Path, PrivateKey] = {}
        keys.load_or_make(directory, sealing)
        with self._lock:
            self._look()

    @property
    def public(self) -> list[VaultKey]:
        """The public keys, the newest first."""
        with self._lock:
            self._forget()
            return [key.public for key in self._by_path.values()]

    def openable(self) -> Mapping[str, PrivateKey]:
        """Returns the keys that open envelopes now, by their ids: also those that another vault
        with the same directory has made, which says until when the ones before count."""
        with self._lock:
            self._look()
            self._forget()
            return {key.public.key_id: key for key in self._by_path.values()}

    def renew(self) -> None:
        """Makes a key that takes the place of the newest."""
        with self._lock, alone(self._directory):
            self._look()
            # A clock that was set back must not put it behind those that there are.
            latest = max(map(keys.made_at, self._by_path), default=0)
            keys.make(self._directory, max(self._clock(), latest + 1_000_000), self._sealing)
            self._look()

    def tell(self) -> VaultKeySet:
        """Returns what kiosks are told, signed."""
        with self._lock:
            self._look()
            self._forget()
            ends = self._ends()
            dated = [
                DatedKey(
                    **key.public.model_dump(),
                    not_before=_time(keys.made_at(path)),
                    expires_at=None if ends[path] is None else _time(ends[path] or 0),
                )
                for path, key in self._by_path.items()
            ]
            newest = next(iter(self._by_path))
        now = _time(self._clock())
        return documents.sign(
            self._signer,
            VaultKeySet,
            revision=max(keys.made_at(newest) // 1_000_000, 1),
            made_at=now,
            expires_at=now + SET_LIFE,
            keys=dated,
        )

    def _look(self) -> None:
        """Reads the keys that are new in the directory, and leaves those that are gone."""
        self._by_path = {
            path: self._by_path.get(path) or keys.read(path, self._sealing)
            for path in keys.private_keys(self._directory)
        }

    def _forget(self) -> None:
        """Destroys the keys whose time is over. One that the disk keeps opens nothing either, and
        is destroyed once it can be: nobody else's palm may wait for that."""
        now = self._clock()
        for path, end in self._ends().items():
            if end is not None and end <= now:
                del self._by_path[path]
                try:
                    remove_durably(path)
                except OSError as error:
                    if self._may_complain():
                        why = " ".join(cause_and_remedy(error))
                        logs.say("vault", f"an expired capture key is not destroyed yet. {why}")

    def _ends(self) -> dict[Path, int | None]:
        """Returns when each key is destroyed: some time after the next one was made."""
        paths = list(self._by_path)
        after: list[int | None] = [None, *(keys.made_at(path) + _OVERLAP_NS for path in paths[:-1])]
        return dict(zip(paths, after, strict=True))


def _time(at: int) -> datetime:
    return datetime.fromtimestamp(at // _SECOND, UTC)
