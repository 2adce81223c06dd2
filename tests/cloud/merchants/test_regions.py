"""Palms of a merchant's people do not leave the region that it has named."""

import secrets
from collections.abc import AsyncGenerator, Callable
from pathlib import Path

import httpx
import pytest

import cloud
from cloud import bootstrap
from cloud.app import create_app
from cloud.bootstrap import Does
from cloud.entry.access import Access
from cloud.merchants import regions
from cloud.merchants.merchants import add_merchant, place_of
from cloud.recognition.tables import PalmRow
from cloud.settings import BadSettings, Merchant, Service, Settings
from cloud.web.problems import Refusal
from protocol.envelope import PrivateKey
from protocol.messages import (
    ENVELOPE_TYPE,
    Claim,
    ClaimOpened,
    DeletionReceipt,
    DeletionRequest,
    ProblemType,
    Proof,
    Purpose,
)
from tests.cloud.entry.test_lists import ask_list, asked, gate_of
from tests.cloud.integrations.conftest import Shop
from tests.cloud.integrations.test_palm_requests import shows
from tests.support import plain_palms
from tests.support.console import member_of
from tests.support.device import Refused, TestDevice, fresh_phone, refusal
from tests.support.integrator import integrator
from tests.support.portal import Portal, open_portal
from tests.support.served import Served
from tests.support.sites import Site

EU, US = "eu-west", "us-east"


@pytest.fixture
def site(served: Served) -> Site:
    """The site of a merchant that no other test uses."""
    return Site(served, served.merchant(name="Works"))


async def merchant_of(site: Site) -> str:
    async with site.served.context.database.session() as session:
        return (await place_of(session, site.id))[1].id


def pin(site: Site, region: str | None) -> None:
    """Has the merchant of a site name a region."""

    async def write() -> None:
        async with site.served.context.database.session() as session:
            _, merchant = await place_of(session, site.id)
            merchant.region = region
            await session.commit()

    site.served.do(write())


def said(error: "pytest.ExceptionInfo[Refused]") -> ProblemType:
    return error.value.problem.type


# Every endpoint that takes a palm

Sent = Callable[[], httpx.Response]
"""Sends a palm."""


class Gate:
    """A gate of a merchant at which somebody has signed up, and all that a palm can be sent to."""

    def __init__(self, site: Site, who: str) -> None:
        self.who = who
        self.device = gate_of(site)
        phone = fresh_phone()
        self.device.sign_up(who, phone=phone)
        site.give(phone, Access(person="E-1001"))
        entry = asked(self.device, who).entry_id
        enrolment = self.device.verified_enrolment()
        merchant_id = site.served.do(merchant_of(site))
        # A kiosk at a door is asked nothing.
        counter = site.served.kiosk(site.id)
        shop = Shop(counter, integrator(site.served, merchant_id), site.id)
        shop.link(who, "M-1001")
        request = shows(shop, person="M-1001").request_id
        told = Claim(phone=phone, proof=Proof.PALM, purpose=Purpose.PAY)
        claim = self.device.post("/claims", told, ClaimOpened).claim_id
        self.ways: dict[str, Sent] = {
            "enrolments.add_palm": lambda: self._sends(
                "POST", f"/enrolments/{enrolment}/palms", Purpose.ENROL, enrolment, f"not {who}"
            ),
            "identifications.identify": lambda: self._sends(
                "POST", "/identifications", Purpose.PAY, secrets.token_urlsafe(12)
            ),
            "claims.prove_by_palm": lambda: self._sends(
                "POST", f"/claims/{claim}/palm", Purpose.PAY, claim
            ),
            "at_kiosks.compare": lambda: self._sends(
                "POST",
                f"/palm-requests/{request}/palm",
                Purpose.IDENTIFY,
                request,
                device=counter,
            ),
            "lists.keep": lambda: self._sends("PUT", f"/entries/{entry}/palm", Purpose.KEEP, entry),
        }

    def _sends(  # noqa: PLR0917 - what is sent, and who sends it
        self,
        method: str,
        path: str,
        purpose: Purpose,
        visit: str,
        who: str | None = None,
        device: TestDevice | None = None,
    ) -> httpx.Response:
        device = device or self.device
        envelope = device.seal(plain_palms.burst(who or self.who), purpose, visit)
        return device.send(method, path, envelope, content_type=ENVELOPE_TYPE)


def test_no_palm_is_taken_for_a_merchant_of_another_region_at_any_endpoint(
    served: Served, site: Site, who: str
):
    gate = Gate(site, who)
    declared = {
        operation["operationId"]
        for methods in create_app(served.context).openapi()["paths"].values()
        for operation in methods.values()
        if ENVELOPE_TYPE in operation.get("requestBody", {}).get("content", {})
    }
    assert gate.ways.keys() == declared, "each endpoint that takes a palm is walked here"
    before = served.keys(PalmRow)
    pin(site, EU)
    for operation, sends in gate.ways.items():
        problem = refusal(sends())
        assert (problem.type, problem.status) == (ProblemType.WRONG_REGION, 403), operation
        assert EU in problem.detail
    assert served.keys(PalmRow) == before
    pin(site, None)
    for operation, sends in gate.ways.items():
        assert sends().is_success, operation


