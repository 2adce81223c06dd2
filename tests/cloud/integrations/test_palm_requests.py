"""What a merchant's own systems have a person asked, and what they are told of the answer."""

import json
import secrets
import textwrap
from base64 import urlsafe_b64encode
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path
from typing import Any, cast

import pytest
from cryptography.exceptions import InvalidSignature
from joserfc import jwk, jws

from cloud.context import Event
from cloud.integrations import palm_requests
from cloud.integrations.tables import PalmRequestRow
from cloud.merchants.merchants import add_site
from cloud.policy import PALM_REQUESTS_KEPT
from cloud.web.devices import DeviceRow
from protocol.asked import AskedEnd, AskedPalm, AskedPalms, PalmAnswer, RequestState
from protocol.documents import key_id
from protocol.messages import (
    Account,
    DeletionReceipt,
    DeletionRequest,
    Identification,
    Outcome,
    ProblemType,
    Purpose,
)
from tests.cloud.integrations.conftest import Shop, open_shop
from tests.support import plain_palms
from tests.support.device import TestDevice, refusal
from tests.support.integrator import integrator
from tests.support.listener import Listener
from tests.support.served import PATIENCE_S, Served

QUESTION = "Release the rental car?"
Told = dict[str, Any]

# RFC 9864 calls it Ed25519, which fewer libraries know.
pytestmark = pytest.mark.filterwarnings("ignore:EdDSA is deprecated")


def asks(shop: Shop, **more: Any) -> Told:
    wanted = {"kind": "approve", "question": QUESTION, "device_id": shop.kiosk.id}
    return shop.api.post("/palm-requests", wanted | more)


def takes(kiosk: TestDevice) -> AskedPalms:
    answer = kiosk.send("PUT", "/palm-requests/taken?wait=0")
    return AskedPalms.model_validate_json(answer.content)


def shows(shop: Shop, **more: Any) -> AskedPalm:
    """Has the shop's kiosk ask something."""
    asks(shop, **more)
    asked = takes(shop.kiosk).request
    assert asked is not None
    return asked


def answers(kiosk: TestDevice, asked: AskedPalm, identification_id: str | None) -> AskedEnd:
    body = PalmAnswer(identification_id=identification_id).model_dump_json().encode()
    answer = kiosk.send("PUT", f"/palm-requests/{asked.request_id}/answer", body)
    assert answer.status_code == 200, answer.text
    return AskedEnd.model_validate_json(answer.content)


def refused_answer(
    kiosk: TestDevice, asked: AskedPalm, identification_id: str | None = None, **more: str
) -> ProblemType:
    """Returns why an answer is refused."""
    told = PalmAnswer(identification_id=identification_id, **more)
    path = f"/palm-requests/{asked.request_id}/answer"
    return refusal(kiosk.send("PUT", path, told.model_dump_json().encode())).type


def another_site(served: Served, shop: Shop) -> str:
    """Returns the id of a new site of the shop's merchant."""

    async def add() -> str:
        async with served.context.database.session() as session:
            site = await add_site(session, shop.api.merchant, "Airport", None)
            await session.commit()
            return site.id

    return served.do(add())


def moves(served: Served, kiosk: TestDevice, site_id: str) -> None:
    """Has a kiosk come to another site of its merchant."""

    async def move() -> None:
        async with served.context.database.session() as session:
            (await session.get_one(DeviceRow, kiosk.id)).site_id = site_id
            await session.commit()

    served.do(move())


def palm_of(kiosk: TestDevice, asked: AskedPalm, who: str) -> str:
    """Has somebody looked for by the palm that they show for a request."""
    found = kiosk.identify(who, Purpose.IDENTIFY, visit_id=asked.request_id)
    return found.identification_id


def compares(kiosk: TestDevice, asked: AskedPalm, who: str) -> Identification:
    envelope = kiosk.seal(plain_palms.burst(who), Purpose.IDENTIFY, asked.request_id)
    return kiosk.post(f"/palm-requests/{asked.request_id}/palm", envelope, Identification)


def found(shop: Shop, asked: AskedPalm) -> Told:
    return shop.api.get(f"/palm-requests/{asked.request_id}")


