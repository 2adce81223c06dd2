"""Staff show the code of pretix to the camera, and choose the list that the gate lets in by."""

import asyncio
import json
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest

from kiosk.faults import FileUnusable
from kiosk.screens import CheckInList, Choice, ChooseList, ScanDevice, VenueProblem
from kiosk.service.errors import Cause
from kiosk.venue.device import Device, DeviceFile
from kiosk.visits.sign_on import sign_on
from tests.support.gates import GateClock, signed_on
from tests.support.pretix_api import EVENT, LIST, Fault, PretixApi
from tests.support.scripted import WAITS, Line, ScriptedStage, typed
from tests.support.sealed import sealed

pytestmark = pytest.mark.anyio

MAIN = CheckInList("Festival", "Main entrance")
TO_CHOOSE = ChooseList("Kiosk at Gate A", "Gate A", (MAIN,))


class HeldUp:
    """A code that is held before the camera all the time."""

    def __init__(self, code: str = "") -> None:
        self.code = code
        self.last: str | None = None

    async def read(self, but: str | None = None) -> str:
        if self.code in ("", but):
            await asyncio.Event().wait()
        return self.code


@pytest.fixture
async def api() -> AsyncIterator[PretixApi]:
    async with PretixApi(GateClock().wall).open() as opened:
        yield opened


@pytest.fixture
def file(tmp_path: Path) -> DeviceFile:
    return DeviceFile(sealed(tmp_path / "device.json"))


async def plays(file: DeviceFile, code: str, *script: Line, ca: Path | None = None) -> bool:
    stage = ScriptedStage(list(script))
    changed = await sign_on(stage, HeldUp(code), file, ca)
    assert stage.over
    return changed


async def test_from_the_code_to_a_gate_with_a_list(api: PretixApi, file: DeviceFile) -> None:
    assert await plays(file, api.code(), (ScanDevice(), WAITS), (TO_CHOOSE, typed("1")))
    device = file.load()
    assert device is not None
    assert (device.serial, device.event, device.list) == ("SERIAL1", EVENT, LIST)
    assert device.token.get_secret_value() == "key-1"


async def test_another_list_is_chosen_without_another_code(
    api: PretixApi, file: DeviceFile
) -> None:
    file.keep(await signed_on(api))
    chosen = replace(TO_CHOOSE, lists=(replace(MAIN, chosen=True),))
    assert not await plays(file, "", (chosen, Choice.BACK))
    assert await plays(file, "", (chosen, typed("1")))


async def test_a_kiosk_becomes_another_device(api: PretixApi, file: DeviceFile) -> None:
    file.keep(await signed_on(api))
    other = ChooseList("Kiosk at Gate B", "Gate B", (MAIN,))
    script: list[Line] = [
        (ChooseList, Choice.SIGN_ON),
        (ScanDevice(), WAITS),
        (other, Choice.BACK),
    ]
    assert await plays(file, api.code(2), *script)
    device = file.load()
    assert device is not None
    assert (device.serial, device.list) == ("SERIAL2", None)


async def test_who_goes_back_has_changed_nothing(file: DeviceFile) -> None:
    assert not await plays(file, "", (ScanDevice(), Choice.BACK))
    assert file.load() is None


@pytest.mark.parametrize(
    ("code", "problem"),
    [
        ("a ticket", VenueProblem.NO_CODE_OF_PRETIX),
        (
            json.dumps({"handshake_version": 1, "url": "http://a.example", "token": "t"}),
            VenueProblem.NOT_SAFE,
        ),
    ],
)
async def test_other_codes_are_told_apart(
    file: DeviceFile, code: str, problem: VenueProblem
) -> None:
    script = ((ScanDevice(), WAITS), (ScanDevice(problem), Choice.BACK))
    assert not await plays(file, code, *script)


async def test_a_code_that_was_used_is_told(api: PretixApi, file: DeviceFile) -> None:
    await signed_on(api)
    refused = ScanDevice(VenueProblem.NOT_ACCEPTED)
    assert not await plays(file, api.code(), (ScanDevice(), WAITS), (refused, Choice.BACK))


async def test_the_same_code_is_tried_again_when_nobody_has_answered(
    api: PretixApi, file: DeviceFile
) -> None:
    api.will += [Fault.LOST]
    script: list[Line] = [
        (ScanDevice(), WAITS),
        (ScanDevice(VenueProblem.NO_ANSWER, Cause.CUT_OFF), Choice.TRY_AGAIN),
        (ScanDevice, WAITS),
        (TO_CHOOSE, typed("1")),
    ]
    assert await plays(file, api.code(), *script)


async def test_lists_that_cannot_be_read_are_asked_for_again(
    api: PretixApi, file: DeviceFile
) -> None:
    file.keep(await signed_on(api))
    api.will += [Fault.BUSY, Fault.FORBIDDEN]
    none = ChooseList("Kiosk at Gate A", "Gate A", (), VenueProblem.NO_ANSWER)
    refused = ChooseList("Kiosk at Gate A", "Gate A", (), VenueProblem.NOT_ALLOWED)
    script: list[Line] = [
        (none, Choice.TRY_AGAIN),
        (refused, Choice.TRY_AGAIN),
        (ChooseList, typed("1")),
    ]
    assert await plays(file, "", *script)


async def test_an_authority_that_cannot_be_read_is_told(file: DeviceFile, tmp_path: Path) -> None:
    code = json.dumps({"handshake_version": 1, "url": "https://a.example", "token": "t"})
    told = ScanDevice(VenueProblem.NO_AUTHORITY)
    script = ((ScanDevice(), WAITS), (told, Choice.BACK))
    assert not await plays(file, code, *script, ca=tmp_path / "nowhere.pem")


class FullDisk(DeviceFile):
    def keep(self, device: Device) -> None:
        raise FileUnusable(self.path, "The disk is full.", "Make room.")


async def test_a_key_that_cannot_be_kept_is_told(api: PretixApi, tmp_path: Path) -> None:
    told = ScanDevice(VenueProblem.NOT_KEPT)
    script = ((ScanDevice(), WAITS), (told, Choice.BACK))
    assert not await plays(FullDisk(sealed(tmp_path / "device.json")), api.code(), *script)