def test_what_was_kept_for_gates_is_told_to_none_of_another_region(site: Site):
    gate = gate_of(site)
    assert ask_list(gate, PrivateKey.generate()).is_success
    pin(site, EU)
    assert refusal(ask_list(gate, PrivateKey.generate())).type is ProblemType.WRONG_REGION


def test_one_place_opens_envelopes_and_one_shares_templates():
    """So none can forget what region the merchant is of."""
    service = Path(cloud.__file__).parent
    sources = {path.relative_to(service): path.read_text() for path in service.rglob("*.py")}

    def where(asks: str) -> set[str]:
        return {str(path) for path, text in sources.items() if asks in text}

    assert where("vault.examine(") == {"recognition/captures.py"}
    assert where("vault.share(") == {"entry/lists.py"}


def test_whoever_was_there_before_can_still_leave(site: Site, who: str):
    kiosk = site.served.kiosk(site.id)
    kiosk.sign_up(who)
    pin(site, EU)
    with pytest.raises(Refused) as refused:
        kiosk.identify(who)
    assert said(refused) is ProblemType.WRONG_REGION
    request = DeletionRequest(identification_id=kiosk.recognised(who, Purpose.LEAVE))
    assert kiosk.post("/deletions", request, DeletionReceipt).erased


def test_no_kiosk_is_activated_for_a_merchant_of_another_region(served: Served, site: Site):
    pin(site, EU)
    kiosk: TestDevice = served.device()
    with pytest.raises(Refused) as refused:
        kiosk.activate(served.activation_code(site.id))
    assert said(refused) is ProblemType.WRONG_REGION
    assert kiosk.send("GET", "/consents").status_code == 401


# A service of a region, and its database


@pytest.fixture
async def portal(tmp_path: Path) -> AsyncGenerator[Portal]:
    """A service of one region that knows the service of another."""
    service = Service.model_validate({"region": US, "elsewhere": {EU: "https://eu.example.com/"}})
    async with open_portal(tmp_path / "state", Settings(service=service)) as portal:
        async with portal.database.session() as session:
            await regions.settle(session, US)
        yield portal


async def add(portal: Portal, region: str | None) -> str:
    """Adds a merchant, and returns its id."""
    async with portal.database.session() as session:
        row, _ = await add_merchant(session, Merchant(name="Florist", region=region), "Shop")
        await session.commit()
    return row.id


@pytest.mark.anyio
async def test_a_service_takes_palms_for_its_own_region_and_says_who_takes_the_others(
    portal: Portal,
):
    ids = {region: await add(portal, region) for region in (US, None, EU, "asia")}
    async with portal.database.session() as session:
        for region in (US, None):
            await regions.must_be_here(portal.context, session, ids[region])
        for region, service in ((EU, "https://eu.example.com"), ("asia", None)):
            with pytest.raises(Refusal) as refused:
                await regions.must_be_here(portal.context, session, ids[region])
            problem = refused.value.problem
            assert (problem.type, problem.service) == (ProblemType.WRONG_REGION, service)


@pytest.mark.anyio
async def test_staff_read_the_region_on_the_merchants_page(portal: Portal):
    operator = await member_of(portal)

    async def told(region: str | None) -> str:
        return (await operator.open(f"/console/merchants/{await add(portal, region)}")).text

    assert "<dd>us-east</dd>" in await told(US)
    assert "<dd>Any</dd>" in await told(None)
    elsewhere = (
        "eu-west: this service stores none of them. Its kiosks belong to https://eu.example.com"
    )
    assert elsewhere in await told(EU)


@pytest.mark.anyio
async def test_nothing_opens_a_database_of_another_region(portal: Portal):
    state = portal.context.state
    assert regions.region_of(state.address) == US
    payments = {"stripe_url": "http://127.0.0.1:9"}
    for region in (EU, None):
        given = {"service": {"region": region}, "payments": payments}
        settings = Settings.model_validate(given)
        for does in (Does.ALL, Does.REQUESTS, Does.JOBS):
            with pytest.raises(BadSettings, match="the database is in the region us-east"):
                async with bootstrap.running(settings, state, sandbox=True, does=does):
                    pass
        with pytest.raises(BadSettings, match="the database is in the region us-east"):
            bootstrap.open_store(state, region=region)
        async with portal.database.session() as session:
            if region is not None:
                with pytest.raises(BadSettings, match="the database is in the region us-east"):
                    await regions.settle(session, region)
    assert regions.region_of(state.address) == US
