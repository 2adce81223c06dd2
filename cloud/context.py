"""The parts of the service that a request works with, as protocols.

`cloud.bootstrap` builds a `Context` from the settings and passes it to everything else. So nothing
below `cloud.bootstrap` imports an implementation that it does not itself choose.
"""

import asyncio
import logging
from collections import deque
from collections.abc import (
    AsyncGenerator,
    Callable,
    Collection,
    Coroutine,
    Iterator,
    Mapping,
    Sequence,
)
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from datetime import date, datetime
from enum import StrEnum
from typing import Any, Protocol

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from sqlalchemy.ext.asyncio import AsyncSession

from cloud.keys.person_keys import MasterKey
from cloud.keys.persons import OpenPerson
from cloud.matching import Code, Match
from cloud.messages import Mailer, Messenger
from cloud.noted import Noted
from cloud.policy import Policy
from cloud.providers import PaymentProvider
from cloud.seen import Seen
from cloud.settings import Settings
from cloud.state import State
from cloud.telemetry.measures import SILENT, Telemetry
from cloud.vault.kept import VaultState
from cloud.vault.messages import ExaminedPalm, Introduction, LightChallenge
from palm.search.protection import ProtectedProbe
from protocol.messages import Customer, Purpose, Side, VaultKey, VaultKeySet

log = logging.getLogger(__name__)

Clock = Callable[[], datetime]
"""Returns the present time, aware and in UTC."""

WORK = "palm_work"
"""The channel on which processes are told that there is a job to be done at once."""


class Database(Protocol):
    """The database that everything is stored in."""

    def session(self) -> AbstractAsyncContextManager[AsyncSession]:
        """Opens a session; the first statement begins a transaction."""
        ...

    def reading(self) -> AbstractAsyncContextManager[AsyncSession]:
        """Opens a session that writes nothing, and waits for nobody who writes."""
        ...

    def turn(self, *names: str) -> AbstractAsyncContextManager[None]:
        """Waits until nobody else does what the names say, and keeps all others from it while the
        block lasts, also between transactions. Raises `cloud.db.turns.TurnTaken` when another
        process does it."""
        ...

    def told(self, channel: str) -> AsyncGenerator[None]:
        """Yields whenever other processes may have told something on a channel, and once before.
        It ends when there cannot be others."""
        ...

    async def tell(self, channel: str) -> None:
        """Tells all processes that listen to a channel. Who does not hear it has to look by
        itself now and then."""
        ...

    async def hold(self, *, alone: bool) -> bool:
        """Says that this process uses the database until it closes it, or that nobody else may who
        says so, when it is `alone`. Returns False when others do."""
        ...

    async def forget_erased(self, *traces: str | bytes) -> None:
        """Removes the copies of erased rows from all files of the database. `traces` stood in rows
        of which no copy may be left, and in no other. Raises the database's errors."""
        ...

    def pieces(self, overlap: int) -> Iterator[bytes]:
        """Yields the bytes of the database's file, in pieces: each begins with the last `overlap`
        bytes of the one before. Nobody else may open and close that file in this process: SQLite's
        locks end with that. Raises OSError."""
        ...

    async def rewrite(self) -> None:
        """Writes all rows anew, and nothing that lies between them. Raises the database's
        errors."""
        ...

    @property
    def copies(self) -> str | None:
        """What an operator is told of copies of deleted rows that lie elsewhere; None without."""
        ...

    @property
    def is_for_deletions_only(self) -> bool:
        """Whether nothing may be stored but what serves deletions, because the disk is full."""
        ...

    def let_go(self, error: BaseException) -> bool:
        """Lets go of the room that is reserved for deletions when an error says that the disk is
        full. Returns whether what has failed may succeed now."""
        ...

    async def tidy_up(self) -> None:
        """Erases what could not be erased before, and reserves room for deletions again when there
        is some. Raises the database's errors."""
        ...

    async def answer(self) -> None:
        """Returns when a connection is free and answers, even if it refuses. Raises sqlalchemy's
        TimeoutError when none is free for long."""
        ...


