"""Whose palm it is, and when the service would rather not say."""

import secrets

import pytest

from cloud.policy import ATTEMPTS, IDENTIFICATION_LIFE, Limits
from protocol.messages import (
    Claim,
    ClaimOpened,
    CodeEntry,
    Holdings,
    Identification,
    LastFour,
    Outcome,
    ProblemType,
    Proof,
    Purchase,
    Purpose,
    Side,
)
from tests.support.device import Refused, TestDevice, fresh_phone
from tests.support.plain_palms import burst
from tests.support.served import Served

NEARLY = 0.35
"""A likeness that asks for digits."""


def step_up(kiosk: TestDevice, found: Identification, digits: str) -> Identification:
    path = f"/identifications/{found.identification_id}/step-up"
    return kiosk.post(path, LastFour(phone_last4=digits), Identification)


def claim(
    kiosk: TestDevice, phone: str, proof: Proof, purpose: Purpose = Purpose.LEAVE
) -> ClaimOpened:
    return kiosk.post("/claims", Claim(phone=phone, proof=proof, purpose=purpose), ClaimOpened)


def claim_by_palm(
    kiosk: TestDevice, opened: ClaimOpened, who: str, purpose: Purpose = Purpose.LEAVE
) -> Identification:
    envelope = kiosk.seal(burst(who), purpose, opened.claim_id)
    return kiosk.post(f"/claims/{opened.claim_id}/palm", envelope, Identification)


# 1:N


def test_somebody_else_is_not_recognised(kiosk: TestDevice, who: str):
    kiosk.sign_up(who)
    found = kiosk.identify(f"not {who}")
    assert (found.outcome, found.customer) == (Outcome.ASK_AGAIN, None)


def test_the_other_hand_is_not_recognised(kiosk: TestDevice, who: str):
    kiosk.sign_up(who, sides=(Side.LEFT,))
    assert kiosk.identify(who, side=Side.RIGHT).outcome is Outcome.ASK_AGAIN


def test_a_stranger_is_asked_again_until_the_visits_attempts_are_used_up(
    kiosk: TestDevice, who: str
):
    visit = secrets.token_urlsafe(12)
    found = [kiosk.identify(who, visit_id=visit) for _ in range(ATTEMPTS)]
    assert [f.outcome for f in found] == [Outcome.ASK_AGAIN, Outcome.ASK_AGAIN, Outcome.REFUSED]
    assert [f.attempts_left for f in found] == [2, 1, 0]
    with pytest.raises(Refused) as refused:
        kiosk.identify(who, visit_id=visit)
    assert refused.value.problem.type is ProblemType.TOO_MANY_ATTEMPTS


def test_a_doubtful_palm_is_asked_for_digits_and_not_told_whose_it_may_be(
    kiosk: TestDevice, who: str
):
    phone = fresh_phone()
    kiosk.sign_up(who, phone=phone)
    found = kiosk.identify(who, likeness=NEARLY)
    assert (found.outcome, found.customer) == (Outcome.STEP_UP, None)
    accepted = step_up(kiosk, found, phone[-4:])
    assert accepted.outcome is Outcome.ACCEPTED
    assert accepted.customer


def test_wrong_digits_are_counted_and_then_refused(kiosk: TestDevice, who: str):
    phone = fresh_phone()
    kiosk.sign_up(who, phone=phone)
    found = kiosk.identify(who, likeness=NEARLY)
    wrong = f"{(int(phone[-4:]) + 1) % 10**4:04d}"
    for left in (2, 1, 0):
        with pytest.raises(Refused) as refused:
            step_up(kiosk, found, wrong)
        assert refused.value.problem.type is ProblemType.STEP_UP_FAILED
        assert refused.value.problem.attempts_left == left
    with pytest.raises(Refused) as refused:
        step_up(kiosk, found, phone[-4:])
    assert refused.value.problem.type is ProblemType.CONFLICT


def test_digits_alone_prove_nothing(kiosk: TestDevice, who: str):
    phone = fresh_phone()
    kiosk.sign_up(who, phone=phone)
    found = kiosk.identify(f"not {who}")
    with pytest.raises(Refused) as refused:
        step_up(kiosk, found, phone[-4:])
    assert refused.value.problem.type is ProblemType.CONFLICT


def test_an_account_that_is_guessed_at_is_locked_at_every_device(
    served: Served, kiosk: TestDevice, who: str
):
    phone = fresh_phone()
    kiosk.sign_up(who, phone=phone)
    person_id = served.person_id(phone)
    served.tally(Limits.FAILED_PROOFS, person_id, Limits.FAILED_PROOFS.count - 1)
    wrong = f"{(int(phone[-4:]) + 1) % 10**4:04d}"
    with pytest.raises(Refused) as refused:
        step_up(kiosk, kiosk.identify(who, likeness=NEARLY), wrong)
    assert refused.value.problem.type is ProblemType.STEP_UP_FAILED

    another = served.kiosk()
    with pytest.raises(Refused) as refused:
        step_up(another, another.identify(who, likeness=NEARLY), phone[-4:])
    assert refused.value.problem.type is ProblemType.TOO_MANY_ATTEMPTS
    assert refused.value.problem.retry_after

    served.ahead = kiosk.ahead = Limits.FAILED_PROOFS.window
    found = kiosk.identify(who, likeness=NEARLY)
    assert step_up(kiosk, found, phone[-4:]).outcome is Outcome.ACCEPTED


