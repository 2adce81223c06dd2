"""Behind the PIN: what the kiosk sees, what is attached to it, and whether all of it is well."""

import asyncio
import shutil
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

from hardware.camera.feed import Broken, Feed, Recovering, Starting
from hardware.faults import DeviceFault
from hardware.light import Light
from hardware.terminal import CardTerminal
from kiosk.capture.eyes import Eyes, Sight
from kiosk.clock import Clock
from kiosk.race import first
from kiosk.screens import (
    Check,
    Choice,
    EnterActivationCode,
    EnterPin,
    EntryProblem,
    Health,
    Maintenance,
    Work,
    Working,
)
from kiosk.service.client import SignatureService
from kiosk.service.errors import Refused, ServiceError
from kiosk.staff import Refusal, StaffPin
from kiosk.stage import Stage
from palm import models
from palm.hand.observation import Observation
from protocol import VERSION
from protocol.messages import ProblemType
from protocol.ring import WHITE

LIVE_S = 0.2
"""Between two updates of the live figures."""
TERMINAL_ANSWERS_WITHIN_S = 0.3
CLOCK_MAY_BE_OFF_S = 30
LEAST_FREE_MB = 200


class RestartAsked(Exception):
    """A member of staff wants the kiosk to start anew."""


@dataclass(frozen=True)
class BackOffice:
    """What staff look at."""

    stage: Stage
    pin: StaffPin
    service: SignatureService
    terminal: CardTerminal
    light: Light | None
    feed: Feed
    infrared: Feed | None
    eyes: Eyes
    clock: Clock
    name: str
    state: Path


async def maintain(office: BackOffice) -> None:
    """Raises RestartAsked."""
    if not await _unlock(office.stage, office.pin):
        return
    tested = await _self_test(office)
    while True:
        match await first(
            office.stage.ask(_maintenance(office, tested)), _keep_current(office, tested)
        ):
            case Choice.BACK:
                return
            case Choice.SELF_TEST:
                tested = await _self_test(office)
            case Choice.ACTIVATE:
                await _activate(office)
                tested = await _self_test(office)
            case Choice.RESTART:
                raise RestartAsked


async def _unlock(stage: Stage, pin: StaffPin) -> bool:
    if not pin.chosen:
        return await _choose_pin(stage, pin)
    refusal = pin.locked()
    while True:
        answer = await stage.ask(_enter_pin(refusal))
        if answer is Choice.BACK:
            return False
        refusal = await pin.refuses(answer.text)
        if refusal is None:
            return True


def _enter_pin(refusal: Refusal | None) -> EnterPin:
    if refusal is None:
        return EnterPin()
    problem = EntryProblem.LOCKED if refusal.locked_for else EntryProblem.WRONG_PIN
    return EnterPin(problem, refusal.guesses_left, refusal.locked_for)


async def _choose_pin(stage: Stage, pin: StaffPin) -> bool:
    problem: EntryProblem | None = None
    while True:
        chosen = await stage.ask(EnterPin(problem, choosing=True))
        if chosen is Choice.BACK:
            return False
        problem = EntryProblem.WRONG_PIN
        if not pin.acceptable(chosen.text):
            continue
        again = await stage.ask(EnterPin(choosing=True, repeat=True))
        if again == chosen:
            await pin.choose(chosen.text)
            return True
        if again is Choice.BACK:
            problem = None


async def _activate(office: BackOffice) -> None:
    problem: EntryProblem | None = None
    while True:
        answer = await office.stage.ask(EnterActivationCode(problem))
        if answer is Choice.BACK:
            return
        office.stage.show(Working(Work.CHECKING_SERVICE))
        try:
            await office.service.activate(answer.text, office.name)
        except Refused as refused:
            if refused.type is ProblemType.EXPIRED:
                problem = EntryProblem.EXPIRED
            else:
                problem = EntryProblem.WRONG_CODE
        except ValueError:
            problem = EntryProblem.WRONG_CODE
        else:
            return


async def _keep_current(office: BackOffice, tested: tuple[Check, ...]) -> NoReturn:
    """Shows what the camera sees and how it is, until the screen is answered."""
    async with office.eyes.watch() as sights:
        while True:
            sight = await first(_next(sights), office.clock.sleep(2 * LIVE_S))
            office.stage.show(_maintenance(office, tested, sight))
            await office.clock.sleep(LIVE_S)


async def _next(sights: AsyncIterator[Sight]) -> Sight:
    return await anext(sights)


def _maintenance(
    office: BackOffice, tested: tuple[Check, ...], sight: Sight | None = None
) -> Maintenance:
    device = office.service.identity.device
    return Maintenance(
        version=VERSION,
        device_id=device.device_id if device else None,
        service=office.service.url,
        checks=(
            _camera("Camera", office.feed),
            *([_camera("Near infrared", office.infrared)] if office.infrared else []),
            *tested,
        ),
        observations=_figures(sight) if sight else (),
    )


