"""Gates: simulated, behind a converter, and what addresses name. tests/interop/test_osdp.py has the
controllers that speak OSDP."""

import asyncio
import threading
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from hardware.faults import BadAddress, PermanentFault, TemporaryFault
from hardware.gate import (
    Buzzer,
    Color,
    Cue,
    Lamp,
    LampAsBefore,
    LineStands,
    OsdpReader,
    Output,
    Relay,
    SimulatedController,
    SimulatedRelease,
    Verdict,
    WiegandReader,
    Words,
    gate_at,
)
from hardware.gate.converter import Command, Has, Wires
from hardware.gate.osdp import cue_of
from hardware.osdp.said import Command as Told
from hardware.packets import ANSWER, Packet, Status
from protocol.credential import Credential, CredentialFormat
from tests.support.converter_firmware import ConverterFirmware
from tests.support.sealed import state_of

BADGE = Credential(format=CredentialFormat.WIEGAND_26, facility=118, number=1603)
WAITS_S = 60
"""Longer than anything takes on a busy machine."""


@pytest.fixture
def converter() -> Iterator[ConverterFirmware]:
    with ConverterFirmware() as firmware:
        yield firmware


def on_a_thread(happens: Callable[[], object]) -> None:
    thread = threading.Thread(target=happens)
    thread.start()
    thread.join()


# Simulated


def simulated(text: str = "sim:") -> SimulatedController:
    made = gate_at(text, state_of(Path("/")).files)
    assert isinstance(made, SimulatedController)
    return made


@asynccontextmanager
async def kept(
    controller: SimulatedController | WiegandReader,
) -> "AsyncIterator[asyncio.Queue[Cue]]":
    """Yields what a controller that is kept lets hear."""
    cues: asyncio.Queue[Cue] = asyncio.Queue()
    keeping = asyncio.create_task(controller.run(cues.put_nowait))
    await asyncio.sleep(0)
    try:
        yield cues
    finally:
        keeping.cancel()
        await asyncio.gather(keeping, return_exceptions=True)


async def heard(cues: "asyncio.Queue[Cue]", kind: type[Cue]) -> Cue:
    async with asyncio.timeout(WAITS_S):
        while not isinstance(cue := await cues.get(), kind):
            pass
    return cue


async def until_it_stands(cues: "asyncio.Queue[Cue]") -> None:
    while await heard(cues, LineStands) != LineStands(None):
        pass


@pytest.mark.parametrize(
    ("text", "verdict"),
    [
        ("sim:?after=0", Verdict.GRANTED),
        ("sim:?after=0&answers=denied", Verdict.DENIED),
        ("sim:?after=0&answers=none", Verdict.NONE),
    ],
)
def test_a_simulated_controller_answers_as_it_was_told(text: str, verdict: Verdict) -> None:
    it = simulated(text)
    assert asyncio.run(it.present(BADGE)) is verdict
    assert it.credentials == [BADGE]


def test_a_simulated_controller_lights_the_reader() -> None:
    async def lit() -> Cue:
        it = simulated("sim:?after=0")
        on_a_thread(lambda: it.answer(Verdict.DENIED))
        async with kept(it) as cues:
            assert await it.present(BADGE) is Verdict.DENIED
            return await heard(cues, Lamp)

    assert asyncio.run(lit()) == Lamp(Color.RED, Color.NONE, 3, 0, 3)


def test_a_simulated_line_is_lost_with_what_it_had_and_found_again() -> None:
    async def through() -> None:
        it = simulated("sim:?after=60")
        async with kept(it) as cues:
            presenting = asyncio.create_task(it.present(BADGE))
            await asyncio.sleep(0)
            on_a_thread(it.cut)
            assert await presenting is Verdict.NONE
            assert await heard(cues, LineStands) == LineStands(it.fault)
            with pytest.raises(TemporaryFault, match="not heard"):
                await it.present(BADGE)
            on_a_thread(it.mend)
            assert await heard(cues, LineStands) == LineStands(None)
        assert it.credentials == [BADGE]

    asyncio.run(through())


def test_the_next_presentation_can_be_told_to_fail_and_only_that_one() -> None:
    it = simulated("sim:?after=0")
    it.fail_next(TemporaryFault("It is busy.", "Wait."))
    with pytest.raises(TemporaryFault, match="busy"):
        asyncio.run(it.present(BADGE))
    assert asyncio.run(it.present(BADGE)) is Verdict.GRANTED
    assert len(it.credentials) == 1


def test_a_simulated_controller_hears_of_tampering() -> None:
    it = simulated()
    it.tell_tampering(True)
    assert it.is_told_of_tampering


