"""Deleting everything in the portal: what is said before, what it takes, and what proves it."""

import json
from errno import ENOSPC
from pathlib import Path

import httpx
import pytest
from sqlalchemy import select

from cloud.keys.tables import Person
from cloud.payments.tables import PurchaseRow
from cloud.people.deletions import forget_all_deleted, remains_of
from cloud.people.tables import ReceiptRow, SessionRow, SignInRow
from cloud.policy import BOOKKEEPING, CODE_ATTEMPTS, CODE_LIFE, Limits
from cloud.web.language import ENGLISH
from cloud.web.tables import Tally
from protocol import merkle, verify_receipt
from protocol.encoding import from_base64
from protocol.messages import LoggedReceipt, ReceiptLog
from tests.support.portal import Browser, Portal, forms

pytestmark = pytest.mark.anyio

PHONE, OTHER = "+14155550123", "+14155550124"


async def ask(browser: Browser) -> httpx.Response:
    """Returns the page that asks for the code that deletes."""
    return await browser.submit(await browser.open("/portal/leave"), "/portal/leave")


async def leave(portal: Portal, browser: Browser, phone: str = PHONE) -> httpx.Response:
    page = await ask(browser)
    return await browser.submit(page, "/portal/leave/code", code=portal.last_code(phone))


async def is_there(portal: Portal) -> bool:
    async with portal.database.session() as session:
        return (await session.scalars(select(Person))).first() is not None


async def test_the_page_says_before_what_the_receipt_says_afterwards(portal: Portal):
    person = await portal.account(PHONE)
    bought = await portal.buy(person)
    await portal.refund(bought, 250)
    await portal.buy(person, outcome="declined")
    browser = portal.browser()
    await browser.sign_in(PHONE)
    before = await browser.open("/portal/leave")
    after = await leave(portal, browser)
    erased = before.text.partition("What is erased")[2].partition('<p class="soft"')[0]
    assert erased in after.text
    for words in (
        "your mobile number",
        "palm signatures: 2",
        "cards: 1",
        "purchases: 1 (",
        "refunds: 1 (",
        ENGLISH.day(portal.now + BOOKKEEPING),
    ):
        assert words in erased


async def test_a_deletion_leaves_nothing_and_its_receipt_is_verified_like_a_kiosks(portal: Portal):
    person = await portal.account(PHONE)
    await portal.buy(person)
    browser = portal.browser()
    await browser.sign_in(PHONE)
    await portal.browser().ask_for_code(PHONE)
    page = await leave(portal, browser)
    receipt_id = page.url.path.rpartition("/")[2]
    assert "Your data is deleted" in page.text
    assert receipt_id in page.text
    assert not await is_there(portal)
    assert len(portal.gallery) == 0
    async with portal.database.session() as session:
        for table in (SessionRow, SignInRow, Tally):
            assert (await session.scalars(select(table))).all() == []
        (kept,) = await session.scalars(select(PurchaseRow))
        assert (kept.person_id, kept.payment, kept.amount_minor) == (None, None, 1250)
    # What is left is the errand that has the provider forget the card.
    found = await remains_of(receipt_id, portal.context.state, portal.database)
    assert found == ["1 cards the payment provider has yet to forget"]


async def test_a_deletion_leaves_no_copy_between_the_rows_of_the_database(portal: Portal):
    person = await portal.account(PHONE)
    browser = portal.browser()
    await browser.sign_in(PHONE)
    await portal.leave_between_rows(person.person_id)
    await leave(portal, browser)
    assert not portal.holds(person.person_id)


async def test_what_a_stranger_began_with_the_number_goes_without_a_copy_as_well(portal: Portal):
    await portal.account(PHONE)
    begun = await portal.begun_with(PHONE)
    browser = portal.browser()
    await browser.sign_in(PHONE)
    await portal.leave_between_rows(begun)
    await leave(portal, browser)
    assert not portal.holds(begun)


@pytest.mark.sqlite
async def test_a_copy_that_an_interrupted_deletion_has_left_is_erased(portal: Portal):
    person = await portal.account(PHONE)
    browser = portal.browser()
    await browser.sign_in(PHONE)
    page = await leave(portal, browser)
    receipt_id = page.url.path.rpartition("/")[2]
    for erase in (
        forget_all_deleted(portal.context),
        remains_of(receipt_id, portal.context.state, portal.database),
    ):
        await portal.leave_between_rows(person.person_id)
        assert portal.holds(person.person_id)
        await erase
        assert not portal.holds(person.person_id)


