"""The master key moves from what keeps it to another while a service runs, and a kill at any moment
loses nothing."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from importlib import import_module
from pathlib import Path
from types import ModuleType

import pytest

from cloud import __main__ as main_module
from cloud import bootstrap
from cloud.keys import keeper, masters, stored
from cloud.keys.keepers import file as key_file
from cloud.state import State, StateDamaged, StateInUse
from cloud.web import certificates
from tests.support.token import SoftwareToken


class Killed(BaseException):
    pass


@pytest.fixture
def state(tmp_path: Path) -> State:
    return State.open(tmp_path / "state")


@pytest.fixture
def kek(tmp_path: Path) -> str:
    path = tmp_path / "kek"
    path.write_bytes(b"k" * 32)
    return f"file:{path}"


def says(state: State, address: str) -> None:
    state.settings.write_text(f"master_key = {address!r}\n")


def command(state: State, *words: str) -> int:
    return main_module.main(["--state", str(state.root), *words])


def test_a_master_key_is_plain_unless_something_else_is_asked(state: State, kek: str):
    mark = masters.open_master(state).mark
    assert len(state.master_key.read_bytes()) == 32
    assert masters.open_master(state).mark == mark


def test_services_that_start_together_for_the_first_time_have_one_key_of_each_kind(state: State):
    def start(_: int) -> tuple[str, bytes]:
        certificates.ensure(state)
        master, receipt_key = bootstrap.open_store(state)
        return master.mark, receipt_key.private_bytes_raw()

    together = 8
    with ThreadPoolExecutor(together) as starting:
        assert len(set(starting.map(start, range(together)))) == 1
    assert not certificates.ensure(state), "the authority and its key belong together"


def test_a_new_master_key_is_on_no_disk_as_it_is(state: State, kek: str):
    mark = masters.open_master(state, kek).mark
    assert masters.open_master(state).mark == mark, "the file tells how it is wrapped"
    content = state.master_key.read_bytes()
    assert kek.encode() in content
    assert len(content) > 32


def test_one_start_asks_what_keeps_the_key_once(
    state: State, kek: str, monkeypatch: pytest.MonkeyPatch
):
    masters.open_master(state, kek)
    calls: list[str] = []

    def counted(rest: str):
        calls.append(rest)
        return open_file(rest)

    open_file = key_file.opened
    monkeypatch.setattr(key_file, "opened", counted)
    bootstrap.open_store(state, kek)
    assert len(calls) == 1


def test_a_start_wraps_the_key_as_the_settings_say(state: State, kek: str):
    mark = masters.open_master(state).mark
    for address in (kek, stored.PLAIN, kek):
        assert masters.open_master(state, address).mark == mark
        assert stored.wrapped_by(state.master_key) == address
        assert masters.open_master(state).mark == mark


def test_whoever_is_not_alone_leaves_the_key_as_it_is(state: State, kek: str):
    mark = masters.open_master(state).mark
    assert masters.open_master(state, kek, alone=False).mark == mark
    assert stored.wrapped_by(state.master_key) == stored.PLAIN


@pytest.mark.process
def test_the_key_moves_into_a_token_and_back_beside_a_service_that_runs(
    state: State, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    token = SoftwareToken(tmp_path / "hsm", monkeypatch)
    token.make_key(1)
    before = masters.open_master(state).mark
    with state.held():
        for address in (token.address, stored.PLAIN):
            says(state, address)
            assert command(state, "wrap-master-key") == 0
            assert stored.wrapped_by(state.master_key) == address
            assert masters.open_master(state).mark == before


def test_a_newer_key_of_the_same_keeper_wraps_from_then_on(state: State, kek: str):
    masters.open_master(state, kek)
    path = Path(kek.removeprefix("file:"))
    path.write_bytes(b"n" * 32 + b"k" * 32)
    assert masters.settle_master(state, kek)
    path.write_bytes(b"n" * 32)
    assert masters.open_master(state, kek)
    assert not masters.settle_master(state, kek)


def before_it(real: Callable[..., None]) -> Callable[..., None]:
    def write(*_: object) -> None:
        raise Killed

    return write


def after_it(real: Callable[..., None]) -> Callable[..., None]:
    def write(*arguments: object) -> None:
        real(*arguments)
        raise Killed

    return write


@pytest.mark.parametrize("moment", [before_it, after_it])
@pytest.mark.parametrize("back", [False, True])
def test_a_move_that_is_killed_leaves_the_key_readable(
    moment: Callable[..., Callable[..., None]],
    back: bool,
    state: State,
    kek: str,
    monkeypatch: pytest.MonkeyPatch,
):
    first, then = (kek, stored.PLAIN) if back else (stored.PLAIN, kek)
    mark = masters.open_master(state, first).mark
    with monkeypatch.context() as patch:
        patch.setattr(stored, "write_private", moment(stored.write_private))
        with pytest.raises(Killed):
            masters.settle_master(state, then)
    assert masters.open_master(state).mark == mark
    masters.settle_master(state, then)
    assert stored.wrapped_by(state.master_key) == then
    assert masters.open_master(state).mark == mark


def test_the_key_is_not_moved_while_another_command_replaces_it(state: State, kek: str):
    masters.open_master(state)
    with state.keys_held(), pytest.raises(StateInUse, match="another command"):
        masters.settle_master(state, kek)


def test_a_master_key_that_replaces_another_is_wrapped_from_the_beginning(state: State, kek: str):
    says(state, kek)
    bootstrap.open_store(state, kek)
    before = masters.open_master(state).mark
    assert command(state, "replace-master-key") == 0
    assert masters.open_master(state).mark != before
    assert stored.wrapped_by(state.master_key) == kek


def test_a_master_key_that_replaces_another_is_wrapped_like_that_where_nothing_is_asked(
    state: State, kek: str
):
    masters.open_master(state, kek)
    masters.make_next_master(state)
    assert stored.wrapped_by(state.next_master_key) == kek


def test_what_is_damaged_is_told(state: State, kek: str):
    masters.open_master(state, kek)
    content = state.master_key.read_bytes()
    for damaged in (b"", content[:-1], b"{}", content.replace(b'"wrapped":"', b'"wrapped":"!')):
        state.master_key.write_bytes(damaged)
        with pytest.raises(StateDamaged, match="Restore it from the backup of the keys"):
            masters.open_master(state)


@pytest.mark.process
def test_a_key_that_may_come_back_is_waited_for_and_a_wrong_pin_is_not(
    state: State,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
):
    """By its status: systemd starts what ended with 1 again, and not what ended with 2."""
    token = SoftwareToken(tmp_path / "hsm", monkeypatch)
    token.make_key(1)
    masters.open_master(state, token.address)
    says(state, token.address)
    token.pin_file.write_text("654321")
    assert command(state, "staff", "merchants") == 2
    assert "refuses the PIN" in capfd.readouterr().err
    (tmp_path / "hsm" / "tokens").rename(tmp_path / "hsm" / "away")
    (tmp_path / "hsm" / "tokens").mkdir()
    assert command(state, "staff", "merchants") == 1
    assert "is not there; there is" in capfd.readouterr().err


def test_wrapping_needs_to_be_told_how(state: State, capfd: pytest.CaptureFixture[str]):
    masters.open_master(state)
    assert command(state, "wrap-master-key") == 2
    assert "master_key is not set" in capfd.readouterr().err


def test_a_kind_that_is_not_installed_is_told(monkeypatch: pytest.MonkeyPatch):
    def missing(name: str) -> ModuleType:
        if name.endswith(".pkcs11"):
            raise ModuleNotFoundError(name="pkcs11")
        return import_module(name)

    monkeypatch.setattr(keeper, "import_module", missing)
    with pytest.raises(keeper.KeysUnusable, match="need pkcs11, which is not installed"):
        keeper.opened("pkcs11:token=palms")
