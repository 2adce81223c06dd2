"""The staff area behind the PIN: what the kiosk sees, what is attached and whether it works."""

import asyncio
import logging
import shutil
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import NoReturn

from hardware.camera import Mounting
from hardware.camera.feed import Broken, Feed, Recovering, Starting
from hardware.enclosure import Contact
from hardware.faults import DeviceFault
from hardware.light import Light
from hardware.terminal import SimulatedTerminal, StripeReader, Terminal
from hardware.usb import Bus, Kind
from kiosk.capture.eyes import Eyes, Sight
from kiosk.capture.uprightness import Uprightness
from kiosk.clock import Clock
from kiosk.faults import FileUnusable
from kiosk.fittings import Fittings
from kiosk.lane import Lane
from kiosk.lock import Lock
from kiosk.operator import Operator
from kiosk.race import first
from kiosk.screens import (
    About,
    Bundle,
    Check,
    Choice,
    EnterPin,
    EntryProblem,
    Figure,
    Finding,
    Health,
    Maintenance,
    Observed,
    Part,
    StaffShut,
    Work,
    Working,
)
from kiosk.sealing import Protection, SealedState
from kiosk.service.client import SignatureService
from kiosk.service.errors import Cause, Offline, Refused, ServiceError
from kiosk.settings import VenueGateSettings
from kiosk.staff import PIN, StaffPin, easy_to_guess
from kiosk.stage import Stage
from kiosk.support import Supported, hand_over, packages
from kiosk.till.journal import PurchaseJournal
from kiosk.till.till import Tampering, Till
from kiosk.venue.opening import device_file
from kiosk.venue.venue import Connection, VenueState
from kiosk.visits.activation import ActivationCodes
from kiosk.visits.pin import ask_pin
from kiosk.visits.sign_on import sign_on
from kiosk.visits.visit import Codes
from palm import models
from palm.hand.observation import Observation
from protocol import VERSION
from protocol.files import remove_durably, write_private
from protocol.memory import may_be_swapped
from protocol.messages import Device, ProblemType, ServiceInfo
from protocol.ring import WHITE
from protocol.storage import StorageFault, cause_and_remedy, storage_fault

log = logging.getLogger(__name__)

LIVE_S = 0.2
"""Seconds between two updates of the live figures."""
TERMINAL_ANSWERS_WITHIN_S = 0.3
"""Seconds after which a terminal that has raised no fault counts as working."""
CLOCK_MAY_BE_OFF_S = 30
"""Seconds by which the kiosk's clock may differ from the service's."""
LEAST_FREE_MB = 200
"""Free megabytes on the disk below which staff are warned."""


LOCKED_FOR = {
    Tampering.ENCLOSURE: Finding.LOCKED_CASE,
    Tampering.SWAPPED_CAMERA: Finding.LOCKED_CAMERA,
    Tampering.USB: Finding.LOCKED_USB,
}
"""What staff are told of a grave sign."""

NOT_ACTIVATED = {
    ProblemType.EXPIRED: EntryProblem.EXPIRED,
    ProblemType.WRONG_REGION: EntryProblem.OTHER_REGION,
}
"""What staff are told when the service does not activate the kiosk. All else is a wrong code."""


class RestartAsked(Exception):
    """A member of staff has asked for a restart of the kiosk."""


@dataclass(frozen=True)
class BackOffice:
    """Everything that the staff area shows or tests."""

    stage: Stage
    pin: StaffPin
    service: SignatureService
    terminal: Terminal | None
    till: Till
    light: Light | None
    feed: Feed
    infrared: Feed | None
    eyes: Eyes
    clock: Clock
    name: str
    state: SealedState
    mounting: Mounting
    """How the camera is mounted, as its address says."""
    supported: Supported
    """What a support bundle is made of."""
    operator: Operator
    journal: PurchaseJournal
    lock: Lock
    fittings: Fittings
    enclosure: Contact | None = None
    """The contact of the enclosure, None without one."""
    lane: Lane | None = None
    """The lane of a kiosk that stands at a gate."""
    codes: Codes | None = None
    """What reads the code by which the kiosk is signed on at a venue."""
    venue: VenueGateSettings | None = None
    """The settings of a kiosk that stands at a venue."""


