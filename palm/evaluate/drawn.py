"""Open-set identification in a gallery of drawn people, in the manner of ISO/IEC 19795-1.

`python -m palm.evaluate.drawn [--people N]` enrols so many people, whom nobody is and no training
has met, and searches for some of them (mated searches) and for strangers (non-mated ones). A
search returns whom it finds at or above a threshold, the likeliest first:

- FPIR is the share of non-mated searches that return anybody,
- FNIR the share of mated ones that do not return the right person first.

A search goes as the service's does: the enrolled whose protected codes lie nearest are compared in
full. With `--exact` everybody is, which takes long and says, besides, how often strangers match
one to one.

A gallery of real palms of this size is not to be had; what drawn ones say of real ones is what
`docs/accuracy.md` says of how alike they are.
"""

import argparse
import json
import os
import sys
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from functools import cached_property, partial
from pathlib import Path
from typing import Any, Protocol

import cv2
import numpy as np
import numpy.typing as npt

from palm import signature
from palm.evaluate.code import ExactMatcher
from palm.evaluate.pairing import Indices
from palm.evaluate.processes import processes, progress
from palm.evaluate.rates import Curve, Estimate, share
from palm.evaluate.report import Json, named, rate, said
from palm.factory.roi import Crop, about, show, swatch
from palm.hand import Side
from palm.protection import SECRET_BYTES, Transform
from palm.recognition import Signer, Template
from palm.roi import Roi

FIRST = 900_000_000
"""Seed of the first person: far from those that training draws."""
SECRET = bytes(SECRET_BYTES)
"""Of the gallery: nobody's, nothing depends on which."""
FPIRS = (1e-2, 1e-3)
"""False-positive identification rates at which FNIR is reported."""
FMRS = (1e-4, 1e-5, 1e-6, 1e-7)
TAIL = 64
"""Highest scores of strangers that are kept of a search."""

Floats = npt.NDArray[np.float32]


class SearchedMatcher(ExactMatcher, Protocol):
    """A matcher whose gallery is looked through by protected codes first."""

    @property
    def version(self) -> int: ...

    def vectors(self, templates: Sequence[Template]) -> Floats: ...


Pair = Callable[[], tuple[Signer, SearchedMatcher]]


