"""Every file of the kiosk's state folder that is damaged is told by its name with a remedy, opens
nothing, and is left."""

import os
from pathlib import Path

import pytest

from kiosk.assembly import assemble
from kiosk.faults import CannotStart, FileUnusable
from kiosk.lock import Lock, Locked, Seen
from kiosk.sealing import open_state
from kiosk.service.client import SignatureService
from kiosk.service.connection import Elsewhere
from kiosk.service.identity import Identity
from kiosk.settings import Settings
from kiosk.staff import StaffPin
from kiosk.state import in_use
from kiosk.till.journal import PurchaseJournal
from kiosk.till.till import Tampering
from tests.support.authority import Authority
from tests.support.clocks import NOON, TurnedClock
from tests.support.damage import Damage, empty, truncate, zero
from tests.support.log_lines import lines_of
from tests.support.scripted import ScriptedStage
from tests.support.sealed import sealed

pytestmark = pytest.mark.anyio

PIN = "246813"


def put_another_kind(path: Path) -> None:
    path.write_bytes(b'["another", "kind", 5]')


def put_a_number(path: Path) -> None:
    path.write_bytes(b"5")


def put_null(path: Path) -> None:
    path.write_bytes(b"null")


def put_a_folder(path: Path) -> None:
    path.unlink()
    path.mkdir()


def link_to_nowhere(path: Path) -> None:
    path.unlink()
    path.symlink_to(path.parent / "not-mounted" / path.name)


def forbid(path: Path) -> None:
    if os.geteuid() == 0:
        pytest.skip("the superuser may read every file")
    path.chmod(0)


DAMAGES = (
    empty,
    zero,
    truncate,
    put_another_kind,
    put_a_number,
    put_null,
    put_a_folder,
    link_to_nowhere,
    forbid,
)


@pytest.fixture
async def state(tmp_path: Path) -> Path:
    """A state folder with all files of a kiosk that was set up."""
    state = tmp_path / "state"
    Identity.load_or_make(sealed(state / "identity.json"))
    await StaffPin(sealed(state / "staff.json"), TurnedClock().wall).choose(PIN)
    seen = Seen(sign=Tampering.ENCLOSURE)
    Lock(state).close(Locked(seen=seen, at=NOON, merchant="Corner Shop", helpline=""))
    (state / "fittings.json").write_text('{"key": "another"}')
    (state / "purchases").mkdir()
    (state / "settings.toml").write_text('name = "Till 3"\n')
    return state


def start(state: Path) -> None:
    with in_use(state):
        settings = Settings.load(["--state", str(state)])
        assemble(settings, ScriptedStage([]), open_state(settings.state, settings.tpm))


def content(path: Path) -> bytes | None:
    return path.read_bytes() if path.is_file() and os.access(path, os.R_OK) else None


async def test_a_folder_that_is_whole_starts(state: Path) -> None:
    start(state)


@pytest.mark.parametrize("damage", DAMAGES)
@pytest.mark.parametrize(
    "name",
    ["identity.json", "staff.json", "settings.toml", "tampering.json", "fittings.json"],
)
async def test_a_damaged_file_stops_the_start_and_is_told_and_left(
    state: Path, name: str, damage: Damage
) -> None:
    if (name, damage) == ("settings.toml", truncate):
        pytest.skip("half a settings file may be a whole one")
    damage(state / name)
    before = content(state / name)
    with pytest.raises(CannotStart) as wrong:
        start(state)
    assert name in wrong.value.cause
    assert wrong.value.remedy.endswith(".")
    assert content(state / name) == before


@pytest.mark.parametrize("place", ["purchases", "in-use"])
async def test_something_else_in_the_place_of_a_folder_or_lock_is_told(
    state: Path, place: str
) -> None:
    if place == "purchases":
        (state / place).rmdir()
        (state / place).write_text("no folder")
    else:
        (state / place).mkdir()
    with pytest.raises(CannotStart) as wrong:
        start(state)
    assert str(state / place) in wrong.value.cause
    assert wrong.value.remedy


# The staff PIN never falls open


@pytest.mark.parametrize("damage", DAMAGES)
async def test_a_damaged_pin_opens_nothing_and_is_not_chosen_anew(
    state: Path, damage: Damage
) -> None:
    pin = StaffPin(sealed(state / "staff.json"), TurnedClock().wall)
    damage(state / "staff.json")
    before = content(state / "staff.json")
    with pytest.raises(FileUnusable):
        _ = pin.chosen
    with pytest.raises(FileUnusable):
        pin.locked()
    for guess in (PIN, "", "000000"):
        with pytest.raises(FileUnusable) as wrong:
            await pin.refuses(guess)
    assert wrong.value.path == state / "staff.json"
    assert content(state / "staff.json") == before


