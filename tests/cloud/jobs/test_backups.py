"""A backup that is restored does not bring back who has left since; and it is known what is where,
and until when."""

import os
import shutil
import subprocess
import sys
from collections.abc import AsyncGenerator
from contextlib import AsyncExitStack, suppress
from datetime import timedelta
from hashlib import sha256
from pathlib import Path

import pytest
from sqlalchemy import select

from cloud import __main__ as main_module
from cloud import bootstrap
from cloud.db import database
from cloud.jobs import backups
from cloud.keys import masters
from cloud.keys.person_keys import MasterKey
from cloud.keys.persons import all_ids, find_person
from cloud.keys.sealed_file import SealedFileUnusable
from cloud.merchants import regions
from cloud.merchants.tables import FIRST
from cloud.people import deletion_list, deletions, receipt_log, withdrawals
from cloud.people.deletion_list import Listed, read
from cloud.people.tables import AgreementRow, ReceiptRow
from cloud.state import State, StateDamaged
from protocol.encoding import to_base64
from protocol.files import held
from tests.support import databases, engine
from tests.support.portal import Portal, open_portal

pytestmark = pytest.mark.anyio

MASTER = MasterKey(b"m" * 32)
ALEX, BO = "+14155550123", "+14155550124"


@pytest.fixture
def kek(tmp_path: Path) -> str:
    (tmp_path / "kek").write_bytes(b"k" * 32)
    return f"file:{tmp_path / 'kek'}"


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return tmp_path / "state"


def state_of(root: Path) -> State:
    return State.open(root, databases.server_for(root))


@pytest.fixture
async def running() -> AsyncGenerator[AsyncExitStack]:
    """What runs until it is closed."""
    async with AsyncExitStack() as stack:
        yield stack


@pytest.fixture
async def portal(root: Path, running: AsyncExitStack) -> Portal:
    state_of(root).master_key.write_bytes(b"m" * 32)
    return await running.enter_async_context(open_portal(root))


async def leave(portal: Portal, person_id: str) -> str:
    """Deletes somebody, and returns the number of the receipt."""
    async with portal.database.session() as session:
        person = await find_person(session, MASTER, person_id)
        receipt, _ = await deletions.erase_account(portal.context, session, person, portal.now)
        await session.commit()
    return receipt.receipt_id


async def end_at_first(portal: Portal, person_id: str) -> str:
    async with portal.database.session() as session:
        person = await find_person(session, MASTER, person_id)
        receipt = await withdrawals.end_with(portal.context, session, person, FIRST, portal.now)
        await session.commit()
    return receipt.receipt_id


async def back_up(portal: Portal, to: Path, kek: str) -> Path:
    return await backups.back_up(
        portal.context.state, MASTER, to, portal.now, keep=timedelta(days=30), wrapped_by=kek
    )


async def people(root: Path) -> list[str]:
    store = database.open_database(state_of(root).address)
    try:
        async with store.session() as session:
            return await all_ids(session)
    finally:
        await store.close()


async def test_whoever_has_left_since_is_not_brought_back(
    root: Path, tmp_path: Path, portal: Portal, running: AsyncExitStack, kek: str
):
    alex, bo = await portal.account(ALEX), await portal.account(BO)
    path = await back_up(portal, tmp_path / "backups", kek)
    number = await leave(portal, alex.person_id)
    async with portal.database.session() as session:
        size = await receipt_log.size_of(session)
    await running.aclose()
    done = await backups.restore(state_of(root), MASTER, path)
    assert done.deleted == 1
    assert await people(root) == [bo.person_id]
    if not engine.is_server():
        assert alex.person_id.encode() not in (root / "palms.db").read_bytes()
    store = database.open_database(state_of(root).address)
    async with store.session() as session:
        row = await session.get_one(ReceiptRow, number)
        assert row.person_digest
        assert await receipt_log.size_of(session) == size, "the log goes on where it was"
    assert await deletions.remains_of(number, state_of(root), store) == []
    await store.close()


async def test_the_list_beside_the_backups_is_enough_where_the_machine_is_lost(
    root: Path, tmp_path: Path, portal: Portal, running: AsyncExitStack, kek: str
):
    alex = await portal.account(ALEX)
    to, elsewhere = tmp_path / "backups", tmp_path / "elsewhere"
    path = await back_up(portal, to, kek)
    await leave(portal, alex.person_id)
    portal.now += timedelta(hours=1)
    await back_up(portal, to, kek)
    await running.aclose()
    state = state_of(elsewhere)
    assert (await backups.restore(state, MASTER, path)).deleted == 1
    assert await people(elsewhere) == []


