"""Deletions: the receipt is signed, and nothing that it lists is left."""

import sqlite3
from collections.abc import Iterator
from datetime import timedelta
from hashlib import sha256
from pathlib import Path

import pytest
from cryptography.exceptions import InvalidTag
from sqlalchemy import select

from cloud.jobs.errands import run_errands
from cloud.jobs.housekeeping import end_retention
from cloud.keys.person_keys import MasterKey
from cloud.keys.persons import find_person
from cloud.keys.tables import Person
from cloud.matching import Entry
from cloud.payments.tables import CardRow, PurchaseRow, RefundRow
from cloud.people import deletions
from cloud.people.deletions import remains_of
from cloud.people.tables import AccountRow, ReceiptRow
from cloud.policy import BOOKKEEPING
from cloud.recognition.palms import entry, palms_of
from cloud.recognition.tables import PalmRow
from cloud.settings import Settings
from cloud.web.tables import Tally
from protocol import documents
from protocol.messages import (
    Claim,
    ClaimOpened,
    DeletionReceipt,
    DeletionRequest,
    Holdings,
    Money,
    Outcome,
    ProblemType,
    Proof,
    Purchase,
    Purpose,
    Refund,
    RefundRequest,
    Side,
)
from tests.support.books import listed
from tests.support.device import Refused, TestDevice, fresh_phone
from tests.support.failing import Failing
from tests.support.served import PLAIN, Served


def leave(kiosk: TestDevice, who: str) -> DeletionReceipt:
    request = DeletionRequest(identification_id=kiosk.recognised(who, Purpose.LEAVE))
    return kiosk.post("/deletions", request, DeletionReceipt)


def give_back(kiosk: TestDevice, bought: Purchase, minor: int | None = None) -> Refund:
    amount = None if minor is None else Money(minor=minor, currency=bought.amount.currency)
    request = RefundRequest(reference=f"back-{minor}-{bought.reference}", amount=amount)
    return kiosk.post(f"/purchases/{bought.reference}/refunds", request, Refund)


def remains(served: Served, receipt: DeletionReceipt) -> list[str]:
    return served.do(remains_of(receipt.receipt_id, served.state, served.database))


def bytes_on_disk(root: Path) -> Iterator[bytes]:
    return (path.read_bytes() for path in root.rglob("*") if path.is_file())


def test_the_receipt_is_signed_by_the_service(served: Served, kiosk: TestDevice, who: str):
    kiosk.sign_up(who)
    receipt = leave(kiosk, who)
    signer = documents.verify(documents.document_of(receipt))
    assert signer == served.context.receipt_key.public_key().public_bytes_raw()


def test_a_receipt_lists_retained_purchases_only_if_there_were_any(kiosk: TestDevice, who: str):
    kiosk.sign_up(who)
    assert leave(kiosk, who).retained == []
    kiosk.sign_up(who)
    kiosk.post("/purchases", kiosk.sale(kiosk.recognised(who)), Purchase)
    (retained,) = leave(kiosk, who).retained
    assert "1" in retained.what


def test_a_receipt_says_of_what_was_bought_exactly_what_is_kept(
    served: Served, kiosk: TestDevice, who: str
):
    kiosk.sign_up(who)
    sale = kiosk.sale(kiosk.recognised(who))
    bought = kiosk.post("/purchases", sale, Purchase)
    receipt = leave(kiosk, who)
    (retained,) = receipt.retained
    assert "the amount, the time, the kiosk, the till's number" in retained.what
    assert "the kind of card and its last four digits" in retained.what
    assert retained.until == bought.at + BOOKKEEPING
    assert "what led from your purchases to you" in receipt.erased

    async def read() -> dict[str, object]:
        async with served.database.session() as session:
            of_this = PurchaseRow.id == bought.purchase_id
            row = (await session.scalars(select(PurchaseRow).where(of_this))).one()
            return {column.name: getattr(row, column.name) for column in row.__table__.columns}

    assert served.do(read()) == {
        "id": bought.purchase_id,
        "merchant_id": "first",
        "account": None,
        "told": None,
        "told_at": None,
        "recognised_at": None,
        "asks_holder": None,
        "card_id": None,
        "terminal": None,
        "dispute": None,
        "receipt": None,
        "device_id": kiosk.id,
        "site_id": None,
        "reference": sale.reference,
        "amount_minor": sale.amount.minor,
        "currency": sale.amount.currency,
        "card_brand": "visa",
        "card_last4": "4242",
        "outcome": "approved",
        "at": bought.at,
        "person_id": None,
        "identification_id": None,
        "payment": None,
        "decline_reason": None,
    }


