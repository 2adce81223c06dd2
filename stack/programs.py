"""Programs that are started, watched and ended."""

import asyncio
import json
import os
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

LOOK_S = 0.05
"""How often a socket that is not there yet is looked for, in seconds."""
PATIENCE_S = 20.0
"""How long a program may take to end before it is killed, in seconds."""
LAST_LINES = 5
"""So many lines of a log say why a program has ended."""


class Ended(RuntimeError):
    """A program has ended by itself: the message tells which, and the end of its log."""


class Program:
    """One `python -m …`. Its standard error is added to the file `log`."""

    def __init__(self, name: str, process: asyncio.subprocess.Process, log: Path) -> None:
        self.name = name
        self.pid = process.pid
        self._process = process
        self._log = log
        self.ending = asyncio.create_task(process.wait())
        """Done when the program has ended, however that came."""

    @classmethod
    async def start(
        cls, name: str, words: list[str], log: Path, environment: Mapping[str, str] | None = None
    ) -> "Program":
        """`environment` is what it has beside this process's own. Raises OSError."""
        with log.open("ab") as errors:
            process = await asyncio.create_subprocess_exec(
                *(sys.executable, "-m", *words),
                # Services and workers end when this closes.
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                stderr=errors,
                env=os.environ | (environment or {}),
                # A terminal interrupts this process, which ends the others in their order.
                start_new_session=True,
            )
        return cls(name, process, log)

    async def lines(self) -> AsyncIterator[str]:
        """Yields what it writes to standard output, until that is closed."""
        assert self._process.stdout
        while line := await self._process.stdout.readline():
            yield line.decode(errors="replace").rstrip("\n")

    async def announced(self) -> dict[str, Any]:
        """Returns what a service or a worker tells once it is ready. Raises Ended."""
        async for line in self.lines():
            return json.loads(line)["ready"]
        raise await self.end()

    async def listens(self, path: Path) -> None:
        """Waits until it takes connections at a socket. Raises Ended."""
        while not self.ending.done():
            with suppress(OSError):
                _, writer = await asyncio.open_unix_connection(path)
                writer.close()
                return
            await asyncio.sleep(LOOK_S)
        raise await self.end()

    async def end(self) -> Ended:
        """Waits until it has ended, and returns the error that says so."""
        status = await self.ending
        how = f"with status {status}" if status >= 0 else f"by signal {-status}"
        said = self._log.read_text(errors="replace").splitlines()[-LAST_LINES:]
        return Ended(
            "\n  ".join([f"{self.name} has ended {how}. {self._log} says at last:", *said])
        )

    async def kill(self) -> None:
        with suppress(ProcessLookupError):
            self._process.kill()
        await self.ending

    async def stop(self) -> None:
        """Has it end in order, and kills it where it does not."""
        with suppress(ProcessLookupError):
            self._process.terminate()
        await asyncio.wait([self.ending], timeout=PATIENCE_S)
        if not self.ending.done():
            await self.kill()
