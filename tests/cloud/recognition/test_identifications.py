"""Identifications: who a palm belongs to, 1:N."""

import secrets
from datetime import datetime, timedelta

import pytest

from cloud.people.tables import ActivityRow
from cloud.policy import ATTEMPTS, IDENTIFICATION_LIFE, Limits
from cloud.recognition.tables import Candidate
from protocol.messages import (
    Holdings,
    Identification,
    LastFour,
    Outcome,
    ProblemType,
    Purpose,
    Side,
)
from tests.support.device import Refused, TestDevice, fresh_phone
from tests.support.plain_palms import VERSION, burst
from tests.support.served import Served

NEARLY = 0.35
"""The likeness of a palm that is asked for digits."""


def step_up(kiosk: TestDevice, found: Identification, digits: str) -> Identification:
    path = f"/identifications/{found.identification_id}/step-up"
    return kiosk.post(path, LastFour(phone_last4=digits), Identification)


def test_another_person_is_not_recognised(kiosk: TestDevice, who: str):
    kiosk.sign_up(who)
    found = kiosk.identify(f"not {who}")
    assert (found.outcome, found.customer) == (Outcome.ASK_AGAIN, None)


def test_the_other_hand_is_not_recognised(kiosk: TestDevice, who: str):
    kiosk.sign_up(who, sides=(Side.LEFT,))
    assert kiosk.identify(who, side=Side.RIGHT).outcome is Outcome.ASK_AGAIN


def test_a_stranger_may_try_until_the_attempts_of_the_visit_are_used_up(
    kiosk: TestDevice, who: str
):
    visit = secrets.token_urlsafe(12)
    found = [kiosk.identify(who, visit_id=visit) for _ in range(ATTEMPTS)]
    assert [f.outcome for f in found] == [Outcome.ASK_AGAIN, Outcome.ASK_AGAIN, Outcome.REFUSED]
    assert [f.attempts_left for f in found] == [2, 1, 0]
    with pytest.raises(Refused) as refused:
        kiosk.identify(who, visit_id=visit)
    assert refused.value.problem.type is ProblemType.TOO_MANY_ATTEMPTS


def test_a_doubtful_match_asks_for_digits_and_names_nobody(kiosk: TestDevice, who: str):
    phone = fresh_phone()
    kiosk.sign_up(who, phone=phone)
    found = kiosk.identify(who, likeness=NEARLY)
    assert (found.outcome, found.customer) == (Outcome.STEP_UP, None)
    accepted = step_up(kiosk, found, phone[-4:])
    assert accepted.outcome is Outcome.ACCEPTED
    assert accepted.customer


@pytest.fixture
def nearly(served: Served) -> float:
    """The likeness of a palm that is not enough alone."""
    policy = served.context.policy
    rarity = policy.step_up(len(served.context.gallery)) - 0.1
    return policy.score(VERSION, rarity)


def test_both_hands_that_are_not_enough_alone_are_together(
    kiosk: TestDevice, who: str, nearly: float
):
    phone = fresh_phone()
    kiosk.sign_up(who, phone=phone, sides=(Side.LEFT, Side.RIGHT))
    shown = [
        kiosk.identify(who, visit_id="visit-of-both", side=side, likeness=nearly)
        for side in (Side.LEFT, Side.RIGHT)
    ]
    assert [each.outcome for each in shown] == [Outcome.ASK_AGAIN, Outcome.STEP_UP]
    assert step_up(kiosk, shown[1], phone[-4:]).outcome is Outcome.ACCEPTED


def test_one_hand_that_is_shown_twice_is_not(kiosk: TestDevice, who: str, nearly: float):
    kiosk.sign_up(who, sides=(Side.LEFT, Side.RIGHT))
    shown = [kiosk.identify(who, visit_id="visit-of-one", likeness=nearly) for _ in range(2)]
    assert [each.outcome for each in shown] == [Outcome.ASK_AGAIN, Outcome.ASK_AGAIN]


def test_hands_of_two_visits_or_at_two_kiosks_are_not(
    served: Served, kiosk: TestDevice, who: str, nearly: float
):
    kiosk.sign_up(who, sides=(Side.LEFT, Side.RIGHT))
    kiosk.identify(who, visit_id="visit-one", likeness=nearly)
    places = [(kiosk, "visit-two"), (served.kiosk(), "visit-one")]
    shown = [
        device.identify(who, visit_id=visit, side=Side.RIGHT, likeness=nearly).outcome
        for device, visit in places
    ]
    assert shown == [Outcome.ASK_AGAIN] * 2


def test_what_a_visit_knew_is_forgotten_when_it_has_expired(
    served: Served, kiosk: TestDevice, who: str, nearly: float
):
    kiosk.sign_up(who, sides=(Side.LEFT, Side.RIGHT))
    kiosk.identify(who, visit_id="visit-of-before", likeness=nearly)
    served.ahead = kiosk.ahead = IDENTIFICATION_LIFE
    right = kiosk.identify(who, visit_id="visit-of-before", side=Side.RIGHT, likeness=nearly)
    assert right.outcome is Outcome.ASK_AGAIN


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


def test_failed_proofs_lock_an_account_at_every_device(served: Served, kiosk: TestDevice, who: str):
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


def another_candidate(served: Served, kiosk: TestDevice, found: Identification, who: str) -> str:
    """Makes somebody else a candidate of an identification too, further down the list. Returns the
    id of that person."""
    phone = fresh_phone()
    kiosk.sign_up(who, phone=phone)
    person_id = served.person_id(phone)
    served.add(Candidate(identification_id=found.identification_id, person_id=person_id, rarity=0))
    return person_id


