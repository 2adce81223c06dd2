"""Those who ask the vault take turns, so that nobody is held up by another's many questions."""

import asyncio
from collections.abc import Sequence

import pytest

from cloud.vault.turns import Turns


def order_of(askers: Sequence[str], cancelled: Sequence[int] = (), during: str = "first") -> str:
    """Returns the order in which turns are given to askers, who all come during a turn of another;
    those at these positions are cancelled meanwhile."""
    given: list[str] = []

    async def run() -> None:
        turns = Turns(1)

        async def take(asker: str) -> None:
            async with turns.turn(asker):
                given.append(asker)
                await asyncio.sleep(0)

        async with turns.turn(during):
            tasks = [asyncio.create_task(take(asker)) for asker in askers]
            await asyncio.sleep(0)
            for position in cancelled:
                tasks[position].cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        assert len(given) == len(askers) - len(cancelled)

    asyncio.run(run())
    return "".join(given)


def test_one_with_many_questions_delays_another_by_one():
    assert order_of("aaaaab") == "abaaaa"


def test_all_who_wait_take_turns_in_rotation():
    assert order_of("aaabbc") == "abcaba"


def test_who_has_just_had_a_turn_comes_last():
    assert order_of("aab", during="a") == "baa"


@pytest.mark.parametrize("cancelled", [0, 1, 2])
def test_a_turn_that_nobody_waits_for_any_more_is_passed_on(cancelled: int):
    assert sorted(order_of("abc", [cancelled])) == sorted(set("abc") - {"abc"[cancelled]})


def test_a_turn_that_comes_as_its_asker_is_cancelled_is_passed_on():
    async def run() -> None:
        turns = Turns(1)

        async def take() -> None:
            async with turns.turn("a"):
                pass

        async with turns.turn("first"):
            waiting = asyncio.create_task(take())
            await asyncio.sleep(0)
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting
        async with asyncio.timeout(60), turns.turn("b"):
            pass

    asyncio.run(run())


def most_at_once(askers: Sequence[str], at_once: int) -> list[str]:
    """Returns those who have a turn at the same time, once nobody else gets one."""
    served: list[str] = []

    async def run() -> None:
        turns = Turns(at_once)

        async def take(asker: str) -> None:
            async with turns.turn(asker):
                served.append(asker)
                await asyncio.Event().wait()

        tasks = [asyncio.create_task(take(asker)) for asker in askers]
        for _ in range(10):
            await asyncio.sleep(0)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    asyncio.run(run())
    return served[:at_once]


def test_as_many_askers_as_there_are_turns_are_served_at_the_same_time():
    assert most_at_once("abc", at_once=2) == ["a", "b"]


def test_one_with_many_questions_leaves_the_other_turns_free():
    assert most_at_once("aaaab", at_once=2) == ["a", "b"]


def test_a_turn_ends_with_an_error_in_it_too():
    async def run() -> None:
        turns = Turns(1)
        with pytest.raises(ValueError, match="broken"):
            async with turns.turn("a"):
                raise ValueError("broken")
        async with asyncio.timeout(60), turns.turn("b"):
            pass

    asyncio.run(run())
