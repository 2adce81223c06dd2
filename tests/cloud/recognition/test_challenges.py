"""Light challenges: each is issued for pictures in white, to one device, answered within two
seconds, and used once."""

import secrets
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from cloud.policy import ATTEMPTS, CHALLENGE_LIFE, Limits
from cloud.settings import Settings
from cloud.vault.examiner import Flaw
from protocol.binding import ANSWER_WITHIN, answer_of
from protocol.capture import Burst
from protocol.encoding import to_base64
from protocol.messages import (
    Challenge,
    ChallengeAnswer,
    Claim,
    ClaimOpened,
    Commitment,
    Identification,
    Outcome,
    PalmAccepted,
    ProblemType,
    Proof,
    Purpose,
)
from tests.support.device import Refused, TestDevice, fresh_phone, refusal
from tests.support.plain_palms import burst
from tests.support.served import PLAIN, Served
from tests.support.sites import Site

Take = Callable[[Challenge | None], Burst]
TICK = timedelta(milliseconds=1)


@pytest.fixture(autouse=True)
def still(served: Served) -> None:
    """Stops the clock of the service during a test: a busy machine may need more than two seconds
    for an answer."""
    served.stop_clock()


def palm(who: str, **more: Any) -> Take:
    """Returns a function that takes a palm under a challenge."""
    return lambda challenge: burst(who, challenge=challenge, **more)


def identify(kiosk: TestDevice, shown: Burst, visit_id: str = "", **sealed: Any):
    visit_id = visit_id or secrets.token_urlsafe(12)
    envelope = kiosk.seal(shown, Purpose.PAY, visit_id, **sealed)
    return kiosk.post("/identifications", envelope, Identification)


def refused(kiosk: TestDevice, shown: Burst, **sealed: Any) -> ProblemType:
    with pytest.raises(Refused) as caught:
        identify(kiosk, shown, **sealed)
    return caught.value.problem.type


def answer_refused(kiosk: TestDevice, challenge: Challenge, shown: Burst) -> bool:
    """Returns whether an answer is refused."""
    told = ChallengeAnswer(answer=to_base64(answer_of(shown)))
    path = f"/challenges/{challenge.challenge_id}/answer"
    response = kiosk.send("POST", path, told.model_dump_json().encode())
    if response.is_success:
        return False
    return refusal(response).type is ProblemType.CHALLENGE_REFUSED


def recording(kiosk: TestDevice, who: str) -> Burst:
    """Returns a burst that was taken under an earlier challenge, with the digests of a new one."""
    earlier = burst(who, challenge=kiosk.challenge(burst(who)))
    return kiosk.lit(lambda challenge: sent_for(earlier, challenge) if challenge else earlier)


def sent_for(shown: Burst, challenge: Challenge) -> Burst:
    return replace(shown, challenge=challenge.challenge_id)


# Committing


def test_no_two_challenges_are_alike(kiosk: TestDevice, who: str):
    one, other = kiosk.challenge(burst(who)), kiosk.challenge(burst(who))
    assert one.challenge_id != other.challenge_id
    assert one.seed != other.seed


def test_no_seed_is_told_before_the_commitment_and_an_old_kiosk_reads_what_to_do(
    kiosk: TestDevice,
):
    said = refusal(kiosk.send("POST", "/challenges"))
    assert (said.type, said.status) == (ProblemType.MALFORMED, 422)
    assert "update this kiosk" in said.detail


@pytest.mark.parametrize("commitment", ["", "AAAA", to_base64(bytes(31)), to_base64(bytes(33))])
def test_a_commitment_that_is_no_digest_is_refused(kiosk: TestDevice, commitment: str):
    body = Commitment.model_construct(commitment=commitment)
    with pytest.raises(Refused) as caught:
        kiosk.post("/challenges", body, Challenge)
    assert caught.value.problem.type is ProblemType.MALFORMED


