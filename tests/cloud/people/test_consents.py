"""What people are asked at a site by its law, and what is kept of their answer."""

from datetime import UTC, datetime, timedelta
from hashlib import sha256

import pytest
from sqlalchemy import select

from cloud.law import COLORADO, EUROPE, ILLINOIS, LAWS, PLAIN, TEXAS, WASHINGTON, Law
from cloud.people.consent_texts import VERSION, texts_for
from cloud.people.tables import ConsentRow, ConsentTextRow
from cloud.settings import Merchant, Privacy, Retention, Settings
from protocol.documents import digest_of, text_of
from protocol.messages import (
    ConsentText,
    ConsentTexts,
    DeletionReceipt,
    DeletionRequest,
    Enrolment,
    EnrolmentRequest,
    Identification,
    Outcome,
    ProblemType,
    Purpose,
    Signature,
)
from tests.support.device import Refused, TestDevice, fresh_phone
from tests.support.served import Served

OPERATED = Settings(privacy=Privacy(operator="Palms Ltd", contact="privacy@example.com"))


def at(served: Served, law: Law) -> TestDevice:
    """Returns a device at a new merchant's site under a law."""
    return served.kiosk(served.merchant(law=law))


def asked(kiosk: TestDevice) -> list[ConsentText]:
    return kiosk.get("/consents", ConsentTexts).texts


def consents(served: Served, phone: str) -> list[ConsentRow]:
    person_id = served.person_id(phone)

    async def read() -> list[ConsentRow]:
        async with served.database.session() as session:
            rows = select(ConsentRow).where(ConsentRow.person_id == person_id)
            return list(await session.scalars(rows.order_by(ConsentRow.at)))

    return served.do(read())


def agree(kiosk: TestDevice, found: Identification) -> Identification:
    path = f"/identifications/{found.identification_id}/agreement"
    return kiosk.post(path, kiosk.consent(), Identification)


# Texts


@pytest.mark.parametrize("law", LAWS.values(), ids=LAWS)
def test_every_text_tells_what_why_how_long_who_and_how_to_withdraw(law: Law):
    told = " ".join(
        f"{section.heading} {section.text}"
        for text in texts_for(law, "Florist", OPERATED)
        for section in text.sections
    )
    for words in ("What we keep", "Why", "How long", "Who has it", "How to withdraw"):
        assert words in told
    for words in ("Florist", "Palms Ltd", "privacy@example.com", "not for advertising"):
        assert words in told.lower() or words in told
    assert f"within {law.answers_in} days" in told
    assert "pay another way" in told
    assert "at the same price" in told
    assert "sold, leased or traded" in told


def test_in_illinois_it_is_a_release_that_is_signed():
    (text,) = texts_for(ILLINOIS, "Florist", OPERATED)
    assert text.release
    assert "biometric identifier" in text.sections[0].text
    assert "I release this to Palms Ltd" in text.sections[-1].text


def test_in_washington_sharing_is_agreed_to_apart_from_keeping():
    keeping, sharing = texts_for(WASHINGTON, "Florist", OPERATED)
    assert "Who has it" not in [section.heading for section in keeping.sections]
    assert [section.heading for section in sharing.sections[:3]] == [
        "What we share",
        "Why",
        "Who has it",
    ]
    for text in (keeping, sharing):
        assert "How to withdraw" in [section.heading for section in text.sections]


def test_in_europe_the_consent_is_explicit_and_the_alternative_equal():
    (text,) = texts_for(EUROPE, "Florist", OPERATED)
    assert "explicit" in text.title
    told = {section.heading: section.text for section in text.sections}
    assert "at the same price and with the same service" in told["Your choice"]
    assert "supervisory authority" in told["How to withdraw"]


