"""Changes in how well recognition works from one week to the next, and whether they are larger than
chance explains."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from cloud.seen import TOOK, Became
from cloud.watch.tallies import Figures

ENOUGH = 30
"""The smallest number of palms in each of two weeks for which they are compared."""
TIMES = 2.0
"""The smallest factor between two weeks that counts as a change."""
SURELY = 3.0
"""The smallest difference, in standard deviations, that is not taken for chance. Chance alone makes
one as large in one of 700 comparisons."""
SLOWER_S = 0.25
"""The smallest increase of the time of a palm, in seconds, that counts as a change."""


class Measure(StrEnum):
    """What is compared between two weeks; the worst comes first."""

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
    """Something that happens much more often than in the week before, or takes much longer."""

    measure: Measure
    times: float
    """The factor by which it happens more often or takes longer, at least."""
    now: float
    """The share of all palms; for SLOW, the median time in seconds."""
    before: float
    """The same quantity in the week before."""


def changes(before: Figures, now: Figures) -> list[Change]:
    """Returns what has changed for the worse since the week before."""
    if min(before.tries, now.tries) < ENOUGH:
        return []
    found = [_change(measure, before, now) for measure in _BECAME]
    return [each for each in (*found, _slower(before, now)) if each is not None]


def _change(measure: Measure, before: Figures, now: Figures) -> Change | None:
    became = _BECAME[measure]
    share, share_before = now.share(*became), before.share(*became)
    # What never happened counts as if it had happened once, because nothing is a multiple of 0.
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
