"""Presentations are counted as what they are, by state and by person."""

from dataclasses import replace

import numpy as np
import pytest

from drawn.roi import Placement, show, swatch
from drawn.state import State
from lab.skin import Judged, rates
from palm.hand.landmarks import Side
from palm.hand.roi import Roi
from palm.template import current
from palm.template.interfaces import Template

PEOPLE = (1, 2, 3)


@pytest.fixture(scope="module")
def templates() -> dict[int, Template]:
    extractor, _ = current.pair()
    rng = np.random.default_rng(1)
    pictures = {seed: show(swatch(seed, Side.LEFT), rng, Placement(), harsh=0.0) for seed in PEOPLE}
    return {
        seed: extractor.extract([Roi(picture, Side.LEFT, 1.0)])
        for seed, picture in pictures.items()
    }


def test_what_is_acquired_matched_and_alive_is_counted_by_state(
    templates: dict[int, Template],
) -> None:
    own = [
        Judged(seed, State.WET, None, templates[seed], 0.8, live_by_light=True, live_by_both=True)
        for seed in PEOPLE
    ]
    another = replace(own[1], template=templates[1], live_by_both=False)
    shown = [own[0], another, Judged(3, State.WET, "blurred"), replace(own[0], state=State.DRY)]
    wet = rates(templates, shown, State.WET)
    assert (wet.people, wet.flaws) == (3, {"blurred": 1})
    for estimate, rate in (
        (wet.failures, 1 / 3),
        (wet.missed_1_1, 1 / 2),
        (wet.missed_1_n, 1 / 2),
        (wet.not_live_by_light, 0),
        (wet.not_live_by_both, 1 / 2),
    ):
        assert estimate is not None
        assert estimate.rate == pytest.approx(rate)
    # The second has shown the palm of the first.
    assert wet.lowest < 7.8 < wet.highest
    assert rates(templates, shown, State.DRY).failures


def test_a_state_in_which_nothing_is_acquired_has_no_other_rates(
    templates: dict[int, Template],
) -> None:
    cold = rates(templates, [Judged(1, State.COLD, "no hand in view")], State.COLD)
    assert cold.failures is not None
    assert cold.failures.rate == 1
    assert cold.missed_1_1 is None
    assert "none" in cold.text()


def test_who_could_not_be_enrolled_is_not_counted(templates: dict[int, Template]) -> None:
    assert rates(templates, [Judged(9, State.COLD, "no hand in view")], State.COLD).people == 0