@pytest.mark.parametrize(
    ("law", "set_to", "told"),
    [(PLAIN, 36, 36), (ILLINOIS, 36, 36), (COLORADO, 36, 24), (TEXAS, 36, 12), (TEXAS, 6, 6)],
)
def test_a_text_promises_no_longer_than_the_law_allows(law: Law, set_to: int, told: int):
    settings = Settings(retention=Retention(inactive_months=set_to))
    (text,) = texts_for(law, "Florist", settings)
    assert f"at most {told} months" in text.sections[2].text


WORDINGS = {
    "2027-01": {
        "plain": "2896cd957ae6c3d5c9589a96e5baa2733c6dd74a8f0b29f94b10b037e8785250",
        "US-IL": "7851f1bf278985766a148ee80b14c660268c5b840947cd5f1e5a720bbf4c1c65",
        "US-TX": "1c76ba7c867e635a712a4ee959fc9668e471d1f93609c80c1b2d3b9fc8205b3a",
        "US-WA": "47dfaf06a997095e965433d6f91b621916a94289b9b952bf71872dd0cba27eee",
        "US-CO": "8511216e424953a6ad0f089d8286ca57e0186af860bf959fdc12e081e0f33199",
        "US-NY-NYC": "5d15ec5f6ae9d4794dd6918cd866fc0f3efed40fceee08f92761bef36ac01235",
        "EU": "66ad996dd87bb7a61d3f37f16a30166f7a8c60c586a5dedbd29cf4207e4ecd8e",
        "GB": "53d5c6617bdca91c876817bb64b2989ce38996bf2898093a885d0898f133101f",
    }
}
"""The SHA-256 of the texts of every version, with these settings, by their law."""


@pytest.mark.parametrize("law", LAWS.values(), ids=LAWS)
def test_a_changed_wording_has_another_version(law: Law):
    texts = b"".join(text_of(text) for text in texts_for(law, "Florist", OPERATED))
    assert sha256(texts).hexdigest() == WORDINGS[VERSION][law.code]


# Giving


@pytest.mark.parametrize("law", [PLAIN, ILLINOIS, WASHINGTON, EUROPE], ids=lambda law: law.code)
def test_each_consent_is_kept_with_its_text_time_place_and_signature(
    served: Served, who: str, law: Law
):
    kiosk, phone = at(served, law), fresh_phone()
    texts = asked(kiosk)
    assert {text.law for text in texts} == {law.code}
    kiosk.sign_up(who + law.code, phone=phone)
    rows = consents(served, phone)
    assert sorted(row.digest for row in rows) == sorted(map(digest_of, texts))
    for row in rows:
        assert row.device_id == kiosk.id
        assert row.merchant_id != "first"
        assert row.signature == (Signature.HELD if law.release else None)
        assert abs(row.at - datetime.now(UTC)) < timedelta(minutes=10)
        assert row.ended_at is None


def test_a_text_is_stored_once_however_many_agree(served: Served, who: str):
    kiosk = served.kiosk(served.merchant(name=who[-60:]))
    before = served.count(ConsentTextRow)
    kiosk.sign_up(f"{who} one")
    kiosk.sign_up(f"{who} two")
    assert served.count(ConsentTextRow) == before + 1


def test_nothing_begins_without_consent_to_every_text(served: Served):
    kiosk = at(served, WASHINGTON)
    keeping, sharing = map(digest_of, asked(kiosk))
    for texts in ([keeping], [sharing], [keeping, keeping], ["A" * 43 + "="]):
        request = EnrolmentRequest(phone=fresh_phone(), consent=kiosk.consent(texts=texts))
        with pytest.raises(Refused) as refused:
            kiosk.post("/enrolments", request, Enrolment)
        assert refused.value.problem.type is ProblemType.CONFLICT


def test_a_release_that_is_not_signed_begins_nothing(served: Served):
    kiosk = at(served, ILLINOIS)
    request = EnrolmentRequest(phone=fresh_phone(), consent=kiosk.consent(signature=None))
    with pytest.raises(Refused) as refused:
        kiosk.post("/enrolments", request, Enrolment)
    assert refused.value.problem.type is ProblemType.CONFLICT