def test_other_pictures_in_white_than_those_committed_to_are_not_live(kiosk: TestDevice, who: str):
    kiosk.sign_up(who)
    challenge = kiosk.challenge(burst("somebody else"))
    shown = burst(who, challenge=challenge)
    kiosk.answer(challenge, shown)
    assert not identify(kiosk, shown).live


def test_one_picture_in_white_more_or_fewer_is_not_live(kiosk: TestDevice, who: str):
    kiosk.sign_up(who)
    one = burst(who)
    two = replace(one, frames=[*one.frames, replace(one.frames[0], at_ms=33)])
    for committed, sent in ((one, two), (two, one)):
        challenge = kiosk.challenge(committed)
        steps = burst(who, challenge=challenge).frames[1:]
        shown = Burst([*sent.frames, *steps], challenge.challenge_id)
        kiosk.answer(challenge, shown)
        assert not identify(kiosk, shown).live


def test_a_commitment_made_again_gets_another_seed_which_the_pictures_of_the_first_do_not_answer(
    kiosk: TestDevice, who: str
):
    kiosk.sign_up(who)
    first = burst(who, challenge=kiosk.challenge(burst(who)))
    again = kiosk.challenge(burst(who))
    shown = sent_for(first, again)
    kiosk.answer(again, shown)
    assert not identify(kiosk, shown).live


# Answering


def test_a_palm_that_answers_to_its_challenge_is_recognised(kiosk: TestDevice, who: str):
    kiosk.sign_up(who)
    found = identify(kiosk, kiosk.lit(palm(who)))
    assert found.outcome is Outcome.ACCEPTED
    assert found.live


def test_a_palm_with_near_infrared_and_pulse_is_recognised(kiosk: TestDevice, who: str):
    kiosk.sign_up(who)
    found = identify(kiosk, kiosk.lit(palm(who, infrared=True, pulse=True)))
    assert (found.outcome, found.live) == (Outcome.ACCEPTED, True)


def test_an_answer_is_taken_until_two_seconds_after_the_challenge_and_not_later(
    served: Served, kiosk: TestDevice, who: str
):
    one, other = kiosk.challenge(burst(who)), kiosk.challenge(burst(who))
    served.ahead = timedelta(seconds=2) - TICK
    assert not answer_refused(kiosk, one, burst(who, challenge=one))
    served.ahead = timedelta(seconds=2)
    assert answer_refused(kiosk, other, burst(who, challenge=other))
    assert refused(kiosk, burst(who, challenge=other)) is ProblemType.CHALLENGE_REFUSED


def test_the_clock_of_the_device_does_not_give_it_more_time(
    served: Served, kiosk: TestDevice, who: str
):
    challenge = kiosk.challenge(burst(who))
    served.ahead = ANSWER_WITHIN
    kiosk.ahead = -ANSWER_WITHIN
    assert answer_refused(kiosk, challenge, burst(who, challenge=challenge))


def test_the_envelope_may_follow_for_two_minutes_after_the_answer(
    served: Served, kiosk: TestDevice, who: str
):
    """So a slow line has time for the pictures."""
    kiosk.sign_up(who)
    shown = kiosk.lit(palm(who))
    late = kiosk.lit(palm(who))
    served.ahead = kiosk.ahead = CHALLENGE_LIFE - TICK
    assert identify(kiosk, shown).live
    served.ahead = kiosk.ahead = CHALLENGE_LIFE
    assert refused(kiosk, late) is ProblemType.CHALLENGE_REFUSED


def test_a_challenge_that_was_not_answered_in_time_is_refused_with_its_envelope(
    kiosk: TestDevice, who: str
):
    challenge = kiosk.challenge(burst(who))
    shown = burst(who, challenge=challenge)
    assert refused(kiosk, shown) is ProblemType.CHALLENGE_REFUSED
    kiosk.answer(challenge, shown)
    assert identify(kiosk, shown).live, "and can be answered and sent afterwards"


