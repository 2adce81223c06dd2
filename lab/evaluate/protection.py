"""What protected search codes cost and what they give away, in the manner of ISO/IEC 30136.

`python -m lab.evaluate.protection [--people N] [--probes M]` enrols drawn people and has some of
them come again, and measures

- accuracy: how often the mate is among the nearest K of the gallery, and FNMR at some FMR when the
  vectors alone decide, by the vectors themselves and by their codes;
- unlinkability: D_sys of Gomez-Barrero, Galbally, Rathgeb and Busch ("General framework to evaluate
  unlinkability in biometric template protection systems", IEEE TIFS 2018), between codes under
  different secrets. 0 is unlinkable, 1 is as good as a name;
- irreversibility: how near to the true vector an attacker comes who has stolen a code, and what
  comes of it. Cosines to the true vector; strangers' tell what nothing is worth.

The template itself is sealed and no part of this: whoever holds the vault's keys reads it.
"""

import argparse
import json
import math
import os
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt

from drawn.roi import Placement, jittered, show, swatch
from lab.evaluate.processes import processes
from lab.evaluate.rates import Estimate, share
from lab.evaluate.report import Json, named, rate, said
from palm.hand.landmarks import Side
from palm.hand.roi import Roi
from palm.search.protection import BITS, SECRET_BYTES, SearchCodes, Transform
from palm.template import current
from palm.template.interfaces import Extractor, Template

FIRST = 800_000_000
"""Seed of the first person: far from those that training draws."""
FRAMES = 3
"""Pictures a person is enrolled from; a probe is of one."""
SHORTLISTS = (1, 16, 64, 256)
MILLION = 1_000_000
FMRS = (1e-3, 1e-4)
SECRETS = 10
"""Pairs of secrets that codes are held against each other under."""
KNOWN = (10, 100, 1000)
"""Palms of which an attacker knows both vector and code."""

STEPS, STEP = 100, 1 / BITS
"""Of an attacker's search for the vector that a code fits."""

Floats = npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Found:
    """How well mates are found by one measure of nearness."""

    within: dict[int, Estimate]
    """By K: share of probes whose mate is among the nearest K."""
    of_a_million: dict[int, float]
    """The same in a gallery of a million, if strangers lie beyond the mate as often as a normal
    distribution of their nearness has it: an extrapolation."""
    fnmr: dict[float, float]
    """By FMR."""


@dataclass(frozen=True, slots=True)
class Attack:
    """What an attacker makes of a stolen code."""

    knows: str
    cosine: float
    """To the true vector, at the median."""
    accepted: float
    """Share of forgeries that the vectors alone would take, at FMRS[-1], for another presentation
    of the same palm."""


@dataclass(frozen=True, slots=True)
class ProtectionReport:
    people: int
    probes: int
    dimensions: int
    by_vector: Found
    by_code: Found
    linkability: float
    """D_sys under different secrets."""
    by_chance: float
    """D_sys that the same estimate finds, 19 times in 20 at most, where there is no link at all."""
    within_a_gallery: float
    """D_sys under one secret, which is what a gallery is searched by."""
    attacks: list[Attack]

    def json(self) -> Json:
        return {
            "people": self.people,
            "probes": self.probes,
            "dimensions": self.dimensions,
            "accuracy": {"vectors": _found(self.by_vector), "codes": _found(self.by_code)},
            "unlinkability": {
                "d_sys": self.linkability,
                "d_sys_by_chance_at_most": self.by_chance,
                "d_sys_within_one_gallery": self.within_a_gallery,
                "secrets": SECRETS,
            },
            "irreversibility": [
                {"attacker_knows": a.knows, "cosine": a.cosine, "accepted": a.accepted}
                for a in self.attacks
            ],
        }

    def text(self) -> str:
        lines = [
            f"{self.people:,} drawn people enrolled, {self.probes:,} come again; vectors of "
            f"{self.dimensions}, codes of {BITS} bits",
            "",
            f"{'mate among nearest':<20}{'by vector':<32}{'by code':<32}of a million by code",
        ]
        lines += [
            f"{k:<20}{said(self.by_vector.within[k]):<32}{said(self.by_code.within[k]):<32}"
            f"{self.by_code.of_a_million[k]:.2%}"
            for k in SHORTLISTS
        ]
        lines += [
            f"FNMR at FMR {named(fmr)}: {self.by_vector.fnmr[fmr]:.2%} by vector, "
            f"{self.by_code.fnmr[fmr]:.2%} by code"
            for fmr in FMRS
        ]
        lines += [
            "",
            f"D_sys under different secrets {self.linkability:.4f}, by chance up to "
            f"{self.by_chance:.4f}; under one secret {self.within_a_gallery:.3f}",
            "",
            f"{'attacker with a code and':<44}{'cosine':<10}taken for the palm at {FMRS[-1]:g}",
        ]
        lines += [f"{a.knows:<44}{a.cosine:<10.3f}{a.accepted:.1%}" for a in self.attacks]
        return "\n".join(lines)


