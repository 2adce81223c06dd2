"""The kiosk as a reader on a line with a control panel of libosdp, each in a process of its own."""

import asyncio
import json
import os
import signal
from asyncio.subprocess import DEVNULL, PIPE
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from hardware.faults import PermanentFault, TemporaryFault
from hardware.gate import (
    Buzzer,
    Color,
    Cue,
    Lamp,
    LineStands,
    OsdpReader,
    Output,
    Verdict,
    Words,
    gate_at,
)
from hardware.gate.osdp import KEPT
from hardware.osdp.kept import Kept, Place
from protocol.credential import Credential, CredentialFormat
from tests.support.door_panel import WAITS_S, DoorPanel
from tests.support.processes import seen_of
from tests.support.rs485 import Rs485
from tests.support.sealed import sealed, state_of
from tests.support.traces import traces_in

pytestmark = [pytest.mark.process, pytest.mark.anyio]

HERE = Path(__file__).parent
OSDP = HERE.parents[1] / ".venv-osdp"
KEY, OTHER_KEY = bytes(range(16)), bytes(range(100, 116))
IN_CHANNEL = "reader is there, in the secure channel"
PANEL, READER, SECOND = 0, 1, 2
BADGE = Credential(format=CredentialFormat.WIEGAND_26, facility=118, number=1603)


@pytest.fixture(scope="module")
def anyio_backend() -> str:
    return "asyncio"


@dataclass
class Attached:
    """A reader that is kept, and what it has heard."""

    reader: OsdpReader
    cues: list[Cue] = field(default_factory=list)
    more: asyncio.Condition = field(default_factory=asyncio.Condition)
    waking: set[asyncio.Task[None]] = field(default_factory=set)

    def heard(self, cue: Cue) -> None:
        self.cues.append(cue)
        task = asyncio.create_task(self._wake())
        self.waking.add(task)
        task.add_done_callback(self.waking.discard)

    async def until(self, holds: Callable[[], object]) -> None:
        async with asyncio.timeout(WAITS_S), self.more:
            await self.more.wait_for(holds)

    async def secure(self) -> None:
        await self.until(lambda: self.reader.fault is None)

    async def lost(self, words: str = "") -> None:
        await self.until(lambda: self.reader.fault is not None and words in str(self.reader.fault))

    async def presents(self, credential: Credential) -> Verdict:
        """Presents it until that succeeds: on a busy machine a controller takes a reader that is
        late for lost."""
        while True:
            await self.secure()
            try:
                verdict = await self.reader.present(credential)
            except TemporaryFault:
                continue
            if verdict is not Verdict.NONE or self.reader.fault is None:
                return verdict

    async def cue(self, kind: type[Cue], since: int = 0) -> Cue:
        def found() -> list[Cue]:
            return [cue for cue in self.cues[since:] if isinstance(cue, kind)]

        await self.until(found)
        return found()[0]

    async def _wake(self) -> None:
        async with self.more:
            self.more.notify_all()


@asynccontextmanager
async def attached(device: str, state: Path, options: str = "") -> AsyncIterator[Attached]:
    reader = gate_at(f"osdp:{device}?{options}", state_of(state).files)
    assert isinstance(reader, OsdpReader)
    it = Attached(reader)
    keeping = asyncio.create_task(reader.run(it.heard))
    try:
        yield it
    finally:
        keeping.cancel()
        await asyncio.gather(keeping, return_exceptions=True)


@asynccontextmanager
async def panel_at(device: str, key_file: Path, *options: str) -> AsyncIterator[DoorPanel]:
    panel = await DoorPanel.start(device, key_file, *options)
    try:
        yield panel
    finally:
        await panel.close()


def keep(state: Path, key: bytes, before: bytes | None = None) -> None:
    Kept(key, before, Place(0, 9600), Place(0, 9600)).write(sealed(state / KEPT))


def kept(state: Path) -> Kept:
    return Kept.read(sealed(state / KEPT), Place(0, 9600))


@dataclass
class Rig:
    line: Rs485
    panel: DoorPanel
    it: Attached
    state: Path

    async def presents(self, credential: Credential, panel_answers: str) -> Verdict:
        self.panel.tell(f"answer {panel_answers}")
        return await self.it.presents(credential)

    async def does(self, command: str) -> int:
        """Has the panel do something, and returns how much it had said before."""
        while True:
            since = self.panel.tell(command)
            said = await self.panel.says("command was", since)
            if "done" in said:
                return since
            if "not taken" in said:
                # The reader is secure before its panel has heard of it.
                await self.panel.says(IN_CHANNEL, since)