def test_a_receipt_says_of_what_was_refunded_exactly_what_is_kept(
    served: Served, kiosk: TestDevice, who: str
):
    kiosk.sign_up(who)
    bought = kiosk.post("/purchases", kiosk.sale(kiosk.recognised(who)), Purchase)
    given = give_back(kiosk, bought)
    purchases, refunds = leave(kiosk, who).retained
    assert purchases.what.startswith("purchases: 1 ")
    assert refunds.what.startswith("refunds: 1 ")
    assert "the purchase, the amount, the time, the kiosk and the till's number" in refunds.what
    assert purchases.until == refunds.until == given.at + BOOKKEEPING

    async def read() -> dict[str, object]:
        async with served.database.session() as session:
            row = await session.get_one(RefundRow, given.refund_id)
            return {column.name: getattr(row, column.name) for column in row.__table__.columns}

    assert served.do(read()) == {
        "id": given.refund_id,
        "purchase_id": bought.purchase_id,
        "merchant_id": "first",
        "device_id": kiosk.id,
        "reference": given.reference,
        "of_the_rest": True,
        "amount_minor": bought.amount.minor,
        "outcome": "refunded",
        "at": given.at,
        "provider_reference": None,
        "failure_reason": None,
        "reason": None,
    }


def test_a_name_is_erased_only_if_there_was_one(kiosk: TestDevice, who: str):
    for holder, named in (("Alex Doe", True), (None, False)):
        kiosk.sign_up(who, holder=holder)
        assert ("your name" in leave(kiosk, who).erased) == named


def test_a_purchase_that_was_declined_is_not_kept(kiosk: TestDevice, who: str):
    kiosk.sign_up(who, token="tok_chargeCustomerFail")
    sale = kiosk.sale(kiosk.recognised(who))
    assert kiosk.post("/purchases", sale, Purchase).outcome == "declined"
    leaving = kiosk.recognised(who, Purpose.LEAVE)
    assert kiosk.get(f"/identifications/{leaving}/holdings", Holdings).purchases == 0
    assert leave(kiosk, who).retained == []
    with pytest.raises(Refused) as refused:
        kiosk.get(f"/purchases/{sale.reference}", Purchase)
    assert refused.value.problem.type is ProblemType.NOT_FOUND


@pytest.mark.sqlite
def test_nothing_stored_leads_to_the_providers_records_of_a_purchase_and_its_refund(
    served: Served, kiosk: TestDevice, who: str
):
    before = {intent["id"] for intent in listed(served, "payment_intents")}
    kiosk.sign_up(who)
    identification_id = kiosk.recognised(who)
    bought = kiosk.post("/purchases", kiosk.sale(identification_id), Purchase)
    give_back(kiosk, bought)
    (payment,) = [each for each in listed(served, "payment_intents") if each["id"] not in before]
    (refund,) = [
        each for each in listed(served, "refunds") if each["payment_intent"] == payment["id"]
    ]
    names = [payment["id"], *payment["metadata"].values(), *refund["metadata"].values()]
    assert identification_id in names

    def found() -> set[str]:
        served.do(served.context.database.forget_erased())
        ours = [
            path.read_bytes()
            for path in served.state.root.rglob("*")
            if path.is_file() and not path.is_relative_to(served.state.sandbox)
        ]
        return {name for name in names if any(name.encode() in file for file in ours)}

    assert found() == set(names)
    leave(kiosk, who)
    served.do(run_errands(served.context))
    assert found() == set()


def test_a_purchase_asked_for_again_after_the_deletion_is_the_same_and_not_another(
    kiosk: TestDevice, who: str
):
    kiosk.sign_up(who)
    sale = kiosk.sale(kiosk.recognised(who))
    bought = kiosk.post("/purchases", sale, Purchase, key="sale-key")
    leave(kiosk, who)
    for key in ("sale-key", "another-key"):
        again = kiosk.post("/purchases", sale, Purchase, key=key)
        assert again == bought.model_copy(update={"receipt": False})
    other = sale.model_copy(update={"amount": Money(minor=1, currency="USD")})
    with pytest.raises(Refused) as refused:
        kiosk.post("/purchases", other, Purchase)
    assert refused.value.problem.type is ProblemType.CONFLICT


