"""Staff sign in by the operator's own identity provider."""

import json
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import AsyncGenerator, Iterator
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path
from urllib.parse import parse_qs, urlencode, urlsplit

import httpx
import pytest
from joserfc import jwt
from joserfc.jwk import OctKey, RSAKey
from pydantic import ValidationError

from cloud.console import acts
from cloud.console.oidc import SUBJECT_LENGTH
from cloud.console.roles import Role
from cloud.policy import STAFF_AWAY_LIFE
from cloud.settings import Oidc, Settings, load
from tests.support.console import Member, commanded, link_for, member_of, trail
from tests.support.identity_provider import IdentityProvider, identity_provider
from tests.support.portal import ORIGIN, Browser, Portal, open_portal

pytestmark = [
    pytest.mark.anyio,
    # The provider's own affair.
    pytest.mark.filterwarnings("ignore::authlib.deprecate.AuthlibDeprecationWarning"),
    pytest.mark.filterwarnings("ignore:get_jwt_config:DeprecationWarning"),
]

CALLBACK = f"{ORIGIN}/console/oidc/callback"


@pytest.fixture(scope="module")
def provider() -> Iterator[IdentityProvider]:
    with identity_provider() as provider:
        yield provider


@pytest.fixture
async def portal(
    tmp_path: Path, anyio_backend: str, provider: IdentityProvider
) -> AsyncGenerator[Portal]:
    secret = tmp_path / "oidc-secret"
    secret.write_text("hush\n")
    chosen = {
        "issuer": provider.issuer,
        "client_id": "console",
        "client_secret_file": secret,
        "name": "Harbour Login",
    }
    settings = Settings.model_validate({"console": {"oidc": chosen}})
    async with open_portal(tmp_path, settings) as portal:
        # The provider has the time of day, and the database no fractions of a millisecond.
        portal.now = datetime.now(UTC).replace(microsecond=0)
        yield portal


async def leaves(browser: Browser, path: str = "/console/oidc", site: str = "same-origin") -> str:
    """Follows a link to the provider, and returns where it leads."""
    headers = {"sec-fetch-site": site}
    answer = await browser.http.get(path, headers=headers, follow_redirects=False)
    assert answer.status_code == 303, answer.text
    return answer.headers["location"]


async def comes_back(browser: Browser, place: str) -> httpx.Response:
    """Follows where the provider leads."""
    return await browser.http.get(place, headers={"sec-fetch-site": "cross-site"})


async def bound(
    portal: Portal, provider: IdentityProvider, subject: str, **claims: object
) -> Member:
    """Returns somebody who has bound their account at the provider by a link."""
    row, link = await link_for(portal, Role.OPERATOR)
    member = Member(row, portal.browser())
    back = provider.signs_in(await leaves(member.browser, f"{link}/oidc"), subject, **claims)
    page = await comes_back(member.browser, back)
    assert page.url.path == "/console"
    return member


async def signs_in(
    portal: Portal, provider: IdentityProvider, subject: str, **claims: object
) -> httpx.Response:
    """Returns the page that a new browser shows in the end."""
    browser = portal.browser()
    return await comes_back(browser, provider.signs_in(await leaves(browser), subject, **claims))


async def test_who_has_bound_an_account_by_a_link_signs_in_with_it(
    portal: Portal, provider: IdentityProvider
):
    row, link = await link_for(portal, Role.OPERATOR, name="Robin")
    browser = portal.browser()
    assert "Use your account at Harbour Login" in (await browser.open(link)).text
    place = await leaves(browser, f"{link}/oidc")
    asked = {name: each[0] for name, each in parse_qs(urlsplit(place).query).items()}
    assert asked.keys() >= {"state", "nonce", "max_age"}
    fixed = ("client_id", "redirect_uri", "response_type", "scope", "code_challenge_method")
    assert [asked[name] for name in fixed] == ["console", CALLBACK, "code", "openid", "S256"]
    provider.asked.clear()
    page = await comes_back(browser, provider.signs_in(place, "robin"))
    assert page.url == f"{ORIGIN}/console"
    assert "Robin, operator" in page.text
    (form,) = provider.asked
    challenge = urlsafe_b64encode(sha256(form["code_verifier"].encode()).digest())
    assert asked["code_challenge"] == challenge.decode().rstrip("=")
    assert asked["code_challenge"] not in form.values()

    # The link is used up, and there is another way in now.
    assert "This link is not valid" in (await browser.open(link)).text
    member = Member(row, browser)
    assert (await member.submit("/console", "/console/sign-out")).url.path == "/console/sign-in"
    assert "Sign in with Harbour Login" in (await browser.open("/console/sign-in")).text
    page = await comes_back(browser, provider.signs_in(await leaves(browser), "robin"))
    assert "Robin, operator" in page.text
    assert [each["act"] for each in await trail(member)][:3] == [
        "add the account",
        "bind an account at the identity provider",
        "sign in",
    ]


