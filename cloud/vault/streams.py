"""Streams to one vault for as long as it answers: on each, one question is asked at a time.

How long is waited is counted in beats, of which one comes about each second. What stops this
process stops them too: after it, a vault has as much time left as before.
"""

import asyncio
import contextlib
import socket
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, TypeAlias

from cloud.vault import messages

Beat: TypeAlias = Callable[[], Awaitable[object]]
"""Returns when the next beat has come."""

BEAT_S = 1.0
ANSWER, START = 15, 60
"""The beats after which a vault that has not answered counts as gone, and one that has not
started: a slow and busy machine has to load the palm models."""
ANOTHER = 5
"""The beats that a vault which has started may take to serve another stream."""
SILENT = 3
"""The beats after which a vault that does not say that it lives is asked nothing, until it does."""

INTRODUCE = messages.pack(messages.Introduce())
INTRODUCE_TRACED = messages.traced(INTRODUCE, "0" * 32)
"""Asks a vault to introduce itself, and whether it names traces."""
INTRODUCE_WITH_QUALITY = messages.pack(messages.Introduce(quality=True))
"""Asks a vault to introduce itself, and whether it tells the quality of palms."""

each_second: Beat = partial(asyncio.sleep, BEAT_S)


class VaultUnavailable(Exception):
    """No vault answers at the moment; one is being started."""


@dataclass(eq=False)
class Run:
    """One vault for as long as it answers."""

    beat: Beat
    opened: contextlib.ExitStack
    """Closes the streams."""
    streams: list["Stream"] = field(default_factory=list["Stream"])
    watching: "Stream | None" = None
    """The stream on which it is asked whether it lives, while it may be busy on all others; None
    for a vault of before that serves a single one."""
    asked: int = 0
    """How many questions it has not answered yet."""
    names_traces: bool = False
    """Whether it understands `messages.Traced`, which one of before does not."""
    tells_quality: bool = False
    """Whether it understands `messages.Examine.quality`, which one of before does not."""
    lost: asyncio.Event = field(default_factory=asyncio.Event)
    """Set when it has died, or was silent for too long."""

    async def open(self, end: socket.socket | Path) -> "Stream":
        """Opens a stream on this end, or to a socket at a path. Raises OSError."""
        if isinstance(end, Path):
            reader, writer = await asyncio.open_unix_connection(end)
        else:
            reader, writer = await asyncio.open_connection(sock=end)
        self.opened.callback(writer.close)
        return Stream(self, reader, writer)

    def take_up(self, streams: list["Stream"]) -> None:
        """Takes these for questions, and the last one for asking whether the vault lives."""
        self.streams = streams[:-1] or streams
        self.watching = streams[-1] if len(streams) > 1 else None


@dataclass(eq=False)
class Stream:
    run: Run
    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter

    async def ask(self, question: bytes, patience: int = ANSWER) -> messages.Answer:
        """Returns the answer to a packed question. Raises VaultUnavailable when there is none
        within so many beats: the vault is lost then."""
        self.run.asked += 1
        asking = asyncio.create_task(self.answer(question))
        try:
            if not await is_done(asking, patience, self.run.beat):
                raise VaultUnavailable("it did not answer")
            return asking.result()
        except BaseException:
            # Even when the asker is cancelled: the next answer on this stream would be taken for
            # the answer to another question.
            self.run.lost.set()
            raise
        finally:
            asking.cancel()
            self.run.asked -= 1

    async def answer(self, question: bytes) -> messages.Answer:
        """Returns the answer to a packed question, however long it takes. Raises
        VaultUnavailable."""
        try:
            self.writer.write(question)
            await self.writer.drain()
            head = await self.reader.readexactly(messages.HEAD.size)
            (length,) = messages.HEAD.unpack(head)
            return messages.unpack_answer(await self.reader.readexactly(length))
        except (OSError, EOFError, ValueError):
            raise VaultUnavailable("it has ended, or answers what is no answer") from None


async def is_done(what: "asyncio.Future[Any]", patience: int, beat: Beat) -> bool:
    """Waits until something is done, for so many beats at most; returns whether it is."""
    for _ in range(patience):
        beating = asyncio.ensure_future(beat())
        try:
            await asyncio.wait([what, beating], return_when=asyncio.FIRST_COMPLETED)
        finally:
            beating.cancel()
        if what.done():
            return True
    return False
