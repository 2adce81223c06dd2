"""Measures how well search codes protect a palm and what they cost, after ISO/IEC 30136.

`python -m lab.evaluate.protection [--people N] [--probes M]` enrols drawn people, presents some of
them again, and measures

- accuracy, by the vectors and by the codes: how often the mate is among the nearest K of the
  gallery, and the FNMR at some FMRs;
- unlinkability: D_sys between single codes under different secrets (Gomez-Barrero, Galbally,
  Rathgeb and Busch, "General framework to evaluate unlinkability in biometric template protection
  systems", IEEE TIFS 2018). 0 is unlinkable, 1 is fully linkable;
- linking of whole galleries: how many people somebody finds again who has stolen two galleries
  under different secrets, and neither secret, and knows some people who are in both. Codes keep
  the angles between palms, so the angles to the known people describe everybody else;
- irreversibility: the cosine between the true vector and the one that an attacker computes from a
  stolen code, and how often it is accepted. Another palm's vector is the baseline.

The template itself is sealed and is not part of this: it can be read with the keys of the vault.
"""

import argparse
import json
import math
import os
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from drawn.roi import Placement, jittered, show, swatch
from lab.evaluate.processes import processes
from lab.evaluate.report import Json, named, rate, said
from palm.hand.landmarks import Side
from palm.hand.roi import Roi
from palm.rates import Estimate, share
from palm.search.protection import BITS, SECRET_BYTES, SearchCodes, Transform
from palm.template import current
from palm.template.interfaces import Extractor, Template

FIRST = 800_000_000
"""The seed of the first person. Training does not use these seeds."""
FRAMES = 3
"""The number of pictures that a person is enrolled from; a probe is made from one."""
SHORTLISTS = (1, 16, 64, 256)
MILLION = 1_000_000
FMRS = (1e-3, 1e-4)
SECRETS = 10
"""The number of pairs of secrets under which codes are compared."""
KNOWN = (10, 100, 1000)
"""The numbers of palms of which an attacker knows both the vector and the code."""
LANDMARKS = (10, 20, 50, 100)
"""The numbers of people of whom an attacker knows the codes in both of two galleries."""
ROUNDS = 10
"""How often an attacker who links two galleries takes those who are found as known."""

STEPS, STEP = 100, 1 / BITS
"""The number and the length of the steps in an attacker's search for the vector of a code."""

Floats = npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class MateSearch:
    """How well mates are found by vectors or by codes."""

    within: dict[int, Estimate]
    """The share of probes whose mate is among the nearest K, by K."""
    of_a_million: dict[int, float]
    """The share in a gallery of a million people, by K.

    It is extrapolated: the similarity of strangers is taken to be normally distributed.
    """
    fnmr: dict[float, float]
    """The FNMR, by FMR."""


@dataclass(frozen=True, slots=True)
class Inversion:
    """How near an attacker with a stolen code comes to the vector of the palm."""

    knows: str
    """What the attacker knows besides the code."""
    cosine: float
    """The median cosine to the true vector."""
    accepted: float
    """The share of computed vectors that match another presentation of the palm at FMRS[-1]."""


@dataclass(frozen=True, slots=True)
class ProtectionReport:
    """The accuracy, unlinkability and irreversibility of search codes."""

    people: int
    probes: int
    dimensions: int
    by_vector: MateSearch
    by_code: MateSearch
    linkability: float
    """D_sys between codes under different secrets."""
    by_chance: float
    """The 95th percentile of the estimate of D_sys where there is no link."""
    within_a_gallery: float
    """D_sys between codes under one secret, by which a gallery is searched."""
    attacks: list[Inversion]
    linked: dict[int, float]
    """The share of the people in two galleries under different secrets who are found again by
    somebody who knows so many of them, by that number."""

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
            "linked_galleries": [
                {"known": known, "found": found} for known, found in self.linked.items()
            ],
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
            f"people found again in a gallery under another secret, of {self.probes:,} in both: "
            + ", ".join(
                f"{found:.1%} if {known} are known" for known, found in self.linked.items()
            ),
            "",
            f"{'attacker with a code and':<44}{'cosine':<10}taken for the palm at {FMRS[-1]:g}",
        ]
        lines += [f"{a.knows:<44}{a.cosine:<10.3f}{a.accepted:.1%}" for a in self.attacks]
        return "\n".join(lines)


