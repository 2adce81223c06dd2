"""The support bundle: what those who help staff need to know of this kiosk, in one file.

It holds nothing about people and no secret, because it is made of what is known to be neither, and
not by looking for what is: numbers of the machine, the kinds of devices, the lines of the self-test
and of the log (`kiosk.lately`). Whatever files the state folder has, none of them is read.
"""

import asyncio
import logging
import platform
import re
import shutil
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from urllib.parse import urlsplit

from kiosk.clock import Clock
from kiosk.lately import Impersonal, Lately
from kiosk.screens import Bundle, Check, Finding, Package
from kiosk.service.client import SignatureService
from kiosk.service.errors import ServiceError
from kiosk.settings import Settings
from protocol import VERSION
from protocol.files import write_private
from protocol.fleet import FoundLine, SupportBundle
from protocol.storage import cause_and_remedy

log = logging.getLogger(__name__)

NAME = "support-bundle.json"
LOG_BYTES = 30_000
"""The most that is taken of the log: the service takes a body of 64 kB."""
STICKS = ("/media/", "/run/media/")
"""Below these a system mounts what is plugged in."""
MOUNTS = Path("/proc/self/mounts")
ADDRESS = re.compile(r"[a-z][a-z0-9+.-]*://\S+", re.IGNORECASE)
QUOTES = {Finding.SERVICE_FAILED, Finding.ACTIVATED, Finding.READER_READY, Finding.READER_FAULT}
"""Findings whose values are words of the service's, or of whoever has named something."""


@dataclass(frozen=True)
class Supported:
    """The kiosk that a bundle is made of."""

    settings: Settings
    service: SignatureService
    clock: Clock
    lately: Lately


def make_bundle(kiosk: Supported, checks: Sequence[Check]) -> SupportBundle:
    """Returns the bundle of a kiosk and of its last self-test."""
    device = kiosk.service.identity.device
    free_mb, all_mb = disk_mb(kiosk.settings.state)
    return SupportBundle(
        made_at=kiosk.service.now(),
        version=VERSION,
        device_id=None if device is None else device.device_id,
        system={
            "kernel": platform.release(),
            "machine": platform.machine(),
            "python": platform.python_version(),
        },
        running_s=int(kiosk.clock.now()),
        disk_free_mb=free_mb,
        disk_mb=all_mb,
        memory_mb=memory_mb(),
        memory_free_mb=_kilobytes(Path("/proc/meminfo"), "MemAvailable") // 1000,
        settings=_settings(kiosk.settings),
        checks=[line_of(check) for check in checks],
        log=_newest(kiosk.lately.lines()),
    )


async def hand_over(kiosk: Supported, checks: Sequence[Check], mounts: Path = MOUNTS) -> Bundle:
    """Makes a bundle, keeps it in the state folder, copies it to every stick that is plugged in,
    and sends it to the service. Returns what of this has succeeded."""
    bundle = make_bundle(kiosk, checks)
    content = bundle.model_dump_json(indent=1).encode()
    kept = _write(kiosk.settings.state / NAME, content)
    # A stick takes its time, and a broken one half a minute: meanwhile the kiosk has to live.
    copies = [await asyncio.to_thread(_write, stick / NAME, content) for stick in sticks(mounts)]
    sent = False
    if bundle.device_id is not None:
        try:
            await kiosk.service.send_support_bundle(bundle)
            sent = True
        except ServiceError as error:
            log.warning("a support bundle was not sent: %s", error)
    return Bundle(kept, tuple(copy for copy in copies if copy is not None), sent=sent)


def packages() -> tuple[Package, ...]:
    """Returns what is installed beside Python, by name, with its version and licence as it says
    itself."""
    found: dict[str, Package] = {}
    for each in metadata.distributions():
        about = each.metadata
        name = about["Name"]
        if name:
            found[name.lower()] = Package(name, each.version, _licence(about))
    return tuple(found[name] for name in sorted(found))


