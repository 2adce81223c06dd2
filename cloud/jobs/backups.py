"""Backups of the database and of the keys, each by itself, and what brings them back.

A backup of the database opens nobody's data without the master key, which is in another file and
belongs in another place. Each is sealed once more with a key that a keeper wraps, and has a day on
which it is destroyed: people are told until when somebody who has left can still be in one.

Whoever has left since a backup was made is deleted from it again before it is put in place: the
list of those who have left lies beside the backups, and in the state folder
(`cloud.people.deletion_list`).
"""

import asyncio
import io
import logging
import os
import sqlite3
import tarfile
from collections.abc import Generator, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256
from pathlib import Path, PurePosixPath

from cryptography.exceptions import InvalidTag
from pydantic import AwareDatetime, BaseModel, ConfigDict, TypeAdapter
from sqlalchemy.engine import URL
from sqlalchemy.exc import DatabaseError
from sqlalchemy.ext.asyncio import AsyncSession

from cloud.context import Database
from cloud.db import database, migration, snapshot
from cloud.db.database import Address, DatabaseUnusable
from cloud.db.snapshot import SnapshotDamaged
from cloud.db.sqlite import SqliteDatabase
from cloud.keys import sealed_file
from cloud.keys.person_keys import MasterKey
from cloud.keys.persons import all_ids, erase_person, find_person
from cloud.keys.sealed_file import PIECE, Kind, SealedFileUnusable
from cloud.merchants.regions import region_of
from cloud.payments import purchases, refunds
from cloud.people import deletion_list, receipts, withdrawals
from cloud.people.deletion_list import Listed
from cloud.state import State, StateDamaged
from protocol.encoding import from_base64, to_base64
from protocol.files import read_if_there, remove_durably, rename_durably, write_private
from protocol.messages import DeletionReceipt
from protocol.storage import CAUSES, REMEDIES

log = logging.getLogger(__name__)

IN_A_FILE: Kind = "palms database"
ON_A_SERVER: Kind = "palms database of a server"
KEYS: Kind = "palms keys"
KEEP = timedelta(days=30)
"""How long a backup is kept if nothing else is said."""


class Backup(BaseModel):
    """A backup of the database that was made."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    file: Path
    made_at: AwareDatetime
    expires_at: AwareDatetime


_Backups = TypeAdapter(list[Backup])


@dataclass(frozen=True, slots=True)
class Restored:
    deleted: int
    """How many people were deleted again."""
    known_until: datetime | None
    """When the last of those has left of whom the lists know, None when they know of none."""


async def back_up(
    state: State, master: MasterKey, to: Path, now: datetime, *, keep: timedelta, wrapped_by: str
) -> Path:
    """Writes a backup of the database, beside a service that uses it, and the list of those who
    have left; and destroys those backups in the same folder that have expired. Returns the file.
    Raises StateDamaged, KeysUnusable, sqlite3.Error, sqlalchemy's DatabaseError and OSError."""
    path = _place(to, now, "backup")
    kind: Kind = IN_A_FILE if state.server is None else ON_A_SERVER

    def write() -> None:
        with _content(state.address) as content:
            # Noted before it is there: of one that nobody knows, nobody could say until when it is.
            _note(state, [*known(state), Backup(file=path, made_at=now, expires_at=now + keep)])
            sealed_file.write(
                path,
                content,
                kind=kind,
                made_at=now,
                expires_at=now + keep,
                region=region_of(state.address),
                master=master.mark,
                wrapped_by=wrapped_by,
            )

    await asyncio.to_thread(write)
    store = database.open_database(state.address)
    try:
        async with store.session() as session:
            await deletion_list.catch_up(session, state.deletions)
    finally:
        await store.close()
    content = read_if_there(state.deletions)
    if content is not None:
        write_private(path.with_name(state.deletions.name), content)
    destroy_expired(state, now)
    return path