async def test_the_way_to_the_provider_and_back_is_one_browsers_and_serves_once(
    portal: Portal, provider: IdentityProvider
):
    """Nobody is signed in as somebody else by what another site has their browser open."""
    await bound(portal, provider, "eve")
    attacker, victim = portal.browser(), portal.browser()
    first = await attacker.http.get(
        "/console/oidc", headers={"sec-fetch-site": "same-origin"}, follow_redirects=False
    )
    away, visitor = first.headers.get_list("set-cookie")
    assert away.startswith("__Host-console-away=")
    assert away.endswith("HttpOnly; Max-Age=600; Path=/; SameSite=lax; Secure")
    assert visitor.startswith("__Host-console-visitor=")
    back = provider.signs_in(first.headers["location"], "eve")

    async def is_over(browser: Browser, place: str) -> None:
        page = await comes_back(browser, place)
        assert page.status_code == 403
        assert "This attempt to sign in has ended" in page.text
        assert (await browser.open("/console")).url.path == "/console/sign-in"

    await is_over(victim, back)
    await leaves(victim)
    await is_over(victim, back)
    await is_over(attacker, f"{CALLBACK}?code=x")
    await is_over(attacker, back.replace("state=", "state=%F0%9F%94%91"))
    again = provider.signs_in(await leaves(attacker), "eve")
    kept = dict(attacker.http.cookies)
    assert (await comes_back(attacker, f"{again}&next=https://evil.example")).url.path == "/console"
    attacker.http.cookies.clear()
    for name, value in kept.items():
        attacker.keep(name, value)
    await is_over(attacker, again)
    late = provider.signs_in(await leaves(victim), "eve")
    portal.pass_time(STAFF_AWAY_LIFE)
    await is_over(victim, late)


async def test_another_site_sends_nobody_to_the_provider(
    portal: Portal, provider: IdentityProvider
):
    _, link = await link_for(portal, Role.OPERATOR)
    for path in ("/console/oidc", f"{link}/oidc"):
        for site in ("cross-site", "same-site", "none"):
            answer = await portal.browser().http.get(path, headers={"sec-fetch-site": site})
            assert answer.status_code == 403
            assert "location" not in answer.headers
    browser = portal.browser()
    answer = await browser.http.get(
        f"/console/register/{'A' * 43}/oidc", headers={"sec-fetch-site": "same-origin"}
    )
    assert answer.status_code == 403


async def test_whoever_signs_in_has_a_new_session_and_the_one_before_ends(
    portal: Portal, provider: IdentityProvider
):
    await bound(portal, provider, "ann")
    planted = await member_of(portal)
    cookie = "__Host-console"
    token = planted.browser.http.cookies[cookie]
    browser = portal.browser()
    browser.keep(cookie, token)
    place = await leaves(browser)
    page = await comes_back(browser, provider.signs_in(place, "ann"))
    assert page.url.path == "/console"
    assert browser.http.cookies[cookie] != token
    assert (await planted.open("/console")).url.path == "/console/sign-in"


