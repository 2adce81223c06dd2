"""The console with staff before it."""

import json
from dataclasses import dataclass, field
from typing import Any

import httpx

from cloud.console import acts, audit
from cloud.console.audit import By, Door
from cloud.console.members import StaffRow
from cloud.console.roles import Reach, Role
from cloud.fleet import orders, pictures
from cloud.fleet.reports import ReportRow
from cloud.jobs.housekeeping import write_seen
from cloud.keys.persons import OpenPerson
from cloud.merchants.merchants import all_sites
from cloud.payments.purchases import PurchaseRow
from cloud.payments.reconcile import Line, keep_report
from cloud.seen import Kind
from cloud.watch import incidents
from cloud.watch.incidents import IncidentRow
from cloud.web.devices import DeviceRow
from protocol.fleet import Fault
from protocol.messages import Money
from tests.cloud.fleet.test_fleet import REPORT
from tests.cloud.fleet.test_pictures import a_png
from tests.support.passkeys import Authenticator
from tests.support.portal import ORIGIN, Browser, Portal, forms, purchase

KIOSK = "kiosk-of-the-first"
"""The id of the first merchant's kiosk."""
SALE = "5a1e" * 8
SOLD = "sale-of-the-first"
"""The id of a sale there, and its till's name for it."""


@dataclass
class Member:
    """Somebody of the staff at a browser, with a passkey."""

    member: StaffRow
    browser: Browser
    passkey: Authenticator = field(default_factory=Authenticator)

    async def open(self, path: str) -> httpx.Response:
        return await self.browser.open(path)

    async def submit(self, path: str, action: str, **typed: str) -> httpx.Response:
        """Sends a form of a page."""
        return await self.browser.submit(await self.open(path), action, **typed)

    async def post(self, action: str, **typed: str) -> httpx.Response:
        """Sends what no page offers, with the token of those that do."""
        form = forms(await self.open("/console"))["/console/sign-out"].fields
        return await self.browser.post(action, {**form, **typed})

    async def give(self, action: str, file: bytes, **typed: str) -> httpx.Response:
        """Sends a form with a file."""
        form = forms(await self.open("/console"))["/console/sign-out"].fields
        return await self.browser.http.post(
            action,
            data={**form, **typed},
            files={"file": ("picture", file)},
            headers={"sec-fetch-site": "same-origin", "origin": "null"},
        )

    async def sign_in(self) -> httpx.Response:
        return await use(self.browser, self.passkey)


def commanded(portal: Portal) -> By:
    return By(Door.COMMAND, "root", portal.now)


async def link_for(
    portal: Portal,
    role: Role,
    merchant_id: str | None = None,
    site_id: str | None = None,
    *,
    name: str = "Sam",
) -> tuple[StaffRow, str]:
    """Adds an account, and returns it and the path of its link."""
    async with portal.database.session() as session:
        reach = Reach(role, merchant_id, site_id)
        member, token = await acts.add_member(
            session, portal.context.master, commanded(portal), name, reach
        )
        await session.commit()
    return member, f"/console/register/{token}"


async def member_of(
    portal: Portal,
    role: Role = Role.OPERATOR,
    merchant_id: str | None = None,
    site_id: str | None = None,
    *,
    name: str = "Sam",
) -> Member:
    """Returns somebody who has made a passkey by a link, and is signed in."""
    row, link = await link_for(portal, role, merchant_id, site_id, name=name)
    member = Member(row, portal.browser())
    page = await make(member.browser, link, member.passkey)
    assert page.url.path == "/console"
    return member


async def make(
    browser: Browser, link: str, passkey: Authenticator, **manner: Any
) -> httpx.Response:
    """Makes a passkey by a link. `manner` is that of the authenticator."""
    page = await browser.open(link)
    form = forms(page)[link].fields
    asked = await browser.post(f"{link}/options", {"form": form["form"]})
    credential = passkey.make(asked.text, origin=ORIGIN, **manner)
    return await browser.submit(page, link, credential=credential)


