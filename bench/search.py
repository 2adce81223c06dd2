"""Exact search of search codes, compared with the limit of memory bandwidth, and the comparison in
full that follows it."""

import statistics
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from bench.figure import Figure
from cloud.settings import Scheme
from cloud.vault import templates
from drawn import roi
from drawn.roi import Placement
from lab.evaluate.processes import processes
from palm.hand.landmarks import Side
from palm.hand.roi import Roi
from palm.search.index import CORES, Index
from palm.search.protection import SEARCH_CODE_BYTES
from palm.template import current

SHORTLIST: int = Scheme.model_fields["shortlist"].default
SIZES = (10_000, 100_000, 1_000_000)
TURNS = 25
FIRST = 5_000_000
"""The seed of the first drawn person of comparisons in full."""
PEOPLE = 32
"""The drawn people, of each of whom a shortlist holds several pictures."""


def measure() -> list[Figure]:
    rng = np.random.default_rng(0)
    index = Index()
    figures: list[Figure] = []
    ms: dict[int, float] = {}
    for fewer, size in pairwise((0, *SIZES)):
        rows = rng.integers(0, 256, (size - fewer, SEARCH_CODE_BYTES), np.uint8)
        names = [f"{number:032x}" for number in range(fewer, size)]
        owners = [f"person_{name}" for name in names]
        index.fill(names, owners, [row.tobytes() for row in rows])
        # Both are measured in turns, so that other load on the machine slows both.
        probes = [
            each.tobytes() for each in rng.integers(0, 256, (TURNS, SEARCH_CODE_BYTES), np.uint8)
        ]
        memory = np.ones(size * SEARCH_CODE_BYTES // 8, np.uint64)
        pairs = [(_ms(index.nearest, probe, SHORTLIST), _ms(_read, memory)) for probe in probes]
        ms[size] = statistics.median(search for search, _ in pairs)
        least = statistics.median(read for _, read in pairs)
        how = (
            f"nearest {SHORTLIST} of {size:,} codes of {SEARCH_CODE_BYTES} B, {TURNS} random probes"
        )
        bound = 40 if size == SIZES[-1] else None
        figures.append(Figure(f"1:N search of {size:,}, median", ms[size], "ms", how, bound))
        rate = size * SEARCH_CODE_BYTES / 1e6
        figures.append(Figure("  codes read", rate / ms[size], "GB/s", how))
        reading = f"sum of as many bytes by {CORES} threads of numpy, measured in turns with it"
        figures.append(Figure("  memory bandwidth", rate / least, "GB/s", reading))
        if size == SIZES[-1]:
            ratio = ms[size] / least
            figures.append(Figure("  search over bandwidth limit", ratio, "x", reading, 2))
    growth = ms[SIZES[2]] / ms[SIZES[1]]
    figures.append(Figure("growth from 100,000 to 1,000,000", growth, "x", "linear is 10"))
    # The vault compares in one thread.
    with processes(1, once=True) as pool:
        return [*figures, *_changing(index), *next(pool.map(_in_full, [SHORTLIST]))]


def _changing(index: Index) -> list[Figure]:
    """Measures enrolment and removal in the largest gallery."""
    code = bytes(SEARCH_CODE_BYTES)
    taken = [(_ms(index.add, "new", "owner", code), _ms(index.remove, "new")) for _ in range(TURNS)]
    how = f"one palm in or out of {len(index):,}"
    return [
        Figure("enrol", statistics.median(put for put, _ in taken) * 1000, "µs", how, 1000),
        Figure("remove", statistics.median(out for _, out in taken) * 1000, "µs", how, 1000),
    ]


def _in_full(shortlist: int) -> list[Figure]:
    """Measures comparisons in full, of which a search makes a shortlist and a verification one."""
    extractor, matcher = current.pair()
    rng = np.random.default_rng(1)
    skins = [roi.swatch(FIRST + person, Side.RIGHT) for person in range(PEOPLE + 1)]

    def palm(number: int) -> Roi:
        placement = roi.jittered(Placement(), rng)
        image = roi.show(skins[number], rng, placement, harsh=0.25)
        return Roi(image, Side.RIGHT, 1.0)

    references = [
        matcher.keep(extractor.extract([palm(number % PEOPLE)])) for number in range(shortlist)
    ]
    shown = [palm(PEOPLE)]
    probe = extractor.extract(shown)
    prepared = matcher.prepare(references)
    with TemporaryDirectory() as state:
        vault = templates.Templates(Path(state), [templates.Scheme(extractor, matcher)])
        stored = [vault.protect(each).sealed for each in references]
        whole = vault.extract(shown, ())[0].whole

    def all_of_it() -> None:
        matcher.compare(probe, matcher.prepare(references))

    how = f"{shortlist} drawn palms at once, one probe of somebody else"
    figures: list[Figure] = []
    for name, work, told in (
        ("1:1 comparison in full", matcher.compare, (probe, prepared)),
        ("  with laying out the reference", all_of_it, ()),
    ):
        each = _processor_ms(work, *told) / shortlist * 1000
        figures.append(Figure(name, each, "µs", how, 60))
    for count in (shortlist, 1):
        taken = _processor_ms(vault.compare, matcher.version, whole, stored[:count])
        name = f"{count} of the vault, opened and compared"
        figures.append(Figure(name, taken, "ms", "drawn, one probe of somebody else"))
    signing = _processor_ms(extractor.extract, shown)
    return [*figures, Figure("template of one aligned palm", signing, "ms", "drawn", 6)]


_readers = ThreadPoolExecutor(CORES)


def _read(memory: np.ndarray) -> None:
    list(_readers.map(np.sum, np.array_split(memory, CORES)))


def _processor_ms(work: Callable[..., object], *told: object) -> float:
    """Returns the processor time of all threads, in the median of TURNS: other load on the machine
    counts as little as it can."""
    taken: list[float] = []
    for _ in range(TURNS):
        start = time.process_time()
        work(*told)
        taken.append((time.process_time() - start) * 1000)
    return statistics.median(taken)


def _ms(work: Callable[..., object], *told: object) -> float:
    start = time.perf_counter()
    work(*told)
    return (time.perf_counter() - start) * 1000
