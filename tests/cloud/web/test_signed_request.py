"""Signed requests: authentication, idempotency, sizes and error answers of every route."""

import json
import re
import secrets
import time
from datetime import UTC, datetime, timedelta

import httpx
import pytest
from openapi_spec_validator import validate
from pydantic import ValidationError

from cloud.merchants.tables import ActivationCode
from cloud.policy import ACTIVATION_LIFE, CODE_ATTEMPTS, Limits
from cloud.web import limits
from cloud.web.limits import MAX_BODY
from cloud.web.problems import Refusal
from cloud.web.signed_request import NONCE_REST_S, forget_nonces
from cloud.web.tables import DeviceRow, Nonce, StoredAnswer, Tally
from protocol.encoding import to_base64
from protocol.envelope import MAX_ENVELOPE, Context, PrivateKey, seal
from protocol.messages import (
    ENVELOPE_TYPE,
    PROBLEM_TYPE,
    Activation,
    Device,
    Enrolment,
    Identification,
    ProblemType,
    Purpose,
)
from protocol.signature import Request, sign_request
from tests.support.device import Refused, TestDevice, fresh_phone, refusal
from tests.support.plain_palms import burst
from tests.support.served import Served

ROUTES = [
    ("POST", "/challenges"),
    ("POST", "/enrolments"),
    ("POST", "/enrolments/00000000/code"),
    ("POST", "/enrolments/00000000/code/resend"),
    ("POST", "/enrolments/00000000/card"),
    ("POST", "/enrolments/00000000/palms"),
    ("POST", "/enrolments/00000000/completion"),
    ("DELETE", "/enrolments/00000000"),
    ("POST", "/identifications"),
    ("POST", "/identifications/00000000/step-up"),
    ("GET", "/identifications/00000000/holdings"),
    ("POST", "/claims"),
    ("POST", "/claims/00000000/palm"),
    ("POST", "/claims/00000000/code"),
    ("POST", "/purchases"),
    ("GET", "/purchases/00000000"),
    ("POST", "/purchases/00000000/refunds"),
    ("GET", "/purchases/00000000/refunds/00000000"),
    ("POST", "/deletions"),
]


# Authentication


@pytest.mark.parametrize(("method", "path"), ROUTES)
def test_every_route_refuses_a_request_without_a_signature(served: Served, method: str, path: str):
    answer = served.device().http.request(method, f"/v1{path}", content=b"{}")
    assert refusal(answer).type is ProblemType.BAD_SIGNATURE


@pytest.mark.parametrize(("method", "path"), ROUTES)
def test_every_route_refuses_a_device_that_is_not_activated(served: Served, method: str, path: str):
    answer = served.device().send(method, path, b"{}")
    assert refusal(answer).type is ProblemType.UNKNOWN_DEVICE


def test_an_altered_request_is_refused(kiosk: TestDevice):
    path = "/v1/enrolments"
    body = b'{"phone": "+14155550000"}'
    sent = {"content-type": "application/json", "idempotency-key": "12345678"}
    signed = Request("POST", path, "", sent, body)
    headers = sent | sign_request(signed, kiosk.key, now=time.time())
    for change in (
        {"content": body.replace(b"0000", b"0001")},
        {"url": "/v1/claims"},
        {"headers": {**headers, "idempotency-key": "87654321"}},
    ):
        request = {"url": path, "content": body, "headers": headers, **change}
        answer = kiosk.http.request("POST", **request)
        assert refusal(answer).type is ProblemType.BAD_SIGNATURE


def test_a_replayed_request_is_refused(kiosk: TestDevice):
    path = "/v1/purchases/00000000"
    headers = sign_request(Request("GET", path), kiosk.key, now=time.time())
    first, second = (kiosk.http.get(path, headers=headers) for _ in range(2))
    assert refusal(first).type is ProblemType.NOT_FOUND
    assert refusal(second).type is ProblemType.REPLAYED