async def maintain(office: BackOffice) -> None:
    """Asks for the PIN and shows the staff area. Raises RestartAsked.

    When the PIN cannot be compared, the staff area stays shut, and the screen says why.
    """
    try:
        if not await _unlock(office.stage, office.pin):
            return
    except FileUnusable as unusable:
        log.error("the staff area stays shut: %s", unusable)
        check = Check(Part.DISK, Health.BROKEN, Finding.PIN_UNREADABLE, (str(unusable.path),))
        await office.stage.ask(StaffShut(check))
        return
    except OSError as error:
        fault = storage_fault(error)
        if fault is None:
            raise
        log.error("the staff area stays shut: %s %s", *cause_and_remedy(error))
        await office.stage.ask(StaffShut(_stores_nothing(fault, office.state.files.path)))
        return
    office.till.maintain(begins=True)
    try:
        await _keep_open(office)
    finally:
        office.till.maintain(begins=False)


async def _keep_open(office: BackOffice) -> None:
    """Shows the staff area until staff leave it. Raises RestartAsked."""
    tested, uprightness = await _self_test(office), Uprightness()
    pin_changed = False
    while True:
        screen = partial(_maintenance, office, tested, uprightness, pin_changed=pin_changed)
        match await first(
            office.stage.ask(screen()),
            _keep_current(office, uprightness, screen),
        ):
            case Choice.BACK:
                return
            case Choice.SELF_TEST:
                pin_changed = False
                tested, uprightness = await _self_test(office), Uprightness()
            case Choice.ACTIVATE:
                pin_changed = False
                await _activate(office)
                tested = await _self_test(office)
            case Choice.CHANGE_PIN:
                pin_changed = await _change_pin(office.stage, office.pin)
            case Choice.SIGN_ON:
                pin_changed = False
                if await _sign_on(office):
                    raise RestartAsked
            case Choice.ABOUT:
                pin_changed = False
                await _about(office, screen().checks)
            case Choice.RESTART:
                raise RestartAsked


async def _unlock(stage: Stage, pin: StaffPin) -> bool:
    if not pin.chosen:
        return await _choose_pin(stage, pin)
    known = await ask_pin(stage, pin)
    if known is None:
        return False
    if easy_to_guess(known):
        # It was chosen when such a PIN was taken. Whoever goes back keeps it.
        await _choose_pin(stage, pin, EntryProblem.WEAK_PIN)
    return True


async def _choose_pin(stage: Stage, pin: StaffPin, problem: EntryProblem | None = None) -> bool:
    while True:
        chosen = await stage.ask(EnterPin(problem, choosing=True))
        if chosen is Choice.BACK:
            return False
        if not pin.acceptable(chosen.text):
            digits = PIN.fullmatch(chosen.text) is not None
            problem = EntryProblem.WEAK_PIN if digits else EntryProblem.WRONG_PIN
            continue
        again = await stage.ask(EnterPin(choosing=True, repeat=True))
        if again == chosen:
            await pin.choose(chosen.text)
            return True
        problem = None if again is Choice.BACK else EntryProblem.WRONG_PIN


async def _change_pin(stage: Stage, pin: StaffPin) -> bool:
    """Asks for the PIN, so that nobody changes it who finds the staff area open, and then for a new
    one. Returns whether it was changed."""
    known = await ask_pin(stage, pin, changing=True)
    return known is not None and await _choose_pin(stage, pin)


async def _activate(office: BackOffice) -> None:
    """Raises RestartAsked when the kiosk was locked: it serves with other keys from then on."""
    codes = ActivationCodes(office.stage, office.codes)
    problem: EntryProblem | None = None
    service = ""
    while True:
        if is_open(office.enclosure):
            # It would lock itself at once, and the code would be used up.
            problem = EntryProblem.CASE_OPEN
        code = await codes.ask(problem, service)
        if code is None:
            return
        if is_open(office.enclosure):
            continue
        office.stage.show(Working(Work.CHECKING_SERVICE))
        try:
            await office.service.activate(code, office.name)
        except Refused as refused:
            problem = NOT_ACTIVATED.get(refused.type, EntryProblem.WRONG_CODE)
            service = refused.problem.service or ""
        except ValueError:
            problem = EntryProblem.WRONG_CODE
        else:
            if office.lock.locked is not None:
                raise RestartAsked
            # The operator's lock has ended.
            office.operator.hurry()
            return


