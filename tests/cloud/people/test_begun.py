"""Sign-ups that are begun in the portal and finished at a kiosk: what the kiosk's side may and may
not do, and what becomes of them however they end."""

import json
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from functools import partial

import httpx
import pytest
from sqlalchemy import update

from cloud.jobs.errands import run_errands
from cloud.keys.persons import find_person
from cloud.keys.tables import Person
from cloud.law import ILLINOIS
from cloud.messages import NoMessenger
from cloud.people import begun, consents
from cloud.people.accounts import profile_of
from cloud.people.agreements import agreements_of
from cloud.people.consent_texts import VERSION
from cloud.people.consents import Given
from cloud.people.deletions import remains_of
from cloud.people.enrolments import erase_expired
from cloud.people.tables import BegunRow, EnrolmentRow
from cloud.policy import ENROLMENT_LIFE, Limits
from cloud.recognition.tables import PalmRow
from protocol.messages import (
    BEGUN_DIGITS,
    Account,
    BegunCode,
    BegunEnrolment,
    Consent,
    DeletionReceipt,
    DeletionRequest,
    Outcome,
    PalmAccepted,
    ProblemType,
    Purpose,
    Side,
)
from tests.support.beginnings import Beginning, begin_at, what_is_left
from tests.support.books import listed
from tests.support.device import Refused, TestDevice, fresh_phone, refusal
from tests.support.meanwhile import Meanwhile
from tests.support.plain_palms import burst
from tests.support.served import Served


def pick_up(kiosk: TestDevice, code: str) -> BegunEnrolment:
    return kiosk.post("/begun-enrolments", BegunCode(code=code), BegunEnrolment)


def picked_up(kiosk: TestDevice, beginning: Beginning) -> str:
    """Shows the code at a kiosk and enters the one that comes by message, and returns the
    enrolment."""
    enrolment_id = pick_up(kiosk, beginning.code).enrolment_id
    kiosk.verify_phone(enrolment_id, beginning.phone)
    return enrolment_id


def complete(kiosk: TestDevice, enrolment_id: str) -> Account:
    return kiosk.post(f"/enrolments/{enrolment_id}/completion", None, Account)


def agree(kiosk: TestDevice, enrolment_id: str, consent: Consent | None = None) -> httpx.Response:
    body = (consent or kiosk.consent()).model_dump_json().encode()
    return kiosk.send("PUT", f"/enrolments/{enrolment_id}/agreement", body)


def finish(kiosk: TestDevice, beginning: Beginning, who: str) -> Account:
    enrolment_id = picked_up(kiosk, beginning)
    kiosk.add_palm(enrolment_id, burst(who))
    return complete(kiosk, enrolment_id)


def refused(kiosk: TestDevice, code: str) -> ProblemType:
    with pytest.raises(Refused) as answer:
        pick_up(kiosk, code)
    return answer.value.problem.type


def customers(served: Served) -> set[str]:
    """Returns the customers that the payment provider has once all errands are run."""
    served.do(run_errands(served.context))
    return {customer["id"] for customer in listed(served, "customers")}


def agreed(served: Served, person_id: str) -> list[tuple[str, str | None]]:
    async def read() -> list[tuple[str, str | None]]:
        async with served.context.database.session() as session:
            person = await find_person(session, served.context.master, person_id)
            return [(row.merchant_id, row.version) for row in await agreements_of(session, person)]

    return served.do(read())


def lasts(served: Served, beginning: Beginning, span: timedelta) -> None:
    """Has a beginning last so much longer. The clock is left alone: a round of housekeeping that
    saw it days ahead would erase what other tests have."""

    async def write() -> None:
        async with served.context.database.session() as session:
            theirs = BegunRow.person_id == beginning.person_id
            until = served.context.clock() + span
            await session.execute(update(BegunRow).where(theirs).values(expires_at=until))
            await session.commit()

    served.do(write())


