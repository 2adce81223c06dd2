"""Measures how often a recording of a living palm passes under a random light challenge.

`python -m lab.replays [--people N] [--challenges N] [--json FILE]`

A kiosk that was taken over has recordings of a palm under earlier challenges. It commits to their
pictures in white, is given a challenge, and has to answer at once with pictures that it has. It may
send one recording as it is. Or it may choose, for each step, the recorded picture whose light is
nearest to that of the step, from one recording or from several. All recordings of a person are
taken in one sitting, which is the best case for the attacker: the hand and the room's light are the
same.

The rate of passing is reported with its interval, bootstrapped over people (`palm.rates`),
as the bits of a guess that succeeds as often, and as the chance to pass once in the tries that the
service allows a device.
"""

import argparse
import json
import os
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path

import numpy as np

from drawn.burst import challenge, film
from drawn.circumstances import USUAL
from drawn.identity import identity
from drawn.lit import LAMPS, WHITE, living
from lab.evaluate.processes import processes
from palm.hand.landmarks import Side
from palm.liveness import Light, LitFrame, Unjudgeable, judge
from palm.rates import Estimate, share
from protocol.challenge import STEPS

FIRST = 43_000
"""The seed of the first person; neither `lab.liveness` nor `lab.attacks` uses these people."""
PEOPLE = 20
CHALLENGES = 200
TRIES = 20
"""The challenges that a device may fail in ten minutes (`cloud.policy.Limits`)."""

AS_IT_IS = "one recording as it is"
CHOSEN = {1: "chosen from one recording", 4: "chosen from 4", 16: "chosen from 16"}
"""What is chosen from, by the number of recordings."""


@dataclass(frozen=True, slots=True)
class Tried:
    """Whether each challenge was passed, by what was sent."""

    seed: int
    passed: dict[str, list[bool]]


@dataclass(frozen=True, slots=True)
class ReplayRate:
    """How often one kind of replay passes."""

    name: str
    tries: int
    passed: int
    estimate: Estimate

    @property
    def bits(self) -> float:
        """The bits of a guess that succeeds as often; infinite when none did."""
        return float(-np.log2(self.estimate.rate)) if self.passed else float("inf")

    def text(self) -> str:
        low, high = self.estimate.ci95.low, self.estimate.ci95.high
        once = 1 - (1 - self.estimate.rate) ** TRIES
        return (
            f"{self.name:<28}{self.passed:>6} of {self.tries:<7}"
            f"{100 * self.estimate.rate:6.2f} % [{100 * low:.2f}, {100 * high:.2f}]"
            f"{self.bits:6.1f} bits, {100 * once:5.1f} % in {TRIES} tries"
        )


@dataclass(frozen=True, slots=True)
class Recordings:
    """Recordings of one palm under several challenges, in one sitting."""

    white: list[LitFrame]
    lit: list[LitFrame]
    """The pictures under the steps of one challenge after another."""

    @classmethod
    def of(cls, seed: int, number: int) -> "Recordings":
        """Films a person's living palm under this number of random challenges."""
        rng = np.random.default_rng((seed, 5))
        palm = identity(seed, list(Side)[seed % 2])
        shot = USUAL.shot(rng)
        hand = living(palm, shot.shown, wet=float(rng.uniform() ** 2)).palm_alone()
        lights = [light for _ in range(number) for light in challenge(rng)]
        filmed = film(palm, hand, shot, [WHITE, WHITE, WHITE, *lights], rng).lit
        return cls(filmed[:3], filmed[3:])

    def sent_as_it_is(self, asked: Sequence[Light]) -> list[LitFrame]:
        """Returns the first recording, as the answer to these steps."""
        return self._claimed(self.lit[:STEPS], asked)

    def sent_chosen(self, asked: Sequence[Light], recordings: int) -> list[LitFrame]:
        """Returns, for each of these steps, the picture of the first recordings whose light is
        nearest."""
        among = self.lit[: STEPS * recordings]
        nearest = [
            min(among, key=lambda frame: float(np.square(frame.light - light).sum()))
            for light in asked
        ]
        return self._claimed(nearest, asked)

    def _claimed(self, frames: Sequence[LitFrame], asked: Sequence[Light]) -> list[LitFrame]:
        claimed = [
            LitFrame(frame.image, frame.hand, light)
            for frame, light in zip(frames, asked, strict=True)
        ]
        return [*self.white, *claimed]


def tried(seed: int, challenges: int) -> Tried:
    """Answers this number of random challenges with recordings of one person."""
    recordings = Recordings.of(seed, max(CHOSEN))
    rng = np.random.default_rng((seed, 6))
    passed: dict[str, list[bool]] = {name: [] for name in (AS_IT_IS, *CHOSEN.values())}
    for _ in range(challenges):
        asked = challenge(rng)
        passed[AS_IT_IS].append(_passes(recordings.sent_as_it_is(asked)))
        for number, name in CHOSEN.items():
            passed[name].append(_passes(recordings.sent_chosen(asked, number)))
    return Tried(seed, passed)


def _passes(frames: Sequence[LitFrame]) -> bool:
    try:
        return judge(frames, LAMPS).live
    except Unjudgeable:
        return False


def rates(found: Sequence[Tried]) -> list[ReplayRate]:
    """Returns the rate of each kind of replay over all people."""
    return [_rate(name, found) for name in found[0].passed]


def _rate(name: str, found: Sequence[Tried]) -> ReplayRate:
    events = np.array([each for one in found for each in one.passed[name]])
    people = np.array([one.seed for one in found for _ in one.passed[name]])
    return ReplayRate(name, len(events), int(events.sum()), share(events, people))


def main() -> int:
    parser = argparse.ArgumentParser(
        prog="replays",
        description="Measures how often a recording passes under a random light challenge.",
    )
    parser.add_argument(
        "--people", type=int, default=PEOPLE, metavar="N", help="drawn people (%(default)s)"
    )
    parser.add_argument(
        "--challenges",
        type=int,
        default=CHALLENGES,
        metavar="N",
        help="challenges for each person (%(default)s)",
    )
    parser.add_argument(
        "--workers", type=int, default=os.cpu_count() or 1, metavar="N", help="processes"
    )
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures to this file")
    asked = parser.parse_args()
    seeds = range(FIRST, FIRST + asked.people)
    with processes(asked.workers) as pool:
        found = list(pool.map(partial(tried, challenges=asked.challenges), seeds))
    measured = rates(found)
    print("\n".join(rate.text() for rate in measured))  # noqa: T201 - the output of this command
    if asked.json:
        figures = [asdict(rate) for rate in measured]
        asked.json.write_text(json.dumps(figures, indent=2) + "\n", encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
