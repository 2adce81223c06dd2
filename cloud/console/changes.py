"""Changes of how recognition does, from one week to the next: whether they are larger than chance
makes them, and what they are likely to come from."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from cloud.seen import TOOK, Became
from cloud.watch.tallies import Figures

ENOUGH = 30
"""From how many palms on in each of the weeks they are compared."""
TIMES = 2.0
"""From how many times as often on something has changed."""
SURELY = 3.0
"""From how many standard deviations on a change is not taken for chance, which makes one as large
once in some 700 times."""
SLOWER_S = 0.25
"""By how much longer than before a palm has to take, at least."""


class Measure(StrEnum):
    """What is compared; the worst first."""

    REFUSED = "refused"
    LIFELESS = "lifeless"
    UNREADABLE = "unreadable"
    DIGITS = "digits"
    SLOW = "slow"


_BECAME: Mapping[Measure, Sequence[Became]] = {
    Measure.REFUSED: (Became.NOT_FOUND, Became.REFUSED),
    Measure.LIFELESS: (Became.LIFELESS,),
    Measure.UNREADABLE: (Became.UNREADABLE,),
    Measure.DIGITS: (Became.DIGITS,),
}


@dataclass(frozen=True, slots=True)
class Change:
    """Something that is much more often than in the week before, or takes much longer."""

    measure: Measure
    times: float
    """How many times as often, or at least as long."""
    now: float
    """The share of all palms; in seconds where it is about how long they took."""
    before: float


def changes(before: Figures, now: Figures) -> list[Change]:
    """Returns what has changed for the worse since the week before."""
    if min(before.tries, now.tries) < ENOUGH:
        return []
    found = [_change(measure, before, now) for measure in _BECAME]
    return [each for each in (*found, _slower(before, now)) if each is not None]


def _change(measure: Measure, before: Figures, now: Figures) -> Change | None:
    became = _BECAME[measure]
    share, share_before = now.share(*became), before.share(*became)
    # Where it never was, it counts as if it had been once: otherwise there is nothing to compare.
    usual = max(share_before, 1 / before.tries)
    both = (share * now.tries + share_before * before.tries) / (now.tries + before.tries)
    deviation = math.sqrt(both * (1 - both) * (1 / now.tries + 1 / before.tries))
    if share < TIMES * usual or share - share_before < SURELY * deviation:
        return None
    return Change(measure, share / usual, share, share_before)


def _slower(before: Figures, now: Figures) -> Change | None:
    took, took_before = now.median_s, before.median_s
    if took is None or took_before is None or math.isinf(took_before):
        return None
    if took - took_before < SLOWER_S or took < TIMES * took_before:
        return None
    return Change(Measure.SLOW, min(took, TOOK[-1]) / took_before, took, took_before)
