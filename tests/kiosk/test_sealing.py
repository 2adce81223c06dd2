"""The key of the state folder: who has it, what happens to it at every step, and what it seals."""

import os
import shutil
import signal
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from kiosk.commands import key
from kiosk.faults import CannotStart, FileUnusable
from kiosk.screens import Finding, Health
from kiosk.sealing import (
    KeyUnavailable,
    Protection,
    SealedState,
    let_boot_state_change,
    open_state,
    take_over,
)
from kiosk.service.identity import Identity
from kiosk.visits.maintain import keys_check
from protocol.files import write_private
from tests.support.forks import run_forked
from tests.support.software_tpm import SoftwareTpm, switched_on

pytestmark = pytest.mark.process

PLAIN = {
    "identity.json": b'{"key": "a-key-of-before"}',
    "staff.json": b'{"hash": "a-hash-of-before"}',
    "orders.json": b'{"orders": "of-before"}',
    "door-reader.json": b'{"key": "a-base-key-of-before"}',
    "till-keys.toml": b'[[key]]\npassphrase = "a-passphrase-of-before"',
    "passwords.json": b'{"camera": "a-password-of-before"}',
    "purchases/sale-1.json": b'{"request": "of-before"}',
    "purchases/paid/sale-2.json": b'{"request": "of-before"}',
    "passages/passage-1.json": b'{"mark": "of-before"}',
    "venue/device.json": b'{"token": "a-token-of-before"}',
    "venue/peers.key": b"a-key-of-before\n",
}
"""What an older version, or somebody by hand, has left."""


@pytest.fixture
def machine() -> Iterator[SoftwareTpm]:
    with switched_on() as machine:
        yield machine


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "state"


def leave_plain(folder: Path, *names: str) -> None:
    for name in names or PLAIN:
        write_private(folder / name, PLAIN[name])


def contents(state: SealedState) -> dict[str, bytes | None]:
    """Returns what stands in each file, and sees that it is sealed."""
    read: dict[str, bytes | None] = {}
    for name in PLAIN:
        file = state.files
        for part in name.split("/"):
            file /= part
        read[name] = file.read()
        assert read[name] is None or file.is_sealed(), name
    return read


def files_in(folder: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file()
    }


# Without a TPM


def test_without_a_tpm_the_key_lies_in_a_private_file_and_the_screen_says_so(folder: Path) -> None:
    state = open_state(folder, "none:")
    assert state.protection is Protection.PERMISSIONS
    assert (folder / "state.key").stat().st_mode & 0o777 == 0o600
    assert folder.stat().st_mode & 0o777 == 0o700
    assert open_state(folder, "none:") == state
    check = keys_check(state)
    assert (check.health, check.finding) == (Health.WARNING, Finding.KEYS_IN_FILE)


def test_a_tpm_that_does_not_answer_at_the_first_start_leaves_the_key_in_a_file(
    folder: Path, caplog: pytest.LogCaptureFixture
) -> None:
    state = open_state(folder, "device:/dev/nowhere")
    assert state.protection is Protection.PERMISSIONS
    assert "/dev/nowhere cannot be used" in caplog.text


def test_a_wrong_address_stops_the_start(folder: Path) -> None:
    with pytest.raises(CannotStart, match="cereal"):
        open_state(folder, "cereal:")
    assert not (folder / "state.key").exists()


def test_no_key_is_made_in_the_place_of_one_that_is_gone(folder: Path) -> None:
    identity = Identity.load_or_make(open_state(folder, "none:").files / "identity.json")
    kept = (folder / "state.key").read_bytes()
    (folder / "state.key").unlink()
    before = files_in(folder)
    with pytest.raises(KeyUnavailable, match="its key is gone") as told:
        open_state(folder, "none:")
    assert "begin-anew" in told.value.remedy
    assert files_in(folder) == before
    write_private(folder / "state.key", kept)
    again = Identity.load_or_make(open_state(folder, "none:").files / "identity.json")
    assert again.device_id == identity.device_id


@pytest.mark.parametrize("damaged", [b"", b"\0" * 65, b"00" * 31, b"zz" * 32])
def test_a_damaged_key_is_told_and_left(folder: Path, damaged: bytes) -> None:
    open_state(folder, "none:")
    (folder / "state.key").write_bytes(damaged)
    with pytest.raises(KeyUnavailable, match="damaged"):
        open_state(folder, "none:")
    assert (folder / "state.key").read_bytes() == damaged


