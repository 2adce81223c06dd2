"""The door of tills: a real server with TLS on loopback, and what comes through it."""

import asyncio
import json
import logging
import os
import socket
import ssl
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)
from cryptography.x509.oid import NameOID

from kiosk.faults import FileUnusable
from kiosk.screens import Finding, Health
from kiosk.till.nexo import door
from kiosk.till.nexo.certificate import ensure, fingerprint, passphrase
from kiosk.till.nexo.door import MOST, Door
from kiosk.till.nexo.envelope import SharedKey
from kiosk.till.nexo.events import CALLBACK, Events
from kiosk.till.nexo.keys import KeyFile
from kiosk.till.nexo.messages import Json, Message, response
from protocol import connections
from tests.support.sealed import state_of
from tests.support.tills import KEY, opened, payment, request, sealed, told, write_keys

pytestmark = pytest.mark.anyio


class Entrance:
    """A door that is open, and a till's client for it."""

    def __init__(self, folder: Path, *, unencrypted: bool) -> None:
        self.keys = folder / "till-keys.toml"
        write_keys(self.keys, KEY)
        certificate = state_of(folder).files / "till-certificate.pem"
        self.certificate = certificate.path
        ensure(certificate, "till-door.example")
        self.events = Events(None, lambda: None, "palm-kiosk")
        self.door = Door(
            "127.0.0.1",
            0,
            certificate,
            KeyFile(state_of(self.keys.parent).files / self.keys.name),
            self.events,
            unencrypted=unencrypted,
        )
        self.heard: list[Message] = []

    async def answer(self, message: Message) -> Json | None:
        self.heard.append(message)
        return None if message.header.MessageCategory == "Abort" else response(message.header)

    async def send(self, body: bytes | Json, path: str = "/nexo", **headers: str) -> httpx.Response:
        content = body if isinstance(body, bytes) else json.dumps(body).encode()
        trusted = ssl.create_default_context(cafile=self.certificate)
        async with httpx.AsyncClient(verify=trusted, trust_env=False, timeout=60) as client:
            url = f"https://127.0.0.1:{self.door.port}{path}"
            return await client.post(url, content=content, headers=headers)

    async def connect(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        return await asyncio.open_connection("127.0.0.1", self.door.port)


@pytest.fixture(params=[False])
async def entrance(tmp_path: Path, request: pytest.FixtureRequest) -> AsyncIterator[Entrance]:
    entrance = Entrance(tmp_path, unencrypted=request.param)
    opening = asyncio.create_task(entrance.door.serve(entrance.answer))
    async with asyncio.timeout(30):
        await entrance.door.opened.wait()
    yield entrance
    opening.cancel()
    await asyncio.gather(opening, return_exceptions=True)


def fingerprint_of(pem: bytes) -> str:
    certificate = x509.load_pem_x509_certificate(pem)
    return certificate.fingerprint(hashes.SHA256()).hex(":").upper()


def why(answer: httpx.Response) -> str:
    """Returns the words with which a message was rejected."""
    assert answer.status_code == 400
    event = answer.json()["SaleToPOIRequest"]["EventNotification"]
    assert event["EventToNotify"] == "Reject"
    return event["EventDetails"]


@pytest.mark.parametrize("path", ["/nexo", "/nexo/"])
async def test_a_sealed_message_is_answered_in_an_envelope_of_the_same_key(
    entrance: Entrance, path: str
):
    answer = await entrance.send(sealed(request("Diagnosis", {})), path)
    assert told(opened(answer)) == ("Success", None)
    assert "Diagnosis" not in answer.json()["SaleToPOIResponse"]["NexoBlob"]


async def test_an_abort_is_answered_with_nothing(entrance: Entrance):
    answer = await entrance.send(sealed(request("Abort", {})))
    assert (answer.status_code, answer.content) == (200, b"")


async def test_the_key_of_a_message_tells_tills_apart_whatever_its_version(entrance: Entrance):
    own = KEY.model_copy(update={"identifier": "till-2"})
    newer = KEY.model_copy(update={"version": 2})
    write_keys(entrance.keys, KEY, own, newer)
    for key in (KEY, own, newer):
        await entrance.send(sealed(payment(), key))
    assert [message.key for message in entrance.heard] == ["till", "till-2", "till"]


async def test_the_header_outside_the_envelope_is_not_believed(entrance: Entrance):
    message = sealed(payment(sale_id="till-1"))
    message["SaleToPOIRequest"]["MessageHeader"]["SaleID"] = "till-2"
    await entrance.send(message)
    assert entrance.heard[0].header.SaleID == "till-1"


async def test_a_message_without_an_envelope_hears_how_to_make_one(entrance: Entrance):
    assert "one of its keys" in why(await entrance.send(payment()))
    assert entrance.heard == []


@pytest.mark.parametrize("entrance", [True], indirect=True)
async def test_where_it_is_allowed_a_message_without_an_envelope_gets_an_answer_without_one(
    entrance: Entrance,
):
    assert told((await entrance.send(request("Diagnosis", {}))).json()) == ("Success", None)


async def test_a_wrong_key_hears_which_ones_are_expected(entrance: Entrance):
    other = SharedKey(identifier="till", version=2, passphrase="a passphrase of another day")
    words = why(await entrance.send(sealed(payment(), other)))
    assert "'till' version 1" in words
    wrong = SharedKey(identifier="till", version=1, passphrase="a passphrase of another day")
    assert "another passphrase" in why(await entrance.send(sealed(payment(), wrong)))
    assert entrance.heard == []


async def test_keys_are_added_and_withdrawn_while_the_door_is_open(
    entrance: Entrance, caplog: pytest.LogCaptureFixture
):
    new = SharedKey(identifier="till", version=2, passphrase="a passphrase of another day")
    write_keys(entrance.keys, KEY, new)
    for key in (KEY, new):
        answer = await entrance.send(sealed(request("Diagnosis", {}), key))
        assert told(opened(answer, key)) == ("Success", None)
    write_keys(entrance.keys, new)
    assert "'till' version 2" in why(await entrance.send(sealed(payment(), KEY)))
    with caplog.at_level(logging.ERROR):
        entrance.keys.write_text('[[key]]\npassphrase = "secret words that are long"')
        answer = await entrance.send(sealed(request("Diagnosis", {}), new))
    assert told(opened(answer, new)) == ("Success", None), "they stay as they were"
    assert "identifier" in caplog.text
    assert "secret words" not in caplog.text


DEEP = b'{"SaleToPOIRequest":' + b"[" * 100_000


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"null",
        b"[]",
        b'"SaleToPOIRequest"',
        b"\x80",
        b"{",
        DEEP,
        b'{"SaleToPOIRequest": null}',
        b'{"SaleToPOIRequest": []}',
        b'{"SaleToPOIRequest": {"NexoBlob": 1}}',
        b'{"SaleToPOIRequest": {"NexoBlob": "AA==", "SecurityTrailer": 1}}',
        b'{"SaleToPOIRequest": NaN}',
    ],
    ids=lambda body: repr(body[:60]),
)
async def test_what_is_no_message_is_rejected_in_words(entrance: Entrance, body: bytes):
    assert why(await entrance.send(body))
    assert entrance.heard == []


