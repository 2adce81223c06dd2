"""The service client, connected to a canned service."""

import asyncio
import json
import ssl
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from kiosk.clock import SystemClock
from kiosk.faults import CannotStart
from kiosk.service.client import SignatureService
from kiosk.service.errors import Offline, Refused, ServiceUnavailable
from kiosk.service.identity import Identity
from kiosk.service.transport import begin_trace
from kiosk.settings import ServicePatience
from protocol.documents import digest_of
from protocol.encoding import from_base64
from protocol.messages import (
    Consent,
    Money,
    ProblemType,
    Purpose,
    RefundRequest,
    RefundTotal,
)
from protocol.signature import Request, verify_request
from tests.support.canned import (
    CONSENT,
    DEVICE,
    Asked,
    CannedService,
    HangUp,
    Reply,
    problem,
    refunded,
    service_info,
)
from tests.support.clocks import HurriedClock
from tests.support.scripted import palm
from tests.support.sealed import sealed

pytestmark = pytest.mark.anyio


def verify(asked: Asked, key: Ed25519PublicKey, *, at: datetime | None = None) -> None:
    path, _, query = f"/v1{asked.path}".partition("?")
    request = Request(asked.method, path, query, asked.headers, asked.body)
    verify_request(request, key, now=(at or datetime.now(UTC)).timestamp())


async def test_every_request_is_signed_with_the_devices_key(
    service: SignatureService, canned: CannedService
) -> None:
    await service.info()
    await service.enrol(
        "+12025550123", Consent(texts=[digest_of(CONSENT)], agreed_at=service.now())
    )
    await service.holdings("identification-1")
    for asked in canned.asked:
        verify(asked, service.identity.key.public_key())


async def test_what_a_newer_service_tells_beyond_that_is_left(
    service: SignatureService, canned: CannedService
) -> None:
    told = json.loads(service_info().model_dump_json()) | {"of_later": {"more": 1}}
    told["vault_keys"][0]["of_later"] = "more"
    canned.always("GET /service", Reply(200, json.dumps(told).encode()))
    assert (await service.info()).sandbox


async def test_the_limits_are_asked_for_in_the_kiosks_own_currency(
    service: SignatureService, canned: CannedService
) -> None:
    service.identity.device = None
    await service.info()
    service.identity.device = DEVICE.model_copy(update={"currency": "EUR"})
    await service.info()
    asked = [each.path for each in canned.requests("GET /service")]
    assert asked == ["/service", "/service?currency=EUR"]


async def test_every_post_has_a_key_of_its_own(
    service: SignatureService, canned: CannedService
) -> None:
    for _ in range(3):
        await service.resend_code("enrolment-1")
    posts = canned.requests("POST /enrolments/enrolment-1/code/resend")
    assert len({asked.headers["idempotency-key"] for asked in posts}) == 3


async def test_what_a_visit_asks_is_of_one_trace_and_nothing_else_is_of_any(
    service: SignatureService, canned: CannedService
) -> None:
    async def visit() -> None:
        begin_trace()
        await service.resend_code("enrolment-1")
        await service.resend_code("enrolment-1")

    await service.info()
    assert "traceparent" not in canned.asked[-1].headers
    for _ in range(2):
        await asyncio.create_task(visit())
    posts = canned.requests("POST /enrolments/enrolment-1/code/resend")
    told = [asked.headers["traceparent"].split("-") for asked in posts]
    assert [len(part) for part in told[0]] == [2, 32, 16, 2]
    assert [trace for _, trace, _, _ in told] == [told[0][1]] * 2 + [told[2][1]] * 2
    assert len({trace for _, trace, _, _ in told}) == 2
    assert len({parent for _, _, parent, _ in told}) == 4


async def test_activation_tells_the_public_key_and_keeps_what_the_device_becomes(
    service: SignatureService, canned: CannedService, tmp_path: Path
) -> None:
    service.identity.become(None)
    await service.activate("12345678", "Till 3")
    (asked,) = canned.requests("POST /devices")
    assert from_base64(asked.json["public_key"]) == service.identity.public_key
    again = Identity.load_or_make(sealed(tmp_path / "identity.json"))
    assert (again.device, again.device_id) == (DEVICE, service.identity.device_id)


async def test_a_lost_answer_is_asked_for_again_with_the_same_key_and_a_new_nonce(
    service: SignatureService, canned: CannedService
) -> None:
    canned.will("POST /enrolments/enrolment-1/code", HangUp(), Reply(503, b""))
    await service.enter_code("enrolment-1", "123456")
    asked = canned.requests("POST /enrolments/enrolment-1/code")
    assert len(asked) == 3
    assert len({each.headers["idempotency-key"] for each in asked}) == 1
    assert len({each.headers["signature-input"] for each in asked}) == 3