@pytest.mark.parametrize("ahead", [timedelta(minutes=5), timedelta(days=-365)])
def test_a_device_whose_clock_is_wrong_gets_the_time(kiosk: TestDevice, ahead: timedelta):
    kiosk.ahead = ahead
    problem = refusal(kiosk.send("GET", "/purchases/00000000"))
    assert problem.type is ProblemType.STALE
    assert problem.time
    assert abs(problem.time - datetime.now(UTC)) < timedelta(minutes=1)


def test_a_device_is_activated_once_by_a_code(served: Served):
    code = served.activation_code()
    first, second = served.device(), served.device()
    device = first.activate(code)
    assert device.device_id == first.id
    assert (device.merchant, device.country, device.currency) == ("Corner Shop", "US", "USD")
    with pytest.raises(Refused) as refused:
        second.activate(code)
    assert refused.value.problem.type is ProblemType.WRONG_ACTIVATION_CODE


def test_an_activation_repeated_with_its_key_gets_the_same_answer(served: Served):
    device = served.device()
    raw = to_base64(device.key.public_key().public_bytes_raw())
    activation = Activation(activation_code=served.activation_code(), public_key=raw, name="Till 3")
    answers = [device.post("/devices", activation, Device, key="the-same-key") for _ in range(2)]
    assert answers[0] == answers[1]


def test_a_device_cannot_be_activated_with_somebody_elses_key(served: Served):
    victim, thief = served.kiosk(), served.device()
    raw = to_base64(victim.key.public_key().public_bytes_raw())
    body = Activation(activation_code=served.activation_code(), public_key=raw, name="Till 3")
    with pytest.raises(Refused) as refused:
        thief.post("/devices", body, Device)
    assert refused.value.problem.type is ProblemType.BAD_SIGNATURE


def wrongly(code: str) -> str:
    """Returns a wrong code with the name of a right one."""
    return f"{code[:3]}{(int(code[3:]) + 1) % 10**5:05d}"


def activation_problem(device: TestDevice, code: str) -> ProblemType:
    with pytest.raises(Refused) as refused:
        device.activate(code)
    return refused.value.problem.type


def test_an_activation_code_is_used_up_by_wrong_guesses_at_it(served: Served):
    code, another = served.activation_code(), served.activation_code()
    for n in range(CODE_ATTEMPTS):
        guesser = served.device(f"127.0.1.{n}")
        assert activation_problem(guesser, wrongly(code)) is ProblemType.WRONG_ACTIVATION_CODE
    assert activation_problem(served.device(), code) is ProblemType.WRONG_ACTIVATION_CODE
    served.device().activate(another)


def test_wrong_activation_codes_are_limited_by_address_and_stop_nobody_else(served: Served):
    code = served.activation_code()
    unknown = "000" if code[:3] != "000" else "001"
    said = [
        activation_problem(served.device("127.0.2.1"), f"{unknown}12345")
        for _ in range(Limits.WRONG_ACTIVATIONS.count + 1)
    ]
    assert said[:-1] == [ProblemType.WRONG_ACTIVATION_CODE] * Limits.WRONG_ACTIVATIONS.count
    assert said[-1] is ProblemType.TOO_MANY_ATTEMPTS
    assert activation_problem(served.device("127.0.2.1"), code) is ProblemType.TOO_MANY_ATTEMPTS
    served.device("127.0.2.2").activate(code)


def test_who_comes_too_late_with_an_activation_code_is_told_so(served: Served):
    code = served.activation_code()

    async def let_it_expire() -> None:
        async with served.database.session() as session:
            row = await session.get_one(ActivationCode, code[:3])
            row.expires_at -= ACTIVATION_LIFE
            await session.commit()

    served.do(let_it_expire())
    wrong = ProblemType.WRONG_ACTIVATION_CODE
    assert activation_problem(served.device("127.0.5.1"), wrongly(code)) is wrong
    assert activation_problem(served.device("127.0.5.1"), code) is ProblemType.EXPIRED


def test_many_kiosks_behind_one_address_can_be_activated(served: Served):
    for _ in range(Limits.WRONG_ACTIVATIONS.count + 1):
        served.device("127.0.3.1").activate(served.activation_code())


