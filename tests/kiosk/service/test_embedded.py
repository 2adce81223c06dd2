"""The embedded service ends with the kiosk, however the kiosk ends."""

import asyncio
import os
import select
import signal
import sys
from pathlib import Path

import pytest

from kiosk.clock import SystemClock
from kiosk.service.client import SignatureService
from kiosk.service.embedded import EmbeddedService
from kiosk.service.identity import Identity
from kiosk.settings import ServicePatience
from tests.support.sealed import sealed
from tests.support.warm import warm_starts

pytestmark = pytest.mark.anyio

CHILD = "import tests.kiosk.service.test_embedded as test; test.be_a_kiosk()"
ENDS_WITHIN_MS = 60_000


def be_a_kiosk() -> None:
    """Runs in a process of its own: starts a service, prints its process id and runs for ever."""

    async def run() -> None:
        state = Path(sys.argv[1])
        identity = Identity.load_or_make(sealed(state / "identity.json"))
        client = SignatureService(identity, SystemClock(), ServicePatience())
        embedded = EmbeddedService(state / "service", "Kiosk", SystemClock())
        keeping = asyncio.ensure_future(embedded.keep(client))
        while identity.device is None:
            assert not keeping.done()
            await asyncio.sleep(0.05)
        sys.stdout.write(f"{embedded.process_id}\n")
        sys.stdout.flush()
        await keeping

    asyncio.run(run())


async def test_the_service_ends_even_when_the_kiosk_is_killed(tmp_path: Path) -> None:
    kiosk = await asyncio.create_subprocess_exec(
        sys.executable, "-c", CHILD, str(tmp_path), stdout=asyncio.subprocess.PIPE
    )
    assert kiosk.stdout
    service = os.pidfd_open(int(await kiosk.stdout.readline()))
    try:
        kiosk.send_signal(signal.SIGKILL)
        await kiosk.wait()
        ended = await asyncio.to_thread(_wait, service)
    finally:
        os.close(service)
    assert ended


async def test_the_service_keeps_a_way_back_while_its_version_is_tried(tmp_path: Path) -> None:
    before = tmp_path / "service" / "palms.db.0001"
    before.parent.mkdir()
    before.write_bytes(b"the database of the version before")
    identity = Identity.load_or_make(sealed(tmp_path / "identity.json"))
    client = SignatureService(identity, SystemClock(), ServicePatience())
    kept = asyncio.Event()
    embedded = EmbeddedService(tmp_path / "service", "Kiosk", SystemClock(), kept=kept)
    keeping = asyncio.ensure_future(embedded.keep(client))
    while identity.device is None:
        assert not keeping.done()
        await asyncio.sleep(0.05)
    assert before.exists()
    kept.set()
    while before.exists():
        assert not keeping.done()
        await asyncio.sleep(0.05)
    keeping.cancel()
    await asyncio.gather(keeping, return_exceptions=True)


def _wait(pidfd: int) -> bool:
    """Returns whether the process ends in time."""
    poll = select.poll()
    poll.register(pidfd, select.POLLIN)
    return bool(poll.poll(ENDS_WITHIN_MS))


async def test_why_the_service_does_not_start_is_kept_for_staff(tmp_path: Path) -> None:
    master = tmp_path / "service" / "keys" / "master.key"
    master.parent.mkdir(parents=True)
    master.write_bytes(bytes(32))
    client = SignatureService(
        Identity.load_or_make(sealed(tmp_path / "identity.json")), SystemClock(), ServicePatience()
    )
    embedded = EmbeddedService(tmp_path / "service", "Kiosk", SystemClock())
    with warm_starts():
        keeping = asyncio.ensure_future(embedded.keep(client))
        while client.stopped is None:
            assert not keeping.done()
            await asyncio.sleep(0.05)
    keeping.cancel()
    await asyncio.gather(keeping, return_exceptions=True)
    assert str(master) in client.stopped
    assert "Restore" in client.stopped
