"""The master key is replaced: everything is found and read as before, and nothing with the old
key."""

import asyncio
import re
from collections.abc import AsyncGenerator
from datetime import timedelta
from pathlib import Path

import pytest
from cryptography.exceptions import InvalidTag
from sqlalchemy import select

from cloud import __main__ as main_module
from cloud import bootstrap
from cloud.context import Event
from cloud.db import database
from cloud.entry import check_ins
from cloud.entry.tables import SiteHookRow
from cloud.integrations import events
from cloud.integrations.receivers import secrets_of
from cloud.integrations.tables import EventRow, ReceiverRow
from cloud.jobs import replace_master_key as job
from cloud.jobs.replace_master_key import replace_master_key
from cloud.keys.person_keys import MasterKey
from cloud.keys.persons import find_person
from cloud.keys.tables import Person
from cloud.loyalty import memberships
from cloud.loyalty.tables import MembershipRow
from cloud.merchants.tables import FIRST
from cloud.outbox import queue, standard_webhooks
from cloud.people import begun
from cloud.people.tables import AccountRow
from cloud.state import State
from cloud.web.merchant_keys import KeyUse, make_key, merchant_with
from protocol.messages import Membership
from tests.support import databases
from tests.support.beginnings import begin
from tests.support.passkeys import Authenticator
from tests.support.portal import Browser, Portal, forms, open_portal

pytestmark = pytest.mark.anyio

PHONE, BEGINNER = "+14155550123", "+14155550124"
OLD, NEW = MasterKey(b"m" * 32), MasterKey(b"n" * 32)

KINDS = {
    "phone": "renewed with its account, enrolment or beginning",
    "passkey": "renewed",
    "passkey holder": "kept with the passkey",
    "begun code": "renewed",
    "card": "renewed when one is looked for",
    "begun": "the sign-up goes on in another browser",
    "beginning": "the sign-up goes on in another browser",
    "code": "forgotten",
    "sign-in": "forgotten",
    "session": "forgotten",
    "passkey sign-in": "forgotten",
    "passkey adding": "forgotten",
    "staff session": "forgotten",
    "staff link": "forgotten",
    "staff sign-in": "forgotten",
    "staff away": "the way to the identity provider is begun again",
    "activation": "forgotten",
    "request": "forgotten",
    "till key": "forgotten, and said",
    "access token": "not stored",
    "membership": "renewed",
    "form": "not stored",
    "master key": "the new one's",
}
"""What becomes of each keyed hash."""


@pytest.fixture
async def portal(tmp_path: Path) -> AsyncGenerator[Portal]:
    async with open_portal(tmp_path) as portal:
        yield portal


async def replaced(portal: Portal) -> int:
    """Replaces the master key, and has the portal use the new one."""
    _, till_keys = await replace_master_key(portal.database, OLD, NEW)
    portal.context.master = NEW
    return till_keys


def test_what_becomes_of_every_keyed_hash_is_decided():
    cloud = Path(bootstrap.__file__).parent
    named: set[str] = set()
    for path in cloud.rglob("*.py"):
        source = path.read_text()
        constants = dict(re.findall(r'^(_\w+) = "(.+)"$', source, re.MULTILINE))
        for kind in re.findall(r"\.lookup\((\"[^\"]+\"|_\w+),", source):
            named.add(constants.get(kind, kind).strip('"'))
    assert named == KINDS.keys()


def test_what_is_sealed_for_nobody_is_sealed_in_few_places():
    """The outbox gets its key from those who put something in, and so do events. What `lists` seals
    is stored by kiosks alone, and void then: a gate gets another list within minutes. So is the
    name of a file, which whoever has made it ready may use for ten minutes."""
    cloud = Path(bootstrap.__file__).parent
    sealing = {path.stem for path in cloud.rglob("*.py") if "outbox.seal(" in path.read_text()}
    assert sealing == {"check_ins", "files", "lists", "receivers"}