async def test_the_receipt_is_downloaded_as_it_was_signed(portal: Portal):
    await portal.account(PHONE)
    browser = portal.browser()
    await browser.sign_in(PHONE)
    page = await leave(portal, browser)
    link = f"{page.url.path}.json"
    assert link in page.text
    answer = await portal.browser().open(link)
    assert answer.headers["content-type"] == "application/json"
    assert answer.headers["content-disposition"].startswith("attachment")
    receipt = LoggedReceipt.model_validate_json(answer.content).receipt
    async with portal.database.session() as session:
        row = await session.get_one(ReceiptRow, receipt.receipt_id)
    assert json.loads(row.document) == json.loads(answer.content)["receipt"]


async def test_the_downloaded_receipt_and_the_published_log_are_all_that_a_check_needs(
    portal: Portal, tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    for phone in (PHONE, OTHER):
        await portal.account(phone)
        browser = portal.browser()
        await browser.sign_in(phone)
        page = await leave(portal, browser, phone)
        receipt = await portal.browser().open(f"{page.url.path}.json")
        log = await portal.browser().open("/portal/receipt-log.json")
        (tmp_path / "receipt.json").write_bytes(receipt.content)
        (tmp_path / "log.json").write_bytes(log.content)
        words = [str(tmp_path / "receipt.json"), "--key", str(tmp_path / "log.json")]
        assert verify_receipt.main(words) == verify_receipt.VERIFIED
    said = capsys.readouterr().out
    assert "entry 1 of the 1" in said
    assert "entry 2 of the 2" in said


async def test_the_log_proves_to_everybody_that_it_has_only_grown(portal: Portal):
    heads: list[tuple[int, bytes]] = []
    for number in range(4):
        answer = await portal.browser().open("/portal/receipt-log.json")
        head = ReceiptLog.model_validate_json(answer.content).head
        heads.append((head.size, from_base64(head.root)))
        phone = f"+1415555013{number}"
        await portal.account(phone)
        browser = portal.browser()
        await browser.sign_in(phone)
        await leave(portal, browser, phone)
    assert [size for size, _ in heads] == [0, 1, 2, 3]
    for size, root in heads:
        answer = await portal.browser().open(f"/portal/receipt-log.json?since={size}")
        log = ReceiptLog.model_validate_json(answer.content)
        path = [from_base64(each) for each in log.consistency]
        assert merkle.is_consistent(size, 4, path, root, from_base64(log.head.root))


async def test_the_log_is_asked_about_a_size_that_it_can_have_had(portal: Portal):
    answer = await portal.browser().open("/portal/receipt-log.json?since=7")
    log = ReceiptLog.model_validate_json(answer.content)
    assert (log.head.size, log.since, log.consistency) == (0, None, [])
    for wrong in ("-1", "x", str(2**53), "1e3", ""):
        answer = await portal.browser().open(f"/portal/receipt-log.json?since={wrong}")
        assert answer.status_code == 400


async def test_a_receipt_is_found_by_its_number_only(portal: Portal):
    for number, status in (("0" * 32, 404), ("%00", 400), ("x%2F", 404), ("x", 404)):
        for end in ("", ".json"):
            answer = await portal.browser().open(f"/portal/receipts/{number}{end}")
            assert answer.status_code == status


async def test_the_message_says_delete(portal: Portal):
    await portal.account(PHONE)
    browser = portal.browser()
    await browser.sign_in(PHONE)
    await ask(browser)
    message = portal.messages_to(PHONE)[-1]
    assert message[6:] == (
        " will DELETE your account and your palms at Corner Shop. Nobody will ask you for it."
    )


async def test_a_code_for_signing_in_deletes_nothing(portal: Portal):
    """An attacker who is signed in may talk somebody into telling the code of a sign-in."""
    await portal.account(PHONE)
    browser = portal.browser()
    page = await browser.ask_for_code(PHONE)
    signed_in_with = portal.last_code(PHONE)
    await browser.submit(page, "/portal/code", code=signed_in_with)
    await portal.browser().ask_for_code(PHONE)
    another = portal.last_code(PHONE)
    page = await ask(browser)
    for code in {signed_in_with, another} - {portal.last_code(PHONE)}:
        answer = await browser.submit(page, "/portal/leave/code", code=code)
        assert answer.status_code == 403
    assert await is_there(portal)


async def test_a_code_that_deletes_signs_nobody_in(portal: Portal):
    await portal.account(PHONE)
    browser, other = portal.browser(), portal.browser()
    await browser.sign_in(PHONE)
    page = await other.ask_for_code(PHONE)
    signs_in = portal.last_code(PHONE)
    await ask(browser)
    if portal.last_code(PHONE) != signs_in:
        page = await other.submit(page, "/portal/code", code=portal.last_code(PHONE))
        assert page.status_code == 403


async def test_a_code_deletes_in_the_session_that_asked_for_it_only(portal: Portal):
    await portal.account(PHONE)
    browser, other = portal.browser(), portal.browser()
    await browser.sign_in(PHONE)
    await other.sign_in(PHONE)
    await ask(browser)
    page = await other.open("/portal/leave/code")
    page = await other.submit(page, "/portal/leave/code", code=portal.last_code(PHONE))
    assert page.status_code == 403
    assert await is_there(portal)


async def test_guessing_the_code_ends_and_deletes_nothing(portal: Portal):
    await portal.account(PHONE)
    browser = portal.browser()
    await browser.sign_in(PHONE)
    page = await ask(browser)
    form, code = forms(page)["/portal/leave/code"].fields, portal.last_code(PHONE)
    wrong = f"{(int(code) + 1) % 10**6:06d}"
    for _ in range(CODE_ATTEMPTS):
        await browser.post("/portal/leave/code", {**form, "code": wrong})
    answer = await browser.post("/portal/leave/code", {**form, "code": code})
    assert answer.status_code == 403
    assert "not valid any more" in answer.text
    assert await is_there(portal)


async def test_a_code_that_deletes_is_valid_for_ten_minutes(portal: Portal):
    await portal.account(PHONE)
    browser = portal.browser()
    await browser.sign_in(PHONE)
    page = await ask(browser)
    portal.pass_time(CODE_LIFE)
    page = await browser.submit(page, "/portal/leave/code", code=portal.last_code(PHONE))
    assert page.status_code == 403
    assert await is_there(portal)


async def test_codes_that_delete_count_among_those_a_phone_gets(portal: Portal):
    await portal.account(PHONE)
    browser = portal.browser()
    await browser.sign_in(PHONE)
    for _ in range(Limits.PORTAL_CODES.count - 1):
        assert (await ask(browser)).status_code == 200
    assert (await ask(browser)).status_code == 429


async def test_another_sites_form_and_one_without_its_token_delete_nothing(portal: Portal):
    await portal.account(PHONE)
    browser = portal.browser()
    await browser.sign_in(PHONE)
    page = await ask(browser)
    fields = {**forms(page)["/portal/leave/code"].fields, "code": portal.last_code(PHONE)}
    for sent, site in ((fields, "cross-site"), ({**fields, "form": "0" * 64}, "same-origin")):
        answer = await browser.post("/portal/leave/code", sent, sec_fetch_site=site)
        assert answer.status_code == 403
    assert await is_there(portal)


async def test_a_deletion_waits_for_a_payment_and_the_code_stays_of_use(portal: Portal):
    person = await portal.account(PHONE)
    bought = await portal.buy(person, outcome="pending")
    browser = portal.browser()
    await browser.sign_in(PHONE)
    page = await ask(browser)
    code = portal.last_code(PHONE)
    answer = await browser.submit(page, "/portal/leave/code", code=code)
    assert answer.status_code == 409
    assert "few seconds" in answer.text
    async with portal.database.session() as session:
        (await session.get_one(PurchaseRow, bought.id)).outcome = "approved"
        await session.commit()
    answer = await browser.submit(page, "/portal/leave/code", code=code)
    assert answer.url.path.startswith("/portal/receipts/")


async def test_every_session_of_somebody_who_is_deleted_ends(portal: Portal):
    await portal.account(PHONE)
    await portal.account(OTHER)
    browser, elsewhere, other = portal.browser(), portal.browser(), portal.browser()
    await browser.sign_in(PHONE)
    await elsewhere.sign_in(PHONE)
    await other.sign_in(OTHER)
    token = browser.http.cookies["__Host-portal"]
    await leave(portal, browser)
    assert "__Host-portal" not in browser.http.cookies
    browser.keep("__Host-portal", token)
    for each in (browser, elsewhere):
        assert (await each.open("/portal")).url.path == "/portal/sign-in"
    assert (await other.open("/portal")).url.path == "/portal"


@pytest.mark.sqlite
async def test_a_full_disk_keeps_nobody_who_is_signed_in_from_leaving(portal: Portal):
    await portal.account(PHONE)
    browser = portal.browser()
    await browser.sign_in(PHONE)
    portal.database.let_go(OSError(ENOSPC, "No space left on device"))
    assert (await browser.open("/portal")).status_code == 507
    assert "Your data is deleted" in (await leave(portal, browser)).text
    assert not await is_there(portal)