def test_a_locked_candidate_does_not_make_guesses_at_the_others_free(
    served: Served, kiosk: TestDevice, who: str
):
    phone = fresh_phone()
    kiosk.sign_up(who, phone=phone)
    found = kiosk.identify(who, likeness=NEARLY)
    locked = another_candidate(served, kiosk, found, f"not {who}")
    served.tally(Limits.FAILED_PROOFS, locked, Limits.FAILED_PROOFS.count)
    wrong = f"{(int(phone[-4:]) + 5000) % 10**4:04d}"
    for left in (2, 1, 0):
        with pytest.raises(Refused) as refused:
            step_up(kiosk, found, wrong)
        assert refused.value.problem.type is ProblemType.STEP_UP_FAILED
        assert refused.value.problem.attempts_left == left
    with pytest.raises(Refused):
        step_up(kiosk, found, phone[-4:])


def test_a_locked_candidate_does_not_lock_the_others(served: Served, kiosk: TestDevice, who: str):
    phone = fresh_phone()
    kiosk.sign_up(who, phone=phone)
    found = kiosk.identify(who, likeness=NEARLY)
    locked = another_candidate(served, kiosk, found, f"not {who}")
    served.tally(Limits.FAILED_PROOFS, locked, Limits.FAILED_PROOFS.count)
    assert step_up(kiosk, found, phone[-4:]).outcome is Outcome.ACCEPTED


def test_digits_that_were_right_do_not_count_as_a_guess(
    served: Served, kiosk: TestDevice, who: str
):
    phone = fresh_phone()
    kiosk.sign_up(who, phone=phone)
    for _ in range(Limits.FAILED_PROOFS.count + 1):
        found = kiosk.identify(who, likeness=NEARLY)
        assert step_up(kiosk, found, phone[-4:]).outcome is Outcome.ACCEPTED


def test_wrong_digits_at_one_device_are_limited_whoever_they_are_about(
    served: Served, kiosk: TestDevice, who: str
):
    phone = fresh_phone()
    kiosk.sign_up(who, phone=phone)
    limit = Limits.FAILED_PROOFS_BY_DEVICE
    served.tally(limit, kiosk.id, limit.count - 1)
    wrong = f"{(int(phone[-4:]) + 5000) % 10**4:04d}"
    found = kiosk.identify(who, likeness=NEARLY)
    for digits, expected in (
        (wrong, ProblemType.STEP_UP_FAILED),
        (phone[-4:], ProblemType.TOO_MANY_ATTEMPTS),
    ):
        with pytest.raises(Refused) as refused:
            step_up(kiosk, found, digits)
        assert refused.value.problem.type is expected
    another = served.kiosk()
    found = another.identify(who, likeness=NEARLY)
    assert step_up(another, found, phone[-4:]).outcome is Outcome.ACCEPTED


def test_the_searches_of_a_device_are_limited(served: Served, kiosk: TestDevice, who: str):
    served.tally(Limits.SEARCHES_BY_DEVICE, kiosk.id, Limits.SEARCHES_BY_DEVICE.count - 1)
    kiosk.identify(who)
    with pytest.raises(Refused) as refused:
        kiosk.identify(who)
    assert refused.value.problem.type is ProblemType.TOO_MANY_ATTEMPTS


def test_an_identification_is_valid_for_one_purpose(kiosk: TestDevice, who: str):
    kiosk.sign_up(who)
    paying = kiosk.recognised(who, Purpose.PAY)
    with pytest.raises(Refused) as refused:
        kiosk.get(f"/identifications/{paying}/holdings", Holdings)
    assert refused.value.problem.type is ProblemType.NOT_ACCEPTED


def test_an_identification_is_valid_for_minutes_and_at_one_device(
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


def test_a_capture_sealed_for_an_enrolment_identifies_nobody(kiosk: TestDevice, who: str):
    kiosk.sign_up(who)
    envelope = kiosk.seal(burst(who), Purpose.ENROL, "a-visit-of-mine")
    with pytest.raises(Refused) as refused:
        kiosk.post("/identifications", envelope, Identification)
    assert refused.value.problem.type is ProblemType.ENVELOPE_UNREADABLE


# Uses, which keep an account from being deleted


def last_used(served: Served, phone: str) -> datetime:
    async def read() -> datetime:
        async with served.database.session() as session:
            return (await session.get_one(ActivityRow, person_id)).used_at

    person_id = served.person_id(phone)
    return served.do(read())


@pytest.mark.parametrize("purpose", [Purpose.PAY, Purpose.IDENTIFY, Purpose.CARDS, Purpose.LEAVE])
def test_to_be_recognised_is_a_use(served: Served, kiosk: TestDevice, who: str, purpose: Purpose):
    phone = fresh_phone()
    kiosk.sign_up(who, phone=phone)
    before = last_used(served, phone)
    served.ahead = kiosk.ahead = timedelta(days=3)
    asked_at = served.context.clock()
    assert kiosk.identify(f"not {who}", purpose).outcome is Outcome.ASK_AGAIN
    assert last_used(served, phone) == before
    assert kiosk.identify(who, purpose).outcome is Outcome.ACCEPTED
    assert last_used(served, phone) >= asked_at


def test_to_be_recognised_by_digits_is_a_use(served: Served, kiosk: TestDevice, who: str):
    phone = fresh_phone()
    kiosk.sign_up(who, phone=phone)
    before = last_used(served, phone)
    served.ahead = kiosk.ahead = timedelta(days=3)
    asked_at = served.context.clock()
    found = kiosk.identify(who, likeness=NEARLY)
    assert last_used(served, phone) == before
    assert step_up(kiosk, found, phone[-4:]).outcome is Outcome.ACCEPTED
    assert last_used(served, phone) >= asked_at
