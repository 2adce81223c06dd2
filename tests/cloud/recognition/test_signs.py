"""A palm shows the relief and the veins that it was enrolled with, where the kiosk can see them."""

import secrets

from cloud.policy import ATTEMPTS
from protocol.messages import Claim, ClaimOpened, Identification, Outcome, Proof, Purpose
from tests.support.device import TestDevice, fresh_phone
from tests.support.plain_palms import burst


def enrol(kiosk: TestDevice, who: str, signs: str | None) -> str:
    """Returns the number of the new account."""
    phone = fresh_phone()
    enrolment_id = kiosk.verified_enrolment(phone)
    kiosk.add_card(enrolment_id)
    kiosk.add_palm(enrolment_id, burst(who, signs=signs))
    kiosk.send("POST", f"/enrolments/{enrolment_id}/completion")
    return phone


def identify(kiosk: TestDevice, who: str, signs: str | None) -> Identification:
    envelope = kiosk.seal(burst(who, signs=signs), Purpose.PAY, secrets.token_urlsafe(12))
    return kiosk.post("/identifications", envelope, Identification)


def test_a_palm_with_its_own_signs_is_accepted(kiosk: TestDevice, who: str) -> None:
    enrol(kiosk, who, signs=who)
    assert identify(kiosk, who, signs=who).outcome is Outcome.ACCEPTED


def test_the_lines_of_a_palm_on_another_hand_are_not_live_and_name_nobody(
    kiosk: TestDevice, who: str
) -> None:
    enrol(kiosk, who, signs=who)
    found = identify(kiosk, who, signs="an attacker")
    assert (found.outcome, found.live, found.customer) == (Outcome.ASK_AGAIN, False, None)
    assert found.attempts_left == ATTEMPTS - 1


def test_what_a_kiosk_cannot_see_says_nothing(kiosk: TestDevice, who: str) -> None:
    enrol(kiosk, who, signs=who)
    assert identify(kiosk, who, signs=None).outcome is Outcome.ACCEPTED


def test_a_palm_that_was_enrolled_without_signs_gets_them_when_it_is_accepted(
    kiosk: TestDevice, who: str
) -> None:
    enrol(kiosk, who, signs=None)
    assert identify(kiosk, who, signs=who).outcome is Outcome.ACCEPTED
    assert not identify(kiosk, who, signs="an attacker").live
    assert identify(kiosk, who, signs=who).outcome is Outcome.ACCEPTED


def test_a_claim_is_not_proven_by_the_lines_of_a_palm_on_another_hand(
    kiosk: TestDevice, who: str
) -> None:
    claim = Claim(phone=enrol(kiosk, who, signs=who), proof=Proof.PALM, purpose=Purpose.LEAVE)
    opened = kiosk.post("/claims", claim, ClaimOpened)

    def prove(signs: str) -> Identification:
        envelope = kiosk.seal(burst(who, signs=signs), Purpose.LEAVE, opened.claim_id)
        return kiosk.post(f"/claims/{opened.claim_id}/palm", envelope, Identification)

    attacked = prove("an attacker")
    assert (attacked.outcome, attacked.live) == (Outcome.ASK_AGAIN, False)
    assert prove(who).outcome is Outcome.ACCEPTED