@pytest.fixture(scope="module")
async def rig(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Rig]:
    """A line under a key that both have. Tests leave it secure."""
    state = tmp_path_factory.mktemp("reader")
    keep(state, KEY)
    (state / "panel").write_text(KEY.hex())
    async with AsyncExitStack() as stack:
        line = stack.enter_context(Rs485(2))
        it = await stack.enter_async_context(attached(line.ends[READER], state))
        panel = await stack.enter_async_context(panel_at(line.ends[PANEL], state / "panel"))
        await it.secure()
        await panel.says(IN_CHANNEL)
        yield Rig(line, panel, it, state)


# What is presented


@pytest.mark.parametrize(
    "credential",
    [
        BADGE,
        Credential(format=CredentialFormat.WIEGAND_34, facility=65535, number=1),
        Credential(format=CredentialFormat.WIEGAND_35, facility=2643, number=163271),
        Credential(format=CredentialFormat.WIEGAND_37, facility=9, number=524287),
        Credential(format=CredentialFormat.RAW_56, number=0x04A1B2C3D4E5F6),
        Credential(format=CredentialFormat.RAW_128, number=(1 << 127) + 77),
    ],
    ids=lambda credential: str(credential.format),
)
async def test_a_credential_arrives_as_it_is_in_each_format(
    rig: Rig, credential: Credential
) -> None:
    assert await rig.presents(credential, "green") is Verdict.GRANTED
    said = await rig.panel.says(f"card: {credential.format}")
    assert said.endswith(f"number {credential.number}")


async def test_the_key_goes_to_the_process_of_the_line_where_nobody_else_can_see_it(
    rig: Rig,
) -> None:
    process = rig.it.reader.process_id
    assert process is not None
    secrets = {"base key": KEY, "key of its file": sealed(rig.state / KEPT).key}
    assert traces_in(seen_of(process), secrets) == []


async def test_red_denies_and_silence_is_no_answer(rig: Rig) -> None:
    assert await rig.presents(BADGE, "red") is Verdict.DENIED
    rig.it.reader._answer_s = 0.2  # pyright: ignore[reportPrivateUsage]
    try:
        assert await rig.presents(BADGE, "") is Verdict.NONE
    finally:
        rig.it.reader._answer_s = 2.0  # pyright: ignore[reportPrivateUsage]


async def test_a_light_that_is_shown_before_a_credential_is_no_answer_to_it(rig: Rig) -> None:
    since = len(rig.it.cues)
    await rig.does("green")
    await rig.it.cue(Lamp, since)
    assert await rig.presents(BADGE, "red") is Verdict.DENIED


async def test_light_sound_words_and_output_are_told(rig: Rig) -> None:
    since = len(rig.it.cues)
    for command in ("amber", "buzz", "text Wait here", "output"):
        await rig.does(command)
    assert await rig.it.cue(Lamp, since) == Lamp(Color.AMBER, Color.AMBER, 1.0, 0.0, 3.0)
    assert await rig.it.cue(Buzzer, since) == Buzzer(tone=True, on_s=0.2, off_s=0.1, times=2)
    assert await rig.it.cue(Words, since) == Words("Wait here", 1, 1, 5)
    assert await rig.it.cue(Output, since) == Output(on=True, lasts_s=3.0)


async def test_tampering_is_told_by_itself_and_again_after_it_was_asked_for(rig: Rig) -> None:
    rig.it.reader.tell_tampering(True)
    await rig.panel.says("status: tampered")
    # libosdp has only one answer to that, and it is not true.
    since = await rig.does("status")
    await rig.panel.says("status: untouched", since)
    await rig.panel.says("status: tampered", since)
    since = len(rig.panel.said)
    rig.it.reader.tell_tampering(False)
    await rig.panel.says("status: untouched", since)


# The line


async def test_a_cut_line_is_told_and_nothing_is_presented_then_nor_later(rig: Rig) -> None:
    cards = len([line for line in rig.panel.said if "card" in line])
    rig.line.cut()
    # Before that is known: libosdp has the credential, and nobody polls.
    with pytest.raises(TemporaryFault, match="is not heard"):
        await rig.it.reader.present(BADGE)
    with pytest.raises(TemporaryFault, match="is not heard"):
        await rig.it.reader.present(BADGE)
    rig.line.mend()
    await rig.it.secure()
    await rig.does("status")
    assert len([line for line in rig.panel.said if "card" in line]) == cards
    assert await rig.presents(BADGE, "green") is Verdict.GRANTED


