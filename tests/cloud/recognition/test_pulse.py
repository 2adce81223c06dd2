"""A pulse is needed for a doubtful palm and for a large amount, digits for a larger one, and staff
for the largest; near infrared is needed from a device that has the camera."""

import secrets
from collections.abc import Iterator

import pytest
from sqlalchemy.ext.asyncio import AsyncSession

from cloud.merchants.merchants import place_of
from cloud.policy import ATTEMPTS
from cloud.settings import Settings
from cloud.web.amounts import Demand, Place, change
from palm.liveness import SURE
from protocol.capture import Burst
from protocol.fleet import Amounts
from protocol.messages import (
    Claim,
    ClaimOpened,
    Identification,
    LastFour,
    Money,
    Outcome,
    ProblemType,
    Proof,
    Purchase,
    PurchaseRequest,
    Purpose,
    Side,
)
from tests.cloud.fleet.test_fleet import told, within
from tests.support.device import Refused, TestDevice, fresh_phone
from tests.support.plain_palms import VERSION, burst
from tests.support.served import PLAIN, Served

SMALL, LARGE, HUGE, VAST = 2000, 2001, 5001, 9001
DOUBTFUL = SURE - 0.1


@pytest.fixture(scope="module")
def careful(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    settings = Settings(
        recognition=PLAIN,
        pulse_above={"USD": SMALL},
        digits_above={"USD": HUGE - 1},
        staff_above={"USD": VAST - 1},
    )
    with Served(tmp_path_factory.mktemp("careful"), settings) as served:
        yield served


@pytest.fixture
def kiosk(careful: Served) -> TestDevice:
    return careful.kiosk()


def enrol(kiosk: TestDevice, who: str) -> str:
    """Returns the number of the new account."""
    phone = fresh_phone()
    enrolment_id = kiosk.verified_enrolment(phone)
    kiosk.add_card(enrolment_id)
    kiosk.add_palm(enrolment_id, burst(who))
    kiosk.send("POST", f"/enrolments/{enrolment_id}/completion")
    return phone


def identify(
    kiosk: TestDevice, shown: Burst, visit_id: str = "", minor: int | None = None
) -> Identification:
    envelope = kiosk.seal(shown, Purpose.PAY, visit_id or secrets.token_urlsafe(12))
    pays = "" if minor is None else f"?amount={minor}&currency=USD"
    return kiosk.post(f"/identifications{pays}", envelope, Identification)


def proven(kiosk: TestDevice, who: str) -> Identification:
    """Returns somebody new who has given the whole number, and shown the palm with its pulse."""
    claim = Claim(phone=enrol(kiosk, who), proof=Proof.PALM, purpose=Purpose.PAY)
    claim_id = kiosk.post("/claims", claim, ClaimOpened).claim_id
    envelope = kiosk.seal(burst(who, pulse=True), Purpose.PAY, claim_id)
    return kiosk.post(f"/claims/{claim_id}/palm", envelope, Identification)


def buy(
    kiosk: TestDevice, found: Identification, minor: int, *, staff_seen: bool = False
) -> Purchase:
    request = PurchaseRequest(
        identification_id=found.identification_id,
        amount=Money(minor=minor, currency="USD"),
        reference=secrets.token_urlsafe(12),
        staff_seen=staff_seen,
    )
    return kiosk.post("/purchases", request, Purchase)


def test_a_palm_with_a_high_liveness_score_needs_no_pulse(kiosk: TestDevice, who: str) -> None:
    enrol(kiosk, who)
    assert identify(kiosk, burst(who, score=SURE)).outcome is Outcome.ACCEPTED


def test_a_palm_with_a_doubtful_score_needs_a_pulse_and_names_nobody(
    kiosk: TestDevice, who: str
) -> None:
    enrol(kiosk, who)
    found = identify(kiosk, burst(who, score=DOUBTFUL), "visit-doubtful")
    assert (found.outcome, found.customer) == (Outcome.HOLD_LONGER, None)
    assert found.attempts_left == ATTEMPTS - 1
    with pytest.raises(Refused) as refused:
        buy(kiosk, found, SMALL)
    assert refused.value.problem.type is ProblemType.NOT_ACCEPTED
    again = identify(kiosk, burst(who, score=DOUBTFUL, pulse=True), "visit-doubtful")
    assert again.outcome is Outcome.ACCEPTED


def test_after_one_request_for_a_pulse_every_palm_of_the_visit_needs_one(
    kiosk: TestDevice, who: str
) -> None:
    enrol(kiosk, who)
    shown = (DOUBTFUL, SURE + 1, SURE + 1)
    outcomes = [identify(kiosk, burst(who, score=s), "visit-insists").outcome for s in shown]
    assert outcomes == [Outcome.HOLD_LONGER, Outcome.HOLD_LONGER, Outcome.REFUSED]


def test_a_doubtful_palm_proves_a_claim_only_with_its_pulse(kiosk: TestDevice, who: str) -> None:
    phone = enrol(kiosk, who)
    claim = Claim(phone=phone, proof=Proof.PALM, purpose=Purpose.PAY)
    claim_id = kiosk.post("/claims", claim, ClaimOpened).claim_id

    def prove(shown: Burst) -> Outcome:
        envelope = kiosk.seal(shown, Purpose.PAY, claim_id)
        return kiosk.post(f"/claims/{claim_id}/palm", envelope, Identification).outcome

    assert prove(burst(who, score=DOUBTFUL)) is Outcome.HOLD_LONGER
    assert prove(burst(who, score=DOUBTFUL, pulse=True)) is Outcome.ACCEPTED


def test_a_doubtful_palm_is_enrolled_only_with_its_pulse(kiosk: TestDevice, who: str) -> None:
    enrolment_id = kiosk.verified_enrolment()
    with pytest.raises(Refused) as refused:
        kiosk.add_palm(enrolment_id, burst(who, score=DOUBTFUL))
    assert refused.value.problem.type is ProblemType.HOLD_LONGER
    assert kiosk.add_palm(enrolment_id, burst(who, score=DOUBTFUL, pulse=True)).palms


def test_a_large_sale_needs_a_pulse_and_a_small_one_does_not(kiosk: TestDevice, who: str) -> None:
    assert kiosk.info().pulse_above == SMALL
    enrol(kiosk, who)
    with pytest.raises(Refused) as refused:
        buy(kiosk, identify(kiosk, burst(who)), LARGE)
    assert refused.value.problem.type is ProblemType.HOLD_LONGER
    assert buy(kiosk, identify(kiosk, burst(who)), SMALL).outcome == "approved"
    assert buy(kiosk, identify(kiosk, burst(who, pulse=True)), LARGE).outcome == "approved"


def test_a_huge_sale_needs_digits_however_clear_the_palm_is(kiosk: TestDevice, who: str) -> None:
    phone = enrol(kiosk, who)
    palm = burst(who, pulse=True)
    found = identify(kiosk, palm, minor=HUGE)
    assert (found.outcome, found.customer) == (Outcome.STEP_UP, None)
    path = f"/identifications/{found.identification_id}/step-up"
    found = kiosk.post(path, LastFour(phone_last4=phone[-4:]), Identification)
    assert found.outcome is Outcome.ACCEPTED
    assert buy(kiosk, found, HUGE).outcome == "approved"
    assert identify(kiosk, palm, minor=HUGE - 1).outcome is Outcome.ACCEPTED


def test_the_largest_sales_need_staff_who_see_the_hand(kiosk: TestDevice, who: str) -> None:
    assert kiosk.info().staff_above == VAST - 1
    found = proven(kiosk, who)
    with pytest.raises(Refused) as refused:
        buy(kiosk, found, VAST)
    assert refused.value.problem.type is ProblemType.STAFF_REQUIRED
    assert buy(kiosk, found, VAST, staff_seen=True).outcome == "approved"


def test_a_merchant_and_its_site_demand_more_than_the_service(careful: Served, who: str) -> None:
    site_id = careful.merchant()
    kiosk = careful.kiosk(site_id)
    assert told(kiosk).amounts is None

    async def demand(session: AsyncSession) -> None:
        _, merchant = await place_of(session, site_id)
        for place, values in (
            (Place(merchant.id), {Demand.DIGITS: 900, Demand.TOUCH: 100}),
            (Place(merchant.id, site_id), {Demand.STAFF: 500}),
        ):
            await change(session, careful.context.settings, place, "USD", values)

    within(careful, demand)
    assert told(kiosk).amounts == Amounts(currency="USD", staff_above=500, unconfirmed_below=100)
    enrol(kiosk, who)
    found = identify(kiosk, burst(who))
    with pytest.raises(Refused) as refused:
        buy(kiosk, found, 501)
    assert refused.value.problem.type is ProblemType.STAFF_REQUIRED
    assert buy(kiosk, found, 501, staff_seen=True).outcome == "approved"
    assert identify(kiosk, burst(who), minor=901).outcome is Outcome.STEP_UP


def test_a_kiosk_that_does_not_tell_the_amount_sells_nothing_huge(
    kiosk: TestDevice, who: str
) -> None:
    enrol(kiosk, who)
    for amount in (None, SMALL):
        with pytest.raises(Refused) as refused:
            buy(kiosk, identify(kiosk, burst(who, pulse=True), minor=amount), HUGE)
        assert refused.value.problem.type is ProblemType.NOT_ACCEPTED


def test_whoever_has_given_the_whole_number_needs_no_digits(kiosk: TestDevice, who: str) -> None:
    assert buy(kiosk, proven(kiosk, who), HUGE).outcome == "approved"


def test_a_hand_whose_pulse_was_asked_for_counts_with_no_other(
    careful: Served, kiosk: TestDevice, who: str
) -> None:
    enrolment_id = kiosk.verified_enrolment()
    kiosk.add_card(enrolment_id)
    for side in Side:
        kiosk.add_palm(enrolment_id, burst(who, side))
    kiosk.send("POST", f"/enrolments/{enrolment_id}/completion")
    policy = careful.context.policy
    rarity = policy.step_up(len(careful.context.gallery)) - 0.1
    nearly = policy.score(VERSION, rarity)
    doubtful = burst(who, Side.LEFT, nearly, score=DOUBTFUL)
    assert identify(kiosk, doubtful, "visit-in-doubt").outcome is Outcome.HOLD_LONGER
    right, left = (burst(who, side, nearly, pulse=True) for side in (Side.RIGHT, Side.LEFT))
    assert identify(kiosk, right, "visit-in-doubt").outcome is Outcome.ASK_AGAIN
    assert identify(kiosk, left, "visit-in-doubt").outcome is Outcome.STEP_UP


def test_a_device_with_a_near_infrared_camera_must_send_near_infrared_frames(
    careful: Served, who: str
) -> None:
    seeing = careful.device()
    seeing.activate(careful.activation_code(), infrared=True)
    with pytest.raises(Refused) as refused:
        identify(seeing, burst(who))
    assert refused.value.problem.type is ProblemType.INFRARED_REQUIRED
    assert identify(seeing, burst(who, infrared=True)).outcome is Outcome.ASK_AGAIN


def test_a_device_that_is_activated_again_without_the_camera_need_not(
    careful: Served, who: str
) -> None:
    mended = careful.device()
    mended.activate(careful.activation_code(), infrared=True)
    mended.activate(careful.activation_code())
    assert identify(mended, burst(who)).outcome is Outcome.ASK_AGAIN
