"""Tells what the palms of one visit know together of a stranger and of a person.

`python -m lab.tries FOLDER ...` has the palms of each folder, and those of drawn devices, shown in
visits of ATTEMPTS pictures at most, and compares each visit with the enrolled pictures of the same
side. It prints

- one hand shown again: how alike its scores against a stranger's palm are, how often the first, any
  and all of a visit's pictures reach a rarity, and the rarity that the mean of its two best
  reaches as seldom. Where that is not below the rarity itself, two pictures say no more of a
  stranger than one;
- one hand and then the other: how alike their scores against a stranger's hands are, with the
  interval over people, which is what `cloud.policy.HANDS_ALIKE` has to cover;
- what the policy decides: the share of visits that are not found, or not accepted, in galleries of
  several sizes, where each hand counts by itself and where both count together.
"""

import argparse
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from cloud.policy import ATTEMPTS, Policy, together
from lab import calibrate
from lab.calibrate import DEVICES, PEOPLE, Palms
from lab.evaluate import decisions
from lab.evaluate.pairing import Pairing
from lab.evaluate.report import named, said
from palm.calibration import CALIBRATIONS
from palm.hand.landmarks import Side
from palm.rates import counted, draws, share
from palm.template import current

Floats = npt.NDArray[np.float64]
Indices = npt.NDArray[np.intp]
Events = npt.NDArray[np.bool_]

SIZES = (100, 1_000, 10_000, 100_000)
RATES = (1e-2, 1e-3, 1e-4)
BOTH_HANDS = 1
"""The number of the drawn device that sees both hands of people."""
ROUNDS = 200
"""The number of times other people are drawn for the interval of a correlation."""


@dataclass(frozen=True, slots=True)
class Visits:
    """Visits that were compared with enrolled palms."""

    name: str
    rarities: Floats
    """(visits, ATTEMPTS) one row for each enrolled palm that a visit was compared with; -inf where
    a visit has fewer pictures."""
    shown: Indices
    """(visits,) who showed the palms."""
    enrolled: Indices
    """(visits,) whose palm they were compared with."""

    @property
    def genuine(self) -> Events:
        return self.shown == self.enrolled

    @property
    def mean_of_two(self) -> Floats:
        """The mean rarity of the two best pictures; -inf where there is only one."""
        return np.sort(self.rarities, axis=1)[:, -2:].mean(axis=1)

    def of(self, which: Events) -> "Visits":
        return Visits(self.name, self.rarities[which], self.shown[which], self.enrolled[which])

    def alone(self, rarity: float) -> Events:
        """Returns in which visits a picture reaches a rarity by itself."""
        return self.rarities.max(axis=1) >= rarity

    def both(self, rarity: float) -> Events:
        """Returns which visits of one hand and then the other reach a rarity, as
        `cloud.policy.Policy.named` has it."""
        first, second = self.rarities[:, :2].T
        second = np.maximum(second, np.vectorize(together)(first, second)) - np.log10(2)
        return (first >= rarity) | (second >= rarity)

    def alike(self) -> tuple[float, float, float]:
        """Returns the correlation of the first two pictures' rarities, and its 95 % interval over
        people."""
        several = self.of(np.isfinite(self.rarities[:, 1]))
        pairs = several.rarities[:, :2]
        people = int(max(several.shown.max(), several.enrolled.max())) + 1
        drawn = draws(people)[:ROUNDS]
        weights = drawn[:, several.shown] * drawn[:, several.enrolled]
        found = [_correlation(pairs, each) for each in weights if each.any()]
        low, high = np.nanquantile(found, (0.025, 0.975)).tolist()
        return _correlation(pairs, np.ones(len(pairs))), low, high


def main() -> int:
    parser = argparse.ArgumentParser(
        prog="tries", description="Tells what the palms of one visit know together."
    )
    parser.add_argument("folders", nargs="*", type=Path, metavar="FOLDER")
    parser.add_argument("--same", type=Path, help="table of hands with several names")
    asked = parser.parse_args()
    real = [calibrate.read(folder, asked.same) for folder in asked.folders]
    hands = [both for palms, plan in real if (both := both_hands(palms, plan)) is not None]
    sets = [visits(*each) for each in real]
    skins = calibrate.skins_of(Side.RIGHT)
    shows = 1 + ATTEMPTS
    for number, device in enumerate(DEVICES):
        palms = calibrate.draw(number, device, skins, Side.RIGHT, shows)
        sets.append(visits(palms, _first_enrolled(shows)))
    print(*report(sets, [*hands, _drawn_hands()]), sep="\n")  # noqa: T201 - the output of this command
    return 0


