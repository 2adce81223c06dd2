"""What it takes to serve more palms and more kiosks: a model, and a simulation that checks it.

An identification is answered by an API process, examined by a vault, searched for in all shards of
one copy of the gallery, and compared by a vault. What each takes of a processor was measured
(docs/scale.md); the scan of a shard takes as long as it has palms. The model says how many cores
are needed so that none of these is busier than `BUSY`, and how long an identification takes by the
queues that are in textbooks; the simulation lets the kiosks come and counts.

`python -m bench.growth FILE.svg` draws how it grows.
"""

import heapq
import math
import sys
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from bench.figure import Figure
from cloud.recognition.gallery import LONGEST, SHARE
from cloud.settings import Recognition

BUSY = 0.6
"""The share of its time that a core may be busy in the busiest hour."""
AN_HOUR = 60
"""How many palms are shown at each kiosk in the busiest hour."""
KIOSKS = 10_000
PALMS_A_KIOSK = 1_000
"""Where there are fewer palms than these make together, there are fewer kiosks."""
STRANGERS = 0.05
"""The share of palms that are shown and that nobody has: a search for one goes on to its end."""
SHARD_CORES = 16
"""The cores of a machine that has a shard of the gallery: a scan uses all of them."""
SCAN_S = 0.1
"""How long the scan of a shard may take."""
SPREAD = 0.15
"""The deviation of the time of examining, as a share of it."""
COUNTED = 20_000
"""So many identifications are simulated for each size."""
SIZES = (100_000, 1_000_000, 100_000_000)
LARGEST = 1_000_000_000
OFF = 10.0
"""By how many percent the model may be off."""
SHORTLIST = Recognition().schemes[0].shortlist

# Prices in US dollars, which are assumptions.

CORE_YEAR = 300.0
"""A core with 4 GB of memory, reserved for a year."""
CORE_GB = 4.0
GB_YEAR = 30.0
"""A GB of memory beyond that."""
DISK_GB_YEAR = 2.0
DISK_COPIES = 4
"""The database, a replica, and the log and the backups of both."""
MESSAGE = 0.05
MESSAGES_A_YEAR = 0.5
"""One at a sign-up, and another one in the three years after it."""


@dataclass(frozen=True)
class Costs:
    """What was measured on one core: seconds of a processor, and bytes."""

    answering_s: float = 0.075
    """The API process, for each identification."""
    database_s: float = 0.015
    examining_s: float = 0.114
    comparing_s: float = 0.026
    """The time to compare one shortlist."""
    scanning_s: float = 0.014
    """The time to scan a million codes."""
    code_bytes: float = 200
    disk_bytes: float = 5_000