def measure(enrolled: Floats, probes: Floats, seed: int = 0) -> ProtectionReport:
    """Of (people, dimensions) vectors and (probes, dimensions) others of the first of them, all of
    length one. More people than probes, and a hundred probes or more."""
    rng = np.random.default_rng(seed)
    secrets = [rng.bytes(SECRET_BYTES) for _ in range(SECRETS + 1)]
    dimensions = enrolled.shape[1]
    transforms = [Transform(secret, 0, dimensions) for secret in secrets]
    own, *others = transforms
    codes, shown = own.search_codes(enrolled), own.search_codes(probes)
    nearness = probes @ enrolled.T
    elsewhere = [_agreeing(other.search_codes(probes), codes[: len(probes)]) for other in others]
    return ProtectionReport(
        people=len(enrolled),
        probes=len(probes),
        dimensions=dimensions,
        by_vector=_find(nearness),
        by_code=_find(_agreeing(shown, codes)),
        linkability=_linkability(np.stack(elsewhere)),
        by_chance=_chance(np.stack(elsewhere), rng),
        within_a_gallery=_linkability(_agreeing(shown, codes[: len(probes)])[None]),
        attacks=_attacks(enrolled, probes, own, others[0], codes),
    )


def _agreeing(probes: SearchCodes, codes: SearchCodes) -> Floats:
    """(probes, codes) bits that agree."""
    rows = [BITS - np.bitwise_count(codes ^ probe).sum(axis=1, dtype=np.int32) for probe in probes]
    return np.asarray(rows, np.float32)


def _find(nearness: Floats) -> Found:
    """From (probes, people), each probe's mate at its own number."""
    count = len(nearness)
    mates = nearness[np.arange(count), np.arange(count)].copy()
    strangers = nearness.copy()
    strangers[np.arange(count), np.arange(count)] = -np.inf
    nearer = (strangers >= mates[:, None]).sum(axis=1)
    finite = np.where(np.isfinite(strangers), strangers, np.nan)
    beyond = (mates - np.nanmean(finite, axis=1)) / np.nanstd(finite, axis=1)
    tail = np.array([math.erfc(each / math.sqrt(2)) / 2 for each in beyond])
    subjects = np.arange(count)
    flat = strangers[np.isfinite(strangers)]
    fnmr = {fmr: float((mates <= np.quantile(flat, 1 - fmr)).mean()) for fmr in FMRS}
    return Found(
        within={k: share(nearer < k, subjects) for k in SHORTLISTS},
        of_a_million={k: float((tail * MILLION < k).mean()) for k in SHORTLISTS},
        fnmr=fnmr,
    )


def _linkability(agreeing: Floats) -> float:
    """D_sys from (secrets, probes, palms) bits that agree, mates on each diagonal.

    D(s) = 2 LR / (1 + LR) - 1 where the likelihood ratio of mated to non-mated exceeds one, else 0
    (prior odds of one, as the paper sets them); D_sys is its mean over mated scores.
    """
    own = np.eye(agreeing.shape[1], agreeing.shape[2], dtype=bool)
    return _d_sys(agreeing[:, own].ravel(), agreeing[:, ~own].ravel())


def _d_sys(mated: Floats, non_mated: Floats) -> float:
    # As many bins as the mated scores can fill: the paper's estimate, of densities by histogram.
    ends = np.histogram_bin_edges(mated, min(100, round(len(mated) ** 0.5)))
    p_mated = np.histogram(mated, ends)[0] / len(mated)
    p_non = np.histogram(non_mated, ends)[0] / len(non_mated)
    ratio = np.divide(p_mated, p_non, out=np.full_like(p_mated, np.inf), where=p_non > 0)
    local = np.where(ratio > 1, 1 - 2 / (1 + ratio), 0)
    return float((local * p_mated).sum())


def _chance(agreeing: Floats, rng: np.random.Generator) -> float:
    """What `_linkability` comes to where other people's codes are called mates."""
    count = agreeing.shape[1]
    found: list[float] = []
    for _ in range(20):
        whose = (np.arange(count) + rng.integers(1, count)) % count
        found.append(_linkability(agreeing[:, :, whose]))
    return sorted(found)[-2]


