"""The smaller parts, each by itself."""

import asyncio
import json
import threading
import tomllib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from urllib.parse import parse_qs

import httpx
import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from cryptography.exceptions import InvalidTag
from pydantic import SecretStr
from sqlalchemy import create_engine, func, select

from cloud.app import create_app
from cloud.db import database
from cloud.db.tables import Table
from cloud.keys.person_keys import Key, MasterKey
from cloud.keys.tables import Person
from cloud.messages import NoMessenger, NotSent
from cloud.messages.sandbox import SandboxMessenger
from cloud.messages.twilio import TwilioMessenger
from cloud.people.accounts import Profile
from cloud.people.tables import EnrolmentRow
from cloud.settings import Messages
from protocol.messages import ProblemType
from tests.support.device import Refused, fresh_phone
from tests.support.served import Served


def test_the_version_stands_in_one_place():
    project = tomllib.loads((Path(__file__).parents[2] / "pyproject.toml").read_text())
    assert project["project"]["dynamic"] == ["version"]
    assert project["tool"]["setuptools"]["dynamic"]["version"] == {"attr": "protocol.VERSION"}


def test_the_migrations_make_the_tables_the_service_expects(tmp_path: Path):
    database.migrate(tmp_path / "palms.db")
    engine = create_engine(f"sqlite:///{tmp_path / 'palms.db'}")
    with engine.connect() as connection:
        assert compare_metadata(MigrationContext.configure(connection), Table.metadata) == []
    engine.dispose()


def test_migrating_again_changes_nothing(tmp_path: Path):
    database.migrate(tmp_path / "palms.db")
    before = (tmp_path / "palms.db").read_bytes()
    database.migrate(tmp_path / "palms.db")
    assert (tmp_path / "palms.db").read_bytes() == before


# Keys


def test_a_sealed_value_opens_in_its_own_place_only():
    key = Key.generate()
    sealed = key.seal(b"value", "cards.detail/1")
    assert key.open(sealed, "cards.detail/1") == b"value"
    with pytest.raises(InvalidTag):
        key.open(sealed, "cards.detail/2")
    with pytest.raises(InvalidTag):
        Key.generate().open(sealed, "cards.detail/1")


def test_a_persons_key_is_unwrapped_for_that_person_only():
    master = MasterKey(bytes(32))
    key = Key.generate()
    wrapped = master.wrap(key, "person_1")
    assert master.unwrap(wrapped, "person_1") == key
    with pytest.raises(InvalidTag):
        master.unwrap(wrapped, "person_2")
    with pytest.raises(InvalidTag):
        MasterKey(bytes([1] * 32)).unwrap(wrapped, "person_1")


def test_neither_key_nor_number_shows_when_printed():
    key = Key.generate()
    profile = Profile(phone="+14155550123", consent_version="1", agreed_at=datetime.now(UTC))
    assert repr(key.raw) not in repr(key)
    assert "4155550123" not in repr(profile)


# Messages


def test_the_sandboxs_phone_keeps_what_came_after_what_was_read():
    messenger = SandboxMessenger()
    for text in ("123456 is your code", "no code here"):
        asyncio.run(messenger.send("+14155550123", text))
    first, second = messenger.after(0)
    assert (first.number, first.code, second.code) == (1, "123456", None)
    assert messenger.after(1) == [second]


def test_the_simulated_phone_is_there_in_the_sandbox_only(served: Served):
    sandboxed = {path for path in app_paths(served, sandbox=True) if "sandbox" in path}
    assert sandboxed
    assert not sandboxed & app_paths(served, sandbox=False)


def app_paths(served: Served, *, sandbox: bool) -> set[str]:
    return set(create_app(replace(served.context, sandbox=sandbox)).openapi()["paths"])


def test_without_a_provider_no_message_is_sent():
    with pytest.raises(NotSent, match=r"settings\.toml"):
        asyncio.run(NoMessenger().send("+14155550123", "text"))


Asked = list[tuple[str, str, dict[str, list[str]]]]


@contextmanager
def twilio(status: int) -> Iterator[tuple[TwilioMessenger, Asked]]:
    """One that answers so, and what it was asked: path, authorization, form."""
    asked: Asked = []

    class Api(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"])).decode()
            asked.append((self.path, self.headers["authorization"], parse_qs(body)))
            answer = json.dumps({"message": "The number +14155550123 is no number"}).encode()
            self.send_response(status)
            self.send_header("content-length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)

        def log_message(self, *_: object) -> None: ...

    server = HTTPServer(("127.0.0.1", 0), Api)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    settings = Messages(
        provider="twilio",
        twilio_account="AC123",
        twilio_token=SecretStr("hush"),
        twilio_from="+15005550006",
    )
    yield TwilioMessenger(settings, f"http://127.0.0.1:{server.server_port}"), asked
    server.shutdown()
    thread.join()
    server.server_close()


def test_twilio_is_asked_to_send_what_was_written():
    with twilio(201) as (messenger, asked):
        asyncio.run(messenger.send("+14155550123", "123456 is your code"))
    ((path, authorization, form),) = asked
    assert path == "/2010-04-01/Accounts/AC123/Messages.json"
    assert authorization == "Basic QUMxMjM6aHVzaA=="
    assert form == {
        "To": ["+14155550123"],
        "From": ["+15005550006"],
        "Body": ["123456 is your code"],
    }


@pytest.mark.parametrize("status", [400, 401, 429, 500])
def test_a_message_twilio_does_not_take_was_not_sent_and_the_number_is_not_told(status: int):
    with twilio(status) as (messenger, _), pytest.raises(NotSent) as caught:
        asyncio.run(messenger.send("+14155550123", "123456 is your code"))
    assert str(status) in str(caught.value)
    assert "555" not in str(caught.value)


def test_an_enrolment_whose_code_cannot_be_sent_leaves_nothing(served: Served):
    kiosk = served.kiosk()

    async def count() -> list[int | None]:
        async with served.context.database.session() as session:
            return [
                await session.scalar(select(func.count()).select_from(table))
                for table in (Person, EnrolmentRow)
            ]

    before = served.do(count())
    working, served.context.messenger = served.context.messenger, NoMessenger()
    try:
        with pytest.raises(Refused) as refused:
            kiosk.begin_enrolment(fresh_phone())
    finally:
        served.context.messenger = working
    assert refused.value.problem.type is ProblemType.PROVIDER_UNAVAILABLE
    assert served.do(count()) == before


def test_the_simulated_phone_is_read_on_this_machine_only(served: Served):
    app = create_app(served.context)

    async def read(address: str) -> int:
        transport = httpx.ASGITransport(app, client=(address, 1))
        async with httpx.AsyncClient(transport=transport, base_url="https://service") as client:
            return (await client.get("/v1/sandbox/messages")).status_code

    assert asyncio.run(read("127.0.0.1")) == 200
    assert asyncio.run(read("192.0.2.1")) == 404
