"""Enrolments, and what can go wrong with each step."""

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from sqlalchemy import func, select

from cloud.db.tables import Table
from cloud.keys.tables import Person
from cloud.messages import NoMessenger
from cloud.payments.tables import CardRow
from cloud.people.enrolments import erase_expired
from cloud.people.tables import EnrolmentRow
from cloud.policy import CODE_ATTEMPTS, ENROLMENT_LIFE, RESEND_AFTER, Limits
from cloud.recognition.tables import PalmRow
from cloud.vault.examiner import Flaw
from protocol.messages import (
    Account,
    CodeEntry,
    Enrolment,
    EnrolmentRequest,
    Outcome,
    PhoneVerified,
    ProblemType,
    Purpose,
    Side,
)
from tests.support.device import Refused, TestDevice, fresh_phone
from tests.support.meanwhile import AllAtOnce, Meanwhile
from tests.support.plain_palms import burst
from tests.support.served import Served


def wrong(code: str) -> CodeEntry:
    return CodeEntry(code=f"{(int(code) + 1) % 10**6:06d}")


def count(served: Served, table: type[Table]) -> int:
    async def read() -> int:
        async with served.context.database.session() as session:
            return await session.scalar(select(func.count()).select_from(table)) or 0

    return served.do(read())


# The number


@pytest.mark.parametrize(
    "phone",
    [
        pytest.param("+999123456789", id="from nowhere"),
        pytest.param("+14151", id="too short"),
        pytest.param("+18005551234", id="toll-free"),
        pytest.param("+442071234567", id="a landline"),
    ],
)
def test_a_number_that_is_not_mobile_is_refused(kiosk: TestDevice, phone: str):
    consent = kiosk.consent()
    if len(phone) < 8:
        body = EnrolmentRequest.model_construct(phone=phone, consent=consent)
    else:
        body = EnrolmentRequest(phone=phone, consent=consent)
    with pytest.raises(Refused) as refused:
        kiosk.post("/enrolments", body, Enrolment)
    expected = ProblemType.MALFORMED if len(phone) < 8 else ProblemType.PHONE_NOT_ACCEPTED
    assert refused.value.problem.type is expected
    assert phone not in refused.value.response.text


def test_consent_to_an_old_wording_is_refused(kiosk: TestDevice):
    consent = kiosk.consent(texts=["A" * 43 + "="])
    with pytest.raises(Refused) as refused:
        kiosk.post("/enrolments", EnrolmentRequest(phone=fresh_phone(), consent=consent), Enrolment)
    assert refused.value.problem.type is ProblemType.CONFLICT


def test_a_wrong_code_is_answered_with_the_attempts_left_until_none_is(kiosk: TestDevice):
    phone = fresh_phone()
    path = f"/enrolments/{kiosk.begin_enrolment(phone).enrolment_id}/code"
    code = kiosk.last_one_time_code(phone)
    for left in reversed(range(CODE_ATTEMPTS)):
        with pytest.raises(Refused) as refused:
            kiosk.post(path, wrong(code), PhoneVerified)
        assert refused.value.problem.type is ProblemType.WRONG_CODE
        assert refused.value.problem.attempts_left == left
    with pytest.raises(Refused) as refused:
        kiosk.post(path, CodeEntry(code=code), PhoneVerified)
    assert refused.value.problem.type is ProblemType.TOO_MANY_ATTEMPTS


def test_the_same_wrong_entry_sent_again_counts_once(kiosk: TestDevice):
    phone = fresh_phone()
    path = f"/enrolments/{kiosk.begin_enrolment(phone).enrolment_id}/code"
    code = kiosk.last_one_time_code(phone)
    for _ in range(CODE_ATTEMPTS + 2):
        with pytest.raises(Refused) as refused:
            kiosk.post(path, wrong(code), PhoneVerified, key="the-same-key")
        assert refused.value.problem.attempts_left == CODE_ATTEMPTS - 1
    assert not kiosk.post(path, CodeEntry(code=code), PhoneVerified).known


