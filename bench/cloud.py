"""How much a service does in a second, from end to end: processes of its own, as `./run cloud`
starts them, asked by kiosks on loopback that share the machine with it.

Each engine's database is first filled with people (`bench.enrolled`). Then drawn people sign up
through the API and are recognised by other pictures of their palms, buy and leave, with pictures of
720 rows, three a time, without a light challenge. Beside each rate stands what one of it takes of
the processors, by process: on a machine that does other things as well, that says more than the
rate.
"""

import itertools
import json
import os
import queue
import secrets
import statistics
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from bench import enrolled as people
from bench.enrolled import templates
from bench.figure import Figure
from bench.hostile import palm, sign_up
from bench.process_tree import below, children, processor_s, words
from cloud import bootstrap
from cloud.db.database import Address
from cloud.state import State
from protocol.messages import (
    DeletionReceipt,
    DeletionRequest,
    Identification,
    Outcome,
    Purchase,
    Purpose,
)
from protocol.signature import key_id
from tests.support.device import TestDevice
from tests.support.postgres import SETTINGS, Server, another

ENROLLED = 1_000
"""How many people the database is filled with, if nothing else is said."""
KIOSKS = 8
"""How many ask at once."""
SPARE = 4
"""How often as many kiosks there are as ask at once: each may show 120 palms in ten minutes."""
PEOPLE = 12
"""How many drawn people sign up. Their seeds begin with `SEED`."""
SEED = 40
IDENTIFICATIONS = 160
PURCHASES = 36
LOAD = 0.7
"""The share of its full rate at which the time of an answer is measured."""
BATCHES = 8
"""Into so many parts the answers are put, of which each gives a rate."""
STUDENT = 2.365
"""The quantile 0.975 of Student's distribution for BATCHES - 1 degrees of freedom."""
AIM = 20.0
"""Identifications a second with two vaults and `MANY` enrolled."""
MANY = 100_000
P99_OVER_MEDIAN = 3.0

DURABLE = {
    **SETTINGS,
    "fsync": "on",
    "full_page_writes": "on",
    "autovacuum": "on",
    "shared_buffers": "256MB",
}
"""A server whose transactions outlive the machine, unlike that of the tests."""

ROOT = Path(__file__).parent.parent
Work = Callable[[TestDevice, int], object]


def measure(enrolled: int = ENROLLED) -> Iterator[Figure]:
    # Whatever is enrolled at one moment is shown at another.
    shown = [[palm(SEED + each, moment) for moment in (0, 1, 2)] for each in range(PEOPLE)]
    with TemporaryDirectory() as folder, another(DURABLE) as server:
        for name, database in (("SQLite", None), ("PostgreSQL", server)):
            yield from _measured(Path(folder) / name, name, database, enrolled, shown)


def _measured(
    root: Path, name: str, server: Server | None, enrolled: int, shown: Sequence[Sequence[Any]]
) -> Iterator[Figure]:
    url = None if server is None else server.make(f"bench-{enrolled}")
    state = State.open(root, url)
    master, _ = bootstrap.open_store(state)
    began = time.perf_counter()
    people.enrol(state.address, master, enrolled, templates(state))
    keys = people.devices(state.address, KIOSKS * SPARE)
    print(
        f"{name}: {enrolled:,} people written in {time.perf_counter() - began:.0f} s",
        file=sys.stderr,
    )
    of_all = f"{name}, {enrolled:,} palms enrolled"
    database = server.pid if server else None

    with _service(state, keys, 2, database) as service:
        yield Figure(
            f"{name}: start with {enrolled:,} palms",
            service.started_s,
            "s",
            "from the command to its first answer, two vaults and the simulated provider included",
        )
        signing = service.run(lambda kiosk, n: sign_up(kiosk, shown[n][0]), PEOPLE)
        yield from signing.figures("sign-ups", f"{of_all}: code, card, palm, duplicate check")
        yield from _identified(service, of_all, 2, shown, AIM if enrolled >= MANY else None)

        def buy(kiosk: TestDevice, n: int) -> None:
            identified = _identify(kiosk, shown[n % PEOPLE][0], Purpose.PAY)
            kiosk.post("/purchases", kiosk.sale(identified.identification_id), Purchase)

        bought = service.run(buy, PURCHASES)
        yield from bought.figures("purchases", f"{of_all}: an identification and a purchase each")

        def leave(kiosk: TestDevice, n: int) -> None:
            identified = _identify(kiosk, shown[n][0], Purpose.LEAVE)
            leaving = DeletionRequest(identification_id=identified.identification_id)
            kiosk.post("/deletions", leaving, DeletionReceipt)

        half = PEOPLE // 2
        left = service.run(leave, half)
        yield from left.figures("deletions", f"{of_all}: an identification and a deletion each")
    with _service(state, keys, 1, database) as service:
        yield from _identified(service, of_all, 1, shown[half:], None)


