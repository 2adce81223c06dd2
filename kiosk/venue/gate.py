"""The gate of a venue: pretix decides, and while it is away the downloaded list does.

What holds for every passage, also when the kiosk is killed between any two steps:

- Before a request that could use up a ticket, the journal says that the passage is to be annulled.
  This is taken out when pretix has admitted and before the gate opens. So a ticket whose holder did
  not pass is given back, also when the answer was lost.
- Before the gate opens without pretix, the journal says that the passage is to be told to it. It
  keeps the nonce that was sent, if any was: pretix takes it once.
- What the journal says is done as soon as pretix answers, and is repeated until it has answered.

Between the last write and the gate there is nothing that could be recorded: killed there, the
ticket counts as used, and staff let its holder in.
"""

import asyncio
import logging
import sqlite3
from collections.abc import Coroutine
from contextlib import AbstractAsyncContextManager, suppress
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, NoReturn, Protocol, TypeVar
from uuid import UUID, uuid4

from kiosk.clock import Clock
from kiosk.race import first
from kiosk.settings import GatePatience
from kiosk.venue.journal import Due, Entry, Journal
from kiosk.venue.pretix import (
    Accepted,
    Annulled,
    NoAnswer,
    NotAllowed,
    NotTaken,
    Pretix,
)
from kiosk.venue.ticket_list import (
    Listed,
    ListRules,
    Passage,
    TicketList,
    refusal,
    refusal_after,
)
from kiosk.venue.venue import (
    Admission,
    Admitted,
    Conflict,
    Connection,
    Reason,
    Refused,
    Trouble,
    VenueState,
)
from protocol.backoff import pause_after
from protocol.entry import Ticket
from protocol.messages import Direction

T = TypeVar("T")

log = logging.getLogger(__name__)

FIRST_PAUSE_S, LONGEST_PAUSE_S = 0.05, 0.4
"""Seconds between two attempts while somebody waits at the gate."""
ON_ITS_WAY = timedelta(minutes=2)
"""How long a request that nobody waits for any more may still reach pretix."""
SILENCES = 3
"""The number of attempts without an answer after which telling pretix waits for the next time."""


ONE_ENTRY = ListRules(products=None, entry_after_exit=False)
"""The strictest rules, while those of the list are not known."""


class Peers(Protocol):
    """The other gates of the venue (`kiosk.venue.peers`)."""

    def has_heard_of(self, position: int) -> bool:
        """Returns whether another gate has claimed this ticket."""
        ...

    def claim(
        self, position: int, passage: UUID, at: datetime
    ) -> AbstractAsyncContextManager[Passage | None]:
        """Tells the other gates that somebody is about to enter with this ticket. Yields the entry
        that one of them knows of instead, None when none does or none answers in time."""
        ...


@dataclass(frozen=True, slots=True)
class _Noted:
    """A passage at this gate that the list in memory may not know."""

    position: int
    passage: Passage
    entry: Entry


