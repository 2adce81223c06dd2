"""Staff make the kiosk at a venue's gate a device of pretix: they show its QR code to the camera,
and choose the check-in list of this gate."""

import logging
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from kiosk.faults import FileUnusable
from kiosk.race import first
from kiosk.screens import (
    CheckInList,
    Choice,
    ChooseList,
    Entered,
    ScanDevice,
    VenueProblem,
    Work,
    Working,
)
from kiosk.service.errors import Cause
from kiosk.stage import Stage
from kiosk.venue import pretix
from kiosk.venue.device import Device, DeviceFile
from kiosk.visits.visit import Codes

log = logging.getLogger(__name__)

Lists = list[tuple[pretix.Choice, pretix.Choice]]
"""Check-in lists, each with its event before it."""


@dataclass(frozen=True)
class Fault:
    """Why something did not succeed, as the screen says it."""

    problem: VenueProblem
    cause: Cause | None = None


async def sign_on(stage: Stage, codes: Codes, file: DeviceFile, ca: Path | None) -> bool:
    """Returns whether what this kiosk is at pretix has changed, which holds from its next start on.
    `ca` is the PEM file of the only authority to trust, None for those of the system. Raises
    DeviceFault when the camera is lost, and FileUnusable when what is kept is damaged."""
    device = file.load()
    changed = False
    while True:
        if device is None:
            device = await _scan(stage, codes, file, ca)
            if device is None:
                return changed
            changed = True
        match await _choose(stage, device, file, ca):
            case Choice.SIGN_ON:
                device = None
            case Choice.BACK:
                return changed
            case Choice.DONE:
                return True


async def _scan(stage: Stage, codes: Codes, file: DeviceFile, ca: Path | None) -> Device | None:
    """Returns what the kiosk has become, None when staff go back."""
    screen = ScanDevice()
    read: str | None = None
    while True:
        said = await first(codes.read(read), stage.ask(screen))
        if said is Choice.BACK:
            return None
        if said is Choice.TRY_AGAIN:
            read = None
            continue
        read = said
        stage.show(Working(Work.ASKING_VENUE))
        become = await _become(said, file, ca)
        if isinstance(become, Device):
            return become
        screen = ScanDevice(become.problem, become.cause)


async def _become(code: str, file: DeviceFile, ca: Path | None) -> Device | Fault:
    try:
        device = await pretix.sign_on(code, ca)
    except pretix.NotSignedOn as refused:
        return Fault(VenueProblem(refused.problem.value), refused.cause)
    except OSError as error:
        return _no_authority(error)
    return _keep(device, file) or device


async def _choose(
    stage: Stage, device: Device, file: DeviceFile, ca: Path | None
) -> Literal[Choice.SIGN_ON, Choice.BACK, Choice.DONE]:
    """Has a list chosen, and keeps it. Returns SIGN_ON when it shall be another device."""
    fault: Fault | None = None
    while True:
        stage.show(Working(Work.ASKING_VENUE))
        found = await _lists(device, ca)
        if isinstance(found, Fault):
            lists, fault = [], found
        else:
            lists = found
        screen = ChooseList(
            device.name,
            "" if device.gate is None else device.gate.name,
            tuple(
                CheckInList(
                    event.name,
                    each.name,
                    chosen=(event.id, each.id) == (device.event, str(device.list)),
                )
                for event, each in lists
            ),
            None if fault is None else fault.problem,
            None if fault is None else fault.cause,
        )
        match await stage.ask(screen):
            case Entered(number):
                event, each = lists[int(number) - 1]
                chosen = {"event": event.id, "list": int(each.id)}
                fault = _keep(device.model_copy(update=chosen), file)
                if fault is None:
                    return Choice.DONE
            case Choice.TRY_AGAIN:
                fault = None
            case Choice.SIGN_ON | Choice.BACK as answer:
                return answer


async def _lists(device: Device, ca: Path | None) -> Lists | Fault:
    """Returns the lists that this device may let in by."""
    try:
        server = pretix.Pretix(device, ca)
    except OSError as error:
        return _no_authority(error)
    try:
        found: Lists = []
        for event in await server.events():
            found += [(event, each) for each in await server.lists(event.id)]
    except pretix.NoAnswer as none:
        return Fault(VenueProblem.NO_ANSWER, none.cause)
    except pretix.NotAllowed:
        return Fault(VenueProblem.NOT_ALLOWED)
    finally:
        await server.close()
    return found or Fault(VenueProblem.NO_LIST)


def _keep(device: Device, file: DeviceFile) -> Fault | None:
    try:
        file.keep(device)
    except FileUnusable as unusable:
        log.error("what this kiosk is at pretix is not kept: %s", unusable)
        return Fault(VenueProblem.NOT_KEPT)
    return None


def _no_authority(error: OSError) -> Fault:
    log.error("the file of venue.ca cannot be read: %s", error.strerror or error)
    return Fault(VenueProblem.NO_AUTHORITY)