def test_a_challenge_is_answered_once(kiosk: TestDevice, who: str):
    kiosk.sign_up(who)
    challenge = kiosk.challenge(burst(who))
    shown = burst(who, challenge=challenge)
    kiosk.answer(challenge, shown)
    other = replace(shown, frames=[*shown.frames[:-1], replace(shown.frames[-1], light=4)])
    assert answer_refused(kiosk, challenge, burst("somebody else"))
    assert answer_refused(kiosk, challenge, other)
    assert answer_refused(kiosk, challenge, shown)
    assert identify(kiosk, shown).live, "the first answer stands"


def test_one_of_two_simultaneous_answers_is_taken(kiosk: TestDevice, who: str):
    challenge = kiosk.challenge(burst(who))
    shown = burst(who, challenge=challenge)
    with ThreadPoolExecutor(2) as pool:
        said = list(pool.map(lambda _: answer_refused(kiosk, challenge, shown), range(2)))
    assert sorted(said) == [False, True]


def test_an_answer_that_is_repeated_with_its_key_is_answered_alike(kiosk: TestDevice, who: str):
    challenge = kiosk.challenge(burst(who))
    shown, key = burst(who, challenge=challenge), secrets.token_urlsafe(16)
    assert kiosk.answer(challenge, shown, key=key) == kiosk.answer(challenge, shown, key=key)


def test_another_device_cannot_answer_a_challenge(served: Served, kiosk: TestDevice, who: str):
    other = served.kiosk()
    challenge = other.challenge(burst(who))
    shown = burst(who, challenge=challenge)
    assert answer_refused(kiosk, challenge, shown)
    other.answer(challenge, shown)
    assert identify(other, shown).live


def test_a_challenge_that_was_never_issued_cannot_be_answered(kiosk: TestDevice, who: str):
    made_up = kiosk.challenge(burst(who)).model_copy(update={"challenge_id": "made-up-1"})
    assert answer_refused(kiosk, made_up, burst(who))


def test_other_pictures_under_the_steps_than_those_answered_with_are_not_live(
    kiosk: TestDevice, who: str
):
    """Whoever needs longer than two seconds to make pictures that fit has answered already."""
    kiosk.sign_up(who)
    challenge = kiosk.challenge(burst(who))
    kiosk.answer(challenge, recording_for(challenge, who))
    assert not identify(kiosk, burst(who, challenge=challenge)).live


def recording_for(challenge: Challenge, who: str) -> Burst:
    other = challenge.model_copy(update={"seed": to_base64(bytes(32))})
    return burst(who, challenge=other)


def test_a_burst_recorded_under_another_challenge_is_not_live(kiosk: TestDevice, who: str):
    kiosk.sign_up(who)
    found = identify(kiosk, recording(kiosk, who))
    assert found.outcome is Outcome.ASK_AGAIN
    assert not found.live
    assert found.customer is None


@pytest.mark.parametrize(
    "times",
    [
        lambda frame: frame.at_ms if frame.light is None else 500 - 60 * frame.light,
        lambda frame: 20_000 * (frame.light or 0) + (frame.light is not None) * 100,
        lambda frame: 1000 if frame.light is None else frame.at_ms,
        lambda frame: 100,
    ],
    ids=["reversed", "20 s apart", "before the pictures in white", "all at once"],
)
def test_steps_in_another_order_or_at_another_pace_are_not_live(
    kiosk: TestDevice, who: str, times: Callable[[Any], int]
):
    kiosk.sign_up(who)

    def slowly(challenge: Challenge | None) -> Burst:
        shown = burst(who, challenge=challenge)
        if challenge is None:
            return shown
        frames = [replace(frame, at_ms=times(frame)) for frame in shown.frames]
        return replace(shown, frames=sorted(frames, key=lambda frame: frame.at_ms))

    assert not identify(kiosk, kiosk.lit(slowly)).live


def test_a_palm_that_is_not_live_counts_as_an_attempt(kiosk: TestDevice, who: str):
    kiosk.sign_up(who)
    visit_id = secrets.token_urlsafe(12)

    def shown() -> Identification:
        return identify(kiosk, recording(kiosk, who), visit_id)

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
    envelope = kiosk.seal(recording(kiosk, who), Purpose.PAY, claim.claim_id)
    found = kiosk.post(f"/claims/{claim.claim_id}/palm", envelope, Identification)
    assert (found.outcome, found.live) == (Outcome.ASK_AGAIN, False)


