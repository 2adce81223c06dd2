"""The vault's own directory: one file for each private key it ever made."""

import time
from pathlib import Path

from cloud.state import StateDamaged, write_private
from protocol.encoding import from_base64, to_base64
from protocol.envelope import PrivateKey, Suite


def load_or_make(directory: Path) -> list[PrivateKey]:
    """Newest first; a first one is made when there is none. Raises StateDamaged and OSError."""
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    paths = sorted(directory.glob("*.key"), reverse=True)
    if paths:
        return [_read(path) for path in paths]
    key = PrivateKey.generate()
    content = f"{key.suite.value}\n{to_base64(key.secret)}\n"
    # Named by time, so that the newest is the last.
    name = f"{time.time_ns():020d}-{key.public.key_id}.key"
    write_private(directory / name, content.encode())
    return [key]


def _read(path: Path) -> PrivateKey:
    try:
        suite, secret, _ = path.read_text("ascii").split("\n")
        key = PrivateKey(Suite(suite), from_base64(secret))
        if path.stem.endswith(key.public.key_id):
            return key
    except ValueError:
        # The cause would quote the key.
        pass
    raise StateDamaged(
        f"{path} is damaged, and captures sealed to it cannot be opened. Restore it from the "
        "backup of the keys, or remove it: devices fetch the key that takes its place."
    )
