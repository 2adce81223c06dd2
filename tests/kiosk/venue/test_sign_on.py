"""A kiosk becomes a scanning device of pretix's."""

import json
import stat
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from kiosk.faults import FileUnusable
from kiosk.service.errors import Cause
from kiosk.venue.device import DeviceFile, Gate
from kiosk.venue.pretix import (
    Choice,
    NoAnswer,
    NotAllowed,
    NotSignedOn,
    Pretix,
    SignOnProblem,
    sign_on,
)
from tests.support.authority import Authority, answering
from tests.support.gates import GateClock, signed_on
from tests.support.pretix_api import EVENT, LIST, Fault, PretixApi
from tests.support.sealed import sealed

pytestmark = pytest.mark.anyio


@pytest.fixture
async def api() -> AsyncIterator[PretixApi]:
    async with PretixApi(GateClock().wall).open() as opened:
        yield opened


async def test_a_code_signs_a_device_on_once(api: PretixApi) -> None:
    device = await sign_on(api.code())
    assert (device.url, device.organizer, device.serial) == (api.url, "palm", "SERIAL1")
    assert device.gate == Gate(id=7, name="Gate A")
    with pytest.raises(NotSignedOn) as again:
        await sign_on(api.code())
    assert again.value.problem is SignOnProblem.NOT_ACCEPTED


@pytest.mark.parametrize(
    ("code", "problem"),
    [
        ("a ticket", SignOnProblem.NO_CODE_OF_PRETIX),
        ("{}", SignOnProblem.NO_CODE_OF_PRETIX),
        ({"handshake_version": 2, "url": "https://a", "token": "t"}, "no_code_of_pretix"),
        ({"handshake_version": 1, "url": "http://tickets.example", "token": "t"}, "not_safe"),
        ({"handshake_version": 1, "url": "https://u:p@a.example", "token": "t"}, "not_safe"),
        ({"handshake_version": 1, "url": "ftp://127.0.0.1", "token": "t"}, "not_safe"),
    ],
)
async def test_other_codes_are_refused_before_anything_is_sent(
    code: str | dict[str, object], problem: str
) -> None:
    with pytest.raises(NotSignedOn) as refused:
        await sign_on(code if isinstance(code, str) else json.dumps(code))
    assert refused.value.problem == problem


async def test_a_server_that_cannot_answer_is_told_apart(api: PretixApi) -> None:
    for fault, cause in (
        (Fault.LOST, Cause.CUT_OFF),
        (Fault.GARBAGE, None),
        (Fault.BUSY, None),
    ):
        api.will += [fault]
        with pytest.raises(NotSignedOn) as refused:
            await sign_on(api.code())
        assert (refused.value.problem, refused.value.cause) == (SignOnProblem.NO_ANSWER, cause)
    await sign_on(api.code())


async def test_its_events_and_lists_can_be_chosen(api: PretixApi) -> None:
    pretix = Pretix(await signed_on(api))
    try:
        assert await pretix.events() == [Choice(EVENT, "Festival")]
        assert await pretix.lists(EVENT) == [Choice(str(LIST), "Main entrance")]
        with pytest.raises(NotAllowed):
            await pretix.lists("another")
    finally:
        await pretix.close()


async def test_a_long_list_is_read_page_by_page(api: PretixApi) -> None:
    for number in range(120):
        api.sell(f"more-{number}")
    pretix = Pretix(await signed_on(api))
    try:
        known = await pretix.download(EVENT, LIST, GateClock().wall())
        assert len(known.by_secret) == 123
        assert known.names == {1: "Day ticket", 2: "Backstage", 3: "Mit Hemd"}
        assert "Ada" not in repr(known.by_id)
        assert "more-1" not in repr(known)
        api.will += [Fault.GARBAGE]
        with pytest.raises(NoAnswer):
            await pretix.download(EVENT, LIST, GateClock().wall())
    finally:
        await pretix.close()


async def test_the_key_is_kept_in_a_private_file(api: PretixApi, tmp_path: Path) -> None:
    file = DeviceFile(sealed(tmp_path / "venue" / "device.json"))
    assert file.load() is None
    device = await signed_on(api)
    file.keep(device)
    assert file.load() == device
    assert stat.S_IMODE(file.path.stat().st_mode) == 0o600
    assert b"key-1" not in file.path.read_bytes()
    assert "key-1" not in repr(device)
    file.forget()
    assert file.load() is None


def test_a_damaged_file_is_told_without_what_it_holds(tmp_path: Path) -> None:
    path = tmp_path / "device.json"
    path.write_text('{"url": "http://tickets.example", "token": "key-1"}')
    with pytest.raises(FileUnusable) as unusable:
        DeviceFile(sealed(path)).load()
    assert "key-1" not in str(unusable.value)
    assert "sign the kiosk on again" in unusable.value.remedy


async def test_a_server_with_another_authority_is_not_trusted(tmp_path: Path) -> None:
    with answering(Authority.make().server(tmp_path)) as url:
        code = json.dumps({"handshake_version": 1, "url": url, "token": "t"})
        other = Authority.make("other").write(tmp_path / "other.pem")
        with pytest.raises(NotSignedOn) as refused:
            await sign_on(code, other)
    assert refused.value.cause is Cause.UNKNOWN_AUTHORITY
