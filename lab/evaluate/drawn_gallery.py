"""Measures open-set identification among drawn people, in the manner of ISO/IEC 19795-1.

`python -m lab.evaluate.drawn_gallery [--people N]` enrols generated people who were not used in
training. It searches for some of them (mated searches) and for people who are not enrolled
(non-mated searches). A search is made with one presentation, as in the kiosk: a burst of frames of
one hand under one light, in which the landmarks jitter. It returns the people whose score reaches a
threshold, highest score first:

- FPIR is the share of non-mated searches that return anybody;
- FNIR is the share of mated searches that do not return the right person first.

A person who is not found shows the palm again. Both rates are given for one presentation and for
such a transaction, which ends with the first presentation that returns anybody. What the service's
policy would have decided is given as well, by its thresholds for each size of the gallery
(`lab.evaluate.decisions`).

As in the service, the enrolled people with the nearest search codes are compared in full. With
`--exact` everybody is compared in full, which takes long and also gives one-to-one error rates.

There is no set of real palms of this size. docs/accuracy.md says how similar drawn palms are to
real ones, and so how far these rates hold.
"""

import argparse
import json
import os
import sys
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from functools import cached_property, partial
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from cloud.policy import ATTEMPTS
from cloud.settings import Recognition
from drawn.roi import Placement, jittered, show, swatch
from lab.evaluate import decisions
from lab.evaluate.algorithm import ExactMatcher
from lab.evaluate.collection import STILL
from lab.evaluate.decisions import OWN, Decided, Rules, Searched
from lab.evaluate.pairing import Indices
from lab.evaluate.processes import processes, progress
from lab.evaluate.report import Json, by_policy, named, rate, said
from palm.hand.landmarks import Side
from palm.hand.roi import Roi
from palm.rates import Curve, Estimate, share
from palm.search.protection import SECRET_BYTES, Transform
from palm.template import current
from palm.template.interfaces import Extractor, Template

FIRST = 900_000_000
"""The seed of the first person. Training does not use these seeds."""
SECRET = bytes(SECRET_BYTES)
"""The secret of the gallery. The rates do not depend on its value."""
FPIRS = (1e-2, 1e-3)
"""The false-positive identification rates at which FNIR is reported."""
FMRS = (1e-4, 1e-5, 1e-6, 1e-7)
TAIL = 64
"""The number of highest impostor scores that are kept of a search."""

Floats = npt.NDArray[np.float32]


class SearchedMatcher(ExactMatcher, Protocol):
    """A matcher whose gallery is first searched by search codes."""

    @property
    def version(self) -> int: ...

    def vectors(self, templates: Sequence[Template]) -> Floats: ...


Pair = Callable[[], tuple[Extractor, SearchedMatcher]]