def test_a_device_searches_only_so_often(served: Served, kiosk: TestDevice, who: str):
    served.tally(Limits.SEARCHES_BY_DEVICE, kiosk.id, Limits.SEARCHES_BY_DEVICE.count - 1)
    kiosk.identify(who)
    with pytest.raises(Refused) as refused:
        kiosk.identify(who)
    assert refused.value.problem.type is ProblemType.TOO_MANY_ATTEMPTS


def test_an_identification_serves_only_what_the_palm_was_shown_for(kiosk: TestDevice, who: str):
    kiosk.sign_up(who)
    paying = kiosk.recognised(who, Purpose.PAY)
    with pytest.raises(Refused) as refused:
        kiosk.get(f"/identifications/{paying}/holdings", Holdings)
    assert refused.value.problem.type is ProblemType.NOT_ACCEPTED


def test_an_identification_is_good_for_a_few_minutes_at_one_device(
    served: Served, kiosk: TestDevice, who: str
):
    kiosk.sign_up(who)
    path = f"/identifications/{kiosk.recognised(who, Purpose.LEAVE)}/holdings"
    with pytest.raises(Refused) as refused:
        served.kiosk().get(path, Holdings)
    assert refused.value.problem.type is ProblemType.NOT_FOUND
    served.ahead = kiosk.ahead = IDENTIFICATION_LIFE
    with pytest.raises(Refused) as refused:
        kiosk.get(path, Holdings)
    assert refused.value.problem.type in (ProblemType.EXPIRED, ProblemType.NOT_FOUND)


def test_a_palm_shown_to_sign_up_identifies_nobody(kiosk: TestDevice, who: str):
    kiosk.sign_up(who)
    envelope = kiosk.seal(burst(who), Purpose.ENROL, "a-visit-of-mine")
    with pytest.raises(Refused) as refused:
        kiosk.post("/identifications", envelope, Identification)
    assert refused.value.problem.type is ProblemType.ENVELOPE_UNREADABLE


# 1:1


def test_the_holder_of_a_number_is_verified_by_their_palm(kiosk: TestDevice, who: str):
    phone = fresh_phone()
    kiosk.sign_up(who, phone=phone)
    found = claim_by_palm(kiosk, claim(kiosk, phone, Proof.PALM), who)
    assert found.outcome is Outcome.ACCEPTED
    path = f"/identifications/{found.identification_id}/holdings"
    assert kiosk.get(path, Holdings).phone_last4 == phone[-4:]


def test_the_holder_of_a_number_is_verified_by_the_code_sent_to_it(kiosk: TestDevice, who: str):
    phone = fresh_phone()
    kiosk.sign_up(who, phone=phone)
    opened = claim(kiosk, phone, Proof.CODE)
    code = kiosk.last_code(phone)
    found = kiosk.post(f"/claims/{opened.claim_id}/code", CodeEntry(code=code), Identification)
    assert found.outcome is Outcome.ACCEPTED


def test_another_palm_does_not_prove_a_number(kiosk: TestDevice, who: str):
    phone = fresh_phone()
    kiosk.sign_up(who, phone=phone)
    kiosk.sign_up(f"not {who}")
    opened = claim(kiosk, phone, Proof.PALM)
    outcomes = [claim_by_palm(kiosk, opened, f"not {who}").outcome for _ in range(ATTEMPTS)]
    assert outcomes == [Outcome.ASK_AGAIN, Outcome.ASK_AGAIN, Outcome.REFUSED]


def test_a_number_nobody_has_answers_like_one_that_somebody_has(kiosk: TestDevice, who: str):
    phone = fresh_phone()
    kiosk.sign_up(who, phone=phone)
    for number in (phone, fresh_phone()):
        by_palm = claim(kiosk, number, Proof.PALM)
        assert claim_by_palm(kiosk, by_palm, f"not {who}").outcome is Outcome.ASK_AGAIN
        by_code = claim(kiosk, number, Proof.CODE)
        entry = CodeEntry(code="000000")
        with pytest.raises(Refused) as refused:
            kiosk.post(f"/claims/{by_code.claim_id}/code", entry, Identification)
        assert refused.value.problem.type is ProblemType.WRONG_CODE
        assert refused.value.problem.attempts_left == 4


def test_a_phone_alone_does_not_pay(kiosk: TestDevice):
    with pytest.raises(Refused) as refused:
        claim(kiosk, fresh_phone(), Proof.CODE, Purpose.PAY)
    assert refused.value.problem.type is ProblemType.NOT_ACCEPTED


def test_a_number_with_a_palm_pays(kiosk: TestDevice, who: str):
    phone = fresh_phone()
    kiosk.sign_up(who, phone=phone)
    opened = claim(kiosk, phone, Proof.PALM, Purpose.PAY)
    found = claim_by_palm(kiosk, opened, who, Purpose.PAY)
    paid = kiosk.post("/purchases", kiosk.sale(found.identification_id), Purchase)
    assert paid.outcome == "approved"
