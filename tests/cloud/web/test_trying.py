"""A request is answered again when what its transaction has failed for is gone."""

import sqlite3
from collections.abc import Callable
from typing import Any, cast

import pytest

from cloud.context import Database
from cloud.web.trying import TRIES, answering, finish

pytestmark = pytest.mark.anyio


class Full:
    """A database on a full disk, whose reserve is let go each time that somebody asks."""

    def let_go(self, error: BaseException) -> bool:
        return isinstance(error, sqlite3.OperationalError)


def failing(times: int, tried: list[bool]) -> Callable[[bool], Any]:
    async def work(again: bool) -> str:
        tried.append(again)
        if len(tried) <= times:
            raise sqlite3.OperationalError("database or disk is full")
        return "left"

    return work


async def test_who_leaves_is_answered_also_when_the_reserve_was_made_again_meanwhile() -> None:
    tried: list[bool] = []
    work = failing(2, tried)
    assert await answering(work, cast(Database, Full()), serves_deletion=True) == "left"
    assert tried == [False, True, True]


@pytest.mark.parametrize(("serves_deletion", "times"), [(True, TRIES), (False, 1)])
async def test_what_stays_is_told(*, serves_deletion: bool, times: int) -> None:
    tried: list[bool] = []
    with pytest.raises(sqlite3.OperationalError):
        await answering(
            failing(TRIES, tried), cast(Database, Full()), serves_deletion=serves_deletion
        )
    assert len(tried) == times


async def test_what_fails_after_a_request_keeps_nothing_else_from_being_done(
    caplog: pytest.LogCaptureFixture,
) -> None:
    done: list[str] = []

    async def fails() -> None:
        raise sqlite3.OperationalError("quotes a phone number")

    async def works() -> None:
        done.append("erased")

    await finish([fails, works])
    assert done == ["erased"]
    assert "something remains to be done" in caplog.text
    assert "phone number" not in caplog.text
