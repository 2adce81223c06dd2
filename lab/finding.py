"""Measures how often the hand in a picture is found, told palm from back, and given its side.

`python -m lab.finding [--people N] [--drawn N] [--workers N] [--json FILE]`

Every picture of a whole hand is put into situations that make it harder: its fingertips lie outside
the picture, the palm fills it, it has no colour, is blurred, turned or mirrored. The place of the
hand in the whole picture is read once, in colour, and moves along. A palm counts as acquired when
it is found where it is and as a palm; its side is reported by itself, because a gallery can be
searched on both sides. A back counts as passed when it is taken for a palm.

The real hands are `hands-rgb` and `hands-rgb-dark` (docs/palm-sets.md); the drawn ones are seen in
near infrared. Intervals are bootstrapped over hands (`palm.rates`).
"""

import argparse
import json
import os
import sys
from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict, dataclass, replace
from functools import partial
from itertools import islice, product
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt

from drawn.circumstances import USUAL
from drawn.identity import identity
from drawn.lit import Room, in_infrared, living, seen_from_beside
from drawn.presentation import show
from lab.evaluate.processes import processes
from lab.sets import PALM_SETS
from palm.hand.align import standard_pose
from palm.hand.find import HandFinder
from palm.hand.landmarks import KNUCKLES, Hand, Landmark, Shown, Side
from palm.image import Colour
from palm.rates import Estimate, share

FIRST = 45_000
"""The seed of the first drawn person; no other measurement uses these people."""
PEOPLE = 200
"""The most real hands of a set."""
DRAWN = 20
FRAME = (720, 1280)

MISPLACED = 0.25
"""The distance, in palm lengths, between where a corner of the ROI is found and where it is, from
which on the hand counts as misplaced. The matcher corrects less (`palm.template.linefield`)."""

BLUR = 0.012
"""The deviation of the blur in palm lengths: about three pixels of a palm at its usual distance."""

_PALM = [Landmark.WRIST, Landmark.THUMB_CMC, *KNUCKLES]
_MIDDLES = [
    (Landmark.INDEX_PIP, Landmark.INDEX_DIP),
    (Landmark.MIDDLE_PIP, Landmark.MIDDLE_DIP),
    (Landmark.RING_PIP, Landmark.RING_DIP),
    (Landmark.LITTLE_PIP, Landmark.LITTLE_DIP),
]
_FIRSTS = list(zip(KNUCKLES, [one for one, _ in _MIDDLES], strict=True))


@dataclass(frozen=True, slots=True)
class Shot:
    """A picture and the truth about the hand in it."""

    image: Colour
    hand: Hand

    @property
    def is_palm(self) -> bool:
        return self.hand.shown is Shown.PALM

    def moved(self, by: npt.NDArray[np.float64], size: tuple[int, int]) -> "Shot":
        """Returns the shot under a (2, 3) affine map, cut to a size (width, height). Beyond the
        picture its edge is continued."""
        by = by.astype(np.float64)
        image = cv2.warpAffine(self.image, by, size, borderMode=cv2.BORDER_REPLICATE)
        landmarks = (self.hand.landmarks @ by[:, :2].T + by[:, 2]).astype(np.float32)
        return Shot(np.asarray(image, np.uint8), replace(self.hand, landmarks=landmarks))

    def cut(self, left: float, top: float, right: float, bottom: float) -> "Shot":
        """Returns a part of the picture; what would lie beyond it is left out."""
        height, width = self.image.shape[:2]
        left, right = np.clip((left, right), 0, width).astype(int)
        top, bottom = np.clip((top, bottom), 0, height).astype(int)
        by = np.array([[1, 0, -left], [0, 1, -top]], np.float64)
        return self.moved(by, (int(right - left), int(bottom - top)))


Situation = Callable[[Shot], Shot]


def upright(shot: Shot) -> Shot:
    """Turns the picture by right angles until the fingers point up."""
    right, down = shot.hand.landmarks[Landmark.MIDDLE_MCP] - shot.hand.landmarks[Landmark.WRIST]
    if abs(right) > abs(down):
        return turned(shot, 1 if right < 0 else 3)
    return turned(shot, 2) if down > 0 else shot