def claims_of(shop: Shop, statement: str) -> Told:
    """Returns what a statement says, as somebody reads it who has the keys and nothing else."""
    keys = jwk.KeySet.import_key_set(shop.api.http.get("/v1/jwks").json())
    signed = jws.deserialize_compact(statement, keys, algorithms=["EdDSA"])
    return json.loads(cast(bytes, signed.payload))


@pytest.fixture
def known(shop: Shop, who: str) -> str:
    """Somebody who has linked the reference M-1001."""
    shop.kiosk.sign_up(who)
    shop.link(who, "M-1001")
    return who


def test_a_person_agrees_and_the_merchant_is_told_by_a_signed_statement(
    shop: Shop, known: str, listener: Listener
):
    shop.api.post("/webhooks", {"url": listener.url, "events": [Event.ASKED]})
    waiting = asks(shop)
    assert (waiting["state"], waiting["statement"], waiting["person"]) == ("waiting", None, None)
    asked = takes(shop.kiosk).request
    assert asked is not None
    assert (asked.question, asked.named) == (QUESTION, False)
    assert found(shop, asked)["state"] == "shown"
    assert takes(shop.kiosk).request == asked, "a kiosk that has not heard of it asks again"
    end = answers(shop.kiosk, asked, palm_of(shop.kiosk, asked, known))
    assert end == AskedEnd(state=RequestState.APPROVED)
    assert answers(shop.kiosk, asked, None) == end, "the first answer stays"
    told = found(shop, asked)
    assert (told["state"], told["reason"], told["person"]) == ("approved", None, "M-1001")
    said = claims_of(shop, told["statement"])
    assert said.pop("iat") > 0
    assert said == {
        "jti": asked.request_id,
        "aud": shop.api.merchant,
        "kind": "approve",
        "question": QUESTION,
        "answer": "approved",
        "device": shop.kiosk.id,
        "site": shop.site,
        "sub": "M-1001",
    }
    assert listener.hears(PATIENCE_S)[1]["data"] == {
        "request": asked.request_id,
        "kind": "approve",
        "state": "approved",
        "reason": None,
        "device": shop.kiosk.id,
        "site": shop.site,
        "statement": told["statement"],
        "person": {"reference": "M-1001"},
    }


def test_any_kiosk_of_a_site_asks_and_who_has_linked_nothing_is_told_as_nobody(
    served: Served, shop: Shop, who: str
):
    shop.kiosk.sign_up(who)
    other = served.kiosk(shop.site)
    asks(shop, kind="identify", device_id=None, site_id=shop.site)
    asked = takes(other).request
    assert asked is not None
    assert takes(shop.kiosk).request is None
    assert found(shop, asked)["device_id"] == other.id
    end = answers(other, asked, palm_of(other, asked, who))
    assert end.state is RequestState.IDENTIFIED
    told = found(shop, asked)
    assert (told["state"], told["person"]) == ("identified", None)
    assert "sub" not in claims_of(shop, told["statement"])


def test_the_person_who_is_expected_is_compared_and_nobody_else_counts(
    served: Served, shop: Shop, known: str
):
    stranger = f"{known} of another family"
    shop.kiosk.sign_up(stranger)
    asked = shows(shop, person="M-1001")
    assert asked.named
    assert compares(shop.kiosk, asked, stranger).outcome is Outcome.ASK_AGAIN
    accepted = compares(shop.kiosk, asked, known)
    assert accepted.outcome is Outcome.ACCEPTED
    end = answers(shop.kiosk, asked, accepted.identification_id)
    assert end.state is RequestState.APPROVED

    asked = shows(shop, person="M-1001")
    end = answers(shop.kiosk, asked, palm_of(shop.kiosk, asked, stranger))
    assert end == AskedEnd(state=RequestState.REFUSED, reason="not_recognised")
    told = found(shop, asked)
    assert (told["expected"], told["person"]) == ("M-1001", None)

    asked = shows(shop, person="M-9999")
    assert compares(shop.kiosk, asked, known).outcome is Outcome.ASK_AGAIN