def test_palms_that_are_not_live_are_not_enrolled_and_are_limited(kiosk: TestDevice, who: str):
    enrolment_id = kiosk.verified_enrolment()
    said: list[ProblemType] = []
    for _ in range(ATTEMPTS + 1):
        with pytest.raises(Refused) as caught:
            kiosk.add_palm(enrolment_id, recording(kiosk, who))
        said.append(caught.value.problem.type)
    assert said == [ProblemType.PALM_NOT_LIVE] * ATTEMPTS + [ProblemType.TOO_MANY_ATTEMPTS]


def test_a_palm_that_answers_is_enrolled(kiosk: TestDevice, who: str):
    assert kiosk.add_palm(kiosk.verified_enrolment(), kiosk.lit(palm(who)))


# How many


def test_a_device_has_twenty_challenges_in_ten_minutes(served: Served, kiosk: TestDevice, who: str):
    for _ in range(20):
        kiosk.challenge(burst(who))
    with pytest.raises(Refused) as caught:
        kiosk.challenge(burst(who))
    assert caught.value.problem.type is ProblemType.TOO_MANY_ATTEMPTS
    assert caught.value.problem.retry_after
    other = served.kiosk()
    assert other.challenge(burst(who)), "another device is not held up"
    served.ahead = kiosk.ahead = timedelta(minutes=10, seconds=1)
    assert kiosk.challenge(burst(who))


def test_a_challenge_that_a_living_hand_answers_is_not_counted(
    served: Served, kiosk: TestDevice, who: str
):
    """So a shopper every twenty seconds is no limit, though thirty in ten minutes need thirty
    challenges."""
    served.tally(Limits.CHALLENGES_BY_DEVICE, kiosk.id, Limits.CHALLENGES_BY_DEVICE.count - 1)
    for n in range(3):
        assert identify(kiosk, kiosk.lit(palm(f"{who} {n}"))).live, "known or not"
    kiosk.challenge(burst(who))
    with pytest.raises(Refused) as caught:
        kiosk.challenge(burst(who))
    assert caught.value.problem.type is ProblemType.TOO_MANY_ATTEMPTS


def test_a_gate_that_many_pass_is_not_held_up_by_one_hand_in_thirty(served: Served, who: str):
    gate = Site(served, served.merchant(name="Works")).gate()
    before = Limits.CHALLENGES_BY_DEVICE.count
    for _ in range(before):
        gate.challenge(burst(who))
    served.tally(Limits.CHALLENGES_AT_DOOR, gate.id, Limits.CHALLENGES_AT_DOOR.count - before - 1)
    assert identify(gate, gate.lit(palm(who))).live, "and it is given back"
    gate.challenge(burst(who))
    with pytest.raises(Refused) as caught:
        gate.challenge(burst(who))
    assert caught.value.problem.type is ProblemType.TOO_MANY_ATTEMPTS


@pytest.mark.parametrize("how", ["not live", "unclear", "unanswered", "unreadable"])
def test_a_challenge_that_no_living_hand_answers_stays_counted(
    served: Served, kiosk: TestDevice, who: str, how: str
):
    served.tally(Limits.CHALLENGES_BY_DEVICE, kiosk.id, Limits.CHALLENGES_BY_DEVICE.count - 1)
    match how:
        case "not live":
            shown = kiosk.lit(
                lambda challenge: burst(who if challenge else "else", challenge=challenge)
            )
            assert not identify(kiosk, shown).live
        case "unclear":
            shown = kiosk.lit(palm(who, flaw=Flaw.UNCLEAR))
            assert refused(kiosk, shown) is ProblemType.PALM_UNUSABLE
        case "unanswered":
            kiosk.challenge(burst(who))
        case _:
            shown = kiosk.lit(palm(who))
            assert refused(kiosk, shown, device_id="another-1") is ProblemType.ENVELOPE_UNREADABLE
    with pytest.raises(Refused) as caught:
        kiosk.challenge(burst(who))
    assert caught.value.problem.type is ProblemType.TOO_MANY_ATTEMPTS


