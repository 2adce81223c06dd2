"""An operator signs a kiosk on, chooses its list, and the gate opens."""

import io
from collections.abc import AsyncIterator
from pathlib import Path

import anyio
import pytest

from kiosk.faults import CannotStart
from kiosk.settings import GatePatience, GatePeers, VenueGateSettings
from kiosk.venue.commands import venue
from kiosk.venue.opening import device_file, open_gate
from kiosk.venue.venue import Admitted, Connection
from protocol.entry import Ticket
from tests.support.gates import ENTRY, GateClock
from tests.support.pretix_api import EVENT, LIST, PretixApi
from tests.support.sealed import state_of

pytestmark = pytest.mark.anyio


class Types:
    """What an operator types, and what comes of it."""

    def __init__(self, state: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self._state, self._patch = state, monkeypatch

    async def __call__(self, *arguments: str, line: str = "") -> int:
        """Runs the command in a thread, since it has a loop of its own."""
        self._patch.setattr("sys.stdin", io.StringIO(f"{line}\n"))
        command = [*arguments, "--state", str(self._state)]
        return await anyio.to_thread.run_sync(venue, command)


@pytest.fixture
def types(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Types:
    return Types(tmp_path, monkeypatch)


@pytest.fixture
async def api() -> AsyncIterator[PretixApi]:
    async with PretixApi(GateClock().wall).open() as opened:
        yield opened


async def test_from_the_code_to_an_open_gate(
    api: PretixApi, types: Types, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    clock, settings = GateClock(), VenueGateSettings()
    with pytest.raises(CannotStart, match="sign-on"):
        async with open_gate(state_of(tmp_path).files, settings, clock):
            pass
    assert await types("sign-on", line=api.code()) == 0
    with pytest.raises(CannotStart, match="choose"):
        async with open_gate(state_of(tmp_path).files, settings, clock):
            pass
    assert await types("lists") == 0
    assert f"{EVENT}  Festival\n    {LIST}  Main entrance" in capsys.readouterr().out
    with pytest.raises(CannotStart, match="no check-in list 9"):
        await types("choose", EVENT, "9")
    assert await types("choose", EVENT, str(LIST)) == 0
    async with open_gate(state_of(tmp_path).files, settings, clock) as gate:
        while gate.state.connection is not Connection.ONLINE:
            await clock.turn(GatePatience().probe_s)
        assert isinstance(await gate.admit(Ticket(code="day-1"), ENTRY), Admitted)
    assert len(api.passed("day-1")) == 1
    assert await types("sign-off") == 0
    assert device_file(state_of(tmp_path).files).load() is None


async def test_a_code_that_is_refused_changes_nothing(
    api: PretixApi, types: Types, tmp_path: Path
) -> None:
    assert await types("sign-on", line=api.code()) == 0
    before = device_file(state_of(tmp_path).files).load()
    for line, cause in ((api.code(), "does not accept"), ("a ticket", "no code of pretix")):
        with pytest.raises(CannotStart, match=cause):
            await types("sign-on", line=line)
    assert device_file(state_of(tmp_path).files).load() == before


async def test_gates_that_ask_each_other_need_their_key(
    api: PretixApi, types: Types, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    await types("sign-on", line=api.code())
    await types("choose", EVENT, str(LIST))
    peers = GatePeers(others=["127.0.0.2:7292"], host="127.0.0.1", port=39_217)
    settings = VenueGateSettings(peers=peers)
    with pytest.raises(CannotStart, match="peers-key"):
        async with open_gate(state_of(tmp_path).files, settings, GateClock()):
            pass
    capsys.readouterr()
    assert await types("peers-key") == 0
    key = tmp_path / "venue" / "peers.key"
    kept = (state_of(tmp_path).files / "venue" / "peers.key").read()
    assert kept is not None
    assert kept.decode().strip() == capsys.readouterr().out.splitlines()[0]
    assert key.stat().st_mode & 0o077 == 0
    nowhere = peers.model_copy(update={"host": "192.0.2.1"})
    with pytest.raises(CannotStart, match="UDP port"):
        async with open_gate(
            state_of(tmp_path).files, settings.model_copy(update={"peers": nowhere}), GateClock()
        ):
            pass