def report(sets: Sequence[Visits], hands: Sequence[Visits]) -> Iterator[str]:
    """Yields the report, line by line. `sets` are visits of one hand, `hands` of both."""
    rates = [f"{named(rate)}: first | any | all | mean of two" for rate in RATES]
    yield from _head("strangers, one hand", "visits", "alike", *rates)
    for each in sets:
        others = each.of(~each.genuine)
        cells = [f"{len(others.shown):,}", _alike(others)]
        for rate in RATES:
            reached = others.rarities >= -np.log10(rate)
            complete = np.isfinite(others.rarities).all(axis=1)
            cells += [f"{share:.3%}" for share in _shares(reached[complete])]
            cells.append(f"{np.quantile(others.mean_of_two, 1 - rate):.2f}")
        yield _row(each.name, *cells)
    yield ""
    rates = [f"{named(rate)}: by themselves | together" for rate in RATES]
    yield from _head("strangers, both hands", "visits", "alike", *rates)
    for each in hands:
        others = each.of(~each.genuine)
        people = int(max(others.shown.max(), others.enrolled.max())) + 1
        cells = [f"{len(others.shown):,}", _alike(others)]
        for rate in RATES:
            for reach in (others.alone, others.both):
                found = counted(reach(-np.log10(rate)), others.shown, others.enrolled, people)
                cells.append(said(found.estimate(draws(people))))
        yield _row(each.name, *cells)
    policy = Policy(CALIBRATIONS)
    for what, threshold in (("not found", policy.step_up), ("not accepted", policy.accept)):
        yield ""
        sizes = [f"{size:,}: first | visit" for size in SIZES]
        yield from _head(f"one hand, {what}", "visits", "people", *sizes)
        for each in sets:
            mine = each.of(each.genuine)
            first = Visits(each.name, mine.rarities[:, :1], mine.shown, mine.enrolled)
            cells = [f"{len(mine.shown):,}", f"{len(np.unique(mine.shown)):,}"]
            for size in SIZES:
                for found in (first, mine):
                    cells.append(said(share(~found.alone(threshold(size)), mine.shown)))
            yield _row(each.name, *cells)
        yield ""
        sizes = [f"{size:,}: by themselves | together" for size in SIZES]
        yield from _head(f"both hands, {what}", "visits", "people", *sizes)
        for each in hands:
            mine = each.of(each.genuine)
            cells = [f"{len(mine.shown):,}", f"{len(np.unique(mine.shown)):,}"]
            for size in SIZES:
                for reach in (mine.alone, mine.both):
                    cells.append(said(share(~reach(threshold(size)), mine.shown)))
            yield _row(each.name, *cells)


def visits(palms: Palms, plan: Pairing) -> Visits:
    """Has every hand of a set shown in visits, and compares them with all enrolled palms of the
    same side, of other people or of the same hand.

    Where pairs are mutual, each picture is enrolled in turn: of its own hand the others are shown.
    """
    scores, enrolled, shown = _scores(palms, plan)
    rarities: list[Floats] = []
    pairs: list[Indices] = []
    hand, person, side = palms.hand, palms.person, palms.side
    for palm in np.unique(hand[shown]).tolist():
        of_hand = np.flatnonzero(hand[shown] == palm)
        mine = hand[enrolled] == palm
        others = (person[enrolled] != person[shown[of_hand[0]]]) & (
            side[enrolled] == side[shown[of_hand[0]]]
        )
        groups = [(np.flatnonzero(others), of_hand)]
        groups += [
            (np.array([one]), of_hand[shown[of_hand] != enrolled[one]])
            for one in np.flatnonzero(mine).tolist()
        ]
        for references, probes in groups:
            for tries in decisions.in_visits(range(len(probes))) if len(probes) else ():
                rows = np.full((len(references), ATTEMPTS), -np.inf)
                rows[:, : len(tries)] = scores[np.ix_(probes[list(tries)], references)].T
                rarities.append(rows)
                who = np.full(len(references), person[shown[probes[0]]])
                pairs.append(np.stack([who, person[enrolled[references]]], axis=1))
    return _visits(palms.name, rarities, pairs)