async def test_people_sign_in_by_code_and_their_data_is_read(portal: Portal):
    person = await portal.account(PHONE)
    await replaced(portal)
    assert "Alex D." in (await portal.browser().sign_in(PHONE)).text
    async with portal.database.session() as session:
        row = await session.get_one(Person, person.person_id)
        with pytest.raises(InvalidTag):
            OLD.unwrap(row.wrapped_key, row.id)


async def sign(browser: Browser, device: Authenticator) -> str:
    """Signs in with a passkey, and returns the page."""
    form = forms(await browser.open("/portal/sign-in"))["/portal/passkey"].fields
    asked = await browser.post("/portal/passkey/options", {"form": form["form"]})
    page = await browser.open("/portal/sign-in")
    return (await browser.submit(page, "/portal/passkey", credential=device.sign(asked.text))).text


async def add(browser: Browser, device: Authenticator) -> None:
    page = await browser.open("/portal/passkeys/new")
    form = forms(page)["/portal/passkeys"].fields
    asked = await browser.post("/portal/passkeys/options", {"form": form["form"]})
    await browser.submit(page, "/portal/passkeys", credential=device.make(asked.text))


async def test_passkeys_sign_in_as_before_and_a_new_one_is_of_the_same_holder(portal: Portal):
    await portal.account(PHONE)
    device, browser = Authenticator(), portal.browser()
    await browser.sign_in(PHONE)
    await add(browser, device)
    await replaced(portal)
    assert (await browser.open("/portal")).url.path == "/portal/sign-in"
    browser = portal.browser()
    assert "Alex D." in await sign(browser, device)
    await add(browser, device)
    first, second = device.credentials
    assert first.handle == second.handle
    assert "Alex D." in await sign(portal.browser(), device)


async def test_a_sign_up_that_was_begun_is_found_by_its_code(portal: Portal):
    begun_there = await begin(portal.context, BEGINNER, has_card=False, token="")
    await replaced(portal)
    async with portal.database.session() as session:
        found = await begun.with_code(portal.context, session, begun_there.code, portal.now)
        assert found
        assert found.person.person_id == begun_there.person_id


async def test_errands_and_secrets_of_sites_are_read_and_keys_of_tills_are_gone(portal: Portal):
    async with portal.database.session() as session:
        queue.put(session, OLD.outbox, "kind", b"what", portal.now)
        key = await make_key(session, OLD, KeyUse.TILL, FIRST, portal.now)
        shown = await check_ins.set_hook(session, OLD, FIRST, "https://site.example")
        await session.commit()
    assert await replaced(portal) == 1
    async with portal.database.session() as session:
        (errand_id,) = await queue.due(session, "kind", portal.now)
        errand = await queue.find_due(session, errand_id, portal.now)
        assert errand
        assert errand.payload(NEW.outbox) == b"what"
        assert await merchant_with(session, NEW, KeyUse.TILL, key, portal.now) is None
        hook = await session.get_one(SiteHookRow, FIRST)
        secret = NEW.outbox.open(hook.secret, f"site_hooks.secret/{FIRST}")
        assert secret == standard_webhooks.secret_of(shown)


