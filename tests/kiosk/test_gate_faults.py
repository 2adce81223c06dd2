"""Faults between every two messages at a gate: no wrong door opens, and the service hears what is
true. The figures in docs/integrations/gates.md are those of this table."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from hardware.address import Address
from hardware.faults import TemporaryFault
from hardware.gate import SimulatedController, SimulatedRelease, Verdict
from kiosk.capture.succession import Succession
from kiosk.lane import Lane
from kiosk.passages import PassageJournal
from kiosk.screens import AtGate, GateAnswer
from kiosk.service.client import SignatureService
from kiosk.service.errors import ServiceError
from kiosk.visits.enter import enter
from protocol.credential import Credential, CredentialFormat
from protocol.entry import Admission, Entry
from protocol.messages import Direction, Outcome, ProblemType
from tests.support.canned import Asked, CannedService, HangUp, Reply, identification, problem
from tests.support.clocks import HurriedClock
from tests.support.scripted import ScriptedVisit, palm
from tests.support.sealed import sealed

pytestmark = pytest.mark.anyio

DOCUMENT = Path(__file__).parents[2] / "docs" / "integrations" / "gates.md"
SCREEN = AtGate(merchant="Corner Shop")
BADGE = Credential(format=CredentialFormat.WIEGAND_26, facility=12, number=4567)
PALM, DOOR, TOLD = "POST /identifications", "POST /entries", "PUT /entries/entry-0001/passage"
MESSAGES = (PALM, DOOR, TOLD)
"""What is sent for each person, in this order. The gate acts between the last two."""
OFTEN = 200
"""More often than the kiosk tries while a fault lasts."""

ENTRY = Entry(
    entry_id="entry-0001", admission=Admission.OPEN, direction=Direction.ENTRY, site="Works"
)
RELAY, CONTROLLER = Admission.OPEN, Admission.PRESENT
KILLED, REVOKED, CUT, SILENT, STUCK, PULLED = (
    "the service is killed",
    "the device is revoked",
    "the controller's line is cut",
    "the controller is silent",
    "the gate does not open",
    "the kiosk is killed",
)


Broken = Reply | HangUp


@dataclass(frozen=True)
class Case:
    """A fault that begins when a message is on its way, at a door, and what comes of it."""

    admission: Admission
    fault: str
    message: str
    answer: GateAnswer | None
    """None where the person has no answer: they are asked to use their card."""
    acted: bool
    """Whether the gate opened, or the controller had the credential."""
    told: list[bool]
    """What the service hears in the end of whether they passed."""

    def __str__(self) -> str:
        return f"{self.admission}, {self.fault}, {self.message.split('/')[1]}"


def _cases() -> list[Case]:
    cases: list[Case] = []
    for admission in (RELAY, CONTROLLER):
        for fault in (KILLED, REVOKED, PULLED):
            cases += [Case(admission, fault, each, None, False, []) for each in (PALM, DOOR)]
        for fault in (KILLED, REVOKED):
            cases.append(Case(admission, fault, TOLD, GateAnswer.PASS, True, [True]))
        cases.append(Case(admission, PULLED, TOLD, GateAnswer.PASS, True, [True]))
    for each in (PALM, DOOR):
        cases += [
            Case(RELAY, STUCK, each, GateAnswer.GATE_FAULT, False, [False]),
            Case(CONTROLLER, CUT, each, GateAnswer.GATE_FAULT, False, [False]),
            Case(CONTROLLER, SILENT, each, GateAnswer.NO_ANSWER, True, [False]),
        ]
    return cases


CASES = _cases()


class Gate:
    """One gate, and what goes wrong at it."""

    def __init__(self, canned: CannedService, service: SignatureService, folder: Path) -> None:
        self.canned = canned
        self.service = service
        self.release = SimulatedRelease()
        self.controller = SimulatedController(Address.parse("sim:?after=0"))
        self.journal = PassageJournal(sealed(folder))
        self.heard: list[bool] = []
        self.broke = asyncio.Event()

    def lane(self) -> Lane:
        clock = HurriedClock()
        return Lane(self.controller, self.release, None, self.service, clock, self.journal, None)

    @property
    def acted(self) -> int:
        return self.release.times + len(self.controller.credentials)

    def breaks(self, case: Case, person: "asyncio.Task[GateAnswer | None]") -> Broken | None:
        """Breaks what the case says while a message is on its way. Returns its answer, None for the
        usual one."""
        self.broke.set()
        if case.fault == KILLED:
            return self._from(case.message, HangUp())
        if case.fault == REVOKED:
            return self._from(case.message, problem(ProblemType.UNKNOWN_DEVICE, 401))
        if case.fault == PULLED:
            person.cancel()
            return self._from(case.message, HangUp())
        if case.fault == CUT:
            self.controller.cut()
        elif case.fault == SILENT:
            self.controller.answer(Verdict.NONE)
        else:
            self.release.fail_next(TemporaryFault("It is stuck.", "Mend it."))
        return None

    def hears(self, asked: Asked) -> Reply:
        """The service hears whether somebody has passed."""
        self.heard.append(asked.json["passed"])
        return Reply(204, b"")

    def _from(self, message: str, answer: Broken) -> Broken:
        for each in MESSAGES[MESSAGES.index(message) :]:
            self.canned.forget(each)
            self.canned.will(each, *[answer] * OFTEN)
        return answer

    def mend(self) -> None:
        for each in MESSAGES:
            self.canned.forget(each)
        if self.controller.fault is not None:
            self.controller.mend()


@pytest.mark.parametrize("case", CASES, ids=str)
async def test_no_wrong_door_opens_and_the_service_hears_what_is_true(
    case: Case,
    canned: CannedService,
    service: SignatureService,
    visit: Callable[..., ScriptedVisit],
    tmp_path: Path,
) -> None:
    """Somebody comes to the gate, and something breaks while a message of theirs is on its way. All
    is well again, and a stranger comes."""
    gate = Gate(canned, service, tmp_path / "passages")
    lane = gate.lane()
    running = asyncio.ensure_future(lane.run())
    person = asyncio.ensure_future(_comes(lane, visit))
    usual: dict[str, Callable[[Asked], Any]] = {
        PALM: lambda _: identification(),
        DOOR: lambda _: ENTRY.model_copy(
            update={
                "admission": case.admission,
                "credential": BADGE if case.admission is CONTROLLER else None,
            }
        ),
        TOLD: gate.hears,
    }
    broken = usual[case.message]
    usual[case.message] = lambda asked: gate.breaks(case, person) or broken(asked)
    for message, answer in usual.items():
        canned.will(message, answer)
    await asyncio.wait([person])
    assert (None if person.cancelled() else person.result()) is case.answer
    assert gate.acted == case.acted
    if case.message == TOLD:
        await gate.broke.wait()
    else:
        await lane.told()
    running.cancel()
    await asyncio.wait([running])

    gate.mend()
    canned.will(TOLD, *[gate.hears] * OFTEN)
    canned.will(PALM, identification(Outcome.REFUSED))
    lane = gate.lane()
    running = asyncio.ensure_future(lane.run())
    assert await _comes(lane, visit) is GateAnswer.NOT_KNOWN
    await lane.told()
    running.cancel()
    await asyncio.wait([running])
    assert gate.acted == case.acted
    assert gate.heard == case.told
    assert list(gate.journal.untold()) == []


def test_the_document_has_these_figures() -> None:
    text = DOCUMENT.read_text()
    for fault in (KILLED, REVOKED, CUT, SILENT, STUCK, PULLED):
        tried = sum(case.fault == fault for case in CASES)
        assert f"| {fault} | {tried} | 0 | 0 |" in text, (fault, tried)


async def _comes(lane: Lane, visit: Callable[..., ScriptedVisit]) -> GateAnswer | None:
    try:
        answered = await enter(visit(), lane, SCREEN, palm(), Succession())
    except ServiceError:
        return None
    assert answered is not None
    return answered.answer
