"""How long honest devices wait for an answer while one known device does its worst."""

import contextlib
import itertools
import secrets
import statistics
import threading
import time
from collections.abc import Generator, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from tempfile import TemporaryDirectory

import cbor2
import cv2
import numpy as np

from bench.figure import Figure
from cloud.settings import Settings
from drawn import Presentation, draw, identity
from palm.hand.landmarks import Side
from palm.image import Colour
from protocol.capture import Burst, Frame
from protocol.envelope import Context, seal
from protocol.messages import Account, Identification, Purpose
from tests.support.device import Refused, TestDevice
from tests.support.served import Served

HONEST = 8
TURNS = 40
"""How often each honest device identifies a palm, alone and again under attack. It keeps below
`Limits.SEARCHES_BY_DEVICE`."""
AT_ONCE = 4
"""How many requests the hostile device has under way at any time."""


def measure() -> list[Figure]:
    with TemporaryDirectory() as state, Served(Path(state), Settings()) as served:
        honest = [served.kiosk() for _ in range(HONEST)]
        shown = [palm(seed) for seed in range(HONEST)]
        for device, burst in zip(honest, shown, strict=True):
            sign_up(device, burst)
        _identify_all(honest, shown, 2)
        before = _memory(served)
        alone = _identify_all(honest, shown, TURNS)
        with _attack(served) as sent:
            attacked = _identify_all(honest, shown, TURNS)
            after = _memory(served)
    how = f"{HONEST} devices, {TURNS} drawn palms each, no pause, service on loopback"
    worst = f"{how}; one more sends {sum(sent)} bursts of its worst, {AT_ONCE} at a time"
    ratio = _p99(attacked) / _p99(alone)
    return [
        Figure("identification alone, median", 1000 * statistics.median(alone), "ms", how),
        Figure("  99th percentile", 1000 * _p99(alone), "ms", how),
        Figure(
            "identification under attack, median", 1000 * statistics.median(attacked), "ms", worst
        ),
        Figure("  99th percentile", 1000 * _p99(attacked), "ms", worst),
        Figure("  over that of the devices alone", ratio, "x", worst, 3),
        Figure("memory of service and vault, alone", before, "MB", "resident, this program's too"),
        Figure("  under attack", after, "MB", worst),
    ]


def _p99(taken: list[float]) -> float:
    return float(np.percentile(taken, 99))


def palm(seed: int, moment: int = 0) -> Burst:
    """Returns three pictures of the left palm of a drawn person; at another moment it is held
    otherwise."""
    rng = np.random.default_rng((seed, moment) if moment else seed)
    left = identity(seed, Side.LEFT)
    return _burst([draw(left, Presentation(span=0.45), rng).image[:, 280:1000] for _ in range(3)])


def _burst(pictures: list[Colour], quality: int = 95) -> Burst:
    jpegs = [
        cv2.imencode(".jpg", picture, [cv2.IMWRITE_JPEG_QUALITY, quality])[1].tobytes()
        for picture in pictures
    ]
    return Burst([Frame(33 * number, bytearray(jpeg)) for number, jpeg in enumerate(jpegs)])


def sign_up(device: TestDevice, burst: Burst, phone: str | None = None) -> None:
    """Signs up a person with one palm; by default with a number of nobody else."""
    enrolment_id = device.verified_enrolment(phone)
    device.add_card(enrolment_id)
    device.add_palm(enrolment_id, burst)
    device.post(f"/enrolments/{enrolment_id}/completion", None, Account)


def _identify_all(devices: list[TestDevice], shown: list[Burst], turns: int) -> list[float]:
    """Returns the seconds that each identification took, of all devices at once."""

    def identify(device: TestDevice, burst: Burst) -> list[float]:
        taken: list[float] = []
        for _ in range(turns):
            envelope = device.seal(burst, Purpose.PAY, secrets.token_urlsafe(12))
            began = time.perf_counter()
            device.post("/identifications", envelope, Identification)
            taken.append(time.perf_counter() - began)
        return taken

    with ThreadPoolExecutor(len(devices)) as pool:
        return [each for taken in pool.map(identify, devices, shown) for each in taken]


@contextlib.contextmanager
def _attack(served: Served) -> Generator[list[int]]:
    """Has one more device send its worst while the block lasts; yields how many bursts each of its
    threads has had answered. The last ones are refused at once, by `Limits.SEARCHES_BY_DEVICE`."""
    hostile, over, sent = served.kiosk(), threading.Event(), [0] * AT_ONCE
    worst = [*_captures()]

    def send(thread: int) -> None:
        for capture in itertools.cycle(worst[thread % len(worst) :] + worst[: thread % len(worst)]):
            if over.is_set():
                return
            with contextlib.suppress(Refused):
                hostile.post("/identifications", _sealed(hostile, capture), Identification)
            sent[thread] += 1

    with ThreadPoolExecutor(AT_ONCE) as pool:
        running = [pool.submit(send, thread) for thread in range(AT_ONCE)]
        try:
            yield sent
        finally:
            over.set()
            for each in running:
                each.result()


def _captures() -> Iterator[bytes]:
    """Yields the worst captures, in the order in which they are sent."""
    rng = np.random.default_rng(0)
    large = np.full((2160, 3840, 3), 90, np.uint8)
    flat = np.full((1264, 1264, 3), 90, np.uint8)
    noise = rng.integers(0, 256, (360, 360, 3), np.uint8)
    hand = draw(identity(1, Side.LEFT), Presentation(span=0.45), rng).image[:, 280:1000]
    yield bytes(_burst([large] * 15).encode())
    yield bytes(_burst([flat] * 15).encode())
    yield bytes(_burst([noise] * 15, 70).encode())
    yield bytes(_burst([hand] * 15, 85).encode())
    yield cbor2.dumps([2, None, [[10**400, b"\xff\xd8\xff\xd9", None]]], canonical=True)
    yield rng.bytes(1_900_000)


def _sealed(device: TestDevice, capture: bytes) -> bytes:
    visit = secrets.token_urlsafe(12)
    context = Context(device.id, visit, Purpose.PAY, time.time_ns() // 1_000_000)
    return seal(capture, device.info().vault_keys[0], context)


def _memory(served: Served) -> float:
    """Returns the resident megabytes of this process, the vault and what the vault has forked."""
    processes = ["self", *_with_children(served.vault.pid)]
    return sum(_resident(process) for process in processes) / 1e6


def _with_children(pid: int | str | None) -> list[str]:
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return [str(pid), *(each for child in children for each in _with_children(child))]


def _resident(process: str) -> int:
    """Returns the bytes of memory that are this process's share (`Pss`)."""
    with contextlib.suppress(FileNotFoundError, ProcessLookupError):
        for line in Path(f"/proc/{process}/smaps_rollup").read_text().splitlines():
            if line.startswith("Pss:"):
                return int(line.split()[1]) * 1024
    return 0
