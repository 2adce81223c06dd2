"""What a request works with: the parts of the service, named by what they can do.

`cloud.bootstrap` builds a `Context` of the settings. Everything else is given one, and imports no
part that it does not itself decide about.
"""

import asyncio
from collections.abc import Callable, Collection, Coroutine, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from sqlalchemy.ext.asyncio import AsyncSession

from cloud.keys.person_keys import MasterKey
from cloud.messages import Messenger
from cloud.payments import PaymentProvider
from cloud.recognition.gallery import Entry, Match
from cloud.recognition.policy import Policy
from cloud.settings import Settings
from cloud.state import State
from cloud.vault.client import ExaminedPalm, Introduction
from palm.search.protection import ProtectedProbe
from protocol.messages import Purpose, Side

Clock = Callable[[], datetime]
"""Returns the present time, aware and in UTC."""


class Database(Protocol):
    """Where everything is kept."""

    def session(self) -> AbstractAsyncContextManager[AsyncSession]:
        """Opens a session; the first statement begins a transaction."""
        ...

    async def forget_erased(self) -> None:
        """Leaves no copy of erased rows in any file. Raises sqlalchemy's DatabaseError."""
        ...


class Vault(Protocol):
    """The process that alone opens envelopes and templates. Every method raises
    VaultUnavailable."""

    @property
    def introduction(self) -> Introduction: ...

    async def examine(
        self,
        envelope: bytes,
        device_id: str,
        purposes: list[Purpose],
        *,
        versions: Collection[int],
        visit_id: str | None = None,
        seed: bytes | None = None,
        infrared: bool = False,
    ) -> ExaminedPalm:
        """Opens an envelope and judges what it holds. Raises CaptureRefused and Lifeless."""
        ...

    async def compare(
        self, version: int, probe: bytes, references: Sequence[bytes]
    ) -> list[float | None]:
        """Compares sealed templates with a sealed probe; None for one that does not open."""
        ...


class Gallery(Protocol):
    """The enrolled palms, searched."""

    def __len__(self) -> int:
        """Returns how many palms are enrolled."""
        ...

    @property
    def versions(self) -> set[int]:
        """The template versions in which somebody is enrolled."""
        ...

    def enrol(self, entries: Collection[Entry]) -> None:
        """Adds palms; a palm that is enrolled already is replaced."""
        ...

    def remove(self, person_id: str) -> None:
        """Removes all palms of a person."""
        ...

    async def search(
        self, side: Side, probes: Sequence[ProtectedProbe], at_least: float
    ) -> list[Match]:
        """Returns the people whose match is at least this rare, best first. Raises
        VaultUnavailable."""
        ...

    async def verify(
        self, side: Side, probes: Sequence[ProtectedProbe], person_id: str
    ) -> Match | None:
        """Returns the best match with one person, None where that person has no such palm. Raises
        VaultUnavailable."""
        ...


@dataclass
class Context:
    """The running service."""

    version: str
    settings: Settings
    state: State
    sandbox: bool
    """Payments and text messages are simulated."""
    clock: Clock
    master: MasterKey
    receipt_key: Ed25519PrivateKey
    database: Database
    vault: Vault
    gallery: Gallery
    policy: Policy
    payments: PaymentProvider
    messenger: Messenger
    errand: asyncio.Event = field(default_factory=asyncio.Event)
    """Set when something was put into the outbox."""
    running_errands: asyncio.Lock = field(default_factory=asyncio.Lock)
    background: set[asyncio.Task[None]] = field(default_factory=set[asyncio.Task[None]])

    def begin(self, work: Coroutine[Any, Any, None]) -> None:
        """Starts work that goes on while the request that asked for it is answered."""
        task = asyncio.create_task(work)
        self.background.add(task)
        task.add_done_callback(self.background.discard)

    async def wake(self) -> None:
        """Tells housekeeping that the outbox has something in it."""
        self.errand.set()