def test_a_consent_is_of_the_site_and_no_other(served: Served, kiosk: TestDevice):
    other = at(served, PLAIN)
    assert asked(other) != asked(kiosk)
    request = EnrolmentRequest(phone=fresh_phone(), consent=kiosk.consent())
    with pytest.raises(Refused) as refused:
        other.post("/enrolments", request, Enrolment)
    assert refused.value.problem.type is ProblemType.CONFLICT


# Asking again


def test_a_changed_text_is_asked_at_the_next_visit_and_once(served: Served, who: str):
    merchant_site = served.merchant(name="Florist")
    kiosk, phone = served.kiosk(merchant_site), fresh_phone()
    kiosk.sign_up(who, phone=phone)
    assert kiosk.identify(who).outcome is Outcome.ACCEPTED
    served.change_site(merchant_site, law=ILLINOIS)
    found = kiosk.identify(who)
    assert (found.outcome, found.customer) == (Outcome.ASK_CONSENT, None)
    agreed = agree(kiosk, found)
    assert (agreed.outcome, agreed.customer is None) == (Outcome.ACCEPTED, False)
    assert kiosk.identify(who).outcome is Outcome.ACCEPTED
    # The first consent is kept beside the second.
    assert [row.signature for row in consents(served, phone)] == [None, Signature.HELD]


def test_whoever_is_to_be_asked_again_can_still_leave(served: Served, who: str):
    site = served.merchant(name="Florist")
    kiosk = served.kiosk(site)
    kiosk.sign_up(who)
    served.change_site(site, law=WASHINGTON)
    assert kiosk.identify(who, Purpose.LEAVE).outcome is Outcome.ACCEPTED


# Ending


def test_a_withdrawal_ends_what_was_agreed_there_and_keeps_its_proof(served: Served, who: str):
    kiosk, phone = at(served, PLAIN), fresh_phone()
    kiosk.sign_up(who, phone=phone)
    found = kiosk.recognised(who, Purpose.LEAVE)
    receipt = kiosk.post(f"/identifications/{found}/withdrawal", None, DeletionReceipt)
    (kept,) = receipt.retained
    assert kept.what.startswith("to what you agreed at")
    (row,) = consents(served, phone)
    assert row.ended_at is not None
    asked_again = kiosk.identify(who)
    assert asked_again.outcome is Outcome.ASK_CONSENT
    assert agree(kiosk, asked_again).outcome is Outcome.ACCEPTED
    assert len(consents(served, phone)) == 2


def test_a_deletion_erases_it_and_its_receipt_is_the_proof(served: Served, who: str):
    kiosk, phone = at(served, ILLINOIS), fresh_phone()
    kiosk.sign_up(who, phone=phone)
    (row,) = consents(served, phone)
    request = DeletionRequest(identification_id=kiosk.recognised(who, Purpose.LEAVE))
    receipt = kiosk.post("/deletions", request, DeletionReceipt)
    (told,) = [line for line in receipt.erased if "SHA-256" in line]
    assert row.digest in told
    assert f"{row.at:%Y-%m-%d}, signed: the text US-IL {VERSION}" in told
    assert row.id not in {key for (key,) in served.keys(ConsentRow)}


def test_what_was_not_finished_leaves_no_consent(served: Served):
    kiosk = at(served, PLAIN)
    before = served.count(ConsentRow)
    enrolment = kiosk.begin_enrolment(fresh_phone())
    assert served.count(ConsentRow) == before + 1
    assert kiosk.send("DELETE", f"/enrolments/{enrolment.enrolment_id}").status_code == 204
    assert served.count(ConsentRow) == before


def test_a_merchants_name_is_a_part_of_its_text():
    one, other = (texts_for(PLAIN, name, Settings(merchant=Merchant())) for name in ("A", "B"))
    assert list(map(digest_of, one)) != list(map(digest_of, other))