def back_up_keys(
    state: State, master: MasterKey, to: Path, now: datetime, *, keep: timedelta, wrapped_by: str
) -> Path:
    """Writes a backup of the keys, of a vault's that lies in the state folder, and of the settings.
    Returns the file. Raises KeysUnusable and OSError."""
    path = _place(to, now, "keys")
    archive = io.BytesIO()
    with tarfile.open(fileobj=archive, mode="w") as tar:
        for file in _key_files(state):
            content = file.read_bytes()
            entry = tarfile.TarInfo(str(file.relative_to(state.root)))
            entry.size = len(content)
            tar.addfile(entry, io.BytesIO(content))
    whole = archive.getvalue()
    sealed_file.write(
        path,
        [whole[at : at + PIECE] for at in range(0, len(whole), PIECE)],
        kind=KEYS,
        made_at=now,
        expires_at=now + keep,
        master=master.mark,
        wrapped_by=wrapped_by,
    )
    return path


def known(state: State) -> list[Backup]:
    """Returns the backups of the database that were made and not destroyed here. Raises
    StateDamaged and OSError."""
    content = read_if_there(state.backups)
    try:
        return [] if content is None else _Backups.validate_json(content)
    except ValueError:
        raise StateDamaged(
            f"{state.backups} is damaged: it says which backups there are. Remove it, and note "
            "yourself until when those that there are have to be destroyed."
        ) from None


def destroy_expired(state: State, now: datetime) -> None:
    """Destroys the backups that have expired. One that is not reached stays known. Raises
    StateDamaged and OSError."""
    left: list[Backup] = []
    for backup in known(state):
        if backup.expires_at <= now and backup.file.parent.is_dir():
            remove_durably(backup.file)
        else:
            left.append(backup)
    if left != known(state):
        _note(state, left)


def what_backups_hold(state: State, deleted_at: datetime, now: datetime) -> list[str]:
    """Returns, for an operator, in which backups somebody is who was deleted then, and until when:
    those that are there, and those in folders that are not reached.
    Raises StateDamaged and OSError."""
    told: list[str] = []
    for backup in known(state):
        is_gone = backup.file.parent.is_dir() and not backup.file.exists()
        if backup.made_at <= deleted_at and not is_gone:
            until = f"{backup.expires_at:%Y-%m-%d %H:%M} UTC"
            overdue = " It is overdue: destroy it." if backup.expires_at <= now else ""
            told.append(
                f"the backup {backup.file} of {backup.made_at:%Y-%m-%d %H:%M} UTC holds the key, "
                f"wrapped, and what it opens, until {until}. Restoring deletes both again.{overdue}"
            )
    return told


async def restore(
    state: State,
    master: MasterKey,
    path: Path,
    *,
    region: str | None = None,
    wrapped_by: str | None = None,
) -> Restored:
    """Puts a backup of the database in the place of the one that there is, if any, without those
    who have left since. `region` is where that is: palms that may not leave another one are not
    restored. The caller holds the directory. Killed at any moment, the database before is in place,
    or the restored one without them. Raises SealedFileUnusable, StateDamaged, KeysUnusable,
    DatabaseUnusable, sqlite3.Error, sqlalchemy's DatabaseError and OSError."""
    head = sealed_file.read_head(path)
    if head.kind == KEYS:
        raise SealedFileUnusable(f"{path} is a backup of keys. Name one of the database.")
    if (head.kind == ON_A_SERVER) != (state.server is not None):
        remedy = "Name one with" if state.server is None else "Leave out"
        raise SealedFileUnusable(
            f"{path} is of {'a file' if head.kind == IN_A_FILE else 'a database on a server'}. "
            f"{remedy} --database."
        )
    if head.region not in (None, region):
        told = "says none" if region is None else f"says {region}"
        raise SealedFileUnusable(
            f"{path} holds palms that stay in the region {head.region}, and region under [service] "
            f"in settings.toml {told}. Restore it there."
        )
    if head.master != master.mark:
        raise SealedFileUnusable(
            f"{path} was made with another master key than {state.master_key}. Restore the keys of "
            "that time first: restore-keys."
        )
    # Read before anything is changed: a list that is damaged must not be taken for an empty one.
    listed = await _all_listed(state, path)
    content = sealed_file.read(path, wrapped_by)
    try:
        if state.server is None:
            deleted = await _restore_file(state.database, master, listed, content)
        else:
            deleted = await _restore_on_server(state.server, master, listed, content)
    except InvalidTag:
        raise SealedFileUnusable(
            f"{path} holds people whose keys the master key does not open. Take another backup."
        ) from None
    except SnapshotDamaged:
        raise SealedFileUnusable(f"{path} holds a damaged database. Take another backup.") from None
    return _restored(deleted, listed)