@pytest.fixture
def beginning(served: Served) -> Beginning:
    return begin_at(served, fresh_phone())


# Finishing


def test_the_code_the_message_and_a_palm_make_the_account(
    served: Served, kiosk: TestDevice, who: str, beginning: Beginning
):
    told = pick_up(kiosk, beginning.code)
    assert (told.agreed, told.has_card) == (True, True)
    assert told.phone_last2 == beginning.phone[-2:]
    assert not kiosk.verify_phone(told.enrolment_id, beginning.phone).known
    kiosk.add_palm(told.enrolment_id, burst(who))
    account = complete(kiosk, told.enrolment_id)
    assert (account.name_hint, account.card.last4) == ("Alex D.", "4242")
    assert kiosk.identify(who).outcome is Outcome.ACCEPTED
    assert what_is_left(served, beginning) is None
    assert agreed(served, beginning.person_id) == [("first", VERSION)]


def test_the_consent_is_that_of_the_phone_with_its_time(
    served: Served, kiosk: TestDevice, who: str, beginning: Beginning
):
    async def given() -> list[Given]:
        async with served.context.database.session() as session:
            person = await find_person(session, served.context.master, beginning.person_id)
            return await consents.given_by(session, person)

    (before,) = served.do(given())
    finish(kiosk, beginning, who)
    (kept,) = served.do(given())
    assert (kept.row.id, kept.row.at, kept.text) == (before.row.id, before.row.at, before.text)
    assert kept.row.device_id is None

    async def read() -> tuple[str, datetime]:
        async with served.context.database.session() as session:
            person = await find_person(session, served.context.master, beginning.person_id)
            profile = await profile_of(session, person)
            return profile.consent_version, profile.agreed_at

    assert served.do(read()) == (VERSION, kept.row.at)


def test_a_second_palm_is_added_as_in_any_sign_up(
    kiosk: TestDevice, who: str, beginning: Beginning
):
    enrolment_id = picked_up(kiosk, beginning)
    kiosk.add_palm(enrolment_id, burst(who))
    complete(kiosk, enrolment_id)
    added = kiosk.add_palm(enrolment_id, burst(who, Side.RIGHT))
    assert added == PalmAccepted(side=Side.RIGHT, palms=[Side.LEFT, Side.RIGHT])


def test_a_card_that_was_not_saved_on_the_phone_is_saved_at_the_kiosk(
    served: Served, kiosk: TestDevice, who: str
):
    beginning = begin_at(served, fresh_phone(), has_card=False)
    told = pick_up(kiosk, beginning.code)
    assert not told.has_card
    kiosk.verify_phone(told.enrolment_id, beginning.phone)
    kiosk.add_card(told.enrolment_id, holder="Sam Roe")
    kiosk.add_palm(told.enrolment_id, burst(who))
    assert complete(kiosk, told.enrolment_id).name_hint == "Sam R."


# What the code is worth


def test_a_code_has_twelve_random_digits_and_each_is_another(served: Served):
    codes = {begin_at(served, fresh_phone(), has_card=False).code for _ in range(3)}
    assert len(codes) == 3
    assert all(len(code) == BEGUN_DIGITS == 12 and code.isdecimal() for code in codes)


def test_whoever_has_only_seen_the_code_puts_no_palm_beside_the_card(
    served: Served, kiosk: TestDevice, who: str, beginning: Beginning
):
    enrolment_id = pick_up(kiosk, beginning.code).enrolment_id
    envelope = kiosk.seal(burst(who), Purpose.ENROL, enrolment_id)
    for answer in (
        kiosk.send(
            "POST",
            f"/enrolments/{enrolment_id}/palms",
            envelope,
            content_type="application/palm-envelope",
        ),
        kiosk.send("POST", f"/enrolments/{enrolment_id}/completion"),
        agree(kiosk, enrolment_id),
    ):
        assert refusal(answer).type is ProblemType.CONFLICT
    assert what_is_left(served, beginning)