def _figures(sight: Sight) -> tuple[tuple[str, str], ...]:
    seen: Observation = sight.observation
    figures = [("Hands", str(seen.hands)), ("Vision pass", f"{sight.seconds * 1000:.0f} ms")]
    if seen.hand is not None:
        figures += [
            ("Side", seen.hand.side.value),
            ("Shows", seen.hand.shown.value),
            ("Span", f"{seen.span:.2f}"),
            ("Offset", f"{seen.offset[0]:+.2f} {seen.offset[1]:+.2f}"),
            ("Tilt", f"{seen.tilt:.0f}°"),
            ("Turn", f"{seen.turn:+.0f}°"),
            ("Openness", f"{seen.openness:.2f}"),
            ("Sharpness", f"{seen.sharpness:.2f}"),
            ("Brightness", f"{seen.brightness:.2f}"),
            ("Clipped", f"{seen.clipped:.0%}"),
            ("Motion", f"{seen.motion:.2f}/s"),
        ]
    return tuple(figures)


async def _self_test(office: BackOffice) -> tuple[Check, ...]:
    """Asks everything that can be asked, one after the other."""
    office.stage.show(Working(Work.CHECKING_SERVICE))
    return (
        await _light(office),
        await _terminal(office),
        *await _service(office),
        _activation(office.service),
        _models(),
        _disk(office.state),
    )


def _camera(name: str, feed: Feed) -> Check:
    match feed.state:
        case Recovering(fault) | Broken(fault):
            return Check(name, Health.BROKEN, fault.cause, fault.remedy)
        case Starting():
            return Check(name, Health.BUSY, f"Opening {feed.source.name}.")
        case _:
            return Check(name, Health.GOOD, feed.source.name)


async def _light(office: BackOffice) -> Check:
    if office.light is None:
        return Check("Light ring", Health.GOOD, "None: whether a hand is alive is not checked.")
    began = office.clock.now()
    try:
        await asyncio.to_thread(office.light.show, WHITE)
        await asyncio.to_thread(office.light.off)
    except DeviceFault as fault:
        return Check("Light ring", Health.BROKEN, fault.cause, fault.remedy)
    took = (office.clock.now() - began) * 1000
    return Check("Light ring", Health.GOOD, f"{office.light.name}, lit and out in {took:.0f} ms.")


async def _terminal(office: BackOffice) -> Check:
    """A terminal that is there goes on waiting for a card; one that is not says so at once."""
    wait = office.clock.sleep(TERMINAL_ANSWERS_WITHIN_S)
    try:
        await first(office.terminal.read_card(), wait)
    except DeviceFault as fault:
        return Check("Card terminal", Health.BROKEN, fault.cause, fault.remedy)
    return Check("Card terminal", Health.GOOD, "Takes cards.")


async def _service(office: BackOffice) -> tuple[Check, ...]:
    began = office.clock.now()
    try:
        info = await office.service.info()
    except ServiceError as error:
        remedy = "Check the network cable and the service's address in the settings."
        return (Check("Service", Health.BROKEN, f"Does not answer: {error}.", remedy),)
    took = (office.clock.now() - began) * 1000
    off = abs(office.service.clock_offset.total_seconds())
    demanded = info.light_required and office.light is None
    remedy = 'Attach one (docs/light-ring.md), or set liveness = "when_present" on the service.'
    return (
        Check("Service", Health.GOOD, f"Version {info.version}, answered in {took:.0f} ms."),
        Check("Life check", Health.BROKEN, "The service demands a light ring.", remedy)
        if demanded
        else Check(
            "Life check",
            Health.GOOD,
            "Demanded of every palm." if info.light_required else "Made where there is a ring.",
        ),
        Check("Vault key", Health.GOOD, f"{info.vault_keys[0].key_id}, {info.vault_keys[0].suite}"),
        Check(
            "Clock",
            Health.GOOD if off <= CLOCK_MAY_BE_OFF_S else Health.BROKEN,
            f"{off:.1f} s from the service's.",
            "" if off <= CLOCK_MAY_BE_OFF_S else "Switch the system's time synchronisation on.",
        ),
    )


def _activation(service: SignatureService) -> Check:
    device = service.identity.device
    if device is None:
        remedy = "Press Activate and type the code that the service's operator gives."
        return Check("Activation", Health.BROKEN, "Not activated.", remedy)
    return Check("Activation", Health.GOOD, f"{device.merchant}, {device.country}")


def _models() -> Check:
    try:
        for model in models.Model:
            models.path(model)
    except models.ModelMissing as missing:
        return Check("Palm models", Health.BROKEN, "Missing.", str(missing))
    return Check("Palm models", Health.GOOD, ", ".join(models.Model))


def _disk(state: Path) -> Check:
    free = shutil.disk_usage(state).free // 1_000_000
    if free < LEAST_FREE_MB:
        return Check("Disk", Health.BROKEN, f"{free} MB free.", f"Make room in {state}.")
    return Check("Disk", Health.GOOD, f"{free} MB free.")
