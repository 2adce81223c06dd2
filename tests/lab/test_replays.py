"""Replays: a recording passes under its own challenge, and what is sent instead is chosen by its
light."""

import numpy as np
import pytest

from drawn.burst import challenge
from drawn.lit import LAMPS
from lab.replays import AS_IT_IS, FIRST, Recordings, Tried, rates
from palm.liveness import judge
from protocol.challenge import STEPS

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def recordings() -> Recordings:
    return Recordings.of(FIRST, 2)


def test_a_recording_passes_under_its_own_challenge_and_not_under_another(recordings: Recordings):
    own = [frame.light for frame in recordings.lit[:STEPS]]
    other = [frame.light for frame in recordings.lit[STEPS:]]
    assert judge(recordings.sent_as_it_is(own), LAMPS).live
    assert not judge(recordings.sent_as_it_is(other), LAMPS).live


def test_of_several_recordings_the_pictures_under_the_nearest_light_are_sent(
    recordings: Recordings,
):
    asked = [frame.light for frame in recordings.lit[STEPS:]][::-1]
    sent = recordings.sent_chosen(asked, 2)[-STEPS:]
    for frame, own in zip(sent, recordings.lit[:4:-1], strict=True):
        assert frame.image is own.image or not own.light.any(), "both have a dark step"
    assert judge(recordings.sent_chosen(asked, 2), LAMPS).live
    from_one = recordings.sent_chosen(challenge(np.random.default_rng(1)), 1)[-STEPS:]
    assert all(any(f.image is own.image for own in recordings.lit[:STEPS]) for f in from_one)


def test_a_rate_comes_with_the_bits_of_a_guess_and_its_chance_in_twenty_tries():
    found = [Tried(seed, {AS_IT_IS: [True] + [False] * 63}) for seed in range(4)]
    (rate,) = rates(found)
    assert (rate.tries, rate.passed, rate.bits) == (256, 4, 6.0)
    assert " 6.0 bits,  27.0 % in 20 tries" in rate.text()
    (never,) = rates([Tried(seed, {AS_IT_IS: [False] * 64}) for seed in range(4)])
    assert never.bits == float("inf")
