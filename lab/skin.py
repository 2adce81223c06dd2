"""Measures what the product makes of hands whose skin is dry, wet, warm, cold or dirty.

`python -m lab.skin [--people N] [--states dry,wet] [--json FILE]` enrols drawn people as they
usually are, and has each show the same palm again in every state of `drawn.state`, in another pose
and another light, to the vault's own examiner. Of each state it tells

- FTA, the failure to acquire: the kiosk would not take its pictures, or the vault reads no palm;
- missed: FNMR of the palms that were acquired, at the policy's score for 1:1 and for 1:N among
  10,000 people;
- BPCER: the share of the acquired that is not judged alive, by the light of the ring alone, and
  with near infrared;
- the highest score of a palm against those of other people, and the mean quality.

Rates are over people and have 95 % intervals, bootstrapped over them (`palm.rates`). The hands are
drawn, and so are their states: docs/skin.md says what follows from that.
"""

import argparse
import json
import os
import sys
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path

import cv2
import numpy as np

from cloud.policy import Policy
from cloud.vault.examiner import Unusable
from cloud.vault.palms import PalmExaminer
from drawn.burst import Film, film, played
from drawn.circumstances import USUAL, living_hand
from drawn.identity import identity
from drawn.lit import WHITE, light_of
from drawn.state import State
from kiosk.capture.guidance import advise
from lab.evaluate.processes import processes, progress
from palm.calibration import CALIBRATIONS
from palm.hand.find import HandFinder
from palm.hand.landmarks import Side
from palm.hand.observe import observe
from palm.image import Colour
from palm.rates import Estimate, share
from palm.template import current
from palm.template.interfaces import Template
from protocol.capture import Burst, Frame, Spectrum
from protocol.challenge import SEED_BYTES, steps
from protocol.ring import Levels

FIRST = 48_000
"""The seed of the first person. Nothing is fitted to these people, and no other measurement uses
them."""
PEOPLE = 40
AS_USUAL = "as usual"
ENROLLED = 10_000
INTERVAL_MS = 66
"""The time between two frames (`drawn.burst`)."""
WHITES = 3
"""The pictures in white light before the challenge, as many as the kiosk takes."""
QUALITY = 98
"""The JPEG quality of pictures that have been compressed as the kiosk does once already."""


@dataclass(frozen=True, slots=True)
class Judged:
    """What was made of one presentation."""

    seed: int
    state: str
    flaw: str | None = None
    """Why no palm was acquired; None when one was."""
    template: Template | None = None
    quality: float = 0.0
    live_by_light: bool = False
    live_by_both: bool = False


@dataclass(frozen=True, slots=True)
class Rates:
    """The rates of one state; None where no palm was acquired."""

    state: str
    people: int
    failures: Estimate | None
    missed_1_1: Estimate | None
    missed_1_n: Estimate | None
    not_live_by_light: Estimate | None
    not_live_by_both: Estimate | None
    lowest: float
    """The lowest score of a palm against its own."""
    highest: float
    """The highest score of a palm against those of others."""
    quality: float
    flaws: dict[str, int]

    def text(self) -> str:
        told = "".join(
            _said(each)
            for each in (
                self.failures,
                self.missed_1_1,
                self.missed_1_n,
                self.not_live_by_light,
                self.not_live_by_both,
            )
        )
        flaws = ", ".join(f"{count} {flaw}" for flaw, count in self.flaws.items())
        return (
            f"{self.state:<10}{self.people:>4}{told}{self.lowest:8.1f}{self.highest:8.1f}"
            f"{self.quality:6.2f}  {flaws}"
        ).rstrip()


HEAD = (
    f"{'state':<10}{'n':>4}{'FTA %':>21}{'missed 1:1 %':>21}{'missed 1:N %':>21}"
    f"{'BPCER light %':>21}{'BPCER both %':>21}{'lowest':>8}{'others':>8}{'qual':>6}"
)


def _said(estimate: Estimate | None) -> str:
    if estimate is None:
        return f"{'none':>21}"
    low, high = estimate.ci95.low, estimate.ci95.high
    return f"{100 * estimate.rate:7.1f} [{100 * low:4.1f}, {100 * high:5.1f}]"


def rates(enrolled: dict[int, Template], judged: Sequence[Judged], state: str) -> Rates:
    """Returns the rates of one state, of people by their seeds."""
    _, matcher = current.pair()
    policy = Policy(CALIBRATIONS)
    shown = [each for each in judged if each.state == state and each.seed in enrolled]
    acquired = [each for each in shown if each.template is not None]
    own: list[float] = []
    others: list[float] = []
    gallery = matcher.prepare(list(enrolled.values()))
    for each in acquired:
        assert each.template
        scores = dict(zip(enrolled, matcher.compare(each.template, gallery).tolist(), strict=True))
        own.append(scores.pop(each.seed))
        others += scores.values()

    def rate(events: Iterable[bool], of: Sequence[Judged]) -> Estimate | None:
        return share(np.array(list(events)), np.array([e.seed for e in of])) if of else None

    def missed(rarity: float) -> Estimate | None:
        least = policy.score(matcher.version, rarity)
        return rate((score < least for score in own), acquired)

    return Rates(
        state,
        len(shown),
        rate((each.template is None for each in shown), shown),
        missed(policy.verify()),
        missed(policy.accept(ENROLLED)),
        rate((not each.live_by_light for each in acquired), acquired),
        rate((not each.live_by_both for each in acquired), acquired),
        lowest=min(own, default=float("nan")),
        highest=max(others, default=float("nan")),
        quality=float(np.mean([each.quality for each in acquired])) if acquired else 0.0,
        flaws=dict(Counter(each.flaw for each in shown if each.flaw is not None)),
    )


