"""What the palms of a visit know together is told as the policy decides it."""

import numpy as np
import pytest

from cloud.matching import Match
from cloud.policy import ATTEMPTS, Policy
from drawn import roi
from lab import calibrate, tries
from lab.evaluate.pairing import Pairing
from lab.tries import Visits
from palm.calibration import CALIBRATIONS
from palm.hand.landmarks import Side

PEOPLE = 60


def strangers(alike: float) -> Visits:
    """Returns visits of everybody at everybody, with scores that are as alike."""
    rng = np.random.default_rng(1)
    shown, enrolled = np.divmod(np.arange(PEOPLE**2), PEOPLE)
    common, own = rng.normal(size=(len(shown), 1)), rng.normal(size=(len(shown), ATTEMPTS))
    return Visits("they", np.sqrt(alike) * common + np.sqrt(1 - alike) * own, shown, enrolled)


def test_the_correlation_of_two_pictures_lies_in_its_interval():
    found, low, high = strangers(0.6).alike()
    assert found == pytest.approx(0.6, abs=0.05)
    assert low < 0.6 < high


def test_both_hands_are_decided_as_the_policy_decides():
    rng = np.random.default_rng(3)
    rarities = np.full((200, ATTEMPTS), -np.inf)
    rarities[:, :2] = rng.uniform(2, 5, (200, 2))
    who = np.zeros(200, np.intp)
    reached = Visits("", rarities, who, who).both(4.0)
    policy = Policy(CALIBRATIONS)

    def met(rarity: float, *other_hand: float) -> bool:
        match = Match("person", "palm", 3, rarity)
        return bool(policy.named([match], [{"person": each} for each in other_hand], 4.0))

    expected = [met(one) or met(other, one) for one, other in rarities[:, :2].tolist()]
    assert reached.tolist() == expected
    assert 0 < sum(expected) < len(expected)


def test_the_report_tells_of_strangers_and_of_people():
    visits = strangers(0.5)
    told = list(tries.report([visits], [visits]))
    assert sum(line.startswith(f"| they | {PEOPLE * (PEOPLE - 1):,} |") for line in told) == 2
    assert sum(line.startswith(f"| they | {PEOPLE} | {PEOPLE} |") for line in told) == 4


def test_visits_are_of_one_hand_or_of_both_and_compared_side_by_side():
    palms = [
        calibrate.draw(
            number,
            calibrate.DEVICES[0],
            [roi.swatch(calibrate.SEED + person, side) for person in range(2)],
            side,
            2,
        )
        for number, side in enumerate(Side)
    ]
    both = calibrate.Palms(
        "two people",
        [template for each in palms for template in each.templates],
        np.concatenate([palms[0].hand, palms[1].hand + 2]),
        np.concatenate([each.person for each in palms]),
        np.concatenate([each.side for each in palms]),
    )
    enrolled, shown = [(n,) for n in range(0, 8, 2)], [(n,) for n in range(1, 8, 2)]
    plan = Pairing(enrolled, shown, np.full(4, 4, np.intp), mutual=False)
    one_hand, hands = tries.visits(both, plan), tries.both_hands(both, plan)
    assert hands
    for found, count, pictures in ((one_hand, 8, 1), (hands, 4, 2)):
        assert len(found.shown) == count
        assert (np.isfinite(found.rarities).sum(axis=1) == pictures).all()
        best = found.rarities.max(axis=1)
        assert best[found.genuine].min() > best[~found.genuine].max()