async def test_an_agreement_that_has_ended_since_stays_ended(
    root: Path, tmp_path: Path, portal: Portal, running: AsyncExitStack, kek: str
):
    alex = await portal.account(ALEX)
    path = await back_up(portal, tmp_path / "backups", kek)
    await end_at_first(portal, alex.person_id)
    await running.aclose()
    done = await backups.restore(state_of(root), MASTER, path)
    assert done.deleted == 0
    assert await people(root) == [alex.person_id]
    store = database.open_database(state_of(root).address)
    async with store.session() as session:
        assert not (await session.scalars(select(AgreementRow))).all()
    await store.close()


async def test_a_backup_opens_nothing_without_its_key_and_no_number_without_the_master_key(
    root: Path, tmp_path: Path, portal: Portal, running: AsyncExitStack, kek: str
):
    await portal.account(ALEX)
    path = await back_up(portal, tmp_path / "backups", kek)
    content = path.read_bytes()
    assert not any(begins in content for begins in (b"SQLite format 3", b"PGCOPY"))
    await running.aclose()
    with pytest.raises(SealedFileUnusable, match="another master key"):
        await backups.restore(state_of(root), MasterKey(b"n" * 32), path)
    assert await people(root), "what was there is as it was"


async def test_a_damaged_list_is_not_taken_for_an_empty_one(
    root: Path, tmp_path: Path, portal: Portal, running: AsyncExitStack, kek: str
):
    path = await back_up(portal, tmp_path / "backups", kek)
    await running.aclose()
    (tmp_path / "backups" / "deletions.jsonl").write_bytes(b"{}\n")
    with pytest.raises(StateDamaged, match="those who have left"):
        await backups.restore(state_of(root), MASTER, path)


async def test_a_backup_is_restored_in_its_region_alone(
    root: Path, tmp_path: Path, portal: Portal, running: AsyncExitStack, kek: str
):
    alex = await portal.account(ALEX)
    async with portal.database.session() as session:
        await regions.settle(session, "eu-west")
    path = await back_up(portal, tmp_path / "backups", kek)
    await running.aclose()
    for region in (None, "us-east"):
        with pytest.raises(SealedFileUnusable, match="stay in the region eu-west"):
            await backups.restore(state_of(root), MASTER, path, region=region)
    await backups.restore(state_of(root), MASTER, path, region="eu-west")
    assert await people(root) == [alex.person_id]
    assert regions.region_of(state_of(root).address) == "eu-west"
    path.write_bytes(path.read_bytes().replace(b'"region":"eu-west",', b"", 1))
    with pytest.raises(SealedFileUnusable, match="was altered"):
        await backups.restore(state_of(root), MASTER, path, region="us-east")
    assert await people(root) == [alex.person_id], "what was there is as it was"


@pytest.mark.sqlite
async def test_no_version_before_puts_back_what_was_there_before_a_restore(
    root: Path, tmp_path: Path, portal: Portal, running: AsyncExitStack, kek: str
):
    path = await back_up(portal, tmp_path / "backups", kek)
    await running.aclose()
    # Of a migration after which nobody was served.
    before = root / "palms.db.0029"
    shutil.copy(root / "palms.db", before)
    await backups.restore(state_of(root), MASTER, path)
    assert not before.exists()


class Killed(BaseException):
    pass


PLACES = [
    "delete_again",
    *(pytest.param(place, marks=pytest.mark.sqlite) for place in ("_unseal", "_put_in_place")),
]


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("after", [False, True])
async def test_a_restore_that_is_killed_leaves_the_database_or_the_whole_backup(  # noqa: PLR0917
    place: str,
    after: bool,
    root: Path,
    tmp_path: Path,
    portal: Portal,
    running: AsyncExitStack,
    kek: str,
    monkeypatch: pytest.MonkeyPatch,
):
    alex, bo = await portal.account(ALEX), await portal.account(BO)
    path = await back_up(portal, tmp_path / "backups", kek)
    await leave(portal, alex.person_id)
    await running.aclose()
    state, real = state_of(root), getattr(backups, place)

    def killed(*arguments: object) -> object:
        if place == "delete_again":
            return killed_there(*arguments)
        if after:
            real(*arguments)
        raise Killed

    async def killed_there(*arguments: object) -> object:
        if after:
            await real(*arguments)
        raise Killed

    with monkeypatch.context() as patch:
        patch.setattr(backups, place, killed)
        # What a kill leaves is left.
        patch.setattr(backups.migration, "remove", lambda _: None)
        with pytest.raises(Killed):
            await backups.restore(state, MASTER, path)
    assert await people(root) == [bo.person_id]
    await backups.restore(state, MASTER, path)
    assert await people(root) == [bo.person_id]
    assert not any(name.startswith("palms.db.") for name in os.listdir(root))


