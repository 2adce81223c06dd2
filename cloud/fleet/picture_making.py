"""Has a picture for kiosks made of somebody's file, in a process of its own: it can open no file,
reach nobody and start nothing, because whoever gives the file may not be the operator."""

import asyncio
import logging
import os
import re
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, cast

from protocol.fleet import Variant
from protocol.pictures import NoPicture

log = logging.getLogger(__name__)

MAX_FILE = 20 * 2**20
"""The largest file that is read, in bytes."""
PATIENCE_S = 60
"""How long a picture may take to be made, in seconds."""
REFUSED = 3
"""The status with which the process ends when it is given no picture."""

UNREADABLE = "it is no PNG, JPEG or WebP that can be read"
_KINDS = re.compile(rb"\x89PNG\r\n\x1a\n|\xff\xd8\xff|RIFF....WEBP", re.DOTALL)
"""How PNG, JPEG and WebP begin. Readers of other kinds are never begun."""
_INHERITED = ("PATH", "PYTHONPATH", "LD_LIBRARY_PATH", "LANG")
"""What the process has of this one's environment, in which there are secrets."""
_ONE_THREAD = {"OPENBLAS_NUM_THREADS": "1"}

Kind = Literal["logo", "attract"]


@dataclass(frozen=True, slots=True)
class Made:
    """A picture for kiosks."""

    content: bytes
    ink: Variant | None
    """Whether what a logo draws is dark or light, where its ground is transparent."""


def read_file(path: Path) -> bytes:
    """Returns the content of a file, of which at most MAX_FILE + 1 bytes are read: enough to see
    that it is too large. Raises OSError."""
    with path.open("rb") as opened:
        return opened.read(MAX_FILE + 1)


async def make(kind: Kind, content: bytes) -> Made:
    """Returns the picture that kiosks get of a PNG, JPEG or WebP. Raises NoPicture."""
    if len(content) > MAX_FILE:
        raise NoPicture("it is larger than 20 MiB")
    if not _KINDS.match(content):
        raise NoPicture(UNREADABLE)
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "cloud.fleet.picture_files", kind),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
        env={name: os.environ[name] for name in _INHERITED if name in os.environ} | _ONE_THREAD,
    )
    try:
        async with asyncio.timeout(PATIENCE_S):
            written, _ = await process.communicate(content)
    except BaseException as error:
        process.kill()
        await process.wait()
        if isinstance(error, TimeoutError):
            raise NoPicture("it takes too long to be read") from None
        raise
    if process.returncode == REFUSED:
        raise NoPicture(written.decode())
    if process.returncode != 0:
        log.warning("what reads a picture has ended with status %d", process.returncode)
        raise NoPicture(UNREADABLE)
    ink, _, picture = written.partition(b"\n")
    return Made(picture, cast(Variant, ink.decode()) if ink else None)
