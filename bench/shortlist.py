"""How far a search has to look among the nearest codes so that it does not miss the palm that it
looks for, and what that costs.

People are drawn and enrolled from three pictures, and each is shown once in three frames, as
`lab.evaluate.drawn_gallery` shows them. Of every probe it is counted how many of the others' codes
are nearer than that of its own palm. Their share of the gallery does not depend on its size. Where
less than a few of those who are drawn would be compared, the share is that of a normal distribution
with the mean and the deviation of the probe's distances to others.
"""

import os
import statistics
import time
from collections.abc import Iterator
from pathlib import Path
from statistics import NormalDist
from tempfile import TemporaryDirectory

import numpy as np
import numpy.typing as npt

from bench.figure import Figure
from cloud.bootstrap import policy_of
from cloud.recognition.gallery import LONGEST, SHARE
from cloud.settings import Recognition
from cloud.vault import templates
from drawn import roi
from drawn.roi import Placement, Swatch
from lab.evaluate.collection import STILL
from lab.evaluate.processes import processes, progress
from palm.hand.landmarks import Side
from palm.hand.roi import Roi
from palm.rates import share
from palm.search.protection import SECRET_BYTES, Transform
from palm.template import current
from palm.template.interfaces import Template

ENROLLED = 300
"""How many people are drawn, if nothing else is said."""
FIRST = 910_000_000
"""The seed of the first. Neither training nor `lab.evaluate.drawn_gallery` uses these seeds."""
FRAMES = 3
HARSH = 0.25
SHARES = (0.001, 0.002, 0.005, 0.01, 0.02, 0.03, 0.05)
SIZES = (10_000, 100_000, 1_000_000, 10_000_000, 100_000_000, 1_000_000_000)
MISSED = 0.3
"""The largest share of mates that may be missed, in percent."""
ACCEPTED_IN = 100_000
FEWEST = 3
"""A share of the gallery is counted where at least so many of those who are drawn are within it."""
TURNS = 9

Floats = npt.NDArray[np.float64]


def measure(enrolled: int = ENROLLED) -> Iterator[Figure]:
    workers = len(os.sched_getaffinity(0))
    with processes(workers) as pool:
        tried = pool.map(_person, range(enrolled), chunksize=4)
        drawn = list(progress("drawing", tried, enrolled))
    kept, probes = zip(*drawn, strict=True)
    nearer, fitted, accepted = _ranks(list(kept), list(probes))
    how = f"{enrolled:,} drawn people, one probe each"
    for part in SHARES:
        missed, low, high = _missed(nearer > part)
        both = f"{how}, 95 %: {low:.1f} to {high:.1f} %"
        if accepted.any():
            among = 100 * float((nearer > part)[accepted].mean())
            whom = f"the {accepted.sum():,} that are accepted among {ACCEPTED_IN:,}"
            both += f"; of {whom}: {among:.1f} %"
        yield Figure(f"mates missed, {part:.1%} compared", missed, "%", both)
        fit = 100 * float((fitted > part).mean())
        yield Figure("  by the fitted distribution", fit, "%", "how well the fit tells it")
    ms = _compared_ms(drawn[0][1], drawn[0][0])
    first = Recognition().schemes[0].shortlist
    for size in SIZES:
        compared = min(size, max(first, min(round(SHARE * size), LONGEST)))
        part = compared / size
        counted = part * enrolled >= FEWEST
        missed, low, high = _missed((nearer if counted else fitted) > part)
        how = (
            f"{compared:,} compared, {part:.4%}; 95 %: {low:.1f} to {high:.1f} %, "
            f"{'counted' if counted else 'by the fitted distribution'}"
        )
        bound = MISSED if counted else None
        yield Figure(f"mates missed among {size:,}", missed, "%", how, bound)
        cost = f"of a vault's core, for a palm that nobody has; {first} take {ms * first:.0f} ms"
        yield Figure("  comparing takes", ms * compared, "ms", cost)


def _person(number: int) -> tuple[Template, Template]:
    """Returns the template of an enrolment, as it is kept, and that of a presentation."""
    extractor, matcher = current.pair()
    skin = roi.swatch(FIRST + number, Side.RIGHT)
    rng = np.random.default_rng((FIRST + number, 99))
    enrolled = [_picture(skin, rng, roi.jittered(Placement(), rng)) for _ in range(FRAMES)]
    held = roi.jittered(Placement(), rng)
    moment = int(rng.integers(2**63))
    # One light and one bend: only the landmarks differ between the frames of a presentation.
    frames = [
        _picture(skin, np.random.default_rng(moment), roi.jittered(held, rng, STILL))
        for _ in range(FRAMES)
    ]
    return matcher.keep(extractor.extract(enrolled)), extractor.extract(frames)


def _picture(skin: Swatch, rng: np.random.Generator, placement: Placement) -> Roi:
    return Roi(roi.show(skin, rng, placement, harsh=HARSH), Side.RIGHT, 1.0)


def _ranks(
    kept: list[Template], probes: list[Template]
) -> tuple[Floats, Floats, npt.NDArray[np.bool_]]:
    """Returns for each probe which share of the others is nearer than its mate, the same by a
    normal distribution, and whether the mate's score is accepted among `ACCEPTED_IN`."""
    _, matcher = current.pair()
    version = matcher.version
    vectors = matcher.vectors(kept)
    transform = Transform(bytes(SECRET_BYTES), version, vectors.shape[1])
    codes = transform.search_codes(vectors)
    shown = transform.search_codes(matcher.vectors(probes))
    policy = policy_of(Recognition())
    least = policy.accept(ACCEPTED_IN)
    everybody = np.arange(len(kept))
    nearer, fitted, accepted = [], [], []
    for number, code in enumerate(shown):
        bits = np.bitwise_count(codes ^ code).sum(axis=1, dtype=np.int32)
        own, others = int(bits[number]), bits[everybody != number]
        # Of those as near the half comes first.
        nearer.append(float(np.mean(others < own) + np.mean(others == own) / 2))
        fitted.append(NormalDist(float(others.mean()), float(others.std())).cdf(own))
        score = matcher.score(probes[number], kept[number])
        accepted.append(policy.rarity(version, score) >= least)
    return np.array(nearer), np.array(fitted), np.array(accepted)


def _missed(errors: npt.NDArray[np.bool_]) -> tuple[float, float, float]:
    """Returns a share in percent, with its 95 % confidence interval."""
    found = share(errors, np.arange(len(errors)))
    return 100 * found.rate, 100 * found.ci95.low, 100 * found.ci95.high


def _compared_ms(probe: Template, kept: Template) -> float:
    """Returns the processor time of opening and comparing one palm, in milliseconds."""
    extractor, matcher = current.pair()
    count = Recognition().schemes[0].shortlist
    with TemporaryDirectory() as state:
        vault = templates.Templates(Path(state), [templates.Scheme(extractor, matcher)])
        sealed = [vault.protect(kept).sealed] * count
        shown = vault.protect(probe).sealed
        taken: list[float] = []
        for _ in range(TURNS):
            began = time.process_time()
            vault.compare(matcher.version, shown, sealed)
            taken.append(1000 * (time.process_time() - began) / count)
    return statistics.median(taken)
