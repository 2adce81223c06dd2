"""What the pages of docs/integrations show of the API for integrators is what the service takes and
answers: each request is sent as it is written, and its answer is compared with the page."""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from hashlib import sha256
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from cloud.console.kiosks import State
from cloud.context import Event
from cloud.db.tables import new_id
from cloud.entry.access import Access
from cloud.integrations.tables import DeliveryRow, ReceiverRow
from cloud.jobs.housekeeping import write_seen
from cloud.payments.purchases import PurchaseRow
from cloud.payments.receipts import UNSENT
from cloud.seen import Became, Kind, Light
from cloud.watch.incidents import SERIOUS
from protocol.asked import AskedEnd, PalmAnswer, RequestState
from protocol.entry import Ticket, Tickets
from protocol.messages import Account, Outcome, ProblemType, Purchase, Purpose
from tests.cloud.fleet.test_fleet import REPORT, told
from tests.cloud.fleet.test_pictures import a_png
from tests.cloud.integrations.conftest import Shop
from tests.cloud.integrations.test_palm_requests import (
    answers,
    claims_of,
    compares,
    palm_of,
    takes,
)
from tests.support import plain_palms
from tests.support.approving import approve
from tests.support.device import TestDevice, fresh_phone
from tests.support.integrator import Integrator, integrator
from tests.support.served import Served
from tests.support.sites import Site

# RFC 9864 calls it Ed25519, which fewer libraries know.
pytestmark = pytest.mark.filterwarnings("ignore:EdDSA is deprecated")

PAGES = Path(__file__).parents[3] / "docs" / "integrations"
REQUEST = re.compile(r"(?P<method>GET|POST|PUT|DELETE) (?P<path>/\S+)")
BLOCK = re.compile(r"(?:^    .*\n)+", re.MULTILINE)
WITHIN = re.compile(r"`((?:GET|POST|PUT|DELETE) /[^`]+)`")
STATE = re.compile(r"^\| ((?:`\w+`(?:, )?)+) \|", re.MULTILINE)
"""The states that a row of a table is about."""
ANYTHING = re.compile(r"(?:\b|(?<=_))[0-9a-f]{4}…|…")
REST = {"{…, ": '{"…": 0, ', ", …}": ', "…": 0}', ", …]": ', "…"]'}
"""How a page leaves out members of an object and the rest of a list, and how JSON could say
that."""


@dataclass(frozen=True)
class Shown:
    """A request of a page, in a block or within a sentence, and the answer that is shown of it."""

    request: str
    body: str = ""
    answer: str | None = None


def shown_by(page: str) -> Iterator[Shown]:
    """Yields the requests of a page in its order."""
    requests = [(found.start(), Shown(found[1])) for found in WITHIN.finditer(page)]
    blocks = list(BLOCK.finditer(page))
    for block, after in zip(blocks, [*blocks[1:], None], strict=True):
        lines = [line.strip() for line in block[0].splitlines()]
        starts = [at for at, line in enumerate(lines) if REQUEST.fullmatch(line)]
        for start, end in pairwise([*starts, len(lines)]):
            answer = (
                after[0] if end == len(lines) and after and _follows(page, block, after) else None
            )
            body = " ".join(lines[start + 1 : end])
            requests.append((block.start() + start, Shown(lines[start], body, answer)))
    yield from (shown for _, shown in sorted(requests, key=lambda each: each[0]))


def _follows(page: str, block: re.Match[str], after: re.Match[str]) -> bool:
    """Returns whether a block is the answer to the request before it."""
    return page[block.end() : after.start()] == "\n" and after[0].lstrip().startswith("{")