def both_hands(palms: Palms, plan: Pairing) -> Visits | None:
    """Has people show the left and then the right hand, and compares both with both enrolled hands
    of themselves and of others; None where fewer than two people of a set have both."""
    scores, enrolled, shown = _scores(palms, plan)
    showing, kept = (
        {
            int(who): [_of(palms, which, who, side) for side in Side]
            for who in np.unique(palms.person[which])
        }
        for which in (shown, enrolled)
    )
    rarities: list[Floats] = []
    pairs: list[Indices] = []
    for who, mine in showing.items():
        for whose, theirs in kept.items():
            for tries in zip(*mine, strict=False):
                for references in zip(*theirs, strict=False):
                    if {*shown[list(tries)]} & {*enrolled[list(references)]}:
                        continue
                    row = np.full((1, ATTEMPTS), -np.inf)
                    row[0, : len(tries)] = scores[list(tries), list(references)]
                    rarities.append(row)
                    pairs.append(np.array([[who, whose]], np.intp))
    if len({int(pair[0, 0]) for pair in pairs}) < 2:
        return None
    return _visits(f"{palms.name}, both hands", rarities, pairs)


def _of(palms: Palms, which: Indices, person: int, side: Side) -> list[int]:
    """Returns the places of a person's pictures of one side."""
    these = (palms.person[which] == person) & (palms.side[which] == str(side))
    return np.flatnonzero(these).tolist()


def _scores(palms: Palms, plan: Pairing) -> tuple[Floats, Indices, Indices]:
    """Returns the rarities of all shown pictures against all enrolled ones, and which are enrolled
    and which shown."""
    extractor, matcher = current.pair()
    calibration = CALIBRATIONS[extractor.version]
    enrolled = np.array([reference for (reference,) in plan.references], np.intp)
    probes = zip(plan.probes, plan.counts.tolist(), strict=True)
    shown = np.array([p for (p,), count in probes if count or plan.mutual], np.intp)
    gallery = matcher.prepare([palms.templates[each] for each in enrolled.tolist()])
    scores = np.array([matcher.compare(palms.templates[each], gallery) for each in shown.tolist()])
    return np.vectorize(calibration.rarity)(scores).astype(np.float64), enrolled, shown


def _visits(name: str, rarities: Sequence[Floats], pairs: Sequence[Indices]) -> Visits:
    who = np.concatenate(pairs)
    return Visits(name, np.concatenate(rarities), who[:, 0], who[:, 1])


def _first_enrolled(shows: int) -> Pairing:
    """Enrols the first picture of each drawn person, and compares the others with all of them."""
    references = [(shows * person,) for person in range(PEOPLE)]
    probes = [(n,) for n in range(shows * PEOPLE) if n % shows]
    return Pairing(references, probes, np.full(len(probes), PEOPLE, np.intp), mutual=False)


def _drawn_hands() -> Visits:
    """Returns visits of drawn people who show both hands."""
    device = DEVICES[BOTH_HANDS]
    sides = [
        calibrate.draw(number, device, calibrate.skins_of(side), side, 2)
        for number, side in enumerate(Side, len(DEVICES))
    ]
    palms = Palms(
        sides[0].name,
        [template for each in sides for template in each.templates],
        np.concatenate([sides[0].hand, sides[1].hand + PEOPLE]),
        np.concatenate([each.person for each in sides]),
        np.concatenate([each.side for each in sides]),
    )
    references = [(n,) for n in range(0, 4 * PEOPLE, 2)]
    probes = [(n,) for n in range(1, 4 * PEOPLE, 2)]
    counts = np.full(len(probes), len(references), np.intp)
    found = both_hands(palms, Pairing(references, probes, counts, mutual=False))
    assert found
    return found


def _correlation(pairs: Floats, weights: Floats) -> float:
    apart = pairs - np.average(pairs, axis=0, weights=weights)
    (one, both), (_, other) = (apart * weights[:, None]).T @ apart
    return float(both / np.sqrt(one * other))


def _shares(reached: Events) -> tuple[float, float, float]:
    """Returns how often the first, any and all pictures of a visit are reached."""
    return reached[:, 0].mean(), reached.any(axis=1).mean(), reached.all(axis=1).mean()


def _alike(visits: Visits) -> str:
    found, low, high = visits.alike()
    return f"{found:.2f} [{low:.2f}, {high:.2f}]"


def _head(*cells: str) -> Iterator[str]:
    row = _row(*cells)
    yield row
    yield "|" + " --- |" * (row.count("|") - 1)


def _row(*cells: str) -> str:
    return f"| {' | '.join(cells)} |"


if __name__ == "__main__":
    sys.exit(main())
