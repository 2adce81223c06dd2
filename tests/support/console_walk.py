"""Every page of the console in every state, one after another, as somebody of the staff comes to
them. Tests check each, and the tour takes its picture. A new page is one line here."""

import secrets
from datetime import timedelta
from pathlib import Path

import cv2
import numpy as np
from pydantic import SecretStr

from cloud.console import acts, audit, four_eyes
from cloud.console.audit import By, Door
from cloud.console.four_eyes import Chosen, Kiosks
from cloud.console.roles import Reach, Role
from cloud.fleet import orders, pictures
from cloud.jobs.housekeeping import write_seen
from cloud.merchants.merchants import place_of
from cloud.policy import SESSION_FRESH, SESSION_IDLE
from cloud.seen import Became, Kind, Light, Quality, took
from cloud.settings import Oidc
from cloud.watch.tables import TallyRow
from protocol.messages import (
    CardPurchase,
    CardPurchaseRequest,
    Money,
    Purchase,
    Refund,
    RefundRequest,
)
from tests.cloud.fleet.test_fleet import REPORT, told
from tests.support.device import TestDevice, fresh_phone
from tests.support.identity_provider import IdentityProvider
from tests.support.portal_walk import Walk
from tests.support.served import Served
from tests.support.visitor import Visitor

ROWS = 55
"""More rows of the audit trail than are on one page."""


def provider_at(issuer: str) -> Oidc:
    return Oidc(
        issuer=issuer, client_id="console", client_secret=SecretStr("s"), name="Harbour Login"
    )


AWAY = provider_at("https://localhost:9")
"""An identity provider at which nobody answers."""