@dataclass
class Reader:
    """An integrator who reads a page, and sends what it shows with their own names in it."""

    page: str
    shop: Shop
    operator: Integrator
    """Who asks for what begins with `/v1/`, with a key of the operator's."""
    names: dict[str, str]
    """What stands on the page in place of an own name."""
    sent: int = 0
    states: set[str] = field(default_factory=set[str])
    """What became of the requests for palms."""

    def sends(self, request: str) -> Any:
        """Sends the next request of the page, which has to be this one, and compares its answer
        with the page."""
        shown = list(shown_by(self.page))[self.sent]
        self.sent += 1
        assert shown.request == request
        return self._send(shown)

    def sends_again(self, request: str) -> Any:
        """Sends a request once more that the page has shown, and takes any answer."""
        shown = next(each for each in shown_by(self.page) if each.request == request)
        return self._send(Shown(request, shown.body))

    def asks_for(self, request: str) -> Any:
        """Sends a POST that makes a request for a palm, which is the one of the page from then
        on."""
        told = self.sends_again(request) if self.sent else self.sends(request)
        self.names["REQUEST"] = told["request_id"]
        return told

    def looks(self) -> str:
        """Returns what has become of the request."""
        told = self.shop.api.get(f"/palm-requests/{self.names['REQUEST']}")
        self.states.add(told["state"])
        return told["reason"] or told["state"]

    def has_read_all(self) -> None:
        assert self.sent == len(list(shown_by(self.page)))

    def has_seen_every_state(self) -> None:
        table = self.page.partition("\n| `state` |")[2].partition("\n\n")[0]
        cells = "".join(STATE.findall(table))
        assert set(re.findall(r"`(\w+)`", cells)) <= self.states

    def _send(self, shown: Shown) -> Any:
        method, _, path = self._named(shown.request).partition(" ")
        body: Any = None
        if shown.body.startswith("Content-Type:"):
            body = a_png(1)
        elif shown.body:
            body = json.loads(self._named(shown.body))
        if path.startswith("/v1/"):
            answer = self.operator.ask(method, path.removeprefix("/v1"), body)
        else:
            answer = self.shop.api.ask(method, path, body)
        assert answer.is_success, (shown.request, answer.text)
        is_json = answer.content and answer.headers["content-type"] == "application/json"
        told = answer.json() if is_json else answer.content
        if isinstance(told, dict) and "state" in told:
            self.states.add(told["state"])
        if shown.answer is not None:
            agree(self.shows(shown.answer), told)
        return told

    def shows(self, text: str) -> Any:
        """Returns JSON of the page, with the own names in it."""
        for written, meant in REST.items():
            text = text.replace(written, meant)
        return json.loads(self._named(text))

    def _named(self, text: str) -> str:
        for name, own in self.names.items():
            text = re.sub(rf"(?<![\w]){re.escape(name)}(?![\w])", own, text)
        return text


def agree(shown: Any, told: Any) -> None:
    """Checks that the service has told what a page shows: all of it, unless the page leaves members
    out. A … stands for anything, with the digits that an id begins with, and times are as far
    apart."""
    times: list[tuple[datetime, datetime]] = []
    _agree("", shown, told, times)
    assert {one - times[0][0] for one, _ in times} == {other - times[0][1] for _, other in times}


def _agree(at: str, shown: Any, told: Any, times: list[tuple[datetime, datetime]]) -> None:
    match shown, told:
        case dict(), dict():
            assert isinstance(shown, Mapping)
            wanted = shown.keys() - {"…"}
            assert wanted <= told.keys() if "…" in shown else wanted == told.keys(), at
            for name in wanted:
                _agree(f"{at}/{name}", shown[name], told[name], times)
        case list(), list() if shown[1:] == ["…"]:
            _agree_with_one(at, shown[0], told, times)
        case list(), list():
            assert len(shown) == len(told), at
            for place, (one, other) in enumerate(zip(shown, told, strict=True)):
                _agree(f"{at}/{place}", one, other, times)
        case str(), str() if (time := _time(shown)) is not None:
            other = _time(told)
            assert other is not None, at
            times.append((time, other))
        case str(), str():
            pattern = ".+".join(map(re.escape, ANYTHING.split(shown)))
            assert re.fullmatch(pattern, told, re.DOTALL), (at, shown, told)
        case _:
            assert shown == told, at


def _agree_with_one(
    at: str, shown: Any, told: list[Any], times: list[tuple[datetime, datetime]]
) -> None:
    """Checks that one of a list is as shown. The others may be what other tests have left."""
    differences: list[AssertionError] = []
    for place, each in enumerate(told):
        its_times: list[tuple[datetime, datetime]] = []
        try:
            _agree(f"{at}/{place}", shown, each, its_times)
        except AssertionError as difference:
            differences.append(difference)
        else:
            times += its_times
            return
    raise AssertionError(f"nothing is as shown at {at}", differences, told)