def _identified(
    service: "_Service",
    of_all: str,
    vaults: int,
    shown: Sequence[Sequence[Any]],
    aim: float | None,
) -> Iterator[Figure]:
    """Measures identifications, as many at once as the service takes and at `LOAD` of that."""
    outcomes: Counter[str] = Counter()

    def identify(kiosk: TestDevice, n: int) -> None:
        person, moment = n % len(shown), 1 + n // len(shown) % 2
        outcomes[_identify(kiosk, shown[person][moment], Purpose.PAY).outcome] += 1

    service.run(identify, KIOSKS)
    outcomes.clear()
    full = service.run(identify, IDENTIFICATIONS)
    how = f"{of_all}, {vaults} vault{'s' if vaults > 1 else ''}"
    accepted = f"{outcomes[Outcome.ACCEPTED]} of {outcomes.total()} accepted at once"
    yield from full.figures("identifications", f"{how}: {accepted}", aim)
    taken = service.at_rate(identify, IDENTIFICATIONS, LOAD * full.per_s)
    median = statistics.median(taken)
    low, high = _interval_of_p99(taken)
    how = f"{how}: {len(taken)} at {LOAD * full.per_s:.1f} a second, at random times"
    yield Figure(f"  time at {LOAD:.0%} of that, median", 1000 * median, "ms", how)
    p99 = float(np.percentile(taken, 99))
    yield Figure(
        "  99th percentile", 1000 * p99, "ms", f"95 %: {1000 * low:.0f} to {1000 * high:.0f}"
    )
    yield Figure("  over the median", p99 / median, "x", how, P99_OVER_MEDIAN)


def _identify(kiosk: TestDevice, burst: Any, purpose: Purpose) -> Identification:
    envelope = kiosk.seal(burst, purpose, secrets.token_urlsafe(12))
    return kiosk.post("/identifications", envelope, Identification)


def _interval_of_p99(taken: Sequence[float]) -> tuple[float, float]:
    rng = np.random.default_rng(0)
    drawn = np.array(taken)[rng.integers(0, len(taken), (2000, len(taken)))]
    low, high = np.percentile(np.percentile(drawn, 99, axis=1), [2.5, 97.5])
    return float(low), float(high)


@dataclass(frozen=True)
class _Done:
    """What was done together, as quickly as it could be."""

    ends_s: Sequence[float]
    """When each was done, in order."""
    began_s: float
    processor_s: Mapping[str, float]
    """What it took of the processors, by whom."""

    @property
    def per_s(self) -> float:
        return len(self.ends_s) / (self.ends_s[-1] - self.began_s)

    def figures(self, what: str, how: str, aim: float | None = None) -> Iterator[Figure]:
        count = len(self.ends_s)
        yield Figure(
            f"{what} a second",
            self.per_s,
            "/s",
            f"{how}; {count} by {KIOSKS} kiosks at once{self._interval()}, load "
            f"{os.getloadavg()[0]:.0f}",
            aim,
            at_least=True,
        )
        by_whom = ", ".join(
            f"{name} {1000 * taken / count:.0f}" for name, taken in self.processor_s.items()
        )
        total = 1000 * sum(self.processor_s.values()) / count
        yield Figure("  processor time of each", total, "ms", by_whom)

    def _interval(self) -> str:
        """Returns how far the rate of another as long time may be off; nothing where too little was
        done to tell."""
        parts = [part for part in np.array_split(self.ends_s, BATCHES) if len(part) > 1]
        if len(parts) < BATCHES:
            return ""
        edges = [self.began_s, *(float(part[-1]) for part in parts)]
        rates = np.array([len(part) for part in parts]) / np.diff(edges)
        return f", 95 %: ±{STUDENT * float(rates.std(ddof=1)) / BATCHES**0.5:.2f}"


