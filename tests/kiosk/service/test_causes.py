"""Why nobody answers is told apart, with real certificates and servers on loopback."""

import errno
import logging
import socket
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from kiosk.service.causes import WORDS, cause_of
from kiosk.service.errors import Cause, Offline
from kiosk.service.transport import Transport
from kiosk.settings import ServicePatience
from tests.support.authority import DAY, Authority, answering
from tests.support.clocks import HurriedClock
from tests.support.log_lines import lines_of

pytestmark = pytest.mark.anyio

NOW = timedelta(0)


@pytest.fixture
def transport() -> Transport:
    return Transport(Ed25519PrivateKey.generate(), HurriedClock(), ServicePatience(connect_s=30))


async def why(transport: Transport, url: str, ca: Path | None) -> Cause:
    await transport.connect(url, ca)
    try:
        with pytest.raises(Offline) as offline:
            await transport.call("GET", "/service")
        return offline.value.cause
    finally:
        await transport.close()


async def test_a_certificate_that_is_right_is_accepted(transport: Transport, tmp_path: Path):
    authority = Authority.make()
    with answering(authority.server(tmp_path)) as url:
        await transport.connect(url, authority.write(tmp_path / "ca.pem"))
        assert (await transport.call("GET", "/service")).status_code == 204
        await transport.close()


@pytest.mark.parametrize(
    ("server", "cause"),
    [
        ({"begins": -2 * DAY, "ends": -DAY}, Cause.EXPIRED),
        ({"begins": DAY, "ends": 2 * DAY}, Cause.NOT_YET_VALID),
        ({"name": "192.0.2.7"}, Cause.OTHER_NAME),
        ({"name": "palms.example.com"}, Cause.OTHER_NAME),
    ],
    ids=["expired", "not yet valid, as in 1970", "another address", "another name"],
)
async def test_what_is_wrong_with_the_servers_certificate_is_told(
    transport: Transport, tmp_path: Path, server: dict[str, Any], cause: Cause
):
    authority = Authority.make(begins=-9 * DAY, ends=9 * DAY)
    with answering(authority.server(tmp_path, **server)) as url:
        assert await why(transport, url, authority.write(tmp_path / "ca.pem")) is cause


@pytest.mark.parametrize(
    ("begins", "ends", "cause"),
    [(-2 * DAY, -DAY, Cause.EXPIRED), (DAY, 2 * DAY, Cause.NOT_YET_VALID)],
    ids=["expired", "not yet valid"],
)
async def test_what_is_wrong_with_the_authoritys_dates_is_told(
    transport: Transport, tmp_path: Path, begins: timedelta, ends: timedelta, cause: Cause
):
    authority = Authority.make(begins=begins, ends=ends)
    with answering(authority.server(tmp_path)) as url:
        assert await why(transport, url, authority.write(tmp_path / "ca.pem")) is cause


@pytest.mark.parametrize("name", ["another", "authority"], ids=["another", "of the same name"])
async def test_another_authority_is_told(transport: Transport, tmp_path: Path, name: str):
    with answering(Authority.make().server(tmp_path)) as url:
        trusted = Authority.make(name).write(tmp_path / "ca.pem")
        assert await why(transport, url, trusted) is Cause.UNKNOWN_AUTHORITY


async def test_an_authority_that_the_system_does_not_know_is_told(
    transport: Transport, tmp_path: Path
):
    with answering(Authority.make().server(tmp_path)) as url:
        assert await why(transport, url, None) is Cause.UNKNOWN_AUTHORITY


async def test_a_server_without_tls_is_told(transport: Transport, tmp_path: Path):
    with answering(None) as url:
        trusted = Authority.make().write(tmp_path / "ca.pem")
        assert await why(transport, url, trusted) in {Cause.NOT_TLS, Cause.CUT_OFF}


async def test_a_port_where_nothing_listens_is_told(transport: Transport):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        url = f"https://127.0.0.1:{free.getsockname()[1]}"
        assert await why(transport, url, None) is Cause.CONNECTION_REFUSED