def _time(text: str) -> datetime | None:
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        return None


@pytest.fixture
def known(shop: Shop, who: str) -> str:
    """Somebody who has linked the reference of the pages."""
    shop.kiosk.sign_up(who)
    shop.link(who, "M-1001")
    return who


@pytest.fixture
def operator(served: Served) -> Integrator:
    return integrator(served, None)


def read(page: str, shop: Shop, operator: Integrator) -> Reader:
    text = (PAGES / page).read_text("utf-8")
    names = {"4d3c…": shop.kiosk.id, "SITE": shop.site, "MERCHANT": shop.api.merchant}
    return Reader(text, shop, operator, names)


def test_sites_are_told_as_the_page_says(served: Served, shop: Shop, operator: Integrator):
    reader = read("kiosks.md", shop, operator)
    reader.sends("GET /v1/merchants")
    assert reader.sends("GET /v1/merchants/MERCHANT") == shop.api.get("")
    added = reader.sends("POST /sites")
    assert added in reader.sends("GET /sites")["sites"]
    assert reader.sends("GET /sites/SITE")["site_id"] == shop.site
    code = reader.sends("POST /sites/SITE/activation-codes")["code"]
    activated = served.device().activate(code).device_id
    kiosks = shop.api.get("/kiosks")["kiosks"]
    assert activated in [each["device_id"] for each in kiosks if each["site_id"] == shop.site]
    reader.names["HARBOUR"] = added["site_id"]
    kiosks_are_told_as_the_page_says(reader, shop)
    kiosks_are_steered_as_the_page_says(reader, shop)
    reader.has_read_all()


def kiosks_are_told_as_the_page_says(reader: Reader, shop: Shop):
    everywhere = _kiosks(reader, "GET /devices")
    assert shop.kiosk.id in [each["device_id"] for each in everywhere]
    assert _kiosks(reader, "GET /devices?site_id=SITE") == everywhere
    assert _kiosks(reader, "GET /devices?needs_somebody=true") == []
    reader.sends("GET /v1/devices")
    assert shop.kiosk.send("PUT", "/device/report", REPORT.model_dump_json().encode()).is_success
    reader.sends("GET /devices/4d3c…")
    states = set(re.findall(r"^\| `(\w+)` \|", reader.page, re.MULTILINE))
    assert states - {"state"} == set(State)


def kiosks_are_steered_as_the_page_says(reader: Reader, shop: Shop):
    assert reader.sends("PUT /devices/4d3c…/name")["name"] == "Till 4"
    for act in ("restart", "maintain", "serve", "lock"):
        told = reader.sends(f"POST /devices/4d3c…/{act}")
        assert told["requests"][0]["act"] == act
    assert told["is_locked"]
    told = reader.sends("PUT /devices/4d3c…/site")
    assert (told["site_id"], told["name"]) == (reader.names["HARBOUR"], "Till 4")
    reader.sends("POST /devices/4d3c…/replacement-codes")
    reader.sends("POST /devices/4d3c…/revoke")
    assert shop.api.get(f"/devices/{shop.kiosk.id}")["state"] == "revoked"
    reader.sends("POST /sites/SITE/revoke")


def _kiosks(reader: Reader, request: str) -> list[Any]:
    return reader.sends(request)["kiosks"]


def test_accounts_of_staff_are_added_as_the_page_says(shop: Shop, operator: Integrator):
    reader = read("staff.md", shop, operator)
    reader.names["STAFF"] = reader.sends("POST /staff")["staff_id"]
    reader.sends("POST /staff/STAFF/links")
    (told,) = reader.sends("GET /staff")["staff"]
    assert reader.sends("GET /staff/STAFF") == told
    reader.sends("DELETE /staff/STAFF")
    assert reader.sends("GET /staff")["staff"] == []
    reader.sends("GET /v1/staff")
    reader.has_read_all()