def test_nothing_is_stored_for_a_stranger(served: Served):
    tables = (Nonce, StoredAnswer, Tally, DeviceRow)
    before = [served.keys(table) for table in tables]
    stranger = served.device("127.0.4.1")
    activation_problem(stranger, "00000000")
    for method, path in ROUTES:
        stranger.send(method, path, b"{}")
    for table, keys in zip(tables, before, strict=True):
        # What has expired meanwhile is gone.
        assert served.keys(table) <= keys


# The clock


def test_a_clock_that_steps_forward_and_back_makes_no_request_acceptable_again(
    served: Served, kiosk: TestDevice
):
    path = "/v1/purchases/00000000"
    headers = sign_request(Request("GET", path), kiosk.key, now=time.time())
    assert refusal(kiosk.http.get(path, headers=headers)).type is ProblemType.NOT_FOUND
    started = time.monotonic()
    served.ahead = timedelta(days=1)
    served.do(forget_nonces(served.context, started))
    served.do(forget_nonces(served.context, started + NONCE_REST_S / 2))
    served.ahead = timedelta(0)
    served.do(forget_nonces(served.context, started + NONCE_REST_S / 2))
    served.do(forget_nonces(served.context, started + NONCE_REST_S))
    assert refusal(kiosk.http.get(path, headers=headers)).type is ProblemType.REPLAYED


def test_nonces_are_forgotten_when_they_have_expired_for_a_while(served: Served, kiosk: TestDevice):
    kiosk.send("GET", "/purchases/00000000")
    assert served.count(Nonce)
    # Other tests have left nonces of days to come.
    served.ahead = timedelta(days=3650)

    async def look_at_the_clock() -> float:
        # The service looks at it, too, but not in the middle of this.
        served.context.clock_readings.clear()
        elapsed_s = time.monotonic()
        await forget_nonces(served.context, elapsed_s)
        return elapsed_s

    elapsed_s = served.do(look_at_the_clock())
    assert served.count(Nonce)
    # A second more: sums of numbers of this size are rounded.
    served.do(forget_nonces(served.context, elapsed_s + NONCE_REST_S + 1))
    assert served.count(Nonce) == 0


# Idempotency and bodies


def test_a_repeated_request_gets_its_answer_and_another_with_its_key_is_refused(kiosk: TestDevice):
    key = secrets.token_urlsafe(12)
    consent = kiosk.consent().model_dump(mode="json")
    body = {"phone": fresh_phone(), "consent": consent}
    first, second = (
        kiosk.send("POST", "/enrolments", json.dumps(body).encode(), key=key) for _ in range(2)
    )
    assert first.is_success
    assert first.content == second.content
    other = json.dumps({**body, "phone": fresh_phone()}).encode()
    for path, sent in (("/enrolments", other), ("/enrolments?o=1", json.dumps(body).encode())):
        answer = kiosk.send("POST", path, sent, key=key)
        assert refusal(answer).type is ProblemType.IDEMPOTENCY_MISMATCH


def test_idempotency_keys_of_two_devices_are_independent(served: Served, who: str):
    first, second = served.kiosk(), served.kiosk()
    codes = {first: fresh_phone(), second: fresh_phone()}
    ids = set[str]()
    for device, phone in codes.items():
        body = json.dumps(
            {
                "phone": phone,
                "consent": device.consent().model_dump(mode="json"),
            }
        ).encode()
        answer = device.send("POST", "/enrolments", body, key="the-very-same-key")
        ids.add(Enrolment.model_validate_json(answer.content).enrolment_id)
    assert len(ids) == 2


@pytest.mark.parametrize("key", ["", "short", "x" * 65])
def test_a_post_needs_a_key_of_sensible_length(kiosk: TestDevice, key: str):
    path = "/v1/enrolments"
    sent = {"content-type": "application/json"} | ({"idempotency-key": key} if key else {})
    signed = sign_request(Request("POST", path, "", sent, b"{}"), kiosk.key, now=time.time())
    answer = kiosk.http.post(path, content=b"{}", headers=sent | signed)
    assert refusal(answer).type is ProblemType.MALFORMED


