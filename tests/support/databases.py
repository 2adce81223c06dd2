"""New databases for tests: what takes long is done once in a process and not for each."""

import os
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from sqlalchemy import Dialect, Engine

from cloud.db import migration
from cloud.db.database import Database
from cloud.db.reserve import LEAST

_compiled: dict[Any, Any] = {}
_dialects: list[Dialect] = []


def new_database(path: Path) -> Database:
    """Makes an empty database of the newest schema, and its reserve."""
    reserve = path.with_name("reserve")
    reserve.touch(0o600)
    # Random bytes, of which a service makes it, take longer than many a test.
    os.truncate(reserve, LEAST)
    path.write_bytes(_empty())
    database = Database(path)
    _share_what_is_compiled(database)
    return database


@cache
def _empty() -> bytes:
    with TemporaryDirectory() as folder:
        path = Path(folder) / "palms.db"
        migration.migrate(path)
        return path.read_bytes()


def _share_what_is_compiled(database: Database) -> None:
    """Has a database use what others have compiled of the same statements."""
    engine: Engine = database.session.kw["bind"].sync_engine
    if not _dialects:
        _dialects.append(engine.dialect)
    # What was compiled is found by the dialect that it was compiled for.
    engine.dialect = _dialects[0]
    engine.update_execution_options(compiled_cache=_compiled)