def a_picture(width: int, height: int, shade: int) -> bytes:
    """Returns a PNG of a ball before a wall."""
    drawn = np.full((height, width, 3), (shade, 140, 90), np.uint8)
    cv2.circle(drawn, (width // 2, height // 2), min(width, height) // 3, (60, 200, 240), -1)
    return cv2.imencode(".png", drawn)[1].tobytes()


class Team:
    """A merchant at a service with two kiosks, one of which has a fault."""

    def __init__(self, served: Served, name: str = "Harbour Market") -> None:
        self.served = served
        self.name = name
        self.site_id = served.merchant(name=name)
        self.kiosks = [served.kiosk(self.site_id) for _ in range(2)]
        self.tells(self.kiosks[0])
        told(self.kiosks[1], REPORT.model_copy(update={"faults": []}))
        self.merchant_id = served.do(self._merchant())

    def tells(self, kiosk: TestDevice) -> None:
        """Has a kiosk tell of itself, and of its fault."""
        told(kiosk)

    def link(self, role: Role = Role.MERCHANT) -> str:
        """Adds an account, and returns the path of its link."""

        async def add() -> str:
            context = self.served.context
            by = By(Door.COMMAND, "root", context.clock())
            whole = role in (Role.OPERATOR, Role.AUDITOR)
            reach = Reach(role, None if whole else self.merchant_id, None)
            async with context.database.session() as session:
                _, token = await acts.add_member(session, context.master, by, "Robin", reach)
                await session.commit()
            return f"/console/register/{token}"

        return self.served.do(add())

    def has_a_provider(self, provider: Oidc | None) -> None:
        """Gives the console an identity provider, or takes it away."""
        context = self.served.context
        console = context.settings.console.model_copy(update={"oidc": provider})
        context.settings = context.settings.model_copy(update={"console": console})

    def has_done_much(self) -> None:
        """Adds rows to the audit trail."""

        async def add() -> None:
            context = self.served.context
            by = By(Door.COMMAND, "root", context.clock())
            async with context.database.session() as session:
                for _ in range(ROWS):
                    await audit.append(
                        session, by, "set-kiosk", self.site_id, merchant_id=self.merchant_id
                    )
                await session.commit()

        self.served.do(add())

    def sells(self) -> Purchase:
        """Sells something for 12.50, to somebody who pays with the card itself."""
        request = CardPurchaseRequest(
            amount=Money(minor=1250, currency="USD"),
            reference=secrets.token_hex(12),
            token="tok_visa",
        )
        sold = self.kiosks[1].post("/card-purchases", request, CardPurchase).purchase
        assert sold is not None
        return sold

    def gives_back(self, sale: Purchase) -> int:
        """Has the till give back what is left of a sale, and returns how much that was."""
        request = RefundRequest(reference=secrets.token_hex(12))
        path = f"/purchases/{sale.reference}/refunds"
        return self.kiosks[1].post(path, request, Refund).amount.minor

    def is_watched(self, role: Role) -> None:
        """Has attacks happen, and palms be shown for a month, at one kiosk worse than before. Who
        freezes accounts has one to freeze."""
        seen, (bad, good) = self.served.context.seen, self.kiosks
        about = None
        if role is Role.OPERATOR:
            phone = fresh_phone()
            good.sign_up(f"somebody at {self.name}", phone=phone)
            about = self.served.person_id(phone)
        for kind, kiosk, times in (
            (Kind.LIFELESS, bad, 12),
            (Kind.LIFELESS, good, 1),
            (Kind.GUESSES, bad, 3),
            (Kind.CHALLENGES, bad, 2),
            (Kind.ALIKE, good, 4),
        ):
            for _ in range(times):
                seen.happened(kind, kiosk.id, about if kind is Kind.GUESSES else None)
        self.served.do(self._watched())

    async def _watched(self) -> None:
        context = self.served.context
        await write_seen(context)
        now = context.clock()
        async with context.database.session() as session:
            for place, kiosk in enumerate(self.kiosks):
                for ago in range(30):
                    is_worse = place == 0 and ago < 6
                    palms = 40 + (ago * 13 + place * 29) % 60
                    hour = (now - timedelta(days=ago, hours=2)).replace(minute=0, second=0)
                    for what, count in {
                        Became.RECOGNISED: palms,
                        Became.DIGITS: 2 + ago % 3,
                        Became.NOT_FOUND: palms // 4 if is_worse else palms // 20,
                        Became.REFUSED: ago % 2,
                        Became.UNREADABLE: palms // 6 if is_worse else 1,
                        Became.LIFELESS: 12 if is_worse and ago == 0 else 0,
                        Quality.CLEAR: palms // 4 if is_worse else palms,
                        Quality.GOOD: palms // 4,
                        Quality.FAIR: palms // 3 if is_worse else palms // 10,
                        Quality.POOR: palms // 4 if is_worse else 0,
                        took(0.5): palms // 2,
                        took(0.7 if ago % 5 else 1.2): palms,
                    }.items():
                        row = TallyRow(
                            device_id=kiosk.id,
                            site_id=self.site_id,
                            hour=hour.replace(microsecond=0),
                            light=Light.RING if place else Light.BOTH,
                            what=what,
                            count=count,
                        )
                        session.add(row)
            await session.commit()

    def shows_pictures(self) -> None:
        """Gives the kiosks of the site a logo and two pictures."""

        async def give() -> None:
            async with self.served.context.database.session() as session:
                made = (a_picture(250, 60, 160), a_picture(493, 540, 90), a_picture(493, 540, 30))
                logo, *shown = [await pictures.keep(session, each) for each in made]
                values = {"logo": logo, "attract": " ".join(shown)}
                await orders.change_settings(session, self.site_id, values)
                await session.commit()

        self.served.do(give())

    def approves(self) -> None:
        """Has somebody else approve what was asked for."""

        async def work() -> None:
            context = self.served.context
            by = By(Door.COMMAND, "root", context.clock())
            async with context.database.session() as session:
                for row in await four_eyes.all_asked(session):
                    is_theirs = row.merchant_id in (None, self.merchant_id)
                    if is_theirs and row.state == four_eyes.ApprovalState.WAITING:
                        await four_eyes.decide(session, by, row.id, approves=True)
                await session.commit()

        self.served.do(work())

    def asks(self) -> None:
        """Has somebody else ask for what is dangerous."""

        async def work() -> None:
            context = self.served.context
            by = By(Door.COMMAND, "root", context.clock())
            async with context.database.session() as session:
                kiosks = Kiosks(device_ids=(self.kiosks[1].id,))
                await four_eyes.ask(session, by, four_eyes.REVOKE, kiosks, self.merchant_id)
                month = Chosen(where=f"merchant {self.merchant_id}", when="2026-11")
                by = By(Door.COMMAND, "root", context.clock() - timedelta(minutes=5))
                await four_eyes.ask(session, by, four_eyes.EXPORT_SALES, month, self.merchant_id)
                await session.commit()

        self.served.do(work())

    def waits(self, span: timedelta) -> None:
        self.served.ahead += span
        for kiosk in self.kiosks:
            kiosk.ahead += span

    async def _merchant(self) -> str:
        async with self.served.context.database.session() as session:
            return (await place_of(session, self.site_id))[1].id


def whole_console(visitor: Visitor, team: Team, role: Role = Role.MERCHANT) -> Walk:
    """Walks through everything, from the link to the end of the session."""
    visitor.has_an_authenticator()
    team.has_a_provider(AWAY)
    try:
        yield from registering(visitor, team, role)
        yield from looking(visitor, team)
        yield from watching(visitor, team, role)
        yield from steering(visitor, team)
        yield from selling(visitor, team)
        yield from setting(visitor, team)
        yield from with_staff(visitor, team)
        yield from auditing(visitor, team)
        yield from being_signed_out(visitor, team)
    finally:
        team.has_a_provider(None)


def registering(visitor: Visitor, team: Team, role: Role) -> Walk:
    visitor.opens("/console")
    yield "sign-in"
    visitor.follows("To the content")
    visitor.follows(f"Sign in with {AWAY.name}")
    visitor.reads("cannot be asked now")
    yield "sign-in-provider-away"
    visitor.opens("/console/oidc/callback")
    visitor.reads("This attempt to sign in has ended")
    yield "sign-in-provider-over"
    link = team.link(role)
    visitor.opens(link)
    yield "register"
    visitor.follows(f"Use your account at {AWAY.name}")
    visitor.opens(link)
    visitor.presses("Make a passkey")
    visitor.reads("Look at these first")
    elsewhere = visitor.path
    visitor.opens(link)
    yield "register-used"
    visitor.follows("Sign in")
    assert visitor.path == elsewhere


def known_elsewhere(visitor: Visitor, team: Team, provider: IdentityProvider) -> Walk:
    """Walks through signing in at an identity provider, and through what it may answer."""

    def comes_back(name: str = "Authorize", subject: str = "") -> None:
        # The provider's clock is not the service's, which tests move.
        now = int(team.served.context.clock().timestamp())
        if subject:
            provider.knows(subject, iat=now, exp=now + 60, auth_time=now)
            visitor.types("sub", subject)
        visitor.presses(name)

    team.has_a_provider(provider_at(provider.issuer))
    try:
        visitor.opens(team.link())
        visitor.follows(f"Use your account at {AWAY.name}")
        comes_back(subject="robin")
        visitor.reads("Look at these first")
        visitor.presses("Sign out Robin")
        visitor.follows(f"Sign in with {AWAY.name}")
        comes_back(subject="robin")
        visitor.reads("Look at these first")
        visitor.presses("Sign out Robin")
        visitor.follows(f"Sign in with {AWAY.name}")
        comes_back("Deny")
        visitor.reads("You have cancelled")
        yield "sign-in-provider-cancelled"
        visitor.follows(f"Sign in with {AWAY.name}")
        comes_back(subject="somebody")
        visitor.reads("has no account for you")
        yield "sign-in-provider-stranger"
        visitor.opens(team.link())
        visitor.follows(f"Use your account at {AWAY.name}")
        comes_back(subject="robin")
        visitor.reads("signs in somebody else here already")
        yield "sign-in-provider-taken"
        provider.forge = lambda _: "forged"
        visitor.follows(f"Sign in with {AWAY.name}")
        comes_back(subject="robin")
        visitor.reads("has not signed you in")
        yield "sign-in-provider-refused"
    finally:
        team.has_a_provider(None)


def looking(visitor: Visitor, team: Team) -> Walk:
    visitor.reads("camera")
    yield "overview"
    visitor.follows("Sites")
    yield "sites"
    visitor.follows(team.name)
    yield "merchant"
    visitor.follows("Other site")
    yield "site"
    visitor.opens(f"/console/devices/{team.kiosks[0].id}")
    yield "kiosk"


def watching(visitor: Visitor, team: Team, role: Role) -> Walk:
    team.is_watched(role)
    visitor.follows("Attacks")
    yield "attacks"
    visitor.types("What you have found", "A poster was held up")
    visitor.presses("Mark as looked at")
    visitor.reads("A poster was held up")
    yield "attacks-looked-at"
    if role is Role.OPERATOR:
        visitor.follows("Freeze the account")
        yield "attacks-freeze"
        visitor.presses("Freeze it")
        visitor.reads("The account was frozen")
    visitor.follows("Recognition")
    yield "recognition"
    visitor.chooses("Kiosk", "Till")
    visitor.presses("Show")
    yield "recognition-of-a-kiosk"
    visitor.chooses("Kiosk", "All kiosks")
    visitor.chooses("Light", "Light ring")
    visitor.presses("Show")
    yield "recognition-under-a-light"
    visitor.follows("Jobs")
    yield "jobs"
    visitor.opens(f"/console/devices/{team.kiosks[0].id}")


def setting(visitor: Visitor, team: Team) -> Walk:
    site, merchant = f"/console/sites/{team.site_id}", f"/console/merchants/{team.merchant_id}"
    team.shows_pictures()
    visitor.opens(f"{site}/content")
    visitor.presses("Move down picture 1")
    yield "content"
    visitor.types("Your colour on a light kiosk", "#ffd166")
    visitor.presses("Save")
    yield "content-unreadable"
    visitor.opens(f"{site}/content")
    # A keyboard cannot fill in the window that a browser opens for a file.
    visitor.page.get_by_label("A picture").set_input_files(Path(__file__))
    visitor.presses("Add this picture")
    visitor.reads("It is no PNG")
    visitor.opens(f"{site}/policies")
    visitor.types("Pulse above (USD)", "lots")
    visitor.presses("Save the limits")
    yield "policies-no-amount"
    visitor.opens(f"{merchant}/policies")
    visitor.enters("Pulse above (USD)", "25")
    visitor.opens(f"{site}/consents")
    yield "consents"
    visitor.opens(f"{site}/access")
    visitor.enters("Id of a person in your own system", "A-7")
    yield "access-nobody"
    visitor.opens(f"{merchant}/holdings")
    visitor.enters("What its QR code says", "t1cket")
    visitor.enters("The code of the card", "A-7")
    yield "holdings-nobody"


def steering(visitor: Visitor, team: Team) -> Walk:
    broken = f"/console/devices/{team.kiosks[0].id}"
    visitor.types("Name", " ")
    visitor.presses("Save the name")
    yield "kiosk-without-a-name"
    visitor.enters("Name", "Counter by the door")
    visitor.presses("Have it start again")
    yield "kiosk-asked-to-start-again"
    visitor.presses("Call it to maintenance")
    yield "kiosk-in-maintenance"
    visitor.presses("Put it back into service")
    visitor.presses("Replace it by another kiosk")
    yield "replace"
    visitor.follows("Back to the site")
    visitor.presses("Activate a kiosk here")
    yield "activate"
    visitor.opens(f"/console/merchants/{team.merchant_id}/sites/new")
    yield "site-new"
    visitor.enters("Name of the site", " ")
    yield "site-new-without-a-name"
    visitor.types("Name of the site", "Airport, Terminal 2")
    visitor.presses("Add the site")
    visitor.reads("No kiosk is activated here")
    yield "site-without-kiosks"
    visitor.opens(f"{broken}/move")
    yield "move"
    visitor.presses("Move it")
    visitor.follows("Lock it")
    yield "lock"
    visitor.presses("Lock it")
    yield "kiosk-locked"
    visitor.opens(f"{broken}/revoke")
    yield "revoke"
    visitor.presses("Revoke it")
    yield "kiosk-revoked"
    visitor.follows("Airport, Terminal 2")
    yield "site-with-a-revoked-kiosk"


def selling(visitor: Visitor, team: Team) -> Walk:
    visitor.follows("Sales")
    yield "sales-none"
    sale = team.sells()
    visitor.chooses("When", "Today")
    visitor.presses("Show")
    yield "sales-of-a-day"
    visitor.presses("Ask to export them")
    team.approves()
    visitor.follows("To approve")
    yield "approvals-sales"
    assert sale.reference.encode() in visitor.downloads("Download it, once", "button")
    visitor.opens(f"/console/sales?where=site+{team.site_id}")
    visitor.chooses("When", "Today")
    visitor.presses("Show")
    yield "sales-of-a-site"
    assert sale.reference.encode() in visitor.downloads("Export as a file", "button")
    visitor.opens(f"/console/sales/{sale.purchase_id}")
    visitor.follows("Give money back")
    yield "refund"
    visitor.types("Amount in USD", "20")
    visitor.chooses("Why", "Goods were")
    visitor.presses("Go on")
    yield "refund-of-too-much"
    visitor.types("Amount in USD", "5")
    visitor.presses("Go on")
    yield "refund-confirm"
    visitor.presses("Give USD\N{NO-BREAK SPACE}5.00 back")
    visitor.reads("was given back to the card")
    yield "sale-given-back-in-part"
    assert team.gives_back(sale) == 750, "the till knows what is left"
    visitor.follows("Reconciliation")
    visitor.chooses("Day", "Today")
    visitor.presses("Compare it")
    visitor.reads(sale.reference)
    yield "reconciliation"


def with_staff(visitor: Visitor, team: Team) -> Walk:
    visitor.follows("Staff")
    yield "staff-none"
    visitor.follows("Add somebody")
    yield "staff-new"
    visitor.enters("Name", " ")
    yield "staff-new-without-a-name"
    visitor.chooses("Role", "Site")
    visitor.chooses("For", "Other site")
    visitor.types("Name", "Kim")
    visitor.presses("Add")
    yield "link"
    visitor.follows("Back to the staff")
    yield "staff"
    visitor.follows("Kim")
    yield "member"
    member = visitor.path
    visitor.presses("Make a new link")
    team.waits(SESSION_FRESH)
    visitor.opens("/console/staff/new")
    yield "staff-new-too-late"
    visitor.opens(member)
    yield "member-too-late"
    visitor.presses("Sign out")
    visitor.presses("Sign in with a passkey")
    visitor.opens(member)
    visitor.presses("End the account")


def auditing(visitor: Visitor, team: Team) -> Walk:
    visitor.opens(f"/console/sites/{team.site_id}")
    visitor.follows("Revoke all its kiosks")
    yield "revoke-all"
    visitor.presses("Ask to revoke them")
    yield "approvals-own"
    visitor.presses("Take back")
    visitor.follows("Audit trail")
    yield "audit"
    visitor.presses("Ask to export all of it")
    team.approves()
    team.asks()
    visitor.follows("To approve")
    yield "approvals"
    assert b'"act": "revoke the kiosk"' in visitor.downloads("Download it, once", "button")
    visitor.presses("Approve")
    visitor.presses("Decline")
    yield "approvals-decided"
    team.has_done_much()
    visitor.opens("/console/audit")
    visitor.follows("Older")
    yield "audit-older"


def being_signed_out(visitor: Visitor, team: Team) -> Walk:
    visitor.opens("/console/nothing")
    yield "refused-not_found"
    team.waits(SESSION_IDLE)
    visitor.follows("To the first page")
    yield "sign-in-session-over"
    visitor.forgets_passkeys()
    visitor.tries("Sign in with a passkey")
    visitor.reads("No passkey was used")
    yield "sign-in-no-passkey"