@pytest.mark.parametrize(
    "body",
    [b"", b"{", b"[]", b"null", b'{"phone": 1}', b"\xff\xfe", b'{"a": ' * 500],
    ids=["nothing", "half", "list", "null", "wrong", "not text", "nested"],
)
def test_a_body_that_is_no_message_is_refused_without_being_quoted(kiosk: TestDevice, body: bytes):
    problem = refusal(kiosk.send("POST", "/enrolments", body))
    assert problem.type is ProblemType.MALFORMED
    assert problem.status == 422


@pytest.mark.parametrize("path", ["/enrolments", "/devices"])
@pytest.mark.parametrize(
    "body",
    [
        b"\x80",
        b"[" * 50_000,
        b'{"a":' * 12_000,
        b'{"a":' * 5000 + b"1" + b"}" * 5000,
        b"9" * 5000,
        b"NaN",
        b'"\\ud800"',
    ],
    ids=["byte", "brackets", "braces", "deep", "digits", "not a number", "half a character"],
)
def test_a_body_that_no_parser_likes_is_refused_and_not_an_error_of_ours(
    served: Served, kiosk: TestDevice, path: str, body: bytes
):
    problem = refusal(kiosk.send("POST", path, body))
    assert problem.type is ProblemType.MALFORMED
    stranger = refusal(served.device().send("POST", path, body))
    assert stranger.type in (ProblemType.MALFORMED, ProblemType.UNKNOWN_DEVICE)


def test_an_unknown_field_is_refused_and_its_value_not_repeated(kiosk: TestDevice):
    answer = kiosk.send("POST", "/claims", b'{"phone": "+14155550199", "password": "hunter2"}')
    assert refusal(answer).type is ProblemType.MALFORMED
    assert "hunter2" not in answer.text
    assert "4155550199" not in answer.text


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/v1/nowhere", 404),
        ("GET", "/nowhere", 404),
        ("PUT", "/v1/service", 405),
        ("GET", "/v1/enrolments", 405),
    ],
)
def test_an_unknown_route_or_method_is_a_problem_document(
    served: Served, method: str, path: str, status: int
):
    assert refusal(served.device().http.request(method, path)).status == status


@pytest.mark.parametrize(
    ("path", "methods"),
    [
        ("/v1/palm-requests/taken", {"PUT"}),
        ("/v1/palm-requests/any", {"GET"}),
        ("/v1/identifications/any/cards/pages", {"POST"}),
        ("/v1/identifications/any/cards/any", {"DELETE"}),
        ("/v1/identifications/any/membership", {"DELETE", "PUT"}),
    ],
)
def test_a_path_tells_its_methods_and_not_those_of_a_template_that_it_fits_too(
    served: Served, path: str, methods: set[str]
):
    http = served.device().http
    for method in {"OPTIONS", "DELETE", "GET", "PATCH", "POST", "PUT"} - methods:
        answer = http.request(method, path)
        assert answer.status_code == 405
        assert set(answer.headers["allow"].split(", ")) == methods


def test_a_nul_in_what_is_stored_or_looked_for_is_no_text(served: Served, kiosk: TestDevice):
    device = served.device()
    raw = to_base64(device.key.public_key().public_bytes_raw())
    code = served.activation_code()
    activation = Activation(activation_code=code, public_key=raw, name="Till\0 3")
    stored = device.send("POST", "/devices", activation.model_dump_json().encode())
    sought = kiosk.send("DELETE", "/enrolments/%00")
    for answer in (stored, sought):
        problem = refusal(answer)
        assert (problem.type, problem.status) == (ProblemType.MALFORMED, 422)
    page = kiosk.http.get("/portal/receipts/%00", headers={"sec-fetch-site": "none"})
    assert page.status_code == 400


# Envelopes