async def _sign_on(office: BackOffice) -> bool:
    """Returns whether the kiosk has to start again, since it is another device now, or lets in by
    another list."""
    if office.venue is None or office.codes is None:
        return False
    file = device_file(office.state.files)
    return await sign_on(office.stage, office.codes, file, office.venue.ca)


async def _about(office: BackOffice, checks: tuple[Check, ...]) -> None:
    """Shows versions and licences, and makes support bundles."""
    device, parts = office.service.identity.device, packages()
    bundle: Bundle | None = None
    while True:
        device_id = device.device_id if device else None
        if await office.stage.ask(About(VERSION, device_id, parts, bundle)) is Choice.BACK:
            return
        office.stage.show(Working(Work.CHECKING_SERVICE))
        bundle = await hand_over(office.supported, checks)


async def _keep_current(
    office: BackOffice, uprightness: Uprightness, screen: Callable[[Sight | None], Maintenance]
) -> NoReturn:
    """Shows live figures, the state of the cameras and how the first is mounted until it is
    cancelled."""
    async with office.eyes.watch() as sights:
        while True:
            sight = await first(_next(sights), office.clock.sleep(2 * LIVE_S))
            if sight is not None:
                uprightness.see(sight.observation)
            office.stage.show(screen(sight))
            await office.clock.sleep(LIVE_S)


async def _next(sights: AsyncIterator[Sight]) -> Sight:
    return await anext(sights)


def _maintenance(
    office: BackOffice,
    tested: tuple[Check, ...],
    uprightness: Uprightness,
    sight: Sight | None = None,
    *,
    pin_changed: bool,
) -> Maintenance:
    device = office.service.identity.device
    return Maintenance(
        version=VERSION,
        device_id=device.device_id if device else None,
        service=office.service.url,
        checks=(
            *lock_checks(office.lock),
            camera_check(Part.CAMERA, office.feed),
            mounting_check(office.mounting, uprightness.correction),
            *([camera_check(Part.INFRARED, office.infrared)] if office.infrared else []),
            *([] if office.lane is None else lane_checks(office.lane, device)),
            *tested,
        ),
        observations=_figures(sight) if sight else (),
        pin_changed=pin_changed,
        venue=office.venue is not None,
    )


def _figures(sight: Sight) -> tuple[Observed, ...]:
    seen: Observation = sight.observation
    figures = [
        Observed(Figure.HANDS, (seen.hands,)),
        Observed(Figure.VISION_TIME, (sight.seconds * 1000,)),
    ]
    if seen.hand is not None:
        figures += [
            Observed(Figure.HAND, (seen.hand.side, seen.hand.shown)),
            Observed(Figure.DISTANCE, (seen.span,)),
            Observed(Figure.OFFSET, seen.offset),
            Observed(Figure.TILT, (seen.tilt,)),
            Observed(Figure.TURN, (seen.turn,)),
            Observed(Figure.OPENNESS, (seen.openness,)),
            Observed(Figure.SHARPNESS, (seen.sharpness,)),
            Observed(Figure.BRIGHTNESS, (seen.brightness,)),
            Observed(Figure.CLIPPED, (seen.clipped,)),
            Observed(Figure.MOTION, (seen.motion,)),
        ]
    return tuple(figures)


async def _self_test(office: BackOffice) -> tuple[Check, ...]:
    """Tests every part in turn."""
    office.stage.show(Working(Work.CHECKING_SERVICE))
    till = office.till.check()
    return (
        await _light(office),
        await _terminal(office),
        *([till] if till else []),
        *await _service(office),
        _activation(office.service),
        *fitting_checks(office.enclosure, office.fittings),
        _models(),
        keys_check(office.state),
        *memory_check(),
        _disk(office.state.files.path),
        *_journal(office),
    )


def _fault(part: Part, fault: DeviceFault) -> Check:
    return Check(part, Health.BROKEN, Finding.FAULT, (fault.cause, fault.remedy))


