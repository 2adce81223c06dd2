import asyncio
from dataclasses import replace
from typing import Any

import pytest

from kiosk.capture.guidance import Guidance, Instruction
from kiosk.idle import IdleWatch, Withdrawn
from kiosk.qr_code import qr_code
from kiosk.screens import (
    AskConsent,
    Choice,
    ConfirmByPhone,
    HoldPalm,
    PayAnotherWay,
    Screen,
    Work,
    Working,
)
from kiosk.settings import Patience
from kiosk.stage import WalkedAway
from protocol.messages import Card, Money, Purpose
from tests.support.canned import CONSENT as TEXT
from tests.support.clocks import TurnedClock
from tests.support.scripted import WAITS, ScriptedStage

pytestmark = pytest.mark.anyio

PATIENCE = Patience(idle_s=40, warning_s=10)
CONSENT = AskConsent(TEXT)


@pytest.fixture
def clock() -> TurnedClock:
    return TurnedClock()


@pytest.fixture
def stage(clock: TurnedClock) -> ScriptedStage:
    return ScriptedStage([(AskConsent, WAITS)], now=clock.now)


@pytest.fixture
def attention(stage: ScriptedStage, clock: TurnedClock) -> IdleWatch:
    return IdleWatch(stage, clock, PATIENCE)


async def test_nobody_is_warned_while_there_is_time(
    attention: IdleWatch, stage: ScriptedStage, clock: TurnedClock
) -> None:
    asked = asyncio.ensure_future(attention.ask(CONSENT))
    await clock.turn(29.9)
    assert stage.warnings == []
    asked.cancel()


async def test_nobody_is_taken_to_have_left_who_confirms_a_payment_on_their_phone(
    attention: IdleWatch, stage: ScriptedStage, clock: TurnedClock
) -> None:
    amount = Money(minor=1250, currency="USD")
    confirm = ConfirmByPhone(
        "Corner Shop", amount, Card(brand="visa", last4="4242"), qr_code("https://bank.test")
    )
    stage.script[:] = [(confirm, WAITS)]
    asked = asyncio.ensure_future(attention.ask(confirm))
    await clock.turn(300)
    assert not asked.done()
    assert stage.warnings == []
    asked.cancel()


async def test_a_warning_counts_down_and_then_the_shopper_has_walked_away(
    attention: IdleWatch, stage: ScriptedStage, clock: TurnedClock
) -> None:
    asked = asyncio.ensure_future(attention.ask(CONSENT))
    await clock.turn(40.1)
    with pytest.raises(WalkedAway):
        await asked
    assert stage.warnings == [10, 9, 8, 7, 6, 5, 4, 3, 2, 1, None]


async def test_a_touch_takes_the_warning_away_and_gives_the_whole_time_again(
    attention: IdleWatch, stage: ScriptedStage, clock: TurnedClock
) -> None:
    asked = asyncio.ensure_future(attention.ask(CONSENT))
    await clock.turn(35)
    stage.touched = clock.now()
    await clock.turn(0.2)
    assert stage.warnings[-1] is None
    await clock.turn(39)
    assert not asked.done()
    await clock.turn(2)
    with pytest.raises(WalkedAway):
        await asked


async def test_an_answer_under_the_warning_takes_it_away(
    clock: TurnedClock,
) -> None:
    answer: asyncio.Future[Choice] = asyncio.get_running_loop().create_future()

    async def slowly() -> Choice:
        return await answer

    stage = ScriptedStage([(AskConsent, slowly)], now=clock.now)
    asked = asyncio.ensure_future(IdleWatch(stage, clock, PATIENCE).ask(CONSENT))
    await clock.turn(35)
    answer.set_result(Choice.AGREE)
    assert await asked is Choice.AGREE
    assert stage.warnings[-1] is None


@pytest.mark.parametrize(
    ("instruction", "attended"),
    [
        (Instruction.MOVE_CLOSER, True),
        (Instruction.SHOW_PALM, False),
        (Instruction.TAKE_AWAY, False),
    ],
)
async def test_a_hand_in_view_is_attention_and_an_empty_view_is_not(
    clock: TurnedClock, instruction: Instruction, attended: bool
) -> None:
    stage = ScriptedStage([(HoldPalm, WAITS)], now=clock.now)
    attention = IdleWatch(stage, clock, PATIENCE)
    asked = asyncio.ensure_future(attention.ask(HoldPalm(Purpose.PAY)))
    await clock.turn(25)
    attention.show(HoldPalm(Purpose.PAY, Guidance(instruction)))
    await clock.turn(25)
    assert asked.done() is not attended
    asked.cancel()
    await asyncio.gather(asked, return_exceptions=True)


async def test_the_till_ends_a_question_by_taking_its_sale_back(
    stage: ScriptedStage, clock: TurnedClock
) -> None:
    withdrawn = asyncio.Event()

    async def until_withdrawn() -> None:
        await withdrawn.wait()

    attention = IdleWatch(stage, clock, PATIENCE, until_withdrawn)
    asked = asyncio.ensure_future(attention.ask(CONSENT))
    await clock.turn(1)
    withdrawn.set()
    with pytest.raises(Withdrawn):
        await asked


PAYING = Working(Work.PAYING, Money(minor=1250, currency="USD"), "Corner Shop")


async def test_work_that_takes_long_says_so_after_five_seconds_and_keeps_the_amount(
    attention: IdleWatch, stage: ScriptedStage, clock: TurnedClock
) -> None:
    attention.show(PAYING)
    await clock.turn(4.9)
    assert stage.shown == [PAYING]
    await clock.turn(0.2)
    assert stage.shown == [PAYING, replace(PAYING, slow=True)]


async def test_a_way_out_that_comes_or_goes_does_not_begin_the_time_anew(
    attention: IdleWatch, stage: ScriptedStage, clock: TurnedClock
) -> None:
    attention.show(PAYING)
    await clock.turn(3)
    attention.show(replace(PAYING, way_out=True))
    await clock.turn(2.1)
    assert stage.shown[-1] == replace(PAYING, way_out=True, slow=True)
    attention.show(PAYING)
    assert stage.shown[-1] == replace(PAYING, slow=True)


@pytest.mark.parametrize("then", [HoldPalm(Purpose.PAY), Working(Work.CHECKING_CODE)], ids=repr)
async def test_work_that_is_done_in_time_says_nothing_later(
    attention: IdleWatch, stage: ScriptedStage, clock: TurnedClock, then: Screen[Any]
) -> None:
    attention.show(PAYING)
    await clock.turn(4)
    attention.show(then)
    await clock.turn(1.5)
    assert stage.shown == [PAYING, then]
    attention.close()
    await clock.turn(60)
    assert stage.shown == [PAYING, then]


async def test_a_touch_keeps_a_result_for_its_time_again(clock: TurnedClock) -> None:
    stage = ScriptedStage([(PayAnotherWay, WAITS)], now=clock.now)
    asked = asyncio.ensure_future(
        IdleWatch(stage, clock, PATIENCE).ask(PayAnotherWay("Corner Shop"))
    )
    await clock.turn(3)
    stage.touched = clock.now()
    await clock.turn(3.9)
    assert not asked.done()
    await clock.turn(0.2)
    assert await asked is Choice.DONE