def test_a_simulated_release_counts_how_often_it_was_opened() -> None:
    it = gate_at("sim:release", state_of(Path("/")).files)
    assert isinstance(it, SimulatedRelease)
    asyncio.run(it.open())
    it.unplug()
    with pytest.raises(TemporaryFault, match="unplugged"):
        asyncio.run(it.open())
    it.plug_in()
    it.fail_next(PermanentFault("It is stuck.", "Loosen it."))
    with pytest.raises(PermanentFault, match="stuck"):
        asyncio.run(it.open())
    assert it.times == 1


# Wiegand


def on_wires_at(converter: ConverterFirmware) -> WiegandReader:
    reader = gate_at(f"wiegand:{converter.device}?answer=30", state_of(Path("/")).files)
    assert isinstance(reader, WiegandReader)
    return reader


def on_wires(
    converter: ConverterFirmware, does: Callable[[WiegandReader], Coroutine[None, None, None]]
) -> None:
    """Runs a test with a reader that hears its converter."""

    async def run() -> None:
        reader = on_wires_at(converter)
        async with kept(reader) as cues:
            await until_it_stands(cues)
            try:
                await does(reader)
            finally:
                reader.close()

    asyncio.run(run())


@pytest.mark.parametrize(
    "credential",
    [
        BADGE,
        Credential(format=CredentialFormat.WIEGAND_37, facility=9, number=77),
        Credential(format=CredentialFormat.RAW_128, number=(1 << 127) + 5),
    ],
    ids=lambda credential: str(credential.format),
)
def test_the_bits_of_a_credential_are_sent_and_the_green_wire_grants(
    converter: ConverterFirmware, credential: Credential
) -> None:
    converter.shows = Wires.GREEN

    async def presents(reader: WiegandReader) -> None:
        assert await reader.present(credential) is Verdict.GRANTED

    on_wires(converter, presents)
    assert converter.cards == [credential.bits()]


def test_a_wire_that_was_on_before_decides_nothing(converter: ConverterFirmware) -> None:
    converter.switch(Wires.GREEN)
    converter.shows = Wires.GREEN | Wires.RED

    async def presents(reader: WiegandReader) -> None:
        assert await reader.present(BADGE) is Verdict.DENIED

    on_wires(converter, presents)


def test_an_answer_that_got_lost_sends_no_card_twice(converter: ConverterFirmware) -> None:
    converter.shows = Wires.GREEN
    well, lost = converter.answer, list[Packet]()

    def lose_one(packet: Packet) -> bytes:
        answer = well(packet)
        if packet.command == Command.CARD and not lost:
            lost.append(packet)
            return b""
        return answer

    converter.answer = lose_one

    async def presents(reader: WiegandReader) -> None:
        assert await reader.present(BADGE) is Verdict.GRANTED

    on_wires(converter, presents)
    assert lost
    assert len(converter.cards) == 1


def test_lamps_and_buzzer_of_the_wires_are_told(converter: ConverterFirmware) -> None:
    async def through() -> None:
        reader = on_wires_at(converter)
        async with kept(reader) as cues:
            await until_it_stands(cues)
            converter.switch(Wires.RED | Wires.BUZZER)
            assert await heard(cues, Lamp) == Lamp(Color.RED, Color.NONE, 1, 0, None)
            assert await heard(cues, Buzzer) == Buzzer(tone=True, on_s=0.1, off_s=0, times=1)
            converter.switch(Wires(0))
            assert await heard(cues, Lamp) == Lamp(Color.NONE, Color.NONE, 1, 0, None)
        reader.close()

    asyncio.run(through())


def test_a_converter_that_is_unplugged_is_told_and_takes_no_card(
    converter: ConverterFirmware,
) -> None:
    async def through() -> None:
        reader = on_wires_at(converter)
        with pytest.raises(TemporaryFault, match="not heard yet"):
            await reader.present(BADGE)
        async with kept(reader) as cues:
            await until_it_stands(cues)
            converter.unplug()
            await heard(cues, LineStands)
            with pytest.raises(TemporaryFault, match="no converter"):
                await reader.present(BADGE)
        assert converter.cards == []

    asyncio.run(through())


def test_the_frames_of_the_documentation_are_these() -> None:
    doc = " ".join((Path(__file__).parents[2] / "docs/integrations/door.md").read_text().split())
    card = bytes((26,)) + (int(BADGE.bits(), 2) << 6).to_bytes(4)
    for packet in (
        Packet(1, Command.HELLO),
        Packet(1, Command.HELLO | ANSWER, bytes((Status.DONE, Has.WIEGAND | Has.RELAY))),
        Packet(2, Command.CARD, card),
        Packet(2, Command.CARD | ANSWER, bytes((Status.DONE,))),
    ):
        assert packet.encode().hex(" ") in doc


# Relay