def camera_check(part: Part, feed: Feed) -> Check:
    match feed.state:
        case Recovering(fault) | Broken(fault):
            return _fault(part, fault)
        case Starting():
            return Check(part, Health.BUSY, Finding.OPENING, (feed.source.name,))
        case _ if (fault := feed.too_few) is not None:
            return _fault(part, fault)
        case _:
            return Check(part, Health.GOOD, Finding.DELIVERS, (feed.source.name,))


def lane_checks(lane: Lane, device: Device | None) -> list[Check]:
    """Returns how the gate is now, and the venue's system where that decides."""
    gate = lane.controller or lane.release
    if lane.fault is not None:
        checks = [_fault(Part.GATE, lane.fault)]
    elif lane.door is None:
        named = () if device is None else (device.device_id,)
        checks = [Check(Part.GATE, Health.BROKEN, Finding.NO_DOOR, named)]
    else:
        values = ("" if gate is None else gate.name, lane.door.direction.value)
        checks = [Check(Part.GATE, Health.GOOD, Finding.AT_DOOR, values)]
    if lane.not_set_up is not None:
        missing = lane.not_set_up
        finding = Finding.VENUE_NO_LIST if missing.signed_on else Finding.VENUE_NOT_SIGNED_ON
        checks.append(Check(Part.VENUE, Health.BROKEN, finding))
    if lane.venue is not None:
        checks.append(_venue_check(lane.venue.state))
    return checks


def _venue_check(state: VenueState) -> Check:
    known = (state.tickets, state.waiting)
    if not state.recording:
        return Check(Part.VENUE, Health.BROKEN, Finding.VENUE_STORES_NOTHING)
    match state.connection:
        case Connection.NOT_ALLOWED:
            return Check(Part.VENUE, Health.BROKEN, Finding.VENUE_NOT_ALLOWED)
        case Connection.AWAY | Connection.STARTING:
            return Check(Part.VENUE, Health.WARNING, Finding.VENUE_AWAY, known)
        case Connection.ONLINE if state.conflicts:
            return Check(Part.VENUE, Health.WARNING, Finding.VENUE_CONFLICTS, (state.conflicts,))
        case Connection.ONLINE:
            return Check(Part.VENUE, Health.GOOD, Finding.VENUE_ONLINE, known)


def mounting_check(now: Mounting, correction: Mounting | None) -> Check:
    """Tells from a right palm with its fingers up, as staff are asked to show, how the camera is
    mounted."""
    if correction is None:
        return Check(Part.MOUNTING, Health.BUSY, Finding.PALM_WANTED)
    if correction.is_plain:
        return Check(Part.MOUNTING, Health.GOOD, Finding.UPRIGHT)
    wrong = {
        0: "mirrored",
        180: "upside down and mirrored" if correction.mirror else "upside down",
    }.get(correction.rotate, "sideways and mirrored" if correction.mirror else "sideways")
    options = str(now.corrected(correction))
    return Check(
        Part.MOUNTING,
        Health.BROKEN,
        Finding.FAULT,
        (
            f"A right palm with its fingers up is seen {wrong}.",
            f"Write {options} in the camera's address and restart the kiosk."
            if options
            else "Take rotate and mirror out of the camera's address and restart the kiosk.",
        ),
    )


async def _light(office: BackOffice) -> Check:
    if office.light is None:
        return Check(Part.LIGHT, Health.GOOD, Finding.NO_RING)
    began = office.clock.now()
    try:
        await asyncio.to_thread(office.light.show, WHITE)
        await asyncio.to_thread(office.light.off)
    except DeviceFault as fault:
        return _fault(Part.LIGHT, fault)
    took_ms = (office.clock.now() - began) * 1000
    return Check(Part.LIGHT, Health.GOOD, Finding.RING_LIT, (office.light.name, took_ms))


async def _terminal(office: BackOffice) -> Check:
    """Starts waiting for a card: a missing terminal raises a fault at once. About a reader, the
    service is asked."""
    terminal = office.terminal
    if terminal is None:
        return Check(Part.TERMINAL, Health.GOOD, Finding.NO_TERMINAL)
    if isinstance(terminal, StripeReader):
        return await _reader(office, terminal.reader)
    wait = office.clock.sleep(TERMINAL_ANSWERS_WITHIN_S)
    try:
        await first(terminal.read_card(), wait)
    except DeviceFault as fault:
        return _fault(Part.TERMINAL, fault)
    simulated = isinstance(terminal, SimulatedTerminal)
    finding = Finding.TAKES_TEST_CARDS if simulated else Finding.TAKES_CARDS
    return Check(Part.TERMINAL, Health.GOOD, finding)