def test_what_people_have_is_taken_as_the_page_says(
    served: Served, shop: Shop, who: str, operator: Integrator
):
    phone, site = fresh_phone(), Site(served, shop.site)
    shop.kiosk.sign_up(who, phone=phone)
    shop.link(who, "M-1001")
    ticket = Ticket(code="nsmgdm2ur5vkj9ahz3e5")
    entering = shop.kiosk.recognised(who, Purpose.ENTER)
    shop.kiosk.post(f"/identifications/{entering}/tickets", ticket, Tickets)
    site.give(phone, Access(person="E-1001"))
    site.gate("mon-fri 07:00-19:00", everyone=False, area="Stand", list_hours=12)
    reader = read("holdings.md", shop, operator)
    reader.sends("GET /sites/SITE/access")
    reader.sends("POST /sites/SITE/access/take")
    reader.sends("GET /holdings")
    reader.sends("POST /tickets/take")
    reader.sends("POST /memberships/take")
    assert shop.api.get("/holdings")["tickets"] == 0
    reader.has_read_all()


def happens(
    served: Served, shop: Shop, kind: Kind, times: int = 1, about: str | None = None
) -> str:
    """Has something happen at a shop's kiosk, and returns the id of the attack that it is."""
    for _ in range(times):
        served.context.seen.happened(kind, shop.kiosk.id, about)
    served.do(write_seen(served.context))
    return next(each["attack_id"] for each in shop.api.get("/attacks")["attacks"])


def test_attacks_are_looked_at_and_accounts_frozen_as_the_page_says(
    served: Served, shop: Shop, who: str, operator: Integrator
):
    served.stop_clock()
    reader = read("watching.md", shop, operator)
    for times in (5, 2):
        reader.names["ATTACK"] = happens(served, shop, Kind.LIFELESS, times)
        served.ahead += timedelta(minutes=1)
    (listed,) = reader.sends("GET /attacks?looked_at=false")["attacks"]
    assert reader.sends("GET /attacks/ATTACK") == listed
    reader.sends("POST /attacks/ATTACK/looked")
    phone = fresh_phone()
    shop.kiosk.sign_up(who, phone=phone)
    about = served.person_id(phone)
    reader.names["ATTACK"] = happens(served, shop, Kind.GUESSES, about=about)
    frozen = reader.sends("POST /v1/merchants/MERCHANT/attacks/ATTACK/freeze")
    assert frozen["looked_at"] is not None
    assert shop.kiosk.identify(who).outcome is Outcome.FROZEN
    rows = reader.page.partition("| `kind` |")[2].partition("\n\n")[0]
    table = dict(re.findall(r"^\| `(\w+)` \| .* \| ?(.*)\|$", rows, re.MULTILINE))
    serious = {"at once": 1, "": None} | {f"from {each} times on": each for each in (3, 5, 10)}
    assert {kind: serious[words.strip()] for kind, words in table.items()} == {
        kind: SERIOUS.get(kind) for kind in Kind
    }


def test_recognition_and_jobs_are_told_as_the_page_says(
    served: Served, shop: Shop, who: str, operator: Integrator
):
    reader = read("watching.md", shop, operator)
    reader.sent = [each.request for each in shown_by(reader.page)].index("GET /recognition/summary")
    reader.names["KIOSK"] = shop.kiosk.id
    palms_were_shown(served, shop.kiosk)
    reader.sends("GET /recognition/summary")
    reader.sends("GET /recognition/summary?device_id=KIOSK&light=ring")
    reader.sends("GET /jobs")
    not_taken(served, shop)
    reader.sends("GET /jobs/deliveries?limit=50")
    receipt_was_given_up(served, shop, who)
    reader.sends("GET /jobs/receipts?limit=50")
    served.context.seen.ran("cloud.merchants.devices", removed=1)
    served.do(write_seen(served.context))
    told = reader.sends("GET /v1/jobs")
    members = "".join(re.findall(r"^\| (`.*?) \|", reader.page.partition("| member |")[2], re.M))
    assert set(re.findall(r"`(\w+)`", members)) == told.keys()
    reader.has_read_all()


