"""A sealed file is read as it was written, or not at all."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from cloud.keys import sealed_file
from cloud.keys.keeper import KeysUnusable
from cloud.keys.sealed_file import PIECE, SealedFileUnusable

NOW = datetime(2026, 11, 30, tzinfo=UTC)


@pytest.fixture
def kek(tmp_path: Path) -> str:
    (tmp_path / "kek").write_bytes(b"k" * 32)
    return f"file:{tmp_path / 'kek'}"


def write(path: Path, kek: str, *content: bytes) -> Path:
    sealed_file.write(
        path,
        content,
        kind="palms database",
        made_at=NOW,
        expires_at=NOW,
        master="mark",
        wrapped_by=kek,
    )
    return path


@pytest.mark.parametrize("last", [0, 1, PIECE])
@pytest.mark.parametrize("before", [0, 2])
def test_what_is_written_is_read(tmp_path: Path, kek: str, before: int, last: int):
    content = [b"a" * PIECE] * before + ([b"b" * last] if last else [])
    path = write(tmp_path / "file", kek, *content)
    assert b"".join(sealed_file.read(path)) == b"".join(content)
    assert sealed_file.read_head(path).master == "mark"
    assert b"aaaa" not in path.read_bytes()
    assert path.stat().st_mode & 0o777 == 0o600


def spoilt(content: bytes) -> dict[str, bytes]:
    head, _, rest = content.partition(b"\n")
    sealed = PIECE + 16
    first, second, third = rest[:sealed], rest[sealed : 2 * sealed], rest[2 * sealed :]
    return {
        "cut off between pieces": head + b"\n" + first + second,
        "cut off within one": content[:-1],
        "nothing behind the head": head + b"\n",
        "a piece left out": head + b"\n" + first + third,
        "two pieces changed about": head + b"\n" + second + first + third,
        "one bit changed": content[:-20] + bytes([content[-20] ^ 1]) + content[-19:],
        "another day": content.replace(b"2026-11-30", b"2026-11-29", 1),
    }


@pytest.mark.parametrize("how", spoilt(bytes(20)))
def test_what_was_changed_does_not_count(tmp_path: Path, kek: str, how: str):
    path = write(tmp_path / "file", kek, b"a" * PIECE, b"b" * PIECE, b"c" * 100)
    path.write_bytes(spoilt(path.read_bytes())[how])
    with pytest.raises(SealedFileUnusable, match="was altered or is cut off"):
        list(sealed_file.read(path))


def test_another_key_opens_nothing(tmp_path: Path, kek: str):
    path = write(tmp_path / "file", kek, b"a")
    (tmp_path / "kek").write_bytes(b"x" * 32)
    with pytest.raises(KeysUnusable, match="does not hold the key"):
        list(sealed_file.read(path))
    path.write_bytes(b"not of ours")
    with pytest.raises(SealedFileUnusable, match="no backup of this service"):
        list(sealed_file.read(path))


class Killed(BaseException):
    pass


def test_what_was_not_finished_is_not_there(tmp_path: Path, kek: str):
    def content():
        yield b"a"
        raise Killed

    with pytest.raises(Killed):
        sealed_file.write(
            tmp_path / "file",
            content(),
            kind="palms keys",
            made_at=NOW,
            expires_at=NOW,
            master="mark",
            wrapped_by=kek,
        )
    assert [path.name for path in tmp_path.iterdir()] == ["kek"]
