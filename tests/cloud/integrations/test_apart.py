"""With another merchant's key nothing is told, of anything, by any operation of the API."""

import json
import secrets
from datetime import UTC, datetime
from typing import Any

import httpx

from cloud.app import create_app
from cloud.jobs.housekeeping import write_seen
from cloud.seen import Kind
from protocol.entry import Ticket, Tickets
from protocol.messages import ProblemType, Purchase, Purpose
from tests.cloud.fleet.test_pictures import a_png
from tests.cloud.integrations.conftest import Shop, open_shop
from tests.support.approving import file_of_trail
from tests.support.integrator import Integrator, integrator
from tests.support.served import Served

WEBHOOK = {"url": "https://example.com/hook", "events": ["palm.refused"]}
LOOK = dict.fromkeys(
    ("variant", "accent_light", "accent_dark", "volume", "hours", "helpline"), None
)
LIMITS = {
    "currency": "USD",
    "pulse_above": 100,
    "digits_above": None,
    "staff_above": None,
    "unconfirmed_below": None,
}
PALM = {"kind": "approve", "question": "Yes?", "device_id": "{device}"}
MEMBER = {"name": "Ann", "role": "shop-staff", "site_id": "{site}"}
TODAY = f"{datetime.now(UTC):%Y-%m-%d}"
MONTH = TODAY[:7]
ASKS: dict[str, tuple[str, str, Any]] = {
    "palm_requests.show_kiosks": ("GET", "/kiosks", None),
    "palm_requests.ask": ("POST", "/palm-requests", PALM),
    "palm_requests.show": ("GET", "/palm-requests/{request}", None),
    "palm_requests.cancel": ("POST", "/palm-requests/{request}/cancel", None),
    "people.find": ("GET", "/people?reference={person}", None),
    "recognition.tell": ("GET", "/recognition?device_id={device}", None),
    "sales.show_all": ("GET", "/purchases?reference={reference}", None),
    "sales.show": ("GET", "/purchases/{purchase}", None),
    "sales.give_back": ("POST", "/purchases/{purchase}/refunds", {"reference": "our-refund"}),
    "receivers.show_all": ("GET", "/webhooks", None),
    "receivers.add": ("POST", "/webhooks", WEBHOOK),
    "receivers.show": ("GET", "/webhooks/{receiver}", None),
    "receivers.change": ("PUT", "/webhooks/{receiver}", WEBHOOK),
    "receivers.remove": ("DELETE", "/webhooks/{receiver}", None),
    "receivers.renew_secret": ("POST", "/webhooks/{receiver}/secret", None),
    "receivers.test": ("POST", "/webhooks/{receiver}/test", None),
    "receivers.list_deliveries": ("GET", "/webhooks/{receiver}/deliveries", None),
    "receivers.replay": ("POST", "/webhooks/{receiver}/deliveries/{delivery}/replay", None),
    "sites.show_merchant": ("GET", "", None),
    "sites.show_all": ("GET", "/sites", None),
    "sites.show": ("GET", "/sites/{site}", None),
    "sites.add": ("POST", "/sites", {"name": "Another"}),
    "sites.make_code": ("POST", "/sites/{site}/activation-codes", None),
    # Kiosks.
    "kiosks.show_all": ("GET", "/devices?site_id={site}", None),
    "kiosks.show": ("GET", "/devices/{device}", None),
    "kiosks.rename": ("PUT", "/devices/{device}/name", {"name": "Another"}),
    "kiosks.restart": ("POST", "/devices/{device}/restart", None),
    "kiosks.lock": ("POST", "/devices/{device}/lock", None),
    "kiosks.call_to_maintenance": ("POST", "/devices/{device}/maintain", None),
    "kiosks.put_back": ("POST", "/devices/{device}/serve", None),
    "kiosks.replace": ("POST", "/devices/{device}/replacement-codes", None),
    "kiosks.move": ("PUT", "/devices/{device}/site", {"site_id": "{site}"}),
    "kiosks.revoke": ("POST", "/devices/{device}/revoke", None),
    "kiosks.revoke_at_site": ("POST", "/sites/{site}/revoke", None),
    # Accounts of staff.
    "staff.show_all": ("GET", "/staff", None),
    "staff.show": ("GET", "/staff/{member}", None),
    "staff.add": ("POST", "/staff", MEMBER),
    "staff.make_link": ("POST", "/staff/{member}/links", None),
    "staff.end": ("DELETE", "/staff/{member}", None),
    # What people have, attacks, recognition and jobs.
    "holdings.show_access": ("GET", "/sites/{site}/access", None),
    "holdings.take_access": ("POST", "/sites/{site}/access/take", {"person": "E-1001"}),
    "holdings.show": ("GET", "/holdings", None),
    "holdings.take_ticket": ("POST", "/tickets/take", {"code": "{ticket}"}),
    "holdings.take_membership": ("POST", "/memberships/take", {"code": "{person}"}),
    "attacks.show_all": ("GET", "/attacks", None),
    "attacks.show": ("GET", "/attacks/{attack}", None),
    "attacks.look": ("POST", "/attacks/{attack}/looked", {"note": "Ours"}),
    "attacks.freeze": ("POST", "/attacks/{attack}/freeze", None),
    "summaries.show": ("GET", "/recognition/summary?device_id={device}", None),
    "jobs.show": ("GET", "/jobs", None),
    "jobs.list_deliveries": ("GET", "/jobs/deliveries", None),
    "jobs.list_receipts": ("GET", "/jobs/receipts", None),
    # What is demanded, agreed to and shown.
    "payment_limits.show_of_merchant": ("GET", "/limits", None),
    "payment_limits.change_of_merchant": ("PUT", "/limits", LIMITS),
    "payment_limits.show_of_site": ("GET", "/sites/{site}/limits", None),
    "payment_limits.change_of_site": ("PUT", "/sites/{site}/limits", LIMITS),
    "payment_limits.show_policy": ("GET", "/service-policy", None),
    "looks.show": ("GET", "/sites/{site}/look", None),
    "looks.change": ("PUT", "/sites/{site}/look", LOOK),
    "calendars.show": ("GET", "/sites/{site}/calendar", None),
    "calendars.change": ("PUT", "/sites/{site}/calendar", {"zone": "UTC", "holidays": []}),
    "kiosk_pictures.show_all": ("GET", "/sites/{site}/pictures", None),
    "kiosk_pictures.show": ("GET", "/pictures/{picture}", None),
    "kiosk_pictures.change_logo": ("PUT", "/sites/{site}/pictures/logo", a_png(1)),
    "kiosk_pictures.remove_logo": ("DELETE", "/sites/{site}/pictures/logo", None),
    "kiosk_pictures.add": ("POST", "/sites/{site}/pictures/attract", a_png(1)),
    "kiosk_pictures.arrange": ("PUT", "/sites/{site}/pictures/attract", {"attract": []}),
    "sites.rename_merchant": ("PUT", "/name", {"name": "Another"}),
    "agreed_texts.show": ("GET", "/sites/{site}/consents", None),
    # What needs two, the trail, files and compared days.
    "approvals.show_all": ("GET", "/approvals", None),
    "approvals.show": ("GET", "/approvals/{approval}", None),
    "approvals.take_back": ("POST", "/approvals/{approval}/cancel", None),
    "audit_trail.show": ("GET", "/audit", None),
    "audit_trail.ask_for_file": ("POST", "/audit-files", None),
    "audit_trail.take": ("POST", "/approvals/{approval}/audit-file", None),
    "audit_trail.fetch": ("GET", "/audit-files/{trail_file}", None),
    "purchase_files.ask": ("POST", "/purchase-files", {"site_id": "{site}", "when": MONTH}),
    "purchase_files.take": ("POST", "/approvals/{approval}/purchase-file", None),
    "purchase_files.fetch": ("GET", "/purchase-files/{purchase_file}", None),
    "compared_days.show_all": ("GET", "/reconciliation", None),
    "compared_days.show_differences": ("GET", f"/reconciliation/{TODAY}", None),
    "compared_days.compare": ("POST", "/reconciliation", {"day": TODAY}),
    "sales.show_way": ("GET", "/purchases/{purchase}/steps", None),
}
"""What is asked of each operation with a key, by its name (`cloud.app.name_operation`)."""