class Vault(Protocol):
    """The only process that opens envelopes and templates. Every method raises
    VaultUnavailable."""

    @property
    def introduction(self) -> Introduction: ...

    @property
    def state(self) -> VaultState:
        """Whether it can be asked now, and if not, why."""
        ...

    def must_be_there(self) -> None:
        """Returns where it can be asked now."""
        ...

    @property
    def capture_keys(self) -> Sequence[VaultKey]:
        """The keys that captures can be sealed to, newest first."""
        ...

    async def key_set(self) -> VaultKeySet | None:
        """Returns these keys, signed by the vault; None from a vault of before."""
        ...

    async def examine(
        self,
        envelope: bytes,
        device_id: str,
        purposes: list[Purpose],
        *,
        versions: Collection[int],
        visit_id: str | None = None,
        challenge: LightChallenge | None = None,
        infrared: bool = False,
    ) -> ExaminedPalm:
        """Opens an envelope and judges the capture in it. Raises CaptureRefused and Lifeless."""
        ...

    async def compare(
        self, version: int, probe: bytes, references: Sequence[bytes]
    ) -> list[float | None]:
        """Returns the score of each sealed template against a sealed probe; None for a template
        that does not open."""
        ...

    async def share(
        self, version: int, sealed: Sequence[bytes], key: VaultKey, bound_to: bytes
    ) -> bytes:
        """Returns templates that were made for gates, sealed to a kiosk's key
        (`protocol.site_list`)."""
        ...


class Gallery(Protocol):
    """Searches the enrolled palms."""

    joined: int
    """How many accounts had joined when their palms were last added (`cloud.people.accounts`)."""
    seen: int | None
    """The last change of palms that it knows of (`cloud.recognition.feed`); None while this process
    alone changes them."""
    following: asyncio.Condition
    """Held while changes are read and applied, one after the other; notified when that is done."""

    def __len__(self) -> int:
        """Returns how many palms are enrolled."""
        ...

    @property
    def versions(self) -> set[int]:
        """The template versions in which somebody is enrolled."""
        ...

    def enrol(self, palms: Collection[Code]) -> None:
        """Adds palms. A palm that is enrolled already is replaced."""
        ...

    def fill(self, palms: Collection[Code]) -> None:
        """Adds palms of which none is enrolled yet, without looking for them."""
        ...

    def remove(self, person_id: str) -> None:
        """Removes all palms of a person."""
        ...

    def remove_palm(self, palm_id: str) -> None:
        """Removes one palm; does nothing when it is not enrolled."""
        ...

    async def search(
        self,
        side: Side,
        probes: Sequence[ProtectedProbe],
        at_least: float,
        certain: float,
        compared: Sequence[set[str]] | None = None,
    ) -> list[Match]:
        """Returns the people whose match is at least this rare, best match first. It looks no
        further once a match is as rare as `certain`. `compared` holds, for each probe, the ids of
        the palms with which an earlier search has compared it: they are left out, and those with
        which it is compared now are added. Raises VaultUnavailable."""
        ...

    async def confirm(
        self, probes: Sequence[ProtectedProbe], matches: Sequence[Match], enough: float
    ) -> list[Match]:
        """Returns the matches against which no sign speaks, in their order. Raises SignsDisagree
        when signs speak against all that are rare `enough`, and VaultUnavailable."""
        ...

    async def verify(
        self,
        side: Side,
        probes: Sequence[ProtectedProbe],
        person_id: str | None,
        at_least: float,
    ) -> Match | None:
        """Returns the best match with one person, confirmed, if it is at least this rare; None when
        they have no palm of that side, and when the person is None. It takes the same time
        whenever nothing matches. Raises SignsDisagree and VaultUnavailable."""
        ...


class Accounts(Protocol):
    """What recognition and payments need of an account. The person must have one."""

    async def agrees_at(self, session: AsyncSession, person: OpenPerson, site_id: str) -> bool:
        """Returns whether a person agrees to the use of their palm at a site, in the words of
        today."""
        ...

    async def has_agreed(self, session: AsyncSession, person: OpenPerson, merchant_id: str) -> bool:
        """Returns whether a person has agreed to use their palm at a merchant."""
        ...

    async def is_frozen(self, session: AsyncSession, person: OpenPerson) -> bool:
        """Returns whether a person has frozen their palms."""
        ...

    async def note_use(self, session: AsyncSession, person: OpenPerson, now: datetime) -> None:
        """Notes that a person was recognised: an account that nobody uses is deleted."""
        ...

    async def customer(
        self, session: AsyncSession, person: OpenPerson, merchant_id: str, now: datetime
    ) -> Customer:
        """Returns what a merchant's device is told of a person who has agreed there."""
        ...

    async def agreed_to(
        self, session: AsyncSession, person: OpenPerson, merchant_id: str
    ) -> str | None:
        """Returns the version of the wording that a person has agreed to at a merchant, None when
        they have not agreed."""
        ...

    async def phone(self, session: AsyncSession, person: OpenPerson) -> str:
        """Returns the person's mobile number in E.164."""
        ...

    async def phone_last4(self, session: AsyncSession, person: OpenPerson) -> str:
        """Returns the last four digits of the person's mobile number."""
        ...


class Regions(Protocol):
    """Which palms may be taken in the region that the service is in."""

    async def must_be_here(
        self, context: "Context", session: AsyncSession, merchant_id: str
    ) -> None:
        """Raises Refusal when the palms of a merchant's people may not leave another region."""
        ...


