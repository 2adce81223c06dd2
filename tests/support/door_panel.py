"""The panel of `./run door` in a process of its own, as a person uses it: by lines."""

import asyncio
import sys
from asyncio.subprocess import PIPE, Process
from pathlib import Path

WAITS_S = 60
"""Longer than anything takes on a busy machine."""


class DoorPanel:
    """`said` has the lines it has printed."""

    def __init__(self, process: Process) -> None:
        self._process = process
        self.said: list[str] = []
        self._more = asyncio.Condition()
        self._reading = asyncio.create_task(self._read())

    @classmethod
    async def start(cls, device: str, key_file: Path, *options: str) -> "DoorPanel":
        program = (sys.executable, "-m", "door", "--port", device, "--key-file", str(key_file))
        return cls(
            await asyncio.create_subprocess_exec(*program, *options, stdin=PIPE, stdout=PIPE)
        )

    def tell(self, command: str) -> int:
        """Returns how much it has said so far."""
        assert self._process.stdin
        self._process.stdin.write(f"{command}\n".encode())
        return len(self.said)

    async def says(self, words: str, since: int = 0) -> str:
        """Waits for a line with these words."""

        def found() -> list[str]:
            return [line for line in self.said[since:] if words in line]

        async with asyncio.timeout(WAITS_S), self._more:
            await self._more.wait_for(found)
        return found()[0]

    async def close(self) -> None:
        self._process.kill()
        await self._reading
        await self._process.wait()

    async def _read(self) -> None:
        assert self._process.stdout
        while line := await self._process.stdout.readline():
            async with self._more:
                self.said.append(line.decode().rstrip())
                self._more.notify_all()