async def test_a_refusal_is_final(service: SignatureService, canned: CannedService) -> None:
    wrong = problem(ProblemType.WRONG_CODE, 422, attempts_left=2)
    canned.will("POST /enrolments/enrolment-1/code", wrong)
    with pytest.raises(Refused) as refused:
        await service.enter_code("enrolment-1", "123456")
    assert refused.value.type is ProblemType.WRONG_CODE
    assert refused.value.problem.attempts_left == 2
    assert len(canned.asked) == 1


@pytest.mark.parametrize(
    ("refusal", "status", "says_nothing"),
    [
        (ProblemType.UNKNOWN_DEVICE, 401, True),
        (ProblemType.REPLAYED, 409, True),
        (ProblemType.TOO_MANY_ATTEMPTS, 429, True),
        (ProblemType.CONFLICT, 409, False),
    ],
)
async def test_who_is_turned_away_after_a_lost_answer_is_told_nothing_of_the_first_attempt(
    service: SignatureService,
    canned: CannedService,
    refusal: ProblemType,
    status: int,
    says_nothing: bool,
) -> None:
    path = "POST /enrolments/enrolment-1/code"
    refuses = problem(refusal, status)
    canned.will(path, refuses, HangUp(), refuses)
    with pytest.raises(Refused) as first:
        await service.enter_code("enrolment-1", "123456")
    assert not first.value.may_have_arrived
    with pytest.raises(Refused) as second:
        await service.enter_code("enrolment-1", "123456")
    assert second.value.may_have_arrived is says_nothing


async def test_a_refund_whose_answer_was_lost_is_asked_for_again_with_its_key(
    service: SignatureService, canned: CannedService
) -> None:
    request = RefundRequest(reference="back-1234", amount=Money(minor=500, currency="USD"))
    path = "/purchases/sale-1234/refunds"
    canned.will(f"POST {path}", HangUp(), refunded)
    given = await service.refund("sale-1234", request, "key-12345678")
    first, second = canned.requests(f"POST {path}")
    assert first.json == second.json == request.model_dump()
    assert first.headers["idempotency-key"] == second.headers["idempotency-key"] == "key-12345678"
    assert (given.reference, given.amount) == (request.reference, request.amount)


async def test_what_was_given_back_of_a_purchase_is_told_by_one_sum(
    service: SignatureService, canned: CannedService
) -> None:
    total = RefundTotal(
        purchase_reference="sale-1234",
        amount=Money(minor=1250, currency="USD"),
        refunded_minor=500,
    )
    canned.will("GET /purchases/sale-1234/refunds", total)
    assert await service.refunded("sale-1234") == total


async def test_a_service_that_cannot_is_given_up_at_the_deadline(
    service: SignatureService, canned: CannedService
) -> None:
    canned.will("GET /service", *[problem(ProblemType.VAULT_UNAVAILABLE, 503)] * 999)
    with pytest.raises(ServiceUnavailable) as unavailable:
        await service.info()
    assert unavailable.value.problem
    assert unavailable.value.problem.type is ProblemType.VAULT_UNAVAILABLE


@pytest.mark.parametrize(
    "answer",
    [Reply(200, b"{}"), Reply(200, b"<html>"), Reply(200, b""), Reply(500, b"{"), Reply(404, b"")],
    ids=["another message", "a page", "nothing", "a crash", "not even a problem"],
)
async def test_an_answer_that_makes_no_sense_is_no_answer(
    service: SignatureService, canned: CannedService, answer: Reply
) -> None:
    canned.will("GET /service", answer)
    with pytest.raises(ServiceUnavailable) as unavailable:
        await service.info()
    assert "html" not in str(unavailable.value)


async def test_a_busy_service_is_asked_again_after_the_pause_that_it_asks_for(
    service: SignatureService, canned: CannedService, tmp_path: Path
) -> None:
    busy = problem(ProblemType.BUSY, 503)
    canned.will("GET /service", Reply(503, busy.body, (("retry-after", "2"),)))
    clock = HurriedClock()
    client = SignatureService(service.identity, clock, ServicePatience())
    await client.connect(canned.url, None)
    began = clock.now()
    await client.info()
    assert clock.now() - began >= 2
    await client.close()


@pytest.mark.parametrize("told", ["99", "Mon, 01 Mar 2027 12:00:00 GMT", "", "-1"])
async def test_a_pause_that_is_too_long_or_makes_no_sense_does_no_harm(
    service: SignatureService, canned: CannedService, told: str
) -> None:
    busy = problem(ProblemType.BUSY, 503)
    canned.will("GET /service", *[Reply(503, busy.body, (("retry-after", told),))] * 999)
    with pytest.raises(ServiceUnavailable):
        await service.info()


