"""Runs the real service on loopback, in this process or in one of its own."""

import asyncio
import json
import secrets
import signal
import threading
from collections.abc import Coroutine
from concurrent.futures import Future
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, TypeVar

import httpx
from sqlalchemy import func, inspect, select
from sqlalchemy.engine import URL

from cloud import bootstrap
from cloud.context import Context, Database
from cloud.db.tables import Table
from cloud.law import Law
from cloud.merchants.devices import make_activation_code
from cloud.merchants.merchants import add_merchant, find_site
from cloud.merchants.tables import FIRST
from cloud.people.accounts import person_id_of
from cloud.policy import Limit
from cloud.providers.sandbox import SandboxProvider
from cloud.serving import listen, make_server
from cloud.settings import Merchant, Recognition, Scheme, Settings
from cloud.state import State
from cloud.vault.client import VaultClient
from cloud.web import limits
from cloud.web.devices import bind_reader
from tests.support import databases, plain_palms
from tests.support.device import TestDevice
from tests.support.warm import Started, warm_starts

T = TypeVar("T")

PATIENCE_S = 90
"""How long a machine busy with other things may take for one step."""

_PALMS = "tests.support.plain_palms"
_SHORTLIST = 16
"""Palms that a search compares in full. Hundreds of tests share a gallery, and no two people in it
are alike."""
CURRENT = Scheme(
    version=plain_palms.VERSION,
    extractor=f"{_PALMS}:PlainExtractor",
    matcher=f"{_PALMS}:PlainMatcher",
    calibration=plain_palms.CALIBRATION,
    shortlist=_SHORTLIST,
)
OLD = Scheme(
    version=plain_palms.OLD,
    extractor=f"{_PALMS}:OldExtractor",
    matcher=f"{_PALMS}:OldMatcher",
    calibration=plain_palms.OLD_CALIBRATION,
    shortlist=_SHORTLIST,
)
PLAIN = Recognition(examiner=f"{_PALMS}:PlainExaminer", schemes=(CURRENT,))


class Served:
    """The service in this process, on a thread of its own, with a clock that can be moved."""

    def __init__(
        self, root: Path, settings: Settings, *, sandbox: bool = True, server: URL | None = None
    ) -> None:
        self.state = State.open(root, server or databases.server_for(root))
        self.ahead = timedelta(0)
        self._stopped: datetime | None = None
        self._settings = settings
        self._sandbox = sandbox
        self._loop = asyncio.new_event_loop()
        self._ready: Future[Context] = Future()
        self._listener = listen("127.0.0.1", 0)
        self._thread = threading.Thread(target=self._run)
        self._devices: list[TestDevice] = []

    def __enter__(self) -> "Served":
        with warm_starts():
            self._thread.start()
            self.context = self._ready.result(PATIENCE_S)
        payments = self.context.payments
        assert isinstance(payments, SandboxProvider)
        assert payments.url
        self.provider_url = payments.url
        return self

    def __exit__(self, *_: object) -> None:
        for device in self._devices:
            device.http.close()
        self._server.should_exit = True
        self._thread.join(PATIENCE_S)
        assert not self._thread.is_alive()

    @property
    def vault(self) -> VaultClient:
        assert isinstance(self.context.vault, VaultClient)
        return self.context.vault

    @property
    def database(self) -> Database:
        return self.context.database

    @property
    def url(self) -> str:
        return f"https://127.0.0.1:{self._listener.getsockname()[1]}"

    @property
    def origin(self) -> str:
        """The portal's, under a name: an IP address has no passkeys."""
        return self.url.replace("127.0.0.1", "localhost")

    def do(self, work: Coroutine[Any, Any, T]) -> T:
        """Runs a coroutine on the service's loop and returns its result."""
        return self.start(work).result(PATIENCE_S)

    def start(self, work: Coroutine[Any, Any, T]) -> "Future[T]":
        """Begins to run a coroutine on the service's loop."""
        return asyncio.run_coroutine_threadsafe(work, self._loop)

    def device(self, address: str | None = None) -> TestDevice:
        """Returns a new device that is not activated."""
        device = TestDevice(self.url, self.state.ca, address)
        device.clock = self._clock
        self._devices.append(device)
        return device

    async def look_at_certificate(self) -> None:
        """Does what the service does every minute: renews the certificate when it is due."""
        look = self._server.config.callback_notify
        assert look
        await look()

    def activation_code(self, site_id: str = FIRST, replaces: str | None = None) -> str:
        async def make() -> str:
            async with self.context.database.session() as session:
                return await make_activation_code(
                    session, self.context.master, self._now(), site_id=site_id, replaces=replaces
                )

        return self.do(make())

    def kiosk(self, site_id: str = FIRST) -> TestDevice:
        """Returns a new activated device."""
        device = self.device()
        device.ahead = self.ahead
        device.activate(self.activation_code(site_id))
        return device

    def bind(self, device: TestDevice, reader: str | None) -> None:
        """Binds a card reader to a device."""

        async def write() -> None:
            async with self.context.database.session() as session:
                assert await bind_reader(session, device.id, reader)
                await session.commit()

        self.do(write())

    def merchant(self, *, law: Law | None = None, **values: Any) -> str:
        """Adds another merchant, and returns the id of its site, which has this law."""

        async def add() -> str:
            async with self.context.database.session() as session:
                merchant = Merchant(**{"name": "Other Shop", **values})
                _, site = await add_merchant(session, merchant, "Other site", law)
                await session.commit()
                return site.id

        return self.do(add())

    def change_site(self, site_id: str, *, law: Law) -> None:
        async def write() -> None:
            async with self.context.database.session() as session:
                site = await find_site(session, site_id)
                assert site
                site.law = law.code
                await session.commit()

        self.do(write())

    def stop_clock(self) -> None:
        """Stops the clock of the service and of its devices at a whole second; `ahead` still moves
        them."""
        self._stopped = datetime.now(UTC).replace(microsecond=0)

    def start_clock(self) -> None:
        self._stopped = None

    def forget_payments(self) -> None:
        """Has the simulated provider forget all customers, cards and payments."""
        url = f"{self.provider_url}/_config/data"
        httpx.delete(url, trust_env=False, verify=False).raise_for_status()

    def tally(self, limit: Limit, subject: str, count: int) -> None:
        """Counts so many events for a limit now."""

        async def write() -> None:
            async with self.context.database.session() as session:
                for _ in range(count):
                    limits.tally(session, limit, subject, self._now())
                await session.commit()

        self.do(write())

    def count(self, table: type[Table]) -> int:
        """Returns how many rows a table has."""

        async def read() -> int:
            async with self.context.database.session() as session:
                return await session.scalar(select(func.count()).select_from(table)) or 0

        return self.do(read())

    def keys(self, table: type[Table]) -> set[tuple[Any, ...]]:
        """Returns the primary keys of all rows of a table."""

        async def read() -> set[tuple[Any, ...]]:
            async with self.context.database.session() as session:
                rows = await session.execute(select(*inspect(table).primary_key))
                return {tuple(row) for row in rows}

        return self.do(read())

    def add(self, row: Table) -> None:
        """Adds a row to the database."""

        async def write() -> None:
            async with self.context.database.session() as session:
                session.add(row)
                await session.commit()

        self.do(write())

    def person_id(self, phone: str) -> str:
        lookup = self.context.master.lookup("phone", phone)

        async def read() -> str:
            async with self.context.database.session() as session:
                person_id = await person_id_of(session, lookup)
                assert person_id, "nobody has an account with this number"
                return person_id

        return self.do(read())

    def _now(self) -> datetime:
        return self._clock() + self.ahead

    def _clock(self) -> datetime:
        return self._stopped or datetime.now(UTC)

    def _run(self) -> None:
        try:
            self._loop.run_until_complete(self._serve())
        except BaseException as error:
            if self._ready.done():
                raise
            self._ready.set_exception(error)
        finally:
            self._loop.close()
            self._listener.close()

    async def _serve(self) -> None:
        running = bootstrap.running(
            self._settings, self.state, sandbox=self._sandbox, clock=self._now
        )
        async with running as here:
            self._server = make_server(here)
            self._ready.set_result(here)
            await self._server.serve([self._listener])