@dataclass(frozen=True, slots=True)
class Shown:
    """One presentation as a kiosk sends it."""

    frames: list[Frame]
    steps: tuple[Levels, ...]

    @classmethod
    def by(cls, seed: int, state: State | None, showing: int) -> "Shown":
        """Has a person show their palm."""
        rng = np.random.default_rng((seed, 9, showing))
        palm = identity(seed, list(Side)[seed % 2], state)
        shot = USUAL.shot(rng)
        hand = living_hand(palm, shot, rng)
        drawn = steps(rng.bytes(SEED_BYTES))
        lights = [WHITE] * (WHITES - 2) + played([light_of(step) for step in drawn])
        return cls(_frames(film(palm, hand, shot, lights, rng), len(drawn)), drawn)

    @property
    def white(self) -> list[Frame]:
        return [f for f in self.frames if f.light is None and f.spectrum is Spectrum.COLOUR]

    def burst(self, *, infrared: bool) -> Burst:
        kept = [f for f in self.frames if infrared or f.spectrum is Spectrum.COLOUR]
        return Burst(kept, "drawn")


def _frames(seen: Film, steps_shown: int) -> list[Frame]:
    """Returns the frames of a film, without the one in white after the challenge, which the kiosk
    does not send."""
    lit = seen.lit[:-1]
    frames = [
        Frame(
            INTERVAL_MS * number, _jpeg(frame.image), number - WHITES if number >= WHITES else None
        )
        for number, frame in enumerate(lit)
    ]
    # They are taken with the third frame and with the last step (`drawn.burst.film`).
    moments = (2 * INTERVAL_MS, (WHITES + steps_shown - 1) * INTERVAL_MS)
    frames += [
        Frame(at_ms, _jpeg(still.image), None, Spectrum.INFRARED)
        for at_ms, still in zip(moments, seen.infrared, strict=True)
    ]
    return sorted(frames, key=lambda frame: frame.at_ms)


def _jpeg(image: Colour) -> bytearray:
    return bytearray(cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, QUALITY])[1].tobytes())


class _Chain:
    """The kiosk's guidance and the vault's examiner."""

    def __init__(self) -> None:
        self._finder = HandFinder()
        self._examiner = PalmExaminer()
        self._extractor, _ = current.pair()

    def judged(self, seed: int, state: str, shown: Shown) -> Judged:
        self._finder.forget()
        if not all(self._would_take(frame) for frame in shown.white):
            return Judged(seed, state, "not held still, sharp and well lit for the kiosk")
        try:
            found = self._examiner.examine(Burst(shown.white), ())
        except Unusable as unusable:
            return Judged(seed, state, unusable.flaw.value)
        return Judged(
            seed,
            state,
            template=self._extractor.extract(found.palms),
            quality=float(np.mean([palm.quality for palm in found.palms])),
            live_by_light=self._is_live(shown, infrared=False),
            live_by_both=self._is_live(shown, infrared=True),
        )

    def _would_take(self, frame: Frame) -> bool:
        """Returns whether the kiosk's guidance finds nothing wrong with a frame."""
        image = np.asarray(cv2.imdecode(np.frombuffer(frame.jpeg, np.uint8), cv2.IMREAD_COLOR))
        seen = observe(image, self._finder.follow(image), frame.at_ms / 1000, None)
        return advise(seen, None, None, image.shape[:2]).fit_to_keep

    def _is_live(self, shown: Shown, *, infrared: bool) -> bool:
        try:
            self._examiner.examine(shown.burst(infrared=infrared), shown.steps)
        except Unusable:
            return False
        return True


_chain: _Chain


def _start() -> None:
    global _chain  # noqa: PLW0603 - a worker process keeps what it needs here
    _chain = _Chain()


def person(seed: int, states: Sequence[str]) -> tuple[Judged, list[Judged]]:
    """Returns what was made of a person's palm at enrolment, as it usually is, and in each
    state."""
    enrolled = _chain.judged(seed, AS_USUAL, Shown.by(seed, None, 0))
    probes = [
        _chain.judged(seed, state, Shown.by(seed, None if state == AS_USUAL else State(state), 1))
        for state in states
    ]
    return enrolled, probes


def measure(people: int, states: Sequence[str], workers: int = 1) -> list[Rates]:
    """Enrols so many people, those left out whose palm cannot be acquired as it usually is, and
    has them show it in each state. All states are shown in the same pose and light."""
    seeds = range(FIRST, FIRST + people)
    with processes(workers, _start) as pool:
        found = list(progress("people", pool.map(partial(person, states=states), seeds), people))
    enrolled = {one.seed: one.template for one, _ in found if one.template is not None}
    judged = [each for _, probes in found for each in probes]
    return [rates(enrolled, judged, state) for state in states]


def main() -> int:
    parser = argparse.ArgumentParser(
        prog="skin", description="Measures hands whose skin is dry, wet, warm, cold or dirty."
    )
    parser.add_argument(
        "--people", type=int, default=PEOPLE, metavar="N", help="drawn people (%(default)s)"
    )
    parser.add_argument(
        "--states",
        default=",".join([AS_USUAL, *State]),
        help="names with commas between them (%(default)s)",
    )
    parser.add_argument(
        "--workers", type=int, metavar="N", default=os.cpu_count() or 1, help="processes"
    )
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures to this file")
    asked = parser.parse_args()
    measured = measure(asked.people, asked.states.split(","), asked.workers)
    print("\n".join([HEAD, *(each.text() for each in measured)]))  # noqa: T201 - the output
    if asked.json:
        figures = [asdict(each) for each in measured]
        asked.json.write_text(json.dumps(figures, indent=2) + "\n", encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