@pytest.mark.parametrize(
    "header",
    [
        {"ProtocolVersion": "2.0"},
        {"MessageClass": "Sales"},
        {"MessageType": "Response"},
        {"ServiceID": "12345678901"},
        {"ServiceID": 1},
        {"SaleID": ""},
        {"SaleID": None},
        {"POIID": {}},
    ],
    ids=repr,
)
async def test_a_header_that_cannot_be_read_is_rejected_by_its_field(
    entrance: Entrance, header: dict[str, Any]
):
    message = payment()
    message["SaleToPOIRequest"]["MessageHeader"] |= header
    assert next(iter(header)) in why(await entrance.send(sealed(message)))


async def test_a_message_that_is_too_large_gets_no_further(entrance: Entrance):
    assert (await entrance.send(b"{" + b" " * MOST)).status_code == 408
    assert entrance.heard == []


async def test_other_paths_and_methods_are_no_door(entrance: Entrance):
    assert (await entrance.send(sealed(payment()), "/")).status_code == 404
    trusted = ssl.create_default_context(cafile=entrance.certificate)
    async with httpx.AsyncClient(verify=trusted, trust_env=False) as client:
        answer = await client.get(f"https://127.0.0.1:{entrance.door.port}/nexo")
    assert answer.status_code == 405