def _attacks(
    enrolled: Floats, probes: Floats, own: Transform, another: Transform, codes: SearchCodes
) -> list[Attack]:
    victims = len(probes)
    true = enrolled[:victims]
    strangers = (probes @ enrolled.T)[~np.eye(victims, len(enrolled), dtype=bool)]
    threshold = np.quantile(strangers, 1 - FMRS[-1])
    signs = np.where(np.unpackbits(codes, axis=1), 1, -1).astype(np.float32)

    def attack(knows: str, forged: Floats) -> Attack:
        forged = forged / np.linalg.norm(forged, axis=1, keepdims=True)
        return Attack(
            knows=knows,
            cosine=float(np.median((forged * true).sum(axis=1))),
            accepted=float(((forged * probes).sum(axis=1) > threshold).mean()),
        )

    attacks = [
        attack("another palm instead of it", np.roll(true, 1, axis=0)),
        attack("a guess at the secret", _inverted(signs[:victims], another.frame)),
    ]
    for known in KNOWN:
        if victims + known <= len(enrolled):
            palms = slice(victims, victims + known)
            estimate = _learnt(signs[palms], enrolled[palms])
            attacks.append(attack(f"{known} known palms", signs[:victims] @ estimate))
    return [*attacks, attack("the secret", _inverted(signs[:victims], own.frame))]


def _inverted(signs: Floats, frame: Floats) -> Floats:
    """The vectors that codes fit best, by binary iterative hard thresholding without the
    thresholding (Jacques, Laska, Boufounos and Baraniuk, IEEE Trans. Inf. Theory 2013)."""
    found = signs @ frame.T
    for _ in range(STEPS):
        found /= np.linalg.norm(found, axis=1, keepdims=True)
        found = found + STEP * (signs - np.sign(found @ frame)) @ frame.T
    return found


def _learnt(signs: Floats, vectors: Floats) -> Floats:
    """(BITS, dimensions) ridge regression from codes to the vectors they were made of."""
    kernel = signs @ signs.T + BITS * np.eye(len(signs), dtype=np.float32)
    return np.asarray(signs.T @ np.linalg.solve(kernel, vectors), np.float32)


def _found(found: Found) -> Json:
    return {
        "mate_within": {
            str(k): rate("share", found.within[k]) | {"of_a_million": found.of_a_million[k]}
            for k in SHORTLISTS
        },
        "fnmr_at_fmr": {named(fmr): fnmr for fmr, fnmr in found.fnmr.items()},
    }


_extractor: Extractor
"""Of this worker process."""


def _start() -> None:
    global _extractor
    cv2.setNumThreads(1)
    _extractor, _ = current.pair()


def _draw(person: int, frames: int, showing: int, harsh: float) -> Template:
    skin = swatch(FIRST + person, Side.RIGHT)
    rng = np.random.default_rng((FIRST + person, showing))
    crops = [jittered(Placement(), rng) for _ in range(frames)]
    palms = [Roi(show(skin, rng, crop, harsh=harsh), Side.RIGHT, 1.0) for crop in crops]
    return _extractor.extract(palms)


def drawn(people: int, probes: int, harsh: float, workers: int) -> tuple[Floats, Floats]:
    """Vectors of people enrolled, and of the first of them coming again."""
    with processes(workers, _start) as pool:

        def templates(count: int, frames: int, showing: int) -> Sequence[Template]:
            told = [[value] * count for value in (frames, showing)]
            return list(pool.map(_draw, range(count), *told, [harsh] * count, chunksize=16))

        _, matcher = current.pair()
        enrolled, shown = templates(people, FRAMES, 0), templates(probes, 1, 1)
        kept = [matcher.keep(template) for template in enrolled]
        return matcher.vectors(kept), matcher.vectors(shown)


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m lab.evaluate.protection")
    parser.add_argument(
        "--people", type=int, default=10_000, help="enrolled (default: %(default)s)"
    )
    parser.add_argument("--probes", type=int, default=1_000, help="who come again")
    parser.add_argument("--harsh", type=float, default=0.5, help="0 to 1, as drawn.roi.show")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures there")
    asked = parser.parse_args()
    if not 100 <= asked.probes < asked.people:
        parser.error("more people than probes, and a hundred probes or more")
    report = measure(*drawn(asked.people, asked.probes, asked.harsh, os.cpu_count() or 1))
    print(report.text())  # noqa: T201 - this command's own voice
    if asked.json:
        told = {"template_version": current.pair()[0].version} | report.json()
        asked.json.write_text(json.dumps(told, indent=1) + "\n", encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
