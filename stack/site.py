"""The processes of a service at one site, on one machine."""

import asyncio
import json
import re
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any, NoReturn

from sqlalchemy.engine import URL

from stack.balancer import Balancer
from stack.programs import Program

WORKER = "worker"


class Site:
    """Services behind a balancer, vaults that any of them asks, and a worker, over one database.

    `async with` starts them; they are `service-1` and on, `vault-1` and on, and `worker`. A
    settings.toml in `folder/service` counts for all of them. Raises CannotListen, Ended and
    OSError.
    """

    def __init__(
        self,
        folder: Path,
        database: URL,
        payments_url: str,
        *,
        services: int = 2,
        vaults: int = 2,
        port: int = 0,
    ) -> None:
        """`payments_url` is where the simulated payment provider listens, and `port` where the
        balancer does; 0 takes a free one."""
        self.state = folder / "service"
        """The state folder that all have in common."""
        self.logs = folder / "logs"
        self.database = database
        self.programs: dict[str, Program] = {}
        self.announced: dict[str, dict[str, Any]] = {}
        """What the services have told when they were ready (docs/operating.md, The service)."""
        self._sockets = {f"vault-{n}": folder / f"vault-{n}.sock" for n in range(1, vaults + 1)}
        self._services = [f"service-{n}" for n in range(1, services + 1)]
        # The environment wins over settings.toml, which is the operator's.
        self._wiring = {
            "PALM_CLOUD_PAYMENTS__STRIPE_URL": payments_url,
            "PALM_CLOUD_VAULT__SOCKETS": json.dumps([str(path) for path in self._sockets.values()]),
        }
        self._balancer = Balancer(port, self._ports)
        self._running = AsyncExitStack()

    @property
    def url(self) -> str:
        """The address of the whole."""
        return f"https://127.0.0.1:{self._balancer.port}"

    @property
    def ca(self) -> Path:
        return self.state / "ca.pem"

    @property
    def urls(self) -> list[str]:
        """The address of each service, which only this machine's tests and phones need."""
        return [self.announced[name]["url"] for name in self._services if name in self.announced]

    def words(self, *words: str) -> list[str]:
        """Returns the arguments of a command about this site."""
        where = ["--state", str(self.state), "--database", self.database.render_as_string()]
        return ["cloud", *where, "--sandbox", *words]

    async def __aenter__(self) -> "Site":
        for folder in (self.state, self.logs):
            folder.mkdir(mode=0o700, exist_ok=True)
        try:
            await self._running.enter_async_context(self._balancer)
            self._running.push_async_callback(self._stop_all)
            await self._start_together(*self._sockets)
            # It makes the keys and the database, and the others find them.
            await self.start(self._services[0])
            await self._start_together(*self._services[1:], WORKER)
        except BaseException:
            await self._running.aclose()
            raise
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._running.aclose()

    async def start(self, name: str) -> None:
        """Starts a program, and returns when it is ready. Raises Ended and OSError."""
        path = self._sockets.get(name)
        if path is not None:
            vault = await self._run(name, "vault", "--socket", str(path))
            await vault.listens(path)
        elif name == WORKER:
            worker = await self._run(name, WORKER)
            await worker.announced()
        else:
            service = await self._run(name, "--port", "0", "serve")
            self.announced[name] = await service.announced()

    async def stop(self, name: str) -> None:
        """Has a program end in order."""
        await self.programs[name].stop()

    async def kill(self, name: str) -> None:
        await self.programs[name].kill()

    async def watch(self) -> NoReturn:
        """Raises Ended as soon as one of the programs has ended."""
        ending = {program.ending: program for program in self.programs.values()}
        done, _ = await asyncio.wait(ending, return_when=asyncio.FIRST_COMPLETED)
        raise await ending[done.pop()].end()

    async def activation_code(self) -> str:
        """Returns a new code, which activates one kiosk within a day. Raises Ended and OSError."""
        words = self.words("staff", "activation-code")
        asked = await Program.start("activation-code", words, self.logs / "staff.log")
        codes = [line async for line in asked.lines() if re.fullmatch("[0-9]{8}", line)]
        ended = await asked.end()
        if not codes:
            raise ended
        return codes[0]

    async def _run(self, name: str, *words: str) -> Program:
        log = self.logs / f"{name}.log"
        program = await Program.start(name, self.words(*words), log, self._wiring)
        self.programs[name] = program
        return program

    async def _start_together(self, *names: str) -> None:
        for failure in await asyncio.gather(*map(self.start, names), return_exceptions=True):
            if failure is not None:
                raise failure

    async def _stop_all(self) -> None:
        """Stops the vaults last, which the others ask to the end."""
        vaults = [self.programs[name] for name in self._sockets if name in self.programs]
        others = [each for each in self.programs.values() if each not in vaults]
        for together in (others, vaults):
            await asyncio.gather(*(program.stop() for program in together))

    def _ports(self) -> list[int]:
        return [int(url.rpartition(":")[2]) for url in self.urls]