@dataclass(frozen=True)
class Size:
    palms: int

    @property
    def kiosks(self) -> int:
        return min(KIOSKS, max(1, self.palms // PALMS_A_KIOSK))

    @property
    def per_s(self) -> float:
        """Identifications a second in the busiest hour."""
        return self.kiosks * AN_HOUR / 3600

    @property
    def shortlists(self) -> float:
        """How many shortlists are compared for a palm that nobody has."""
        return max(SHORTLIST, min(SHARE * self.palms, LONGEST)) / SHORTLIST


@dataclass(frozen=True)
class Plant:
    """The processors that serve a size."""

    answering: int
    vaults: int
    database: int
    shards: int
    """Into so many parts the gallery is divided."""
    copies: int
    """So many searches are made at a time."""
    cores_a_shard: int

    @property
    def scanning(self) -> int:
        return self.shards * self.copies * self.cores_a_shard

    @property
    def cores(self) -> int:
        return self.answering + self.vaults + self.database + self.scanning


def plant_for(size: Size, costs: Costs) -> Plant:
    def enough(s: float) -> int:
        return max(1, math.ceil(size.per_s * s / BUSY))

    a_core = size.palms / 1e6 * costs.scanning_s
    # An API process scans what takes no longer than its answer; a machine of its own, the rest.
    cores = 1 if a_core <= SCAN_S else SHARD_CORES
    shards = max(1, math.ceil(a_core / cores / SCAN_S))
    comparing = costs.comparing_s * (1 + STRANGERS * (size.shortlists - 1))
    return Plant(
        answering=enough(costs.answering_s),
        vaults=enough(costs.examining_s + comparing),
        database=enough(costs.database_s),
        shards=shards,
        copies=enough(a_core / cores / shards),
        cores_a_shard=cores,
    )


# The model


def modelled_s(size: Size, plant: Plant, costs: Costs) -> float:
    """Returns how long an identification takes on average."""
    scan = size.palms / 1e6 * costs.scanning_s / plant.cores_a_shard / plant.shards
    longer = costs.comparing_s * size.shortlists
    asked = [
        (0.5, costs.examining_s, SPREAD * costs.examining_s),
        (0.5 * (1 - STRANGERS), costs.comparing_s, 0.0),
        (0.5 * STRANGERS, longer, 0.0),
    ]
    mean = sum(share * s for share, s, _ in asked)
    square = sum(share * (s**2 + deviation**2) for share, s, deviation in asked)
    in_vault = waiting_s(2 * size.per_s, mean, square / mean**2 - 1, plant.vaults)
    answering = waiting_s(size.per_s, costs.answering_s, 0, plant.answering) + costs.answering_s
    scanning = waiting_s(size.per_s, scan, 0, plant.copies) + scan
    return answering + scanning + 2 * (in_vault + mean)


def waiting_s(per_s: float, s: float, variation: float, servers: int) -> float:
    """Returns the average wait in a queue with several servers (Erlang C, and for other times than
    exponential ones the approximation of Allen and Cunneen). `variation` is the square of the
    coefficient of variation."""
    offered = per_s * s
    busy = offered / servers
    none = 1.0
    # Erlang B, by its recursion; of it Erlang C.
    for server in range(1, servers + 1):
        none = offered * none / (server + offered * none)
    waits = none / (1 - busy + busy * none)
    return waits * s / (servers * (1 - busy)) * (1 + variation) / 2


# The simulation


Then = Callable[[float], None]
"""What happens next, at a time."""


class Simulation:
    """Things that happen at their times, and servers that are waited for."""

    def __init__(self) -> None:
        self._due: list[tuple[float, int, Then]] = []
        self._made = 0

    def at(self, time: float, then: Then) -> None:
        self._made += 1
        heapq.heappush(self._due, (time, self._made, then))

    def run(self) -> None:
        while self._due:
            time, _, then = heapq.heappop(self._due)
            then(time)


class Servers:
    """Servers with one queue, the first come first."""

    def __init__(self, simulation: Simulation, count: int) -> None:
        self._simulation = simulation
        self._free = count
        self._waiting: deque[tuple[float, Then]] = deque()

    def serve(self, now: float, s: float, then: Then) -> None:
        """Works for so many seconds, and goes on with what is then."""
        self._waiting.append((s, then))
        self._begin(now)

    def _begin(self, now: float) -> None:
        while self._free and self._waiting:
            s, then = self._waiting.popleft()
            self._free -= 1

            def done(time: float, then: Then = then) -> None:
                self._free += 1
                self._begin(time)
                then(time)

            self._simulation.at(now + s, done)


def simulated_s(
    size: Size, plant: Plant, costs: Costs, count: int = COUNTED
) -> npt.NDArray[np.float64]:
    """Returns how long each of so many identifications took, but the first. Each kiosk shows a
    palm, waits for the answer, and shows the next one after a random time."""
    rng = np.random.default_rng(size.palms)
    simulation = Simulation()
    api, vaults, scans = (
        Servers(simulation, count) for count in (plant.answering, plant.vaults, plant.copies)
    )
    scan = size.palms / 1e6 * costs.scanning_s / plant.cores_a_shard / plant.shards
    wide = math.sqrt(math.log(1 + SPREAD**2))
    taken: list[float] = []
    left = count

    def comes(began: float) -> None:
        nonlocal left
        if left == 0:
            return
        left -= 1
        examining = costs.examining_s * rng.lognormal(-(wide**2) / 2, wide)
        shortlists = size.shortlists if rng.random() < STRANGERS else 1.0

        def answered(time: float) -> None:
            taken.append(time - began)
            simulation.at(time + rng.exponential(3600 / AN_HOUR), comes)

        def scanned(time: float) -> None:
            vaults.serve(time, costs.comparing_s * shortlists, answered)

        def examined(time: float) -> None:
            # Every shard of a copy is asked at once, and all take as long.
            scans.serve(time, scan, scanned)

        def taken_on(time: float) -> None:
            vaults.serve(time, examining, examined)

        api.serve(began, costs.answering_s, taken_on)

    for _ in range(size.kiosks):
        simulation.at(float(rng.exponential(3600 / AN_HOUR)), comes)
    simulation.run()
    # Until the queues are what they stay.
    return np.array(taken[len(taken) // 10 :])


# What comes of it


def dollars_a_year(size: Size, plant: Plant, costs: Costs) -> dict[str, float]:
    """Returns what a person with one palm costs a year, by what it is for."""
    codes_gb = size.palms * costs.code_bytes * plant.copies / 1e9
    beyond_gb = max(0.0, codes_gb - CORE_GB * plant.scanning)
    disk_gb = size.palms * costs.disk_bytes * DISK_COPIES / 1e9
    together = {
        "processors": plant.cores * CORE_YEAR,
        "memory": beyond_gb * GB_YEAR,
        "disks": disk_gb * DISK_GB_YEAR,
    }
    each = {name: dollars / size.palms for name, dollars in together.items()}
    return {**each, "messages": MESSAGE * MESSAGES_A_YEAR}


def measure() -> Iterator[Figure]:
    costs = Costs()
    for palms in SIZES:
        size = Size(palms)
        plant = plant_for(size, costs)
        taken = 1000 * simulated_s(size, plant, costs)
        how = (
            f"{size.kiosks:,} kiosks, {size.per_s:.1f} a second, on {_told(plant)}; simulated "
            f"{len(taken):,} times"
        )
        mean = float(taken.mean())
        yield Figure(f"identification among {palms:,}, mean", mean, "ms", how)
        median, p99 = np.percentile(taken, [50, 99])
        yield Figure("  median", float(median), "ms", how)
        yield Figure("  99th percentile", float(p99), "ms", how)
        modelled = 1000 * modelled_s(size, plant, costs)
        off = 100 * abs(modelled / mean - 1)
        yield Figure("  the model is off by", off, "%", f"it says {modelled:.0f} ms", OFF)
    for palms in (*SIZES, LARGEST):
        size = Size(palms)
        plant = plant_for(size, costs)
        by_what = dollars_a_year(size, plant, costs)
        how = ", ".join(f"{name} {100 * dollars:.2g}" for name, dollars in by_what.items())
        cents = 100 * sum(by_what.values())
        yield Figure(f"a person of {palms:,} a year", cents, "ct", f"{_told(plant)}; {how}")


def _told(plant: Plant) -> str:
    gallery = f"{plant.scanning:,} cores for {plant.copies} x {plant.shards} shards"
    return f"{plant.vaults} vaults, {plant.answering + plant.database} cores, {gallery}"


def draw(path: Path) -> None:
    """Draws how it grows into an image file. Equal figures give equal files."""
    import matplotlib as mpl  # noqa: PLC0415 - it is needed for the drawing only
    from matplotlib.figure import Figure as Drawing  # noqa: PLC0415

    costs = Costs()
    sizes = [Size(round(palms)) for palms in np.logspace(5, 9, 41)]
    plants = [plant_for(size, costs) for size in sizes]
    palms = [size.palms for size in sizes]
    checked = [Size(each) for each in SIZES]
    found = [simulated_s(size, plant_for(size, costs), costs) for size in checked]
    with mpl.rc_context({"font.size": 9, "svg.hashsalt": "growth", "svg.fonttype": "none"}):
        drawing = Drawing(figsize=(11, 3.8), layout="constrained")
        of_cores, of_time, of_cost = drawing.subplots(1, 3)
        for name, cores in (
            ("scanning codes", [plant.scanning for plant in plants]),
            ("vaults", [plant.vaults for plant in plants]),
            ("API and database", [plant.answering + plant.database for plant in plants]),
        ):
            of_cores.plot(palms, cores, linewidth=2, label=name)
        of_cores.set(yscale="log", ylabel="cores")
        modelled = [
            1000 * modelled_s(size, plant, costs) for size, plant in zip(sizes, plants, strict=True)
        ]
        of_time.plot(palms, modelled, linewidth=2, label="mean, by the model")
        for name, marker, at in (
            ("mean, simulated", "o", [float(each.mean()) for each in found]),
            ("99 of 100, simulated", "^", [float(np.percentile(each, 99)) for each in found]),
        ):
            where = [size.palms for size in checked]
            of_time.plot(where, [1000 * each for each in at], marker, label=name)
        of_time.set(ylim=(0, None), ylabel="ms for an identification")
        spent = [
            dollars_a_year(size, plant, costs) for size, plant in zip(sizes, plants, strict=True)
        ]
        for name in spent[0]:
            cents = [100 * each[name] for each in spent]
            if not any(cents):
                continue
            of_cost.plot(palms, cents, linewidth=2, label=name)
        of_cost.set(yscale="log", ylim=(1e-3, None), ylabel="US cents a person and year")
        for axes in (of_cores, of_time, of_cost):
            axes.set(xscale="log", xlabel="palms")
            axes.grid(color="0.9")
            axes.legend(loc="best", fontsize=8)
        metadata = {"Date": None} if path.suffix == ".svg" else None
        drawing.savefig(path, dpi=90, metadata=metadata)


def main() -> int:
    if len(sys.argv) != 2:
        sys.exit("name the file to draw into: python -m bench.growth FILE.svg")
    draw(Path(sys.argv[1]))
    return 0


if __name__ == "__main__":
    sys.exit(main())
