"""The life of the kiosk: it waits on the welcome screen and makes one visit after the other.

This module handles what can go wrong in every visit: the shopper leaves, the till withdraws its
request, a device or the service fails, or an unexpected exception is raised.
"""

import asyncio
import logging
import traceback
from collections.abc import Awaitable, Callable, Sequence
from contextlib import closing, suppress
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Literal, NoReturn, TypeVar

from hardware.address import Address
from hardware.camera import Mounting
from hardware.camera.feed import Broken, Feed, Recovering, Streaming
from hardware.enclosure import Contact
from hardware.faults import DeviceFault
from hardware.light import Light
from hardware.sound import Sound, Tone
from hardware.terminal import Terminal
from kiosk.asked import Asked
from kiosk.capture.eyes import Eyes
from kiosk.capture.guidance import Guidance, Instruction
from kiosk.capture.succession import Succession, succession
from kiosk.clock import Clock
from kiosk.fittings import Fittings
from kiosk.idle import IdleWatch, Withdrawn
from kiosk.indicator import Indicator
from kiosk.lane import Lane
from kiosk.lately import Impersonal, Lately
from kiosk.lock import Lock, Locked, Step
from kiosk.operator import Operator
from kiosk.pictures import Pictures
from kiosk.race import both, first
from kiosk.screens import (
    Answered,
    AtGate,
    Choice,
    GateAnswer,
    GateNotice,
    GateShut,
    Health,
    Notice,
    OutOfService,
    Part,
    PayAnotherWay,
    Trouble,
    TroubleKind,
    Welcome,
)
from kiosk.sealing import SealedState
from kiosk.service.client import SignatureService
from kiosk.service.connection import Connection
from kiosk.service.errors import (
    Offline,
    Refused,
    ServiceError,
    ServiceUnavailable,
    WrongPurchase,
)
from kiosk.service.transport import begin_trace
from kiosk.settings import Settings
from kiosk.simulated.till import SimulatedTill
from kiosk.staff import StaffPin
from kiosk.stage import Stage, WalkedAway
from kiosk.support import Supported, disk_mb, memory_mb
from kiosk.tampering import Sign, Watch, signs_of, signs_while
from kiosk.till.journal import PurchaseJournal
from kiosk.till.till import Acquisition, Collection, Request, Sale, SaleResult, Talk, Till
from kiosk.updates.quiet import Quiet, VersionWaits
from kiosk.visits.acquire import acquire
from kiosk.visits.answer import answer
from kiosk.visits.charge import resolve
from kiosk.visits.collect import collect
from kiosk.visits.enrol import enrol
from kiosk.visits.enter import enter, enter_by_list, enter_with_ticket
from kiosk.visits.help import offer_help
from kiosk.visits.invited import invite, sign_up_invited
from kiosk.visits.leave import leave
from kiosk.visits.maintain import (
    BackOffice,
    RestartAsked,
    camera_check,
    fitting_checks,
    lane_checks,
    lock_checks,
    maintain,
)
from kiosk.visits.membership import change_membership
from kiosk.visits.pay import pay
from kiosk.visits.talk import talk
from kiosk.visits.visit import Codes, Reader, Troubled, Visit
from kiosk.visits.wallet import change_cards
from protocol import VERSION
from protocol.asked import AskedPalm, Asks
from protocol.capture import Burst
from protocol.fleet import Fault, Report
from protocol.memory import give_back
from protocol.messages import Identification, Money, Problem, ProblemType
from protocol.storage import cause_and_remedy, storage_fault

log = logging.getLogger(__name__)

TRIAL_MINOR = 450
"""The amount of a trial purchase, in the minor unit of the device's currency. If it cannot be
charged, the next larger amount that can is used."""

WELCOME_LOOKS_S = 0.5
"""Seconds between two checks whether the welcome screen has changed."""

AFTER_FAULT_S = 1.0
"""Seconds after a fault until a gate reads palms again."""

STILL_HELD_S = 3.0
"""Seconds after an answer until the same ticket is read again."""

LEAVE_S = 5.0
"""The longest time, in seconds, in which a kiosk that locks itself reports to the till and the
service before it destroys its keys. The attacker may have cut the network."""

GONE_AFTER_S = 3.0
"""Seconds without an answer after which the welcome screen says that the service is gone."""

GONE_LOOKS_S = 1.0
"""Seconds between two checks whether a service that was gone is back."""

REFUSALS = {
    ProblemType.TOO_MANY_ATTEMPTS: TroubleKind.LOCKED,
    ProblemType.STORAGE_FULL: TroubleKind.STORAGE,
}
"""Problems of the service that have a screen of their own."""

