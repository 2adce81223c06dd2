"""What attackers try in a browser: other sites, planted words, other people's things."""

import re
from collections.abc import Mapping

import pytest
from fastapi.routing import APIRoute

from cloud.portal.routes import ROUTERS
from protocol import VERSION
from protocol.messages import Side
from tests.support.portal import HOST, ORIGIN, Portal, forms

pytestmark = pytest.mark.anyio

PHONE, OTHER = "+14155550123", "+14155550124"
SCRIPT = '"><script>alert(1)</script>'


def test_every_page_and_file_of_the_portal_is_below_one_path():
    routes = [route for router in ROUTERS for route in router.routes]
    paths = {route.path for route in routes if isinstance(route, APIRoute)}
    assert len(paths) > 5
    assert all(path in ("/", "/portal") or path.startswith("/portal/") for path in paths)


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/portal/sign-in", 200),
        ("/portal", 200),
        ("/portal/nothing", 404),
        ("/portal/palms/0123", 404),
        ("/portal/static/pages.css", 200),
        ("/portal/static/hand.svg", 200),
    ],
)
async def test_no_answer_can_be_framed_or_run_anything_but_the_portals_own_script(
    portal: Portal, path: str, status: int
):
    await portal.account(PHONE)
    browser = portal.browser()
    if path != "/portal/sign-in":
        await browser.sign_in(PHONE)
    answer = await browser.open(path)
    assert answer.status_code == status
    policy = answer.headers["content-security-policy"].split("; ")
    assert "default-src 'none'" in policy
    assert "frame-ancestors 'none'" in policy
    assert "base-uri 'none'" in policy
    assert "form-action 'self'" in policy
    assert "script-src 'self'" in policy
    assert "connect-src 'self'" in policy
    assert not any("unsafe" in part or ":" in part for part in policy)
    assert answer.headers["x-frame-options"] == "DENY"
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["referrer-policy"] == "no-referrer"
    is_static = path.startswith("/portal/static/")
    assert ("no-store" in answer.headers["cache-control"]) is not is_static


async def test_pages_have_neither_scripts_nor_styles_in_them_and_name_no_other_site(portal: Portal):
    await portal.account(PHONE)
    browser = portal.browser()
    for page in (
        await browser.open("/portal/sign-in"),
        await browser.ask_for_code(PHONE),
        await browser.sign_in(PHONE),
        await browser.open("/portal/nothing"),
    ):
        scripts = re.findall(r"<script(.*?)>(.*?)</script", page.text)
        assert scripts in ([], [(f' src="/portal/static/passkeys.js?{VERSION}" defer', "")])
        assert not re.search(r"<(style|iframe|object)|\bstyle=|\bon\w+=|//", page.text)


FOREIGN: Mapping[str, Mapping[str, str]] = {
    "a page of another site": {"sec-fetch-site": "cross-site", "origin": "https://evil.example"},
    "a page of a sibling": {"sec-fetch-site": "same-site", "origin": "https://x.portal.example"},
    "a frame without an origin": {"sec-fetch-site": "cross-site", "origin": "null"},
    "a link": {"sec-fetch-site": "none"},
    "an old browser on another site": {"origin": "https://evil.example"},
    "an old browser on another port": {"origin": f"{ORIGIN}:8443"},
    "an old browser without TLS": {"origin": f"http://{HOST}"},
}


@pytest.mark.parametrize("headers", FOREIGN.values(), ids=FOREIGN)
async def test_what_another_site_sends_changes_nothing_even_with_the_forms_token(
    portal: Portal, headers: Mapping[str, str]
):
    await portal.account(PHONE)
    browser = portal.browser()
    form = forms(await browser.sign_in(PHONE))["/portal/sign-out"].fields
    answer = await browser.http.post("/portal/sign-out", data=form, headers=headers)
    assert answer.status_code == 403
    assert (await browser.open("/portal")).url.path == "/portal"


async def test_an_old_browser_on_the_portals_own_page_is_served(portal: Portal):
    await portal.account(PHONE)
    browser = portal.browser()
    form = forms(await browser.sign_in(PHONE))["/portal/sign-out"].fields
    for headers in ({"origin": ORIGIN}, {}):
        answer = await browser.http.post("/portal/sign-out", data=form, headers=headers)
        assert answer.url.path == "/portal/sign-in"
        form = forms(await browser.sign_in(PHONE))["/portal/sign-out"].fields


