"""Every page of the portal in every state, one after another, as one customer comes to them.

Tests check each, and the tour takes its picture. A new page is one line here: a test fails when a
page offers a link or a form that nobody here follows.
"""

import asyncio
from collections.abc import Iterator
from datetime import date, timedelta

import httpx

from cloud.entry.access import Access
from cloud.entry.doors import DoorKind
from cloud.entry.tickets import TICKETS
from cloud.merchants.merchants import find_site
from cloud.policy import CODE_LIFE, SESSION_FRESH, SESSION_IDLE, Limits
from cloud.portal import pages
from cloud.portal.history import PAGE
from cloud.web.language import ENGLISH
from cloud.web.pages import HEADERS
from protocol.entry import Ticket, Tickets
from protocol.messages import (
    CardToken,
    Identification,
    Membership,
    Outcome,
    Purchase,
    Purpose,
    Refund,
    RefundRequest,
    Side,
    Wallet,
)
from tests.support.device import TestDevice, fresh_phone
from tests.support.portal import last_code, purchase
from tests.support.served import Served
from tests.support.sites import Site
from tests.support.visitor import Visitor

REFUSED = (
    "not_accepted",
    "too_many_attempts",
    "conflict",
    "storage_full",
    "provider_unavailable",
    "busy",
    "internal",
    "malformed",
)
"""What the page of a refusal tells apart, besides a page that there is not."""
LANDLINE = "+442079460000"
LONG_NAME = "The Extraordinarily Well-Stocked Neighbourhood Convenience Store"
MAIL = "alex.doe@example.com"
FESTIVAL = "Open Air Festival of the Three Valleys"
BROWSER = "Chrome on Linux"
"""What Debian's Chromium calls itself."""

Walk = Iterator[str]
"""Yields the name of what is shown, each time something new is."""


class Customer:
    """Somebody with an account at a service, and the kiosk at which they have signed up."""

    def __init__(self, served: Served, who: str) -> None:
        self.served = served
        self.who = who
        self.phone = fresh_phone()
        self.kiosk = served.kiosk()
        self.kiosk.sign_up(who, phone=self.phone, sides=(Side.LEFT, Side.RIGHT))
        self.person_id = served.person_id(self.phone)

    def code(self, phone: str | None = None) -> str:
        """Returns the code that the phone got last."""

        async def gather() -> None:
            await asyncio.gather(*self.served.context.background, return_exceptions=True)

        self.served.do(gather())
        return last_code(self.served.context, phone or self.phone)

    def pays(self, minor: int) -> Purchase:
        sale = self.kiosk.sale(self.kiosk.recognised(self.who), minor)
        return self.kiosk.post("/purchases", sale, Purchase)

    def is_frozen(self) -> bool:
        """Shows a palm to the kiosk, and returns whether it is refused as frozen."""
        return self.kiosk.identify(self.who).outcome is Outcome.FROZEN

    def has_paid_often(self) -> None:
        """Pays and gets some of it back, and adds more purchases than there are on one page, at a
        merchant whose name is long."""
        bought = self.pays(1250)
        back = RefundRequest(reference=f"back-{bought.reference}")
        self.kiosk.post(f"/purchases/{bought.reference}/refunds", back, Refund)
        site_id = self.served.merchant(name=LONG_NAME)
        self.agrees_at(self.served.kiosk(site_id))

        async def add() -> None:
            context = self.served.context
            async with context.database.session() as session:
                site = await find_site(session, site_id)
                assert site is not None
                for number in range(PAGE):
                    row = purchase(
                        self.person_id,
                        context.clock() - timedelta(minutes=number + 1),
                        125_000,
                        merchant_id=site.merchant_id,
                        outcome=("approved", "declined", "not_paid")[number % 3],
                    )
                    session.add(row)
                await session.commit()

        self.served.do(add())

    def agrees_at(self, kiosk: TestDevice) -> Identification:
        """Agrees to use the palm at the merchant of another kiosk, which asks to enter."""
        kiosk.ahead = self.kiosk.ahead
        asked = kiosk.identify(self.who, Purpose.ENTER)
        path = f"/identifications/{asked.identification_id}/agreement"
        return kiosk.post(path, kiosk.consent(), Identification)

    def comes_to_venue(self, name: str, *, tickets: int = 0, person: str = "") -> None:
        """Agrees at the gate of a venue, links tickets there, and is given access as this
        person."""
        site = Site(self.served, self.served.merchant(name=name))
        gate = site.gate(kind=DoorKind.VENUE)
        found = self.agrees_at(gate).identification_id
        for number in range(tickets):
            ticket = Ticket(code=f"8xwtvq4bzk6d-{number:04}")
            gate.post(f"/identifications/{found}/tickets", ticket, Tickets)
        if person:
            given = Access(person=person, doors=("Backstage", "Crew"), last_day=date(2035, 7, 31))
            site.give(self.phone, given)

    def adds_card(self, token: str) -> None:
        """Adds a card at the kiosk."""
        found = self.kiosk.recognised(self.who, Purpose.CARDS)
        self.kiosk.post(f"/identifications/{found}/cards", CardToken(token=token), Wallet)

    def is_a_member(self) -> None:
        """Makes the palm a membership card of the first merchant's."""
        found = self.kiosk.recognised(self.who, Purpose.IDENTIFY)
        card = Membership(code="2890000012345", scanned=True).model_dump_json().encode()
        assert self.kiosk.send("PUT", f"/identifications/{found}/membership", card).is_success

    def waits(self, span: timedelta) -> None:
        self.served.ahead += span
        self.kiosk.ahead += span