async def test_what_is_not_said_to_this_console_now_signs_nobody_in(
    portal: Portal, provider: IdentityProvider, caplog: pytest.LogCaptureFixture
):
    wrong: list[tuple[str, dict[str, object]]] = [
        ("aud", {"aud": "another"}),
        ("azp", {"aud": ["console", "another"]}),
        ("azp", {"azp": "another"}),
        ("iss", {"iss": "https://another.example"}),
        ("nonce", {"nonce": "another"}),
        ("exp", {"exp": 1}),
        ("iat", {"iat": 2**40}),
    ]
    for name, claims in wrong:
        caplog.clear()
        page = await signs_in(portal, provider, "ben", **claims)
        assert page.status_code == 403
        assert "Harbour Login has not signed you in for this console" in page.text
        assert f"its ID token has no good {name}" in caplog.text
    page = await signs_in(portal, provider, "x" * (SUBJECT_LENGTH + 1))
    assert "has not signed you in" in page.text


def _unsigned(token: str) -> str:
    header = urlsafe_b64encode(json.dumps({"alg": "none"}).encode()).decode().rstrip("=")
    return f"{header}.{token.split('.')[1]}."


def _signed(token: str, alg: str, key: OctKey | RSAKey, **header: object) -> str:
    payload = token.split(".")[1]
    claims = json.loads(urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
    return jwt.encode({"alg": alg, **header}, claims, key, [alg])


async def test_what_was_said_at_another_sign_in_signs_nobody_in(
    portal: Portal, provider: IdentityProvider, caplog: pytest.LogCaptureFixture
):
    """Neither an ID token of before nor a code of somebody else's way counts again."""
    await bound(portal, provider, "jo")
    given: list[str] = []

    def keep(token: str) -> str:
        given.append(token)
        return given[0]

    provider.forge = keep
    try:
        assert (await signs_in(portal, provider, "jo")).url.path == "/console"
        page = await signs_in(portal, provider, "jo")
    finally:
        provider.forge = None
    assert given[0] != given[1]
    assert page.status_code == 403
    assert "its ID token has no good nonce" in caplog.text

    thief, victim = portal.browser(), portal.browser()
    theirs = parse_qs(urlsplit(provider.signs_in(await leaves(victim), "jo")).query)
    own = parse_qs(urlsplit(await leaves(thief)).query)
    told = urlencode({"code": theirs["code"][0], "state": own["state"][0]})
    page = await comes_back(thief, f"{CALLBACK}?{told}")
    assert page.status_code == 403
    assert "has not signed you in" in page.text
    assert (await thief.open("/console")).url.path == "/console/sign-in"


async def test_what_the_provider_has_not_signed_signs_nobody_in(
    portal: Portal, provider: IdentityProvider
):
    await bound(portal, provider, "cleo")
    stolen = RSAKey.generate_key(2048)
    try:
        for forge in (
            _unsigned,
            lambda token: _signed(token, "HS256", OctKey.import_key("hush" * 16)),
            lambda token: _signed(token, "RS256", stolen),
            # With its own key in the header.
            lambda token: _signed(token, "RS256", stolen, jwk=stolen.as_dict(private=False)),
            lambda token: token[:-8] + "AAAAAAAA",
            lambda token: "no token",
        ):
            provider.forge = forge
            page = await signs_in(portal, provider, "cleo")
            assert page.status_code == 403
            assert "has not signed you in" in page.text
    finally:
        provider.forge = None
    assert (await signs_in(portal, provider, "cleo")).url.path == "/console"


async def test_every_other_way_to_fail_is_told_in_a_sentence(
    portal: Portal, provider: IdentityProvider, caplog: pytest.LogCaptureFixture
):
    member = await bound(portal, provider, "dora")
    browser = portal.browser()
    page = await comes_back(browser, provider.cancels(await leaves(browser)))
    assert "You have cancelled signing in at Harbour Login" in page.text
    page = await signs_in(portal, provider, "nobody")
    assert page.status_code == 403
    assert "the console has no account for you, or it has ended" in page.text

    # What signs in one account cannot be bound to another, whose link counts on.
    _, link = await link_for(portal, Role.OPERATOR)
    browser = portal.browser()
    back = provider.signs_in(await leaves(browser, f"{link}/oidc"), "dora")
    assert "signs in somebody else here already" in (await comes_back(browser, back)).text
    assert (await browser.open(link)).status_code == 200

    back = provider.signs_in(await leaves(browser), "dora")
    assert "has not signed you in" in (await comes_back(browser, f"{back}&iss=x")).text
    assert (await browser.open("/console")).url.path == "/console/sign-in"

    async with portal.database.session() as session:
        await acts.end_member(session, commanded(portal), await session.merge(member.member))
        await session.commit()
    page = await signs_in(portal, provider, "dora")
    assert "or it has ended" in page.text

    away = portal.context.settings.console.oidc
    assert away
    for issuer, told in (
        ("http://localhost:9", "no answer: ConnectError"),
        (f"{provider.issuer}/", "names another issuer"),
        (f"{provider.issuer}/nowhere", "it answers 404"),
    ):
        moved = away.model_copy(update={"issuer": issuer})
        console = portal.context.settings.console.model_copy(update={"oidc": moved})
        portal.context.settings = portal.context.settings.model_copy(update={"console": console})
        answer = await portal.browser().http.get(
            "/console/oidc", headers={"sec-fetch-site": "same-origin"}
        )
        assert answer.status_code == 502
        assert "Harbour Login cannot be asked now" in answer.text
        assert told in caplog.text


async def test_who_was_asked_lately_may_say_who_signs_in_and_nobody_else(
    portal: Portal, provider: IdentityProvider
):
    hour_ago = int((portal.now - timedelta(hours=1)).timestamp())
    lately = await bound(portal, provider, "finn")
    long_ago = await bound(portal, provider, "gil", auth_time=hour_ago)
    never = await bound(portal, provider, "hal", auth_time="soon")
    for member, asks in ((lately, False), (long_ago, True), (never, True)):
        page = await member.open("/console/staff/new")
        assert ("You have been signed in for a while" in page.text) is asks


async def test_a_new_link_binds_another_account_in_place_of_the_one_before(
    portal: Portal, provider: IdentityProvider
):
    member = await bound(portal, provider, "ida")
    async with portal.database.session() as session:
        row = await session.merge(member.member)
        master = portal.context.master
        token = await acts.make_link(session, master, commanded(portal), row)
        await session.commit()
    place = await leaves(member.browser, f"/console/register/{token}/oidc")
    await comes_back(member.browser, provider.signs_in(place, "ida-2"))
    assert (await signs_in(portal, provider, "ida-2")).url.path == "/console"
    assert "no account for you" in (await signs_in(portal, provider, "ida")).text


async def test_without_a_provider_there_is_no_way_to_one(tmp_path: Path):
    async with open_portal(tmp_path) as portal:
        for path in ("/console/oidc", "/console/oidc/callback"):
            assert (await portal.browser().open(path)).status_code == 404


def test_the_secret_stands_in_the_environment_or_in_a_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    path, secret = tmp_path / "settings.toml", tmp_path / "secret"
    given = '[console.oidc]\nissuer = "https://login.example.com"\nclient_id = "c"\n'
    path.write_text(given)
    with monkeypatch.context() as patched:
        patched.setenv("PALM_CLOUD_CONSOLE__OIDC__CLIENT_SECRET", "hush")
        loaded = load(path)
    assert loaded.console.oidc
    assert loaded.console.oidc.secret() == "hush"
    assert "hush" not in repr(loaded)
    path.write_text(f'{given}client_secret_file = "{secret}"\n')
    chosen = load(path).console.oidc
    assert chosen
    for word in ("hush", "another"):
        secret.write_text(f"{word}\n")
        assert chosen.secret() == word


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"issuer": "http://login.example.com"}, "it must begin with https://"),
        ({"issuer": "https://login.example.com/?a=b"}, "neither a query nor a fragment"),
        ({"client_secret": None}, "either client_secret or client_secret_file is needed"),
        ({"client_secret_file": "/secret"}, "either client_secret or client_secret_file"),
    ],
)
def test_settings_that_do_not_do_are_told(changes: dict[str, object], told: str):
    given = {"issuer": "https://login.example.com", "client_id": "c", "client_secret": "s"}
    assert Oidc.model_validate(given).called == "login.example.com"
    with pytest.raises(ValidationError, match=told):
        Oidc.model_validate(given | changes)