async def delete_listed(store: Database, state: State, master: MasterKey, path: Path) -> Restored:
    """Deletes from the database as it is whoever has left by a list and by that in the state
    folder: others have put it back. The caller holds the directory. Raises StateDamaged,
    cryptography's InvalidTag, sqlalchemy's DatabaseError and OSError."""
    listed = [*deletion_list.read(state.deletions), *deletion_list.read(path)]
    async with store.session() as session:
        deleted = await delete_again(session, master, listed)
        await session.commit()
    await store.rewrite()
    await store.forget_erased()
    return _restored(deleted, listed)


def _restored(deleted: int, listed: Sequence[Listed]) -> Restored:
    times = [DeletionReceipt.model_validate(each.receipt).at for each in listed]
    return Restored(deleted, max(times, default=None))


async def _restore_file(
    path: Path, master: MasterKey, listed: Sequence[Listed], content: Iterator[bytes]
) -> int:
    """Returns how many people were deleted again."""
    new = path.with_name(path.name + ".restored")
    migration.remove(new)
    try:
        with _telling_what_is_there(path):
            await asyncio.to_thread(_unseal, content, new)
            migration.migrate(new)
            migration.forget_before(new)
            store = SqliteDatabase(new)
            try:
                async with store.session() as session:
                    deleted = await delete_again(session, master, listed)
                    await session.commit()
            finally:
                await store.close()
            # Between the rows lie copies of those who were deleted.
            database.rewrite(new)
        _put_in_place(new, path)
        # They are of the database that was there: a version before would put it back.
        migration.forget_before(path)
    finally:
        migration.remove(new)
    return deleted


@contextmanager
def _telling_what_is_there(path: Path) -> Generator[None]:
    """Raises DatabaseUnusable where the disk takes no more of a database that is being restored."""
    try:
        yield
    except (OSError, sqlite3.Error, DatabaseError) as error:
        fault = database.storage_fault(error)
        if fault is None:
            raise
        is_there = f"{path} is as it was" if path.exists() else f"there is no {path} yet"
        raise DatabaseUnusable(
            f"the backup was not restored, since {CAUSES[fault]}; {is_there}. {REMEDIES[fault]} A "
            f"restore takes the room of three copies of the database in {path.parent} for a while."
        ) from None


async def _restore_on_server(
    address: URL, master: MasterKey, listed: Sequence[Listed], content: Iterator[bytes]
) -> int:
    """Returns how many people were deleted again."""
    async with snapshot.putting_back(address, content) as session:
        deleted = await delete_again(session, master, listed)
    # Between the rows lie those who were deleted, and all that was there before.
    try:
        await asyncio.to_thread(database.rewrite, address)
    except DatabaseError as error:
        raise DatabaseUnusable(
            "the database is restored, without those who have left since, but its rows could not "
            f"be written anew ({database.said(error)}): what was there before lies between them. "
            "Mend that, and have the server do VACUUM (FULL)."
        ) from None
    return deleted


def restore_keys(state: State, path: Path, *, wrapped_by: str | None = None) -> list[str]:
    """Puts keys of a backup in the place of those that there are, none of them unless there is room
    for all. The caller holds the directory. Returns the names of the files. Raises
    SealedFileUnusable, KeysUnusable and OSError."""
    if sealed_file.read_head(path).kind != KEYS:
        raise SealedFileUnusable(f"{path} is a backup of the database. Name one of keys.")
    content = b"".join(sealed_file.read(path, wrapped_by))
    written: dict[str, Path] = {}
    try:
        with tarfile.open(fileobj=io.BytesIO(content)) as tar:
            for entry in tar:
                name, file = PurePosixPath(entry.name), tar.extractfile(entry)
                if file is None or name.is_absolute() or ".." in name.parts:
                    continue
                new = state.root / f"{name}.restored"
                written[entry.name] = new
                write_private(new, file.read())
        for name, new in written.items():
            rename_durably(new, state.root / name)
    finally:
        for new in written.values():
            new.unlink(missing_ok=True)
    return list(written)


