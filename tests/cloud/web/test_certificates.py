"""Certificates: by which clock they are made, for which names, and when they are renewed."""

import logging
import socket
import ssl
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from cloud import settings
from cloud.settings import BadSettings, Serving, is_host
from cloud.state import State, StateDamaged
from cloud.web import certificates
from cloud.web.certificates import ClockBehind, ensure, names
from protocol import RELEASED

NOW = RELEASED + timedelta(days=100)
IN_1970 = datetime(1970, 1, 1, 0, 3, tzinfo=UTC)
LOCAL = Serving()


@pytest.fixture
def state(tmp_path: Path) -> State:
    return State.open(tmp_path)


def authority(state: State) -> x509.Certificate:
    return x509.load_pem_x509_certificate(state.ca.read_bytes())


def server(state: State) -> x509.Certificate:
    return x509.load_pem_x509_certificate(state.key("server.pem").read_bytes())


def named(certificate: x509.Certificate) -> set[str]:
    general = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    return {str(each.value) for each in general}


def contents(state: State) -> dict[str, bytes]:
    return {p.name: p.read_bytes() for p in (state.ca, *state.key("").iterdir())}


def make_as_of_1970(state: State, monkeypatch: pytest.MonkeyPatch) -> None:
    """Makes what version 0.1.0 made while the clock said 1970."""
    monkeypatch.setattr(certificates, "RELEASED", IN_1970)
    ensure(state, LOCAL, IN_1970)
    monkeypatch.undo()


# The clock


def test_nothing_is_made_by_a_clock_before_the_release(state: State):
    with pytest.raises(ClockBehind) as refused:
        ensure(state, LOCAL, IN_1970)
    assert "1970-01-01" in str(refused.value)
    assert "Set the clock" in str(refused.value)
    assert not state.ca.exists()
    assert list(state.key("").iterdir()) == []


def test_by_a_clock_before_the_release_what_there_is_stays(state: State):
    ensure(state, LOCAL, NOW)
    before = contents(state)
    assert not ensure(state, Serving(names=("palms.example.com",)), IN_1970)
    assert contents(state) == before


def test_an_authority_of_1970_is_renewed_once_the_clock_is_right(
    state: State, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
):
    make_as_of_1970(state, monkeypatch)
    assert authority(state).not_valid_after_utc < datetime(1981, 1, 1, tzinfo=UTC)
    with caplog.at_level(logging.WARNING):
        assert ensure(state, LOCAL, NOW)
    for certificate in (authority(state), server(state)):
        assert certificate.not_valid_before_utc <= NOW < certificate.not_valid_after_utc
    server(state).verify_directly_issued_by(authority(state))
    assert "1979" in caplog.text or "1980" in caplog.text
    assert str(state.ca) in caplog.text


def test_an_authority_made_by_a_clock_ahead_is_renewed(state: State):
    ensure(state, LOCAL, NOW + timedelta(days=4000))
    assert ensure(state, LOCAL, NOW)
    assert authority(state).not_valid_before_utc <= NOW
    assert server(state).not_valid_before_utc <= NOW


def test_a_renewed_authority_keeps_name_and_key_so_devices_with_the_old_file_follow(state: State):
    ensure(state, LOCAL, NOW)
    old = authority(state)
    soon = old.not_valid_after_utc - timedelta(days=60)
    assert ensure(state, LOCAL, soon)
    assert authority(state) != old
    server(state).verify_directly_issued_by(authority(state))
    server(state).verify_directly_issued_by(old)


def test_the_release_is_not_in_the_future():
    assert datetime.now(UTC) > RELEASED


# Names


def test_a_service_on_loopback_is_named_by_loopback_first():
    found = names(LOCAL)
    assert found[0] == "127.0.0.1"
    assert {"localhost", "::1"} <= set(found)


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "", "[::]"])
def test_a_service_on_all_addresses_is_never_announced_by_the_wildcard(host: str):
    found = names(Serving(host=host))
    assert not {"0.0.0.0", "::", ""} & set(found)
    assert is_host(found[0])


def test_a_service_on_all_addresses_is_named_by_the_address_that_others_reach(
    monkeypatch: pytest.MonkeyPatch,
):
    monkeypatch.setattr(certificates, "_addresses", lambda: ["192.0.2.7"])
    assert names(Serving(host="0.0.0.0"))[0] == "192.0.2.7"
    monkeypatch.setattr(certificates, "_addresses", list[str])
    assert names(Serving(host="0.0.0.0"))[0] == "localhost"


def test_the_names_of_the_settings_come_first(state: State):
    serving = Serving(host="0.0.0.0", names=("palms.example.com", "192.0.2.9"))
    assert names(serving)[:2] == ["palms.example.com", "192.0.2.9"]
    ensure(state, serving, NOW)
    assert {"palms.example.com", "192.0.2.9", "localhost", "127.0.0.1", "::1"} <= named(
        server(state)
    )