def not_taken(served: Served, shop: Shop) -> None:
    """Has a receiver not take an event within a day."""
    receiver_id, now = f"rcv_{new_id()}", served.context.clock()
    url = "https://shop.example/palm"
    receiver = ReceiverRow(id=receiver_id, merchant_id=shop.api.merchant, url=url, made_at=now)
    receiver.events, receiver.secret = Event.PAID, b""
    served.add(receiver)
    served.add(
        DeliveryRow(
            id=new_id(),
            receiver_id=receiver_id,
            event_id="evt_1",
            kind=Event.PAID,
            at=now,
            state="given_up",
            attempts=9,
            status=500,
            tried_at=now + timedelta(days=1),
        )
    )


def receipt_was_given_up(served: Served, shop: Shop, who: str) -> None:
    shop.kiosk.sign_up(who)
    sale = shop.kiosk.sale(shop.kiosk.recognised(who))
    sale = sale.model_copy(update={"reference": "receipt-27908"})
    bought = shop.kiosk.post("/purchases", sale, Purchase)

    async def write() -> None:
        async with served.context.database.session() as session:
            row = await session.get_one(PurchaseRow, bought.purchase_id)
            row.receipt = UNSENT
            await session.commit()

    served.do(write())


def test_what_kiosks_show_demand_and_ask_is_as_the_page_says(shop: Shop, operator: Integrator):
    reader = read("content.md", shop, operator)
    assert set(reader.sends("GET /sites/SITE/look").values()) == {None}
    look = reader.sends("PUT /sites/SITE/look")
    assert look == shop.api.get(f"/sites/{shop.site}/look")
    calendar = reader.sends("PUT /sites/SITE/calendar")
    assert calendar == reader.sends("GET /sites/SITE/calendar")
    given = told(shop.kiosk)
    assert (given.hours, given.zone) == (look["hours"], calendar["zone"])

    reader.names["DIGEST"] = reader.sends("PUT /sites/SITE/pictures/logo")["digest"]
    picture = reader.sends("GET /pictures/DIGEST")
    assert sha256(picture).hexdigest() == reader.names["DIGEST"]
    assert reader.sends("DELETE /sites/SITE/pictures/logo") == b""
    reader.names["DIGEST"] = reader.sends("POST /sites/SITE/pictures/attract")["digest"]
    pictures = reader.sends("PUT /sites/SITE/pictures/attract")
    assert pictures == reader.sends("GET /sites/SITE/pictures")
    assert [each.sha256 for each in told(shop.kiosk).attract] == pictures["attract"]

    assert set(reader.sends("GET /limits")["in_force"].values()) == {None}
    reader.sends("PUT /limits")
    reader.sends("GET /sites/SITE/limits")
    limits = reader.sends("PUT /sites/SITE/limits")
    amounts = told(shop.kiosk).amounts
    assert amounts is not None
    assert amounts.pulse_above == limits["in_force"]["pulse_above"]["minor"]
    assert {f"`{name}`" for name in limits["in_force"]} <= set(reader.page.split())
    reader.sends("GET /service-policy")
    reader.sends("GET /sites/SITE/consents")
    name = reader.sends("PUT /v1/merchants/MERCHANT/name")["name"]
    assert told(shop.kiosk).merchant == name
    reader.has_read_all()


def ended(shop: Shop, who: str, state: RequestState) -> None:
    """Has the shop's kiosk ask, and somebody show their palm."""
    asked = takes(shop.kiosk).request
    assert asked is not None
    if asked.named:
        palm = compares(shop.kiosk, asked, who).identification_id
    else:
        palm = palm_of(shop.kiosk, asked, who)
    assert answers(shop.kiosk, asked, palm).state is state