def test_a_palm_without_a_challenge_gives_none_back(served: Served, kiosk: TestDevice, who: str):
    served.tally(Limits.CHALLENGES_BY_DEVICE, kiosk.id, Limits.CHALLENGES_BY_DEVICE.count)
    assert identify(kiosk, burst(who)).live
    with pytest.raises(Refused) as caught:
        kiosk.challenge(burst(who))
    assert caught.value.problem.type is ProblemType.TOO_MANY_ATTEMPTS


# Device, time and use


def test_a_challenge_can_be_used_once(kiosk: TestDevice, who: str):
    shown = kiosk.lit(palm(who))
    identify(kiosk, shown)
    assert refused(kiosk, shown) is ProblemType.CHALLENGE_REFUSED


def test_a_challenge_is_used_up_by_a_burst_that_does_not_answer_it(kiosk: TestDevice, who: str):
    shown = kiosk.lit(palm(who))
    assert not identify(kiosk, replace(shown, frames=shown.frames[:-1])).live
    assert refused(kiosk, shown) is ProblemType.CHALLENGE_REFUSED


def test_one_of_two_simultaneous_bursts_uses_the_challenge(kiosk: TestDevice, who: str):
    shown = kiosk.lit(palm(who))

    def show(_: int) -> ProblemType | None:
        try:
            identify(kiosk, shown)
        except Refused as error:
            return error.problem.type
        return None

    with ThreadPoolExecutor(2) as pool:
        said = list(pool.map(show, range(2)))
    assert sorted(said, key=str) == [None, ProblemType.CHALLENGE_REFUSED]


def test_the_same_request_repeated_gets_the_same_answer(kiosk: TestDevice, who: str):
    kiosk.sign_up(who)
    envelope = kiosk.seal(kiosk.lit(palm(who)), Purpose.PAY, secrets.token_urlsafe(12))
    key = secrets.token_urlsafe(16)
    answers = [kiosk.post("/identifications", envelope, Identification, key=key) for _ in range(2)]
    assert answers[0] == answers[1]


def test_a_challenge_of_another_device_is_refused_and_stays_valid_there(
    served: Served, kiosk: TestDevice, who: str
):
    other = served.kiosk()
    shown = other.lit(palm(who))
    assert refused(kiosk, shown) is ProblemType.CHALLENGE_REFUSED
    assert identify(other, shown).live


def test_a_challenge_that_was_never_issued_is_refused(kiosk: TestDevice, who: str):
    made_up = replace(kiosk.lit(palm(who)), challenge="made-up-1")
    assert refused(kiosk, made_up) is ProblemType.CHALLENGE_REFUSED


def test_a_burst_is_judged_by_the_challenge_its_envelope_names(kiosk: TestDevice, who: str):
    """A compromised kiosk cannot name one challenge in the burst and another in the envelope."""
    one, other = kiosk.lit(palm(who)), kiosk.lit(palm(who))
    assert refused(kiosk, one, challenge=other.challenge) is ProblemType.PALM_UNUSABLE


# Where a challenge is required


@pytest.fixture(scope="module")
def strict(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    settings = Settings(recognition=PLAIN, liveness="required")
    with Served(tmp_path_factory.mktemp("strict"), settings) as served:
        served.stop_clock()
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
    shown = kiosk.seal(kiosk.lit(palm(who)), Purpose.ENROL, enrolment_id)
    assert kiosk.post(f"/enrolments/{enrolment_id}/palms", shown, PalmAccepted)


def test_an_old_kiosk_gets_no_challenge_where_one_is_required_and_none_where_it_is_not(
    served: Served, strict: Served
):
    """There is one way to a challenge, and whoever needs none may leave it out."""
    for service in (served, strict):
        said = refusal(service.kiosk().send("POST", "/challenges"))
        assert (said.type, "update this kiosk" in said.detail) == (ProblemType.MALFORMED, True)