def measure(enrolled: Floats, probes: Floats, seed: int = 0) -> ProtectionReport:
    """Measures (people, dimensions) vectors and (probes, dimensions) ones of the first people.

    All vectors have length one. There are more people than probes, and at least a hundred probes.
    """
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
        linked={
            known: link_galleries(codes[: len(probes)], others[0].search_codes(probes), known)
            for known in LANDMARKS
            if 2 * known <= len(probes)
        },
    )


def _agreeing(probes: SearchCodes, codes: SearchCodes) -> Floats:
    """Returns the (probes, codes) numbers of equal bits."""
    rows = [BITS - np.bitwise_count(codes ^ probe).sum(axis=1, dtype=np.int32) for probe in probes]
    return np.asarray(rows, np.float32)


def _find(nearness: Floats) -> MateSearch:
    """Returns how well mates are found by (probes, people) similarities.

    The mate of a probe is the person with the same number.
    """
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
    return MateSearch(
        within={k: share(nearer < k, subjects) for k in SHORTLISTS},
        of_a_million={k: float((tail * MILLION < k).mean()) for k in SHORTLISTS},
        fnmr=fnmr,
    )


def _linkability(agreeing: Floats) -> float:
    """Returns D_sys from (secrets, probes, palms) numbers of equal bits, mates on the diagonals.

    D(s) = 2 LR / (1 + LR) - 1 where the likelihood ratio of mated to non-mated scores is above one,
    otherwise 0 (with prior odds of one, as in the paper). D_sys is its mean over mated scores.
    """
    own = np.eye(agreeing.shape[1], agreeing.shape[2], dtype=bool)
    return _d_sys(agreeing[:, own].ravel(), agreeing[:, ~own].ravel())


def _d_sys(mated: npt.NDArray[np.floating[Any]], non_mated: npt.NDArray[np.floating[Any]]) -> float:
    # The paper estimates densities by histograms; there are as many bins as mated scores can fill.
    ends = np.histogram_bin_edges(mated, min(100, round(len(mated) ** 0.5)))
    p_mated = np.histogram(mated, ends)[0] / len(mated)
    p_non = np.histogram(non_mated, ends)[0] / len(non_mated)
    ratio = np.divide(p_mated, p_non, out=np.full_like(p_mated, np.inf), where=p_non > 0)
    local = np.where(ratio > 1, 1 - 2 / (1 + ratio), 0)
    return float((local * p_mated).sum())


def _chance(agreeing: Floats, rng: np.random.Generator) -> float:
    """Returns a high estimate of `_linkability` where codes of other people count as mates."""
    count = agreeing.shape[1]
    found: list[float] = []
    for _ in range(20):
        whose = (np.arange(count) + rng.integers(1, count)) % count
        found.append(_linkability(agreeing[:, :, whose]))
    return sorted(found)[-2]


def link_galleries(one: SearchCodes, other: SearchCodes, known: int) -> float:
    """Returns the share of people whom somebody finds again in another gallery without any secret.

    The codes with the same number in the two galleries are of the same person, and the attacker
    knows that of the first `known` ones. Everybody is described by the angles to those who are
    known, which are nearly the same in both galleries. Pairs that choose each other become known in
    turn, the clearest first and twice as many in each round (a percolation: Narayanan and
    Shmatikov, "De-anonymizing social networks", IEEE S&P 2009).
    """
    mine, theirs = _cosines(one), _cosines(other)
    everybody, left = np.arange(len(one)), np.arange(len(one)) >= known
    choice = everybody
    found = pairs = everybody[:known]
    for doubled in range(1, ROUNDS + 1):
        alike = _described(mine[:, pairs]) @ _described(theirs[:, found]).T
        # The known ones are no candidates for the others.
        alike[~left] = alike[:, ~left] = -2
        alike[everybody[:known], everybody[:known]] = 2
        choice = alike.argmax(axis=1)
        second, first = np.partition(alike, -2, axis=1)[:, -2:].T
        mutual = everybody[alike.argmax(axis=0)[choice] == everybody]
        pairs = mutual[np.argsort(second[mutual] - first[mutual])][: known * 2**doubled]
        found = choice[pairs]
    return float((choice == everybody)[left].mean())


