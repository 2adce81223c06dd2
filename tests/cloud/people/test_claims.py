"""Claims: the holder of a number is verified by a palm or a one-time code."""

import pytest

from cloud.policy import ATTEMPTS
from protocol.messages import (
    Claim,
    ClaimOpened,
    CodeEntry,
    Holdings,
    Identification,
    Outcome,
    ProblemType,
    Proof,
    Purchase,
    Purpose,
)
from tests.support.device import Refused, TestDevice, fresh_phone
from tests.support.plain_palms import burst


def claim(
    kiosk: TestDevice, phone: str, proof: Proof, purpose: Purpose = Purpose.LEAVE
) -> ClaimOpened:
    return kiosk.post("/claims", Claim(phone=phone, proof=proof, purpose=purpose), ClaimOpened)


def claim_by_palm(
    kiosk: TestDevice, opened: ClaimOpened, who: str, purpose: Purpose = Purpose.LEAVE
) -> Identification:
    envelope = kiosk.seal(burst(who), purpose, opened.claim_id)
    return kiosk.post(f"/claims/{opened.claim_id}/palm", envelope, Identification)


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
    code = kiosk.last_one_time_code(phone)
    found = kiosk.post(f"/claims/{opened.claim_id}/code", CodeEntry(code=code), Identification)
    assert found.outcome is Outcome.ACCEPTED


def test_another_palm_does_not_prove_a_number(kiosk: TestDevice, who: str):
    phone = fresh_phone()
    kiosk.sign_up(who, phone=phone)
    kiosk.sign_up(f"not {who}")
    opened = claim(kiosk, phone, Proof.PALM)
    outcomes = [claim_by_palm(kiosk, opened, f"not {who}").outcome for _ in range(ATTEMPTS)]
    assert outcomes == [Outcome.ASK_AGAIN, Outcome.ASK_AGAIN, Outcome.REFUSED]


def test_a_number_without_an_account_is_answered_like_one_with_an_account(
    kiosk: TestDevice, who: str
):
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


def test_a_number_proven_by_a_palm_pays(kiosk: TestDevice, who: str):
    phone = fresh_phone()
    kiosk.sign_up(who, phone=phone)
    opened = claim(kiosk, phone, Proof.PALM, Purpose.PAY)
    found = claim_by_palm(kiosk, opened, who, Purpose.PAY)
    paid = kiosk.post("/purchases", kiosk.sale(found.identification_id), Purchase)
    assert paid.outcome == "approved"
