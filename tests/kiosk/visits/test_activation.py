"""Staff show the code that activates the kiosk to its camera, or type it."""

import pytest

from hardware.faults import TemporaryFault
from kiosk.screens import Choice, EnterActivationCode, EntryProblem, ScanActivationCode
from kiosk.visits.activation import ActivationCodes
from protocol.messages import ACTIVATION_MARK
from tests.support.scripted import WAITS, Line, ScriptedCodes, ScriptedStage, typed

pytestmark = pytest.mark.anyio

CODE, OTHER = "04712938", "05500017"
SHOWN = f"{ACTIVATION_MARK}{CODE}"


class LostCamera:
    last = None

    async def read(self, but: str | None = None) -> str:
        del but
        raise TemporaryFault("Unplugged.", "Plug it in.")


async def asks(
    codes: ScriptedCodes | LostCamera | None, *script: Line, problem: EntryProblem | None = None
) -> str | None:
    stage = ScriptedStage(list(script))
    found = await ActivationCodes(stage, codes).ask(problem)
    assert stage.over
    return found


async def test_the_digits_of_a_code_that_is_shown_are_read() -> None:
    assert await asks(ScriptedCodes(SHOWN), (ScanActivationCode(), WAITS)) == CODE


@pytest.mark.parametrize(
    "other",
    [
        "https://evil.example/04712938",
        "04712938",
        f"{ACTIVATION_MARK}0471293",
        f"{SHOWN}0",
        f"{SHOWN}\n",
        f"{ACTIVATION_MARK}٠٤٧١٢٩٣٨",
        "PALM-BEGUN 482109375518",
    ],
)
async def test_of_any_other_code_nothing_is_taken(other: str) -> None:
    told = ScanActivationCode(EntryProblem.ANOTHER_CODE)
    script = ((ScanActivationCode(), WAITS), (told, Choice.BACK))
    assert await asks(ScriptedCodes(other, other), *script) is None
    script = ((ScanActivationCode(), WAITS), (told, WAITS))
    assert await asks(ScriptedCodes(other, SHOWN), *script) == CODE


async def test_a_code_that_was_refused_is_told_once_and_another_one_is_read() -> None:
    refused = ScanActivationCode(EntryProblem.WRONG_CODE)
    stage = ScriptedStage([(ScanActivationCode(), WAITS), (refused, WAITS)])
    shown = ScriptedCodes(SHOWN, SHOWN, f"{ACTIVATION_MARK}{OTHER}")
    codes = ActivationCodes(stage, shown)
    assert await codes.ask(None) == CODE
    assert await codes.ask(EntryProblem.WRONG_CODE) == OTHER


async def test_the_digits_can_be_typed_instead_and_who_goes_back_shows_a_code() -> None:
    to_type: list[Line] = [(ScanActivationCode(), Choice.USE_NUMBER)]
    assert await asks(ScriptedCodes(), *to_type, (EnterActivationCode(), typed(CODE))) == CODE
    back = (*to_type, (EnterActivationCode(), Choice.BACK), (ScanActivationCode(), Choice.BACK))
    assert await asks(ScriptedCodes(), *back) is None


@pytest.mark.parametrize("camera", [LostCamera(), None], ids=["lost", "none"])
async def test_without_a_camera_they_are_typed(camera: LostCamera | None) -> None:
    looks: list[Line] = [] if camera is None else [(ScanActivationCode(), WAITS)]
    assert await asks(camera, *looks, (EnterActivationCode(), typed(CODE))) == CODE
    assert await asks(camera, *looks, (EnterActivationCode(), Choice.BACK)) is None


async def test_with_an_open_case_nothing_is_read() -> None:
    problem = EntryProblem.CASE_OPEN
    told = EnterActivationCode(problem)
    assert await asks(ScriptedCodes(SHOWN), (told, typed(CODE)), problem=problem) == CODE
    assert await asks(ScriptedCodes(SHOWN), (told, Choice.BACK), problem=problem) is None