async def test_it_is_told_which_backups_hold_somebody_and_until_when(
    root: Path, tmp_path: Path, portal: Portal, kek: str
):
    alex = await portal.account(ALEX)
    state, to = portal.context.state, tmp_path / "backups"
    path = await back_up(portal, to, kek)
    portal.now += timedelta(days=1)
    await leave(portal, alex.person_id)
    left_at = portal.now
    portal.now += timedelta(days=1)
    await back_up(portal, to, kek)
    (told,) = backups.what_backups_hold(state, left_at, portal.now)
    assert str(path) in told
    assert "until 2026-12-29 12:00 UTC" in told
    os.rename(path, tmp_path / "elsewhere")
    assert backups.what_backups_hold(state, left_at, portal.now) == []
    os.rename(tmp_path / "elsewhere", path)
    portal.now += timedelta(days=28, hours=1)
    assert "overdue" in backups.what_backups_hold(state, left_at, portal.now)[0]
    backups.destroy_expired(state, portal.now)
    assert not path.exists()
    assert backups.what_backups_hold(state, left_at, portal.now) == []


async def test_a_backup_that_is_not_reached_stays_known(
    root: Path, tmp_path: Path, portal: Portal, kek: str
):
    state, to = portal.context.state, tmp_path / "backups"
    await back_up(portal, to, kek)
    shutil.move(to, tmp_path / "away")
    later = portal.now + timedelta(days=31)
    backups.destroy_expired(state, later)
    assert backups.what_backups_hold(state, portal.now, later)


async def test_whoever_others_have_put_back_is_deleted_again_by_a_list(
    root: Path, tmp_path: Path, portal: Portal
):
    alex, bo = await portal.account(ALEX), await portal.account(BO)
    async with portal.database.session() as session:
        person = await find_person(session, MASTER, alex.person_id)
        receipt, _ = await deletions.erase_account(portal.context, session, person, portal.now)
        await session.rollback()
    left = Listed(
        place=0,
        person=to_base64(sha256(alex.person_id.encode()).digest()),
        merchant=None,
        receipt=receipt.model_dump(mode="json"),
    )
    (tmp_path / "list").write_text(left.model_dump_json() + "\n")
    state = portal.context.state
    done = await backups.delete_listed(portal.database, state, MASTER, tmp_path / "list")
    assert (done.deleted, done.known_until) == (1, receipt.at)
    assert await people(root) == [bo.person_id]


# The list


async def test_the_list_has_everybody_who_has_left_in_the_order_of_the_log(portal: Portal):
    path = portal.context.state.deletions
    for count in range(1, 4):
        person = await portal.account(f"+1415555012{count}")
        await leave(portal, person.person_id)
        # The clock is set back meanwhile.
        portal.now -= timedelta(hours=1)
        await deletion_list.keep_list(portal.context)
        listed = read(path)
        assert [line.place for line in listed] == list(range(count))
        assert len({line.receipt_id for line in listed}) == count
        assert person.person_id not in path.read_text()
    before = path.read_bytes()
    await deletion_list.keep_list(portal.context)
    assert path.read_bytes() == before


@pytest.mark.parametrize("cut", [1, 300])
async def test_a_line_that_was_cut_off_is_written_again(portal: Portal, cut: int):
    path = portal.context.state.deletions
    for phone in (ALEX, BO):
        person = await portal.account(phone)
        await leave(portal, person.person_id)
    await deletion_list.keep_list(portal.context)
    whole = path.read_bytes()
    path.write_bytes(whole[:-cut])
    assert len(read(path)) == 1
    await deletion_list.keep_list(portal.context)
    assert path.read_bytes() == whole


async def test_a_list_that_another_process_is_writing_is_left_to_it(portal: Portal):
    path = portal.context.state.deletions
    await leave(portal, (await portal.account(ALEX)).person_id)
    with held(path):
        await deletion_list.keep_list(portal.context)
        assert read(path) == []
    await deletion_list.keep_list(portal.context)
    assert len(read(path)) == 1