def whole_portal(visitor: Visitor, customer: Customer) -> Walk:
    """Walks through everything, from the first page to the last receipt."""
    visitor.opens("/portal")
    yield "sign-in"
    yield from looking_in(visitor)
    yield from beginning(visitor, customer)
    yield from failing_to_sign_in(visitor, customer)
    yield from signing_in(visitor, customer)
    with_or_without = with_passkeys if visitor.scripts else without_passkeys
    yield from with_or_without(visitor, customer)
    yield from correcting(visitor, customer)
    yield from switching(visitor, customer)
    yield from paying(visitor, customer)
    yield from with_cards(visitor, customer)
    yield from with_tickets(visitor, customer)
    yield from reading(visitor, customer)
    yield from withdrawing(visitor)
    yield from being_signed_out(visitor, customer)
    yield from with_one_palm(visitor)
    yield from being_refused(visitor)
    yield from leaving(visitor, customer)


def what_scripts_change(visitor: Visitor, customer: Customer) -> Walk:
    """Walks through the pages that have a script, where scripts run, and to the provider's page for
    a card and out."""
    visitor.opens("/portal")
    yield "sign-in"
    sign_in(visitor, customer)
    yield from with_passkeys(visitor, customer)
    yield from freezing(visitor, customer)
    visitor.follows("Add a card")
    save_card(visitor, "5555 5555 5555 4444")
    yield "card-saved"
    visitor.follows("Back to your account")
    yield from leaving(visitor, customer)


def sign_in(visitor: Visitor, customer: Customer) -> None:
    """Signs in with a code, on the page for it."""
    visitor.enters("Mobile number", customer.phone)
    visitor.enters("Code", customer.code())
    visitor.reads("Your account")


def looking_in(visitor: Visitor) -> Walk:
    visitor.presses("العربية")
    yield "sign-in-right-to-left"
    visitor.presses("English")
    visitor.follows("What is kept, why and how long")
    yield "privacy"
    visitor.opens("/portal/sign")
    yield "entrance-sign"
    visitor.opens("/portal/sign-in")