async def test_a_service_that_never_answers_is_told(tmp_path: Path):
    impatient = Transport(
        Ed25519PrivateKey.generate(), HurriedClock(), ServicePatience(connect_s=0.05, deadline_s=1)
    )
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"https://127.0.0.1:{silent.getsockname()[1]}"
        assert await why(impatient, url, None) is Cause.TIMED_OUT


async def test_before_there_is_an_address_the_service_has_not_started(transport: Transport):
    with pytest.raises(Offline) as offline:
        await transport.call("GET", "/service")
    assert offline.value.cause is Cause.NOT_STARTED


@pytest.mark.parametrize(
    ("first", "cause"),
    [
        (socket.gaierror(socket.EAI_NONAME, "Name or service not known"), Cause.NAME_NOT_FOUND),
        (socket.gaierror(socket.EAI_AGAIN, "Temporary failure"), Cause.NAME_NOT_FOUND),
        (OSError(errno.ENETUNREACH, "Network is unreachable"), Cause.NO_ROUTE),
        (OSError(errno.EHOSTUNREACH, "No route to host"), Cause.NO_ROUTE),
        (ConnectionRefusedError(errno.ECONNREFUSED, "refused"), Cause.CONNECTION_REFUSED),
        (ConnectionResetError(errno.ECONNRESET, "reset"), Cause.CUT_OFF),
        (TimeoutError(errno.ETIMEDOUT, "timed out"), Cause.TIMED_OUT),
        (RuntimeError("nobody thought of it"), Cause.OTHER),
    ],
    ids=lambda value: str(value) if isinstance(value, Cause) else type(value).__name__,
)
async def test_the_first_cause_counts_below_what_the_client_raises(first: Exception, cause: Cause):
    # Several addresses of one name fail together, as anyio reports them.
    error = httpx.ConnectError("All connection attempts failed")
    error.__cause__ = OSError("All connection attempts failed")
    error.__cause__.__cause__ = ExceptionGroup("attempts", [first])
    assert cause_of(error) is cause


async def test_an_authority_that_was_renewed_in_its_file_is_followed(
    transport: Transport, tmp_path: Path
):
    old, new = Authority.make("old", begins=-2 * DAY, ends=-DAY), Authority.make("new")
    ca = old.write(tmp_path / "ca.pem")
    with answering(new.server(tmp_path)) as url:
        assert await why(transport, url, ca) is Cause.UNKNOWN_AUTHORITY
        await transport.connect(url, ca)
        new.write(ca)
        assert (await transport.call("GET", "/service")).status_code == 204
        await transport.close()


async def test_an_emptied_file_of_the_authority_trusts_nobody_else(
    transport: Transport, tmp_path: Path
):
    (tmp_path / "ca.pem").write_bytes(b"")
    with pytest.raises(OSError, match="NO_CERTIFICATE"):
        await transport.connect("https://127.0.0.1:9", tmp_path / "ca.pem")


async def test_the_log_is_told_the_cause_with_this_machines_date_and_once(
    transport: Transport, tmp_path: Path, caplog: pytest.LogCaptureFixture
):
    authority = Authority.make()
    ca = authority.write(tmp_path / "ca.pem")
    with answering(authority.server(tmp_path, begins=-2 * DAY, ends=-DAY)) as url:
        await transport.connect(url, ca)
        with caplog.at_level(logging.WARNING):
            for _ in range(2):
                with pytest.raises(Offline):
                    await transport.call("GET", "/service")
        await transport.close()
    (told,) = lines_of(caplog, "kiosk.service.transport")
    assert "expired" in told
    assert f"{HurriedClock().wall():%Y-%m-%d}" in told


def test_every_cause_has_words_and_another_remedy():
    assert set(WORDS) == set(Cause)
    assert len(set(WORDS.values())) == len(Cause)