def test_a_deletion_sent_again_gets_the_same_receipt(kiosk: TestDevice, who: str):
    kiosk.sign_up(who)
    request = DeletionRequest(identification_id=kiosk.recognised(who, Purpose.LEAVE))
    first, second = (
        kiosk.post("/deletions", request, DeletionReceipt, key="the-same-key") for _ in range(2)
    )
    assert first == second


def test_a_deleted_person_can_sign_up_again_with_the_same_number_and_palm(
    kiosk: TestDevice, who: str
):
    phone = fresh_phone()
    kiosk.sign_up(who, phone=phone)
    leave(kiosk, who)
    kiosk.sign_up(who, phone=phone)
    assert kiosk.identify(who).outcome is Outcome.ACCEPTED


def test_a_purchase_can_be_read_after_its_person_was_deleted(
    served: Served, kiosk: TestDevice, who: str
):
    kiosk.sign_up(who)
    sale = kiosk.sale(kiosk.recognised(who))
    bought = kiosk.post("/purchases", sale, Purchase)
    leave(kiosk, who)
    told = kiosk.get(f"/purchases/{sale.reference}", Purchase)
    assert told == bought.model_copy(update={"receipt": False})


@pytest.mark.sqlite
def test_what_was_begun_with_the_same_number_is_erased_with_the_account(
    served: Served, kiosk: TestDevice, who: str
):
    phone = fresh_phone()
    claim = Claim(phone=phone, proof=Proof.CODE, purpose=Purpose.LEAVE)
    kiosk.post("/claims", claim, ClaimOpened)
    kiosk.sign_up(who, phone=phone)
    kiosk.post("/claims", claim, ClaimOpened)
    kiosk.begin_enrolment(phone)
    lookup = served.context.master.lookup("phone", phone)

    def found() -> set[str]:
        with sqlite3.connect(served.state.database) as database:
            tables = [name for (name,) in database.execute("SELECT name FROM sqlite_schema")]
            columns = {
                (table, column)
                for table in tables
                for _, column, *_ in database.execute(f"PRAGMA table_info('{table}')")
            }
            return {
                table
                for table, column in columns
                if list(
                    database.execute(f"SELECT 1 FROM '{table}' WHERE \"{column}\" = ?", [lookup])
                )
            }

    assert found() == {"accounts", "claims", "enrolments", "tallies"}
    leave(kiosk, who)
    assert found() == set()


@pytest.mark.sqlite
def test_a_stored_answer_does_not_tell_the_number_that_was_asked_about(
    served: Served, kiosk: TestDevice
):
    phone = fresh_phone()
    claim = Claim(phone=phone, proof=Proof.CODE, purpose=Purpose.LEAVE)
    kiosk.post("/claims", claim, ClaimOpened, key="claim-key")
    guess = sha256(b"POST /v1/claims\0" + claim.model_dump_json().encode()).digest()
    with sqlite3.connect(served.state.database) as database:
        (stored,) = database.execute("SELECT fingerprint FROM answers WHERE key = 'claim-key'")
    assert stored != (guess,)


def test_an_identification_is_void_after_the_deletion(kiosk: TestDevice, who: str):
    kiosk.sign_up(who)
    earlier = kiosk.recognised(who, Purpose.LEAVE)
    paying = kiosk.recognised(who)
    leave(kiosk, who)
    with pytest.raises(Refused) as refused:
        kiosk.get(f"/identifications/{earlier}/holdings", Holdings)
    assert refused.value.problem.type is ProblemType.NOT_FOUND
    with pytest.raises(Refused) as refused:
        kiosk.post("/purchases", kiosk.sale(paying), Purchase)
    assert refused.value.problem.type is ProblemType.NOT_FOUND


def test_a_deletion_needs_an_identification_to_leave(kiosk: TestDevice, who: str):
    kiosk.sign_up(who)
    request = DeletionRequest(identification_id=kiosk.recognised(who, Purpose.PAY))
    with pytest.raises(Refused) as refused:
        kiosk.post("/deletions", request, DeletionReceipt)
    assert refused.value.problem.type is ProblemType.NOT_ACCEPTED
    assert kiosk.identify(who).outcome is Outcome.ACCEPTED