async def test_receivers_and_their_events_are_read_and_references_are_found(portal: Portal):
    person = await portal.account(PHONE)
    async with portal.database.session() as session:
        receiver = ReceiverRow(
            id="rcv_1",
            merchant_id=FIRST,
            url="https://example.com",
            events=Event.DELETED,
            secret=OLD.outbox.seal(b"new", "webhook_receivers.secret/rcv_1"),
            secret_before=OLD.outbox.seal(b"before", "webhook_receivers.secret/rcv_1"),
            before_until=portal.now + timedelta(hours=1),
            made_at=portal.now,
        )
        session.add(receiver)
        await session.flush()
        await events.note_leaving(portal.context, session, FIRST, "M-1001")
        sealed = person.seal(Membership(code="M-1002"), f"memberships/{FIRST}")
        about = {"person_id": person.person_id, "merchant_id": FIRST}
        session.add(MembershipRow(**about, sealed=sealed, at=portal.now))
        await session.flush()
        assert await memberships.linked_to(session, OLD, FIRST, "M-1002") == []
        await memberships.make_lookups(session, OLD)
        assert await memberships.linked_to(session, OLD, FIRST, "M-1002") == [portal.now]
        await session.commit()
    await replaced(portal)
    async with portal.database.session() as session:
        receiver = await session.get_one(ReceiverRow, "rcv_1")
        signing = secrets_of(portal.context, receiver, portal.now)
        assert signing == [b"new", b"before"]
        event_id = (await session.scalars(select(EventRow.id))).one()
        body = await events.body_of(session, NEW, event_id)
        assert body is not None
        assert b"M-1001" in body
        assert await memberships.linked_to(session, NEW, FIRST, "M-1002") == [portal.now]
        assert await memberships.linked_to(session, OLD, FIRST, "M-1002") == []


# The command, killed at every step


class Killed(BaseException):
    pass


def kill(*_: object) -> None:
    raise Killed


def state_of(root: Path) -> State:
    return State.open(root, databases.server_for(root))


async def peopled(root: Path) -> str:
    """Makes a state folder with an account, and returns the id of its person."""
    async with open_portal(root) as portal:
        person = await portal.account(PHONE)
    state_of(root).key("master.key").write_bytes(b"m" * 32)
    return person.person_id


async def opens(root: Path, person_id: str) -> bool:
    """Returns whether the person is read and found with the key in force."""
    master, _ = bootstrap.open_store(state_of(root))
    store = database.open_database(databases.address_for(root))
    async with store.session() as session:
        await find_person(session, master, person_id)
        lookup = master.lookup("phone", PHONE)
        found = await session.scalar(
            select(AccountRow.person_id).where(AccountRow.phone_lookup == lookup)
        )
    await store.close()
    return found == person_id


def replace_by_command(root: Path, status: int = 0) -> None:
    words = ["--state", str(root), *databases.words_for(root)]
    assert main_module.main([*words, "replace-master-key"]) == status


STAGES = {
    "with the next key made": (main_module, "replace_master_key"),
    "before people's keys are wrapped": (job.persons, "rewrap"),
    "with all of it written": (database, "rewrite"),
    "before the key is in force": (State, "take_next_master_key"),
}


def test_the_command_replaces_the_key(tmp_path: Path, capfd: pytest.CaptureFixture[str]):
    person_id = asyncio.run(peopled(tmp_path))
    replace_by_command(tmp_path)
    assert "People: 1. Back up the state folder now." in capfd.readouterr().out
    state = state_of(tmp_path)
    assert state.key("master.key").read_bytes() != b"m" * 32
    assert not state.next_master_key.exists()
    assert asyncio.run(opens(tmp_path, person_id))


@pytest.mark.parametrize(("place", "name"), STAGES.values(), ids=STAGES)
def test_a_replacement_that_is_killed_is_known_and_done_again(
    place: object, name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    person_id = asyncio.run(peopled(tmp_path))
    with monkeypatch.context() as patch:
        patch.setattr(place, name, kill)
        with pytest.raises(Killed):
            replace_by_command(tmp_path)
    assert asyncio.run(opens(tmp_path, person_id)), "whatever starts next finds the right key"
    replace_by_command(tmp_path)
    assert asyncio.run(opens(tmp_path, person_id))


def test_a_database_of_another_key_is_told_and_left(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
):
    asyncio.run(peopled(tmp_path))
    state_of(tmp_path).key("master.key").write_bytes(b"x" * 32)
    replace_by_command(tmp_path, status=2)
    assert "is not the key that" in capfd.readouterr().err
    state_of(tmp_path).key("master.key").write_bytes(b"m" * 32)
    replace_by_command(tmp_path)