async def _reader(office: BackOffice, reader: str) -> Check:
    try:
        told = await office.service.look_at_reader(reader)
    except Refused as refused:
        if refused.type is not ProblemType.NOT_FOUND:
            return Check(Part.TERMINAL, Health.BROKEN, Finding.READER_UNKNOWN_STATE, (reader,))
        device = office.service.identity.device
        bound_to = device.device_id if device else ""
        return Check(Part.TERMINAL, Health.BROKEN, Finding.READER_NOT_BOUND, (reader, bound_to))
    except ServiceError:
        return Check(Part.TERMINAL, Health.BROKEN, Finding.READER_UNKNOWN_STATE, (reader,))
    name = told.label or reader
    if told.fault is None:
        return Check(Part.TERMINAL, Health.GOOD, Finding.READER_READY, (name,))
    return Check(Part.TERMINAL, Health.BROKEN, Finding.READER_FAULT, (told.fault.value, name))


async def _service(office: BackOffice) -> tuple[Check, ...]:
    began = office.clock.now()
    try:
        info = await office.service.info()
    except Offline as offline:
        return (_offline(office, offline.cause),)
    except ServiceError as error:
        return (Check(Part.SERVICE, Health.BROKEN, Finding.SERVICE_FAILED, (str(error),)),)
    took_ms = (office.clock.now() - began) * 1000
    key = info.vault_keys[0]
    fault = info.storage or office.service.storage_fault
    answered = Check(Part.SERVICE, Health.GOOD, Finding.ANSWERED, (info.version, took_ms))
    if fault is not None:
        answered = Check(
            Part.SERVICE, Health.BROKEN, Finding.SERVICE_STORES_NOTHING, (fault.value,)
        )
    return (
        answered,
        _life_check(info, office.light),
        Check(Part.VAULT_KEY, Health.GOOD, Finding.KEY, (key.key_id, key.suite)),
        _clock(office.service),
    )


def _offline(office: BackOffice, cause: Cause) -> Check:
    stopped = office.service.stopped
    if cause is Cause.NOT_STARTED and stopped is not None:
        return Check(Part.SERVICE, Health.BROKEN, Finding.SERVICE_STOPPED, (stopped,))
    now = f"{office.clock.wall():%Y-%m-%d %H:%M} UTC"
    values = (cause.value, office.service.url, now)
    return Check(Part.SERVICE, Health.BROKEN, Finding.OFFLINE, values)


def _life_check(info: ServiceInfo, light: Light | None) -> Check:
    if light is None:
        if info.light_required:
            return Check(Part.LIFE_CHECK, Health.BROKEN, Finding.RING_DEMANDED)
        return Check(Part.LIFE_CHECK, Health.WARNING, Finding.LIFE_UNCHECKED)
    finding = Finding.LIFE_DEMANDED if info.light_required else Finding.LIFE_WITH_RING
    return Check(Part.LIFE_CHECK, Health.GOOD, finding)


def _clock(service: SignatureService) -> Check:
    off_s = abs(service.clock_offset.total_seconds())
    if off_s > CLOCK_MAY_BE_OFF_S:
        return Check(Part.CLOCK, Health.BROKEN, Finding.CLOCK_WRONG, (off_s,))
    return Check(Part.CLOCK, Health.GOOD, Finding.CLOCK_RIGHT, (off_s,))


def _activation(service: SignatureService) -> Check:
    device = service.identity.device
    if device is None:
        return Check(Part.ACTIVATION, Health.BROKEN, Finding.NOT_ACTIVATED)
    activated = (device.merchant, device.country)
    return Check(Part.ACTIVATION, Health.GOOD, Finding.ACTIVATED, activated)


def lock_checks(lock: Lock) -> list[Check]:
    """Returns why the kiosk has locked itself; an empty list when it has not."""
    if lock.locked is None:
        return []
    seen, at = lock.locked.seen, f"{lock.locked.at:%Y-%m-%d %H:%M} UTC"
    return [Check(Part.LOCK, Health.BROKEN, LOCKED_FOR[seen.sign], (*seen.values, at))]