def test_a_one_time_code_expires(served: Served, kiosk: TestDevice):
    phone = fresh_phone()
    enrolment = kiosk.begin_enrolment(phone)
    served.ahead = kiosk.ahead = timedelta(minutes=11)
    with pytest.raises(Refused) as refused:
        kiosk.verify_phone(enrolment.enrolment_id, phone)
    assert refused.value.problem.type is ProblemType.EXPIRED


def test_what_a_kiosk_may_not_ask_for_is_not_counted_for_the_phone(
    served: Served, kiosk: TestDevice
):
    phone = fresh_phone()
    served.tally(Limits.CODES_BY_DEVICE, kiosk.id, Limits.CODES_BY_DEVICE.count)
    for _ in range(Limits.CODES_TO_PHONE.count):
        with pytest.raises(Refused) as refused:
            kiosk.begin_enrolment(phone)
        assert refused.value.problem.type is ProblemType.TOO_MANY_ATTEMPTS
    assert served.kiosk().begin_enrolment(phone)


def test_another_code_can_be_sent_later_and_replaces_the_first(served: Served, kiosk: TestDevice):
    phone = fresh_phone()
    enrolment_id = kiosk.begin_enrolment(phone).enrolment_id
    first = kiosk.last_one_time_code(phone)
    resend = f"/enrolments/{enrolment_id}/code/resend"
    with pytest.raises(Refused) as refused:
        kiosk.post(resend, None, Enrolment)
    assert refused.value.problem.type is ProblemType.TOO_MANY_ATTEMPTS
    assert refused.value.problem.retry_after

    served.ahead = kiosk.ahead = RESEND_AFTER
    assert kiosk.post(resend, None, Enrolment).enrolment_id == enrolment_id
    if first != kiosk.last_one_time_code(phone):
        with pytest.raises(Refused):
            kiosk.post(f"/enrolments/{enrolment_id}/code", CodeEntry(code=first), PhoneVerified)
    assert not kiosk.verify_phone(enrolment_id, phone).known


def test_the_codes_to_a_number_are_limited(served: Served, kiosk: TestDevice):
    phone = fresh_phone()
    for _ in range(Limits.CODES_TO_PHONE.count):
        kiosk.begin_enrolment(phone)
    for device in (kiosk, served.kiosk()):
        with pytest.raises(Refused) as refused:
            device.begin_enrolment(phone)
        assert refused.value.problem.type is ProblemType.TOO_MANY_ATTEMPTS
        assert refused.value.problem.retry_after
    kiosk.begin_enrolment(fresh_phone())


def test_wrong_codes_of_all_enrolments_with_a_number_are_counted_together(kiosk: TestDevice):
    phone = fresh_phone()
    said: list[ProblemType] = []
    for _ in range(3):
        enrolment_id = kiosk.begin_enrolment(phone).enrolment_id
        code = f"{(int(kiosk.last_one_time_code(phone)) + 1) % 10**6:06d}"
        for _ in range(CODE_ATTEMPTS):
            with pytest.raises(Refused) as refused:
                kiosk.post(f"/enrolments/{enrolment_id}/code", CodeEntry(code=code), PhoneVerified)
            said.append(refused.value.problem.type)
    count = Limits.FAILED_PROOFS.count
    assert said[:count] == [ProblemType.WRONG_CODE] * count
    assert said[count:] == [ProblemType.TOO_MANY_ATTEMPTS] * (15 - count)


def test_a_number_cannot_have_two_accounts(kiosk: TestDevice, who: str):
    phone = fresh_phone()
    kiosk.sign_up(who, phone=phone)
    enrolment_id = kiosk.begin_enrolment(phone).enrolment_id
    assert kiosk.verify_phone(enrolment_id, phone).known
    with pytest.raises(Refused) as refused:
        kiosk.add_card(enrolment_id)
    assert refused.value.problem.type is ProblemType.CONFLICT


