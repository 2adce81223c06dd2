"""Where the service listens, what it announces, and strings of the system's own."""

import os
import socket
import ssl
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import pytest
from cryptography import x509

from cloud.__main__ import main
from cloud.serving import CannotListen, listen
from cloud.settings import Serving, Settings
from cloud.state import State, StateInUse
from cloud.web import certificates
from tests.support.served import PLAIN, Process, Served

WILDCARD = "0.0.0.0"


# The port


def test_the_port_is_the_same_at_every_start():
    assert Serving().port == 7256


def test_a_port_in_use_is_told_with_the_remedy(tmp_path: Path, capfd: pytest.CaptureFixture[str]):
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        assert main(["--state", str(tmp_path), "--sandbox", "--port", str(port)]) == 2
    said = capfd.readouterr().err
    assert f"port {port} of 127.0.0.1 is in use" in said
    assert "--port" in said


@pytest.mark.parametrize("host", ["192.0.2.1", "no host", "a" * 70])
def test_an_address_that_is_not_this_machines_is_told(host: str):
    with pytest.raises(CannotListen, match="--host"):
        listen(host, 0)


@pytest.mark.parametrize("port", ["70000", "-1", "https"])
def test_a_port_that_is_none_is_told(port: str, capfd: pytest.CaptureFixture[str]):
    with pytest.raises(SystemExit) as ended:
        main(["--port", port])
    assert ended.value.code == 2
    assert "--port" in capfd.readouterr().err


def test_a_service_in_a_directory_in_use_is_told_that_and_not_the_port(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
):
    with State.open(tmp_path).held(), socket.create_server(("127.0.0.1", 0)) as other:
        port = str(other.getsockname()[1])
        assert main(["--state", str(tmp_path), "--sandbox", "--port", port]) == 2
    assert "a service is running" in capfd.readouterr().err


def test_a_directory_in_use_is_told_to_rekey_and_to_a_first_activation_code(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
):
    with State.open(tmp_path).held():
        assert main(["--state", str(tmp_path), "rekey"]) == 2
        assert main(["--state", str(tmp_path), "staff", "activation-code"]) == 2
    assert capfd.readouterr().err.count("a service is running") == 2


def test_a_lock_ends_with_its_block(tmp_path: Path):
    state = State.open(tmp_path)
    with state.held(), pytest.raises(StateInUse), state.held():
        pass
    with state.held():
        pass


def test_a_user_without_a_home_directory_is_told(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
):
    monkeypatch.delenv("HOME")
    monkeypatch.delenv("XDG_STATE_HOME", raising=False)
    monkeypatch.setattr("pwd.getpwuid", lambda _: (_ for _ in ()).throw(KeyError("no entry")))
    assert main([]) == 2
    assert "--state" in capfd.readouterr().err


# The whole service


@pytest.mark.process
@pytest.mark.parametrize(
    "name",
    ['Größe 50% off\'s "#1?" $HOME', os.fsdecode(b"no text \xff\xfe")],
    ids=["odd", "not text"],
)
def test_a_state_directory_of_any_name_serves(tmp_path: Path, name: str):
    with Process(tmp_path / name) as process:
        assert process.kiosk().info().sandbox


@pytest.mark.process
def test_a_service_on_all_addresses_announces_one_that_its_certificate_names(tmp_path: Path):
    settings = f'[serving]\nhost = "{WILDCARD}"\n'
    with Process(tmp_path / "state", settings=settings) as process:
        assert WILDCARD not in process.ready["url"]
        assert process.device().info().sandbox


@pytest.mark.process
def test_a_certificate_is_renewed_while_the_service_runs(tmp_path: Path):
    with Served(tmp_path, Settings(recognition=PLAIN)) as served:
        before = served_certificate(served)
        served.ahead = timedelta(days=380)
        served.do(served.look_at_certificate())
        after = served_certificate(served)
        assert after != before
        renewed = x509.load_pem_x509_certificate(after.encode())
        assert renewed.not_valid_after_utc - datetime.now(UTC) > timedelta(days=700)
        # Nothing is renewed twice.
        served.do(served.look_at_certificate())
        assert served_certificate(served) == after


@pytest.mark.process
def test_an_authority_that_ends_while_the_service_runs_is_renewed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    in_1970 = datetime(1970, 1, 1, tzinfo=UTC)
    monkeypatch.setattr(certificates, "RELEASED", in_1970)
    with Served(tmp_path, Settings(recognition=PLAIN)) as served:
        assert served.device().info().sandbox
        state = served.state
        for path in (state.ca, state.key("server.pem")):
            path.unlink()
        certificates.ensure(state, Serving(), in_1970)
        monkeypatch.undo()
        made_in_1970 = state.ca.read_bytes()
        served.do(served.look_at_certificate())
        assert state.ca.read_bytes() != made_in_1970
        trusting = ssl.create_default_context(cafile=state.ca)
        assert httpx.get(f"{served.url}/v1/service", verify=trusting).is_success


def served_certificate(served: Served) -> str:
    host, _, port = served.url.removeprefix("https://").partition(":")
    return ssl.get_server_certificate((host, int(port)))