def beginning(visitor: Visitor, customer: Customer) -> Walk:
    phone = fresh_phone()
    visitor.follows("New here? Begin to sign up")
    yield "begin"
    visitor.enters("Mobile number", phone)
    yield "begin-code"
    visitor.enters("Code", wrong(customer.code(phone)))
    yield "begin-code-wrong"
    visitor.enters("Code", customer.code(phone))
    yield "begin-consent"
    visitor.presses("I agree")
    yield "begin-card"
    visitor.presses("Go on")
    yield "begin-card-page"
    visitor.follows("I have saved it, and did not come back")
    yield "begin-card-not-saved-yet"
    visitor.follows("Open another page")
    visitor.follows("Show my card at the kiosk instead")
    yield "begin-ready-without-card"
    visitor.follows("Add a card")
    save_card(visitor, "5555 5555 5555 4444")
    yield "begin-ready"
    visitor.follows("Use another one")
    yield "begin-another-card"
    visitor.follows("Keep it as it is")
    visitor.follows("Stop, and delete everything")
    yield "begin-stop"
    visitor.presses("Delete everything")
    yield "begin-stopped"
    visitor.follows("I have an account: sign in")


def failing_to_sign_in(visitor: Visitor, customer: Customer) -> Walk:
    served, busy = customer.served, fresh_phone()
    served.tally(
        Limits.PORTAL_CODES,
        served.context.master.lookup("phone", busy),
        Limits.PORTAL_CODES.count,
    )
    visitor.enters("Mobile number", "12")
    yield "sign-in-not-a-number"
    visitor.enters("Mobile number", LANDLINE)
    yield "sign-in-not-mobile"
    visitor.enters("Mobile number", busy)
    yield "sign-in-too-many-codes"
    visitor.enters("Mobile number", customer.phone)
    visitor.enters("Code", "12")
    yield "code-incomplete"
    visitor.enters("Code", wrong(customer.code()))
    yield "code-wrong"
    customer.waits(CODE_LIFE)
    visitor.enters("Code", customer.code())
    yield "sign-in-code-over"


def signing_in(visitor: Visitor, customer: Customer) -> Walk:
    visitor.follows("To the content")
    visitor.types("Mobile number", customer.phone)
    visitor.presses("Send code")
    yield "code"
    visitor.follows("Use another number, or send another code")
    visitor.enters("Mobile number", customer.phone)
    visitor.types("Code", customer.code())
    visitor.presses("Sign in")
    yield "overview"
    visitor.follows("Purchases")
    yield "purchases-none"


def with_passkeys(visitor: Visitor, customer: Customer) -> Walk:
    visitor.has_an_authenticator()
    visitor.follows("Overview")
    visitor.follows("Add a passkey")
    yield "passkey"
    visitor.types("Name of the passkey", "My phone")
    visitor.presses("Add a passkey")
    yield "overview-passkey"
    visitor.follows("Add a passkey for signing in")
    visitor.tries("Add a passkey")
    visitor.reads("No passkey was made")
    assert visitor.at == "Add a passkey"
    yield "passkey-not-made"
    customer.waits(SESSION_FRESH)
    visitor.opens("/portal/passkeys/new")
    yield "passkey-too-late"
    visitor.follows("Back to your account")
    visitor.follows("Remove My phone")
    yield "passkey-remove-too-late"
    visitor.presses("Sign out")
    visitor.enters("Mobile number", customer.phone)
    visitor.enters("Code", customer.code())
    yield "passkey-needed"
    visitor.presses("I have lost my passkeys")
    visitor.presses("Freeze my palms")
    yield "passkey-lost"
    visitor.presses("Sign out")
    visitor.presses("Sign in with a passkey")
    visitor.presses("Use my palms again")
    visitor.reads("Last used")
    visitor.follows("Remove My phone")
    yield "passkey-remove"
    visitor.presses("Remove this passkey")
    visitor.presses("Sign out")
    visitor.presses("Sign in with a passkey")
    yield "sign-in-passkey-not-taken"
    visitor.opens("/portal/sign-in")
    visitor.forgets_passkeys()
    visitor.tries("Sign in with a passkey")
    visitor.reads("No passkey was used")
    assert visitor.at == "Sign in with a passkey"
    yield "sign-in-no-passkey"
    sign_in(visitor, customer)


def without_passkeys(visitor: Visitor, customer: Customer) -> Walk:
    visitor.opens("/portal/passkeys/new")
    visitor.reads("scripts are switched off")
    yield "passkey-without-scripts"
    visitor.presses("Sign out")
    sign_in(visitor, customer)