def test_who_says_no_and_who_has_not_agreed_here_are_told_as_nobody(
    served: Served, shop: Shop, known: str
):
    asked = shows(shop)
    end = answers(shop.kiosk, asked, None)
    assert end == AskedEnd(state=RequestState.REFUSED, reason="declined")
    said = claims_of(shop, found(shop, asked)["statement"])
    assert (said["answer"], said["reason"]) == ("refused", "declined")
    assert "sub" not in said

    elsewhere = open_shop(served)
    asked = shows(elsewhere, kind="identify")
    seen = elsewhere.kiosk.identify(known, Purpose.IDENTIFY, visit_id=asked.request_id)
    assert seen.outcome is Outcome.ASK_CONSENT
    end = answers(elsewhere.kiosk, asked, seen.identification_id)
    assert end == AskedEnd(state=RequestState.REFUSED, reason="not_recognised")
    assert found(elsewhere, asked)["person"] is None


def test_a_palm_that_was_shown_for_something_else_answers_nothing(shop: Shop, known: str):
    asked = shows(shop)
    for other in (
        shop.kiosk.recognised(known, Purpose.IDENTIFY),
        shop.kiosk.identify(known, visit_id=asked.request_id).identification_id,
    ):
        assert refused_answer(shop.kiosk, asked, other) is ProblemType.NOT_ACCEPTED
    assert found(shop, asked)["state"] == "shown"


def test_a_kiosk_at_another_site_of_the_merchant_shows_and_answers_nothing(
    served: Served, shop: Shop, known: str
):
    elsewhere = served.kiosk(another_site(served, shop))
    asks(shop, device_id=None, site_id=shop.site)
    assert takes(elsewhere).request is None
    asked = takes(shop.kiosk).request
    assert asked is not None
    shown = palm_of(elsewhere, asked, known)
    assert refused_answer(elsewhere, asked, shown) is ProblemType.NOT_FOUND
    assert found(shop, asked)["state"] == "shown"

    # It would say that it was answered where it was asked.
    moves(served, shop.kiosk, another_site(served, shop))
    shown = palm_of(shop.kiosk, asked, known)
    assert refused_answer(shop.kiosk, asked, shown) is ProblemType.NOT_FOUND
    assert takes(shop.kiosk).request is None
    moves(served, shop.kiosk, shop.site)
    assert takes(shop.kiosk).request == asked
    assert answers(shop.kiosk, asked, shown).state is RequestState.APPROVED


def test_of_two_answers_at_once_one_is_taken_and_both_are_told_it(shop: Shop, known: str):
    asked = shows(shop)
    shown = palm_of(shop.kiosk, asked, known)
    with ThreadPoolExecutor(2) as threads:
        told = list(threads.map(lambda name: answers(shop.kiosk, asked, name), (shown, None)))
    assert told[0] == told[1]
    assert found(shop, asked)["state"] == told[0].state


def test_a_palm_answers_the_request_that_it_was_shown_for_and_no_later_one(shop: Shop, known: str):
    asked = shows(shop)
    shown = palm_of(shop.kiosk, asked, known)
    answers(shop.kiosk, asked, shown)
    later = shows(shop, question="Release the second car?")
    assert refused_answer(shop.kiosk, later, shown) is ProblemType.NOT_ACCEPTED
    assert found(shop, later)["state"] == "shown"


def test_what_is_cancelled_let_go_or_too_late_is_asked_no_longer(
    served: Served, shop: Shop, listener: Listener
):
    shop.api.post("/webhooks", {"url": listener.url, "events": [Event.ASKED]})
    asked = shows(shop)
    path = f"/palm-requests/{asked.request_id}"
    assert shop.kiosk.send("DELETE", f"{path}/taken").status_code == 204
    assert found(shop, asked)["state"] == "waiting"
    assert takes(shop.kiosk).request == asked
    assert shop.api.post(f"{path}/cancel")["state"] == "cancelled"
    assert shop.api.post(f"{path}/cancel")["state"] == "cancelled"
    assert shop.kiosk.get(f"{path}?wait=4", AskedEnd).state is RequestState.CANCELLED
    assert takes(shop.kiosk).request is None
    assert listener.hears(PATIENCE_S)[1]["data"]["state"] == "cancelled"

    asked = shows(shop, expires_in_s=10)
    served.ahead = timedelta(seconds=11)
    assert found(shop, asked)["state"] == "expired"
    assert answers(shop.kiosk, asked, None).state is RequestState.EXPIRED
    served.do(palm_requests.end_expired(served.context))
    told = listener.hears(PATIENCE_S)[1]["data"]
    assert (told["state"], told["statement"]) == ("expired", None)
    assert takes(shop.kiosk).request is None


