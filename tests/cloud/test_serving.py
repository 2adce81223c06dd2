"""The server hangs up on clients that do not get on, and stays there for the others."""

import socket
import ssl
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from fastapi import FastAPI, Response

from cloud import serving
from cloud.web import limits
from protocol import connections
from protocol.messages import ENVELOPE_TYPE, PROBLEM_TYPE, ProblemType
from protocol.signature import Request, sign_request
from tests.support.device import TestDevice
from tests.support.served import PATIENCE_S, Served

SHORT_S = 1.0
"""How long clients that do not get on are borne with here, in seconds. Those who do need less, also
on a busy machine."""

LARGE = b"large" * 200_000


@pytest.fixture
def hasty(served: Served, monkeypatch: pytest.MonkeyPatch) -> Served:
    """A service that gives little time for a head, and for what is still sent once it was
    answered."""
    monkeypatch.setattr(connections, "HEAD_S", SHORT_S)
    return served


@pytest.fixture
def slow_line(hasty: Served) -> Iterator[socket.socket]:
    """A connection to such a service, which has a large answer at `/large`, by a line that takes up
    little."""
    with serving.listen("127.0.0.1", 0) as listener, socket.socket() as connection:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4096)
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        server = serving.make_server(hasty.context)
        application = server.config.app
        assert isinstance(application, FastAPI)
        application.add_api_route("/large", lambda: Response(LARGE))
        running = hasty.start(server.serve([listener]))
        connection.settimeout(PATIENCE_S)
        connection.connect(listener.getsockname())
        trusted = ssl.create_default_context(cafile=hasty.state.ca)
        with trusted.wrap_socket(connection, server_hostname="127.0.0.1") as wrapped:
            wrapped.sendall(head("GET", "/large", {}))
            yield wrapped
        server.should_exit = True
        running.result(PATIENCE_S)


def connect(served: Served, address: str = "127.0.0.1") -> socket.socket:
    host, port = served.url.removeprefix("https://").split(":")
    return socket.create_connection((host, int(port)), PATIENCE_S, (address, 0))


def connect_by_tls(served: Served, address: str = "127.0.0.1") -> ssl.SSLSocket:
    trusted = ssl.create_default_context(cafile=served.state.ca)
    return trusted.wrap_socket(connect(served, address), server_hostname="127.0.0.1")


def read_to_end(connection: socket.socket) -> bytes:
    """Returns what the server sends until it hangs up."""
    received = b""
    try:
        while some := connection.recv(1 << 16):
            received += some
    except (ConnectionResetError, ssl.SSLEOFError):
        pass
    return received


def handshake(served: Served, trusted: ssl.SSLContext) -> tuple[str, str]:
    """Returns the version of TLS and the cipher suite that a client is given."""
    with trusted.wrap_socket(connect(served), server_hostname="127.0.0.1") as connection:
        cipher, version = connection.cipher(), connection.version()
    assert cipher is not None
    assert version is not None
    return version, cipher[0]


def head(method: str, path: str, headers: dict[str, str]) -> bytes:
    lines = [f"{method} {path} HTTP/1.1", "host: 127.0.0.1"]
    lines += [f"{name}: {value}" for name, value in headers.items()]
    return "\r\n".join([*lines, "", ""]).encode()


def signed_head(device: TestDevice, length: int) -> bytes:
    """Returns the head of an identification with a body of `length` bytes that is yet to come."""
    path = "/v1/identifications"
    sent = {
        "content-type": ENVELOPE_TYPE,
        "idempotency-key": "12345678",
        "content-digest": "sha-256=:AAAA:",
    }
    signed = sign_request(Request("POST", path, "", sent), device.key, now=time.time())
    return head("POST", path, sent | signed | {"content-length": str(length)})


def test_a_client_that_says_nothing_is_hung_up_on(served: Served, monkeypatch: pytest.MonkeyPatch):
    # It is decided when a server is started: another one has the same application.
    monkeypatch.setattr(connections, "HANDSHAKE_S", SHORT_S)
    with serving.listen("127.0.0.1", 0) as listener:
        server = serving.make_server(served.context)
        running = served.start(server.serve([listener]))
        with socket.create_connection(listener.getsockname(), PATIENCE_S) as connection:
            assert read_to_end(connection) == b""
        server.should_exit = True
        running.result(PATIENCE_S)


def test_a_client_that_asks_nothing_is_hung_up_on(hasty: Served):
    with connect_by_tls(hasty) as connection:
        assert read_to_end(connection) == b""


def test_a_client_that_sends_its_head_byte_by_byte_is_hung_up_on(hasty: Served):
    with connect_by_tls(hasty) as connection:
        connection.settimeout(SHORT_S / 10)
        received: bytes | None = None
        deadline = time.monotonic() + PATIENCE_S
        while received is None and time.monotonic() < deadline:
            try:
                connection.sendall(b"x")
                received = connection.recv(1)
            except TimeoutError:
                continue
            except OSError:
                received = b""
        assert received == b""