async def delete_again(session: AsyncSession, master: MasterKey, listed: Sequence[Listed]) -> int:
    """Does again what the lists say was done and the database does not know, and enters the
    receipts where they were. Returns how many people were deleted."""
    entered = await receipts.numbers(session)
    people = {to_base64(sha256(each.encode()).digest()): each for each in await all_ids(session)}
    deleted = 0
    for each in sorted(listed, key=lambda line: line.place):
        if each.receipt_id in entered:
            continue
        entered.add(each.receipt_id)
        receipt = DeletionReceipt.model_validate(each.receipt)
        person_id = people.get(each.person)
        if person_id is not None:
            person = await find_person(session, master, person_id)
            if each.merchant is None:
                await refunds.keep_for_the_books(session, person)
                await purchases.keep_for_the_books(session, person)
                await erase_person(session, person_id)
                del people[each.person]
                deleted += 1
            else:
                await withdrawals.erase_there(session, person, each.merchant, receipt.at)
        await receipts.enter(session, receipt, from_base64(each.person), each.merchant)
    return deleted


async def _all_listed(state: State, path: Path) -> list[Listed]:
    """Returns what the lists say, and the database that is in place, as far as it can be read."""
    if database.is_made(state.address):
        try:
            store = database.open_database(state.address)
            try:
                async with store.session() as session:
                    await deletion_list.catch_up(session, state.deletions)
            finally:
                await store.close()
        except Exception as error:
            log.warning(
                "%s cannot be read (%s): of those who have left, the lists alone tell",
                database.shown(state.address),
                type(error).__name__,
            )
    beside = path.with_name(state.deletions.name)
    return [*deletion_list.read(state.deletions), *deletion_list.read(beside)]


def _place(folder: Path, now: datetime, kind: str) -> Path:
    """Returns where a new backup is written, in a folder that is made when it is missing."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    return folder.resolve() / f"palms-{now:%Y%m%dT%H%M%SZ}.{kind}"


def _unseal(content: Iterator[bytes], to: Path) -> None:
    """Writes the database of a backup to a file. Raises SnapshotDamaged."""
    descriptor = os.open(to, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        for piece in content:
            file.write(piece)
        file.flush()
        os.fsync(file.fileno())
    with closing(sqlite3.connect(to)) as connection:
        (found,) = connection.execute("PRAGMA integrity_check").fetchone()
    if found != "ok":
        raise SnapshotDamaged


def _put_in_place(new: Path, path: Path) -> None:
    """Renames a database that nobody uses to where another was."""
    if path.exists():
        try:
            # What is in the log belongs to that one, and must not be applied to another.
            with closing(sqlite3.connect(path)) as before:
                before.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        except sqlite3.DatabaseError:
            log.warning("%s was damaged, and is replaced", path)
    for end in ("-wal", "-shm"):
        path.with_name(path.name + end).unlink(missing_ok=True)
        new.with_name(new.name + end).unlink(missing_ok=True)
    rename_durably(new, path)


def _note(state: State, backups: list[Backup]) -> None:
    write_private(state.backups, _Backups.dump_json(backups, indent=2))


@contextmanager
def _content(address: Address) -> Generator[Iterator[bytes]]:
    """Yields what a backup of a database holds, as it is at one moment, in pieces."""
    if isinstance(address, URL):
        yield snapshot.pieces(address, PIECE)
        return
    copy = address.with_name(address.name + ".backup")
    try:
        migration.copy(address, copy)
        yield _pieces(copy)
    finally:
        migration.remove(copy)


def _pieces(path: Path) -> Iterator[bytes]:
    with path.open("rb") as file:
        while piece := file.read(PIECE):
            yield piece


def _key_files(state: State) -> list[Path]:
    folders = (state.master_key.parent, state.vault)
    files = [file for folder in folders for file in sorted(folder.rglob("*")) if file.is_file()]
    return [file for file in [*files, state.settings] if file.exists() and file.name != "in-use"]