def test_a_kiosk_asks_one_thing_at_a_time(shop: Shop):
    asks(shop)
    wanted = {"kind": "approve", "question": QUESTION, "device_id": shop.kiosk.id}
    answer = shop.api.ask("POST", "/palm-requests", wanted)
    assert (answer.status_code, answer.json()["type"]) == (409, ProblemType.CONFLICT)


def test_a_kiosk_whose_merchant_asks_nothing_asks_seldom(served: Served):
    told = takes(served.kiosk(served.merchant()))
    assert (told.request, told.again_after_s) == (None, 60)


def test_a_kiosk_whose_merchant_has_no_key_asks_what_the_operators_key_wants(served: Served):
    kiosk, operators = served.kiosk(served.merchant()), integrator(served, None)
    kiosks = operators.get("/devices")["kiosks"]
    (told,) = [each for each in kiosks if each["device_id"] == kiosk.id]
    wanted = {"kind": "approve", "question": QUESTION, "device_id": kiosk.id}
    asked = operators.post("/palm-requests", wanted, merchant=told["merchant_id"])
    shown = takes(kiosk).request
    assert shown is not None
    assert shown.request_id == asked["request_id"]
    assert answers(kiosk, shown, None).state is RequestState.REFUSED


def test_what_somebody_has_answered_goes_with_them_and_otherwise_within_a_day(
    served: Served, shop: Shop, known: str
):
    before = served.keys(PalmRequestRow)
    leaving = (
        lambda name: shop.kiosk.post(f"/identifications/{name}/withdrawal", None, DeletionReceipt),
        lambda name: shop.kiosk.post(
            "/deletions", DeletionRequest(identification_id=name), DeletionReceipt
        ),
    )
    asked = shows(shop)
    answers(shop.kiosk, asked, palm_of(shop.kiosk, asked, known))
    leaving[0](shop.kiosk.recognised(known, Purpose.LEAVE))
    assert served.keys(PalmRequestRow) == before

    other = f"{known} and another"
    shop.kiosk.sign_up(other)
    asked = shows(shop)
    answers(shop.kiosk, asked, palm_of(shop.kiosk, asked, other))
    leaving[1](shop.kiosk.recognised(other, Purpose.LEAVE))
    assert served.keys(PalmRequestRow) == before
    answer = shop.api.ask("GET", f"/palm-requests/{asked.request_id}")
    assert answer.json()["type"] == ProblemType.NOT_FOUND

    answers(shop.kiosk, shows(shop), None)
    served.ahead = PALM_REQUESTS_KEPT + timedelta(minutes=2)

    async def forget() -> None:
        async with served.context.database.session() as session:
            await palm_requests.forget_expired(session, served.context.clock())
            await session.commit()

    served.do(forget())
    assert not served.keys(PalmRequestRow) - before


def test_what_no_kiosk_could_ask_is_refused(shop: Shop):
    wanted = {"kind": "approve", "question": QUESTION, "device_id": shop.kiosk.id}
    for wrong in (
        {"question": ""},
        {"question": "x" * 121},
        {"question": "Pay\nnow?"},
        {"question": "Pay \u202enow?"},
        {"site_id": shop.site},
        {"device_id": None},
        {"expires_in_s": 3600},
        {"person": "4242 4242 4242 4242"},
        {"kind": "enrol"},
        {"kind": "enrol", "person": "M-1", "device_id": None, "site_id": shop.site},
    ):
        answer = shop.api.ask("POST", "/palm-requests", wanted | wrong)
        told = answer.status_code, answer.json()["type"]
        assert told == (422, ProblemType.MALFORMED), wrong
        assert "4242" not in answer.text


def test_kiosks_are_listed_with_their_sites(served: Served, shop: Shop):
    (kiosk,) = shop.api.get("/kiosks")["kiosks"]
    assert kiosk == {
        "device_id": shop.kiosk.id,
        "name": "Till 3",
        "site_id": shop.site,
        "site": "Other site",
    }
    answer = shop.api.ask("GET", f"/palm-requests/{secrets.token_hex(8)}?wait=20")
    assert answer.status_code == 404