def test_approvals_go_as_the_page_says(
    served: Served, shop: Shop, known: str, operator: Integrator
):
    reader = read("approve.md", shop, operator)
    reader.asks_for("POST /palm-requests")
    (kiosk,) = reader.sends("GET /kiosks")["kiosks"]
    assert (kiosk["device_id"], kiosk["site_id"]) == (shop.kiosk.id, shop.site)
    takes(shop.kiosk)
    assert reader.looks() == "shown"
    ended(shop, known, RequestState.APPROVED)
    told = reader.sends("GET /palm-requests/REQUEST?wait=20")
    assert (told["state"], told["person"]) == ("approved", "M-1001")
    says = re.search(r"^It says:\n\n((?:    .*\n)+)", reader.page, re.MULTILINE)
    assert says
    claims = claims_of(shop, told["statement"])
    shown = reader.shows(says[1]) | {"iat": claims["iat"], "aud": shop.api.merchant}
    agree(shown | {"site": shop.site}, claims)

    stranger = f"{known} of another family"
    shop.kiosk.sign_up(stranger)
    for who, reason in ((None, "declined"), (stranger, "not_recognised")):
        reader.asks_for("POST /palm-requests")
        asked = takes(shop.kiosk).request
        assert asked is not None
        answers(shop.kiosk, asked, who and palm_of(shop.kiosk, asked, who))
        assert reader.looks() == reason
        assert f"`{reason}`" in reader.page

    reader.asks_for("POST /palm-requests")
    reader.sends("POST /palm-requests/REQUEST/cancel")
    reader.asks_for("POST /palm-requests")
    served.ahead = timedelta(seconds=121)
    assert reader.looks() == "expired"
    reader.has_seen_every_state()
    assert reader.sends("GET /v1/jwks")["keys"]
    reader.has_read_all()


def test_identifications_go_as_the_page_says(shop: Shop, known: str, operator: Integrator):
    reader = read("identify.md", shop, operator)
    reader.asks_for("POST /palm-requests")
    ended(shop, known, RequestState.IDENTIFIED)
    reader.sends("GET /palm-requests/REQUEST?wait=20")
    reader.has_read_all()


def test_a_sign_up_goes_as_the_page_says(shop: Shop, who: str, operator: Integrator):
    reader, kiosk = read("enrol.md", shop, operator), shop.kiosk
    reader.asks_for("POST /palm-requests")
    asked = takes(kiosk).request
    assert asked is not None
    assert kiosk.send("PUT", f"/palm-requests/{asked.request_id}/begun").is_success
    assert reader.looks() == "begun"
    enrolment = kiosk.verified_enrolment()
    kiosk.add_card(enrolment)
    kiosk.add_palm(enrolment, plain_palms.burst(who))
    kiosk.post(f"/enrolments/{enrolment}/completion", None, Account)
    body = PalmAnswer(enrolment_id=enrolment).model_dump_json().encode()
    answer = kiosk.send("PUT", f"/palm-requests/{asked.request_id}/answer", body)
    assert AskedEnd.model_validate_json(answer.content).state is RequestState.ENROLLED
    reader.sends("GET /palm-requests/REQUEST?wait=20")
    reader.asks_for("POST /palm-requests")
    asked = takes(kiosk).request
    assert asked is not None
    answers(kiosk, asked, None)
    assert reader.looks() == "declined"
    reader.has_seen_every_state()
    reader.has_read_all()


def palms_were_shown(served: Served, kiosk: TestDevice) -> None:
    """Counts what the page tells of a day of a kiosk with a light ring."""
    seen, where = served.context.seen, (kiosk.id, Light.RING)
    for became, times in {
        Became.RECOGNISED: 198,
        Became.DIGITS: 5,
        Became.LONGER: 1,
        Became.NOT_FOUND: 4,
        Became.REFUSED: 1,
    }.items():
        for _ in range(times):
            seen.palm(*where, became, 0.3)
    for _ in range(3):
        seen.refused(ProblemType.PALM_UNUSABLE, *where)
    for quality, times in {0.95: 170, 0.85: 28, 0.75: 9, 0.65: 2}.items():
        for _ in range(times):
            seen.quality(*where, quality)
    served.do(write_seen(served.context))