@dataclass(frozen=True, slots=True)
class GalleryPlan:
    """Who is drawn, and how the right palms are presented."""

    people: int = 10_000
    """The number of people enrolled."""
    strangers: int = 4_000
    """The number of people who are not enrolled, with one search each."""
    mates: int = 2_000
    """The number of enrolled people who are searched for, once each."""
    frames: int = 3
    """The number of pictures that a person is enrolled from, and of frames in a presentation."""
    presentations: int = ATTEMPTS
    """The largest number of presentations in a transaction."""
    harsh: float = 0.25
    """The conditions of `drawn.roi.show`: 0 is always the same and gentle, 1 is any."""
    infrared: bool = False
    """Whether searches are made in near infrared; people are enrolled in colour."""
    both: bool = False
    """Whether people are enrolled in near infrared as well, by a template of its own. Of a person's
    two scores the higher one counts."""
    shortlist: int | None = Recognition().schemes[0].shortlist
    """The number of templates that a search compares in full, as a service without settings of its
    own does; None for all of them."""

    @property
    def sizes(self) -> list[int]:
        """The sizes of the galleries: everybody, and the first tenth and hundredth of them."""
        return [size for size in (self.people // 100, self.people // 10, self.people) if size > 1]

    @property
    def templates(self) -> int:
        """The number of templates of a person."""
        return 2 if self.both else 1


@dataclass(frozen=True, slots=True)
class DrawnPerson:
    """The templates of one person."""

    enrolled: list[Template]
    """In colour, and with `GalleryPlan.both` in near infrared."""
    probes: list[Template]
    """One template for each presentation; empty for a person who is not searched for."""


@dataclass(frozen=True, slots=True)
class SearchResult:
    """What a search of the galleries of all sizes found."""

    mated: bool
    own: Floats
    """(presentations, sizes) scores of the mate; -inf where none was compared."""
    best: Floats
    """(presentations, sizes) best scores of other people."""
    second: Floats
    """(presentations, sizes) second best scores of other people."""
    tail: Floats
    """(up to TAIL,) best scores of other people in the largest gallery, first presentation."""


@dataclass(frozen=True, slots=True)
class GalleryErrors:
    """The identification error rates in one gallery."""

    size: int
    presentations: int
    """The largest number of presentations in a transaction."""
    threshold: dict[float, float]
    """The lowest threshold that keeps an FPIR, by FPIR."""
    fnir: dict[float, Estimate]
    curve: Curve
    """The curve of FPIR (in the place of FMR) and FNIR (in the place of FNMR)."""


def identification(
    size: int, which: int, presentations: int, searches: Sequence[SearchResult]
) -> GalleryErrors:
    """Returns the error rates in the gallery whose size is number `which`.

    There has to be at least one mated and one non-mated search.
    """
    mated = np.array([each.mated for each in searches])
    own = np.array([each.own[:presentations, which] for each in searches])
    best = np.array([each.best[:presentations, which] for each in searches])
    scores = np.unique(np.maximum(own, best))[::-1]
    scores = scores[np.isfinite(scores)]
    returned, right = (np.zeros(len(scores)) for _ in range(2))
    found = np.zeros((len(scores), int(mated.sum())), np.bool_)
    for at, threshold in enumerate(scores):
        anybody = np.maximum(own, best) >= threshold
        # The first presentation that returns anybody ends the transaction.
        first = anybody.argmax(axis=1)
        there = np.arange(len(searches)), first
        returned[at] = anybody[~mated].any(axis=1).mean()
        # The right person behind somebody else counts as not found.
        found[at] = (anybody[there] & (own[there] > best[there]))[mated]
        right[at] = found[at].mean()
    curve = Curve(
        thresholds=np.append(np.inf, scores).astype(np.float64),
        fmr=np.append(0, returned),
        fnmr=np.append(1, 1 - right),
    )
    strangers = int((~mated).sum())
    threshold = {fpir: curve.threshold_at(fpir) for fpir in FPIRS if fpir * strangers >= 1}
    people = np.arange(found.shape[1])

    def missed(score: float) -> Estimate:
        at = np.flatnonzero(scores == score)
        return share(~found[at[0]] if len(at) else np.ones_like(found[0]), people)

    return GalleryErrors(
        size=size,
        presentations=presentations,
        threshold=threshold,
        fnir={fpir: missed(at) for fpir, at in threshold.items()},
        curve=curve,
    )


def verification(
    searches: Sequence[SearchResult], people: int
) -> dict[float, tuple[float, Estimate]]:
    """Returns the lowest threshold that keeps an FMR, and the FNMR there, by FMR.

    The searches have to compare everybody in full. FMR is that of the comparisons in non-mated
    searches, FNMR that of the genuine comparisons in mated ones. FMRs that need more comparisons
    than there are, or lower scores than were kept, are left out.
    """
    tails = np.array([each.tail for each in searches if not each.mated])
    own = np.array([each.own[0, -1] for each in searches if each.mated])
    # Below this score, some of the scores were not kept.
    whole = tails.min(axis=1).max() if people > tails.shape[1] else -np.inf
    falling = np.sort(tails, axis=None)[::-1]
    found: dict[float, tuple[float, Estimate]] = {}
    for fmr in FMRS:
        allowed = int(fmr * people * len(tails) * (1 + 1e-9))
        if 1 <= allowed < falling.size and falling[allowed] >= whole:
            threshold = float(np.nextafter(falling[allowed], np.float32(np.inf)))
            found[fmr] = threshold, share(own < threshold, np.arange(len(own)))
    return found


def decided(rules: Rules, which: int, searches: Sequence[SearchResult]) -> Decided:
    """Returns what the policy decides on the searches of the gallery whose size is number `which`.

    Each search is a visit of a person of its own.
    """
    visits = [
        Searched(
            person,
            search.mated,
            [
                dict(zip((OWN, "best", "second"), map(float, scores), strict=True))
                for scores in zip(
                    search.own[:, which],
                    search.best[:, which],
                    search.second[:, which],
                    strict=True,
                )
            ],
        )
        for person, search in enumerate(searches)
    ]
    return decisions.decided(rules, visits, rules.size)


@dataclass(frozen=True, slots=True)
class GalleryReport:
    """The error rates in drawn galleries."""

    plan: GalleryPlan
    version: int
    identifications: list[GalleryErrors]
    verification: dict[float, tuple[float, Estimate]]
    """The threshold and the FNMR, by FMR."""
    decisions: list[Decided]
    """What the policy decides, by size of the gallery; empty for a version that it does not
    know."""

    def json(self) -> Json:
        return {
            **asdict(self.plan),
            "template_version": self.version,
            "impostor": self.plan.people * self.plan.strangers,
            "decisions": [each.json() for each in self.decisions],
            "galleries": [
                {
                    "people": each.size,
                    "presentations": each.presentations,
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
        plan = self.plan
        lines = [
            f"{plan.people:,} drawn people enrolled from {plan.frames} pictures each"
            f"{', and as many in near infrared' if plan.both else ''}, "
            f"{plan.mates:,} mated and {plan.strangers:,} non-mated searches by as many frames"
            f"{' in near infrared' if plan.infrared else ''}, harshness "
            f"{plan.harsh}, template version {self.version}"
        ]
        for one in self.decisions:
            lines += by_policy(one)
        for each in self.identifications:
            for fpir, fnir in each.fnir.items():
                lines.append(
                    f"{each.size:>9,} people, {each.presentations} presentations: "
                    f"FNIR {said(fnir)} at FPIR {named(fpir)}, score {each.threshold[fpir]:.3f}"
                )
        lines += [
            f"1:1, {plan.people * plan.strangers:,} impostor comparisons: FNMR {said(fnmr)} "
            f"at FMR {named(fmr)}, score {at:.3f}"
            for fmr, (at, fnmr) in self.verification.items()
        ]
        return "\n".join(lines)


def measure(plan: GalleryPlan, pair: Pair = current.pair, workers: int = 1) -> GalleryReport:
    """Draws all people, enrols and searches."""
    step = max(plan.people // plan.mates, 1)
    back = range(0, min(step * plan.mates, plan.people), step)
    everybody = range(plan.people + plan.strangers)
    with processes(workers, _start_drawing, pair) as pool:
        comes = [person in back or person >= plan.people for person in everybody]
        tried = pool.map(partial(_draw, plan), everybody, comes, chunksize=16)
        drawn = list(progress("drawing", tried, len(everybody)))
    enrolled = [template for each in drawn[: plan.people] for template in each.enrolled]
    coming = [(drawn[person].probes, person) for person in back]
    coming += [(each.probes, None) for each in drawn[plan.people :]]
    with processes(workers, _start_searching, pair, enrolled, plan.templates) as pool:
        tried = pool.map(partial(_search, plan), coming, chunksize=8)
        searches = list(progress("searching", tried, len(coming)))
    version, policy = enrolled[0].version, decisions.policy()
    return GalleryReport(
        plan=plan,
        version=version,
        identifications=[
            identification(size, which, presentations, searches)
            for which, size in enumerate(plan.sizes)
            for presentations in range(1, plan.presentations + 1)
        ],
        verification=verification(searches, plan.people) if plan.shortlist is None else {},
        decisions=[
            decided(Rules(policy, version, plan.templates * size), which, searches)
            for which, size in enumerate(plan.sizes)
        ]
        if version in policy.calibrations
        else [],
    )


_extractor: Extractor
_gallery: "_Gallery"
"""The extractor or the gallery of this worker process."""


def _start_drawing(pair: Pair) -> None:
    global _extractor
    _extractor, _ = pair()


def _draw(plan: GalleryPlan, person: int, comes: bool) -> DrawnPerson:
    skin = swatch(FIRST + person, Side.RIGHT)
    rng = np.random.default_rng((FIRST + person, 99))

    def picture(of: np.random.Generator, crop: Placement, infrared: bool) -> Roi:
        return Roi(show(skin, of, crop, infrared, plan.harsh), Side.RIGHT, 1.0)

    def presentation() -> Template:
        held = jittered(Placement(), rng)
        moment = int(rng.integers(2**63))
        # All frames have the light, the bend and the noise of one moment: only the landmarks
        # differ, so that a burst is not better than it is in the kiosk.
        frames = [
            picture(np.random.default_rng(moment), jittered(held, rng, STILL), plan.infrared)
            for _ in range(plan.frames)
        ]
        return _extractor.extract(frames)

    def enrolled(infrared: bool) -> Template:
        palms = [picture(rng, jittered(Placement(), rng), infrared) for _ in range(plan.frames)]
        return _extractor.extract(palms)

    in_colour = enrolled(False)
    # Drawn before what `both` adds, so that the same palms are shown with it and without.
    probes = [presentation() for _ in range(plan.presentations)] if comes else []
    return DrawnPerson([in_colour, enrolled(True)] if plan.both else [in_colour], probes)


Look = Callable[[Indices], Floats]
"""Takes the people to search among, and returns (people,) scores: -inf where not compared."""


class _Gallery:
    """The templates and search codes of all enrolled people."""

    def __init__(
        self, matcher: SearchedMatcher, enrolled: Sequence[Template], templates: int
    ) -> None:
        """`enrolled` holds so many `templates` of each person, one person after the other."""
        self._matcher = matcher
        self._enrolled = enrolled
        self._each = templates
        vectors = matcher.vectors(enrolled)
        self._transform = Transform(SECRET, matcher.version, vectors.shape[1])
        self._codes = self._transform.search_codes(vectors)

    @cached_property
    def _prepared(self) -> Any:
        return self._matcher.prepare(self._enrolled)

    def everybody(self, probe: Template) -> Look:
        scores = self._by_person(self._matcher.compare(probe, self._prepared))
        return lambda whom: scores

    def nearest(self, probe: Template, shortlist: int) -> Look:
        code = self._transform.search_codes(self._matcher.vectors([probe]))
        bits = np.bitwise_count(self._codes ^ code).sum(axis=1, dtype=np.int32)

        def look(whom: Indices) -> Floats:
            rows = (whom[:, None] * self._each + np.arange(self._each)).ravel()
            near = rows[np.argsort(bits[rows], kind="stable")[:shortlist]]
            compared = self._matcher.prepare([self._enrolled[each] for each in near])
            scores = np.full(len(self._enrolled), -np.inf, np.float32)
            scores[near] = self._matcher.compare(probe, compared)
            return self._by_person(scores)

        return look

    def _by_person(self, scores: Floats) -> Floats:
        return scores.reshape(-1, self._each).max(axis=1)


def _start_searching(pair: Pair, enrolled: Sequence[Template], templates: int) -> None:
    global _gallery  # noqa: PLW0603 - a worker process keeps what it needs here
    _gallery = _Gallery(pair()[1], enrolled, templates)


def _search(plan: GalleryPlan, coming: tuple[list[Template], int | None]) -> SearchResult:
    probes, person = coming
    own, best, second = np.full((3, len(probes), len(plan.sizes)), -np.inf, np.float32)
    tails: list[Floats] = []
    for shown, probe in enumerate(probes):
        look = (
            _gallery.everybody(probe)
            if plan.shortlist is None
            else _gallery.nearest(probe, plan.shortlist)
        )
        others = np.empty(0, np.float32)
        for which, size in enumerate(plan.sizes):
            # The person who is searched for is enrolled in every gallery.
            whom = np.union1d(np.arange(size), [] if person is None else [person]).astype(np.intp)
            scores = look(whom)
            if person is not None:
                own[shown, which] = scores[person]
            others = scores[whom[whom != person]]
            highest = np.sort(others)[::-1][:2]
            best[shown, which], second[shown, which] = np.pad(
                highest, (0, 2 - len(highest)), constant_values=-np.inf
            )
        tails.append(np.sort(others)[-TAIL:])
    return SearchResult(person is not None, own, best, second, tails[0])


def main() -> int:
    parser = argparse.ArgumentParser(
        prog="drawn_gallery", description="Measures identification among drawn people."
    )
    for name, kind, says in (
        ("people", int, "people enrolled"),
        ("strangers", int, "people who are searched for and not enrolled"),
        ("mates", int, "enrolled people who are searched for"),
        ("frames", int, "pictures to enrol from, and frames in a presentation"),
        ("presentations", int, "presentations in a transaction, at most"),
        ("harsh", float, "conditions, 0 (gentle) to 1 (any)"),
    ):
        default = getattr(GalleryPlan(), name)
        parser.add_argument(f"--{name}", type=kind, default=default, help=f"{says} ({default:,})")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures to this file")
    parser.add_argument(
        "--plot", type=Path, metavar="FILE", help="draw FNIR over FPIR to this file"
    )
    parser.add_argument(
        "--exact", action="store_true", help="compare everybody in full (takes long)"
    )
    parser.add_argument("--infrared", action="store_true", help="search in near infrared")
    parser.add_argument("--both", action="store_true", help="enrol in near infrared as well")
    parser.add_argument(
        "--workers", type=int, metavar="N", default=os.cpu_count() or 1, help="as in lab.evaluate"
    )
    asked = parser.parse_args()
    plan = GalleryPlan(
        people=asked.people,
        strangers=asked.strangers,
        mates=asked.mates,
        frames=asked.frames,
        presentations=asked.presentations,
        harsh=asked.harsh,
        infrared=asked.infrared,
        both=asked.both,
        shortlist=None if asked.exact else GalleryPlan().shortlist,
    )
    report = measure(plan, workers=asked.workers)
    print(report.text())  # noqa: T201 - the output of this command
    if asked.json:
        asked.json.write_text(json.dumps(report.json(), indent=2) + "\n", encoding="utf-8")
    if asked.plot:
        from lab.evaluate.plot import det  # noqa: PLC0415 - matplotlib is needed for plots only

        curves = {
            f"{each.size:,} people": each.curve.thinned()
            for each in report.identifications
            if each.presentations == 1
        }
        det(curves, "drawn galleries", asked.plot, "FPIR", "FNIR")
    return 0


if __name__ == "__main__":
    sys.exit(main())