def turned(shot: Shot, quarters: int) -> Shot:
    """Turns the picture clockwise by quarters."""
    for _ in range(quarters):
        height, width = shot.image.shape[:2]
        shot = shot.moved(np.array([[0, -1, height - 1], [1, 0, 0]], np.float64), (height, width))
    return shot


def mirrored(shot: Shot) -> Shot:
    height, width = shot.image.shape[:2]
    shot = shot.moved(np.array([[-1, 0, width - 1], [0, 1, 0]], np.float64), (width, height))
    other = Side.LEFT if shot.hand.side is Side.RIGHT else Side.RIGHT
    return replace(shot, hand=replace(shot.hand, side=other))


def cut_at(shot: Shot, bones: list[tuple[Landmark, Landmark]]) -> Shot:
    """Cuts the fingers off where the middles of these bones are, on average."""
    height, width = shot.image.shape[:2]
    top = float(shot.hand.landmarks[np.array(bones)][..., 1].mean())
    return shot.cut(0, top, width, height)


def filled(shot: Shot, reach: float) -> Shot:
    """Leaves the palm's landmarks and what lies within `reach` of them, in palm lengths."""
    palm = shot.hand.landmarks[_PALM]
    reach *= shot.hand.palm_length
    return shot.cut(*(palm.min(axis=0) - reach), *(palm.max(axis=0) + reach))


def grey(shot: Shot) -> Shot:
    flat = cv2.cvtColor(shot.image, cv2.COLOR_BGR2GRAY)
    return replace(shot, image=np.asarray(cv2.cvtColor(flat, cv2.COLOR_GRAY2BGR), np.uint8))


def blurred(shot: Shot) -> Shot:
    sigma = BLUR * shot.hand.palm_length
    return replace(shot, image=np.asarray(cv2.GaussianBlur(shot.image, (0, 0), sigma), np.uint8))


def red(shot: Shot) -> Shot:
    """Leaves the red channel, in which lines are as faint as in near infrared, on a dark ground."""
    level = shot.image[..., 2]
    return replace(shot, image=np.repeat(level[..., None], 3, axis=2))


def faint(shot: Shot) -> Shot:
    """Takes the colour and three quarters of the contrast away, as haze on the lens does."""
    flat = grey(shot).image.astype(np.float32)
    return replace(shot, image=(60 + 0.25 * flat).astype(np.uint8))


def as_it_is(shot: Shot) -> Shot:
    return shot


PARTS: dict[str, Situation] = {
    "whole hand": as_it_is,
    "cut at the middle phalanges": partial(cut_at, bones=_MIDDLES),
    "cut at the first phalanges": partial(cut_at, bones=_FIRSTS),
    "the palm fills the picture": partial(filled, reach=0.25),
    "the palm alone": partial(filled, reach=0.1),
}
"""What is left of the upright picture."""

CHANGES: dict[str, Situation] = {
    "in colour": as_it_is,
    "grey": grey,
    "red alone": red,
    "faint": faint,
    "blurred": blurred,
    "mirrored": mirrored,
    "turned by 90": partial(turned, quarters=1),
    "grey, turned by 180": lambda shot: turned(grey(shot), 2),
}
"""What is then done to it."""

ALL = "all of these"


@dataclass(frozen=True, slots=True)
class Outcome:
    """What was found of one hand in one situation."""

    of: str
    """The set of hands."""
    hand: str
    situation: tuple[str, str]
    """A part and a change."""
    found: bool
    """Whether exactly one hand was found, where it is."""
    shown: Shown | None = None
    right_side: bool = False


def outcome(finder: HandFinder, shot: Shot) -> tuple[bool, Shown | None, bool]:
    """Returns what `Outcome` has of the hand in a picture."""
    hands = finder.find(shot.image)
    if not hands:
        return False, None, False
    best = max(hands, key=lambda hand: hand.presence)
    there = len(hands) == 1 and _apart(best, shot.hand) < MISPLACED
    return there, best.shown, best.side is shot.hand.side