def test_people_and_purchases_are_told_as_the_page_says(
    served: Served, shop: Shop, known: str, operator: Integrator
):
    reader = read("api.md", shop, operator)
    sale = shop.kiosk.sale(shop.kiosk.recognised(known), 1250)
    sale = sale.model_copy(update={"reference": "receipt-27908"})
    bought = shop.kiosk.post("/purchases", sale, Purchase)
    reader.names["PURCHASE"] = bought.purchase_id
    reader.sends("GET /people?reference=M-1001")
    reader.names["KIOSK"] = shop.kiosk.id
    palms_were_shown(served, shop.kiosk)
    reader.sends("GET /recognition")
    reader.sends("GET /recognition?device_id=KIOSK&light=ring")
    (listed,) = reader.sends("GET /purchases?limit=50")["purchases"]
    (found,) = reader.sends("GET /purchases?reference=receipt-27908")["purchases"]
    assert reader.sends("GET /purchases/PURCHASE") == listed == found
    reader.names["MONTH"] = f"{bought.at:%Y-%m}"
    chosen = reader.sends("GET /purchases?when=MONTH&site_id=SITE&state=paid")
    assert chosen["purchases"] == [listed]
    reader.sends("GET /purchases/PURCHASE/steps")
    refund = reader.sends("POST /purchases/PURCHASE/refunds")
    assert (refund["reference"], refund["amount"]["minor"]) == ("return-88121", 500)
    steps = shop.api.get(f"/purchases/{bought.purchase_id}/steps")["steps"]
    assert [each["reason"] for each in steps if each["stage"] == "refund-asked"] == ["returned"]
    reader.has_read_all()


def test_approvals_the_trail_and_files_go_as_the_page_says(
    served: Served, shop: Shop, known: str, operator: Integrator
):
    reader = read("approvals.md", shop, operator)
    names = reader.names
    names["APPROVAL"] = shop.api.post("/audit-files")["approval_id"]
    reader.sends("GET /approvals")
    waiting = reader.sends("GET /approvals/APPROVAL")
    seen = waiting | {"is_own": False}
    assert seen in reader.sends("GET /v1/approvals")["approvals"]
    assert reader.sends("GET /v1/approvals/APPROVAL") == seen
    assert reader.sends("POST /approvals/APPROVAL/cancel")["state"] == "declined"
    names["APPROVAL"] = operator.post("/audit-files")["approval_id"]
    assert reader.sends("POST /v1/approvals/APPROVAL/cancel")["state"] == "declined"
    reader.sends("POST /v1/secret-replacements")

    shop.api.post("/sites", {"name": "Harbour"})
    newest = reader.sends("GET /audit")["entries"][0]
    assert newest == reader.sends("GET /v1/audit")["entries"][0]
    names["APPROVAL"] = reader.sends("POST /audit-files")["approval_id"]
    approve(served, names["APPROVAL"])
    names["FILE"] = reader.sends("POST /approvals/APPROVAL/audit-file")["file_id"]
    assert newest["hash"].encode() in reader.sends("GET /audit-files/FILE")

    sale = shop.kiosk.sale(shop.kiosk.recognised(known), 1250)
    bought = shop.kiosk.post("/purchases", sale, Purchase)
    names["MONTH"] = f"{bought.at:%Y-%m}"
    names["FILE"] = reader.sends("POST /purchase-files")["file_id"]
    taken = reader.sends("GET /purchase-files/FILE")
    assert bought.purchase_id.encode() in taken
    names["APPROVAL"] = reader.sends("POST /purchase-files")["approval_id"]
    approve(served, names["APPROVAL"])
    names["FILE"] = reader.sends("POST /approvals/APPROVAL/purchase-file")["file_id"]
    assert reader.sends("GET /purchase-files/FILE") == taken
    reader.has_read_all()


def test_days_are_compared_as_the_page_says(
    served: Served, shop: Shop, known: str, operator: Integrator
):
    reader = read("payment.md", shop, operator)
    reader.page = reader.page.partition("\n### With a key\n")[2]
    sale = shop.kiosk.sale(shop.kiosk.recognised(known), 800)
    sale = sale.model_copy(update={"reference": "nexo-93f973d04"})
    bought = shop.kiosk.post("/purchases", sale, Purchase)
    reader.names["DAY"] = f"{bought.at:%Y-%m-%d}"
    told = reader.sends("POST /reconciliation")
    assert told["day"] == reader.names["DAY"]
    assert reader.sends("GET /reconciliation")["days"][0] == told
    reader.sends("GET /reconciliation/DAY")
    assert operator.get(f"/reconciliation/{told['day']}")["differences"]
    reader.has_read_all()