async def use(browser: Browser, passkey: Authenticator, **manner: Any) -> httpx.Response:
    """Signs in with a passkey. `manner` is that of the authenticator."""
    page = await browser.open("/console/sign-in")
    form = forms(page)["/console/sign-in"].fields
    asked = await browser.post("/console/passkey/options", {"form": form["form"]})
    return await browser.submit(
        page, "/console/sign-in", credential=passkey.sign(asked.text, origin=ORIGIN, **manner)
    )


async def site_of(portal: Portal, merchant_id: str) -> str:
    """Returns the id of the first site of a merchant."""
    async with portal.database.session() as session:
        sites = await all_sites(session)
        return next(site.id for site in sites if site.merchant_id == merchant_id)


async def add_kiosk(
    portal: Portal,
    device_id: str = KIOSK,
    merchant_id: str = "first",
    site_id: str | None = None,
    name: str = "Till 3",
) -> None:
    await portal.add(
        DeviceRow(
            id=device_id,
            public_key=b"",
            name=name,
            merchant_id=merchant_id,
            site_id=site_id or await site_of(portal, merchant_id),
            activated_at=portal.now,
            infrared=False,
        )
    )


async def add_picture(portal: Portal, site_id: str, setting: str = "logo", shade: int = 1) -> str:
    """Has the kiosks of a site show a picture, and returns its digest."""
    async with portal.database.session() as session:
        digest = await pictures.keep(session, a_png(shade))
        before = (await orders.values_of(session, site_id)).get(setting, "")
        value = f"{before} {digest}".strip() if setting == "attract" else digest
        await orders.change_settings(session, site_id, {setting: value})
        await session.commit()
    return digest


async def report(portal: Portal, *faults: Fault, device_id: str = KIOSK) -> None:
    """Has a kiosk tell of itself now."""
    told = REPORT.model_copy(update={"faults": list(faults)})
    row = ReportRow(device_id=device_id, content=told.model_dump_json(), at=portal.now)
    async with portal.database.session() as session:
        await session.merge(row)
        await session.commit()


async def trail(member: Member) -> list[dict[str, object]]:
    """Returns the rows that somebody may export, the oldest first, without asking anybody."""
    context, merchant_id = member.browser.context, member.member.merchant_id
    by = By(Door.CONSOLE, member.member.id, context.clock())
    async with context.database.session() as session:
        await acts.export_trail(session, by, merchant_id)
        rows = [json.loads(line) async for line in audit.exported(session, merchant_id)]
        await session.commit()
    return rows


async def sell(portal: Portal, minor: int = 1250, **changes: Any) -> PurchaseRow:
    """Adds a sale of now at the first merchant's kiosk, paid with the card itself."""
    values: dict[str, Any] = {
        "id": SALE,
        "identification_id": None,
        "terminal": "token",
        "site_id": None,
        "device_id": KIOSK,
        "reference": SOLD,
    }
    row = purchase(None, portal.now, minor, **values | changes)
    await portal.add(row)
    return row


async def differ(portal: Portal, **changes: Any) -> None:
    """Keeps that the sale of `sell` was compared today, and that its till was told nothing."""
    lunch = Money(minor=1250, currency="USD")
    values: dict[str, Any] = {
        "at": portal.now,
        "kind": "sale",
        "merchant_id": "first",
        "reference": SOLD,
        "ledger": lunch,
        "provider": lunch,
        "told": None,
        "sale": SOLD,
    }
    async with portal.database.session() as session:
        day = portal.now.replace(hour=0)
        await keep_report(session, day, [Line(**values | changes)], portal.now)
        await session.commit()


async def see(
    portal: Portal,
    kind: Kind,
    times: int = 1,
    *,
    device_id: str = KIOSK,
    about: OpenPerson | None = None,
) -> None:
    """Has something happen now that somebody should look at."""
    for _ in range(times):
        portal.context.seen.happened(kind, device_id, about and about.person_id)
    await write_seen(portal.context)


async def attacks(portal: Portal) -> list[IncidentRow]:
    """Returns what nobody has looked at, the worst first."""
    async with portal.database.session() as session:
        return await incidents.waiting(session)
