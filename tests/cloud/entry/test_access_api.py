"""A site's own system gives, changes and takes access with a key of its merchant."""

import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from sqlalchemy import select

from cloud.entry.access import Access, access_of
from cloud.keys.persons import find_person
from cloud.merchants.merchants import find_site
from cloud.merchants.tables import SiteRow
from cloud.web.merchant_keys import KeyUse, make_key
from protocol.entry import Admission, EntryRefusal
from protocol.messages import Problem, ProblemType
from tests.support.device import fresh_phone
from tests.support.portal import Overtaken, before_commits, open_portal
from tests.support.served import Served
from tests.support.sites import Site, show_palm

Body = dict[str, Any]


class System:
    """The site's own system."""

    def __init__(self, served: Served, key: str, merchant: str, site: str) -> None:
        self.key = key
        self._http = served.device().http
        self.path = f"/v1/merchants/{merchant}/sites/{site}/access-list"

    def replaces(self, *people: Body) -> httpx.Response:
        return self.sends("PUT", {"people": list(people)})

    def gives(self, *people: Body) -> httpx.Response:
        return self.sends("PATCH", {"people": list(people)})

    def takes(self, *phones: str) -> httpx.Response:
        return self.sends("PATCH", {"take": list(phones)})

    def sends(self, method: str, body: Any) -> httpx.Response:
        return self.sends_bytes(method, json.dumps(body).encode())

    def sends_bytes(self, method: str, body: bytes) -> httpx.Response:
        headers = {"x-api-key": self.key, "content-type": "application/json"}
        return self._http.request(method, self.path, content=body, headers=headers)


def merchant_of(served: Served, site_id: str) -> str:
    async def read() -> str:
        async with served.context.database.session() as session:
            site = await find_site(session, site_id)
            assert site
            return site.merchant_id

    return served.do(read())


def key_of(served: Served, merchant: str, use: KeyUse = KeyUse.ACCESS) -> str:
    async def make() -> str:
        async with served.context.database.session() as session:
            now, life = served.context.clock(), timedelta(days=365)
            key = await make_key(session, served.context.master, use, merchant, now, life=life)
            await session.commit()
            return key

    return served.do(make())


@pytest.fixture
def system(served: Served, site: Site) -> System:
    merchant = merchant_of(served, site.id)
    return System(served, key_of(served, merchant), merchant, site.id)


@pytest.fixture
def member(site: Site, who: str) -> str:
    """The mobile number of somebody who has signed up and agreed at the site's merchant."""
    phone = fresh_phone()
    site.gate().sign_up(who, phone=phone)
    return phone


@pytest.mark.anyio
async def test_a_list_that_was_overtaken_is_taken_all_the_same(tmp_path: Path):
    """Another one has named the same people in another order, perhaps."""
    async with open_portal(tmp_path) as portal:
        await portal.account("+14155550123")
        async with portal.database.session() as session:
            site = (await session.scalars(select(SiteRow.id))).one()
            life, master = timedelta(days=365), portal.context.master
            key = await make_key(session, master, KeyUse.ACCESS, "first", portal.now, life=life)
            await session.commit()
        overtaken = [Overtaken()]

        def overtake() -> None:
            if overtaken:
                raise overtaken.pop()

        body = {"people": [{"phone": "+14155550123", "person": "E-1001"}]}
        with before_commits(portal, overtake):
            answer = await portal.browser().http.put(
                f"/v1/merchants/first/sites/{site}/access-list",
                json=body,
                headers={"x-api-key": key},
            )
        assert overtaken == []
        assert came_of(answer) == (1, 0, 0, 0)


def came_of(answer: httpx.Response) -> tuple[int, int, int, int]:
    assert answer.status_code == 200, answer.text
    told = answer.json()
    return told["given"], told["unchanged"], told["waiting"], told["taken"]


def problem(answer: httpx.Response) -> Problem:
    assert answer.headers["content-type"] == "application/problem+json", answer.text
    return Problem.model_validate_json(answer.content)


def held(served: Served, site: Site, phone: str) -> Access | None:
    person_id = served.person_id(phone)

    async def read() -> Access | None:
        async with served.context.database.session() as session:
            person = await find_person(session, served.context.master, person_id)
            found = await access_of(session, person, site.id)
            return None if found is None else found[0]

    return served.do(read())


def test_a_person_is_given_access_changed_and_taken_it(
    served: Served, site: Site, system: System, member: str, who: str
):
    gate = site.gate(everyone=False)
    person = {"phone": member, "person": "E-1001"}
    assert came_of(system.gives(person)) == (1, 0, 0, 0)
    assert came_of(system.gives(person)) == (0, 1, 0, 0)
    assert show_palm(gate, who).admission is Admission.ASK
    badge = {"format": "wiegand_26", "facility": 12, "number": 4567}
    more = {"doors": ["South"], "last_day": "2099-12-31", "hours": "mon-sun 00:00-24:00"}
    assert came_of(system.gives(person | badge | more)) == (1, 0, 0, 0)
    now = held(served, site, member)
    assert now is not None
    assert now.credential is not None
    assert (now.doors, now.credential.number) == (("South",), 4567)
    assert show_palm(gate, who).refusal is EntryRefusal.NO_ACCESS
    assert came_of(system.takes(member)) == (0, 0, 0, 1)
    assert came_of(system.takes(member)) == (0, 0, 0, 0)
    assert held(served, site, member) is None


