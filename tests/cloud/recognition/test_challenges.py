"""Light challenges: each is valid for one device, for a short time, and once."""

import dataclasses
import secrets
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest

from cloud.policy import ATTEMPTS, CHALLENGE_LIFE, Limits
from cloud.settings import Settings
from protocol.capture import Burst
from protocol.messages import (
    Challenge,
    Claim,
    ClaimOpened,
    Identification,
    Outcome,
    PalmAccepted,
    ProblemType,
    Proof,
    Purpose,
)
from tests.support.device import Refused, TestDevice, fresh_phone
from tests.support.plain_palms import burst
from tests.support.served import PLAIN, Served


def identify(kiosk: TestDevice, shown: Burst, visit_id: str = "", **sealed: Any):
    visit_id = visit_id or secrets.token_urlsafe(12)
    envelope = kiosk.seal(shown, Purpose.PAY, visit_id, **sealed)
    return kiosk.post("/identifications", envelope, Identification)


def refused(kiosk: TestDevice, shown: Burst, **sealed: Any) -> ProblemType:
    with pytest.raises(Refused) as caught:
        identify(kiosk, shown, **sealed)
    return caught.value.problem.type


def recorded(who: str, under: Challenge, replayed_under: Challenge) -> Burst:
    """Returns a burst taken under one challenge and sent as the answer to another."""
    return dataclasses.replace(burst(who, challenge=under), challenge=replayed_under.challenge_id)


# Issuing


def test_no_two_challenges_are_alike(kiosk: TestDevice):
    one, other = kiosk.challenge(), kiosk.challenge()
    assert one.challenge_id != other.challenge_id
    assert one.seed != other.seed


def test_the_challenges_of_a_device_are_limited(served: Served, kiosk: TestDevice):
    served.tally(Limits.CHALLENGES_BY_DEVICE, kiosk.id, Limits.CHALLENGES_BY_DEVICE.count)
    with pytest.raises(Refused) as caught:
        kiosk.challenge()
    assert caught.value.problem.type is ProblemType.TOO_MANY_ATTEMPTS


# Answering


def test_a_palm_that_answers_to_its_challenge_is_recognised(kiosk: TestDevice, who: str):
    kiosk.sign_up(who)
    found = identify(kiosk, burst(who, challenge=kiosk.challenge()))
    assert found.outcome is Outcome.ACCEPTED
    assert found.live


def test_a_burst_recorded_under_another_challenge_is_not_live(kiosk: TestDevice, who: str):
    kiosk.sign_up(who)
    found = identify(kiosk, recorded(who, kiosk.challenge(), kiosk.challenge()))
    assert found.outcome is Outcome.ASK_AGAIN
    assert not found.live
    assert found.customer is None


def test_a_palm_that_is_not_live_counts_as_an_attempt(kiosk: TestDevice, who: str):
    kiosk.sign_up(who)
    visit_id = secrets.token_urlsafe(12)

    def shown() -> Identification:
        return identify(kiosk, recorded(who, kiosk.challenge(), kiosk.challenge()), visit_id)

    assert [shown().attempts_left for _ in range(ATTEMPTS - 1)] == [2, 1]
    last = shown()
    assert (last.outcome, last.attempts_left) == (Outcome.REFUSED, 0)
    with pytest.raises(Refused) as caught:
        shown()
    assert caught.value.problem.type is ProblemType.TOO_MANY_ATTEMPTS


def test_a_palm_that_is_not_live_proves_no_claim(kiosk: TestDevice, who: str):
    phone = fresh_phone()
    kiosk.sign_up(who, phone=phone)
    claim = kiosk.post(
        "/claims", Claim(phone=phone, proof=Proof.PALM, purpose=Purpose.PAY), ClaimOpened
    )
    shown = recorded(who, kiosk.challenge(), kiosk.challenge())
    envelope = kiosk.seal(shown, Purpose.PAY, claim.claim_id)
    found = kiosk.post(f"/claims/{claim.claim_id}/palm", envelope, Identification)
    assert (found.outcome, found.live) == (Outcome.ASK_AGAIN, False)


def test_palms_that_are_not_live_are_not_enrolled_and_are_limited(kiosk: TestDevice, who: str):
    enrolment_id = kiosk.verified_enrolment()
    said: list[ProblemType] = []
    for _ in range(ATTEMPTS + 1):
        with pytest.raises(Refused) as caught:
            kiosk.add_palm(enrolment_id, recorded(who, kiosk.challenge(), kiosk.challenge()))
        said.append(caught.value.problem.type)
    assert said == [ProblemType.PALM_NOT_LIVE] * ATTEMPTS + [ProblemType.TOO_MANY_ATTEMPTS]