def test_nothing_is_taken_before_the_number_is_verified(kiosk: TestDevice, who: str):
    enrolment_id = kiosk.begin_enrolment(fresh_phone()).enrolment_id
    for attempt in (
        lambda: kiosk.add_card(enrolment_id),
        lambda: kiosk.add_palm(enrolment_id, burst(who)),
        lambda: kiosk.post(f"/enrolments/{enrolment_id}/completion", None, Account),
    ):
        with pytest.raises(Refused) as refused:
            attempt()
        assert refused.value.problem.type is ProblemType.CONFLICT


def test_an_enrolment_of_another_device_is_not_found(served: Served, kiosk: TestDevice):
    enrolment_id = kiosk.verified_enrolment()
    with pytest.raises(Refused) as refused:
        served.kiosk().add_card(enrolment_id)
    assert refused.value.problem.type is ProblemType.NOT_FOUND


def test_an_enrolment_whose_code_cannot_be_sent_leaves_nothing(served: Served):
    kiosk = served.kiosk()

    async def count() -> list[int | None]:
        async with served.context.database.session() as session:
            return [
                await session.scalar(select(func.count()).select_from(table))
                for table in (Person, EnrolmentRow)
            ]

    before = served.do(count())
    working, served.context.messenger = served.context.messenger, NoMessenger()
    try:
        with pytest.raises(Refused) as refused:
            kiosk.begin_enrolment(fresh_phone())
    finally:
        served.context.messenger = working
    assert refused.value.problem.type is ProblemType.PROVIDER_UNAVAILABLE
    assert served.do(count()) == before


# The card


@pytest.mark.parametrize(
    ("token", "brand", "last4"),
    [
        ("tok_visa", "visa", "4242"),
        ("tok_mastercard", "mastercard", "4444"),
        ("tok_chargeCustomerFail", "visa", "0341"),
    ],
)
def test_a_card_is_kept_and_shown_by_its_last_four(
    kiosk: TestDevice, token: str, brand: str, last4: str
):
    card = kiosk.add_card(kiosk.verified_enrolment(), token)
    assert (card.brand, card.last4) == (brand, last4)


@pytest.mark.parametrize("token", ["tok_chargeDeclined", "tok_of_nobody"])
def test_a_refused_card_can_be_followed_by_a_good_one(kiosk: TestDevice, token: str):
    enrolment_id = kiosk.verified_enrolment()
    with pytest.raises(Refused) as refused:
        kiosk.add_card(enrolment_id, token)
    assert refused.value.problem.type is ProblemType.CARD_REFUSED
    assert token not in refused.value.response.text
    assert kiosk.add_card(enrolment_id, "tok_visa").last4 == "4242"


def test_a_second_card_replaces_the_first(kiosk: TestDevice, who: str):
    enrolment_id = kiosk.verified_enrolment()
    kiosk.add_card(enrolment_id, "tok_visa")
    kiosk.add_card(enrolment_id, "tok_mastercard")
    kiosk.add_palm(enrolment_id, burst(who))
    account = kiosk.post(f"/enrolments/{enrolment_id}/completion", None, Account)
    assert account.card.last4 == "4444"


@pytest.mark.parametrize(
    ("holder", "hint"),
    [("Alex Doe", "Alex D."), ("DOE/ALEX M", "Alex D."), ("ALEX", "Alex"), ("  ", None)],
)
def test_the_name_hint_is_a_short_form_of_the_name_on_the_card(
    kiosk: TestDevice, who: str, holder: str, hint: str | None
):
    phone = fresh_phone()
    account = kiosk.sign_up(who, phone=phone, holder=holder)
    assert account.name_hint == (hint or f"number ending {phone[-2:]}")


# The palms


def test_two_palms_of_different_sides_are_kept(kiosk: TestDevice, who: str):
    enrolment_id = kiosk.verified_enrolment()
    assert kiosk.add_palm(enrolment_id, burst(who, Side.RIGHT)).palms == [Side.RIGHT]
    second = kiosk.add_palm(enrolment_id, burst(who, Side.LEFT))
    assert second.palms == [Side.RIGHT, Side.LEFT]
    with pytest.raises(Refused) as refused:
        kiosk.add_palm(enrolment_id, burst(f"{who} again"))
    assert refused.value.problem.type is ProblemType.CONFLICT