async def test_what_a_service_has_answered_counts_when_the_deadline_cuts_the_next_attempt_short(
    service: SignatureService, canned: CannedService
) -> None:
    busy = problem(ProblemType.BUSY, 503)
    never = asyncio.get_running_loop().create_future()
    canned.will("GET /service", Reply(503, busy.body, (("retry-after", "9"),)), lambda _: never)
    with pytest.raises(ServiceUnavailable):
        await service.info()
    never.cancel()


async def test_nobody_answering_is_being_offline(service: SignatureService) -> None:
    await service.connect("http://127.0.0.1:9", None)
    with pytest.raises(Offline) as offline:
        await service.info()
    assert not offline.value.may_have_arrived


async def test_a_connection_cut_after_asking_may_have_arrived(
    service: SignatureService, canned: CannedService
) -> None:
    canned.will("GET /service", *[HangUp()] * 999)
    with pytest.raises(Offline) as offline:
        await service.info()
    assert offline.value.may_have_arrived


async def test_before_it_is_connected_the_service_is_offline(tmp_path: Path) -> None:
    identity = Identity.load_or_make(sealed(tmp_path / "identity.json"))
    patience = ServicePatience(deadline_s=0.01)
    with pytest.raises(Offline):
        await SignatureService(identity, SystemClock(), patience).info()


async def test_a_wrong_clock_is_put_right_by_what_the_service_says(
    service: SignatureService, canned: CannedService
) -> None:
    elsewhen = datetime.now(UTC) + timedelta(hours=3)
    stale = problem(ProblemType.STALE, 401, time=elsewhen.isoformat())
    canned.will("POST /enrolments/enrolment-1/code", stale)
    await service.enter_code("enrolment-1", "123456")
    _, again = canned.asked
    verify(again, service.identity.key.public_key(), at=elsewhen)


async def test_a_wrong_clock_is_put_right_by_the_answers_date(
    service: SignatureService, canned: CannedService
) -> None:
    stale = problem(ProblemType.STALE, 401)
    dated = Reply(401, stale.body, (("date", "Mon, 01 Mar 2027 12:00:00 GMT"),))
    canned.will("POST /enrolments/enrolment-1/code", dated)
    await service.enter_code("enrolment-1", "123456")
    noon = datetime(2027, 3, 1, 12, tzinfo=UTC)
    verify(canned.asked[1], service.identity.key.public_key(), at=noon)


async def test_a_clock_that_stays_wrong_is_refused(
    service: SignatureService, canned: CannedService
) -> None:
    canned.will("POST /enrolments/enrolment-1/code", *[problem(ProblemType.STALE, 401)] * 2)
    with pytest.raises(Refused):
        await service.enter_code("enrolment-1", "123456")


@pytest.mark.parametrize("answer", [problem(ProblemType.PALM_UNUSABLE, 422), HangUp()])
async def test_a_burst_is_wiped_whatever_became_of_it(
    service: SignatureService, canned: CannedService, answer: Reply | HangUp
) -> None:
    canned.will("POST /identifications", *[answer] * 999)
    burst = palm()
    with pytest.raises((Refused, Offline)):
        await service.identify(burst, Purpose.PAY, "visit-1234")
    assert not any(burst.frames[0].jpeg)


async def test_a_burst_is_wiped_when_there_is_no_key_to_seal_it_to(
    service: SignatureService,
) -> None:
    await service.connect("http://127.0.0.1:9", None)
    burst = palm()
    with pytest.raises(Offline):
        await service.identify(burst, Purpose.PAY, "visit-1234")
    assert not any(burst.frames[0].jpeg)


async def test_an_authority_that_cannot_be_read_is_an_error_of_the_settings(
    service: SignatureService, tmp_path: Path
) -> None:
    (tmp_path / "ca.pem").write_text("no certificate")
    with pytest.raises((OSError, ssl.SSLError)):
        await service.connect("https://127.0.0.1:9", tmp_path / "ca.pem")


def test_a_damaged_identity_is_told_without_quoting_the_key(tmp_path: Path) -> None:
    path = tmp_path / "identity.json"
    path.write_text('{"key": "c2VjcmV0"}')
    with pytest.raises(CannotStart) as wrong:
        Identity.load_or_make(sealed(path))
    assert "c2VjcmV0" not in str(wrong.value)


def test_an_identity_stays_the_same_and_only_its_owner_reads_it(tmp_path: Path) -> None:
    path = tmp_path / "identity.json"
    first = Identity.load_or_make(sealed(path))
    assert Identity.load_or_make(sealed(path)).device_id == first.device_id
    assert path.stat().st_mode & 0o077 == 0