@dataclass(frozen=True, slots=True)
class Scene:
    """Who is drawn, and how they show their right palms."""

    people: int = 10_000
    """Enrolled."""
    strangers: int = 4_000
    """Not enrolled, one search each."""
    mates: int = 2_000
    """Enrolled people who come again, one search each."""
    frames: int = 3
    """Pictures a person is enrolled from, each drawn by itself; searches are of one."""
    harsh: float = 0.25
    """Of `palm.factory.roi.show`: 0 the same gentle conditions each time, 1 anything at all."""
    infrared: bool = False
    """Searches are made in near infrared, among people enrolled in colour."""
    shortlist: int | None = 64
    """How many of the enrolled a search compares in full; None is everybody."""

    @property
    def sizes(self) -> list[int]:
        """Galleries searched: of everybody, and of the first tenth and hundredth of them."""
        return [size for size in (self.people // 100, self.people // 10, self.people) if size > 1]


@dataclass(frozen=True, slots=True)
class Drawn:
    enrolled: Template
    probe: Template


@dataclass(frozen=True, slots=True)
class Search:
    """What a search of each gallery of the scene's sizes found."""

    mated: bool
    own: Floats
    """(sizes,) the mate's score; -inf where there is none, or it was not compared."""
    best: Floats
    """(sizes,) the best score of anybody else."""
    tail: Floats
    """(up to TAIL,) the best scores of anybody else in the largest gallery."""


@dataclass(frozen=True, slots=True)
class Identification:
    """Error rates of one gallery."""

    size: int
    threshold: dict[float, float]
    """By FPIR: the lowest score that keeps it."""
    fnir: dict[float, Estimate]
    curve: Curve
    """FPIR in place of the FMR and FNIR in place of the FNMR."""


def identification(size: int, which: int, searches: Sequence[Search]) -> Identification:
    """Of at least one mated and one non-mated search of the gallery at place `which`."""
    strange = np.array([each.best[which] for each in searches if not each.mated])
    mated = [(each.own[which], each.best[which]) for each in searches if each.mated]
    # Found first or not at all: a mate behind somebody else is missed at every threshold.
    found = np.array([own if own > best else -np.inf for own, best in mated])
    scores = np.unique(np.concatenate([strange, found[np.isfinite(found)]]))[::-1]
    curve = Curve(
        thresholds=np.append(np.inf, scores).astype(np.float64),
        fmr=np.append(0, _reaching(strange, scores)),
        fnmr=np.append(1, 1 - _reaching(found, scores)),
    )
    threshold = {fpir: curve.threshold_at(fpir) for fpir in FPIRS if fpir * len(strange) >= 1}
    return Identification(
        size=size,
        threshold=threshold,
        fnir={fpir: share(found < at, np.arange(len(found))) for fpir, at in threshold.items()},
        curve=curve,
    )


def verification(searches: Sequence[Search], people: int) -> dict[float, tuple[float, Estimate]]:
    """By FMR, as far as the comparisons within exact non-mated searches reach: the lowest score
    that keeps it, and the FNMR there of the mated searches' genuine comparisons."""
    tails = np.array([each.tail for each in searches if not each.mated])
    own = np.array([each.own[-1] for each in searches if each.mated])
    # Below the least of what was kept of any search, not all that is higher was kept.
    whole = tails.min(axis=1).max() if people > tails.shape[1] else -np.inf
    falling = np.sort(tails, axis=None)[::-1]
    found: dict[float, tuple[float, Estimate]] = {}
    for fmr in FMRS:
        allowed = int(fmr * people * len(tails) * (1 + 1e-9))
        if 1 <= allowed < falling.size and falling[allowed] >= whole:
            threshold = float(np.nextafter(falling[allowed], np.float32(np.inf)))
            found[fmr] = threshold, share(own < threshold, np.arange(len(own)))
    return found


@dataclass(frozen=True, slots=True)
class Report:
    scene: Scene
    version: int
    identifications: list[Identification]
    verification: dict[float, tuple[float, Estimate]]

    def json(self) -> Json:
        return {
            **asdict(self.scene),
            "template_version": self.version,
            "impostor": self.scene.people * self.scene.strangers,
            "galleries": [
                {
                    "people": each.size,
                    "fnir_at_fpir": {named(fpir): found.rate for fpir, found in each.fnir.items()},
                    "fnir_at_fpir_ci95": {
                        named(fpir): [found.ci95.low, found.ci95.high]
                        for fpir, found in each.fnir.items()
                    },
                    "threshold_at_fpir": {named(fpir): at for fpir, at in each.threshold.items()},
                    "det": each.curve.thinned(),
                }
                for each in self.identifications
            ],
            "verification": [
                {"fmr": named(fmr), "threshold": at, **rate("fnmr", fnmr)}
                for fmr, (at, fnmr) in self.verification.items()
            ],
        }

    def text(self) -> str:
        scene = self.scene
        lines = [
            f"{scene.people:,} drawn people enrolled from {scene.frames} pictures each, "
            f"{scene.mates:,} mated and {scene.strangers:,} non-mated searches of one picture"
            f"{' in near infrared' if scene.infrared else ''}, harshness "
            f"{scene.harsh}, template version {self.version}"
        ]
        for each in self.identifications:
            for fpir, fnir in each.fnir.items():
                lines.append(
                    f"{each.size:>9,} people: FNIR {said(fnir)} at FPIR {named(fpir)}, "
                    f"score {each.threshold[fpir]:.3f}"
                )
        lines += [
            f"1:1, {scene.people * scene.strangers:,} impostor comparisons: FNMR {said(fnmr)} "
            f"at FMR {named(fmr)}, score {at:.3f}"
            for fmr, (at, fnmr) in self.verification.items()
        ]
        return "\n".join(lines)


def measure(scene: Scene, pair: Pair = signature.current, workers: int = 1) -> Report:
    """Draws everybody, enrols, and searches."""
    step = max(scene.people // scene.mates, 1)
    back = range(0, min(step * scene.mates, scene.people), step)
    everybody = range(scene.people + scene.strangers)
    with processes(workers, _start_drawing, pair) as pool:
        tried = pool.map(partial(_draw, scene), everybody, chunksize=16)
        drawn = list(progress("drawing", tried, len(everybody)))
    enrolled = [each.enrolled for each in drawn[: scene.people]]
    coming = [(drawn[person].probe, person) for person in back]
    coming += [(each.probe, None) for each in drawn[scene.people :]]
    with processes(workers, _start_searching, pair, enrolled) as pool:
        tried = pool.map(partial(_search, scene), coming, chunksize=8)
        searches = list(progress("searching", tried, len(coming)))
    return Report(
        scene=scene,
        version=enrolled[0].version,
        identifications=[
            identification(size, which, searches) for which, size in enumerate(scene.sizes)
        ],
        verification=verification(searches, scene.people) if scene.shortlist is None else {},
    )


def _reaching(scores: Floats, thresholds: Floats) -> npt.NDArray[np.float64]:
    """Share of the scores at or above each threshold."""
    return 1 - np.searchsorted(np.sort(scores), thresholds, side="left") / len(scores)


_signer: Signer
_gallery: "_Gallery"
"""Of this worker process."""


def _start_drawing(pair: Pair) -> None:
    global _signer
    cv2.setNumThreads(1)
    _signer, _ = pair()


def _draw(scene: Scene, person: int) -> Drawn:
    skin = swatch(FIRST + person, Side.RIGHT)
    rng = np.random.default_rng((FIRST + person, 99))

    def seen(infrared: bool) -> Roi:
        crop = about(Crop(), rng)
        return Roi(show(skin, rng, crop, infrared, scene.harsh), Side.RIGHT, 1.0)

    enrolled = _signer.sign([seen(False) for _ in range(scene.frames)])
    return Drawn(enrolled, _signer.sign([seen(scene.infrared)]))


Look = Callable[[Indices], Floats]
"""From whom to look among to (enrolled,) scores, -inf of all who were not compared."""


class _Gallery:
    """Everybody enrolled."""

    def __init__(self, matcher: SearchedMatcher, enrolled: Sequence[Template]) -> None:
        self._matcher = matcher
        self._enrolled = enrolled
        vectors = matcher.vectors(enrolled)
        self._transform = Transform(SECRET, matcher.version, vectors.shape[1])
        self._codes = self._transform.codes(vectors)

    @cached_property
    def _prepared(self) -> Any:
        return self._matcher.prepare(self._enrolled)

    def everybody(self, probe: Template) -> Look:
        scores = self._matcher.compare(probe, self._prepared)
        return lambda whom: scores

    def nearest(self, probe: Template, shortlist: int) -> Look:
        code = self._transform.codes(self._matcher.vectors([probe]))
        bits = np.bitwise_count(self._codes ^ code).sum(axis=1, dtype=np.int32)

        def look(whom: Indices) -> Floats:
            near = whom[np.argsort(bits[whom], kind="stable")[:shortlist]]
            compared = self._matcher.prepare([self._enrolled[each] for each in near])
            scores = np.full(len(self._enrolled), -np.inf, np.float32)
            scores[near] = self._matcher.compare(probe, compared)
            return scores

        return look


def _start_searching(pair: Pair, enrolled: Sequence[Template]) -> None:
    global _gallery  # noqa: PLW0603 - as above
    cv2.setNumThreads(1)
    _gallery = _Gallery(pair()[1], enrolled)


def _search(scene: Scene, coming: tuple[Template, int | None]) -> Search:
    probe, person = coming
    look = (
        _gallery.everybody(probe)
        if scene.shortlist is None
        else _gallery.nearest(probe, scene.shortlist)
    )
    own, best = np.full((2, len(scene.sizes)), -np.inf, np.float32)
    others = np.empty(0, np.float32)
    for which, size in enumerate(scene.sizes):
        # Whoever comes again is enrolled in every gallery.
        whom = np.union1d(np.arange(size), [] if person is None else [person]).astype(np.intp)
        scores = look(whom)
        if person is not None:
            own[which] = scores[person]
        others = scores[whom[whom != person]]
        best[which] = others.max()
    return Search(person is not None, own, best, np.sort(others)[-TAIL:])


def main() -> int:
    parser = argparse.ArgumentParser(prog="evaluate.drawn", description="Searches drawn people.")
    for name, kind in (
        ("people", int),
        ("strangers", int),
        ("mates", int),
        ("frames", int),
        ("harsh", float),
    ):
        default = getattr(Scene(), name)
        parser.add_argument(f"--{name}", type=kind, default=default, help=f"{default:,}")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures there")
    parser.add_argument("--plot", type=Path, metavar="FILE", help="draw FNIR over FPIR there")
    parser.add_argument("--exact", action="store_true", help="compare everybody in full")
    parser.add_argument("--infrared", action="store_true", help="search in near infrared")
    asked = parser.parse_args()
    scene = Scene(
        asked.people, asked.strangers, asked.mates, asked.frames, asked.harsh, asked.infrared
    )
    scene = replace(scene, shortlist=None) if asked.exact else scene
    report = measure(scene, workers=os.cpu_count() or 1)
    print(report.text())  # noqa: T201 - this command's own voice
    if asked.json:
        asked.json.write_text(json.dumps(report.json(), indent=2) + "\n", encoding="utf-8")
    if asked.plot:
        from palm.evaluate.plot import det  # noqa: PLC0415 - only who plots needs matplotlib

        curves = {f"{each.size:,} people": each.curve.thinned() for each in report.identifications}
        det(curves, "drawn galleries", asked.plot, "FPIR", "FNIR")
    return 0


if __name__ == "__main__":
    sys.exit(main())