async def test_a_form_without_the_token_of_its_session_changes_nothing(portal: Portal):
    await portal.account(PHONE)
    await portal.account(OTHER)
    browser, attacker = portal.browser(), portal.browser()
    visitor = forms(await attacker.open("/portal/sign-in"))["/portal/sign-in"].fields["form"]
    theirs = forms(await attacker.sign_in(OTHER))["/portal/sign-out"].fields["form"]
    await browser.sign_in(PHONE)
    for token in ("", visitor, theirs, "é", "0" * 64):
        answer = await browser.post("/portal/sign-out", {"form": token})
        assert answer.status_code == 403
    assert (await browser.open("/portal")).url.path == "/portal"


async def test_nobody_is_signed_in_by_the_form_of_somebody_else(portal: Portal):
    """Otherwise people would give their data to the account of an attacker."""
    await portal.account(OTHER)
    attacker, browser = portal.browser(), portal.browser()
    page = await attacker.ask_for_code(OTHER)
    fields = {**forms(page)["/portal/code"].fields, "code": portal.last_code(OTHER)}
    await browser.open("/portal/sign-in")
    assert (await browser.post("/portal/code", fields)).status_code == 403
    assert "__Host-portal" not in browser.http.cookies


@pytest.mark.parametrize("kind", ["application/json", "text/plain", "multipart/form-data", ""])
async def test_only_forms_are_read(portal: Portal, kind: str):
    await portal.account(PHONE)
    browser = portal.browser()
    form = forms(await browser.sign_in(PHONE))["/portal/sign-out"].fields
    body = f"form={form['form']}".encode()
    headers = {"sec-fetch-site": "same-origin", "content-type": kind}
    answer = await browser.http.post("/portal/sign-out", content=body, headers=headers)
    assert answer.status_code == 415
    assert (await browser.open("/portal")).url.path == "/portal"


async def test_no_link_changes_anything(portal: Portal):
    await portal.account(PHONE)
    browser = portal.browser()
    for action in forms(await browser.sign_in(PHONE)):
        answer = await browser.open(action)
        assert answer.status_code in (403, 404, 405)
    assert (await browser.open("/portal")).url.path == "/portal"


@pytest.mark.parametrize(
    "path",
    [
        "/portal/sign-in?next=https://evil.example",
        "/portal?next=//evil.example",
        "/portal//evil.example",
        "/portal/%2F%2Fevil.example",
        "/portal/sign-in/..//evil.example",
        "/portal/https://evil.example",
    ],
)
async def test_nothing_leads_to_another_site(portal: Portal, path: str):
    await portal.account(PHONE)
    browser = portal.browser()
    for is_signed_in in (False, True):
        if is_signed_in:
            await browser.sign_in(PHONE)
        browser.http.follow_redirects = False
        place = (await browser.open(path)).headers.get("location", "/portal")
        assert re.fullmatch(r"/portal(/sign-in)?", place)
        browser.http.follow_redirects = True


async def test_a_host_that_is_not_the_portals_is_never_repeated(portal: Portal):
    answer = await portal.browser().http.get("/portal", headers={"host": "evil.example"})
    assert "evil" not in answer.headers.get("location", "")
    assert "evil" not in answer.text


async def test_a_name_on_a_card_and_a_merchants_name_are_only_words(portal: Portal):
    person = await portal.account(PHONE, holder=SCRIPT)
    await portal.merchant(SCRIPT, agreed_by=person)
    page = await portal.browser(agent=SCRIPT).sign_in(PHONE)
    assert "<script>" not in page.text.lower()
    assert "&lt;script&gt;alert(1)" in page.text


async def test_nobody_reaches_the_palms_of_somebody_else(portal: Portal):
    await portal.account(PHONE)
    await portal.account(OTHER, sides=[Side.LEFT, Side.RIGHT])
    theirs = await portal.browser().sign_in(OTHER)
    links = re.findall(r'href="(/portal/palms/\w+)"', theirs.text)
    assert len(links) == 2
    browser = portal.browser()
    form = forms(await browser.sign_in(PHONE))["/portal/sign-out"].fields
    for link in links:
        assert (await browser.open(link)).status_code == 404
        assert (await browser.post(link, form)).status_code == 404
    assert len(portal.gallery) == 4


async def test_a_file_that_no_page_names_is_not_served(portal: Portal):
    for name in ("..%2Fpages.py", "../pages.py", "base.html", ""):
        answer = await portal.browser().open(f"/portal/static/{name}")
        assert answer.status_code == 404
