"""Dangerous acts need two: one asks, and another approves."""

import asyncio
import re
from datetime import timedelta
from pathlib import Path

import httpx
import pytest

from cloud.__main__ import main
from cloud.console import four_eyes
from cloud.console.audit import By, Door
from cloud.console.four_eyes import ALONE, KEPT, LIFE
from cloud.console.roles import Role
from cloud.jobs.housekeeping import forget_expired
from cloud.web.devices import DeviceRow
from tests.cloud.test_staff import Staff, staff  # noqa: F401 - a fixture
from tests.support.console import KIOSK, SOLD, Member, add_kiosk, member_of, sell, site_of, trail
from tests.support.portal import Portal

pytestmark = pytest.mark.anyio

PAGE = "/console/approvals"


async def are_revoked(portal: Portal, *device_ids: str) -> list[bool]:
    async with portal.database.session() as session:
        rows = [await session.get_one(DeviceRow, each) for each in device_ids]
    return [row.revoked_at is not None for row in rows]


def requests(page: httpx.Response) -> list[str]:
    """Returns the ids of what stands on the page and can be decided or taken."""
    return list(dict.fromkeys(re.findall(rf"{PAGE}/(\w{{32}})/", page.text)))


async def asks_to_export(member: Member) -> str:
    before = requests(await member.open(PAGE))
    page = await member.submit("/console/audit", "/console/audit/export")
    assert page.url.path == PAGE
    (request,) = set(requests(page)) - set(before)
    return request


async def test_all_kiosks_of_a_site_are_revoked_when_another_approves_it(portal: Portal):
    shop = await site_of(portal, "first")
    for name in ("one", "two"):
        await add_kiosk(portal, name, name=f"Till {name}")
    asker, other = await member_of(portal, name="Ann"), await member_of(portal, name="Ben")
    form = f"/console/sites/{shop}/revoke"
    assert "Till two" in (await asker.open(form)).text
    page = await asker.submit(form, form)
    (request,) = requests(page)
    assert "Revoke kiosks" in page.text
    assert "Till one, Till two" in page.text
    assert f"{PAGE}/{request}/approve" not in page.text
    own = await asker.post(f"{PAGE}/{request}/approve")
    assert own.status_code == 409
    assert "somebody else has to approve it" in own.text
    assert await are_revoked(portal, "one", "two") == [False, False]

    # One that is put there meanwhile is not meant, and one that is gone is left out.
    await add_kiosk(portal, "three")
    await other.post("/console/devices/one/revoke")
    assert "Ann" in (await other.open(PAGE)).text
    page = await other.submit(PAGE, f"{PAGE}/{request}/approve")
    assert "Nothing waits for you" in page.text
    assert await are_revoked(portal, "one", "two", "three") == [True, True, False]
    again = await other.post(f"{PAGE}/{request}/approve")
    assert again.status_code == 409
    assert "does not wait any more" in again.text
    assert "Done" in (await asker.open(PAGE)).text
    rows = await trail(asker)
    assert [(row["act"], row["who"]) for row in rows[-5:-1]] == [
        ("ask to revoke kiosks", asker.member.id),
        ("revoke the kiosk", other.member.id),
        ("approve to revoke kiosks", other.member.id),
        ("revoke the kiosk, as two want it", other.member.id),
    ]
    assert rows[-5]["details"] == {"kiosks": "one two"}
    assert "kiosks: Till one, Till two" in (await asker.open("/console/audit")).text


async def test_what_is_approved_twice_at_once_is_done_once(portal: Portal):
    await add_kiosk(portal)
    form = f"/console/sites/{await site_of(portal, 'first')}/revoke"
    asker, *others = [await member_of(portal) for _ in range(4)]
    (request,) = requests(await asker.submit(form, form))
    path = f"{PAGE}/{request}/approve"
    answers = await asyncio.gather(*(each.post(path) for each in (asker, *others)))
    assert sorted(answer.status_code for answer in answers) == [200, 409, 409, 409]
    assert answers[0].status_code == 409
    acts = [row["act"] for row in await trail(asker)]
    assert acts.count("approve to revoke kiosks") == 1
    assert acts.count("revoke the kiosk, as two want it") == 1


async def test_one_alone_revokes_no_more_kiosks_by_revoking_them_at_once(portal: Portal):
    names = [f"kiosk-{number}" for number in range(ALONE + 3)]
    for name in names:
        await add_kiosk(portal, name)
    operator = await member_of(portal)
    paths = [f"/console/devices/{name}/revoke" for name in names]
    pages = await asyncio.gather(*(operator.post(path) for path in paths))
    assert [page.url.path for page in pages].count(PAGE) == 3
    assert sum(await are_revoked(portal, *names)) == ALONE