def test_the_certificate_is_remade_when_the_names_change_and_the_authority_stays(state: State):
    ensure(state, LOCAL, NOW)
    pinned = state.ca.read_bytes()
    changed = Serving(names=("palms.example.com",))
    assert ensure(state, changed, NOW)
    assert "palms.example.com" in named(server(state))
    assert not ensure(state, changed, NOW)
    assert state.ca.read_bytes() == pinned


def test_a_machine_that_is_off_the_network_for_a_while_keeps_its_certificate(
    state: State, monkeypatch: pytest.MonkeyPatch
):
    everywhere = Serving(host="0.0.0.0")
    monkeypatch.setattr(certificates, "_addresses", lambda: ["192.0.2.7"])
    ensure(state, everywhere, NOW)
    monkeypatch.setattr(certificates, "_addresses", list[str])
    assert not ensure(state, everywhere, NOW)
    monkeypatch.setattr(certificates, "_addresses", lambda: ["192.0.2.8"])
    assert ensure(state, everywhere, NOW)
    assert "192.0.2.7" not in named(server(state))


@pytest.mark.parametrize(
    "name",
    [
        "a" * 64,
        "ab" * 40 + ".example",
        "kasse größe",
        "kasse\udcff",
        "(none)",
        "",
        "-kasse",
        "50 %",
        "kasse'\"`",
        "kasse\n",
    ],
)
def test_a_machine_of_any_name_gets_a_certificate(
    state: State, monkeypatch: pytest.MonkeyPatch, name: str
):
    monkeypatch.setattr(socket, "gethostname", lambda: name)
    ensure(state, LOCAL, NOW)
    assert named(server(state)) == {"localhost", "127.0.0.1", "::1"}


@pytest.mark.parametrize(
    ("name", "held"),
    [("KASSE-3", "kasse-3"), ("kasse_3.lan", "kasse_3.lan"), ("10.0.0.7", "10.0.0.7")],
)
def test_a_machine_name_that_a_certificate_can_hold_is_in_it(
    state: State, monkeypatch: pytest.MonkeyPatch, name: str, held: str
):
    monkeypatch.setattr(socket, "gethostname", lambda: name)
    ensure(state, LOCAL, NOW)
    assert held in named(server(state))


@pytest.mark.parametrize(
    "name", ["https://palms.example.com", "palms example", "", "*.example.com", "palms:7256"]
)
def test_a_name_that_is_none_is_told_by_the_settings(tmp_path: Path, name: str):
    (tmp_path / "settings.toml").write_text(f'[serving]\nnames = ["{name}"]\n')
    with pytest.raises(BadSettings, match=r"serving\.names"):
        settings.load(tmp_path / "settings.toml")


def test_a_host_given_by_address_is_in_the_certificate(state: State):
    ensure(state, Serving(host="127.0.0.2"), NOW)
    assert "127.0.0.2" in named(server(state))
    assert names(Serving(host="[::1]"))[0] == str(ip_address("::1"))


# Damage, and starts that were killed


class Killed(BaseException):
    """Stands for the end of the process."""


@pytest.mark.parametrize("step", range(4))
def test_a_start_that_was_killed_between_two_files_is_continued(
    state: State, monkeypatch: pytest.MonkeyPatch, step: int
):
    written: list[Path] = []
    really = certificates.write_private

    def until_killed(path: Path, content: bytes) -> None:
        if len(written) == step:
            raise Killed
        written.append(path)
        really(path, content)

    with monkeypatch.context() as patched:
        patched.setattr(certificates, "write_private", until_killed)
        with pytest.raises(Killed):
            ensure(state, LOCAL, NOW)
    kept = {path: path.read_bytes() for path in written}
    assert ensure(state, LOCAL, NOW)
    server(state).verify_directly_issued_by(authority(state))
    assert all(path.read_bytes() == content for path, content in kept.items())


def test_the_pair_that_an_older_version_left_when_it_was_killed_is_renewed(state: State):
    ensure(state, LOCAL, NOW)
    pem = state.key("server.pem").read_bytes()
    state.key("server.key").unlink()
    state.key("server.pem").unlink()
    ensure(state, LOCAL, NOW)
    state.key("server.pem").write_bytes(pem)
    assert ensure(state, LOCAL, NOW)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(state.key("server.pem"), state.key("server.key"))


def test_an_authority_beside_the_key_of_another_is_told_and_left(state: State):
    ensure(state, LOCAL, NOW)
    pinned = state.ca.read_bytes()
    state.ca.unlink()
    state.key("ca.key").unlink()
    ensure(state, LOCAL, NOW)
    state.ca.write_bytes(pinned)
    before = contents(state)
    with pytest.raises(StateDamaged, match=r"ca\.pem"):
        ensure(state, LOCAL, NOW)
    assert contents(state) == before


def test_a_key_of_another_kind_is_told_and_left(state: State):
    ensure(state, LOCAL, NOW)
    other = rsa.generate_private_key(65537, 2048).private_bytes(
        Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()
    )
    state.key("ca.key").write_bytes(other)
    with pytest.raises(StateDamaged, match=r"ca\.key"):
        ensure(state, LOCAL, NOW)
    assert state.key("ca.key").read_bytes() == other