def test_the_same_palm_cannot_be_added_twice(kiosk: TestDevice, who: str):
    enrolment_id = kiosk.verified_enrolment()
    kiosk.add_palm(enrolment_id, burst(who))
    with pytest.raises(Refused) as refused:
        kiosk.add_palm(enrolment_id, burst(who, likeness=0.9))
    assert refused.value.problem.type is ProblemType.SAME_PALM_TWICE


def test_a_palm_cannot_be_enrolled_in_two_accounts(kiosk: TestDevice, who: str):
    kiosk.sign_up(who)
    with pytest.raises(Refused) as refused:
        kiosk.add_palm(kiosk.verified_enrolment(), burst(who, likeness=0.95))
    assert refused.value.problem.type is ProblemType.PALM_KNOWN


def test_the_first_of_two_enrolments_of_one_palm_to_be_completed_gets_it(
    kiosk: TestDevice, who: str
):
    first, second = kiosk.verified_enrolment(), kiosk.verified_enrolment()
    for enrolment_id in (first, second):
        kiosk.add_card(enrolment_id)
        kiosk.add_palm(enrolment_id, burst(who))
    kiosk.post(f"/enrolments/{first}/completion", None, Account)
    with pytest.raises(Refused) as refused:
        kiosk.post(f"/enrolments/{second}/completion", None, Account)
    assert refused.value.problem.type is ProblemType.PALM_KNOWN


@pytest.mark.parametrize("flaw", [flaw for flaw in Flaw if flaw is not Flaw.NOT_LIVE], ids=str)
def test_a_palm_that_cannot_be_used_is_refused_with_the_reason(
    kiosk: TestDevice, who: str, flaw: Flaw
):
    with pytest.raises(Refused) as refused:
        kiosk.add_palm(kiosk.verified_enrolment(), burst(who, flaw=flaw))
    assert refused.value.problem.type is ProblemType.PALM_UNUSABLE
    assert refused.value.problem.detail == flaw


def test_a_palm_is_enrolled_only_when_its_frames_match_each_other(kiosk: TestDevice, who: str):
    enrolment_id = kiosk.verified_enrolment()
    with pytest.raises(Refused) as refused:
        kiosk.add_palm(enrolment_id, burst(who, then=0.3))
    assert refused.value.problem.type is ProblemType.PALM_UNUSABLE
    assert refused.value.problem.detail == "its pictures are too unlike one another"
    assert kiosk.add_palm(enrolment_id, burst(who, then=0.9)).palms == [Side.LEFT]


def test_palms_that_are_enrolled_count_as_searches_of_their_device(
    served: Served, kiosk: TestDevice, who: str
):
    served.tally(Limits.SEARCHES_BY_DEVICE, kiosk.id, Limits.SEARCHES_BY_DEVICE.count - 1)
    enrolment_id = kiosk.verified_enrolment()
    with pytest.raises(Refused) as refused:
        kiosk.add_palm(enrolment_id, burst(who, flaw=Flaw.NO_HAND))
    assert refused.value.problem.type is ProblemType.PALM_UNUSABLE
    with pytest.raises(Refused) as refused:
        kiosk.add_palm(enrolment_id, burst(who))
    assert refused.value.problem.type is ProblemType.TOO_MANY_ATTEMPTS
    assert refused.value.problem.retry_after
    assert served.kiosk().sign_up(who)


def test_a_palm_sealed_for_another_enrolment_is_not_taken(kiosk: TestDevice, who: str):
    mine, other = kiosk.verified_enrolment(), kiosk.verified_enrolment()
    envelope = kiosk.seal(burst(who), Purpose.ENROL, other)
    with pytest.raises(Refused) as refused:
        kiosk.post(f"/enrolments/{mine}/palms", envelope, Enrolment)
    assert refused.value.problem.type is ProblemType.ENVELOPE_UNREADABLE


