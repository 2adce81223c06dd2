"""A kiosk at a gate serves one person after the other, and needs no touch."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from hardware.address import Address
from hardware.faults import TemporaryFault
from hardware.gate import SimulatedController, SimulatedRelease
from hardware.sound import SimulatedSound, Tone
from kiosk.app import STILL_HELD_S
from kiosk.capture.guidance import Guidance, Instruction
from kiosk.lane import Lane
from kiosk.own_list import OwnList
from kiosk.passages import PassageJournal
from kiosk.screens import (
    Answered,
    AskAccess,
    AtGate,
    Choice,
    EnterPin,
    GateAnswer,
    GateNotice,
    GateShut,
)
from kiosk.service.client import SignatureService
from kiosk.settings import Updates
from kiosk.till.till import SaleResult
from kiosk.updates.quiet import QUIET_S, Quiet, VersionWaits
from kiosk.updates.versions import Versions
from kiosk.venue.venue import Reason, Refused
from palm.hand.observation import Observation
from protocol.entry import Admission, DoorTold, Entry, ListRequest, SiteList
from protocol.messages import Direction, Money, Outcome
from tests.support.canned import Asked, CannedService, HangUp, identification
from tests.support.lanes import ScriptedVenue
from tests.support.plain_palms import burst
from tests.support.releases import offer
from tests.support.scripted import WAITS, Line, ScriptedCodes, palm
from tests.support.sealed import sealed
from tests.support.site_lists import PlainMatching, mark_of, site_list
from tests.support.stand import MakeStand, Stand

pytestmark = pytest.mark.anyio

SHOP = "Corner Shop"
WAITING = AtGate(merchant=SHOP)
DOOR = DoorTold(direction=Direction.ENTRY, checks_in=False, redeems=False)
OPEN = Entry(
    entry_id="entry-0001", admission=Admission.OPEN, direction=Direction.ENTRY, site="Works"
)
STARTING = (GateShut(SHOP, GateNotice.STARTING), WAITS)
"""What is shown until the service has told what the kiosk stands at."""

AtGates = Callable[..., Stand]


def after(answer: GateAnswer, number: int, screen: AtGate = WAITING) -> AtGate:
    told = Guidance(Instruction.TAKE_AWAY)
    return replace(screen, guidance=told, last=Answered(answer, number=number))


@pytest.fixture
def at_gate(
    stand: MakeStand, service: SignatureService, canned: CannedService, tmp_path: Path
) -> AtGates:
    """Returns a function that makes a kiosk at a gate that it opens itself."""

    def make(
        *script: Line,
        door: DoorTold = DOOR,
        venue: ScriptedVenue | None = None,
        own: OwnList | None = None,
    ) -> Stand:
        here = stand(*script)
        canned.will("GET /door", *[door] * 3)
        here.kiosk.lane = Lane(
            None,
            SimulatedRelease(),
            venue.open if venue else None,
            service,
            here.clock,
            PassageJournal(sealed(tmp_path / "passages")),
            own,
        )
        return here

    return make


async def test_one_person_after_the_other_is_let_pass_without_a_touch(
    at_gate: AtGates, canned: CannedService
) -> None:
    canned.will("POST /entries", OPEN, OPEN.model_copy(update={"entry_id": "entry-0002"}))
    here = at_gate(
        STARTING,
        (WAITING, palm),
        (after(GateAnswer.PASS, 1), palm),
        (after(GateAnswer.PASS, 2), WAITS),
    )
    await here.play()
    assert here.kiosk.lane is not None
    assert isinstance(here.kiosk.lane.release, SimulatedRelease)
    assert here.kiosk.lane.release.times == 2


async def test_the_kiosk_ends_for_a_version_that_waits_when_nobody_has_come(
    at_gate: AtGates, canned: CannedService, tmp_path: Path
) -> None:
    here = at_gate(STARTING, (WAITING, WAITS))
    canned.will("GET /door", *[DOOR] * 999)
    updates = Updates(url="http://127.0.0.1:9", root=Path("unread"))
    here.kiosk.quiet = Quiet(updates, Versions(tmp_path), here.clock)
    offer(tmp_path, "0.2.0")
    running = asyncio.create_task(here.kiosk.run())
    while not running.done():
        await here.clock.turn(30)
    assert here.clock.now() >= QUIET_S
    with pytest.raises(VersionWaits):
        await running


async def test_a_till_that_asks_a_gate_for_money_hears_that_nothing_was_charged(
    at_gate: AtGates,
) -> None:
    here = at_gate(STARTING, (WAITING, WAITS))
    async with here.running():
        await here.stage.reached()
        sale = here.till.ring_up(Money(minor=1250, currency="USD"), SHOP)
        await here.till.answered(sale.reference, SaleResult.NOT_PAID)


async def test_each_answer_is_heard_while_the_next_hand_is_awaited(
    at_gate: AtGates, canned: CannedService
) -> None:
    canned.will("POST /identifications", identification(), identification(Outcome.ASK_AGAIN))
    canned.will("POST /entries", OPEN)
    here = at_gate(
        STARTING,
        (WAITING, palm),
        (after(GateAnswer.PASS, 1), palm),
        (after(GateAnswer.NOT_KNOWN, 2), WAITS),
    )
    here.kiosk.sound = sound = SimulatedSound()
    await here.play()
    assert sound.played == [Tone.PASS, Tone.STOP]


async def test_a_hand_before_is_waited_for_until_it_has_left() -> None:
    assert not WAITING.another_try
    assert after(GateAnswer.NOT_KNOWN, 1).another_try


async def test_a_gate_whose_service_is_gone_says_so_and_opens_again(
    at_gate: AtGates, canned: CannedService
) -> None:
    canned.will("POST /entries", OPEN)
    canned.will("POST /identifications", *[HangUp()] * 60)

    def comes_back() -> object:
        canned.forget("POST /identifications")
        canned.will("POST /identifications", identification())
        return palm()

    here = at_gate(
        STARTING,
        (WAITING, palm),
        (GateShut(SHOP, GateNotice.OFFLINE), WAITS),
        (after(GateAnswer.AWAY, 1), comes_back),
        (after(GateAnswer.PASS, 2), WAITS),
    )
    async with here.running():
        await here.stage.reached(2)
        await here.clock.turn(10)
        await here.stage.reached()


async def test_the_line_to_a_controller_that_is_lost_is_shown_within_a_second(
    at_gate: AtGates,
) -> None:
    controller = SimulatedController(Address.parse("sim:"))
    here = at_gate(
        STARTING,
        (WAITING, WAITS),
        (GateShut(SHOP, GateNotice.GATE), WAITS),
        (WAITING, WAITS),
    )
    assert here.kiosk.lane is not None
    here.kiosk.lane.controller = controller
    async with here.running():
        await here.stage.reached(1)
        controller.cut()
        await here.clock.turn(1)
        await here.stage.reached(2)
        controller.mend()
        await here.clock.turn(1)
        await here.stage.reached()


@pytest.mark.parametrize("error", [TemporaryFault("The ring is gone.", "Mend it."), KeyError()])
async def test_whatever_fails_for_one_person_the_gate_serves_the_next(
    at_gate: AtGates, error: Exception
) -> None:
    here = at_gate(STARTING, (WAITING, error), (after(GateAnswer.AWAY, 1), WAITS))
    async with here.running():
        await here.stage.reached(1)
        await here.clock.turn(2)
        await here.stage.reached()


async def test_a_kiosk_that_stands_at_nothing_is_to_be_set_up(
    stand: MakeStand, service: SignatureService, tmp_path: Path
) -> None:
    shut = GateShut(SHOP, GateNotice.NOT_ACTIVATED)
    here = stand(STARTING, (shut, Choice.STAFF), (EnterPin, WAITS))
    here.kiosk.lane = Lane(
        *(None, SimulatedRelease(), None),
        service,
        here.clock,
        PassageJournal(sealed(tmp_path / "p")),
        None,
    )
    await here.play()


async def test_staff_reach_their_area_from_the_gate(at_gate: AtGates) -> None:
    await at_gate(STARTING, (WAITING, Choice.STAFF), (EnterPin, WAITS)).play()


async def test_who_walks_away_from_a_question_leaves_the_gate_to_the_next(
    at_gate: AtGates, canned: CannedService
) -> None:
    canned.will("POST /entries", OPEN.model_copy(update={"admission": Admission.ASK}))
    here = at_gate(STARTING, (WAITING, palm), (AskAccess("Works"), WAITS), (WAITING, WAITS))
    async with here.running():
        await here.stage.reached(2)
        await here.clock.turn(60)
        await here.stage.reached()


async def test_at_a_venue_the_code_of_a_ticket_is_as_good_as_a_palm(at_gate: AtGates) -> None:
    screen = AtGate(merchant=SHOP, takes_tickets=True)
    here = at_gate(
        STARTING,
        (screen, WAITS),
        (after(GateAnswer.PASS, 1, screen), WAITS),
        door=DOOR.model_copy(update={"redeems": True}),
        venue=ScriptedVenue(None),
    )
    here.kiosk.codes = ScriptedCodes("ticket-of-tonight")
    await here.play()


async def test_a_ticket_that_is_still_held_up_is_not_used_again(at_gate: AtGates) -> None:
    venue = ScriptedVenue(None, None)
    screen = AtGate(merchant=SHOP, takes_tickets=True)
    here = at_gate(
        STARTING,
        (screen, WAITS),
        (after(GateAnswer.PASS, 1, screen), WAITS),
        (after(GateAnswer.PASS, 2, screen), WAITS),
        door=DOOR.model_copy(update={"redeems": True}),
        venue=venue,
    )
    here.kiosk.codes = ScriptedCodes("ticket-of-ada", "ticket-of-ada", "ticket-of-ben")
    await here.play()
    assert [code for code, _ in venue.asked] == ["ticket-of-ada", "ticket-of-ben"]


async def test_a_ticket_that_is_shown_again_is_answered_again(at_gate: AtGates) -> None:
    venue = ScriptedVenue(Refused(Reason.UNDECIDED), None)
    screen = AtGate(merchant=SHOP, takes_tickets=True)
    here = at_gate(
        STARTING,
        (screen, WAITS),
        (after(GateAnswer.UNDECIDED, 1, screen), WAITS),
        (after(GateAnswer.PASS, 2, screen), WAITS),
        door=DOOR.model_copy(update={"redeems": True}),
        venue=venue,
    )
    here.kiosk.codes = codes = ScriptedCodes("ticket-of-ada")
    async with here.running():
        await here.stage.reached(2)
        await here.clock.turn(0)
        codes.held = ["ticket-of-ada"]
        await here.clock.turn(STILL_HELD_S)
        await here.stage.reached()


async def test_a_desk_and_a_way_out_say_what_they_are(at_gate: AtGates) -> None:
    desk = DOOR.model_copy(update={"checks_in": True, "direction": Direction.EXIT})
    screen = AtGate(merchant=SHOP, direction=Direction.EXIT, checks_in=True)
    await at_gate(STARTING, (screen, WAITS), door=desk).play()


# Another hand that comes while the service is asked


class SeenHands:
    """Eyes that see hands as a test says."""

    def __init__(self) -> None:
        self._seen: asyncio.Queue[Observation] = asyncio.Queue()

    def start(self) -> None:
        pass

    def stop(self) -> None:
        pass

    async def sees(self, counts: str) -> None:
        """Shows so many hands in a frame each, and waits until they were looked at."""
        for number, count in enumerate(counts):
            self._seen.put_nowait(Observation(number / 30, int(count)))
        await self._seen.join()

    @asynccontextmanager
    async def watch(self) -> AsyncGenerator[AsyncIterator[Any]]:
        async def sights() -> AsyncIterator[Any]:
            while True:
                yield SimpleNamespace(observation=await self._seen.get())
                self._seen.task_done()

        yield sights()


LEAVES, ANOTHER_COMES = "111" + 12 * "0", "111" + 12 * "0" + "1"


@pytest.mark.parametrize(("seen", "opened"), [(LEAVES, 1), (ANOTHER_COMES, 0)])
async def test_who_walks_on_is_let_pass_and_nobody_by_the_answer_to_the_one_before(
    at_gate: AtGates, canned: CannedService, seen: str, opened: int
) -> None:
    eyes = SeenHands()

    async def answers() -> Entry:
        await eyes.sees(seen)
        return OPEN

    canned.will("POST /entries", lambda _: answers())
    next_screen = after(GateAnswer.PASS, 1) if opened else WAITING
    here = at_gate(STARTING, (WAITING, palm), (next_screen, WAITS))
    here.kiosk.eyes = cast(Any, eyes)
    lane = here.kiosk.lane
    assert lane is not None
    assert isinstance(lane.release, SimulatedRelease)
    async with here.running():
        await here.stage.reached()
        await lane.told()
    assert lane.release.times == opened
    (told,) = canned.requests("PUT /entries/entry-0001/passage")
    assert told.json["passed"] is (opened == 1)


# Without a network


async def listed(here: Stand, canned: CannedService, service: SignatureService) -> None:
    """Gives the kiosk a list on which Alex is."""

    def make(asked: Asked) -> SiteList:
        key = ListRequest.model_validate_json(asked.body).key
        return site_list("alex", key=key, device_id=service.device_id)

    canned.will("PUT /door/list", *[make] * 9)
    assert here.kiosk.lane is not None
    here.kiosk.lane.own = OwnList(service, here.clock, PlainMatching)
    await here.kiosk.lane.own.renew()


async def test_the_people_of_the_gates_own_list_pass_without_a_network_and_are_told_afterwards(
    at_gate: AtGates, canned: CannedService, service: SignatureService
) -> None:
    canned.will("POST /identifications", *[HangUp()] * 60)
    here = at_gate(
        STARTING,
        (WAITING, lambda: burst("alex")),
        (after(GateAnswer.PASS, 1), lambda: burst("a stranger")),
        (after(GateAnswer.NOT_KNOWN, 2), WAITS),
        door=DOOR.model_copy(update={"keeps_list": True}),
    )
    lane = here.kiosk.lane
    assert lane is not None
    assert isinstance(lane.release, SimulatedRelease)
    await listed(here, canned, service)
    async with here.running():
        await here.stage.reached()
        await lane.told()
    assert lane.release.times == 1
    (told,) = [each for each in canned.asked if each.path.startswith("/door/passages/")]
    assert told.json["mark"] == mark_of("alex")
    # The kiosk has ended, and its list with it.
    assert lane.own is not None
    assert lane.own.told is None