async def test_frames_that_are_said_again_do_nothing(rig: Rig) -> None:
    since, start = len(rig.it.cues), len(rig.line.heard)
    assert await rig.presents(BADGE, "green") is Verdict.GRANTED
    rig.line.cut()
    recorded = [data for end, data in rig.line.heard[start:] if end == PANEL]
    lamps = [cue for cue in rig.it.cues[since:] if isinstance(cue, Lamp)]
    presenting = asyncio.create_task(rig.it.reader.present(BADGE))
    for frame in recorded:
        rig.line.say(READER, frame)
    with pytest.raises(TemporaryFault):
        await presenting
    assert [cue for cue in rig.it.cues[since:] if isinstance(cue, Lamp)] == lamps
    rig.line.mend()
    await rig.it.secure()


async def test_a_process_that_dies_is_started_again(rig: Rig) -> None:
    since = len(rig.it.cues)
    dying = rig.it.reader.process_id
    assert dying is not None
    os.kill(dying, signal.SIGKILL)
    # On a busy machine the controller may be told to be lost before.
    await rig.it.until(
        lambda: any(
            isinstance(cue, LineStands) and "its process has ended" in str(cue)
            for cue in rig.it.cues[since:]
        )
    )
    await rig.it.secure()
    assert rig.it.reader.process_id != dying
    assert await rig.presents(BADGE, "green") is Verdict.GRANTED


async def test_a_process_that_does_not_move_sends_nothing_when_it_moves_again(rig: Rig) -> None:
    cards = len([line for line in rig.panel.said if "card" in line])
    await rig.it.secure()
    still = rig.it.reader.process_id
    assert still is not None
    os.kill(still, signal.SIGSTOP)
    with pytest.raises(TemporaryFault, match="does not answer"):
        await rig.it.reader.present(BADGE)
    await rig.it.secure()
    assert len([line for line in rig.panel.said if "card" in line]) == cards


# Keys and places


async def test_a_new_key_and_a_new_place_outlast_a_loss_of_power(rig: Rig) -> None:
    since = await rig.does("key")
    await rig.panel.says(IN_CHANNEL, since)
    await rig.it.secure()
    key = bytes.fromhex((rig.state / "panel").read_text())
    assert key != KEY
    assert (rig.state / KEPT).stat().st_mode & 0o777 == 0o600
    await rig.does("move 5 19200")
    # A command at the new place: the reader has kept it before.
    await rig.does("buzz")
    assert kept(rig.state) == Kept(key, None, Place(0, 9600), Place(5, 19200))
    since = len(rig.it.cues)
    dying = rig.it.reader.process_id
    assert dying is not None
    os.kill(dying, signal.SIGKILL)
    await rig.it.cue(LineStands, since)
    await rig.it.secure()
    assert await rig.presents(BADGE, "green") is Verdict.GRANTED
    assert key.hex() not in repr(kept(rig.state))


async def test_of_two_keys_the_one_that_the_controller_has_is_kept(tmp_path: Path) -> None:
    """The power failed after a new key was kept, and before the controller had heard of it."""
    keep(tmp_path, OTHER_KEY, before=KEY)
    (tmp_path / "panel").write_text(KEY.hex())
    with Rs485(2) as line:
        async with (
            attached(line.ends[READER], tmp_path) as it,
            panel_at(line.ends[PANEL], tmp_path / "panel"),
        ):
            await it.secure()
    assert (kept(tmp_path).key, kept(tmp_path).before) == (KEY, None)


async def test_in_install_mode_a_controller_sets_its_key_and_that_ends_the_mode(
    tmp_path: Path,
) -> None:
    with Rs485(2) as line:
        async with (
            attached(line.ends[READER], tmp_path, "install=1") as it,
            panel_at(line.ends[PANEL], tmp_path / "panel", "--answer", "green") as panel,
        ):
            await it.lost("No key was set yet")
            with pytest.raises(TemporaryFault, match="nobody's credential is sent"):
                await it.reader.present(BADGE)
            await it.secure()
            assert await it.presents(BADGE) is Verdict.GRANTED
        key = bytes.fromhex((tmp_path / "panel").read_text())
        assert kept(tmp_path).key == key
        # Another controller finds no reader that takes the default key, though install=1 is there.
        async with (
            attached(line.ends[READER], tmp_path, "install=1") as it,
            panel_at(line.ends[PANEL], tmp_path / "another") as panel,
        ):
            await it.lost("has another key")
            assert not [said for said in panel.said if IN_CHANNEL in said]
    assert kept(tmp_path).key == key