def relay(converter: ConverterFirmware, options: str = "") -> Relay:
    made = gate_at(f"relay:{converter.device}{options}", state_of(Path("/")).files)
    assert isinstance(made, Relay)
    return made


def test_a_relay_is_told_how_long_and_never_to_end(converter: ConverterFirmware) -> None:
    it = relay(converter, "?seconds=4.5")
    asyncio.run(it.open())
    it.close()
    assert converter.pulses == [4.5]
    # The converter ends the pulse by its own clock, so nothing that the kiosk fails to say keeps
    # the gate open.
    assert {packet.command for packet in converter.received} == {Command.HELLO, Command.PULSE}


def test_a_converter_without_a_relay_needs_somebody() -> None:
    with ConverterFirmware(Has.WIEGAND) as converter:
        it = relay(converter)
        with pytest.raises(PermanentFault, match="has no relay"):
            asyncio.run(it.open())


# OSDP's commands

LED = {
    "reader": 0,
    "led_number": 0,
    "temporary": True,
    "control_code": 2,
    "on_color": 2,
    "off_color": 1,
    "on_count": 2,
    "off_count": 3,
    "timer_count": 25,
}
BUZZER = {"reader": 0, "control_code": 2, "on_count": 1, "off_count": 2, "rep_count": 3}
TEXT = {"reader": 0, "offset_row": 1, "offset_col": 2, "temp_time": 4, "data": "Welcome"}
OUTPUT = {"output_no": 0, "timer_count": 30}


@pytest.mark.parametrize(
    ("told", "cue"),
    [
        (Told("led", LED), Lamp(Color.GREEN, Color.RED, 0.2, 0.3, 2.5)),
        (
            Told("led", LED | {"temporary": False, "control_code": 1}),
            Lamp(Color.GREEN, Color.RED, 0.2, 0.3, None),
        ),
        (Told("led", LED | {"control_code": 1}), LampAsBefore()),
        (Told("led", LED | {"control_code": 0}), None),
        (Told("led", LED | {"on_color": 99}), Lamp(Color.NONE, Color.RED, 0.2, 0.3, 2.5)),
        (Told("buzzer", BUZZER), Buzzer(tone=True, on_s=0.1, off_s=0.2, times=3)),
        (
            Told("buzzer", BUZZER | {"control_code": 1}),
            Buzzer(tone=False, on_s=0.1, off_s=0.2, times=3),
        ),
        (Told("text", TEXT | {"control_code": 2}), Words("Welcome", 1, 2, None)),
        (Told("text", TEXT | {"control_code": 3}), Words("Welcome", 1, 2, 4)),
        (Told("output", OUTPUT | {"control_code": 0}), None),
        (Told("output", OUTPUT | {"control_code": 1}), Output(on=False, lasts_s=None)),
        (Told("output", OUTPUT | {"control_code": 4}), Output(on=True, lasts_s=None)),
        (Told("output", OUTPUT | {"control_code": 6}), Output(on=False, lasts_s=3.0)),
    ],
)
def test_what_a_controller_tells_a_reader_is_a_cue(told: Told, cue: Cue | None) -> None:
    assert cue_of(told) == cue


def test_a_light_without_a_time_for_its_first_color_means_the_second() -> None:
    assert Lamp(Color.GREEN, Color.RED, 0, 0.5, None).tells is Color.RED


# Addresses


def test_a_kiosk_may_have_no_gate() -> None:
    assert gate_at("none:", state_of(Path("/")).files) is None


def test_an_osdp_reader_says_what_is_wrong_before_its_line_is_kept(tmp_path: Path) -> None:
    reader = gate_at("osdp:/dev/ttyUSB0?address=3&baud=115200", state_of(tmp_path).files)
    assert isinstance(reader, OsdpReader)
    assert reader.name == "/dev/ttyUSB0"
    with pytest.raises(TemporaryFault, match="being set up"):
        asyncio.run(reader.present(BADGE))


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("osdp:COM3", "names no device"),
        ("osdp:/dev/ttyUSB0?address=127", "address=127"),
        ("osdp:/dev/ttyUSB0?baud=1200", "baud=1200"),
        ("osdp:/dev/ttyUSB0?key=00", "no option 'key'"),
        ("wiegand:COM3", "names no device"),
        ("relay:/dev/ttyACM0?seconds=600", "seconds=600"),
        ("sim:?answers=perhaps", "answers=perhaps"),
        ("sim:door", "names no gate"),
        ("knx:1", "names no gate"),
    ],
)
def test_an_address_that_cannot_be_used_says_why(text: str, says: str, tmp_path: Path) -> None:
    with pytest.raises(BadAddress, match=says):
        gate_at(text, state_of(tmp_path).files)