async def test_whoever_has_asked_for_the_trail_takes_it_once(portal: Portal):
    merchant = await member_of(portal, Role.MERCHANT, "first", name="Mia")
    operator = await member_of(portal, name="Olga")
    request = await asks_to_export(merchant)
    file = f"{PAGE}/{request}/audit.jsonl"
    assert (await merchant.post(file)).status_code == 409
    await operator.submit(PAGE, f"{PAGE}/{request}/approve")
    assert (await operator.post(file)).status_code == 404
    taken = await merchant.submit(PAGE, file)
    assert taken.headers["content-disposition"].startswith("attachment")
    assert '"act": "approve to export the audit trail"' in taken.text
    assert '"merchant": null' not in taken.text
    assert (await merchant.post(file)).status_code == 409
    assert "Done" in (await merchant.open(PAGE)).text


async def test_the_sales_of_a_whole_merchant_are_taken_by_two_and_once(portal: Portal):
    await add_kiosk(portal)
    await sell(portal)
    merchant = await member_of(portal, Role.MERCHANT, "first", name="Mia")
    other = await member_of(portal, Role.MERCHANT, "first", name="Noa")
    rival = await member_of(portal, Role.MERCHANT, await portal.merchant("Florist"))
    month = "/console/sales?when=2026-11&state=paid"
    ask = "/console/sales/export?when=2026-11&state=paid"
    page = await merchant.submit(month, ask)
    assert "Export many sales" in page.text
    assert "Corner Shop: those of November 2026, only “Paid”" in page.text
    (request,) = requests(page)
    file = f"{PAGE}/{request}/sales.csv"
    assert (await merchant.post(file)).status_code == 409
    assert (await merchant.post(f"{PAGE}/{request}/approve")).status_code == 409
    assert (await rival.post(f"{PAGE}/{request}/approve")).status_code == 404
    await other.submit(PAGE, f"{PAGE}/{request}/approve")
    for somebody in (other, rival):
        assert (await somebody.post(file)).status_code == 404
    assert (await merchant.post(f"{PAGE}/{request}/audit.jsonl")).status_code == 404
    # What was sold since is in it: a month is whole when it is over.
    await sell(portal, id="later", reference="later-one")
    taken = await merchant.submit(PAGE, file)
    assert taken.headers["content-disposition"].startswith("attachment")
    assert {SOLD, "later-one"} <= set(re.split("[,\r\n]", taken.text))
    assert (await merchant.post(file)).status_code == 409
    rows = [row for row in await trail(merchant) if row["subject"] == request]
    assert [(row["act"], row["who"], row["details"]) for row in rows] == [
        ("ask to export many sales", merchant.member.id, {"when": "2026-11", "state": "paid"}),
        ("approve to export many sales", other.member.id, {}),
        ("export many sales", merchant.member.id, {}),
    ]


async def test_what_was_typed_as_a_reference_is_asked_for_and_noted_only_if_it_is_one(
    portal: Portal,
):
    merchant = await member_of(portal, Role.MERCHANT, "first")
    asked = await merchant.post("/console/sales/export?reference=Alex+Doe")
    assert asked.status_code == 409
    assert "Alex" not in str(await trail(merchant))


async def test_a_kiosk_that_has_gone_to_another_merchant_is_not_called_as_it_is_there(
    portal: Portal,
):
    await add_kiosk(portal, "one", name="Till one")
    merchant = await member_of(portal, Role.MERCHANT, "first")
    form = f"/console/sites/{await site_of(portal, 'first')}/revoke"
    await merchant.submit(form, form)
    other = await portal.merchant("Florist")
    place = await site_of(portal, other)
    async with portal.database.session() as session:
        device = await session.get_one(DeviceRow, "one")
        device.merchant_id, device.site_id, device.name = other, place, "Roses"
        await session.commit()
    page = (await merchant.open(PAGE)).text
    assert "a kiosk that is elsewhere now" in page
    assert "Roses" not in page