class Doors(Protocol):
    """What the activation of devices needs of doors."""

    async def hand_on(self, session: AsyncSession, before: str, after: str) -> None:
        """Gives the door of the device `before` to `after`, the device that replaces it."""
        ...


class Alerts(Protocol):
    """Tells people of each use of their palm, if they want to hear of it."""

    async def promise(
        self,
        context: "Context",
        session: AsyncSession,
        person: OpenPerson,
        *,
        merchant_id: str,
        what: str,
        at: datetime,
    ) -> None:
        """Has a person, who must have an account, told once the transaction is committed. `what` is
        what their palm did at the merchant, such as `your palm paid 12.50 USD`."""
        ...


class Event(StrEnum):
    """What merchants' own systems are told of (docs/integrations/webhooks.md)."""

    ENROLLED = "person.enrolled"
    """Somebody has signed up at a kiosk of the merchant."""
    DELETED = "person.deleted"
    """A reference of the merchant stands for nobody's palm any more: its person has left."""
    IDENTIFIED = "palm.identified"
    REFUSED = "palm.refused"
    ASKED = "palm_request.ended"
    """What the merchant had a kiosk ask has an end: an answer, or none."""
    PAID = "purchase.paid"
    REFUNDED = "purchase.refunded"
    REFUND_FAILED = "purchase.refund_failed"
    """A refund that they were told of did not reach the card, and the money came back."""


class Events(Protocol):
    """Tells merchants' own systems what has happened, once the transaction is committed, if they
    want to hear of it."""

    async def note(
        self,
        context: "Context",
        session: AsyncSession,
        event: Event,
        *,
        merchant_id: str,
        data: Mapping[str, Any],
        person_id: str | None = None,
    ) -> None:
        """Has the merchant told of an event. `data` names nobody; of a person it tells the
        membership that they have linked at the merchant, and nothing else."""
        ...

    async def note_leaving(
        self, context: "Context", session: AsyncSession, merchant_id: str, code: str
    ) -> None:
        """Has the merchant told that a membership is no longer linked to a palm, because its person
        has left."""
        ...

    async def forget(self, session: AsyncSession, person: OpenPerson, merchant_id: str) -> None:
        """Erases what a merchant was to be told of a person."""
        ...


@dataclass
class Context:
    """The running service."""

    version: str
    settings: Settings
    state: State
    sandbox: bool
    """Whether payments and text messages are simulated."""
    clock: Clock
    master: MasterKey
    receipt_key: Ed25519PrivateKey
    database: Database
    vault: Vault
    gallery: Gallery
    policy: Policy
    accounts: Accounts
    regions: Regions
    doors: Doors
    alerts: Alerts
    events: Events
    payments: PaymentProvider
    messenger: Messenger
    mailer: Mailer
    telemetry: Telemetry = SILENT
    noted: Noted = field(default_factory=Noted)
    seen: Seen = field(default_factory=Seen)
    errand: asyncio.Event = field(default_factory=asyncio.Event)
    """Set when an errand was put into the outbox, here or by another process."""
    clock_readings: deque[tuple[float, datetime]] = field(
        default_factory=deque[tuple[float, datetime]]
    )
    """What the clock showed in the last rounds of housekeeping, each with the seconds of
    `time.monotonic`."""
    ending_inactive: asyncio.Lock = field(default_factory=asyncio.Lock)
    """Held while a run deletes accounts that nobody uses."""
    review_told_on: date | None = None
    """The day on which it was last logged that a review of the policy is due."""
    answers: bool = True
    """Whether this process answers requests: it has a vault and a gallery then."""
    keys_told_on: date | None = None
    """The day on which it was last logged which keys of tills and systems expire."""
    running: set[str] = field(default_factory=set[str])
    """The kinds of errands (`cloud.jobs.errands`) that this process is running."""
    telling: set[str] = field(default_factory=set[str])
    """The receivers of webhooks (`cloud.integrations.deliveries`) that this process is telling."""
    background: set[asyncio.Task[None]] = field(default_factory=set[asyncio.Task[None]])

    def begin(self, work: Coroutine[Any, Any, None]) -> None:
        """Starts work that continues after the request that asked for it is answered."""
        task = asyncio.create_task(work)
        self.background.add(task)
        task.add_done_callback(self._ended)

    def _ended(self, task: asyncio.Task[None]) -> None:
        self.background.discard(task)
        error = None if task.cancelled() else task.exception()
        if error is not None:
            # Its message is left out of the log: it may quote a number.
            log.error("work in the background failed with %s", type(error).__name__)

    async def wake(self) -> None:
        """Has the outbox run now, by whichever process does the jobs."""
        self.errand.set()
        await self.database.tell(WORK)