# The commands


def test_the_commands_save_and_restore_keys_and_database_each_by_itself(
    tmp_path: Path, root: Path, kek: str, capfd: pytest.CaptureFixture[str]
):
    state = State.open(root)
    bootstrap.open_store(state)
    mark = masters.open_master(state).mark
    saved, kept, elsewhere = tmp_path / "backups", tmp_path / "keys-apart", tmp_path / "elsewhere"

    def run(where: Path, *words: str) -> int:
        return main_module.main(["--state", str(where), *words])

    with state.held():
        assert run(root, "backup", "--to", str(saved), "--wrapped-by", kek) == 0
        assert run(root, "backup-keys", "--to", str(kept), "--wrapped-by", kek) == 0
    (data,), (keys,) = saved.glob("*.backup"), kept.glob("*.keys")
    assert run(elsewhere, "restore", str(data)) == 2
    assert "Restore the keys first" in capfd.readouterr().err
    assert run(elsewhere, "restore-keys", str(keys)) == 0
    assert run(elsewhere, "restore", str(data)) == 0
    assert masters.open_master(State.open(elsewhere)).mark == mark
    assert (elsewhere / "palms.db").exists()
    assert run(elsewhere, "restore", str(data)) == 2
    assert run(elsewhere, "restore-keys", str(keys)) == 2
    assert "--replace" in capfd.readouterr().err
    assert run(elsewhere, "restore", str(data), "--replace") == 0
    assert run(elsewhere, "restore", str(keys), "--replace") == 2


# A disk that is really full


CHILD = "import sys, tests.cloud.jobs.test_backups as t; t.restore_on_a_small_disk(*sys.argv[1:])"


def restore_on_a_small_disk(mount: str, elsewhere: str) -> None:
    """Runs in a process of its own, whose `mount` is a small file system. Asserts what is there
    after a restore that finds no room, with more of it each time; at last it finds enough."""
    root, filler = Path(mount) / "state", Path(mount) / "filler"
    wrapped_by = ["--wrapped-by", f"file:{elsewhere}/kek"]

    def run(where: Path, *words: str) -> int:
        return main_module.main(["--state", str(where), *words])

    def leave_room(size: int) -> None:
        with filler.open("ab", buffering=0) as file, suppress(OSError):
            while True:
                file.write(bytes(4096))
        os.truncate(filler, max(filler.stat().st_size - size, 0))

    state = State.open(root)
    bootstrap.open_store(state)
    (root / "vault").mkdir()
    for number in range(8):  # More than there is room for below.
        (root / "vault" / f"{number}.key").write_bytes(b"key")
    assert run(root, "backup", "--to", elsewhere, *wrapped_by) == 0
    assert run(root, "backup-keys", "--to", elsewhere, *wrapped_by) == 0
    (data,), (keys,) = Path(elsewhere).glob("*.backup"), Path(elsewhere).glob("*.keys")

    before = state.database.read_bytes()
    room = 0
    while leave_room(room) or run(root, "restore", str(data), "--replace") != 0:
        assert state.database.read_bytes() == before
        assert not list(root.glob("*.restored*"))
        room += len(before) // 3

    fresh = Path(mount) / "fresh"
    State.open(fresh)
    leave_room(4 * 4096)
    assert run(fresh, "restore-keys", str(keys)) == 2
    assert not [file for file in fresh.rglob("*") if file.is_file() and file.name != "in-use"]
    filler.unlink()
    assert run(fresh, "restore-keys", str(keys)) == 0
    assert len(list((fresh / "vault").glob("*.key"))) == 8


@pytest.mark.process
@pytest.mark.sqlite
def test_a_restore_that_finds_no_room_leaves_what_was_there(tmp_path: Path, kek: str):
    namespace = ["unshare", "--user", "--map-root-user", "--mount"]
    if subprocess.run([*namespace, "true"], check=False, capture_output=True).returncode:
        pytest.skip("this machine does not let a test mount a file system of its own")
    small = tmp_path / "small"
    small.mkdir()
    mount = f"mount -t tmpfs -o size=24m tmpfs {small} && exec {sys.executable} -c '{CHILD}'"
    done = subprocess.run(
        [*namespace, "sh", "-c", f"{mount} {small} {tmp_path}"],
        check=False,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    assert done.stderr.count("the backup was not restored, since the disk is full") >= 3
