"""Where the tests' services have their databases: in files, or with `--database postgresql` on a
server. What takes long is done once in a process and not for each."""

import os
import shutil
from functools import cache
from hashlib import sha256
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from sqlalchemy import Dialect
from sqlalchemy.engine import URL

from cloud.db import migration
from cloud.db.database import Address
from cloud.db.postgres import PostgresDatabase
from cloud.db.reserve import LEAST
from cloud.db.sqlite import SqliteDatabase
from tests.support import engine, postgres

_compiled: dict[Any, Any] = {}
_dialects: dict[type[Dialect], Dialect] = {}


def server_for(root: Path) -> URL | None:
    """Returns where a server has the database of the state directory `root`, for as long as the
    tests run; None when it is a file."""
    if not engine.is_server():
        return None
    return postgres.migrated(name_for(root))


def copy(root: Path, to: Path) -> None:
    """Copies a state directory that nobody uses, with its database."""
    shutil.copytree(root, to, dirs_exist_ok=True)
    if engine.is_server():
        postgres.server().make(name_for(to), template=name_for(root))


def name_for(root: Path) -> str:
    """Returns the name that no database of another state directory has on the tests' server."""
    return "state-" + sha256(os.fsencode(root.resolve())).hexdigest()[:16]


def address_for(root: Path) -> Address:
    """Returns where the database of a state directory is."""
    return server_for(root) or root / "palms.db"


def words_for(root: Path) -> list[str]:
    """Returns the arguments by which a command finds the database of a state directory."""
    server = server_for(root)
    return [] if server is None else ["--database", server.render_as_string()]


def opened(root: Path) -> SqliteDatabase | PostgresDatabase:
    """Returns a new database for a state directory, open."""
    server = server_for(root)
    return _new_file(root / "palms.db") if server is None else PostgresDatabase(server)


def _new_file(path: Path) -> SqliteDatabase:
    """Makes an empty database of the newest schema, and its reserve."""
    reserve = path.with_name("reserve")
    reserve.touch(0o600)
    # Random bytes, of which a service makes it, take longer than many a test.
    os.truncate(reserve, LEAST)
    path.write_bytes(_empty())
    database = SqliteDatabase(path)
    _share_what_is_compiled(database)
    return database


@cache
def _empty() -> bytes:
    with TemporaryDirectory() as folder:
        path = Path(folder) / "palms.db"
        migration.migrate(path)
        return path.read_bytes()


def _share_what_is_compiled(database: SqliteDatabase) -> None:
    """Has a database use what others have compiled of the same statements."""
    for sessions in (database.session, database.reading):
        engine = sessions.kw["bind"].sync_engine
        # What was compiled is found by the dialect that it was compiled for.
        engine.dialect = _dialects.setdefault(type(engine.dialect), engine.dialect)
        engine.update_execution_options(compiled_cache=_compiled)