def test_a_whole_list_takes_it_from_everybody_else(
    served: Served, site: Site, system: System, member: str
):
    assert came_of(system.replaces({"phone": member, "person": "E-1001"})) == (1, 0, 0, 0)
    stranger = {"phone": fresh_phone(), "person": "E-1002"}
    assert came_of(system.replaces(stranger)) == (0, 0, 1, 1)
    assert held(served, site, member) is None
    assert came_of(system.replaces()) == (0, 0, 0, 0)


def test_all_faults_are_told_at_once_without_a_number_and_nothing_changes(
    served: Served, site: Site, system: System, member: str
):
    right = {"phone": member, "person": "E-1001"}
    wrong = {"phone": "12", "hours": "9-5", "format": "wiegand_26", "number": 70_000}
    body = {
        "people": [right, wrong, right, "E-1002", right | {"shoe": 43}],
        "take": [member, "+4930901820", 5],
    }
    told = problem(system.sends("PATCH", body))
    assert (told.type, told.status) == (ProblemType.BAD_LIST, 422)
    assert told.errors is not None
    faults = {fault.pointer: fault.detail for fault in told.errors}
    assert list(faults) == [
        *("#/people/1", "#/people/2", "#/people/3", "#/people/4"),
        *("#/take/1", "#/take/2"),
    ]
    for what in ("phone is not a telephone number", "person: Field required", "hours: '9-5'"):
        assert what in faults["#/people/1"]
    assert faults["#/people/2"] == "the number stands in #/people/0 already"
    assert faults["#/take/1"] == "phone is not the number of a mobile phone"
    assert member not in str(told)
    assert held(served, site, member) is None
    both = problem(system.sends("PATCH", {"people": [right], "take": [member]}))
    assert both.errors is not None
    assert [fault.pointer for fault in both.errors] == ["#/take/0"]


@pytest.mark.parametrize("method", ["PUT", "PATCH"])
@pytest.mark.parametrize("body", [[], {"people": {}}, {"persons": []}, None])
def test_what_is_no_list_is_refused(system: System, method: str, body: Any):
    assert problem(system.sends(method, body)).type is ProblemType.MALFORMED


def test_a_whole_list_has_to_be_there(system: System):
    """Else an empty object would take everybody's access."""
    assert problem(system.sends("PUT", {})).type is ProblemType.MALFORMED
    assert problem(system.sends("PUT", {"people": [], "take": []})).status == 400


def test_more_people_than_one_request_may_have_are_refused(system: System):
    assert problem(system.takes(*["+1"] * 20_001)).type is ProblemType.TOO_LARGE


def test_a_key_serves_its_merchants_sites_alone(
    served: Served, site: Site, system: System, member: str
):
    given = {"phone": member, "person": "E-1001"}
    system.gives(given)
    before = held(served, site, member)
    merchant = merchant_of(served, site.id)
    other = merchant_of(served, served.merchant())
    others = [
        (System(served, key_of(served, other), merchant, site.id), ProblemType.NOT_FOUND),
        (System(served, key_of(served, other), other, site.id), ProblemType.NOT_FOUND),
        (System(served, system.key, other, site.id), ProblemType.NOT_FOUND),
        (System(served, system.key, merchant, "nowhere"), ProblemType.NOT_FOUND),
        (System(served, "", merchant, site.id), ProblemType.UNKNOWN_KEY),
        (System(served, f"{system.key}x", merchant, site.id), ProblemType.UNKNOWN_KEY),
        (
            System(served, key_of(served, merchant, KeyUse.TILL), merchant, site.id),
            ProblemType.UNKNOWN_KEY,
        ),
    ]
    for stranger, told in others:
        for answer in (stranger.replaces(), stranger.takes(member), stranger.gives(given)):
            assert problem(answer).type is told
    assert held(served, site, member) == before
    served.ahead = timedelta(days=366)
    assert problem(system.takes(member)).type is ProblemType.UNKNOWN_KEY


@pytest.mark.parametrize(
    "body",
    [b"", b"{", b"\xff", b'{"people": ' + b"[" * 20_000 + b"]" * 20_000 + b"}"],
    ids=["nothing", "cut short", "not UTF-8", "nested deeper than it can be read"],
)
def test_what_is_no_json_changes_nothing_and_is_said(system: System, body: bytes):
    for method in ("PUT", "PATCH"):
        answer = system.sends_bytes(method, body)
        assert answer.status_code == 400
        problem = Problem.model_validate_json(answer.content)
        assert problem.type == ProblemType.MALFORMED
        assert problem.detail == "the body is not JSON in UTF-8"