ASKS_OF_ALL: dict[str, tuple[str, str, Any]] = {
    "sites.show_merchants": ("GET", "/merchants", None),
    "kiosks.show_everywhere": ("GET", "/devices", None),
    "staff.show_everybody": ("GET", "/staff", None),
    "jobs.show_service": ("GET", "/jobs", None),
    # What needs two, the trail and compared days.
    "approvals.show_all_of_all": ("GET", "/approvals", None),
    "approvals.show_of_all": ("GET", "/approvals/{approval}", None),
    "approvals.take_back_of_all": ("POST", "/approvals/{approval}/cancel", None),
    "approvals.ask_for_secret": ("POST", "/secret-replacements", None),
    "audit_trail.show_all": ("GET", "/audit", None),
    "audit_trail.ask_for_file_of_all": ("POST", "/audit-files", None),
    "audit_trail.take_of_all": ("POST", "/approvals/{approval}/audit-file", None),
    "audit_trail.fetch_of_all": ("GET", "/audit-files/{trail_file}", None),
    "compared_days.compare_all": ("POST", "/reconciliation", {"day": TODAY}),
    "compared_days.show_all_of_all": ("GET", "/reconciliation", None),
    "compared_days.show_differences_of_all": ("GET", f"/reconciliation/{TODAY}", None),
}
"""The same of what is of no merchant, for which it needs a key of the operator's."""