async def test_a_port_that_is_taken_is_told_and_tried_again(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr("kiosk.till.listening.AGAIN_S", 0.01)
    entrance = Entrance(tmp_path, unencrypted=False)
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        keys = KeyFile(state_of(tmp_path).files / entrance.keys.name)
        certificate = state_of(entrance.certificate.parent).files / entrance.certificate.name
        door = Door("127.0.0.1", port, certificate, keys, unencrypted=False)
        opening = asyncio.create_task(door.serve(entrance.answer))
        await asyncio.sleep(0)
        assert f"tills cannot reach port {port}" in caplog.text
        assert door.check().finding is Finding.TILL_SHUT_OUT
    async with asyncio.timeout(30):
        await door.opened.wait()
    opening.cancel()
    await asyncio.gather(opening, return_exceptions=True)


# The maintenance screen


async def test_the_maintenance_screen_tells_port_and_fingerprint(entrance: Entrance):
    check = entrance.door.check()
    told = (entrance.door.port, fingerprint(entrance.certificate))
    assert (check.finding, check.values) == (Finding.TILL_DOOR, told)


async def test_the_maintenance_screen_tells_that_there_is_no_key(entrance: Entrance):
    entrance.keys.unlink()
    check = entrance.door.check()
    assert (check.health, check.finding) == (Health.BROKEN, Finding.TILL_WITHOUT_KEY)
    assert check.values == (str(entrance.keys),)


# The certificate


def test_the_certificate_is_made_once_and_for_its_owner(tmp_path: Path):
    path = tmp_path / "till-certificate.pem"
    made = ensure(state_of(tmp_path).files / path.name, "till-door.example")
    assert made.subject.get_attributes_for_oid(NameOID.COMMON_NAME)[0].value == "till-door.example"
    assert ensure(state_of(tmp_path).files / path.name, "another.example") == made
    assert os.stat(path).st_mode & 0o777 == 0o600
    assert len(fingerprint(path).split(":")) == 32


@pytest.mark.parametrize("damage", ["half", "no key", "empty"])
def test_a_damaged_certificate_stops_the_start_and_is_left(tmp_path: Path, damage: str):
    path = tmp_path / "till-certificate.pem"
    ensure(state_of(tmp_path).files / path.name, "palm-kiosk")
    whole = path.read_bytes()
    key, _, certificate = whole.partition(b"-----BEGIN CERTIFICATE")
    left = {
        "half": whole[: len(key) + 60],
        "no key": b"-----BEGIN CERTIFICATE" + certificate,
        "empty": b"",
    }
    path.write_bytes(left[damage])
    with pytest.raises(FileUnusable, match="is damaged"):
        ensure(state_of(tmp_path).files / path.name, "palm-kiosk")
    assert path.read_bytes() == left[damage]


def test_the_key_of_the_certificate_is_encrypted_also_one_of_a_version_from_before(
    tmp_path: Path,
):
    file = state_of(tmp_path).files / "till-certificate.pem"
    made = ensure(file, "palm-kiosk")
    encrypted = file.path.read_bytes()
    assert b"BEGIN ENCRYPTED PRIVATE KEY" in encrypted
    key = load_pem_private_key(encrypted, passphrase(file).encode())
    plain = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    file.path.write_bytes(plain + made.public_bytes(Encoding.PEM))
    assert ensure(file, "palm-kiosk") == made
    again = file.path.read_bytes()
    assert b"BEGIN ENCRYPTED PRIVATE KEY" in again
    assert plain not in again
    kept = load_pem_private_key(again, passphrase(file).encode())
    assert kept.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()) == plain


async def test_the_door_gives_its_certificate_without_its_key(entrance: Entrance):
    trusted = ssl.create_default_context(cafile=entrance.certificate)
    async with httpx.AsyncClient(verify=trusted, trust_env=False, timeout=60) as client:
        given = await client.get(f"https://127.0.0.1:{entrance.door.port}/certificate.pem")
    assert b"PRIVATE" not in given.content
    assert fingerprint(entrance.certificate) == fingerprint_of(given.content)


@pytest.fixture
def hasty_to_begin(monkeypatch: pytest.MonkeyPatch) -> None:
    """Gives clients little time to begin with TLS."""
    monkeypatch.setattr(connections, "HANDSHAKE_S", 0.2)


@pytest.fixture
def hasty(monkeypatch: pytest.MonkeyPatch) -> None:
    """Gives clients little time for a message."""
    monkeypatch.setattr(connections, "HEAD_S", 0.2)
    monkeypatch.setattr(door, "WITHIN_S", 0.2)


@pytest.mark.usefixtures("hasty_to_begin")
async def test_who_connects_and_says_nothing_is_hung_up_on(entrance: Entrance):
    reader, writer = await entrance.connect()
    async with asyncio.timeout(60):
        assert await reader.read() == b""
    writer.close()


@pytest.mark.usefixtures("hasty")
@pytest.mark.parametrize(
    "begun", [b"", b"POST /nexo HTTP/1.1\r\n", b"POST /nexo HTTP/1.1\r\ncontent-length: 9\r\n\r\n{"]
)
async def test_who_does_not_get_on_with_a_message_is_hung_up_on(entrance: Entrance, begun: bytes):
    trusted = ssl.create_default_context(cafile=entrance.certificate)
    reader, writer = await asyncio.open_connection("127.0.0.1", entrance.door.port, ssl=trusted)
    writer.write(begun)
    async with asyncio.timeout(60):
        assert b"200" not in await reader.read()
    writer.close()


@pytest.mark.parametrize(
    ("entrance", "taken"), [(True, True), (False, False)], indirect=["entrance"]
)
async def test_only_an_unencrypted_message_names_an_address_for_events(
    entrance: Entrance, taken: bool, monkeypatch: pytest.MonkeyPatch
):
    named: list[tuple[str, str, str]] = []
    monkeypatch.setattr(entrance.events, "call_back", lambda *told: named.append(told))
    message = request("Diagnosis", {})
    url = "http://127.0.0.1:8444/events"
    await entrance.send(message if taken else sealed(message), **{CALLBACK: url})
    assert named == ([(url, "127.0.0.1", "till-1")] if taken else [])


async def test_much_that_is_refused_does_not_fill_the_log(
    entrance: Entrance, caplog: pytest.LogCaptureFixture
):
    entrance.door._may_log.every_s = 3600
    for _ in range(5):
        why(await entrance.send(b"nonsense"))
    refusals = [line for line in caplog.messages if "was refused" in line]
    assert len(refusals) == 1
