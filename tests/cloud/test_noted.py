"""What the log tells of sign-ins and refusals."""

import logging
from pathlib import Path

import pytest

from cloud.noted import Noted
from protocol.messages import Problem, ProblemType
from tests.support.log_lines import lines_of
from tests.support.portal import Portal, open_portal

pytestmark = pytest.mark.anyio

PHONE = "+14155550123"


@pytest.fixture
async def portal(tmp_path: Path):
    async with open_portal(tmp_path) as portal:
        yield portal


async def test_sign_ins_and_wrong_codes_are_counted_without_whose(portal: Portal):
    await portal.account(PHONE)
    browser = portal.browser()
    page = await browser.ask_for_code(PHONE)
    code = portal.last_code(PHONE)
    page = await browser.submit(page, "/portal/code", code=f"{(int(code) + 1) % 10**6:06}")
    await browser.submit(page, "/portal/code", code=code)
    told = portal.context.noted.take()
    assert told == "portal: refused as wrong code: 1; portal: signed in with a code: 1"
    assert portal.context.noted.take() == ""


async def test_what_is_refused_is_counted_by_its_kind_at_either_door(portal: Portal):
    browser = portal.browser()
    await browser.post("/portal/sign-in", {"phone": PHONE})
    await browser.open("/portal/palms/1")
    await browser.open("/portal/nothing")
    for _ in range(2):
        await browser.post("/v1/purchases", {"phone": PHONE})
    await browser.open("/v1/nothing")
    assert portal.context.noted.take() == (
        "api: refused as bad signature: 2; api: refused as not found: 1; "
        "portal: refused as not accepted: 1; portal: refused as not found: 1"
    )


async def test_a_limit_that_is_reached_is_counted(portal: Portal):
    await portal.account(PHONE)
    for _ in range(7):
        await portal.browser().ask_for_code(PHONE)
    assert portal.context.noted.take() == "portal: refused as too many attempts: 1"


def test_strangers_fill_no_disk(caplog: pytest.LogCaptureFixture):
    caplog.set_level(logging.INFO, "cloud.noted")
    noted = Noted()
    problem = Problem(type=ProblemType.BAD_SIGNATURE, title="", status=401, detail="")
    for _ in range(1000):
        noted.note_refusal("api", problem)
        noted.tell()
    assert len(lines_of(caplog, "cloud.noted")) == 1
    noted.tell(last=True)
    assert lines_of(caplog, "cloud.noted")[-1].endswith("api: refused as bad signature: 999")


def test_what_has_failed_is_no_refusal():
    noted = Noted()
    noted.note_refusal("api", Problem(type=ProblemType.BUSY, title="", status=503, detail=""))
    assert noted.take() == ""
