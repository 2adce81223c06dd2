"""What watches the service is told the truth about it."""

import asyncio
from dataclasses import replace
from typing import Any

import httpx
import pytest
from sqlalchemy.engine import URL

from cloud.app import create_app
from cloud.db.postgres import PostgresDatabase
from cloud.vault.kept import VaultState
from cloud.web import health
from tests.support.postgres import another
from tests.support.served import Served


def test_a_service_that_works_is_alive_and_ready(served: Served):
    anybody = served.device().http
    assert anybody.get("/healthz").json() == {"alive": True}
    ready = anybody.get("/readyz")
    assert (ready.status_code, ready.json()) == (200, {"database": "works", "vault": "works"})


def test_without_a_vault_it_is_alive_and_not_ready(served: Served):
    class Gone:
        state = VaultState.STARTING

    # Its database is of the service's loop.
    alive, ready = served.do(answers_of(replace(served.context, vault=Gone())))
    assert alive.status_code == 200
    assert (ready.status_code, ready.json()["vault"]) == (503, "is_being_started")
    assert ready.headers["retry-after"] == "1"


def test_a_database_that_does_not_answer_in_time_is_told_and_asked_only_once(
    served: Served, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(health, "PATIENCE_S", 0.0)
    monkeypatch.setattr(health, "REMEMBERED_S", -1.0)
    asked = 0

    class Silent:
        is_for_deletions_only = False

        async def __aenter__(self) -> None:
            nonlocal asked
            asked += 1
            await asyncio.Event().wait()

        async def __aexit__(self, *_: object) -> None: ...

        def session(self) -> "Silent":
            return self

    context = replace(served.context, database=Silent())
    answers = asyncio.run(answers_of(context, "/readyz", "/readyz"))
    for answer in answers:
        assert (answer.status_code, answer.json()["database"]) == (503, "does_not_answer")
    assert asked == 1


@pytest.mark.process
def test_a_standby_in_which_nothing_can_be_written_is_not_ready(
    served: Served, caplog: pytest.LogCaptureFixture
):
    async def ask(address: URL) -> httpx.Response:
        database = PostgresDatabase(address)
        try:
            (answer,) = await answers_of(replace(served.context, database=database), "/readyz")
            return answer
        finally:
            await database.close()

    with another() as server:
        address = server.make("palm")
        assert asyncio.run(ask(address)).status_code == 200
        server.become_standby()
        answer = asyncio.run(ask(address))
    assert (answer.status_code, answer.json()["database"]) == (503, "does_not_answer")
    assert "takes no changes: it is a standby" in caplog.text


async def answers_of(context: Any, *paths: str) -> list[httpx.Response]:
    """Returns the answers of an application with this context to one path after the other."""
    transport = httpx.ASGITransport(create_app(context))
    async with httpx.AsyncClient(transport=transport, base_url="https://service") as client:
        return [await client.get(path) for path in paths or ("/healthz", "/readyz")]
