"""Opens the gate that the settings and the state folder describe.

venue/device.json   what the kiosk is at pretix, with its key
venue/SERIAL.db     what pretix must still be told, for each device that this kiosk was
venue/peers.key     what the gates of the venue share, if they ask each other
"""

import asyncio
import secrets
from collections.abc import AsyncGenerator
from contextlib import AsyncExitStack, asynccontextmanager, suppress

from kiosk.clock import Clock
from kiosk.faults import CannotStart, FileUnusable
from kiosk.settings import GatePeers, VenueGateSettings
from kiosk.venue.device import Device, DeviceFile
from kiosk.venue.gate import VenueGate
from kiosk.venue.journal import Journal
from kiosk.venue.peers import PeerGates
from kiosk.venue.pretix import Pretix
from kiosk.venue.venue import NotSetUp
from protocol.program import KIOSK
from protocol.sealed import SealedPath, Unopened
from protocol.storage import cause_and_remedy

SHORTEST_KEY = 16
"""Characters."""


def device_file(state: SealedPath) -> DeviceFile:
    return DeviceFile(state / "venue" / "device.json")


def journal_file(state: SealedPath, device: Device) -> SealedPath:
    return state / "venue" / f"{device.serial}.db"


@asynccontextmanager
async def open_gate(
    state: SealedPath, settings: VenueGateSettings, clock: Clock
) -> AsyncGenerator[VenueGate]:
    """Runs the gate while the block lasts. Raises NotSetUp, and CannotStart."""
    device = device_file(state).load()
    if device is None:
        raise NotSetUp(
            "This kiosk is no device of a pretix yet.",
            f"Sign it on in its staff area, or with `{KIOSK} venue sign-on`.",
            signed_on=False,
        )
    if device.event is None or device.list is None:
        raise NotSetUp(
            "No check-in list of pretix is chosen for this gate.",
            f"Choose one in the staff area, or with `{KIOSK} venue choose EVENT LIST`; "
            f"`{KIOSK} venue lists` shows them.",
            signed_on=True,
        )
    async with AsyncExitStack() as stack:
        journal = Journal(journal_file(state, device))
        stack.callback(journal.close)
        try:
            pretix = Pretix(device, settings.ca, settings.gates)
        except OSError as error:
            raise CannotStart(*cause_and_remedy(error)) from None
        stack.push_async_callback(pretix.close)
        name = None if device.gate is None else device.gate.name
        peers = None
        if settings.peers is not None:
            others = [_address(other) for other in settings.peers.others]
            peers = PeerGates(_peers_key(state), name, others, clock)
        gate = VenueGate(pretix, journal, clock, settings.patience, peers)
        stack.push_async_callback(gate.close)
        if peers is not None and settings.peers is not None:
            await _listen(stack, peers, settings.peers, gate)
        running = asyncio.create_task(gate.run())
        try:
            yield gate
        finally:
            running.cancel()
            with suppress(asyncio.CancelledError):
                await running


async def _listen(
    stack: AsyncExitStack, peers: PeerGates, settings: GatePeers, gate: VenueGate
) -> None:
    """Raises CannotStart."""
    try:
        await stack.enter_async_context(peers.open(settings.host, settings.port, gate.entered))
    except OSError as error:
        raise CannotStart(
            f"The gate cannot listen to others on {settings.host}, UDP port {settings.port}: "
            f"{error.strerror}.",
            "Correct venue.peers in the settings.",
        ) from None


def make_peers_key(state: SealedPath) -> str:
    """Draws a new key for the gates of a venue, keeps it and returns it. Raises FileUnusable."""
    file = state / "venue" / "peers.key"
    key = secrets.token_urlsafe(24)
    try:
        file.write(key.encode() + b"\n")
    except OSError as error:
        raise FileUnusable(file.path, *cause_and_remedy(error)) from None
    return key


def _peers_key(state: SealedPath) -> str:
    file = state / "venue" / "peers.key"
    try:
        content = file.read() or b""
        key = content.decode("ascii").strip()
    except OSError as error:
        raise FileUnusable(file.path, *cause_and_remedy(error)) from None
    except (UnicodeDecodeError, Unopened):
        key = ""
    if len(key) < SHORTEST_KEY:
        raise FileUnusable(
            file.path,
            f"There is no key of at least {SHORTEST_KEY} characters in {file.path}.",
            "Write the one of another gate of the venue there, or make one with "
            f"`{KIOSK} venue peers-key`.",
        )
    return key


def _address(other: str) -> tuple[str, int]:
    host, _, port = other.rpartition(":")
    return host.strip("[]"), int(port)
