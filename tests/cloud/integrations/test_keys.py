"""What a key proves, what it may do, and how often."""

from base64 import b64decode
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import httpx
import pytest
from authlib.integrations.requests_client import OAuth2Session

from cloud.app import create_app
from cloud.integrations.asking import SANDBOX_KEY, Scope, make_sandbox_key
from cloud.merchants.tables import FIRST
from cloud.policy import TOKEN_LIFE, Limits
from cloud.web.merchant_keys import KeyUse, remove_key
from cloud.web.tables import StoredAnswer
from protocol.messages import PROBLEM_TYPE, ProblemType
from tests.cloud.integrations.conftest import Shop
from tests.support.integrator import Integrator, integrator
from tests.support.served import Served

TOKEN = "/v1/oauth/token"
GRANT = {"grant_type": "client_credentials"}


def problem(answer: httpx.Response) -> ProblemType:
    assert answer.headers["content-type"] == PROBLEM_TYPE, answer.text
    return ProblemType(answer.json()["type"])


def remove(served: Served, api: Integrator) -> None:
    async def write() -> None:
        async with served.context.database.session() as session:
            assert await remove_key(session, api.key.partition(".")[0])
            await session.commit()

    served.do(write())


def token_of(api: Integrator, **form: str) -> dict[str, Any]:
    client, secret = api.key.split(".")
    answer = api.http.post(TOKEN, data=GRANT | form, auth=(client, secret))
    assert answer.status_code == 200, answer.text
    assert answer.headers["cache-control"] == "no-store"
    return answer.json()


def with_token(token: str) -> dict[str, str]:
    return {"authorization": f"Bearer {token}"}


BAD_KEYS: dict[str, Callable[[Served, Integrator], None]] = {
    "nobody's": lambda _, api: setattr(api, "key", "api_000000000000.x"),
    "none": lambda _, api: setattr(api, "key", ""),
    "altered": lambda _, api: setattr(api, "key", api.key[:-1]),
    "a till's": lambda served, api: setattr(api, "key", integrator(served, use=KeyUse.TILL).key),
    "expired": lambda served, api: setattr(api, "key", integrator(served, life=timedelta()).key),
    "removed": remove,
}


@pytest.mark.parametrize("spoil", BAD_KEYS.values(), ids=BAD_KEYS)
def test_without_a_key_that_is_good_nothing_is_told(
    spoil: Callable[[Served, Integrator], None], served: Served
):
    api = integrator(served)
    spoil(served, api)
    answer = api.ask("GET", "/purchases")
    assert (answer.status_code, problem(answer)) == (401, ProblemType.UNKNOWN_KEY)
    assert answer.headers["www-authenticate"].startswith("Bearer")


def test_a_key_is_for_its_scopes_alone(served: Served):
    api = integrator(served, FIRST, Scope.PEOPLE_READ)
    assert api.get("/people?reference=M-1") == {"people": []}
    answer = api.ask("GET", "/purchases")
    assert (answer.status_code, problem(answer)) == (403, ProblemType.INSUFFICIENT_SCOPE)
    assert 'scope="purchases:read"' in answer.headers["www-authenticate"]


def test_a_client_of_others_gets_a_token_and_calls_with_it(served: Served):
    api = integrator(served)
    client_id, secret = api.key.split(".")
    client: Any = OAuth2Session(client_id, secret)
    with client:
        client.verify, client.trust_env = str(served.state.ca), False
        token = client.fetch_token(f"{served.url}{TOKEN}", grant_type="client_credentials")
        assert token["expires_in"] == 900
        answer = client.get(f"{served.url}/v1/merchants/{FIRST}/purchases")
    assert answer.status_code == 200


def test_a_token_is_for_less_than_its_key_when_that_is_asked_for(served: Served):
    api = integrator(served)
    told = token_of(api, scope="people:read")
    assert told["scope"] == "people:read"
    token = with_token(told["access_token"])
    assert api.ask("GET", "/people?reference=M-1", headers=token).status_code == 200
    assert api.ask("GET", "/purchases", headers=token).status_code == 403