def test_a_code_serves_once(kiosk: TestDevice, who: str, beginning: Beginning):
    finish(kiosk, beginning, who)
    assert refused(kiosk, beginning.code) is ProblemType.WRONG_CODE


def test_wrong_codes_are_counted_before_they_are_compared_and_end_for_the_kiosk(
    served: Served, kiosk: TestDevice, beginning: Beginning
):
    limit = Limits.FAILED_PROOFS_BY_DEVICE
    served.tally(limit, kiosk.id, limit.count - 1)
    pick_up(kiosk, beginning.code)  # A right one is taken back.
    assert refused(kiosk, "000000000000") is ProblemType.WRONG_CODE
    assert refused(kiosk, beginning.code) is ProblemType.TOO_MANY_ATTEMPTS
    assert pick_up(served.kiosk(), beginning.code)


def test_a_phone_gets_no_more_messages_by_its_code_than_by_its_number(
    served: Served, kiosk: TestDevice, beginning: Beginning
):
    for _ in range(Limits.CODES_TO_PHONE.count):
        pick_up(kiosk, beginning.code)
    assert refused(kiosk, beginning.code) is ProblemType.TOO_MANY_ATTEMPTS


def test_the_code_is_in_no_file_of_the_service(served: Served, beginning: Beginning):
    files = [path for path in served.state.root.rglob("*") if path.is_file()]
    assert not any(beginning.code.encode() in path.read_bytes() for path in files)


# What the kiosk still has to ask


def test_another_merchant_is_agreed_to_at_its_kiosk(served: Served, who: str, beginning: Beginning):
    other = served.kiosk(served.merchant())
    told = pick_up(other, beginning.code)
    assert not told.agreed
    other.verify_phone(told.enrolment_id, beginning.phone)
    other.add_palm(told.enrolment_id, burst(who))
    answer = other.send("POST", f"/enrolments/{told.enrolment_id}/completion")
    assert refusal(answer).type is ProblemType.CONFLICT
    assert agree(other, told.enrolment_id).status_code == 204
    complete(other, told.enrolment_id)
    first, second = sorted(agreed(served, beginning.person_id), key=lambda each: each[0] != "first")
    assert first == ("first", VERSION)
    assert second[1] == VERSION
    assert other.identify(who).outcome is Outcome.ACCEPTED
    assert served.kiosk().identify(who).outcome is Outcome.ACCEPTED


def test_what_the_law_of_the_kiosks_site_asks_is_agreed_to_there(
    served: Served, who: str, beginning: Beginning
):
    kiosk = served.kiosk(served.merchant(law=ILLINOIS))
    told = pick_up(kiosk, beginning.code)
    assert not told.agreed
    kiosk.verify_phone(told.enrolment_id, beginning.phone)
    kiosk.add_palm(told.enrolment_id, burst(who))
    answer = kiosk.send("POST", f"/enrolments/{told.enrolment_id}/completion")
    assert refusal(answer).type is ProblemType.CONFLICT
    unsigned = kiosk.consent(signature=None)
    assert refusal(agree(kiosk, told.enrolment_id, unsigned)).type is ProblemType.CONFLICT
    assert agree(kiosk, told.enrolment_id).status_code == 204
    complete(kiosk, told.enrolment_id)
    assert kiosk.identify(who).outcome is Outcome.ACCEPTED


def test_what_was_agreed_to_at_a_kiosk_is_not_asked_again(served: Served, beginning: Beginning):
    site = served.merchant()
    one, other = served.kiosk(site), served.kiosk(site)
    agree(one, picked_up(one, beginning))
    assert pick_up(other, beginning.code).agreed


def test_whoever_has_begun_at_the_kiosk_has_agreed_already(kiosk: TestDevice):
    answer = agree(kiosk, kiosk.verified_enrolment())
    assert refusal(answer).type is ProblemType.CONFLICT


# Two at once