def test_an_enrolment_needs_a_card_and_a_palm(kiosk: TestDevice, who: str):
    enrolment_id = kiosk.verified_enrolment()
    for add in (lambda: kiosk.add_card(enrolment_id), lambda: None):
        with pytest.raises(Refused) as refused:
            kiosk.post(f"/enrolments/{enrolment_id}/completion", None, Account)
        assert refused.value.problem.type is ProblemType.CONFLICT
        add()


# Completed at once

AT_ONCE = 6


def ready_enrolment(kiosk: TestDevice, who: str, phone: str | None = None) -> str:
    """Returns an enrolment that only has to be completed."""
    enrolment_id = kiosk.verified_enrolment(phone)
    kiosk.add_card(enrolment_id)
    kiosk.add_palm(enrolment_id, burst(who))
    return enrolment_id


def completed_at_once(
    served: Served, enrolments: list[tuple[TestDevice, str]]
) -> Counter[ProblemType | None]:
    """Completes enrolments, all of which are searched for before any becomes an account. Returns
    how often each problem was answered, and None for an account."""

    def complete(enrolment: tuple[TestDevice, str]) -> ProblemType | None:
        kiosk, enrolment_id = enrolment
        try:
            kiosk.post(f"/enrolments/{enrolment_id}/completion", None, Account)
        except Refused as refused:
            return refused.problem.type
        return None

    with AllAtOnce(served, len(enrolments)), ThreadPoolExecutor(len(enrolments)) as pool:
        return Counter(pool.map(complete, enrolments))


def test_one_palm_in_many_enrolments_that_are_completed_at_once_gets_one_account(
    served: Served, who: str
):
    enrolments = [
        (kiosk, ready_enrolment(kiosk, who)) for kiosk in (served.kiosk() for _ in range(AT_ONCE))
    ]
    answers = completed_at_once(served, enrolments)
    assert answers == {None: 1, ProblemType.PALM_KNOWN: AT_ONCE - 1}


def test_one_number_in_many_enrolments_that_are_completed_at_once_gets_one_account(
    served: Served, who: str
):
    phone = fresh_phone()
    kiosks = [served.kiosk() for _ in range(4)]
    enrolments = [
        (kiosk, ready_enrolment(kiosk, f"{who} {number}", phone))
        for number, kiosk in enumerate(kiosks)
    ]
    answers = completed_at_once(served, enrolments)
    assert answers == {None: 1, ProblemType.CONFLICT: len(kiosks) - 1}


def test_an_enrolment_that_is_completed_twice_at_once_becomes_one_account(
    served: Served, kiosk: TestDevice, who: str
):
    enrolment_id = ready_enrolment(kiosk, who)
    answers = completed_at_once(served, [(kiosk, enrolment_id)] * 2)
    assert answers == {None: 1, ProblemType.NOT_FOUND: 1}


def test_different_palms_that_are_completed_at_once_all_get_their_accounts(
    served: Served, who: str
):
    enrolments = [
        (kiosk, ready_enrolment(kiosk, f"{who} {number}"))
        for number, kiosk in enumerate(served.kiosk() for _ in range(4))
    ]
    assert completed_at_once(served, enrolments) == {None: len(enrolments)}
    for number, (kiosk, _) in enumerate(enrolments):
        assert kiosk.identify(f"{who} {number}").outcome is Outcome.ACCEPTED


def test_a_palm_that_is_added_while_its_enrolment_is_completed_belongs_to_the_account(
    served: Served, kiosk: TestDevice, who: str
):
    enrolment_id = ready_enrolment(kiosk, who)

    def add_the_other() -> None:
        kiosk.add_palm(enrolment_id, burst(who, Side.RIGHT))

    with Meanwhile(served, "gallery", "search", add_the_other, before=False):
        account = kiosk.post(f"/enrolments/{enrolment_id}/completion", None, Account)
    assert account.palms == [Side.LEFT, Side.RIGHT]
    assert kiosk.identify(who, side=Side.RIGHT).outcome is Outcome.ACCEPTED