def _cosines(codes: SearchCodes) -> Floats:
    """Returns the (codes, codes) cosines of the vectors, estimated from the codes alone."""
    signs = np.where(np.unpackbits(codes, axis=1), 1, -1).astype(np.float32)
    return np.sin(np.pi / 2 * (signs @ signs.T) / BITS).astype(np.float32)


def _described(cosines: Floats) -> Floats:
    centred = cosines - cosines.mean(axis=0)
    return centred / np.linalg.norm(centred, axis=1, keepdims=True)


def _attacks(
    enrolled: Floats, probes: Floats, own: Transform, another: Transform, codes: SearchCodes
) -> list[Inversion]:
    victims = len(probes)
    true = enrolled[:victims]
    strangers = (probes @ enrolled.T)[~np.eye(victims, len(enrolled), dtype=bool)]
    threshold = np.quantile(strangers, 1 - FMRS[-1])
    signs = np.where(np.unpackbits(codes, axis=1), 1, -1).astype(np.float32)

    def attack(knows: str, forged: Floats) -> Inversion:
        forged = forged / np.linalg.norm(forged, axis=1, keepdims=True)
        return Inversion(
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
    """Returns the vectors that fit the codes best.

    This is binary iterative hard thresholding (Jacques, Laska, Boufounos and Baraniuk, IEEE Trans.
    Inf. Theory 2013) without the thresholding.
    """
    found = signs @ frame.T
    for _ in range(STEPS):
        found /= np.linalg.norm(found, axis=1, keepdims=True)
        found = found + STEP * (signs - np.sign(found @ frame)) @ frame.T
    return found


def _learnt(signs: Floats, vectors: Floats) -> Floats:
    """Returns a (BITS, dimensions) ridge regression from codes to their vectors."""
    kernel = signs @ signs.T + BITS * np.eye(len(signs), dtype=np.float32)
    return np.asarray(signs.T @ np.linalg.solve(kernel, vectors), np.float32)


def _found(found: MateSearch) -> Json:
    return {
        "mate_within": {
            str(k): rate("share", found.within[k]) | {"of_a_million": found.of_a_million[k]}
            for k in SHORTLISTS
        },
        "fnmr_at_fmr": {named(fmr): fnmr for fmr, fnmr in found.fnmr.items()},
    }


_extractor: Extractor
"""The extractor of this worker process."""


def _start() -> None:
    global _extractor
    _extractor, _ = current.pair()


def _draw(person: int, frames: int, showing: int, harsh: float) -> Template:
    skin = swatch(FIRST + person, Side.RIGHT)
    rng = np.random.default_rng((FIRST + person, showing))
    crops = [jittered(Placement(), rng) for _ in range(frames)]
    palms = [Roi(show(skin, rng, crop, harsh=harsh), Side.RIGHT, 1.0) for crop in crops]
    return _extractor.extract(palms)


def drawn(people: int, probes: int, harsh: float, workers: int) -> tuple[Floats, Floats]:
    """Draws people; returns vectors of all enrolled, and of a second presentation of the first."""
    with processes(workers, _start) as pool:

        def templates(count: int, frames: int, showing: int) -> Sequence[Template]:
            told = [[value] * count for value in (frames, showing)]
            return list(pool.map(_draw, range(count), *told, [harsh] * count, chunksize=16))

        _, matcher = current.pair()
        enrolled, shown = templates(people, FRAMES, 0), templates(probes, 1, 1)
        kept = [matcher.keep(template) for template in enrolled]
        return matcher.vectors(kept), matcher.vectors(shown)


def main() -> int:
    parser = argparse.ArgumentParser(
        prog="protection", description="Measures how well search codes protect drawn palms."
    )
    parser.add_argument("--people", type=int, default=10_000, help="people enrolled (%(default)s)")
    parser.add_argument(
        "--probes", type=int, default=1_000, help="people presented again (%(default)s)"
    )
    parser.add_argument("--harsh", type=float, default=0.5, help="conditions, 0 to 1 (%(default)s)")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures to this file")
    asked = parser.parse_args()
    if not 100 <= asked.probes < asked.people:
        parser.error("there have to be more people than probes, and at least a hundred probes")
    report = measure(*drawn(asked.people, asked.probes, asked.harsh, os.cpu_count() or 1))
    print(report.text())  # noqa: T201 - the output of this command
    if asked.json:
        told = {"template_version": current.pair()[0].version} | report.json()
        asked.json.write_text(json.dumps(told, indent=1) + "\n", encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
