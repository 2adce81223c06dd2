"""The files of the master key: the one in force, and one that is about to replace it.

`wrapped_by` is how they should be wrapped, as `cloud.keys.stored` reads it.
"""

import secrets
from pathlib import Path

from cloud.db import database
from cloud.keys import stored
from cloud.keys.person_keys import MasterKey
from cloud.state import State, StateDamaged

_PURPOSE = "master key"


def open_master(state: State, wrapped_by: str | None = None, *, alone: bool = True) -> MasterKey:
    """Returns the master key, which is made on first use. A caller that is `alone` wraps it as it
    should be, if it is not. Raises StateDamaged, KeysUnusable, OSError and
    sqlalchemy's DatabaseError."""
    path = state.master_key
    found = stored.read(path, _PURPOSE, wrapped_by)
    if found is None:
        if database.is_used(state.address):
            raise StateDamaged(
                f"{path} is missing, and the database was made with it. Restore it from the "
                "backup of the keys."
            )
        return _make(path, wrapped_by or stored.PLAIN)
    if alone and wrapped_by is not None and not found.is_settled:
        stored.write(path, _PURPOSE, found.secret, wrapped_by)
    return MasterKey(found.secret)


def settle_master(state: State, wrapped_by: str) -> bool:
    """Wraps the master key as it should be, beside a service that runs. Returns whether it was not.

    The key itself stays the same: who has it in memory goes on. Raises StateDamaged, StateInUse,
    KeysUnusable and OSError.
    """
    with state.keys_held():
        found = stored.read(state.master_key, _PURPOSE, wrapped_by)
        if found is None or found.is_settled:
            return False
        stored.write(state.master_key, _PURPOSE, found.secret, wrapped_by)
        return True


def open_next_master(state: State, wrapped_by: str | None = None) -> MasterKey | None:
    """Returns the master key that is about to replace the one in force, None when there is none.
    Raises StateDamaged, KeysUnusable and OSError."""
    found = stored.read(state.next_master_key, _PURPOSE, wrapped_by)
    return None if found is None else MasterKey(found.secret)


def make_next_master(state: State, wrapped_by: str | None = None) -> MasterKey:
    """Returns a master key that is not in force yet. It is made on first use, wrapped like the one
    in force if nothing else is asked, and stays the same until it is in force. Raises as
    `open_next_master` does."""
    there = open_next_master(state, wrapped_by)
    if there is not None:
        return there
    return _make(state.next_master_key, wrapped_by or stored.wrapped_by(state.master_key))


def _make(path: Path, wrapped_by: str) -> MasterKey:
    secret = secrets.token_bytes(stored.SECRET_BYTES)
    stored.write(path, _PURPOSE, secret, wrapped_by)
    return MasterKey(secret)