NAMES_NOTHING = {
    "palm_requests.show_kiosks",
    "receivers.show_all",
    "receivers.add",
    "sites.show_merchant",
    "sites.show_all",
    "sites.add",
    "staff.show_all",
    "holdings.show",
    "attacks.show_all",
    "jobs.show",
    "jobs.list_deliveries",
    "jobs.list_receipts",
    "payment_limits.show_of_merchant",
    "payment_limits.change_of_merchant",
    "payment_limits.show_policy",
    "sites.rename_merchant",
    "approvals.show_all",
    "audit_trail.show",
    "audit_trail.ask_for_file",
    "compared_days.show_all",
    "compared_days.show_differences",
    "compared_days.compare",
}
"""These take no id of what a merchant has stored."""


def stored(served: Served, shop: Shop, who: str) -> dict[str, str]:
    """The ids of what a merchant has stored."""
    shop.kiosk.sign_up(who)
    ticket = f"T-{secrets.token_hex(8)}"
    at = f"/identifications/{shop.kiosk.recognised(who, Purpose.ENTER)}/tickets"
    shop.kiosk.post(at, Ticket(code=ticket), Tickets)
    served.context.seen.happened(Kind.CODES, shop.kiosk.id)
    served.do(write_seen(served.context))
    (attack,) = shop.api.get("/attacks")["attacks"]
    person = f"M-{secrets.token_hex(8)}"
    shop.link(who, person)
    sale = shop.kiosk.sale(shop.kiosk.recognised(who))
    bought = shop.kiosk.post("/purchases", sale, Purchase)
    receiver = shop.api.post("/webhooks", WEBHOOK)["receiver_id"]
    wanted = PALM | {"device_id": shop.kiosk.id}
    return {
        "ticket": ticket,
        "attack": attack["attack_id"],
        "person": person,
        "purchase": bought.purchase_id,
        "reference": bought.reference,
        "receiver": receiver,
        "delivery": shop.api.post(f"/webhooks/{receiver}/test")["delivery_id"],
        "device": shop.kiosk.id,
        "site": shop.site,
        "member": shop.api.post("/staff", MEMBER | {"site_id": shop.site})["staff_id"],
        "approval": shop.api.post("/audit-files")["approval_id"],
        "trail_file": file_of_trail(served, shop.api),
        "purchase_file": shop.api.post("/purchase-files", {"reference": bought.reference})[
            "file_id"
        ],
        "request": shop.api.post("/palm-requests", wanted)["request_id"],
        "picture": shop.api.post(f"/sites/{shop.site}/pictures/attract", a_png(2))["digest"],
    }