class VenueGate:
    """The `Venue` of one check-in list. `run` has to run beside it."""

    def __init__(
        self,
        pretix: Pretix,
        journal: Journal,
        clock: Clock,
        patience: GatePatience | None = None,
        peers: Peers | None = None,
    ) -> None:
        """The device of `pretix` has an event and a list chosen."""
        device = pretix.device
        assert device.event is not None
        assert device.list is not None
        self._event, self._list_id = device.event, device.list
        self._name = None if device.gate is None else device.gate.name
        self._pretix = pretix
        self._journal = journal
        self._clock = clock
        self._patience = patience or GatePatience()
        self._peers = peers
        self._connection = Connection.STARTING
        self._recording = True
        self._list: TicketList | None = None
        self._list_until = self._refresh_at = float("-inf")
        """When the list expires and the next download is due, on the kiosk's clock."""
        self._noted: dict[UUID, _Noted] = {}
        self._remembers = False
        """Whether the journal was read since the start: nothing is decided before."""
        self._in_hand: set[UUID] = set()
        """The passages that are being decided: their entries are not to be worked off yet."""
        self._given_back = 0
        """How many passages pretix has annulled since the start."""
        self._offline = asyncio.Lock()
        self._telling = asyncio.Lock()
        self._due = asyncio.Event()
        """Set when something is to be told to pretix at once."""
        self._untold: set[UUID] = set()
        """The passages that the journal holds an entry of."""
        self._conflicts = 0
        self._begun: set[asyncio.Task[Any]] = set()
        """What goes on when nobody waits for it any more."""

    @property
    def state(self) -> VenueState:
        known = self._list
        return VenueState(
            self._connection,
            0 if known is None else len(known.by_secret),
            len(self._untold - self._in_hand),
            self._conflicts,
            self._recording,
        )

    async def conflicts(self) -> list[Conflict]:
        """Returns what staff have not dismissed. Raises sqlite3.Error."""
        return await self._journal.conflicts()

    async def dismiss(self, passage: UUID) -> None:
        """Forgets a conflict. Raises sqlite3.Error."""
        await self._journal.dismiss(passage)
        self._conflicts = len(await self._journal.conflicts())

    async def admit(self, ticket: Ticket, direction: Direction) -> Admission:
        deciding = self._begin(self._admit(ticket, direction))
        try:
            return await asyncio.shield(deciding)
        except asyncio.CancelledError:
            self._begin(self._take_back(deciding))
            raise

    async def annul(self, passage: UUID) -> None:
        noted = self._noted.pop(passage, None)
        if noted is None:
            log.error("a passage is to be annulled that this gate does not know")
            return
        entry = replace(noted.entry, due=Due.ANNULMENT)
        if await self._recorded(entry):
            self._due.set()
        else:
            self._begin(self._annul_unrecorded(entry))

    async def _annul_unrecorded(self, entry: Entry) -> None:
        with suppress(NoAnswer, NotAllowed):
            await self._pretix.annul(entry)

    async def run(self) -> NoReturn:
        """Watches pretix, keeps the list fresh, and tells pretix what the journal says, until it is
        cancelled."""
        while True:
            self._due.clear()
            await self.look()
            await first(self._clock.sleep(self._patience.probe_s), self._until_due())

    async def look(self) -> None:
        """Looks whether pretix answers, and does what is due if it does."""
        await self._remembered()
        self._fresh_list()
        try:
            await self._pretix.probe()
        except NoAnswer:
            if self._connection is not Connection.NOT_ALLOWED:
                self._become(Connection.AWAY)
            return
        except NotAllowed as not_allowed:
            self._shut(not_allowed)
            return
        try:
            if self._connection is not Connection.NOT_ALLOWED:
                self._become(Connection.ONLINE)
                await self.tell()
            if self._clock.now() >= self._refresh_at:
                await self._download()
            self._become(Connection.ONLINE)
        except NoAnswer:
            self._become(Connection.AWAY)
        except NotAllowed as not_allowed:
            self._shut(not_allowed)

    async def tell(self, only: Due | None = None) -> None:
        """Tells pretix what the journal says, or one kind of it, one after the other, as far as it
        answers."""
        async with self._telling:
            silences = 0
            # What is being decided now is not to be annulled later, when it is decided: the entries
            # are those of this moment.
            in_hand, untold = set(self._in_hand), set(self._untold)
            # Annulments first: what is annulled contradicts no passage.
            try:
                entries = await self._journal.entries()
            except sqlite3.Error as error:
                self._disk_failed(error)
                return
            entries.sort(key=lambda entry: entry.due is Due.PASSAGE)
            # Whoever was cancelled here may have told pretix without having noted it.
            self._untold -= untold - in_hand - {entry.passage for entry in entries}
            for entry in entries:
                if entry.passage in in_hand or only not in (None, entry.due):
                    continue
                try:
                    await self._tell(entry)
                except NoAnswer:
                    silences += 1
                    if silences == SILENCES:
                        break
                except NotAllowed as not_allowed:
                    log.warning("pretix is not told of a passage: %s", not_allowed)
                    break
                except sqlite3.Error as error:
                    self._disk_failed(error)
                    break

    async def _until_due(self) -> None:
        await self._due.wait()

    async def settle(self) -> None:
        """Waits until what was begun for people at the gate is done."""
        while self._begun:
            await asyncio.wait(self._begun)

    async def close(self) -> None:
        """Gives that as long as a visitor would wait, and ends it: the journal knows the rest."""
        await first(self.settle(), self._clock.sleep(self._patience.answer_s))
        begun = tuple(self._begun)
        for task in begun:
            task.cancel()
        await asyncio.gather(*begun, return_exceptions=True)

    async def _admit(self, ticket: Ticket, direction: Direction) -> Admission:
        given_back = self._given_back
        admission = await self._decide(ticket, direction)
        if (
            isinstance(admission, Refused)
            and admission.reason is Reason.ALREADY_USED
            and not admission.offline
        ):
            # By an attempt of which nobody heard, perhaps, and which is to be annulled.
            annulling = self.tell(Due.ANNULMENT)
            await first(annulling, self._clock.sleep(self._patience.answer_s))
            if self._given_back > given_back:
                return await self._decide(ticket, direction)
        return admission

    async def _decide(self, ticket: Ticket, direction: Direction) -> Admission:
        entry = Entry(
            uuid4(),
            Due.ANNULMENT,
            self._event,
            self._list_id,
            direction,
            self._clock.wall(),
        )
        self._in_hand.add(entry.passage)
        try:
            if self._connection is Connection.NOT_ALLOWED or not await self._remembered():
                return Refused(Reason.UNDECIDED)
            if self._connection is not Connection.AWAY:
                if not await self._recorded(entry):
                    return Refused(Reason.UNDECIDED)
                answer = await self._ask(ticket, entry)
                if isinstance(answer, Accepted):
                    return await self._accepted(answer, entry)
                if answer is not None:
                    await self._forgotten(entry)
                    return answer
            return await self._decide_by_the_list(ticket, entry)
        finally:
            self._in_hand.discard(entry.passage)

    async def _accepted(self, answer: Accepted, entry: Entry) -> Admission:
        """Takes the entry out of the journal, unless pretix has not heard of a passage yet. Until
        that is done nobody passes."""
        used = await self._used_unknown_to_pretix(answer.position, entry)
        if used is not None:
            self._begin(self.tell(Due.ANNULMENT))
            return used
        # Before the disk is waited for: whoever comes with the same ticket meanwhile is refused.
        self._note(answer.position, entry)
        if not await self._forgotten(entry):
            self._noted.pop(entry.passage, None)
            return Refused(Reason.UNDECIDED)
        return Admitted(
            entry.passage,
            None if self._list is None else self._list.names.get(answer.product),
            offline=False,
            attention=answer.attention,
        )

    async def _used_unknown_to_pretix(self, position: int, entry: Entry) -> Refused | None:
        """Returns why pretix would not have accepted a ticket if it knew what the gates know."""
        rules = ONE_ENTRY if self._list is None else self._list.rules
        untold = [
            noted.passage
            for noted in self._noted.values()
            if noted.position == position and noted.entry.passage in self._untold | self._in_hand
        ]
        refused = refusal_after(entry.direction, rules, untold)
        once = entry.direction is Direction.ENTRY and not rules.several_entries
        # Where people leave and come back, another gate may not know of their leaving.
        if refused is None and once and not rules.entry_after_exit and self._peers is not None:
            if not self._peers.has_heard_of(position):
                return None
            async with self._peers.claim(position, entry.passage, entry.at) as used:
                if used is not None:
                    return Refused(Reason.ALREADY_USED, used.at, used.gate)
        return refused

    async def _ask(self, ticket: Ticket, entry: Entry) -> Accepted | Refused | None:
        """Returns pretix's answer, None when none comes in time."""
        answer = await first(
            self._attempts(ticket, entry), self._clock.sleep(self._patience.answer_s)
        )
        if answer is None:
            self._become(Connection.AWAY)
        elif self._connection is not Connection.NOT_ALLOWED:
            self._become(Connection.ONLINE)
        return answer

    async def _attempts(self, ticket: Ticket, entry: Entry) -> Accepted | Refused:
        failures = 0
        while True:
            try:
                answer = await self._pretix.redeem(
                    entry.list, ticket, entry.direction, entry.passage, entry.at
                )
            except NoAnswer as none:
                pause = pause_after(failures, FIRST_PAUSE_S, LONGEST_PAUSE_S)
                await self._clock.sleep(max(pause, none.retry_after_s))
                failures += 1
            except NotAllowed as not_allowed:
                self._shut(not_allowed)
                return Refused(Reason.UNDECIDED)
            else:
                return answer

    async def _decide_by_the_list(self, ticket: Ticket, entry: Entry) -> Admission:
        async with self._offline:
            known = self._fresh_list()
            if known is None:
                return Refused(Reason.UNDECIDED, offline=True)
            listed = known.find(ticket)
            if isinstance(listed, Refused):
                return replace(listed, offline=True)
            refused = refusal(
                listed, known.rules, entry.direction, entry.at, self._noted_of(listed.id)
            )
            if refused is not None:
                return replace(refused, offline=True)
            once = entry.direction is Direction.ENTRY and not known.rules.several_entries
            if self._peers is None or not once:
                return await self._let_in(known, listed, entry)
            async with self._peers.claim(listed.id, entry.passage, entry.at) as used:
                if used is not None:
                    return Refused(Reason.ALREADY_USED, used.at, used.gate, offline=True)
                return await self._let_in(known, listed, entry)

    async def _let_in(self, known: TicketList, listed: Listed, entry: Entry) -> Admission:
        """Records a passage that pretix is to be told of later."""
        passed = replace(entry, due=Due.PASSAGE, position=listed.id)
        self._note(listed.id, passed)
        if not await self._recorded(passed):
            self._noted.pop(entry.passage, None)
            return Refused(Reason.UNDECIDED, offline=True)
        name = known.names.get(listed.product)
        return Admitted(entry.passage, name, offline=True, attention=listed.attention)

    def _fresh_list(self) -> TicketList | None:
        if self._clock.now() >= self._list_until:
            self._list = None
        return self._list

    def entered(self, position: int) -> Passage | None:
        """Returns the last passage with a ticket at this gate, if it was an entry and is not
        annulled: what other gates are told."""
        listed = None if self._list is None else self._list.by_id.get(position)
        passages = self._noted_of(position) + list(listed.passages if listed else ())
        last = max(passages, key=lambda passage: passage.at, default=None)
        return None if last is None or last.direction is Direction.EXIT else last

    def _noted_of(self, position: int) -> list[Passage]:
        return [noted.passage for noted in self._noted.values() if noted.position == position]

    def _note(self, position: int, entry: Entry) -> None:
        passage = Passage(entry.direction, entry.at, self._name)
        self._noted[entry.passage] = _Noted(position, passage, entry)

    async def _take_back(self, deciding: asyncio.Future[Admission]) -> None:
        """Annuls what was decided for somebody who has left meanwhile."""
        admission = await deciding
        if isinstance(admission, Admitted):
            await self.annul(admission.passage)

    def _begin(self, work: Coroutine[Any, Any, T]) -> asyncio.Task[T]:
        """Begins what goes on when nobody waits for it any more."""
        task = asyncio.ensure_future(work)
        self._begun.add(task)
        task.add_done_callback(self._begun.discard)
        return task

    async def _recorded(self, entry: Entry) -> bool:
        try:
            await self._journal.record(entry)
        except sqlite3.Error as error:
            self._disk_failed(error)
            return False
        self._untold.add(entry.passage)
        self._recording = True
        return True

    async def _forgotten(self, entry: Entry) -> bool:
        try:
            await self._journal.forget(entry)
        except sqlite3.Error as error:
            self._disk_failed(error)
            return False
        self._untold.discard(entry.passage)
        return True

    def _disk_failed(self, error: sqlite3.Error) -> None:
        if self._recording:
            log.error(
                "the gate lets nobody in, because its journal cannot be written (%s): make room, "
                "or check the disk",
                error,
            )
        self._recording = False

    async def _remembered(self) -> bool:
        """Returns whether this gate knows what it recorded before it was started."""
        if not self._remembers:
            try:
                entries = await self._journal.entries()
                self._conflicts = len(await self._journal.conflicts())
            except sqlite3.Error as error:
                self._disk_failed(error)
                return False
            for entry in entries:
                self._untold.add(entry.passage)
                if entry.due is Due.PASSAGE and entry.position is not None:
                    self._note(entry.position, entry)
            self._remembers = True
        return True

    async def _download(self) -> None:
        begun, now = self._clock.wall(), self._clock.now()
        self._list = await self._pretix.download(self._event, self._list_id, begun)
        self._list_until = now + self._patience.list_s
        self._refresh_at = self._clock.now() + self._patience.refresh_s
        # The list knows those that pretix knew well before the download began.
        self._noted = {
            passage: noted
            for passage, noted in self._noted.items()
            if passage in self._untold or noted.entry.at > begun - ON_ITS_WAY
        }

    async def _tell(self, entry: Entry) -> None:
        """Raises NoAnswer, NotAllowed and sqlite3.Error."""
        if entry.due is Due.ANNULMENT:
            annulled = await self._pretix.annul(entry)
            match annulled:
                case Annulled.DONE:
                    self._given_back += 1
                case Annulled.UNKNOWN if self._clock.wall() - entry.at < ON_ITS_WAY:
                    return
                case Annulled.NOT_DONE:
                    await self._dispute(entry, Trouble.NOT_ANNULLED, None)
                    return
                case _:
                    pass
            await self._journal.forget(entry)
            self._told(entry)
            return
        uploaded = await self._pretix.upload(entry)
        if isinstance(uploaded, NotTaken):
            await self._dispute(entry, Trouble.NOT_UPLOADED, uploaded.reason)
        elif uploaded.contradiction is not None:
            await self._dispute(entry, Trouble.CONTRADICTED, uploaded.contradiction.reason)
        else:
            await self._journal.forget(entry)
            self._told(entry)

    def _told(self, entry: Entry) -> None:
        # The visit has annulled it meanwhile, perhaps: that is still to be told.
        if entry.due is Due.ANNULMENT or entry.passage in self._noted:
            self._untold.discard(entry.passage)

    async def _dispute(self, entry: Entry, trouble: Trouble, reason: Reason | None) -> None:
        conflict = Conflict(
            entry.passage, trouble, reason, entry.position, entry.direction, entry.at
        )
        await self._journal.dispute(entry, conflict)
        self._told(entry)
        self._conflicts = len(await self._journal.conflicts())
        log.warning(
            "a passage at %s with the order position %s: %s (%s). Look at it in pretix.",
            entry.at.isoformat(timespec="minutes"),
            entry.position,
            trouble,
            reason,
        )

    def _become(self, connection: Connection) -> None:
        if connection is not self._connection:
            log.info("the gate's pretix is %s", connection)
        self._connection = connection

    def _shut(self, not_allowed: NotAllowed) -> None:
        """Lets nobody in any more: the organiser has withdrawn this device, perhaps because it was
        stolen. The list goes with it."""
        if self._connection is not Connection.NOT_ALLOWED:
            log.error(
                "the gate lets nobody in: %s. Look whether the device still stands in pretix and "
                "may use the event, and sign it on again if it was removed.",
                not_allowed,
            )
        self._connection = Connection.NOT_ALLOWED
        self._list = None
        self._refresh_at = float("-inf")