def test_an_envelope_that_is_cut_short_is_refused(kiosk: TestDevice, who: str):
    envelope = kiosk.seal(burst(who), Purpose.PAY, "visit-12345678")
    for body in (envelope[:-1], envelope[: len(envelope) // 2], b"x", b"garbage" * 100):
        with pytest.raises(Refused) as refused:
            kiosk.post("/identifications", body, Identification)
        assert refused.value.problem.type is ProblemType.ENVELOPE_UNREADABLE


@pytest.mark.parametrize("size", [MAX_ENVELOPE + 1, 5_000_000], ids=["by a byte", "giant"])
def test_an_envelope_that_is_too_large_is_refused(kiosk: TestDevice, size: int):
    answer = kiosk.send("POST", "/identifications", bytes(size), content_type=ENVELOPE_TYPE)
    assert refusal(answer).type is ProblemType.TOO_LARGE


def test_a_body_without_a_length_is_refused_while_it_is_received(kiosk: TestDevice):
    chunks = (bytes(1 << 16) for _ in range(64))
    path = "/v1/identifications"
    sent = {
        "content-type": ENVELOPE_TYPE,
        "idempotency-key": "12345678",
        "content-digest": "sha-256=:AAAA:",
    }
    signed = sign_request(Request("POST", path, "", sent), kiosk.key, now=time.time())
    answer = kiosk.http.post(path, content=chunks, headers=sent | signed)
    assert refusal(answer).type is ProblemType.TOO_LARGE


def test_a_body_is_not_read_before_its_sender_is_known(
    served: Served, monkeypatch: pytest.MonkeyPatch
):
    async def fail(*_: object) -> bytes:
        raise AssertionError("a body was read")

    monkeypatch.setattr(limits, "read_body", fail)
    device = served.device()
    answer = device.send("POST", "/identifications", bytes(100), content_type=ENVELOPE_TYPE)
    assert refusal(answer).type is ProblemType.UNKNOWN_DEVICE
    answer = device.http.post("/v1/identifications", content=bytes(100))
    assert refusal(answer).type is ProblemType.BAD_SIGNATURE


def test_a_body_that_is_no_envelope_must_be_small(kiosk: TestDevice):
    answer = kiosk.send("POST", "/enrolments", b" " * (MAX_BODY + 1))
    assert refusal(answer).type is ProblemType.TOO_LARGE


def test_a_palm_that_is_not_sealed_is_refused(kiosk: TestDevice, who: str):
    answer = kiosk.send("POST", "/identifications", bytes(burst(who).encode()))
    assert refusal(answer).status == 415
    with pytest.raises(Refused) as refused:
        kiosk.post("/identifications", bytes(burst(who).encode()), Identification)
    assert refused.value.problem.type is ProblemType.ENVELOPE_UNREADABLE


def test_an_envelope_can_be_used_once_even_in_a_new_request(kiosk: TestDevice, who: str):
    envelope = kiosk.seal(burst(who), Purpose.PAY, "visit-12345678")
    kiosk.post("/identifications", envelope, Identification)
    with pytest.raises(Refused) as refused:
        kiosk.post("/identifications", envelope, Identification)
    assert refused.value.problem.type is ProblemType.REPLAYED


def test_an_envelope_repeated_with_its_key_gets_the_same_answer(kiosk: TestDevice, who: str):
    envelope = kiosk.seal(burst(who), Purpose.PAY, "visit-12345678")
    answers = [
        kiosk.post("/identifications", envelope, Identification, key="the-same-key")
        for _ in range(2)
    ]
    assert answers[0] == answers[1]


def test_one_device_cannot_send_what_another_sealed(served: Served, who: str):
    honest, thief = served.kiosk(), served.kiosk()
    envelope = honest.seal(burst(who), Purpose.PAY, "visit-12345678")
    with pytest.raises(Refused) as refused:
        thief.post("/identifications", envelope, Identification)
    assert refused.value.problem.type is ProblemType.ENVELOPE_UNREADABLE


@pytest.mark.parametrize("minutes", [-10, 10])
def test_an_envelope_sealed_at_another_time_is_stale(kiosk: TestDevice, who: str, minutes: int):
    at = int((time.time() + minutes * 60) * 1000)
    envelope = kiosk.seal(burst(who), Purpose.PAY, "visit-12345678", sealed_at=at)
    with pytest.raises(Refused) as refused:
        kiosk.post("/identifications", envelope, Identification)
    assert refused.value.problem.type is ProblemType.STALE
    assert refused.value.problem.time


def test_an_envelope_to_another_vault_is_not_opened(kiosk: TestDevice, who: str):
    context = Context(kiosk.id, "visit-12345678", Purpose.PAY, time.time_ns() // 1_000_000)
    envelope = seal(burst(who).encode(), PrivateKey.generate().public, context)
    with pytest.raises(Refused) as refused:
        kiosk.post("/identifications", envelope, Identification)
    assert refused.value.problem.type is ProblemType.ENVELOPE_UNREADABLE


def test_sealed_garbage_is_refused(kiosk: TestDevice):
    for garbage in (b"", b"garbage", bytes(100_000)):
        context = Context(
            kiosk.id, secrets.token_urlsafe(12), Purpose.PAY, time.time_ns() // 1_000_000
        )
        envelope = seal(garbage, kiosk.info().vault_keys[0], context)
        with pytest.raises(Refused) as refused:
            kiosk.post("/identifications", envelope, Identification)
        assert refused.value.problem.type is ProblemType.PALM_UNUSABLE


# Descriptions and errors


@pytest.mark.parametrize("path", ["/v1/service", "/v1/openapi.json", "/v1/nothing", "/v1/claims"])
def test_no_answer_is_rendered_framed_or_kept_by_a_browser(served: Served, path: str):
    headers = served.device().http.get(path).headers
    policy = headers["content-security-policy"].split("; ")
    assert {"default-src 'none'", "frame-ancestors 'none'"} <= set(policy)
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["cache-control"] == "no-store"
    assert "access-control-allow-origin" not in headers
    assert "strict-transport-security" not in headers


def test_the_service_describes_itself_to_anybody(served: Served):
    info = served.device().info()
    assert info.sandbox
    assert info.vault_keys
    assert abs(info.time - datetime.now(UTC)) < timedelta(minutes=1)


def test_the_openapi_document_lists_every_route(served: Served):
    spec = served.device().http.get("/v1/openapi.json").json()
    validate(spec)
    described = {
        (method.upper(), path)
        for path, operations in spec["paths"].items()
        for method in operations
    }
    named = {(method, re.sub(r"\{.*?\}", "00000000", path)) for method, path in described}
    assert named >= {(method, f"/v1{path}") for method, path in ROUTES}
    palms = spec["paths"]["/v1/identifications"]["post"]
    assert ENVELOPE_TYPE in palms["requestBody"]["content"]
    assert PROBLEM_TYPE in palms["responses"]["default"]["content"]


def test_every_link_leads_to_what_its_operation_takes(served: Served):
    """Otherwise whoever follows links, as Schemathesis does, follows none."""
    spec = served.device().http.get("/v1/openapi.json").json()
    operations = [each for path in spec["paths"].values() for each in path.values()]
    takes: dict[str, tuple[set[str], set[str]]] = {}
    for each in operations:
        body = each.get("requestBody", {}).get("content", {}).get("application/json", {})
        _, _, name = body.get("schema", {}).get("$ref", "").rpartition("/")
        schema = spec["components"]["schemas"].get(name, {})
        names = {parameter["name"] for parameter in each.get("parameters", ())}
        takes[each["operationId"]] = names, set(schema.get("properties", ()))
    links = [
        link
        for each in operations
        for answer in each["responses"].values()
        for link in answer.get("links", {}).values()
    ]
    assert len(links) > 30
    for link in links:
        names, fields = takes[link["operationId"]]
        assert link.get("parameters", {}).keys() <= names, link
        assert link.get("requestBody", {}).keys() <= fields, link


def test_every_kind_of_problem_has_a_status_and_a_title(served: Served):
    for kind in ProblemType:
        problem = Refusal(kind).problem
        assert 400 <= problem.status < 600
        assert problem.title


def test_a_certificate_of_another_authority_is_not_trusted(served: Served):
    with pytest.raises(httpx.ConnectError), httpx.Client(trust_env=False) as stranger:
        stranger.get(f"{served.url}/v1/service")


def test_a_message_that_is_refused_does_not_quote_what_was_in_it():
    with pytest.raises(ValidationError) as caught:
        Activation.model_validate({"activation_code": "hunter2", "public_key": "", "name": ""})
    assert "hunter2" not in str(caught.value)