# The second palm, once the account stands


@pytest.fixture
def joined(kiosk: TestDevice, who: str) -> str:
    """An enrolment that was completed with the left palm of `who`."""
    enrolment_id = kiosk.verified_enrolment()
    kiosk.add_card(enrolment_id)
    kiosk.add_palm(enrolment_id, burst(who))
    kiosk.post(f"/enrolments/{enrolment_id}/completion", None, Account)
    return enrolment_id


def test_a_second_palm_that_somebody_joins_with_meanwhile_is_not_added(
    served: Served, kiosk: TestDevice, who: str, joined: str
):
    another = served.kiosk()

    def join() -> None:
        another.sign_up(who, sides=(Side.RIGHT,))

    with (
        Meanwhile(served, "gallery", "search", join, before=False) as meanwhile,
        pytest.raises(Refused) as refused,
    ):
        kiosk.add_palm(joined, burst(who, Side.RIGHT))
    assert meanwhile.happened
    assert refused.value.problem.type is ProblemType.PALM_KNOWN


def test_a_second_palm_can_be_added_to_the_account_and_is_recognised(
    kiosk: TestDevice, who: str, joined: str
):
    assert kiosk.identify(who).outcome is Outcome.ACCEPTED
    assert kiosk.identify(who, side=Side.RIGHT).outcome is Outcome.ASK_AGAIN
    second = kiosk.add_palm(joined, burst(who, Side.RIGHT))
    assert second.palms == [Side.LEFT, Side.RIGHT]
    for side in Side:
        assert kiosk.identify(who, side=side).outcome is Outcome.ACCEPTED
    with pytest.raises(Refused) as refused:
        kiosk.add_palm(joined, burst(f"{who} again"))
    assert refused.value.problem.type is ProblemType.CONFLICT


def test_the_palm_of_the_account_is_not_added_to_it_again(kiosk: TestDevice, who: str, joined: str):
    with pytest.raises(Refused) as refused:
        kiosk.add_palm(joined, burst(who, likeness=0.9))
    assert refused.value.problem.type is ProblemType.SAME_PALM_TWICE


def test_the_palm_of_somebody_else_is_not_added_to_the_account(
    kiosk: TestDevice, who: str, joined: str
):
    kiosk.sign_up(f"{who}'s neighbour", sides=(Side.RIGHT,))
    with pytest.raises(Refused) as refused:
        kiosk.add_palm(joined, burst(f"{who}'s neighbour", Side.RIGHT))
    assert refused.value.problem.type is ProblemType.PALM_KNOWN


def test_nothing_but_a_palm_can_be_added_to_the_account(
    served: Served, kiosk: TestDevice, joined: str
):
    with pytest.raises(Refused) as refused:
        kiosk.add_card(joined, "tok_mastercard")
    assert refused.value.problem.type is ProblemType.NOT_FOUND
    with pytest.raises(Refused) as refused:
        served.kiosk().add_palm(joined, burst("a stranger", Side.RIGHT))
    assert refused.value.problem.type is ProblemType.NOT_FOUND


def test_the_account_is_not_erased_by_cancelling_its_enrolment(
    kiosk: TestDevice, who: str, joined: str
):
    assert kiosk.send("DELETE", f"/enrolments/{joined}").status_code == 404
    assert kiosk.identify(who).outcome is Outcome.ACCEPTED