Wanted = Literal[Choice.SIGN_UP, Choice.DELETE, Choice.CARDS, Choice.MEMBERSHIP]
BY_THEMSELVES: dict[Wanted, Callable[[Visit], Awaitable[Wanted | None]]] = {
    Choice.SIGN_UP: enrol,
    Choice.DELETE: leave,
    Choice.CARDS: change_cards,
    Choice.MEMBERSHIP: change_membership,
}
"""The visits that shoppers begin at the kiosk, and not at a till. Each returns the visit that the
shopper wants next, None for none."""
T = TypeVar("T")


@dataclass
class Kiosk:
    """A whole kiosk. `run` serves until it is cancelled or staff ask for a restart."""

    settings: Settings
    state: SealedState
    stage: Stage
    feed: Feed
    eyes: Eyes
    infrared: Feed | None
    """The feed of the near-infrared camera, None without one."""
    light: Light | None
    reader: Reader
    codes: Codes
    terminal: Terminal | None
    service: SignatureService
    connection: Connection
    till: Till
    journal: PurchaseJournal
    pin: StaffPin
    clock: Clock
    fittings: Fittings
    """The USB devices that belong to the kiosk."""
    lock: Lock
    """The lock with which the kiosk locks itself when somebody tampers with it."""
    enclosure: Contact | None = None
    """The contact of the enclosure, None without one."""
    lane: Lane | None = None
    """The lane of a kiosk at a gate, None for a kiosk at which people sign up and pay."""
    sound: Sound | None = None
    """The loudspeaker that plays a gate's answers, None without one."""
    quiet: Quiet | None = None
    """Chooses the moment for another version, None where versions come only from packages."""
    lately: Lately = field(default_factory=Lately)
    """The latest lines of the log."""
    operator: Operator = field(init=False)
    """The orders of the operator to this kiosk."""
    pictures: Pictures = field(init=False)
    """The pictures that the operator has set."""
    asked: Asked = field(init=False)
    """The requests of the merchant's own systems for a palm."""
    _visits: int = field(default=0, init=False)
    """How many visits were made since the start."""
    _troubles: int = field(default=0, init=False)
    """How many of them ended because of trouble."""
    _began: float = field(default=0.0, init=False)
    """When it began to run, on the clock."""
    _answers: bool | None = field(default=None, init=False)
    """Whether the service answered last; None before it is known."""
    _changed: asyncio.Event = field(default_factory=asyncio.Event, init=False)
    """It is set when the welcome screen may have to change."""
    _opened: bool = field(default=False, init=False)
    """Whether shoppers could sign up at some time since the start."""
    _serving: Sale | None = field(default=None, init=False)
    _known: tuple[str, Identification | None] | None = field(default=None, init=False)
    """The reference of the acquisition that was just made, and its shopper: the next request of the
    till may be for the same one."""
    _answered: Answered | None = field(default=None, init=False)
    """The gate's answer to the person who came last."""
    _playing: "asyncio.Task[None] | None" = field(default=None, init=False)
    """The sound that is being played."""
    _is_silent: bool = field(default=False, init=False)
    """Whether the last sound could not be played, which is logged once."""
    _wrong: set[str] = field(default_factory=set[str], init=False)
    """References of sales that the service answered with another purchase."""

    def __post_init__(self) -> None:
        self.operator = Operator(self.state.files / "orders.json", self.service, self.clock)
        folder = self.settings.state / "pictures"
        self.pictures = Pictures(folder, self.operator, self.service, self.clock)
        self.asked = Asked(self.service, self.clock)

    async def run(self) -> None:
        """Serves until staff or the operator ask for a restart. Raises CannotStart, and
        VersionWaits when another version is to be started."""
        self._began = self.clock.now()
        for feed in self._feeds:
            feed.start()
        self.eyes.start()
        try:
            with suppress(RestartAsked):
                await first(
                    self._serve_unless_tampered(),
                    self._look_after_the_service(),
                    self.till.keep(self._notice, self.journal.holds),
                    self.connection.keep(self.service),
                    self.operator.keep(self._report, self._obey),
                    self.pictures.keep(self._changed.set),
                    *([] if self.lane is None else [self._keep_lane(self.lane)]),
                )
        finally:
            await self.service.close()
            # Both wait for a thread to end.
            await asyncio.to_thread(self.eyes.stop)
            for feed in self._feeds:
                await asyncio.to_thread(feed.stop)
            if self.light is not None:
                self.light.close()

    def prove_sight(self, answer: Callable[[], None]) -> None:
        """Has the vision thread call `answer` (`protocol.watchdog.Part`), unless a thread that
        watches a camera has ended. These threads handle cameras that fail or hang."""
        if all(feed.is_watched for feed in self._feeds):
            self.eyes.prove_alive(answer)

    @property
    def _feeds(self) -> list[Feed]:
        return [self.feed] if self.infrared is None else [self.feed, self.infrared]

    async def _serve_unless_tampered(self) -> NoReturn:
        """Serves until somebody tampers with the kiosk, and then locks it. Raises RestartAsked,
        because secrets in memory are only gone with the process."""
        if self.lock.locked is None:
            watch = self._watch(signs_of(self.feed, self.infrared, self.enclosure, self.fittings))
            seen = await first(watch.run(), self._serve())
            shown = self._out_of_service()
            now, merchant, helpline = self.clock.wall(), shown.merchant, shown.helpline
            self.lock.close(Locked(seen=seen, at=now, merchant=merchant, helpline=helpline))
        if self.lock.locked is not None and self.lock.locked.step is Step.SEEN:
            self._changed.set()
            self.stage.show(self._out_of_service())
            try:
                await first(self._take_leave(self.lock.locked), self.clock.sleep(LEAVE_S))
            except Exception as error:
                # The keys must be destroyed even if reporting fails.
                log.error("a locked kiosk says nothing: %s", Impersonal(type(error).__name__))
            if self.lock.wipe():
                raise RestartAsked
        assert self.lock.locked is not None
        await first(self._watch(signs_while(self.lock.locked)).run(), self._serve())
        raise AssertionError("a locked kiosk serves nobody until it starts again")

    def _watch(self, signs: Sequence[Sign]) -> Watch:
        controller = None if self.lane is None else self.lane.controller
        return Watch(
            signs,
            self.till,
            self.clock,
            controller,
            activated=lambda: self.service.identity.device is not None,
        )

    async def _take_leave(self, locked: Locked) -> None:
        """Tells the till and the service, while the keys for that still exist, that somebody has
        tampered with this kiosk. Before the service is told, payments under way are settled."""
        await both(self.till.tampering(locked.seen.sign), self._tell_service(locked))

    async def _tell_service(self, locked: Locked) -> None:
        await self.service.ready.wait()
        with suppress(ServiceError):
            # The rest of the time is needed for the report.
            await first(self._settle_doubts(), self.clock.sleep(LEAVE_S / 2))
        report = self._report().model_copy(update={"tampering": locked.seen.sign})
        try:
            await self.service.report_state(report, LEAVE_S)
        except ServiceError as error:
            log.error("the service does not hear that this kiosk is locked: %s", error)

    async def _serve(self) -> NoReturn:
        log.info("the kiosk is open")
        if self.quiet is not None and not self.quiet.kept.is_set():
            # If this version is given up, everything that it has written before would be lost.
            self.stage.show(replace(self._welcome(), notice=Notice.STARTING))
            await self.quiet.until_kept(self._serves)
        while True:
            await self._serve_next()
            give_back()

    async def _serve_next(self) -> None:
        """Waits for a request of the till, a touch or, at a gate, a hand, and makes the visit that
        belongs to it. Raises RestartAsked."""
        if self.operator.restart_asked:
            log.warning("the kiosk starts again, as its operator has asked")
            raise RestartAsked
        if self._is_locked:
            await self._serve_staff_alone()
            return
        if self.lane is not None:
            await self._serve_lane(self.lane)
            return
        welcome = self._welcome()
        self._tell_once(welcome)
        began = await first(
            self.till.next_request(),
            self.stage.ask(welcome),
            self._keep_current(welcome),
            self.asked.next(self._until_free),
            *self._until_version_waits(),
        )
        known, self._known = self._known, None
        match began:
            case Sale() | Acquisition() | Collection() | Talk():
                await self._serve_till(began, known)
            case AskedPalm():
                await self._serve_asked(began)
            case Choice.TRY_PURCHASE:
                await self._try_purchase()
            case Choice.SIGN_UP | Choice.DELETE | Choice.CARDS | Choice.MEMBERSHIP:
                await self._serve_person(began)
            case Choice.HELP:
                await self._visit(self._help)
            case Choice.STAFF:
                await self._visit(lambda stage: maintain(self._back_office(stage)))
            case None:
                # The operator has asked for a restart, or the kiosk was locked.
                pass

    async def _serve_staff_alone(self) -> None:
        """Waits until staff open the staff area of a locked kiosk, or the kiosk is unlocked."""
        asked = await first(
            self.stage.ask(self._out_of_service()),
            self._until_unlocked(),
            self._turn_tills_away(),
            *self._until_version_waits(),
        )
        if asked is Choice.STAFF:
            await self._visit(lambda stage: maintain(self._back_office(stage)))

    async def _turn_tills_away(self) -> NoReturn:
        """Answers what tills ask of a kiosk at which nobody can do it: they would wait for ever."""
        while True:
            match await self.till.next_request():
                case Sale(reference):
                    await self.till.answer(reference, SaleResult.NOT_PAID)
                case Acquisition(reference) | Collection(reference):
                    await self.till.tell_shopper(reference, None)
                case Talk(reference):
                    await self.till.tell_entry(reference, None)

    # Before a visit

    @property
    def _is_locked(self) -> bool:
        """Whether only staff can use the kiosk: the operator has locked it, or it has locked
        itself."""
        return self.operator.locked or self.lock.locked is not None

    def _out_of_service(self) -> OutOfService:
        gate, locked = self.lane is not None, self.lock.locked
        if locked is not None:
            return OutOfService(locked.merchant, locked.helpline, gate)
        return OutOfService(self._welcome().merchant, self.operator.helpline, gate)

    async def _until_unlocked(self) -> None:
        """Waits until the kiosk is unlocked, or its operator asks for a restart."""
        while self._is_locked and not self.operator.restart_asked:
            await first(self.clock.sleep(WELCOME_LOOKS_S), self._until_changed())

    def _until_version_waits(self) -> list[Awaitable[NoReturn]]:
        return [] if self.quiet is None else [self.quiet.watch(self._serves, self.stage.last_touch)]

    def _serves(self) -> bool:
        """Returns whether this kiosk serves people, or would if it were activated and unlocked."""
        if not all(isinstance(feed.state, Streaming) for feed in self._feeds):
            return False
        fault = self._fault()
        if self.lane is not None:
            reasons = (None, GateNotice.NOT_ACTIVATED)
            return self._gate_notice(self.lane, fault) in reasons
        return fault in (None, Notice.NOT_ACTIVATED)

    def _welcome(self) -> Welcome:
        device = self.service.identity.device
        return Welcome(
            merchant=device.merchant if device else self.settings.merchant,
            demo=isinstance(self.till, SimulatedTill)
            and device is not None
            and self.service.known_sandbox,
            notice=self._notice() or (Notice.CLOSED if self.operator.closed else None),
            memberships=self.settings.memberships,
            logo=self.pictures.logo,
            attract=self.pictures.attract,
        )

    def _notice(self) -> Notice | None:
        return Notice.LOCKED if self._is_locked else self._fault()

    def _fault(self) -> Notice | None:
        """Returns what keeps the kiosk from serving, whether it is locked or not."""
        if self._answers is None and self.service.stopped is None:
            return Notice.STARTING
        if not self._answers:
            return Notice.OFFLINE
        if self.service.identity.device is None:
            return Notice.NOT_ACTIVATED
        if self._is_blind():
            return Notice.CAMERA
        return None

    def _is_blind(self) -> bool:
        """Returns whether no palm can be read: a camera is lost, or the service demands a light
        ring and there is none."""
        lost = any(isinstance(feed.state, Recovering | Broken) for feed in self._feeds)
        return lost or (self.light is None and self.service.demands_light)

    async def _keep_current(self, shown: Welcome) -> None:
        """Updates the welcome screen whenever it has to change, until the operator asks for a
        restart or locks the kiosk."""
        while not (self.operator.restart_asked or self._is_locked):
            await first(self.clock.sleep(WELCOME_LOOKS_S), self._until_changed())
            if self._welcome() != shown and not self._is_locked:
                shown = self._welcome()
                self.stage.show(shown)
                self._tell_once(shown)

    async def _until_free(self) -> None:
        """Waits until the welcome screen has no notice, so that a palm can be asked for."""
        while self._welcome().notice is not None:
            await first(self.clock.sleep(WELCOME_LOOKS_S), self._until_changed())

    async def _until_changed(self) -> None:
        await self._changed.wait()
        self._changed.clear()

    def _tell_once(self, shown: Welcome) -> None:
        if shown.notice is None and not self._opened:
            self._opened = True
            log.info("shoppers can sign up")

    async def _help(self, stage: Stage) -> None:
        await offer_help(stage, self.till)

    async def _try_purchase(self) -> None:
        device = self.service.identity.device
        if not isinstance(self.till, SimulatedTill) or device is None:
            return
        try:
            # The simulated till must not charge anybody real money.
            if not await self.service.is_sandbox():
                return
        except ServiceError:
            return
        chargeable = self.service.chargeable
        minor = chargeable.at_least(TRIAL_MINOR) if chargeable else TRIAL_MINOR
        amount = Money(minor=minor, currency=device.currency)
        self.till.ring_up(amount, device.merchant)
        sale = await self.till.next_request()
        assert isinstance(sale, Sale)
        await self._serve_sale(sale)

    # At a gate

    def _keep_lane(self, lane: Lane) -> Awaitable[NoReturn]:
        indicator = Indicator(self.stage, self.sound, self.clock)
        return first(lane.run(indicator.hear), indicator.run())

    async def _serve_lane(self, lane: Lane) -> None:
        """Waits for a hand, for the code of a ticket, or for staff, and answers."""
        notice = self._gate_notice(lane, self._notice())
        if notice is not None:
            shut = GateShut(self._welcome().merchant, notice)
            asked = await first(
                self.stage.ask(shut),
                self._until_gate_says(lane, not_=notice),
                self._turn_tills_away(),
                *self._until_version_waits(),
            )
        else:
            self._tell_once(self._welcome())
            asked = await self._at_gate(lane)
        if asked is Choice.STAFF:
            self._answered = None
            await self._visit(lambda stage: maintain(self._back_office(stage)))

    async def _at_gate(self, lane: Lane) -> Literal[Choice.STAFF] | None:
        door = lane.door
        assert door is not None
        before = Instruction.SHOW_PALM if self._answered is None else Instruction.TAKE_AWAY
        screen = AtGate(
            guidance=Guidance(before),
            merchant=self._welcome().merchant,
            direction=door.direction,
            takes_tickets=lane.venue is not None and door.redeems,
            checks_in=door.checks_in,
            last=self._answered,
        )
        number = self._answered.number + 1 if self._answered else 1
        try:
            shown = await first(
                self.reader.present(self.stage, screen),
                *([self._ticket()] if screen.takes_tickets else []),
                self._until_gate_says(lane, not_=None),
                self._turn_tills_away(),
                *self._until_version_waits(),
            )
            if shown is Choice.STAFF or shown is None:
                self._answered = None
                return shown
            begin_trace()
            self._visits += 1
            answered = await self._answer(lane, screen, shown)
        except VersionWaits:
            raise
        except Exception as error:
            # A failure for one person must not keep the gate from serving the next.
            self._trouble(error)
            if isinstance(error, Offline):
                self._hear(answers=False)
            if not isinstance(error, ServiceError):
                # Without a pause, a ring that is unplugged would fail again and again.
                await self.clock.sleep(AFTER_FAULT_S)
            answered = Answered(GateAnswer.AWAY)
        self._answered = answered and replace(answered, number=number)
        if answered is not None and self.sound is not None:
            self._playing = asyncio.create_task(self._play(self.sound, answered))
        return None

    async def _ticket(self) -> str:
        """Waits for the code of a ticket, and returns it. For STILL_HELD_S it ignores the code that
        was read last, which its holder may still show."""
        wait = self.clock.sleep(STILL_HELD_S)
        another = await first(self.codes.read(self.codes.last), wait)
        return await self.codes.read() if another is None else another

    async def _play(self, sound: Sound, answered: Answered) -> None:
        """Plays the sound of an answer. Meanwhile, the next hand can be read."""
        try:
            await sound.play(Tone.PASS if answered.lets_pass else Tone.STOP)
        except DeviceFault as fault:
            if not self._is_silent:
                log.warning("an answer was not heard: %s", fault)
            self._is_silent = True
        else:
            self._is_silent = False

    async def _answer(self, lane: Lane, screen: AtGate, shown: Burst | str) -> Answered | None:
        """Returns the answer; None when somebody has walked away from a question, or another hand
        has come meanwhile. Raises ServiceError and DeviceFault."""
        if isinstance(shown, str):
            return await enter_with_ticket(lane, screen.direction, shown)
        async with succession(self.eyes) as hands:
            answered = await self._answer_hand(lane, screen, shown, hands)
        if answered is None and hands.another:
            log.info("another hand came while an answer was awaited, and nothing was opened")
        return answered

    async def _answer_hand(
        self, lane: Lane, screen: AtGate, shown: Burst, hands: Succession
    ) -> Answered | None:
        by_list = lane.own is not None and lane.own.counts
        # A palm is wiped once it was sent, and the list may need it afterwards.
        spare = shown.copy() if by_list else None
        stage = IdleWatch(self.stage, self.clock, self.settings.patience)
        try:
            if spare is not None and self._answers is False:
                return await enter_by_list(lane, spare, hands)
            with closing(stage):
                return await enter(self._visiting(stage), lane, screen, shown, hands)
        except WalkedAway:
            return None
        except (Offline, ServiceUnavailable) as error:
            if spare is None:
                raise
            self._trouble(error)
            if isinstance(error, Offline):
                self._hear(answers=False)
            return await enter_by_list(lane, spare, hands)
        finally:
            for palm in (shown, spare):
                if palm is not None:
                    palm.wipe()
            self._wipe()

    def _gate_notice(self, lane: Lane, notice: Notice | None) -> GateNotice | None:
        """Returns why the gate lets nobody pass by their palm, None when it does. `notice` is what
        keeps the kiosk from making visits."""
        by_list = lane.own is not None and lane.own.counts and not self._is_blind()
        if notice is not None and not (notice is Notice.OFFLINE and by_list):
            return GateNotice(notice.value)
        if lane.door is None or lane.not_set_up is not None:
            return GateNotice.NOT_ACTIVATED
        return GateNotice.GATE if lane.fault is not None else None

    async def _until_gate_says(self, lane: Lane, *, not_: GateNotice | None) -> None:
        while self._gate_notice(lane, self._notice()) == not_ and not self.operator.restart_asked:
            lane.changed.clear()
            await first(
                self.clock.sleep(WELCOME_LOOKS_S), self._until_changed(), _set(lane.changed)
            )

    # Around every visit

    async def _serve_till(
        self, asked: Request, known: tuple[str, Identification | None] | None
    ) -> None:
        """Makes the visit that a till has asked for. `known` is the reference of the acquisition
        before, and its shopper."""
        match asked:
            case Sale():
                found = known[1] if known and known[0] == asked.acquisition else None
                await self._serve_sale(asked, found)
            case Acquisition():
                await self._serve_acquisition(asked)
            case Collection():
                found = known[1] if known and known[0] == asked.acquisition else None
                await self._serve_collection(asked, found)
            case Talk():
                await self._serve_talk(asked)

    async def _serve_sale(self, sale: Sale, known: Identification | None = None) -> None:
        self._serving = sale
        self.stage.bill(sale.bill)
        try:
            await self._visit(partial(self._with_visit, partial(pay, sale=sale, known=known)), sale)
        finally:
            self._serving = None
            self.stage.bill(None)
            if self.till.awaits(sale.reference) and not self.journal.holds(sale.reference):
                await self.till.answer(sale.reference, SaleResult.NOT_PAID)

    async def _serve_acquisition(self, asked: Acquisition) -> None:
        found = None
        try:
            script = partial(self._with_visit, partial(acquire, acquisition=asked))
            found = await self._visit(script, asked)
        finally:
            if found is None:
                await self.till.tell_shopper(asked.reference, None)
        self._known = asked.reference, found

    async def _serve_collection(self, asked: Collection, known: Identification | None) -> None:
        script = partial(self._with_visit, partial(collect, collection=asked, known=known))
        try:
            await self._visit(script, asked)
        finally:
            if self.till.awaits(asked.reference):
                await self.till.tell_shopper(asked.reference, None)

    async def _serve_talk(self, asked: Talk) -> None:
        try:
            script = partial(talk, till=self.till, service=self.service, asked=asked)
            await self._visit(script, asked)
        finally:
            if self.till.awaits(asked.reference):
                await self.till.tell_entry(asked.reference, None)

    async def _serve_asked(self, asked: AskedPalm) -> None:
        """Asks for a palm for the merchant's own systems. A request of the till comes first; the
        palm is asked for again afterwards."""
        asks = invite if asked.kind is Asks.ENROL else answer
        script = partial(self._with_visit, partial(asks, asked=asked))
        found = await self._visit(script, withdrawn=partial(self._until_till_or_end, asked))
        if found is None:
            with suppress(ServiceError):
                await self.service.let_palm_request_go(asked.request_id)
        elif found is True:
            await self._serve_invited(asked)

    async def _serve_invited(self, asked: AskedPalm) -> None:
        script = partial(self._with_visit, partial(sign_up_invited, asked=asked))
        wanted = await self._visit(script)
        with suppress(ServiceError):
            # The request must not stay open, whether or not the shopper has signed up.
            await self.service.answer_palm_request(asked.request_id)
        await self._serve_person(wanted)

    async def _until_till_or_end(self, asked: AskedPalm) -> None:
        await first(self.till.asks(), self.asked.until_given_up(asked))

    async def _serve_person(self, wanted: Wanted | None) -> None:
        """Makes a visit, and the further ones that the shopper asks for."""
        while wanted is not None:
            wanted = await self._visit(partial(self._with_visit, BY_THEMSELVES[wanted]))

    async def _with_visit(self, script: Callable[[Visit], Awaitable[T]], stage: Stage) -> T:
        return await script(self._visiting(stage))

    async def _visit(
        self,
        script: Callable[[Stage], Awaitable[T]],
        request: Request | None = None,
        withdrawn: Callable[[], Awaitable[None]] | None = None,
    ) -> T | None:
        """Makes a visit. When it fails and the shopper wants to try again, it makes the visit
        again."""
        begin_trace()
        self._visits += 1
        if request is not None:
            withdrawn = partial(self.till.withdrawn, request.reference)
        stage = IdleWatch(
            self.stage,
            self.clock,
            self.settings.patience,
            withdrawn,
            self.till.asks,
            paying=isinstance(request, Sale),
        )
        with suppress(WalkedAway, Withdrawn), closing(stage):
            while True:
                try:
                    return await script(stage)
                except Exception as error:
                    if not await self._recovers(stage, error):
                        return None
                finally:
                    self._wipe()
        return None

    async def _recovers(self, stage: Stage, error: Exception) -> bool:
        """Tells the shopper what went wrong. Returns whether they want to try again.

        Raises the error when it is no failure but the end of the visit.
        """
        if isinstance(error, WalkedAway | Withdrawn | RestartAsked):
            raise error
        self._wipe()
        kind = error.kind if isinstance(error, Troubled) else self._trouble(error)
        if self._serving is not None and self.journal.holds(self._serving.reference):
            # The purchase may have been charged, so no other trouble may say that it was not.
            kind = TroubleKind.PAYMENT_UNKNOWN
        return await self._tries_again(stage, kind)

    def _wipe(self) -> None:
        for feed in self._feeds:
            feed.wipe()

    def _trouble(self, error: Exception) -> TroubleKind:
        self._troubles += 1
        kind = TroubleKind.SERVICE
        match error:
            case DeviceFault():
                log.warning("a visit ended: %s", error)
                kind = TroubleKind.CAMERA
            case Offline():
                kind = TroubleKind.OFFLINE
            case Refused(type=ProblemType.UNKNOWN_DEVICE):
                log.error("the service does not know this kiosk any more: activate it again")
                self.service.identity.become(None)
            case Refused(type=ProblemType.LIGHT_REQUIRED):
                log.error("the service demands a light ring, and this kiosk has none")
            case Refused(type=ProblemType.INFRARED_REQUIRED):
                log.error("this kiosk was activated with a near-infrared camera: activate it again")
            case Refused(type=ProblemType.WRONG_REGION):
                where = error.problem.service or "ask its operator for the address"
                log.error("another service takes the palms of this merchant: %s", where)
            case Refused():
                log.warning("a visit ended: %s", error)
                kind = REFUSALS.get(error.type, kind)
            case ServiceUnavailable(problem=Problem(type=ProblemType.STORAGE_FULL) as problem):
                log.error("the service can store nothing: %s", problem.storage or "no cause given")
                kind = TroubleKind.STORAGE
            case ServiceError():
                log.warning("a visit ended: %s", error)
            case OSError() if storage_fault(error) is not None:
                log.error("a visit ended: %s %s", *cause_and_remedy(error))
                kind = TroubleKind.STORAGE
            case _:
                # The message is not logged: it may quote what was typed.
                where = Impersonal("".join(traceback.format_tb(error.__traceback__)))
                log.error("a visit failed with %s\n%s", Impersonal(type(error).__name__), where)
        return kind

    async def _tries_again(self, stage: Stage, kind: TroubleKind) -> bool:
        sale = self._serving
        while True:
            match await stage.ask(Trouble(kind, paying=sale is not None)):
                case Choice.TRY_AGAIN:
                    return True
                case Choice.DONE:
                    return False
                case Choice.HELP:
                    other = await offer_help(stage, self.till, paying=sale is not None)
                    if other is Choice.ANOTHER_WAY:
                        if sale is not None:
                            await stage.ask(PayAnotherWay(sale.merchant))
                        return False

    def _visiting(self, stage: Stage) -> Visit:
        """Returns the context of a visit. Raises Troubled when the kiosk is not activated."""
        device = self.service.identity.device
        if device is None:
            raise Troubled(TroubleKind.SERVICE)
        return Visit(
            stage,
            self.reader,
            self.codes,
            self.terminal,
            self.service,
            self.till,
            self.journal,
            self.pin,
            self.clock,
            device,
            partial(self._recovers, stage),
            lambda: not self._is_blind(),
            self._pays_by_itself,
        )

    def _pays_by_itself(self, amount: Money) -> bool:
        below = self.service.unconfirmed_below(amount.currency)
        if below is None:
            below = self.settings.unconfirmed_below.get(amount.currency)
        return below is not None and amount.minor < below

    def _back_office(self, stage: Stage) -> BackOffice:
        return BackOffice(
            stage,
            self.pin,
            self.service,
            self.terminal,
            self.till,
            self.light,
            self.feed,
            self.infrared,
            self.eyes,
            self.clock,
            self.settings.name,
            self.state,
            Mounting.of(Address.parse(self.settings.camera)),
            Supported(self.settings, self.service, self.clock, self.lately),
            self.operator,
            self.journal,
            self.lock,
            self.fittings,
            self.enclosure,
            self.lane,
            self.codes,
            self.settings.venue,
        )

    # Beside the visits

    def _report(self) -> Report:
        """Returns the report to the operator, from what is known without testing anything."""
        device = self.service.identity.device
        till = self.till.check()
        checks = (
            camera_check(Part.CAMERA, self.feed),
            *([camera_check(Part.INFRARED, self.infrared)] if self.infrared else []),
            *([] if self.lane is None else lane_checks(self.lane, device)),
            *lock_checks(self.lock),
            *fitting_checks(self.enclosure, self.fittings),
            *([till] if till else []),
        )
        orders = self.operator.orders
        return Report(
            version=VERSION,
            running_s=int(self.clock.now() - self._began),
            disk_free_mb=disk_mb(self.settings.state)[0],
            memory_mb=memory_mb(),
            visits=self._visits,
            troubles=self._troubles,
            faults=[
                Fault(part=check.part, health=check.health, finding=check.finding)
                for check in checks
                if check.health in (Health.BROKEN, Health.WARNING)
            ],
            orders=0 if orders is None else orders.number,
        )

    def _obey(self) -> None:
        """Applies the operator's orders."""
        orders, device = self.operator.orders, self.service.identity.device
        if orders is None:
            return
        if device is not None and device.merchant != orders.merchant:
            self.service.identity.become(device.model_copy(update={"merchant": orders.merchant}))
        if self.sound is not None:
            self.sound.volume = 1.0 if orders.volume is None else orders.volume / 100
        variant = orders.variant or self.settings.variant
        self.stage.dress(variant, orders.accents and orders.accents.on(variant))
        self.service.amounts = orders.amounts
        self.pictures.hurry()
        self._changed.set()

    async def _look_after_the_service(self) -> NoReturn:
        """Watches whether the service answers, and settles purchases in doubt when it does."""
        patience = self.settings.service_patience
        await self.service.ready.wait()
        given_up_at = self.clock.now() + patience.deadline_s
        while True:
            try:
                await self.service.info(GONE_AFTER_S)
            except Offline:
                # The service may still be starting.
                if self._answers is not None or self.clock.now() >= given_up_at:
                    self._hear(answers=False)
            except ServiceError as error:
                self._hear(answers=isinstance(error, Refused))
            else:
                self._hear(answers=True)
                # A service with a full disk tells nothing about purchases, but serves deletions.
                with suppress(ServiceError):
                    await self._settle_doubts()
                    await self._report_answers()
            looks_s = patience.health_s if self._answers else min(GONE_LOOKS_S, patience.health_s)
            await self.clock.sleep(looks_s)

    def _hear(self, *, answers: bool) -> None:
        self._answers = answers
        self._changed.set()

    async def _report_answers(self) -> None:
        """Tells the service what the till was told about purchases."""
        for reference, told in self.journal.unheard():
            try:
                await self.service.report(reference, told)
            except Refused as refused:
                # An older service does not know this request, and a service that has forgotten the
                # purchase answers the same. Any other refusal may be otherwise later.
                if refused.type is not ProblemType.NOT_FOUND:
                    continue
            with suppress(OSError):
                self.journal.heard(reference, told)

    async def _settle_doubts(self) -> None:
        for reference in self.journal.doubts():
            sale = self._serving
            if sale is not None and sale.reference == reference:
                continue
            try:
                await resolve(self.service, self.till, self.journal, reference)
            except (Refused, WrongPurchase) as wrong:
                # The other purchases are still settled. The error is logged once.
                if reference not in self._wrong:
                    self._wrong.add(reference)
                    log.error("a purchase stays in the journal: %s", wrong)


async def _set(event: asyncio.Event) -> None:
    await event.wait()
