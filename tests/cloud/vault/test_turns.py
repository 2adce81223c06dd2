"""Those who ask the vault take turns, so that nobody is held up by another's many questions."""

import asyncio
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager

import pytest

from cloud.vault.turns import NothingThere, Turns


def turns_at(count: int) -> Turns[int]:
    """Returns turns at the first so many numbers."""
    turns = Turns[int]()
    turns.offer(range(count))
    return turns


@asynccontextmanager
async def turn(turns: Turns[int], asker: str) -> AsyncGenerator[int]:
    thing = await turns.take(asker)
    try:
        yield thing
    finally:
        turns.end(asker, thing)


def order_of(askers: Sequence[str], cancelled: Sequence[int] = (), during: str = "first") -> str:
    """Returns the order in which turns are given to askers, who all come during a turn of another;
    those at these positions are cancelled meanwhile."""
    given: list[str] = []

    async def run() -> None:
        turns = turns_at(1)

        async def take(asker: str) -> None:
            async with turn(turns, asker):
                given.append(asker)
                await asyncio.sleep(0)

        async with turn(turns, during):
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
        turns = turns_at(1)

        async def take() -> None:
            async with turn(turns, "a"):
                pass

        async with turn(turns, "first"):
            waiting = asyncio.create_task(take())
            await asyncio.sleep(0)
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting
        async with asyncio.timeout(60), turn(turns, "b"):
            pass

    asyncio.run(run())


def most_at_once(askers: Sequence[str], at_once: int) -> list[str]:
    """Returns those who have a turn at the same time, once nobody else gets one."""
    served: list[str] = []

    async def run() -> None:
        turns = turns_at(at_once)

        async def take(asker: str) -> None:
            async with turn(turns, asker):
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
        turns = turns_at(1)
        with pytest.raises(ValueError, match="broken"):
            async with turn(turns, "a"):
                raise ValueError("broken")
        async with asyncio.timeout(60), turn(turns, "b"):
            pass

    asyncio.run(run())


def test_a_thing_is_given_to_nobody_while_it_is_withdrawn_and_then_once():
    async def run() -> None:
        turns = turns_at(2)
        async with turn(turns, "a") as first:
            turns.withdraw([first])
            turns.offer([first])
            async with turn(turns, "b") as second:
                assert {first, second} == {0, 1}
                turns.withdraw([first])
        turns.offer([first])
        async with turn(turns, "a"), turn(turns, "b"):
            assert await turns_given(turns, "c") == []

    asyncio.run(run())


async def turns_given(turns: Turns[int], asker: str) -> list[int]:
    """Returns what an asker is given at once."""
    asking = asyncio.create_task(turns.take(asker))
    for _ in range(10):
        await asyncio.sleep(0)
    given = [asking.result()] if asking.done() else []
    asking.cancel()
    return given


def test_the_thing_with_the_least_load_is_given():
    async def run() -> None:
        load = {0: 3, 1: 1, 2: 2}
        turns = Turns[int](load.__getitem__)
        turns.offer(list(load))
        assert [await turns.take(asker) for asker in "abc"] == [1, 2, 0]

    asyncio.run(run())


def test_who_waits_where_nothing_is_left_is_told_so():
    async def run() -> None:
        turns = turns_at(1)
        thing = await turns.take("a")
        waiting = asyncio.create_task(turns.take("b"))
        await asyncio.sleep(0)
        turns.withdraw([thing])
        for asked in (waiting, turns.take("c")):
            with pytest.raises(NothingThere):
                await asked
        turns.end("a", thing)
        turns.offer([thing])
        assert await turns.take("a") == thing

    asyncio.run(run())