class _Service:
    """A service that runs, and kiosks that it knows."""

    def __init__(
        self, pid: int, started_s: float, kiosks: Sequence[TestDevice], database: int | None
    ) -> None:
        self.started_s = started_s
        self._pid = pid
        self._kiosks = itertools.cycle(kiosks)
        self._database = database

    def run(self, work: Work, count: int) -> _Done:
        """Has so many things done by `KIOSKS` kiosks, each of which begins another one as soon as
        it is done."""
        numbers, lock = itertools.count(), threading.Lock()
        ends: list[float] = []

        def go_on(kiosk: TestDevice) -> None:
            while True:
                with lock:
                    number = next(numbers)
                if number >= count:
                    return
                work(kiosk, number)
                ends.append(time.perf_counter())

        before = self._used()
        began = time.perf_counter()
        with ThreadPoolExecutor(KIOSKS) as pool:
            kiosks = list(itertools.islice(self._kiosks, KIOSKS))
            list(pool.map(go_on, kiosks))
        after = self._used()
        used = {name: after[name] - before[name] for name in before}
        return _Done(sorted(ends), began, used)

    def at_rate(self, work: Work, count: int, per_s: float) -> list[float]:
        """Has so many things done at random times, and returns how long each took from the time
        that it was due."""
        rng = np.random.default_rng(0)
        due = np.cumsum(rng.exponential(1 / per_s, count))
        idle: queue.SimpleQueue[TestDevice] = queue.SimpleQueue()
        most = KIOSKS * 2
        for kiosk in itertools.islice(self._kiosks, most):
            idle.put(kiosk)
        began = time.perf_counter()

        def when_due(number: int) -> float:
            kiosk = idle.get()
            work(kiosk, number)
            idle.put(kiosk)
            return time.perf_counter() - began - float(due[number])

        with ThreadPoolExecutor(most) as pool:
            running = []
            for number in range(count):
                time.sleep(max(0.0, began + float(due[number]) - time.perf_counter()))
                running.append(pool.submit(when_due, number))
            return [each.result() for each in running]

    def _used(self) -> dict[str, float]:
        used = {"service": processor_s(self._pid, ended=False), "vaults": 0.0, "provider": 0.0}
        for child in children(self._pid):
            which = "vaults" if "cloud.vault" in words(child) else "provider"
            used[which] += _of_all(child)
        if self._database is not None:
            used["database"] = _of_all(self._database)
        return {**used, "kiosks": time.process_time()}


def _of_all(pid: int) -> float:
    return sum(map(processor_s, below(pid)))


@contextmanager
def _service(
    state: State, keys: Sequence[Ed25519PrivateKey], vaults: int, database: int | None
) -> Generator[_Service]:
    """Starts `python -m cloud`, with so many vaults, until the block ends."""
    state.settings.write_text(f"[vault]\ncount = {vaults}\n")
    command = [sys.executable, "-m", "cloud", "--state", str(state.root), "--sandbox"]
    command += ["--port", "0", *_where(state.address)]
    began = time.perf_counter()
    with (
        (state.root / "log").open("ab") as log,
        subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log, cwd=ROOT
        ) as process,
    ):
        kiosks: list[TestDevice] = []
        try:
            assert process.stdout
            line = process.stdout.readline()
            assert line, (state.root / "log").read_text()
            ready = json.loads(line)["ready"]
            for key in keys:
                kiosk = TestDevice(ready["url"], Path(ready["ca"]))
                kiosk.key, kiosk.id = key, key_id(key.public_key())
                kiosks.append(kiosk)
            kiosks[0].info()
            yield _Service(process.pid, time.perf_counter() - began, kiosks, database)
        finally:
            for kiosk in kiosks:
                kiosk.http.close()
            process.terminate()


def _where(address: Address) -> list[str]:
    return [] if isinstance(address, Path) else ["--database", address.render_as_string()]