def test_a_palm_that_answers_is_enrolled(kiosk: TestDevice, who: str):
    shown = burst(who, challenge=kiosk.challenge())
    assert kiosk.add_palm(kiosk.verified_enrolment(), shown)


# Device, time and use


def test_a_challenge_can_be_used_once(kiosk: TestDevice, who: str):
    challenge = kiosk.challenge()
    identify(kiosk, burst(who, challenge=challenge))
    again = burst(who, challenge=challenge)
    assert refused(kiosk, again) is ProblemType.CHALLENGE_REFUSED


def test_a_challenge_is_used_up_by_a_burst_that_does_not_answer_it(kiosk: TestDevice, who: str):
    challenge = kiosk.challenge()
    identify(kiosk, recorded(who, kiosk.challenge(), challenge))
    assert refused(kiosk, burst(who, challenge=challenge)) is ProblemType.CHALLENGE_REFUSED


def test_one_of_two_simultaneous_bursts_uses_the_challenge(kiosk: TestDevice, who: str):
    challenge = kiosk.challenge()

    def show(_: int) -> ProblemType | None:
        try:
            identify(kiosk, burst(who, challenge=challenge))
        except Refused as error:
            return error.problem.type
        return None

    with ThreadPoolExecutor(2) as pool:
        said = list(pool.map(show, range(2)))
    assert sorted(said, key=str) == [None, ProblemType.CHALLENGE_REFUSED]


def test_the_same_request_repeated_gets_the_same_answer(kiosk: TestDevice, who: str):
    kiosk.sign_up(who)
    shown = burst(who, challenge=kiosk.challenge())
    envelope = kiosk.seal(shown, Purpose.PAY, secrets.token_urlsafe(12))
    key = secrets.token_urlsafe(16)
    answers = [kiosk.post("/identifications", envelope, Identification, key=key) for _ in range(2)]
    assert answers[0] == answers[1]


def test_an_old_challenge_is_refused(served: Served, kiosk: TestDevice, who: str):
    challenge = kiosk.challenge()
    served.ahead = kiosk.ahead = CHALLENGE_LIFE + timedelta(seconds=1)
    assert refused(kiosk, burst(who, challenge=challenge)) is ProblemType.CHALLENGE_REFUSED


def test_a_challenge_of_another_device_is_refused_and_stays_valid_there(
    served: Served, kiosk: TestDevice, who: str
):
    other = served.kiosk()
    challenge = other.challenge()
    shown = burst(who, challenge=challenge)
    assert refused(kiosk, shown) is ProblemType.CHALLENGE_REFUSED
    assert identify(other, burst(who, challenge=challenge)).live


def test_a_challenge_that_was_never_issued_is_refused(kiosk: TestDevice, who: str):
    made_up = kiosk.challenge().model_copy(update={"challenge_id": "made-up-1"})
    assert refused(kiosk, burst(who, challenge=made_up)) is ProblemType.CHALLENGE_REFUSED


def test_a_burst_is_judged_by_the_challenge_its_envelope_names(kiosk: TestDevice, who: str):
    """A compromised kiosk cannot name one challenge in the burst and another in the envelope."""
    one, other = kiosk.challenge(), kiosk.challenge()
    shown = burst(who, challenge=one)
    assert refused(kiosk, shown, challenge=other.challenge_id) is ProblemType.PALM_UNUSABLE


# Where a challenge is required


@pytest.fixture(scope="module")
def strict(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    settings = Settings(recognition=PLAIN, liveness="required")
    with Served(tmp_path_factory.mktemp("strict"), settings) as served:
        yield served


def test_a_service_announces_whether_it_requires_a_light_challenge(served: Served, strict: Served):
    assert strict.kiosk().info().light_required
    assert not served.kiosk().info().light_required


def test_a_palm_without_a_challenge_is_refused_if_challenges_are_required(strict: Served, who: str):
    kiosk = strict.kiosk()
    assert refused(kiosk, burst(who)) is ProblemType.LIGHT_REQUIRED
    enrolment_id = kiosk.verified_enrolment()
    with pytest.raises(Refused) as caught:
        kiosk.add_palm(enrolment_id, burst(who))
    assert caught.value.problem.type is ProblemType.LIGHT_REQUIRED
    shown = kiosk.seal(burst(who, challenge=kiosk.challenge()), Purpose.ENROL, enrolment_id)
    assert kiosk.post(f"/enrolments/{enrolment_id}/palms", shown, PalmAccepted)
