"""The nursery rehearses with a capture that goes all the way of a real one."""

import pytest

from cloud.vault.examiner import Flaw, Unusable
from cloud.vault.palms import PalmExaminer
from cloud.vault.rehearsal import SEED, rehearsal
from protocol.capture import Burst
from protocol.challenge import STEPS, steps


def test_a_palm_is_found_in_both_pictures_in_white():
    assert len(PalmExaminer().examine(rehearsal(0), ()).palms) == 2


def test_it_is_judged_under_the_lights_of_a_challenge_and_nobody_passes_with_it():
    with pytest.raises(Unusable) as unusable:
        PalmExaminer().examine(rehearsal(STEPS), steps(SEED))
    assert unusable.value.flaw is Flaw.NOT_LIVE


def test_it_is_a_capture_as_a_kiosk_sends_one():
    assert Burst.decode(rehearsal(STEPS).encode()).frames == rehearsal(STEPS).frames