def _apart(one: Hand, other: Hand) -> float:
    """Returns the largest distance between the corners of both ROIs, in palm lengths of the
    other."""
    corners = np.array([[0, 0, 1], [1, 0, 1], [0, 1, 1], [1, 1, 1]]).T
    # The side mirrors the ROI, and is judged by itself.
    here, there = (standard_pose(replace(each, side=other.side))[0] for each in (one, other))
    return float(np.hypot(*((here - there) @ corners)).max()) / other.palm_length


@dataclass(frozen=True, slots=True)
class Rates:
    """The rates of one situation, over the palms and over the backs of a set."""

    of: str
    situation: tuple[str, str]
    palms: int
    unfound: float
    refused: float
    """The share of palms that is found and taken for a back or a fist."""
    failures: Estimate | None
    """The failure to acquire: either of the two."""
    wrong_side: Estimate | None
    """Among the palms that are acquired."""
    backs: int
    passed: Estimate | None
    """The share of backs that is taken for a palm."""

    def text(self) -> str:
        def told(estimate: Estimate | None) -> str:
            if estimate is None:
                return f"{'none':>20}"
            low, high = estimate.ci95.low, estimate.ci95.high
            return f"{100 * estimate.rate:6.1f} [{100 * low:4.1f}, {100 * high:5.1f}]"

        part, change = self.situation
        return (
            f"{self.of:<16}{part:<28}{change:<20}{self.palms:>5}{100 * self.unfound:7.1f}"
            f"{100 * self.refused:7.1f} {told(self.failures)} {told(self.wrong_side)}"
            f"{self.backs:>5} {told(self.passed)}"
        )


HEAD = (
    f"{'set':<16}{'situation':<48}{'palms':>5}{'lost':>7}{'as back':>8}{'FTA %':>19}"
    f"{'wrong side %':>21}{'backs':>6}{'taken for palms %':>21}"
)


def rates(outcomes: Iterable[tuple[Outcome, bool]]) -> list[Rates]:
    """Returns the rates by set and situation, of outcomes and whether each hand shows its palm; for
    each part also those of all changes together."""
    groups: dict[tuple[str, tuple[str, str]], list[tuple[Outcome, bool]]] = {}
    for each, is_palm in outcomes:
        part, change = each.situation
        for which in (change, ALL):
            groups.setdefault((each.of, (part, which)), []).append((each, is_palm))
    return [_rates(of, situation, group) for (of, situation), group in groups.items()]


def _rates(of: str, situation: tuple[str, str], group: list[tuple[Outcome, bool]]) -> Rates:
    palms = [each for each, is_palm in group if is_palm]
    backs = [each for each, is_palm in group if not is_palm]
    acquired = [each for each in palms if each.found and each.shown is Shown.PALM]
    return Rates(
        of,
        situation,
        palms=len(palms),
        unfound=float(np.mean([not each.found for each in palms])) if palms else 0.0,
        refused=float(np.mean([each.found and each.shown is not Shown.PALM for each in palms]))
        if palms
        else 0.0,
        failures=_share(palms, [not (e.found and e.shown is Shown.PALM) for e in palms]),
        wrong_side=_share(acquired, [not each.right_side for each in acquired]),
        backs=len(backs),
        passed=_share(backs, [each.shown is Shown.PALM for each in backs]),
    )


def _share(of: list[Outcome], events: list[bool]) -> Estimate | None:
    if not of:
        return None
    numbers = {hand: number for number, hand in enumerate({each.hand for each in of})}
    return share(np.array(events), np.array([numbers[each.hand] for each in of]))


@dataclass(frozen=True, slots=True)
class Photograph:
    """A file of a real hand."""

    of: str
    hand: str
    path: Path
    side: Side
    is_palm: bool