async def test_what_nobody_approves_within_a_day_is_over(portal: Portal):
    asker, other = await member_of(portal), await member_of(portal)
    back, declined, late, untaken = [await asks_to_export(asker) for _ in range(4)]
    page = await asker.post(f"{PAGE}/{back}/decline")
    assert "Declined" in page.text
    await other.post(f"{PAGE}/{declined}/decline")
    await other.post(f"{PAGE}/{untaken}/approve")
    portal.pass_time(LIFE)
    await asker.sign_in()
    await other.sign_in()
    own = (await asker.open(PAGE)).text.split('id="own"')[1].split("</section>")[0]
    assert own.count("Expired") == 2
    assert own.count("Declined") == 2
    assert requests(await asker.open(PAGE)) == []
    for request in (back, declined, late):
        assert (await other.post(f"{PAGE}/{request}/approve")).status_code == 409
    assert (await asker.post(f"{PAGE}/{untaken}/audit.jsonl")).status_code == 409
    portal.pass_time(KEPT)
    await forget_expired(portal.context)
    async with portal.database.session() as session:
        assert await four_eyes.all_asked(session) == []


async def test_what_somebody_has_asked_for_is_not_approved_once_their_account_has_ended(
    portal: Portal,
):
    """Whoever was in their session may have asked for it."""
    await add_kiosk(portal)
    asker, other = await member_of(portal), await member_of(portal)
    form = f"/console/sites/{await site_of(portal, 'first')}/revoke"
    (request,) = requests(await asker.submit(form, form))
    account = f"/console/staff/{asker.member.id}"
    await other.submit(account, f"{account}/end")
    page = await other.post(f"{PAGE}/{request}/approve")
    assert page.status_code == 409
    assert "The account with which this request was made has ended" in page.text
    assert await are_revoked(portal, KIOSK) == [False]
    await other.submit(PAGE, f"{PAGE}/{request}/decline")
    assert requests(await other.open(PAGE)) == []


async def test_one_alone_revokes_few_kiosks_a_day(portal: Portal):
    names = [f"kiosk-{number}" for number in range(ALONE + 1)]
    for name in names:
        await add_kiosk(portal, name)
    operator, other = await member_of(portal), await member_of(portal)
    for name in names[:-1]:
        form = f"/console/devices/{name}/revoke"
        await operator.submit(form, form)
    form = f"/console/devices/{names[-1]}/revoke"
    assert "is revoked when somebody else approves it" in (await operator.open(form)).text
    page = await operator.submit(form, form)
    assert page.url.path == PAGE
    assert await are_revoked(portal, *names) == [True] * ALONE + [False]
    assert "Revoke it" in (await other.open(form)).text
    portal.pass_time(timedelta(days=1))
    await operator.sign_in()
    await operator.submit(form, form)
    assert await are_revoked(portal, names[-1]) == [True]


async def test_an_auditor_approves_what_an_auditor_does_and_no_more(portal: Portal):
    await add_kiosk(portal)
    shop = await site_of(portal, "first")
    operator = await member_of(portal)
    auditor = await member_of(portal, Role.AUDITOR)
    export = await asks_to_export(operator)
    form = f"/console/sites/{shop}/revoke"
    (revoke,) = set(requests(await operator.submit(form, form))) - {export}
    assert requests(await auditor.open(PAGE)) == [export]
    assert (await auditor.post(f"{PAGE}/{revoke}/approve")).status_code == 404
    assert (await auditor.post(f"{PAGE}/rekey")).status_code == 404
    await auditor.submit(PAGE, f"{PAGE}/{export}/approve")


async def test_an_operator_approves_what_a_command_has_asked_for(portal: Portal):
    operator = await member_of(portal)
    async with portal.database.session() as session:
        by = By(Door.COMMAND, "ops", portal.now)
        row = await four_eyes.ask(session, by, four_eyes.REKEY, four_eyes.Nothing(), None)
        await session.commit()
        assert await four_eyes.approved_rekey(session, portal.now) is None
    assert "ops" in (await operator.open(PAGE)).text
    await operator.submit(PAGE, f"{PAGE}/{row.id}/approve")
    async with portal.database.session() as session:
        assert await four_eyes.approved_rekey(session, portal.now) == row.id
        assert await four_eyes.approved_rekey(session, portal.now + LIFE) is None


def test_where_two_are_operators_the_gallerys_secret_is_replaced_by_two(
    staff: Staff,  # noqa: F811
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
):
    for name in ("Robin", "Kim"):
        staff("add-user", name)
    assert main(["--state", str(tmp_path), "rekey"]) == 2
    assert "nobody has approved it" in capfd.readouterr().err
    monkeypatch.setenv("SUDO_USER", "ops")
    request = staff("ask-rekey").removeprefix("request ").strip()
    assert f"{request}\t" in staff("asked")
    assert "somebody else has to approve it" in staff("approve", request, status=2)
    monkeypatch.setenv("SUDO_USER", "night-shift")
    staff("approve", request)
    assert "\tapproved\treplace the gallery's secret\t" in staff("asked")
    assert f"no request {request} waits" in staff("decline", request, status=2)