def test_a_stranger_with_a_slow_body_is_answered_at_once_and_hung_up_on(hasty: Served):
    stranger = hasty.device()
    with connect_by_tls(hasty) as connection:
        connection.sendall(signed_head(stranger, 1_000_000))
        answer = read_to_end(connection)
    assert answer.startswith(b"HTTP/1.1 401")
    assert ProblemType.UNKNOWN_DEVICE.encode() in answer


def test_a_device_with_a_slow_body_is_told_so_and_hung_up_on(
    hasty: Served, kiosk: TestDevice, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(limits, "BODY_S", SHORT_S)
    with connect_by_tls(hasty) as connection:
        connection.sendall(signed_head(kiosk, 1_000_000) + bytes(1000))
        answer = read_to_end(connection)
    assert answer.startswith(b"HTTP/1.1 408")
    assert PROBLEM_TYPE.encode() in answer


def test_a_client_on_a_slow_line_gets_all_of_a_large_answer(slow_line: socket.socket):
    received, began = b"", time.monotonic()
    while some := slow_line.recv(1 << 14):
        received += some
        if received.endswith(LARGE):
            break
        # That is what such a line does.
        time.sleep(SHORT_S / 25)
    assert received.endswith(LARGE)
    assert time.monotonic() - began > 2 * SHORT_S


def test_a_client_that_takes_nothing_of_its_answer_is_hung_up_on(
    hasty: Served, slow_line: socket.socket
):
    slow_line.recv(1)
    with connect_by_tls(hasty) as later:
        read_to_end(later)
    assert LARGE not in read_to_end(slow_line)


def test_one_address_cannot_take_all_connections(served: Served, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(connections, "CONNECTIONS_BY_ADDRESS", 3)
    with ExitStack() as stack:
        for _ in range(3):
            stack.enter_context(connect_by_tls(served, "127.0.5.1"))
        assert read_to_end(stack.enter_context(connect_by_tls(served, "127.0.5.1"))) == b""
        assert served.device("127.0.5.2").info().vault_keys


def test_a_device_that_sends_many_envelopes_at_once_has_few_of_them_read(
    served: Served, kiosk: TestDevice
):
    with ExitStack() as stack:
        for _ in range(limits.LARGE_AT_ONCE):
            connection = stack.enter_context(connect_by_tls(served))
            connection.sendall(signed_head(kiosk, 1_000_000) + bytes(1000))
        others = served.kiosk()
        assert others.identify("nobody").outcome


def test_an_error_of_ours_is_logged_without_what_it_quotes_and_strangers_fill_no_log(
    served: Served, caplog: pytest.LogCaptureFixture
):
    def fail(number: str) -> None:
        raise ValueError(number)

    with serving.listen("127.0.0.1", 0) as listener:
        server = serving.make_server(served.context)
        application = server.config.app
        assert isinstance(application, FastAPI)
        application.add_api_route("/fails/{number}", fail)
        running = served.start(server.serve([listener]))
        trusted = ssl.create_default_context(cafile=served.state.ca)
        for sent in (head("GET", "/fails/4111111111111111", {}), *3 * [b"nonsense\r\n\r\n"]):
            plain = socket.create_connection(listener.getsockname(), PATIENCE_S)
            with trusted.wrap_socket(plain, server_hostname="127.0.0.1") as connection:
                connection.sendall(sent)
                assert connection.recv(1 << 16)
        server.should_exit = True
        running.result(PATIENCE_S)
    assert caplog.text.count("GET /fails/{number} failed with ValueError") == 1
    assert "4111" not in caplog.text
    assert caplog.text.count("Invalid HTTP request") <= 1


def test_a_redirect_does_not_repeat_the_host_that_was_sent(served: Served):
    for path in ("/v1/service/", "/v1/devices/", "//v1/service"):
        answer = served.device().http.get(path, headers={"host": "evil.example"})
        assert answer.status_code in (404, 405)
        assert "evil.example" not in answer.text + str(answer.headers)


def test_the_files_a_process_may_open_are_never_made_fewer(tmp_path: Path):
    import resource

    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    try:
        serving.allow_many_files()
        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        assert soft >= before[0]
        assert hard == before[1]
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, before)


def test_a_client_is_given_authenticated_encryption_and_forward_secrecy_only(served: Served):
    trusted = ssl.create_default_context(cafile=served.state.ca)
    assert handshake(served, trusted)[0] == "TLSv1.3"
    trusted.maximum_version = ssl.TLSVersion.TLSv1_2
    version, cipher = handshake(served, trusted)
    assert version == "TLSv1.2"
    assert cipher.startswith("ECDHE-")
    assert "GCM" in cipher
    trusted.set_ciphers("ECDHE+AESCCM:ECDHE+AES+SHA1:AESGCM+kRSA")
    with pytest.raises((ssl.SSLError, ConnectionResetError)):
        handshake(served, trusted)
