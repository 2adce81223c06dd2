"""The audit trail is read with a key as it stands on its page."""

import json
from base64 import urlsafe_b64encode
from datetime import timedelta

import pytest

from cloud.console.api.audit_trail import SHOWN
from cloud.console.roles import Role
from protocol.messages import ProblemType
from tests.support.console import member_of, trail
from tests.support.portal import Portal
from tests.support.systems import system_of

pytestmark = pytest.mark.anyio


async def test_a_merchants_key_reads_what_is_the_merchants_in_pages(portal: Portal):
    owner = await member_of(portal, Role.MERCHANT, "first", name="Mia")
    await member_of(portal, Role.MERCHANT, await portal.merchant("Florist"))
    system, operators = await system_of(portal), await system_of(portal, None, operators=True)
    for name in ("Harbour", "Airport"):
        await system.post("/sites", {"name": name})
    # It notes that it was taken, too.
    rows = [row for row in await trail(owner) if row["act"] != "export the audit trail"]
    read: list[dict[str, object]] = []
    page = await system.get("/audit?limit=2")
    while True:
        read += page["entries"]
        if page["next"] is None:
            break
        page = await system.get(f"/audit?limit=2&cursor={page['next']}")
    read = [each for each in read if each["act"] != "export the audit trail"]
    names = ("place", "door", "who", "act", "details", "hash")
    assert [[each[name] for name in names] for each in reversed(read)] == [
        [row[name] for name in names] for row in rows
    ]
    assert {each["merchant_id"] for each in read} == {"first"}
    newest = read[0]
    assert (newest["door"], newest["who"], newest["act"]) == ("api", system.name, "add the site")
    assert "Mia" not in json.dumps(read)
    await operators.post("/secret-replacements")
    of_all = (await operators.get("/audit?limit=100"))["entries"]
    assert {each["merchant_id"] for each in of_all} > {"first", None}


async def test_what_is_older_than_a_month_needs_two(portal: Portal):
    owner = await member_of(portal, Role.MERCHANT, "first")
    system = await system_of(portal)
    await system.post("/sites", {"name": "Harbour"})
    portal.pass_time(SHOWN - timedelta(seconds=1))
    (newest, *_) = (await system.get("/audit"))["entries"]
    assert newest["act"] == "add the site"
    portal.pass_time(timedelta(seconds=1))
    assert await system.get("/audit") == {"entries": [], "next": None}
    assert "add the site" in [row["act"] for row in await trail(owner)]


async def test_what_is_no_cursor_is_refused(portal: Portal):
    system = await system_of(portal)
    for said in ("x", "1 ", "1 -1", "1 1.5", f"1 {10**18}", "1 \N{ARABIC-INDIC DIGIT ONE}"):
        cursor = urlsafe_b64encode(said.encode()).decode()
        told = await system.refused("GET", f"/audit?cursor={cursor}")
        assert told == (400, ProblemType.MALFORMED), said