def photographs(people: int) -> Iterator[Photograph]:
    """Yields every picture of a back, and the first picture of each palm until there are so many
    hands; a hand of which the back is there is not looked at a second time."""
    hands: set[str] = set()
    for path in sorted(PALM_SETS.glob("hands-rgb/*/*.jpg")):
        kind, _, side = path.stem.partition("_")[0].partition("-")
        hand = f"{path.parent.name}-{side}"
        if kind == "dorsal" or (hand not in hands and len(hands) < people):
            hands.add(hand)
            yield Photograph("hands-rgb", hand, path, Side(side), kind == "palmar")
    for path in islice(sorted(PALM_SETS.glob("hands-rgb-dark/*/1.jpg")), people):
        yield Photograph("hands-rgb-dark", path.parent.name, path, Side.RIGHT, True)


_finder: HandFinder


def _start() -> None:
    global _finder  # noqa: PLW0603 - a worker process keeps what it needs here
    _finder = HandFinder()


def looked_at(photograph: Photograph) -> list[tuple[Outcome, bool]]:
    """Returns the outcome in each situation. A hand that is not found in its whole picture in
    colour counts as not found in any."""
    image = np.asarray(cv2.imread(str(photograph.path), cv2.IMREAD_REDUCED_COLOR_2), np.uint8)
    hands = _finder.find(image)
    shot = None
    if hands:
        shown = Shown.PALM if photograph.is_palm else Shown.BACK
        hand = max(hands, key=lambda hand: hand.presence)
        shot = Shot(image, replace(hand, side=photograph.side, shown=shown))
    return _outcomes(photograph.of, photograph.hand, shot, photograph.is_palm)


def drawn_in_infrared(seed: int) -> list[tuple[Outcome, bool]]:
    """Returns the outcomes of both sides of one hand of a drawn person."""
    outcomes: list[tuple[Outcome, bool]] = []
    for is_palm in (True, False):
        shot = draw_in_infrared(seed, is_palm)
        outcomes += _outcomes("drawn infrared", str(seed), shot, is_palm)
    return outcomes


def draw_in_infrared(seed: int, is_palm: bool) -> Shot:
    """Draws a hand as a near-infrared camera sees it."""
    rng = np.random.default_rng((seed, 7))
    palm = identity(seed, list(Side)[seed % 2])
    shown = replace(USUAL.shot(rng).shown, back=not is_palm, y=0.62)
    room = Room(infrared=float(rng.uniform(0, USUAL.daylight)))
    sprite = in_infrared(living(palm, shown), palm.side, shown, room, FRAME)
    there = seen_from_beside(sprite.joints, shown, room.lens, FRAME)
    image = np.empty((*FRAME, 3), np.uint8)
    drawing = show(palm, sprite, there, rng, image)
    return grey(Shot(drawing.image, drawing.hand))


def _outcomes(of: str, hand: str, shot: Shot | None, is_palm: bool) -> list[tuple[Outcome, bool]]:
    outcomes: list[tuple[Outcome, bool]] = []
    for part, change in product(PARTS, CHANGES):
        found = False, None, False
        if shot is not None:
            found = outcome(_finder, CHANGES[change](PARTS[part](upright(shot))))
        outcomes.append((Outcome(of, hand, (part, change), *found), is_palm))
    return outcomes


def main() -> int:
    parser = argparse.ArgumentParser(
        prog="finding",
        description="Measures how often a hand is found, told palm from back, and given its side.",
    )
    for option, number, what in (
        ("--people", PEOPLE, "the most real hands of a set"),
        ("--drawn", DRAWN, "drawn people"),
        ("--workers", os.cpu_count() or 1, "processes"),
    ):
        parser.add_argument(
            option, type=int, default=number, metavar="N", help=f"{what} (%(default)s)"
        )
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures to this file")
    asked = parser.parse_args()
    files = list(photographs(asked.people))
    with processes(asked.workers, _start) as pool:
        seen = [
            *pool.map(looked_at, files),
            *pool.map(drawn_in_infrared, range(FIRST, FIRST + asked.drawn)),
        ]
    measured = rates(each for some in seen for each in some)
    print("\n".join([HEAD, *(rate.text() for rate in measured)]))  # noqa: T201 - the output
    if asked.json:
        figures = [asdict(rate) for rate in measured]
        asked.json.write_text(json.dumps(figures, indent=2) + "\n", encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