def test_a_token_is_for_no_more_than_its_key(served: Served):
    api = integrator(served, FIRST, Scope.PEOPLE_READ)
    client, secret = api.key.split(".")
    form = GRANT | {"scope": "people:read purchases:read"}
    answer = api.http.post(TOKEN, data=form, auth=(client, secret))
    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_scope")
    token = with_token(token_of(api)["access_token"])
    assert api.ask("GET", "/people?reference=M-1", headers=token).status_code == 200
    assert problem(api.ask("GET", "/purchases", headers=token)) is ProblemType.INSUFFICIENT_SCOPE


def test_a_token_ends_after_a_quarter_of_an_hour_and_with_its_key(served: Served):
    served.stop_clock()
    api = integrator(served)
    token = with_token(token_of(api)["access_token"])
    served.ahead = TOKEN_LIFE - timedelta(seconds=1)
    assert api.ask("GET", "/webhooks", headers=token).status_code == 200
    served.ahead = TOKEN_LIFE
    assert problem(api.ask("GET", "/webhooks", headers=token)) is ProblemType.UNKNOWN_KEY
    served.ahead = timedelta()
    remove(served, api)
    assert problem(api.ask("GET", "/webhooks", headers=token)) is ProblemType.UNKNOWN_KEY


def test_a_token_that_was_altered_is_nobodys(served: Served):
    api = integrator(served, FIRST, Scope.PEOPLE_READ)
    said, _, proof = token_of(api)["access_token"].partition(".")
    for token in (f"{said}A.{proof}", f"{said}.{proof[:-1]}", said):
        answer = api.ask("GET", "/people?reference=M-1", headers=with_token(token))
        assert problem(answer) is ProblemType.UNKNOWN_KEY


@pytest.mark.parametrize(
    ("form", "error", "status"),
    [
        ({}, "invalid_request", 400),
        ({"grant_type": "password"}, "unsupported_grant_type", 400),
        (GRANT | {"scope": "everything"}, "invalid_scope", 400),
        (GRANT | {"client_secret": "wrong"}, "invalid_request", 400),
        (GRANT | {"scope": ["people:read", "people:read"]}, "invalid_request", 400),
    ],
)
def test_a_token_that_is_not_issued_is_refused_as_rfc_6749_says(
    served: Served, form: dict[str, Any], error: str, status: int
):
    api = integrator(served)
    client, secret = api.key.split(".")
    answer = api.http.post(TOKEN, data=form, auth=(client, secret))
    assert (answer.status_code, answer.json()["error"]) == (status, error)


def test_a_client_proves_itself_in_the_form_or_not_at_all(served: Served):
    api = integrator(served)
    client, secret = api.key.split(".")
    form = GRANT | {"client_id": client, "client_secret": secret}
    assert api.http.post(TOKEN, data=form).status_code == 200
    for wrong in ({"client_secret": "x"}, {"client_id": "x"}, {"client_id": "till_1"}):
        answer = api.http.post(TOKEN, data=form | wrong)
        assert (answer.status_code, answer.json()["error"]) == (401, "invalid_client")
        assert answer.headers["www-authenticate"].startswith("Basic")
    assert api.http.post(TOKEN, json=form).json()["error"] == "invalid_request"


def elsewhere(served: Served, sandbox: bool, key: str, *, spent: int = 0) -> httpx.Response:
    """Asks another process of the service, which has counted so many requests of the key."""

    async def ask() -> httpx.Response:
        app = create_app(replace(served.context, sandbox=sandbox))
        for _ in range(spent):
            now = served.context.clock()
            app.state.integrators.spend(Limits.API_REQUESTS, key.partition(".")[0], now)
        transport = httpx.ASGITransport(app)
        async with httpx.AsyncClient(transport=transport, base_url="https://service") as client:
            headers = {"x-api-key": key}
            return await client.get(f"/v1/merchants/{FIRST}/webhooks", headers=headers)

    return served.do(ask())