def correcting(visitor: Visitor, customer: Customer) -> Walk:
    visitor.opens("/portal")
    visitor.follows("Correct your name")
    yield "name"
    visitor.types("Name", "Alexandra Doe")
    visitor.presses("Save")
    visitor.reads("Alexandra D.")
    visitor.follows("Change your number")
    yield "number"
    visitor.enters("New mobile number", customer.phone)
    yield "number-the-same"
    visitor.enters("New mobile number", "12")
    yield "number-not-a-number"
    new = fresh_phone()
    visitor.types("New mobile number", new)
    visitor.presses("Send code")
    yield "number-present-code"
    visitor.enters("Code", wrong(customer.code()))
    yield "number-code-wrong"
    visitor.types("Code", customer.code())
    visitor.presses("Go on")
    yield "number-new-code"
    visitor.types("Code", customer.code(new))
    visitor.presses("Change the number")
    visitor.reads(f"ending in {new[-4:]}")
    customer.phone = new


def switching(visitor: Visitor, customer: Customer) -> Walk:
    visitor.presses("Send me text messages")
    yield from freezing(visitor, customer)
    visitor.follows("Send me mails")
    yield "mail"
    visitor.enters("Mail address", "alex")
    yield "mail-not-an-address"
    visitor.enters("Mail address", MAIL)
    yield "mail-code"
    visitor.enters("Code", wrong(customer.code(MAIL)))
    yield "mail-code-wrong"
    visitor.follows("Use another address, or send another code")
    visitor.enters("Mail address", MAIL)
    visitor.types("Code", customer.code(MAIL))
    visitor.presses("Send me mails")
    yield "overview-mails"
    visitor.presses("Send me text messages")
    visitor.presses("Send me mails")
    visitor.follows("Remove the mail address")
    yield "mail-remove"
    visitor.presses("Remove it")
    visitor.presses("Send me no messages")


def freezing(visitor: Visitor, customer: Customer) -> Walk:
    visitor.presses("Freeze my palms")
    yield "overview-frozen"
    assert customer.is_frozen()
    visitor.presses("Use my palms again")
    assert not customer.is_frozen()


def paying(visitor: Visitor, customer: Customer) -> Walk:
    customer.has_paid_often()
    visitor.follows("Purchases")
    yield "purchases"
    visitor.follows("Older")
    yield "purchases-older"
    visitor.follows("Newest")
    for name in ("Download as a table (CSV)", "Download as JSON"):
        assert visitor.downloads(name).count(b"125") or name
    visitor.chooses("Merchant", "The Extra")
    visitor.presses("Show")
    yield "purchases-of-one-merchant"


def with_cards(visitor: Visitor, customer: Customer) -> Walk:
    visitor.follows("Overview")
    visitor.follows("Add a card")
    yield "card"
    visitor.presses("Go on")
    yield "card-page"
    page = visitor.link("To the payment provider's page")
    visitor.follows("I have saved it, and did not come back")
    yield "card-not-saved-yet"
    provider, _, session = page.partition("/c/")
    expire = f"{provider}/v1/checkout/sessions/{session}/expire"
    assert httpx.post(expire, trust_env=False, verify=False).is_success
    visitor.follows("Look again")
    yield "card-not-saved"
    visitor.follows("Try again")
    save_card(visitor, "4000 0027 6000 3184")
    visitor.presses("It is me")
    yield "card-saved"
    visitor.follows("Back to your account")
    yield "overview-two-cards"
    visitor.presses("Pay with this one Visa •••• 3184")
    for token in ("tok_mastercard", "tok_chargeCustomerFail"):
        customer.adds_card(token)
    visitor.follows("Overview")
    yield "overview-four-cards"
    visitor.opens("/portal/cards/new")
    yield "card-no-room"
    visitor.follows("Back to your account")
    visitor.follows("Remove Visa •••• 4242")
    yield "card-remove"
    visitor.presses("Remove this card")


def save_card(visitor: Visitor, number: str) -> None:
    """Goes to the provider's page, and saves a card there."""
    visitor.presses("Go on")
    visitor.follows("To the payment provider's page")
    visitor.types("Name on the card", "Alex Doe")
    visitor.types("Card number", number)
    visitor.presses("Save card")