def test_of_two_kiosks_the_one_where_the_code_was_shown_last_goes_on(
    served: Served, kiosk: TestDevice, who: str, beginning: Beginning
):
    other = served.kiosk()
    earlier = picked_up(kiosk, beginning)
    kiosk.add_palm(earlier, burst(f"not {who}"))
    account = finish(other, beginning, who)
    assert account.palms == [Side.LEFT]
    for answer in (
        kiosk.send("POST", f"/enrolments/{earlier}/completion"),
        kiosk.send("DELETE", f"/enrolments/{earlier}"),
    ):
        assert refusal(answer).type is ProblemType.NOT_FOUND
    assert kiosk.identify(f"not {who}").outcome is Outcome.ASK_AGAIN
    assert kiosk.identify(who).outcome is Outcome.ACCEPTED


def test_of_two_kiosks_at_the_same_moment_one_goes_on(
    served: Served, kiosk: TestDevice, beginning: Beginning
):
    def show(at: TestDevice) -> str:
        return pick_up(at, beginning.code).enrolment_id

    before = served.keys(EnrolmentRow)
    with ThreadPoolExecutor(2) as pool:
        list(pool.map(lambda at: _answer(lambda: show(at)), [kiosk, served.kiosk()]))
    assert len(served.keys(EnrolmentRow) - before) == 1
    assert what_is_left(served, beginning)


def _answer(ask: object) -> object:
    assert callable(ask)
    try:
        return ask()
    except Refused as refused:
        return refused.problem.type


def test_a_code_that_is_shown_again_while_the_palm_is_completed_leaves_one_account_or_the_beginning(
    served: Served, kiosk: TestDevice, who: str, beginning: Beginning
):
    other = served.kiosk()
    enrolment_id = picked_up(kiosk, beginning)
    kiosk.add_palm(enrolment_id, burst(who))

    def show_again() -> None:
        pick_up(other, beginning.code)

    with (
        Meanwhile(served, "gallery", "search", show_again, before=True),
        pytest.raises(Refused) as answer,
    ):
        complete(kiosk, enrolment_id)
    assert answer.value.problem.type is ProblemType.NOT_FOUND
    assert kiosk.identify(who).outcome is Outcome.ASK_AGAIN
    assert what_is_left(served, beginning)


def test_a_second_beginning_with_the_number_goes_on_with_the_first_under_another_code(
    served: Served, kiosk: TestDevice, who: str, beginning: Beginning
):
    before = customers(served)
    again = begin_at(served, beginning.phone, has_card=False)
    assert again.person_id == beginning.person_id
    assert what_is_left(served, beginning) is None, "the earlier browser shows it no more"
    assert refused(kiosk, beginning.code) is ProblemType.WRONG_CODE
    assert pick_up(kiosk, again.code).has_card
    assert customers(served) == before


# Not finished


@pytest.mark.parametrize("how", ["cancelled", "expired"])
def test_whoever_leaves_the_kiosk_can_finish_later_and_no_palm_of_theirs_is_kept(
    served: Served, kiosk: TestDevice, who: str, beginning: Beginning, how: str
):
    before = served.keys(PalmRow)
    enrolment_id = picked_up(kiosk, beginning)
    kiosk.add_palm(enrolment_id, burst(who))
    if how == "cancelled":
        assert kiosk.send("DELETE", f"/enrolments/{enrolment_id}").status_code == 204
    else:
        served.ahead = kiosk.ahead = ENROLMENT_LIFE
        served.do(erase_expired(served.context))
    assert served.keys(PalmRow) <= before
    assert (enrolment_id,) not in served.keys(EnrolmentRow)
    assert finish(kiosk, beginning, who).card.last4 == "4242"


def test_a_message_that_cannot_be_sent_leaves_the_beginning(
    served: Served, kiosk: TestDevice, who: str, beginning: Beginning
):
    sends = served.context.messenger
    served.context.messenger = NoMessenger()
    try:
        assert refused(kiosk, beginning.code) is ProblemType.PROVIDER_UNAVAILABLE
    finally:
        served.context.messenger = sends
    assert finish(kiosk, beginning, who)