def test_when_its_enrolment_expires_the_account_stands_and_takes_no_more_palms(
    served: Served, kiosk: TestDevice, who: str, joined: str
):
    before = [count(served, table) for table in (Person, PalmRow, CardRow)]
    served.ahead = kiosk.ahead = ENROLMENT_LIFE
    with pytest.raises(Refused) as refused:
        kiosk.add_palm(joined, burst(who, Side.RIGHT))
    assert refused.value.problem.type in (ProblemType.EXPIRED, ProblemType.NOT_FOUND)
    served.do(erase_expired(served.context))
    assert enrolment(served, joined) is None
    assert kiosk.identify(who).outcome is Outcome.ACCEPTED
    after = [count(served, table) for table in (Person, PalmRow, CardRow)]
    assert all(now <= then for now, then in zip(after, before, strict=True))


def test_what_was_entered_is_kept_in_the_account_only(served: Served, joined: str):
    row = enrolment(served, joined)
    assert row is not None
    assert row.profile == b""


def enrolment(served: Served, enrolment_id: str) -> EnrolmentRow | None:
    async def read() -> EnrolmentRow | None:
        async with served.context.database.session() as session:
            return await session.get(EnrolmentRow, enrolment_id)

    return served.do(read())


# Cancelled or expired


def test_a_palm_of_an_unfinished_enrolment_is_not_recognised(kiosk: TestDevice, who: str):
    enrolment_id = kiosk.verified_enrolment()
    kiosk.add_palm(enrolment_id, burst(who))
    assert kiosk.identify(who).outcome is Outcome.ASK_AGAIN


def test_a_cancelled_enrolment_is_erased(served: Served, kiosk: TestDevice, who: str):
    before = [count(served, table) for table in (Person, EnrolmentRow, PalmRow, CardRow)]
    enrolment_id = kiosk.verified_enrolment()
    kiosk.add_card(enrolment_id)
    kiosk.add_palm(enrolment_id, burst(who))
    assert kiosk.send("DELETE", f"/enrolments/{enrolment_id}").status_code == 204
    assert [count(served, table) for table in (Person, EnrolmentRow, PalmRow, CardRow)] == before
    with pytest.raises(Refused) as refused:
        kiosk.add_palm(enrolment_id, burst(who))
    assert refused.value.problem.type is ProblemType.NOT_FOUND


@pytest.mark.parametrize("step", ["palm", "completion"])
def test_nothing_is_stored_in_an_enrolment_that_is_cancelled_meanwhile(
    served: Served, kiosk: TestDevice, who: str, step: str
):
    before = [count(served, table) for table in (Person, EnrolmentRow, PalmRow, CardRow)]
    enrolment_id = kiosk.verified_enrolment()
    if step == "completion":
        kiosk.add_card(enrolment_id)
        kiosk.add_palm(enrolment_id, burst(who))

    def cancel() -> None:
        assert kiosk.send("DELETE", f"/enrolments/{enrolment_id}").status_code == 204

    def ask() -> object:
        if step == "palm":
            return kiosk.add_palm(enrolment_id, burst(who))
        return kiosk.post(f"/enrolments/{enrolment_id}/completion", None, Account)

    with (
        Meanwhile(served, "gallery", "search", cancel, before=True),
        pytest.raises(Refused) as refused,
    ):
        ask()
    assert refused.value.problem.type is ProblemType.NOT_FOUND
    assert [count(served, table) for table in (Person, EnrolmentRow, PalmRow, CardRow)] == before


def test_an_expired_enrolment_is_erased(served: Served, kiosk: TestDevice, who: str):
    served.do(erase_expired(served.context))
    before = [count(served, table) for table in (Person, EnrolmentRow, PalmRow, CardRow)]
    enrolment_id = kiosk.verified_enrolment()
    kiosk.add_card(enrolment_id)
    kiosk.add_palm(enrolment_id, burst(who))
    served.ahead = kiosk.ahead = ENROLMENT_LIFE
    with pytest.raises(Refused) as refused:
        kiosk.add_palm(enrolment_id, burst(who))
    assert refused.value.problem.type in (ProblemType.EXPIRED, ProblemType.NOT_FOUND)
    served.do(erase_expired(served.context))
    after = [count(served, table) for table in (Person, EnrolmentRow, PalmRow, CardRow)]
    assert all(now <= then for now, then in zip(after, before, strict=True))
