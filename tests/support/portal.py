"""The portal with browsers before it, and without a vault or a provider behind it."""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from html.parser import HTMLParser
from pathlib import Path
from typing import Any, cast

import httpx
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from sqlalchemy import event, select
from sqlalchemy.orm import Session

from cloud.app import create_app
from cloud.context import Context
from cloud.db.tables import Table, new_id
from cloud.entry import doors
from cloud.entry.tables import EntryRow
from cloud.entry.told import Told
from cloud.integrations import events
from cloud.keys.person_keys import MasterKey
from cloud.keys.persons import OpenPerson, make_person
from cloud.merchants import regions
from cloud.merchants.merchants import add_merchant, all_sites, follow_settings
from cloud.messages.sandbox import SandboxMessenger
from cloud.payments.cards import CardDetail
from cloud.payments.tables import CardRow, PurchaseRow, RefundRow
from cloud.people import alerts
from cloud.people.accounts import PROFILE, Accounts, Profile, add_account
from cloud.people.agreements import add_agreement
from cloud.people.consents import texts_at
from cloud.people.tables import BegunRow, ConsentRow, ConsentTextRow
from cloud.policy import Policy
from cloud.recognition import refusals
from cloud.recognition.gallery import Gallery
from cloud.recognition.palms import add_palm
from cloud.recognition.refusals import Why
from cloud.recognition.tables import IdentificationRow
from cloud.settings import Merchant, Settings
from cloud.state import State
from palm.search.protection import SEARCH_CODE_BYTES, ProtectedTemplate
from protocol.documents import digest_of, text_of
from protocol.entry import Admission, EntryRefusal
from protocol.messages import Direction, Side, Signature
from tests.support import databases, engine
from tests.support.between_rows import leave_between_rows

HOST = "portal.example"
ORIGIN = f"https://{HOST}"


@dataclass
class Form:
    """A form of a page."""

    action: str
    fields: dict[str, str] = field(default_factory=dict[str, str])


