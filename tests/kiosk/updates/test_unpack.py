"""A program is unpacked into its folder, and nothing else is."""

import io
import tarfile
from pathlib import Path

import pytest

from kiosk.updates.check import Refused, unpack


def member(name: str, kind: bytes = tarfile.REGTYPE, to: str = "", mode: int = 0o644):
    info = tarfile.TarInfo(name)
    info.type, info.linkname, info.mode, info.uid, info.gid = kind, to, mode, 4242, 4242
    return info


def packed(path: Path, *members: tarfile.TarInfo) -> Path:
    archive = path / "program.tar.xz"
    with tarfile.open(archive, "w:xz") as tar:
        for each in members:
            content = b"content" if each.isfile() else b""
            each.size = len(content)
            tar.addfile(each, io.BytesIO(content))
    return archive


def test_files_folders_and_links_come_out_without_special_rights(tmp_path: Path) -> None:
    archive = packed(
        tmp_path,
        member("program", tarfile.DIRTYPE, mode=0o777),
        member("program/run", mode=0o6777),
        member("program/library.so.1", mode=0o666),
        member("program/library.so", tarfile.SYMTYPE, "library.so.1"),
        member("program/same", tarfile.LNKTYPE, "program/run", mode=0o6777),
    )
    unpack(archive, tmp_path / "out")
    program = tmp_path / "out" / "program"
    assert (program / "run").read_bytes() == (program / "same").read_bytes() == b"content"
    assert (program / "library.so").readlink() == Path("library.so.1")
    modes = [(program / name).stat().st_mode & 0o7777 for name in (".", "run", "library.so.1")]
    assert modes == [0o755, 0o755, 0o644]
    assert (program / "run").stat().st_uid == tmp_path.stat().st_uid


@pytest.mark.parametrize(
    "members",
    [
        [member("../beside")],
        [member("/tmp/beside")],
        [member("link", tarfile.SYMTYPE, "..")],
        [member("link", tarfile.SYMTYPE, "/etc")],
        [member("link", tarfile.LNKTYPE, "../secret")],
        [
            member("a", tarfile.DIRTYPE),
            member("a/b", tarfile.DIRTYPE),
            member("a/b/up", tarfile.SYMTYPE, "../.."),
            member("out", tarfile.SYMTYPE, "a/b/up/.."),
        ],
        [member("pipe", tarfile.FIFOTYPE)],
        [member("device", tarfile.CHRTYPE)],
    ],
    ids=[
        "above",
        "absolute",
        "link up",
        "link away",
        "hard link",
        "links of links",
        "pipe",
        "device",
    ],
)
def test_what_leads_outside_or_is_no_file_is_refused(
    tmp_path: Path, members: list[tarfile.TarInfo]
) -> None:
    (tmp_path / "secret").write_text("secret")
    before = sorted(tmp_path.iterdir())
    with pytest.raises(Refused):
        unpack(packed(tmp_path, *members), tmp_path / "out")
    left = sorted(tmp_path.iterdir())
    assert left == sorted([*before, tmp_path / "out", tmp_path / "program.tar.xz"])
    assert not any((tmp_path / "out").rglob("pipe"))