def fitting_checks(enclosure: Contact | None, fittings: Fittings) -> list[Check]:
    """Returns whether the enclosure is closed, and whether what is plugged in belongs here."""
    checks: list[Check] = []
    try:
        if enclosure is not None and enclosure.was_opened():
            opened = Finding.CASE_OPEN, (enclosure.name,)
            checks.append(Check(Part.ENCLOSURE, Health.BROKEN, *opened))
        elif enclosure is not None:
            checks.append(Check(Part.ENCLOSURE, Health.GOOD, Finding.CASE_CLOSED))
    except DeviceFault as fault:
        checks.append(_fault(Part.ENCLOSURE, fault))
    try:
        if fittings.bus is not None:
            checks += _plugged_in(fittings.bus, fittings)
    except DeviceFault as fault:
        checks.append(_fault(Part.USB, fault))
    return checks


def _plugged_in(bus: Bus, fittings: Fittings) -> list[Check]:
    """Raises DeviceFault."""
    plugged = bus.look()
    if fittings.belonging() is None:
        names = ", ".join(device.name for device in plugged)
        return [Check(Part.USB, Health.BUSY, Finding.USB_PLUGGED, (names,))]
    sticks = [each.name for each in fittings.unknown() if each.kind is Kind.STORAGE]
    if sticks:
        return [Check(Part.USB, Health.WARNING, Finding.USB_STORAGE, (", ".join(sticks),))]
    return [Check(Part.USB, Health.GOOD, Finding.USB_BELONGS, (len(plugged),))]


def is_open(enclosure: Contact | None) -> bool:
    """Returns whether a kiosk is known to be open."""
    try:
        return enclosure is not None and enclosure.was_opened()
    except DeviceFault:
        return False


def _models() -> Check:
    try:
        for model in models.Model:
            models.path(model)
    except models.ModelMissing as missing:
        return Check(Part.MODELS, Health.BROKEN, Finding.MODELS_MISSING, (str(missing),))
    return Check(Part.MODELS, Health.GOOD, Finding.MODELS_THERE, (", ".join(models.Model),))


def keys_check(state: SealedState) -> Check:
    """Tells what keeps the kiosk's keys from whoever takes its disk."""
    match state.protection:
        case Protection.BOOT_STATE:
            return Check(Part.KEYS, Health.GOOD, Finding.KEYS_SEALED, (state.by,))
        case Protection.TPM:
            return Check(Part.KEYS, Health.WARNING, Finding.KEYS_IN_ANY_BOOT_STATE, (state.by,))
        case Protection.PERMISSIONS:
            return Check(Part.KEYS, Health.WARNING, Finding.KEYS_IN_FILE)


def memory_check() -> tuple[Check, ...]:
    """Returns a line only when keys in memory may be written to a disk."""
    if not may_be_swapped():
        return ()
    return (Check(Part.KEYS, Health.WARNING, Finding.KEYS_MAY_BE_SWAPPED),)


def _disk(state: Path) -> Check:
    """Looks for room, and whether a file can be written at all."""
    try:
        free_mb = shutil.disk_usage(state).free // 1_000_000
        write_private(state / "trial", b"written by the self-test")
        remove_durably(state / "trial")
    except OSError as error:
        fault = storage_fault(error)
        if fault is None:
            return Check(Part.DISK, Health.BROKEN, Finding.FAULT, cause_and_remedy(error))
        return _stores_nothing(fault, state)
    if free_mb < LEAST_FREE_MB:
        return Check(Part.DISK, Health.BROKEN, Finding.NO_ROOM, (free_mb, str(state)))
    return Check(Part.DISK, Health.GOOD, Finding.ROOM, (free_mb,))


def _stores_nothing(fault: StorageFault, state: Path) -> Check:
    return Check(Part.DISK, Health.BROKEN, Finding.STORES_NOTHING, (fault.value, str(state)))


def _journal(office: BackOffice) -> tuple[Check, ...]:
    """Returns a line only when entries cannot be read: it is then somebody's money."""
    unreadable = office.journal.unreadable()
    if not unreadable:
        return ()
    values = (unreadable, str(office.state.files.path / "purchases"))
    return (Check(Part.DISK, Health.BROKEN, Finding.ENTRIES_UNREADABLE, values),)
