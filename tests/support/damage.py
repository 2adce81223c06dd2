"""Ways in which a file of a state folder comes to be damaged."""

from collections.abc import Callable
from pathlib import Path

Damage = Callable[[Path], None]


def empty(path: Path) -> None:
    path.write_bytes(b"")


def zero(path: Path) -> None:
    path.write_bytes(bytes(path.stat().st_size))


def truncate(path: Path) -> None:
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