async def test_without_a_key_and_outside_install_mode_nothing_is_answered(tmp_path: Path) -> None:
    with Rs485(2) as line:
        async with attached(line.ends[READER], tmp_path) as it:
            await it.lost("has no key")
            with pytest.raises(PermanentFault, match="install=1"):
                await it.reader.present(BADGE)
            assert line.heard == []


async def test_plain_text_is_refused_and_said_to_be(tmp_path: Path) -> None:
    keep(tmp_path, KEY)
    poll = bytes.fromhex("53 00 08 00 04 60 eb aa")
    with Rs485(2) as line:
        async with attached(line.ends[READER], tmp_path) as it:
            await it.lost("is not heard")
            while "in plain text" not in str(it.reader.fault):
                answers = len(line.heard)
                line.say(READER, poll)
                await asyncio.to_thread(line.more_than, answers, 0.5)
            # osdp_NAK: the conditions of security are not met.
            assert b"\x41\x06" in {data[5:7] for end, data in line.heard if end == READER}
            with pytest.raises(TemporaryFault, match="in plain text"):
                await it.reader.present(BADGE)


async def test_a_file_that_is_damaged_is_told_and_not_replaced(tmp_path: Path) -> None:
    (tmp_path / KEPT).write_text(json.dumps({"key": "00"}))
    with Rs485(2) as line:
        async with attached(line.ends[READER], tmp_path, "install=1") as it:
            await it.lost("is damaged")
    assert (tmp_path / KEPT).read_text() == json.dumps({"key": "00"})


@asynccontextmanager
async def other_panel(device: str) -> AsyncIterator[DoorPanel]:
    """The independent package `osdp`, under a master key of its own."""
    program = (OSDP / "bin" / "python", HERE / "osdp_panel.py", device, KEY.hex())
    process = await asyncio.create_subprocess_exec(
        *program, stdin=PIPE, stdout=PIPE, stderr=DEVNULL
    )
    panel = DoorPanel(process)
    try:
        yield panel
    finally:
        await panel.close()


async def test_the_panel_of_others_sets_its_key_and_decides(tmp_path: Path) -> None:
    if not any(OSDP.glob("lib/*/site-packages/osdp")):
        pytest.skip("the package osdp is not there: ./run osdp installs it")
    with Rs485(2) as line:
        async with (
            attached(line.ends[READER], tmp_path, "install=1&answer=5") as it,
            other_panel(line.ends[PANEL]) as panel,
        ):
            for verdict, color in ((Verdict.GRANTED, "green"), (Verdict.DENIED, "red")):
                # The second time after a loss of power, under the key that was kept.
                answer = Verdict.NONE
                while answer is Verdict.NONE:
                    since = len(panel.said)
                    presenting = asyncio.create_task(it.presents(BADGE))
                    await panel.says(f"card {BADGE.bits()}", since)
                    panel.tell(color)
                    answer = await presenting
                assert answer is verdict
                dying, since = it.reader.process_id, len(it.cues)
                assert dying is not None
                os.kill(dying, signal.SIGKILL)
                await it.cue(LineStands, since)


async def test_two_readers_on_one_line_do_not_answer_for_each_other(tmp_path: Path) -> None:
    (tmp_path / "panel").write_text(KEY.hex())
    states = [tmp_path / "first", tmp_path / "second"]
    Kept(KEY, None, Place(0, 9600), Place(0, 9600)).write(sealed(states[0] / KEPT))
    Kept(KEY, None, Place(3, 9600), Place(3, 9600)).write(sealed(states[1] / KEPT))
    capture = tmp_path / "captured"
    with Rs485(3) as line:
        async with (
            attached(line.ends[READER], states[0], f"capture={capture}") as first,
            attached(line.ends[SECOND], states[1], "address=3") as second,
            panel_at(line.ends[PANEL], tmp_path / "panel", "--address", "0", "3") as panel,
        ):
            panel.tell("answer green")
            assert await second.presents(BADGE) is Verdict.GRANTED
            await panel.says("3: card: wiegand_26")
            panel.tell("answer red")
            assert await first.presents(BADGE) is Verdict.DENIED
            await panel.says("0: card: wiegand_26")
            lamps = [cue for cue in second.cues if isinstance(cue, Lamp)]
            assert len(lamps) == 1
    (captured,) = capture.iterdir()
    assert captured.stat().st_mode & 0o777 == 0o600
    pieces = [json.loads(piece) for piece in captured.read_text().splitlines()]
    assert {piece["io"] for piece in pieces} == {"input", "output"}