class _Forms(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.forms: list[Form] = []

    def handle_starttag(self, tag: str, attrs: Sequence[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        if tag == "form":
            self.forms.append(Form(given.get("action") or ""))
        elif tag == "input" and given.get("name"):
            self.forms[-1].fields[given["name"] or ""] = given.get("value") or ""


def forms(page: httpx.Response) -> dict[str, Form]:
    """Returns the forms of a page by what they lead to."""
    parser = _Forms()
    parser.feed(page.text)
    return {form.action: form for form in parser.forms}


def last_code(context: Context, phone: str) -> str:
    """Returns the code that a phone got last. Receipts may have come since, and have none."""
    assert isinstance(context.messenger, SandboxMessenger)
    codes = [sent.code for sent in context.messenger.after(0) if sent.to == phone and sent.code]
    return codes[-1]


def purchase(person_id: str | None, at: datetime, minor: int, **changes: Any) -> PurchaseRow:
    """Returns a purchase that a palm has paid, unless what changes says otherwise."""
    values: dict[str, Any] = {
        "id": new_id(),
        "merchant_id": "first",
        "device_id": "kiosk",
        "site_id": "first",
        "reference": new_id(),
        "person_id": person_id,
        "identification_id": new_id(),
        "amount_minor": minor,
        "currency": "USD",
        "card_brand": "visa",
        "card_last4": "4242",
        "payment": f"pi_{new_id()}",
        "account": None,
        "outcome": "approved",
        "at": at,
    }
    return PurchaseRow(**values | changes)


class Browser:
    """Somebody's browser, which opens pages and sends their forms."""

    def __init__(
        self,
        transport: httpx.AsyncBaseTransport,
        origin: str,
        context: Context,
        rest: Callable[[], Awaitable[None]],
        agent: str = "",
    ) -> None:
        """`rest` waits for what goes on in the service after an answer."""
        self.context = context
        self._rest = rest
        self.http = httpx.AsyncClient(
            transport=transport,
            base_url=origin,
            headers={"user-agent": agent},
            follow_redirects=True,
        )

    def keep(self, cookie: str, value: str) -> None:
        """Gives the browser a cookie of the portal's."""
        self.http.cookies.set(cookie, value, domain=HOST)

    async def open(self, path: str) -> httpx.Response:
        return await self.http.get(path, headers={"sec-fetch-site": "none"})

    async def submit(self, page: httpx.Response, action: str, **typed: str) -> httpx.Response:
        """Fills in the form of a page that leads to `action`, and sends it as browsers do."""
        form = forms(page)[action]
        assert typed.keys() <= form.fields.keys(), "the page does not ask for this"
        return await self.post(action, {**form.fields, **typed})

    async def post(self, action: str, fields: Mapping[str, str], **headers: str) -> httpx.Response:
        sent = {"sec-fetch-site": "same-origin", "origin": "null"}
        sent |= {name.replace("_", "-"): value for name, value in headers.items()}
        answer = await self.http.post(action, data=dict(fields), headers=sent)
        await self._rest()
        return answer

    async def ask_for_code(self, phone: str) -> httpx.Response:
        """Returns the page on which the code is asked for."""
        return await self.submit(await self.open("/portal/sign-in"), "/portal/sign-in", phone=phone)

    async def sign_in(self, phone: str) -> httpx.Response:
        """Returns the first page of who is signed in."""
        page = await self.ask_for_code(phone)
        code = last_code(self.context, phone)
        return await self.submit(page, "/portal/code", code=code)


class Portal:
    """The service's application. Its clock stands still unless it is moved."""

    def __init__(self, root: Path, settings: Settings | None = None) -> None:
        state = State.open(root, databases.server_for(root))
        self.database = databases.opened(root)
        self.now = datetime(2026, 11, 29, 12, tzinfo=UTC)
        self.messenger = SandboxMessenger()
        self.gallery = Gallery(cast(Any, None), cast(Any, None), cast(Any, None), {})
        self.context = Context(
            version="test",
            settings=settings or Settings(),
            state=state,
            sandbox=True,
            clock=lambda: self.now,
            master=MasterKey(b"m" * 32),
            receipt_key=Ed25519PrivateKey.generate(),
            database=self.database,
            vault=cast(Any, None),
            gallery=self.gallery,
            policy=Policy({}),
            accounts=Accounts(settings or Settings()),
            regions=regions,
            doors=doors,
            alerts=alerts,
            events=events,
            payments=cast(Any, None),
            messenger=self.messenger,
            mailer=self.messenger,
        )
        self.app = create_app(self.context)
        self._joined = 0
        self._browsers: list[Browser] = []

    def browser(self, address: str = "192.0.2.1", agent: str = "") -> Browser:
        transport = httpx.ASGITransport(self.app, client=(address, 1))
        self._browsers.append(Browser(transport, ORIGIN, self.context, self.rest, agent))
        return self._browsers[-1]

    async def rest(self) -> None:
        """Waits for what goes on after an answer."""
        await asyncio.gather(*self.context.background)

    def messages_to(self, phone: str) -> list[str]:
        """Returns the messages that a phone got, the oldest first."""
        return [sent.text for sent in self.messenger.after(0) if sent.to == phone]

    def last_code(self, phone: str) -> str:
        return last_code(self.context, phone)

    async def account(
        self,
        phone: str,
        *,
        holder: str | None = "Alex Doe",
        consents: bool = True,
        sides: Sequence[Side] = (Side.LEFT, Side.RIGHT),
    ) -> OpenPerson:
        """Adds somebody who has signed up at the first merchant, before consents were kept if they
        have none."""
        master = self.context.master
        self._joined += 1
        async with self.database.session() as session:
            person = make_person(session, master)
            await session.flush()
            profile = Profile(phone=phone, consent_version="2", agreed_at=self.now, holder=holder)
            await add_account(
                session,
                person,
                phone_lookup=master.lookup("phone", phone),
                profile=person.seal(profile, PROFILE),
                joined=self._joined,
                now=self.now,
            )
            template = ProtectedTemplate(1, "t", bytes(SEARCH_CODE_BYTES), b"sealed")
            entries = [add_palm(session, person, side, template) for side in sides]
            card = CardRow(id=new_id(), person_id=person.person_id, lookup=None)
            detail = CardDetail(customer="cus", method="pm", brand="visa", last4="4242")
            card.detail = person.seal(detail, f"cards.detail/{card.id}")
            session.add(card)
            await add_agreement(session, person, "first", self.now, "2")
            await session.commit()
        self.gallery.enrol([entry.code for entry in entries])
        if consents:
            await self.consent(person)
        return person

    async def merchant(self, name: str, *, agreed_by: OpenPerson | None = None) -> str:
        """Adds a merchant, and returns its id."""
        async with self.database.session() as session:
            row, _ = await add_merchant(
                session,
                Merchant.model_construct(name=name, country="US", currency="USD", account=None),
                "A site",
            )
            if agreed_by is not None:
                await add_agreement(session, agreed_by, row.id, self.now, "2")
            await session.commit()
            return row.id

    async def consent(self, person: OpenPerson, merchant_id: str = "first") -> list[ConsentRow]:
        """Adds that a person has agreed now, at a device of the merchant's first site, to what is
        asked there."""
        async with self.database.session() as session:
            site_id = next(
                site.id for site in await all_sites(session) if site.merchant_id == merchant_id
            )
            rows: list[ConsentRow] = []
            for text in await texts_at(session, self.context.settings, site_id):
                digest = digest_of(text)
                await session.merge(ConsentTextRow(digest=digest, text=text_of(text).decode()))
                rows.append(
                    ConsentRow(
                        id=new_id(),
                        merchant_id=merchant_id,
                        site_id=site_id,
                        device_id="kiosk",
                        person_id=person.person_id,
                        digest=digest,
                        signature=Signature.HELD if text.release else None,
                        at=self.now,
                    )
                )
            await session.flush()
            session.add_all(rows)
            await session.commit()
        return rows

    async def buy(self, person: OpenPerson, minor: int = 1250, **changes: Any) -> PurchaseRow:
        """Adds a purchase of now."""
        row = purchase(person.person_id, self.now, minor, **changes)
        await self.add(row)
        return row

    async def refund(self, bought: PurchaseRow, minor: int, **changes: Any) -> RefundRow:
        """Adds a refund of now."""
        values: dict[str, Any] = {
            "id": new_id(),
            "purchase_id": bought.id,
            "merchant_id": bought.merchant_id,
            "device_id": "kiosk",
            "reference": new_id(),
            "of_the_rest": False,
            "amount_minor": minor,
            "provider_reference": new_id(),
            "outcome": "refunded",
            "at": self.now,
        }
        row = RefundRow(**values | changes)
        await self.add(row)
        return row

    async def leave_between_rows(self, text: str | bytes) -> None:
        """Has the database hold a copy of a row, as SQLite leaves one."""
        if engine.is_server():
            pytest.skip("is about the file of SQLite")
        await self.database.forget_erased()
        leave_between_rows(self.context.state.database, _raw(text))

    def holds(self, text: str | bytes) -> bool:
        """Returns whether a text is in a file of the database."""
        files = self.context.state.database.parent.glob("palms.db*")
        return any(_raw(text) in file.read_bytes() for file in files)

    async def begun_with(self, phone: str) -> str:
        """Has a stranger begin to sign up with this number, and returns the id of the person whom
        that makes."""
        browser = self.browser("192.0.2.9")
        await browser.submit(await browser.open("/portal/begin"), "/portal/begin", phone=phone)
        lookup = self.context.master.lookup("phone", phone)
        async with self.database.session() as session:
            theirs = select(BegunRow.person_id).where(BegunRow.phone_lookup == lookup)
            return (await session.scalars(theirs)).one()

    async def refuse(self, person: OpenPerson, why: Why, merchant_id: str = "first") -> None:
        """Adds a palm that was recognised now and not taken."""
        row = IdentificationRow(id=new_id(), merchant_id=merchant_id)
        async with self.database.session() as session:
            await refusals.note(
                self.context, session, person, row, why, site_id="first", now=self.now
            )
            await session.commit()

    async def pass_door(
        self,
        person: OpenPerson,
        door: str,
        *,
        passed: bool | None = None,
        refusal: EntryRefusal | None = None,
    ) -> None:
        """Adds that somebody was recognised at a door now."""
        told = Told(
            door=door,
            area=None,
            direction=Direction.ENTRY,
            admission=Admission.OPEN if refusal is None else Admission.REFUSED,
            refusal=refusal,
            passed=passed,
        )
        entry_id = new_id()
        await self.add(
            EntryRow(
                id=entry_id,
                identification_id=new_id(),
                merchant_id="first",
                person_id=person.person_id,
                site_id="first",
                device_id="kiosk",
                sealed=person.seal(told, f"entries.sealed/{entry_id}"),
                at=self.now,
            )
        )

    async def add(self, row: Table) -> None:
        async with self.database.session() as session:
            session.add(row)
            await session.commit()

    async def close(self) -> None:
        for browser in self._browsers:
            await browser.http.aclose()
        await self.database.close()

    def pass_time(self, span: timedelta) -> None:
        self.now += span


def _raw(text: str | bytes) -> bytes:
    return text.encode() if isinstance(text, str) else text


class Overtaken(Exception):
    """A deadlock, which PostgreSQL has ended for another transaction."""

    sqlstate = "40P01"


@contextmanager
def before_commits(portal: Portal, act: Callable[[], None]) -> Iterator[None]:
    """Has something done before each commit of this service while the block lasts. Other services
    run in the same process."""

    engine = portal.database.session.kw["bind"].sync_engine

    def committing(session: Session) -> None:
        if session.get_bind().engine is engine:
            act()

    event.listen(Session, "before_commit", committing)
    try:
        yield
    finally:
        event.remove(Session, "before_commit", committing)


@asynccontextmanager
async def open_portal(root: Path, settings: Settings | None = None) -> AsyncGenerator[Portal]:
    portal = Portal(root, settings)
    try:
        async with portal.database.session() as session:
            await follow_settings(session, portal.context.settings.merchant)
        yield portal
    finally:
        # A test may end in the block, because it is skipped or is about a kill.
        await portal.close()