def test_what_nobody_finishes_is_erased_with_the_customer_at_the_provider(
    served: Served, kiosk: TestDevice
):
    before, people = customers(served), served.count(Person)
    beginning = begin_at(served, fresh_phone(), token="tok_mastercard")
    assert len(customers(served) - before) == 1
    lasts(served, beginning, timedelta(0))
    assert refused(kiosk, beginning.code) is ProblemType.WRONG_CODE
    served.do(begun.erase_expired(served.context))
    assert served.count(Person) <= people
    assert customers(served) - before == set()


def test_what_is_picked_up_at_its_last_moment_can_be_finished(
    served: Served, kiosk: TestDevice, who: str, beginning: Beginning
):
    lasts(served, beginning, timedelta(minutes=1))
    enrolment_id = picked_up(kiosk, beginning)
    served.ahead = kiosk.ahead = timedelta(minutes=2)
    served.do(begun.erase_expired(served.context))
    kiosk.add_palm(enrolment_id, burst(who))
    assert complete(kiosk, enrolment_id)


def test_an_account_of_the_number_that_is_made_at_a_kiosk_ends_the_beginning(
    served: Served, kiosk: TestDevice, who: str
):
    before = customers(served)
    beginning = begin_at(served, fresh_phone())
    (of_the_beginning,) = customers(served) - before
    kiosk.sign_up(who, phone=beginning.phone)
    assert what_is_left(served, beginning) is None
    assert (beginning.person_id,) not in served.keys(Person)
    assert refused(kiosk, beginning.code) is ProblemType.WRONG_CODE
    (of_the_account,) = customers(served) - before
    assert of_the_account != of_the_beginning


def test_an_account_that_is_made_while_the_beginning_is_at_a_kiosk_is_the_only_one(
    served: Served, kiosk: TestDevice, who: str, beginning: Beginning
):
    enrolment_id = picked_up(kiosk, beginning)
    served.kiosk().sign_up(who, phone=beginning.phone)
    answer = kiosk.send("POST", f"/enrolments/{enrolment_id}/completion")
    assert refusal(answer).type is ProblemType.NOT_FOUND


@pytest.mark.parametrize("part", ["messenger", "gallery"])
def test_whoever_gives_up_on_the_phone_while_the_kiosk_is_at_it_leaves_nothing(
    served: Served, kiosk: TestDevice, who: str, beginning: Beginning, part: str
):
    async def give_up() -> None:
        async with served.context.database.session() as session:
            person = await find_person(session, served.context.master, beginning.person_id)
            await begun.erase(session, served.context, person)
            await session.commit()

    def stop() -> None:
        served.do(give_up())

    about: str | None = None
    if part == "messenger":
        call, ask, about = "send", partial(pick_up, kiosk, beginning.code), beginning.phone
    else:
        call, ask = "search", partial(kiosk.add_palm, picked_up(kiosk, beginning), burst(who))
    with (
        Meanwhile(served, part, call, stop, before=True, about=about) as meanwhile,
        pytest.raises(Refused) as answer,
    ):
        ask()
    assert meanwhile.happened
    assert answer.value.problem.type is ProblemType.NOT_FOUND
    for table in (Person, BegunRow, EnrolmentRow, PalmRow):
        assert beginning.person_id not in json.dumps(list(served.keys(table)))


def test_whoever_finished_and_deletes_everything_leaves_nothing(
    served: Served, kiosk: TestDevice, who: str, beginning: Beginning
):
    finish(kiosk, beginning, who)
    leaving = DeletionRequest(identification_id=kiosk.recognised(who, Purpose.LEAVE))
    receipt = kiosk.post("/deletions", leaving, DeletionReceipt)
    served.do(run_errands(served.context))
    assert served.do(remains_of(receipt.receipt_id, served.state, served.database)) == []
