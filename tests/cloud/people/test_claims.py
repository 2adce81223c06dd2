"""Claims: the holder of a number is verified by a palm or a one-time code."""

from collections.abc import Sequence
from typing import Any

import pytest

from cloud.policy import ATTEMPTS, CODE_ATTEMPTS, Limits
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
from tests.support.served import Served


def claim(
    kiosk: TestDevice, phone: str, proof: Proof, purpose: Purpose = Purpose.LEAVE
) -> ClaimOpened:
    return kiosk.post("/claims", Claim(phone=phone, proof=proof, purpose=purpose), ClaimOpened)


def claim_by_palm(
    kiosk: TestDevice, opened: ClaimOpened, who: str, purpose: Purpose = Purpose.LEAVE
) -> Identification:
    envelope = kiosk.seal(burst(who), purpose, opened.claim_id)
    return kiosk.post(f"/claims/{opened.claim_id}/palm", envelope, Identification)


def enter_code(kiosk: TestDevice, opened: ClaimOpened, code: str) -> Identification:
    path = f"/claims/{opened.claim_id}/code"
    return kiosk.post(path, CodeEntry(code=code), Identification)


def wrong_code(kiosk: TestDevice, phone: str) -> str:
    """Returns a code that was not sent to a number."""
    sent = {
        message["code"]
        for message in kiosk.http.get("/v1/sandbox/messages").json()
        if message["to"] == phone
    }
    return next(code for code in ("000000", "111111", "222222") if code not in sent)


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


@pytest.mark.parametrize("has_account", [True, False], ids=["an account", "no account"])
def test_wrong_codes_to_a_number_are_limited_with_every_claim_together(
    kiosk: TestDevice, who: str, has_account: bool
):
    phone = fresh_phone()
    if has_account:
        kiosk.sign_up(who, phone=phone)
    said: list[ProblemType] = []
    for _ in range(3):
        opened = claim(kiosk, phone, Proof.CODE)
        for _ in range(CODE_ATTEMPTS):
            with pytest.raises(Refused) as refused:
                enter_code(kiosk, opened, wrong_code(kiosk, phone))
            said.append(refused.value.problem.type)
    count = Limits.FAILED_PROOFS.count
    assert said[:count] == [ProblemType.WRONG_CODE] * count
    assert said[count:] == [ProblemType.TOO_MANY_ATTEMPTS] * (15 - count)


def test_after_too_many_wrong_codes_the_right_one_is_not_accepted(kiosk: TestDevice, who: str):
    phone = fresh_phone()
    kiosk.sign_up(who, phone=phone)
    for _ in range(Limits.FAILED_PROOFS.count // CODE_ATTEMPTS):
        opened = claim(kiosk, phone, Proof.CODE)
        for _ in range(CODE_ATTEMPTS):
            with pytest.raises(Refused):
                enter_code(kiosk, opened, wrong_code(kiosk, phone))
    opened = claim(kiosk, phone, Proof.CODE)
    with pytest.raises(Refused) as refused:
        enter_code(kiosk, opened, kiosk.last_one_time_code(phone))
    assert refused.value.problem.type is ProblemType.TOO_MANY_ATTEMPTS
    assert refused.value.problem.retry_after


@pytest.mark.parametrize("has_account", [True, False], ids=["an account", "no account"])
def test_wrong_palms_for_a_number_are_limited_with_every_claim_together(
    kiosk: TestDevice, who: str, has_account: bool
):
    phone = fresh_phone()
    if has_account:
        kiosk.sign_up(who, phone=phone)
    shown = 0
    refused: Refused | None = None
    while refused is None and shown <= Limits.FAILED_PROOFS.count:
        opened = claim(kiosk, phone, Proof.PALM)
        for _ in range(ATTEMPTS):
            try:
                claim_by_palm(kiosk, opened, f"not {who}")
            except Refused as problem:
                refused = problem
                break
            shown += 1
    assert shown == Limits.FAILED_PROOFS.count
    assert refused is not None
    assert refused.problem.type is ProblemType.TOO_MANY_ATTEMPTS


def test_a_number_without_an_account_is_compared_as_often_as_one_with_an_account(
    served: Served, kiosk: TestDevice, who: str, monkeypatch: pytest.MonkeyPatch
):
    compared: list[int] = []
    compare = served.vault.compare

    async def counting(version: int, probe: bytes, references: Sequence[bytes]) -> Any:
        compared.append(len(references))
        return await compare(version, probe, references)

    monkeypatch.setattr(served.vault, "compare", counting)
    phone = fresh_phone()
    kiosk.sign_up(who, phone=phone)
    counts: list[list[int]] = []
    for number in (phone, fresh_phone()):
        compared.clear()
        claim_by_palm(kiosk, claim(kiosk, number, Proof.PALM), f"not {who}")
        counts.append(list(compared))
    assert counts[0] == counts[1] != []


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