def plain_settings(settings: str = "") -> str:
    """Returns a settings.toml that begins with `settings` and sets recognition to plain palms."""
    points = [list(point) for point in CURRENT.calibration]
    return (
        f"{settings}\n"
        "[recognition]\n"
        f'examiner = "{PLAIN.examiner}"\n'
        "[[recognition.schemes]]\n"
        f"version = {CURRENT.version}\n"
        f'extractor = "{CURRENT.extractor}"\n'
        f'matcher = "{CURRENT.matcher}"\n'
        f"calibration = {points}\n"
    )


class Process:
    """Runs `python -m cloud` in the sandbox, with plain palms. Leaving the block kills it."""

    def __init__(
        self,
        root: Path,
        settings: str | None = "",
        *,
        with_its_own_children: bool = False,
        server: URL | None = None,
        verb: str | None = None,
    ) -> None:
        """`settings` are written to `settings.toml`; with None, what is there is left. Child
        processes of its own take longer to start. `verb` is what it does instead of all."""
        self._devices: list[TestDevice] = []
        root.mkdir(mode=0o700, exist_ok=True)
        if settings is not None:
            (root / "settings.toml").write_text(plain_settings(settings))
        words = ["--state", str(root), "--sandbox", "--port", "0"]
        words += ["--database", server.render_as_string()] if server else databases.words_for(root)
        words += [verb] if verb else []
        log = root.with_name(f"{root.name}-{secrets.token_hex(4)}.log")
        self._process = Started(words, log, asks=not with_its_own_children)

    def __enter__(self) -> "Process":
        line = self._process.stdout.readline()
        if not line:
            raise AssertionError(f"did not start: {self.end()[1]}")
        self.ready: dict[str, str] = json.loads(line)["ready"]
        return self

    def __exit__(self, *_: object) -> None:
        for device in self._devices:
            device.http.close()
        if self._process.returncode is None:
            self.kill()

    @property
    def pid(self) -> int:
        return self._process.pid

    def device(self) -> TestDevice:
        self._devices.append(TestDevice(self.ready["url"], Path(self.ready["ca"])))
        return self._devices[-1]

    def kiosk(self) -> TestDevice:
        device = self.device()
        device.activate(self.ready["activation_code"])
        return device

    def follow(self, device: TestDevice) -> None:
        """Connects a device that was activated earlier to this service."""
        device.http.close()
        device.http = self.device().http

    def kill(self) -> None:
        self._process.send_signal(signal.SIGKILL)
        self._wait()

    def end(self) -> tuple[int, str]:
        """Stops the process; returns its exit status and its standard error."""
        self._process.send_signal(signal.SIGTERM)
        return self._wait()

    def hang_up(self) -> tuple[int, str]:
        """Closes standard input, as when the process that started it has ended."""
        self._process.hang_up()
        return self._wait()

    def _wait(self) -> tuple[int, str]:
        said = self._process.wait(PATIENCE_S)
        assert self._process.returncode is not None
        return self._process.returncode, said
