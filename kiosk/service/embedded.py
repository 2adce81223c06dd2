"""The signature service in a process beside the kiosk, for as long as the kiosk runs."""

import asyncio
import json
import logging
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator
from contextlib import suppress
from pathlib import Path
from typing import NoReturn

import httpx
from pydantic import BaseModel, ConfigDict

from kiosk.clock import Clock
from kiosk.service.client import SignatureService
from kiosk.service.errors import ServiceError
from kiosk.simulated.network_fault import HOST, NetworkFault
from protocol.backoff import pause_after
from protocol.storage import cause_and_remedy

log = logging.getLogger(__name__)

READY_WITHIN_S = 60
"""Seconds that a start may take: the first one makes keys, certificates and a database."""
ENDS_WITHIN_S = 5
"""Seconds after which a service that does not end is killed."""
FIRST_PAUSE_S = 0.5
"""Seconds before the service is started again."""
LONGEST_PAUSE_S = 30
"""The longest such pause, when it fails again and again."""

REFUSES = "cloud: "
"""How the line begins in which the service says why it does not start."""


class Ready(BaseModel):
    """What the service prints once it accepts requests."""

    model_config = ConfigDict(extra="ignore", hide_input_in_errors=True)

    url: str
    activation_code: str


class _ReadyLine(BaseModel):
    ready: Ready


class EmbeddedService:
    """Starts the service, starts it again when it ends, and stops it with the kiosk.

    With a `network_fault`, the kiosk reaches the service through its relay. A kiosk that is locked
    is not activated by itself: `activates` is False then.
    """

    def __init__(
        self,
        state: Path,
        name: str,
        clock: Clock,
        network_fault: NetworkFault | None = None,
        *,
        activates: bool = True,
        kept: asyncio.Event | None = None,
    ) -> None:
        """Once `kept` is set, the service gives up the way back to the version before; without it,
        when it is ready."""
        self._state = state
        self._name = name
        self._clock = clock
        self._activates = activates
        self.network_fault = network_fault
        self._kept = kept
        self._wanted = asyncio.Event()
        self._wanted.set()
        self._process: Process | None = None

    @property
    def process_id(self) -> int | None:
        return self._process.pid if self._process is not None else None

    def kill(self) -> None:
        """Kills the process, as a crash does; it is started again."""
        if self._process is not None and self._process.returncode is None:
            self._process.kill()

    def hold_down(self) -> None:
        """Kills the process and does not start it again until `bring_up`."""
        self._wanted.clear()
        self.kill()

    def bring_up(self) -> None:
        self._wanted.set()

    async def keep(self, service: SignatureService) -> NoReturn:
        failures = 0
        try:
            while True:
                await self._wanted.wait()
                if await self._live(service):
                    failures = 0
                log.warning("the embedded service has ended and is started again")
                await self._clock.sleep(pause_after(failures, FIRST_PAUSE_S, LONGEST_PAUSE_S))
                failures += 1
        finally:
            if self.network_fault is not None:
                await self.network_fault.cut()

    async def _live(self, service: SignatureService) -> bool:
        """Runs the process until it ends. Returns whether it became ready."""
        options = ["--state", str(self._state.resolve()), "--sandbox", "--port", "0"]
        if self._kept is not None:
            options.append("--until-kept")
        process = self._process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "cloud",
            *options,
            # The service ends when this pipe closes, so it ends even when the kiosk is killed.
            stdin=PIPE,
            stdout=PIPE,
            stderr=PIPE,
            # Ctrl-C in the terminal is for the kiosk alone, which ends the service in order.
            process_group=0,
        )
        assert process.stderr
        log_of_service = asyncio.create_task(pass_on(process.stderr, service))
        telling = asyncio.create_task(self._tell_kept(process))
        try:
            async with asyncio.timeout(READY_WITHIN_S):
                ready = await _ready(process)
            if ready is None:
                await asyncio.wait([log_of_service], timeout=ENDS_WITHIN_S)
                return False
            service.stopped = None
            await self._connect(service, ready)
            await _ended(process)
        except TimeoutError:
            log.error("the embedded service was not ready within %d s", READY_WITHIN_S)
            return False
        except OSError as error:
            log.error("the embedded service cannot be used: %s %s", *cause_and_remedy(error))
            return False
        finally:
            # The service waits for open connections before it ends.
            await service.close()
            await _end(process)
            telling.cancel()
            # The vault has the same log, and ends a moment later.
            await asyncio.wait([log_of_service], timeout=ENDS_WITHIN_S)
            log_of_service.cancel()
        return True

    async def _tell_kept(self, process: Process) -> None:
        if self._kept is not None:
            await self._kept.wait()
            assert process.stdin
            process.stdin.write(b"kept\n")

    async def _connect(self, service: SignatureService, ready: Ready) -> None:
        url = ready.url
        if self.network_fault is not None:
            near = await self.network_fault.lay(httpx.URL(url).port or 443)
            url = f"https://{HOST}:{near}"
        await service.connect(url, self._state.resolve() / "ca.pem", ready=False)
        # At every start: if its state was removed, the service does not know this kiosk.
        try:
            if self._activates:
                await service.activate(ready.activation_code, self._name)
        except (ServiceError, OSError) as error:
            log.error("the embedded service does not activate this kiosk: %s", error)
        service.ready.set()


async def _ready(process: Process) -> Ready | None:
    """Returns what the process prints when it is ready, None when it ends before."""
    assert process.stdout
    async for line in process.stdout:
        with suppress(ValueError):
            # Not by pydantic's own parser: a path may hold bytes that are no text, and it refuses
            # the escapes for them.
            return _ReadyLine.model_validate(json.loads(line)).ready
    return None


async def pass_on(log_of_service: asyncio.StreamReader, service: SignatureService) -> None:
    """Passes the log of the service on, and keeps what it says when it does not start."""
    async for raw in _pieces(log_of_service):
        line = raw.decode(errors="backslashreplace")
        # Into a file on a full disk nothing can be written, and a service whose log nobody reads
        # any more would come to a halt.
        with suppress(OSError):
            print(line, end="", file=sys.stderr, flush=True)  # noqa: T201 - it is the log
        if line.startswith(REFUSES):
            service.stopped = line.removeprefix(REFUSES).strip()


async def _pieces(reader: asyncio.StreamReader) -> AsyncIterator[bytes]:
    """Yields line by line, and one that is longer than the reader holds in several pieces."""
    while not reader.at_eof():
        try:
            yield await reader.readuntil()
        except asyncio.LimitOverrunError as longer:
            yield await reader.readexactly(longer.consumed)
        except asyncio.IncompleteReadError as last:
            yield last.partial


async def _ended(process: Process) -> None:
    """Waits for the end. `communicate` is not used: it closes the pipe that keeps the service
    running."""
    assert process.stdout
    await process.stdout.read()
    await process.wait()


async def _end(process: Process) -> None:
    if process.returncode is None:
        process.terminate()
        try:
            async with asyncio.timeout(ENDS_WITHIN_S):
                await _ended(process)
        except TimeoutError:
            process.kill()
            await process.wait()