@pytest.mark.sqlite
def test_nothing_stored_about_a_person_is_on_disk_after_their_deletion(
    served: Served, kiosk: TestDevice, who: str
):
    phone = fresh_phone()
    kiosk.sign_up(who, phone=phone, sides=(Side.LEFT, Side.RIGHT))
    kiosk.post("/purchases", kiosk.sale(kiosk.recognised(who)), Purchase)
    person_id = served.person_id(phone)

    async def stored() -> list[bytes]:
        async with served.context.database.session() as session:
            rows: list[bytes] = [person_id.encode()]
            for column, of in (
                (Person.wrapped_key, Person.id),
                (AccountRow.profile, AccountRow.person_id),
                (AccountRow.phone_lookup, AccountRow.person_id),
                (PalmRow.template, PalmRow.person_id),
                (CardRow.detail, CardRow.person_id),
            ):
                values = (await session.scalars(select(column).where(of == person_id))).all()
                assert values
                rows += [value.encode() if isinstance(value, str) else value for value in values]
            return rows

    traces = served.do(stored())
    served.do(served.context.database.forget_erased())
    before = list(bytes_on_disk(served.state.root))
    # A long value is split over pages of the database; one page holds its middle.
    middles = [trace[len(trace) // 2 :][:32] for trace in traces]
    assert all(any(middle in file for file in before) for middle in middles)

    receipt = leave(kiosk, who)
    served.do(run_errands(served.context))
    after = list(bytes_on_disk(served.state.root))
    assert [middle for middle in middles if any(middle in file for file in after)] == []
    assert remains(served, receipt) == []


def test_a_deletion_is_verified_and_a_trace_is_found(served: Served, kiosk: TestDevice, who: str):
    phone = fresh_phone()
    kiosk.sign_up(who, phone=phone)
    person_id = served.person_id(phone)
    receipt = leave(kiosk, who)
    served.do(run_errands(served.context))
    assert remains(served, receipt) == []

    left_behind = served.state.root / "forgotten.log"
    left_behind.write_text(f"somebody wrote down {person_id}")
    assert remains(served, receipt) == [f"a trace in {left_behind}"]
    left_behind.unlink()

    # Dated an hour ahead, so that housekeeping does not delete it as expired meanwhile.
    at = served.context.clock() + timedelta(hours=1)
    served.add(Tally(kind="x", subject=person_id, at=at))
    assert "a row in tallies" in remains(served, receipt)


@pytest.mark.sqlite
def test_a_purchase_that_still_leads_to_a_deleted_person_is_found(
    served: Served, kiosk: TestDevice, who: str
):
    kiosk.sign_up(who)
    bought = kiosk.post("/purchases", kiosk.sale(kiosk.recognised(who)), Purchase)
    receipt = leave(kiosk, who)
    served.do(run_errands(served.context))
    assert remains(served, receipt) == []
    for column in ("payment", "identification_id"):
        set_to = f"UPDATE purchases SET {column} = ? WHERE id = ?"
        for value, found in ((f"left over {who}", 1), (None, 0)):
            with sqlite3.connect(served.state.database) as database:
                database.execute(set_to, [value, bought.purchase_id])
            database.close()
            leading = ["1 purchases that lead to somebody who was deleted"][:found]
            assert remains(served, receipt) == leading


@pytest.mark.sqlite
def test_a_refund_that_still_leads_to_a_deleted_person_is_found(
    served: Served, kiosk: TestDevice, who: str
):
    kiosk.sign_up(who)
    bought = kiosk.post("/purchases", kiosk.sale(kiosk.recognised(who)), Purchase)
    given = give_back(kiosk, bought)
    receipt = leave(kiosk, who)
    served.do(run_errands(served.context))
    set_to = "UPDATE refunds SET provider_reference = ? WHERE id = ?"
    for value, found in ((f"left over {who}", 1), (None, 0)):
        with sqlite3.connect(served.state.database) as database:
            database.execute(set_to, [value, given.refund_id])
        database.close()
        leading = ["1 refunds that lead to somebody who was deleted"][:found]
        assert remains(served, receipt) == leading


def test_an_unknown_receipt_cannot_be_verified(served: Served):
    with pytest.raises(KeyError):
        served.do(remains_of("no-such-receipt", served.state, served.database))


def test_the_provider_forgets_the_card_even_after_failures(
    served: Served, kiosk: TestDevice, who: str
):
    def customers() -> set[str]:
        return {customer["id"] for customer in listed(served, "customers")}

    before = customers()
    kiosk.sign_up(who, phone=fresh_phone())
    # Errands of other tests may be done meanwhile: only this person's customer is looked at.
    theirs = customers() - before
    assert len(theirs) == 1
    with Failing(served, "forget", works=False):
        receipt = leave(kiosk, who)
        served.do(run_errands(served.context))
    served.ahead = timedelta(hours=1)
    served.do(run_errands(served.context))
    assert not theirs & customers()
    assert remains(served, receipt) == []


# What is kept until a promised day


def test_purchases_are_deleted_on_the_promised_day_and_not_a_second_before(tmp_path: Path):
    with Served(tmp_path, Settings(recognition=PLAIN)) as served:
        kiosk = served.kiosk()

        async def kept() -> tuple[int, int]:
            await end_retention(served.context)
            async with served.database.session() as session:
                purchases = (await session.scalars(select(PurchaseRow))).all()
                return len(purchases), len((await session.scalars(select(ReceiptRow))).all())

        kiosk.sign_up("alex")
        sale = kiosk.sale(kiosk.recognised("alex"))
        kiosk.post("/purchases", sale, Purchase)
        receipt = leave(kiosk, "alex")
        (retained,) = receipt.retained
        for until, before, after in (
            (retained.until, (1, 1), (0, 1)),
            (receipt.at + BOOKKEEPING, (0, 1), (0, 0)),
        ):
            served.context.clock = lambda at=until: at - timedelta(seconds=1)
            assert served.do(kept()) == before
            served.context.clock = lambda at=until: at
            assert served.do(kept()) == after
        assert all(sale.reference.encode() not in file for file in bytes_on_disk(tmp_path))


def test_a_purchase_and_its_refunds_are_kept_as_long_as_the_last_of_them(tmp_path: Path):
    with Served(tmp_path, Settings(recognition=PLAIN)) as served:
        kiosk = served.kiosk()

        async def kept() -> tuple[int, int]:
            await end_retention(served.context)
            async with served.database.session() as session:
                purchases = (await session.scalars(select(PurchaseRow))).all()
                return len(purchases), len((await session.scalars(select(RefundRow))).all())

        kiosk.sign_up("alex")
        bought = kiosk.post("/purchases", kiosk.sale(kiosk.recognised("alex")), Purchase)
        give_back(kiosk, bought, minor=1)
        served.ahead = kiosk.ahead = timedelta(days=30)
        given = give_back(kiosk, bought)
        served.ahead = kiosk.ahead = timedelta(0)
        assert given.at > bought.at + timedelta(days=29)
        purchases, refunds = leave(kiosk, "alex").retained
        assert purchases.until == refunds.until == given.at + BOOKKEEPING
        for until, left in (
            (bought.at + timedelta(days=1) + BOOKKEEPING, (1, 2)),
            (refunds.until - timedelta(seconds=1), (1, 2)),
            (refunds.until, (0, 0)),
        ):
            served.context.clock = lambda at=until: at
            assert served.do(kept()) == left
        files = list(bytes_on_disk(tmp_path))
        for reference in (bought.reference, given.reference):
            assert all(reference.encode() not in file for file in files)


# What is stored before


def test_one_persons_key_opens_nothing_of_anothers(served: Served, kiosk: TestDevice, who: str):
    phones = fresh_phone(), fresh_phone()
    for number, phone in enumerate(phones):
        kiosk.sign_up(f"{who} {number}", phone=phone)

    async def read() -> tuple[list[Entry], list[PalmRow]]:
        async with served.context.database.session() as session:
            first, second = [
                await find_person(session, served.context.master, served_id) for served_id in ids
            ]
            query = select(PalmRow).where(PalmRow.person_id == second.person_id)
            foreign = (await session.scalars(query)).all()
            for row in foreign:
                with pytest.raises(InvalidTag):
                    entry(first, row)
            return await palms_of(session, first), list(foreign)

    ids = [served.person_id(phone) for phone in phones]
    own, foreign = served.do(read())
    assert len(own) == len(foreign) == 1


def test_a_number_cannot_be_read_or_linked_from_what_is_stored(
    served: Served, kiosk: TestDevice, who: str
):
    phone = fresh_phone()
    kiosk.sign_up(who, phone=phone, holder="Quentin Unusual")
    served.do(served.context.database.forget_erased())
    for content in bytes_on_disk(served.state.root):
        assert phone.encode() not in content
        assert b"Quentin" not in content
        assert b"Unusual" not in content
    another_service = MasterKey(bytes(32))
    assert another_service.lookup("phone", phone) != served.context.master.lookup("phone", phone)
    assert served.context.master.lookup("phone", phone) != served.context.master.lookup(
        "code", phone
    )


def test_a_file_that_was_renamed_while_it_was_looked_for_names_nobody(tmp_path: Path):
    assert list(deletions._content(tmp_path / "localstripe.partial")) == []