def test_every_answer_tells_how_many_requests_are_left_and_the_last_is_refused(served: Served):
    key = integrator(served).key
    limit = Limits.API_REQUESTS
    answer = elsewhere(served, True, key, spent=limit.count - 1)
    assert answer.status_code == 200
    assert answer.headers["ratelimit-policy"] == '"key";q=600;w=60'
    assert answer.headers["ratelimit"].startswith('"key";r=0;t=')
    answer = elsewhere(served, True, key, spent=limit.count)
    assert (answer.status_code, problem(answer)) == (429, ProblemType.TOO_MANY_ATTEMPTS)
    assert 0 < int(answer.headers["retry-after"]) <= 61
    assert answer.headers["ratelimit"].startswith('"key";r=0;t=')


def test_a_key_of_a_sandbox_is_good_in_a_sandbox_alone(served: Served):
    async def make() -> str:
        async with served.context.database.session() as session:
            key = await make_sandbox_key(served.context, session)
            await session.commit()
            return key

    before, key = served.do(make()), served.do(make())
    assert key.startswith(f"{SANDBOX_KEY}.")
    assert elsewhere(served, True, key).status_code == 200
    assert elsewhere(served, True, before).status_code == 401
    assert elsewhere(served, False, key).status_code == 401


def test_a_request_that_is_repeated_gets_the_first_answer(shop: Shop):
    body = {"url": "https://example.com/hook", "events": ["purchase.paid"]}
    first = shop.api.post("/webhooks", body, once="my-request")
    assert shop.api.post("/webhooks", body, once="my-request") == first
    assert len(shop.api.get("/webhooks")["receivers"]) == 1
    other = shop.api.ask("POST", "/webhooks", body | {"url": "https://x.com"}, once="my-request")
    assert problem(other) is ProblemType.IDEMPOTENCY_MISMATCH


def test_what_is_shown_once_is_nowhere_in_plain(served: Served, shop: Shop):
    body = {"url": "https://example.com/hook", "events": ["purchase.paid"]}
    secret = shop.api.post("/webhooks", body)["secret"].removeprefix("whsec_")
    files = [path for path in served.state.database.parent.rglob("*") if path.is_file()]
    key = shop.api.key.partition(".")[2]
    for hidden in (secret.encode(), b64decode(secret), key.encode()):
        assert not any(hidden in path.read_bytes() for path in files)


def test_a_post_says_which_request_it_is(shop: Shop):
    path = f"/v1/merchants/{shop.api.merchant}/webhooks"
    body = {"url": "https://example.com/hook", "events": ["purchase.paid"]}
    answer = shop.api.http.post(path, json=body, headers={"x-api-key": shop.api.key})
    assert problem(answer) is ProblemType.MALFORMED


def test_a_method_that_is_none_of_a_path_is_answered_with_all_that_are(shop: Shop):
    answer = shop.api.ask("PATCH", "/webhooks/any")
    assert answer.status_code == 405
    assert set(answer.headers["allow"].split(", ")) == {"DELETE", "GET", "PUT"}


def test_what_is_only_told_is_told_as_it_is_whatever_key_it_is_asked_with(
    served: Served, shop: Shop
):
    sent = {"x-api-key": shop.api.key, "idempotency-key": "asked-once"}
    before = served.count(StoredAnswer)
    sites = [shop.api.ask("GET", "/sites", headers=sent).json()["sites"]]
    assert served.count(StoredAnswer) == before
    added = shop.api.post("/sites", {"name": "Harbour"})
    sites.append(shop.api.ask("GET", "/sites", headers=sent).json()["sites"])
    assert [added in each for each in sites] == [False, True]