def test_a_folder_that_cannot_be_used_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(FileUnusable, match="cannot be used"):
        open_state(tmp_path / "file", "none:")


# What is sealed


def test_what_an_older_version_has_left_in_plain_is_taken_over(folder: Path) -> None:
    leave_plain(folder)
    (folder / "staff.json.partial").write_bytes(PLAIN["staff.json"])
    state = open_state(folder, "none:")
    take_over(state)
    assert contents(state) == PLAIN
    assert not any(b"before" in content for content in files_in(folder).values())
    sealed = files_in(folder)
    take_over(state)
    assert files_in(folder) == sealed


@pytest.mark.parametrize("damaged", [b"", b"\0" * 40])
def test_what_a_power_cut_has_left_empty_is_left_as_it_is(folder: Path, damaged: bytes) -> None:
    write_private(folder / "staff.json", damaged)
    take_over(open_state(folder, "none:"))
    assert (folder / "staff.json").read_bytes() == damaged


# With a TPM


def test_the_tpm_has_the_key_and_the_disk_has_it_not(folder: Path, machine: SoftwareTpm) -> None:
    state = open_state(folder, machine.address)
    (state.files / "staff.json").write(b"a secret")
    assert state.protection is Protection.BOOT_STATE
    assert keys_check(state).finding is Finding.KEYS_SEALED
    assert sorted(files_in(folder)) == ["staff.json", "state.tpm"]
    secret = state.files.key
    assert not any(secret in c or secret.hex().encode() in c for c in files_in(folder).values())
    machine.restart()
    assert open_state(folder, machine.address) == state


def test_a_key_in_a_file_moves_into_the_tpm(folder: Path, machine: SoftwareTpm) -> None:
    before = open_state(folder, "none:")
    after = open_state(folder, machine.address)
    assert after.files == before.files
    assert after.protection is Protection.BOOT_STATE
    assert sorted(files_in(folder)) == ["state.tpm"]


def test_another_boot_state_gives_nothing_and_loses_nothing(
    folder: Path, machine: SoftwareTpm
) -> None:
    state = open_state(folder, machine.address)
    Identity.load_or_make(state.files / "identity.json")
    before = files_in(folder)
    machine.change_boot_state()
    with pytest.raises(KeyUnavailable, match="another state than before") as told:
        open_state(folder, machine.address)
    assert "change them back" in told.value.remedy
    assert "begin-anew" in told.value.remedy
    with pytest.raises(KeyUnavailable):
        let_boot_state_change(folder, machine.address)
    assert files_in(folder) == before
    machine.restart()
    assert open_state(folder, machine.address) == state


def test_another_tpm_and_none_give_nothing_and_lose_nothing(
    folder: Path, machine: SoftwareTpm
) -> None:
    open_state(folder, machine.address)
    before = files_in(folder)
    with pytest.raises(KeyUnavailable, match="sealed by a TPM, and there is none"):
        open_state(folder, "none:")
    machine.clear()
    with pytest.raises(KeyUnavailable, match="another one, or it was cleared"):
        open_state(folder, machine.address)
    machine.end()
    with pytest.raises(KeyUnavailable, match="cannot be used"):
        open_state(folder, machine.address)
    assert files_in(folder) == before


@pytest.mark.parametrize("damaged", [b"", b"\0" * 100, b'{"public": "AA'])
def test_a_damaged_sealed_key_is_told_and_left(folder: Path, damaged: bytes) -> None:
    write_private(folder / "state.tpm", damaged)
    with pytest.raises(KeyUnavailable, match="damaged"):
        open_state(folder, "device:/dev/nowhere")
    assert files_in(folder) == {"state.tpm": damaged}


def test_an_update_that_was_announced_may_change_the_boot_state_once(
    folder: Path, machine: SoftwareTpm, capsys: pytest.CaptureFixture[str]
) -> None:
    files = open_state(folder, machine.address).files
    words = ["before-update", "--state", str(folder), "--tpm", machine.address]
    assert key(words) == 0
    assert "however this machine is started" in capsys.readouterr().out
    for _ in range(2):
        waits = open_state(folder, machine.address)
        assert (waits.files, waits.protection) == (files, Protection.TPM)
        assert keys_check(waits).finding is Finding.KEYS_IN_ANY_BOOT_STATE
    machine.change_boot_state()
    after = open_state(folder, machine.address)
    assert (after.files, after.protection) == (files, Protection.BOOT_STATE)
    assert sorted(files_in(folder)) == ["state.tpm"]
    machine.restart()
    with pytest.raises(KeyUnavailable, match="another state"):
        open_state(folder, machine.address)