def filled(body: Any, ids: dict[str, str]) -> Any:
    """Returns a body with these ids in it."""
    if not isinstance(body, dict):
        return body
    return {
        name: value.format_map(ids) if isinstance(value, str) else value
        for name, value in body.items()
    }


def said(answer: httpx.Response) -> tuple[int, Any]:
    is_json = answer.content and answer.headers["content-type"].endswith("json")
    return answer.status_code, json.loads(answer.content) if is_json else answer.text


def test_every_operation_with_a_key_is_walked(served: Served):
    paths = create_app(served.context).openapi()["paths"]
    with_a_key = {
        operation["operationId"]
        for methods in paths.values()
        for operation in methods.values()
        if "security" in operation
    }
    assert with_a_key == ASKS.keys() | ASKS_OF_ALL.keys()


def test_what_is_of_no_merchant_is_for_the_operators_keys_alone(served: Served, shop: Shop):
    own = integrator(served, None)
    with_theirs = Integrator("", shop.api.key, shop.api.http)
    ids = {
        "approval": own.post("/audit-files")["approval_id"],
        "trail_file": file_of_trail(served, own),
    }
    for operation, (method, path, body) in ASKS_OF_ALL.items():
        asked = path.format_map(ids)
        status, problem = said(with_theirs.ask(method, asked, body))
        assert (status, problem["type"]) == (404, ProblemType.NOT_FOUND), operation
        assert own.ask(method, asked, body).status_code != 404, operation


def test_with_another_merchants_key_everything_is_answered_as_what_was_never_there(
    served: Served, shop: Shop, who: str
):
    theirs, other = stored(served, shop, who), open_shop(served)
    receiver = other.api.post("/webhooks", WEBHOOK)["receiver_id"]
    for operation, (method, path, body) in ASKS.items():
        unknown_ids = {name: secrets.token_hex(16) for name in theirs}
        never, named = path.format_map(unknown_ids), filled(body, theirs)
        for merchant in (shop.api.merchant, "nobody"):
            answers = {
                json.dumps(said(other.api.ask(method, asked, named, merchant=merchant)))
                for asked in (never, path.format_map(theirs))
            }
            assert len(answers) == 1, operation
            status, problem = json.loads(answers.pop())
            assert (status, problem["type"]) == (404, ProblemType.NOT_FOUND)
        if operation in NAMES_NOTHING:
            continue
        unknown = said(other.api.ask(method, never, filled(body, unknown_ids)))
        assert said(other.api.ask(method, path.format_map(theirs), named)) == unknown, operation
        mixed = path.format_map(theirs | {"receiver": receiver})
        if "{delivery}" in path:
            assert said(other.api.ask(method, mixed, body)) == unknown, operation
    own = [said(shop.api.ask(ASKS[name][0], ASKS[name][1].format_map(theirs))) for name in OWN]
    assert [status for status, _ in own] == [200] * len(OWN), "and nothing was changed"
    assert shop.api.get(f"/attacks/{theirs['attack']}")["looked_at"] is None
    linked = {"tickets": 1, "people_with_tickets": 1, "memberships": 1}
    assert shop.api.get("/holdings") == linked
    shop.kiosk.identify("a stranger to both")
    assert other.api.get(f"/webhooks/{receiver}/deliveries")["deliveries"] == []


OWN = (
    "palm_requests.show",
    "people.find",
    "sales.show",
    "sales.show_way",
    "receivers.show",
    "receivers.list_deliveries",
    "kiosks.show",
    "staff.show",
    "holdings.show_access",
    "attacks.show",
    "summaries.show",
    "kiosk_pictures.show_all",
    "approvals.show",
    "audit_trail.fetch",
    "purchase_files.fetch",
)
"""What the merchant itself is told by these ids."""