def test_a_statement_is_checked_as_the_page_says(served: Served, shop: Shop):
    """The program of docs/integrations/approve.md reads a statement, and no altered one."""
    page = (Path(__file__).parents[3] / "docs" / "integrations" / "approve.md").read_text("utf-8")
    lines = page[page.index("    import base64") :].split("\n\nIt says:")[0]
    program: Told = {}
    exec(textwrap.dedent(lines), program)
    jwks = shop.api.http.get("/v1/jwks").json()
    asked, later = [shows_and_hears_no(shop) for _ in range(2)]
    statement = found(shop, asked)["statement"]
    own = jwks, shop.api.merchant, asked.request_id
    read = program["read"]
    assert read(statement, *own) == claims_of(shop, statement)
    header, claims, signature = statement.split(".")
    with pytest.raises(InvalidSignature):
        read(f"{header}.{claims[:-2]}xx.{signature}", *own)
    for other in (
        found(shop, later)["statement"],
        signed_by_the_service(served, {"alg": "EdDSA"}, claims),
    ):
        with pytest.raises(ValueError, match="not a statement about this request"):
            read(other, *own)
    with pytest.raises(ValueError, match="not a statement about this request"):
        read(statement, jwks, "another merchant", asked.request_id)


def shows_and_hears_no(shop: Shop) -> AskedPalm:
    asked = shows(shop)
    answers(shop.kiosk, asked, None)
    return asked


def signed_by_the_service(served: Served, header: Told, claims: str) -> str:
    """Returns what the service could have signed for another use."""
    key = served.context.receipt_key
    kid = key_id(key.public_key().public_bytes_raw())
    parts = urlsafe_b64encode(json.dumps(header | {"kid": kid}).encode()).decode().rstrip("=")
    said = f"{parts}.{claims}"
    return f"{said}.{urlsafe_b64encode(key.sign(said.encode())).decode().rstrip('=')}"


def test_somebody_signs_up_at_a_named_kiosk_and_is_known_by_the_merchants_reference(
    served: Served, shop: Shop, who: str
):
    kiosk = shop.kiosk
    asked = shows(shop, kind="enrol", person="M-2002")
    assert (asked.named, asked.ending) == (False, "2002")
    # The kiosk sends it again when the answer is lost.
    for _ in range(2):
        begun = kiosk.send("PUT", f"/palm-requests/{asked.request_id}/begun")
        assert AskedEnd.model_validate_json(begun.content).state is RequestState.BEGUN
    served.ahead = timedelta(minutes=20)
    assert found(shop, asked)["state"] == "begun", "there is time for a message and a card"
    served.ahead = timedelta()
    enrolment = kiosk.verified_enrolment()
    body = PalmAnswer(enrolment_id=enrolment).model_dump_json().encode()
    path = f"/palm-requests/{asked.request_id}/answer"
    early = refused_answer(kiosk, asked, enrolment_id=enrolment)
    assert early is ProblemType.NOT_ACCEPTED
    joins(kiosk, enrolment, who)
    end = AskedEnd.model_validate_json(kiosk.send("PUT", path, body).content)
    assert end.state is RequestState.ENROLLED
    told = found(shop, asked)
    assert (told["state"], told["person"]) == ("enrolled", "M-2002")
    assert claims_of(shop, told["statement"])["sub"] == "M-2002"
    assert len(shop.api.get("/people?reference=M-2002")["people"]) == 1
    asked = shows(shop, person="M-2002")
    assert compares(kiosk, asked, who).outcome is Outcome.ACCEPTED
    answers(kiosk, asked, None)

    # Who has signed up answers no other request by that.
    served.ahead = timedelta(seconds=1)
    another = shows(shop, kind="enrol", person="M-3003")
    for _ in range(2):
        refused = refused_answer(kiosk, another, enrolment_id=enrolment)
        assert refused is ProblemType.NOT_ACCEPTED
        kiosk.send("PUT", f"/palm-requests/{another.request_id}/begun")
    assert found(shop, another)["state"] == "begun"
    assert shop.api.get("/people?reference=M-3003")["people"] == []


def joins(kiosk: TestDevice, enrolment: str, who: str) -> None:
    """Completes an enrolment whose number is proven."""
    kiosk.add_card(enrolment)
    kiosk.add_palm(enrolment, plain_palms.burst(who))
    kiosk.post(f"/enrolments/{enrolment}/completion", None, Account)