def test_other_registers_in_the_settings_count_from_the_next_start(
    folder: Path, machine: SoftwareTpm
) -> None:
    files = open_state(folder, machine.address).files
    assert open_state(folder, f"{machine.address}?pcrs=14").files == files
    machine.change_boot_state()
    assert open_state(folder, f"{machine.address}?pcrs=14").files == files


def test_without_a_tpm_no_update_has_to_be_announced(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    open_state(folder, "none:")
    assert key(["before-update", "--state", str(folder)]) == 0
    assert "does not matter" in capsys.readouterr().out


def test_a_kiosk_begins_anew_when_it_is_told_to_and_what_it_had_is_kept(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    leave_plain(folder)
    state = open_state(folder, "none:")
    take_over(state)
    journal = {"till.db": b"sealed rows", "till.db-wal": b"and more of them"}
    for name, rows in journal.items():
        (folder / name).write_bytes(rows)
    (folder / "purchases" / "sale-3.unreadable").touch()
    assert key(["begin-anew", "--state", str(folder)]) == 0
    told = capsys.readouterr().out
    assert "sale sale-1." in told
    assert "sale sale-3." in told, "its entry is damaged, and it is in doubt all the same"
    (aside,) = (folder / "set-aside").iterdir()
    kept = open_state(aside, "none:")
    assert kept.files.key == state.files.key
    assert contents(kept) == PLAIN
    assert {name: (aside / name).read_bytes() for name in journal} == journal
    anew = open_state(folder, "none:")
    assert anew.files.key != state.files.key
    assert not any((folder / name).exists() for name in ("identity.json", *journal))


# Power cuts


def cut_everywhere() -> None:
    """Runs in a process of its own without threads. Its arguments are a folder with a state to
    begin from, and the address of the TPM. Starts from it again and again, and cuts the power
    before one step more in the state folder each time. Whatever was cut, the next start has the
    key, and everything that was there."""
    before, tpm = Path(sys.argv[1]), sys.argv[2]
    state, cuts = before.with_name("cut"), 0
    key_file = "state.key" if tpm == "none:" else "state.tpm"
    left = {name: content for name, content in PLAIN.items() if (before / name).exists()}

    def start() -> None:
        opened = open_state(state, tpm)
        take_over(opened)

    while True:
        shutil.rmtree(state, ignore_errors=True)
        shutil.copytree(before, state)
        was_cut = _cut(start, state, cuts + 1)
        start()
        opened = open_state(state, tpm)
        assert opened.protection is not Protection.TPM
        if left:
            assert contents(opened).items() >= left.items()
        found = files_in(state)
        assert not any(b"before" in content for content in found.values())
        assert not any(name.endswith(".partial") for name in found)
        assert {"state.tpm", "state.key"} & found.keys() == {key_file}
        if not was_cut:
            sys.stdout.write(str(cuts))
            return
        cuts += 1


def _cut(what: Callable[[], None], state: Path, at: int) -> bool:
    """Does something in a process that is killed before that step. Returns whether it was."""
    child = os.fork()
    if child:
        return os.WIFSIGNALED(os.waitpid(child, 0)[1])
    left = at

    def count(event: str, arguments: tuple[object, ...]) -> None:
        nonlocal left
        if event not in ("open", "os.rename", "os.remove", "os.mkdir"):
            return
        if event == "open" and not (isinstance(arguments[2], int) and arguments[2] & os.O_WRONLY):
            return
        if str(arguments[0]).startswith(str(state)):
            left -= 1
            if left == 0:
                os.kill(os.getpid(), signal.SIGKILL)

    sys.addaudithook(count)
    try:
        what()
    finally:
        os._exit(0 if sys.exc_info()[0] is None else 1)


def cuts_of(before: Path, tpm: str) -> int:
    ended = run_forked(cut_everywhere, before, tpm)
    assert ended.returncode == 0, ended.stderr[-3000:]
    return int(ended.stdout)


def test_a_power_cut_at_any_step_loses_no_key_and_no_file(folder: Path) -> None:
    leave_plain(folder, "identity.json", "purchases/sale-1.json")
    assert cuts_of(folder, "none:") >= 9


def test_a_power_cut_at_any_step_into_the_tpm_loses_no_key(
    folder: Path, machine: SoftwareTpm
) -> None:
    (open_state(folder, "none:").files / "staff.json").write(PLAIN["staff.json"])
    assert cuts_of(folder, machine.address) >= 4
