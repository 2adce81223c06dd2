"""Keeps a vault: starts it or connects to it, notices when it dies or hangs, and does so again."""

import asyncio
import contextlib
import logging
import os
import socket
import sys
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from contextlib import AbstractAsyncContextManager
from enum import StrEnum
from pathlib import Path
from typing import TypeAlias

from cloud.settings import Recognition
from cloud.vault import messages
from cloud.vault.streams import (
    ANOTHER,
    INTRODUCE,
    SILENT,
    START,
    Beat,
    Run,
    Stream,
    VaultUnavailable,
    is_done,
)
from cloud.vault.turns import Turns
from protocol.backoff import pause_after

log = logging.getLogger(__name__)

STOP = 2
"""The beats after which a vault that does not end is killed."""
SHORTEST_PAUSE_S, LONGEST_PAUSE_S = 0.1, 10.0

Way: TypeAlias = Callable[[Run], AbstractAsyncContextManager[int | None]]
"""Opens the streams to a vault while the context lasts, and gives its process id if it is a child.
Raises VaultUnavailable and OSError."""


class VaultState(StrEnum):
    WORKS = "works"
    SILENT = "does_not_answer"
    """It hangs, or is not left any processor time."""
    STARTING = "is_being_started"


class Kept:
    """One vault, which is there again and again."""

    def __init__(
        self,
        way: Way,
        turns: Turns[Stream],
        beat: Beat,
        greet: Callable[[Stream], Awaitable[None]],
    ) -> None:
        """Its streams take part in `turns` while it answers, once `greet` has returned. It raises
        VaultUnavailable when this vault cannot be asked."""
        self._way = way
        self._turns = turns
        self._beat = beat
        self._greet = greet
        self.state = VaultState.STARTING
        self.pid: int | None = None
        """The process id of the child, while there is one."""
        self.tried: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
        """Whether the first vault has started, once that is known."""

    async def keep(self) -> None:
        failures = 0
        while True:
            try:
                with contextlib.ExitStack() as opened:
                    run = Run(self._beat, opened)
                    async with self._way(run) as self.pid:
                        await self._greet(run.streams[0])
                        failures = 0
                        await self._serve(run)
            except (VaultUnavailable, OSError) as error:
                log.warning("no vault: %s", error)
            except Exception as error:
                # Whatever it is, nobody is recognised until there is a vault again.
                log.error("no vault: %s", type(error).__name__, exc_info=error)
            finally:
                self.pid = None
            if not self.tried.done():
                self.tried.set_result(False)
            await asyncio.sleep(pause_after(failures, SHORTEST_PAUSE_S, LONGEST_PAUSE_S))
            failures += 1
            log.warning("the vault is gone; starting it again")

    async def _serve(self, run: Run) -> None:
        """Has a vault asked until it is lost."""
        watching = asyncio.create_task(self._watch(run))
        try:
            self._is(VaultState.WORKS, run)
            if not self.tried.done():
                self.tried.set_result(True)
            await run.lost.wait()
        finally:
            watching.cancel()
            self._is(VaultState.STARTING, run)

    async def _watch(self, run: Run) -> None:
        """Asks each beat whether the vault lives. While it does not answer it is asked nothing
        else, and in the end it is lost."""
        while run.watching is not None:
            await self._beat()
            asked = asyncio.create_task(run.watching.ask(INTRODUCE))
            try:
                if not await is_done(asked, SILENT, self._beat):
                    log.warning("a vault does not answer; others are asked meanwhile")
                    self._is(VaultState.SILENT, run)
                    await asyncio.wait([asked])
                if asked.exception() is not None:
                    return
                if self.state is VaultState.SILENT:
                    log.warning("the vault answers again")
                    self._is(VaultState.WORKS, run)
            finally:
                asked.cancel()

    def _is(self, state: VaultState, run: Run) -> None:
        self.state = state
        if state is VaultState.WORKS:
            self._turns.offer(run.streams)
        else:
            self._turns.withdraw(run.streams)


_SECRETS = ("PALM_CLOUD_", "OTEL_", "PG")
"""How the variables begin that may hold a secret, such as what a collector asks for, or the
database's password (PGPASSWORD)."""


def command(recognition: Recognition, directory: Path, wrapped_by: str | None) -> list[str]:
    """Returns the command that runs a vault with the keys in `directory`, but for the streams.
    `wrapped_by` is how it wraps its keys (`cloud.keys.stored`)."""
    options = ["--directory", str(directory), "--examiner", recognition.examiner]
    if wrapped_by is not None:
        options += "--wrapped-by", wrapped_by
    for scheme in recognition.schemes:
        options += "--scheme", scheme.extractor, scheme.matcher
    return [sys.executable, "-m", "cloud.vault", *options]


def environment() -> dict[str, str]:
    """Returns the environment of a vault, without the service's secrets.

    It has one thread for its small matrices: on a busy machine, several take ten times as long. And
    its memory comes in large pages (glibc), since a process is forked for each capture and takes
    over all pages.
    """
    own = {k: v for k, v in os.environ.items() if not k.startswith(_SECRETS)}
    return own | {"OPENBLAS_NUM_THREADS": "1", "GLIBC_TUNABLES": "glibc.malloc.hugetlb=1"}


@contextlib.asynccontextmanager
async def started(command: Sequence[str], run: Run) -> AsyncGenerator[int | None]:
    """Starts a vault as a child, which ends with the context."""
    pairs = [socket.socketpair() for _ in range(messages.AT_ONCE + 1)]
    with contextlib.ExitStack() as theirs:
        for _, their_end in pairs:
            theirs.enter_context(their_end)
        run.take_up([await run.open(ours) for ours, _ in pairs])
        channels = [their_end.fileno() for _, their_end in pairs]
        process = await asyncio.create_subprocess_exec(
            *(*command, "--channel", *map(str, channels)),
            pass_fds=channels,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=sys.stderr,
            env=environment(),
        )
        # Only the child has its ends open from now on, so the streams end with it.
    exited = asyncio.create_task(process.wait())
    exited.add_done_callback(lambda _: run.lost.set())
    try:
        yield process.pid
    finally:
        # The child ends with its streams, unless it hangs.
        run.opened.close()
        if not await is_done(exited, STOP, run.beat):
            process.kill()
            await exited


@contextlib.asynccontextmanager
async def connected(path: Path, run: Run) -> AsyncGenerator[int | None]:
    """Connects to a vault that runs by itself. An older one serves a single stream at a time, and
    does not answer on another."""
    streams = [await run.open(path)]
    await streams[0].ask(INTRODUCE, START)
    with contextlib.suppress(VaultUnavailable, OSError):
        while len(streams) <= messages.AT_ONCE:
            another = await run.open(path)
            asking = asyncio.create_task(another.answer(INTRODUCE))
            if not await is_done(asking, ANOTHER, run.beat):
                another.writer.close()
                asking.cancel()
                break
            asking.result()
            streams.append(another)
    run.take_up(streams)
    yield None