def sticks(mounts: Path = MOUNTS) -> list[Path]:
    """Returns where something is mounted that was plugged in (fstab(5): a blank is written as
    \\040)."""
    try:
        # A name may be any bytes. One that is no text is not found, and the log says so.
        lines = mounts.read_text("utf-8", errors="replace").splitlines()
    except OSError:
        return []
    points = [line.split(" ")[1].replace("\\040", " ") for line in lines if line.count(" ") >= 2]
    return [Path(point) for point in points if point.startswith(STICKS)]


def disk_mb(state: Path) -> tuple[int, int]:
    """Returns the free megabytes and all of the disk of the state folder, none of one that is not
    there."""
    try:
        disk = shutil.disk_usage(state)
    except OSError:
        return 0, 0
    return disk.free // 1_000_000, disk.total // 1_000_000


def memory_mb() -> int:
    """Returns how much memory this process uses."""
    return _kilobytes(Path("/proc/self/status"), "VmRSS") // 1000


def line_of(check: Check) -> FoundLine:
    """Returns a line of the self-test without what others have named or said."""
    values = () if check.finding in QUOTES else check.values
    return FoundLine(
        part=check.part,
        health=check.health,
        finding=check.finding,
        values=[_shortened(value) if isinstance(value, str) else value for value in values],
    )


def _shortened(text: str) -> str:
    """Returns words without what an address in them may hold besides its host."""
    return ADDRESS.sub(lambda found: _host(found[0]), text)[:500]


def _host(address: str) -> str:
    parts = urlsplit(address)
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}"


def _settings(settings: Settings) -> dict[str, str | bool | float]:
    """Returns the settings that are numbers or choices, and of the others what kind they are."""
    devices = {
        "camera": settings.camera,
        "infrared": settings.infrared,
        "light": settings.light,
        "terminal": settings.terminal,
        "enclosure": settings.enclosure,
        "usb": settings.usb,
        "gate": settings.gate,
        "sound": settings.sound,
    }
    url = settings.service.url
    told: dict[str, str | bool | float] = {
        name: "none" if address is None else address.partition(":")[0]
        for name, address in devices.items()
    }
    told |= {
        "service": "embedded" if url is None else _host(url),
        "till": "none" if settings.till is None else "door",
        "venue": "none" if settings.venue is None else "pretix",
        "variant": settings.variant,
        "memberships": settings.memberships,
        "rotation": settings.rotation,
        "windowed": settings.windowed,
        "reduced_motion": settings.reduced_motion,
        "dock": settings.dock,
    }
    for group, patience in (
        ("patience", settings.patience),
        ("service_patience", settings.service_patience),
    ):
        told |= {f"{group}.{name}": value for name, value in patience.model_dump().items()}
    return told


def _newest(lines: Sequence[str]) -> list[str]:
    """Returns the newest lines that have room."""
    kept: list[str] = []
    room = LOG_BYTES
    for line in reversed(lines):
        room -= len(line.encode()) + 4
        if room < 0:
            break
        kept.append(line)
    return kept[::-1]


def _write(path: Path, content: bytes) -> str | None:
    """Returns the file, None when it cannot be written."""
    try:
        write_private(path, content)
    except OSError as error:
        cause, remedy = (Impersonal(words) for words in cause_and_remedy(error))
        log.warning("a support bundle is not kept: %s %s", cause, remedy)
        return None
    return str(path)


def _kilobytes(file: Path, name: str) -> int:
    """Returns a figure of the kernel's, 0 where it has none."""
    try:
        lines = file.read_text().splitlines()
    except OSError:
        return 0
    return next((int(line.split()[1]) for line in lines if line.startswith(f"{name}:")), 0)


def _licence(about: "metadata.PackageMetadata") -> str:
    """Returns the licence that a package names (PEP 639), or the classifiers of before; the whole
    text of a licence is not one."""
    named: Iterable[str] = (
        about["License-Expression"] or "",
        *(
            classifier.rpartition(" :: ")[2]
            for classifier in about.get_all("Classifier") or []
            if classifier.startswith("License :: ") and classifier.count(" :: ") > 1
        ),
        about["License"] or "",
    )
    return next((each for each in named if each and "\n" not in each and len(each) < 80), "")