def with_tickets(visitor: Visitor, customer: Customer) -> Walk:
    visitor.opens("/portal/tickets/new")
    yield "ticket-nowhere"
    customer.comes_to_venue("Arena")
    visitor.follows("Back to your account")
    visitor.follows("Add a ticket")
    yield "ticket"
    visitor.enters("Code of the ticket", "12")
    yield "ticket-not-its-code"
    visitor.enters("Code of the ticket", "nsmgdm2ur5vkj9ahz3e5")
    customer.comes_to_venue(FESTIVAL, tickets=TICKETS, person="E-1001")
    visitor.follows("Overview")
    yield "overview-tickets-and-doors"
    visitor.follows("Add a ticket")
    yield "ticket-full-elsewhere"
    visitor.follows("Back to your account")
    visitor.follows("Remove Arena z3e5")
    yield "ticket-remove"
    visitor.presses("Remove this ticket")
    visitor.follows("Give up Other site")
    yield "access"
    visitor.presses("Give it up")
    customer.comes_to_venue("Stadium")
    visitor.follows("Add a ticket")
    yield "ticket-of-several"
    visitor.follows("Back to your account")


def reading(visitor: Visitor, customer: Customer) -> Walk:
    customer.is_a_member()
    visitor.follows("Your data")
    yield "data"
    assert customer.phone.encode() in visitor.downloads("Download as JSON")
    visitor.follows("See your purchases")
    visitor.follows("Overview")
    visitor.follows("Read what you agreed to")
    yield "consents"
    visitor.follows("Withdraw from one merchant")


def withdrawing(visitor: Visitor) -> Walk:
    visitor.follows(f"Withdraw {LONG_NAME}")
    yield "merchant"
    visitor.presses("Withdraw")
    yield "withdrawn"
    assert visitor.downloads("Download the receipt")
    assert visitor.downloads("Download the log")
    visitor.opens("/portal")


def being_signed_out(visitor: Visitor, customer: Customer) -> Walk:
    other = visitor.elsewhere()
    other.opens("/portal")
    sign_in(other, customer)
    visitor.follows("Overview")
    yield "overview-two-sessions"
    visitor.presses(f"End {BROWSER}")
    other.follows("Overview")
    other.reads("You were signed out")
    sign_in(other, customer)
    visitor.follows("Overview")
    visitor.presses("End all others")
    other.follows("Overview")
    other.reads("You were signed out")
    other.close()
    customer.waits(SESSION_IDLE)
    visitor.follows("Overview")
    yield "sign-in-session-over"
    sign_in(visitor, customer)


def with_one_palm(visitor: Visitor) -> Walk:
    visitor.follows("Delete Right palm")
    yield "palm"
    visitor.presses("Delete this palm")
    visitor.follows("Delete Left palm")
    yield "palm-the-last"
    visitor.follows("Keep my palm")


def being_refused(visitor: Visitor) -> Walk:
    visitor.opens("/portal/nothing")
    yield "refused-not-found"
    # The service is well: its template is drawn as if it were not.
    for kind in REFUSED:
        drawn = pages.draw(
            "refused.html",
            ENGLISH,
            back="/portal",
            merchant="Corner Shop",
            signed_in=False,
            kind=kind,
            minutes=12,
        )
        visitor.gets(f"/portal/{kind}", bytes(drawn.body), HEADERS)
        visitor.opens(f"/portal/{kind}")
        yield f"refused-{kind.replace('_', '-')}"
    visitor.follows("To the first page")


def leaving(visitor: Visitor, customer: Customer) -> Walk:
    visitor.follows("See what is deleted")
    yield "leave"
    visitor.presses("Send the code")
    yield "leave-code"
    visitor.enters("Code that deletes", wrong(customer.code()))
    yield "leave-code-wrong"
    visitor.follows("Send another code")
    visitor.presses("Send the code")
    visitor.types("Code that deletes", customer.code())
    visitor.presses("Delete everything now")
    yield "deleted"
    visitor.opens("/portal")
    visitor.reads("Sign in")


def wrong(code: str) -> str:
    """Returns another code."""
    return f"{(int(code) + 1) % 10**6:06}"