@pytest.mark.parametrize(
    "record",
    [
        '{"hash": ""}',
        '{"hash": "246813"}',
        '{"hash": "$argon2id$v=19$m=8,t=1,p=1$"}',
        '{"hash": "$2b$12$KIXQ4"}',
        '{"hash": null}',
        '{"wrong": 0}',
        "{}",
    ],
)
async def test_a_record_without_a_hash_that_can_be_compared_opens_nothing(
    state: Path, record: str
) -> None:
    (state / "staff.json").write_text(record)
    pin = StaffPin(sealed(state / "staff.json"), TurnedClock().wall)
    with pytest.raises(FileUnusable):
        await pin.refuses(PIN)


async def test_a_negative_count_gains_no_guess(state: Path) -> None:
    path = state / "staff.json"
    file = sealed(path)
    file.write((file.read() or b"").replace(b'"wrong":0', b'"wrong":-1000'))
    with pytest.raises(FileUnusable):
        await StaffPin(sealed(path), TurnedClock().wall).refuses("000000")


# The journal


async def test_a_damaged_entry_is_kept_and_told_by_name_and_the_others_are_read(
    state: Path, caplog: pytest.LogCaptureFixture
) -> None:
    folder = state / "purchases"
    (folder / "sale-87654321.json").write_bytes(b"")
    journal = PurchaseJournal(sealed(folder))
    assert list(journal.pending()) == []
    assert (folder / "sale-87654321.unreadable").read_bytes() == b""
    assert "sale-87654321" in caplog.text
    assert "ask the payment provider" in caplog.text
    assert journal.unreadable() == 1
    assert journal.holds("sale-87654321")


async def test_an_entry_that_cannot_be_read_stays_and_is_told_once(
    state: Path, caplog: pytest.LogCaptureFixture
) -> None:
    folder = state / "purchases"
    (folder / "sale-87654321.json").mkdir()
    journal = PurchaseJournal(sealed(folder))
    for _ in range(3):
        assert list(journal.pending()) == []
    assert journal.unreadable() == 1
    assert (folder / "sale-87654321.json").is_dir()
    assert len(lines_of(caplog, "kiosk.till.journal")) == 1
    assert journal.holds("sale-87654321")
    (folder / "sale-87654321.json").rmdir()
    assert journal.unreadable() == 0


# Another kiosk, and the folder itself


async def test_a_second_kiosk_on_one_folder_is_told_at_once(state: Path) -> None:
    with in_use(state), pytest.raises(CannotStart) as wrong, in_use(state):
        pass
    assert "running" in wrong.value.cause
    assert str(state) in wrong.value.cause
    with in_use(state):
        pass


async def test_a_folder_that_cannot_be_made_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(CannotStart) as wrong, in_use(tmp_path / "file" / "state"):
        pass
    assert str(tmp_path / "file") in wrong.value.cause
    assert "--state" in wrong.value.remedy


async def test_a_user_without_a_home_directory_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("HOME")
    monkeypatch.delenv("XDG_STATE_HOME", raising=False)
    monkeypatch.setattr("pwd.getpwuid", lambda _: (_ for _ in ()).throw(KeyError("no entry")))
    with pytest.raises(CannotStart, match="--state"):
        Settings.load([])


@pytest.mark.parametrize(
    "name",
    [
        "with spaces",
        "Größe",
        "50% off",
        'it\'s "quoted"',
        "a#b?c&d",
        "$HOME",
        "x" * 200,
        os.fsdecode(b"\xff\xfe"),
    ],
    ids=ascii,
)
async def test_a_state_folder_of_any_name_serves(tmp_path: Path, name: str) -> None:
    state = tmp_path / name
    start(state)
    start(state)
    assert (state / "identity.json").exists()


# The authority of a service elsewhere


@pytest.mark.parametrize("damage", DAMAGES)
async def test_a_damaged_authority_stops_the_start_and_trusts_nobody(
    state: Path, damage: Damage
) -> None:
    ca = Authority.make().write(state / "ca.pem")
    damage(ca)
    service = SignatureService(
        Identity.load_or_make(sealed(state / "identity.json")),
        TurnedClock(),
        Settings().service_patience,
    )
    with pytest.raises(CannotStart) as wrong:
        await Elsewhere("https://127.0.0.1:9", ca).keep(service)
    assert str(ca) in wrong.value.cause
    assert wrong.value.remedy
