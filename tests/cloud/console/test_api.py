"""What staff see and do on the pages of the console, systems see and do with a key."""

from cloud.app import create_app, name_operation
from cloud.console import audit
from cloud.console.asking import StaffRoute
from cloud.console.routes import ROUTERS
from protocol.messages import ProblemType
from tests.cloud.integrations.conftest import open_shop
from tests.support.integrator import integrator
from tests.support.served import Served


def test_a_merchants_key_adds_a_site_and_activates_a_kiosk_there(served: Served):
    shop = open_shop(served)
    added = shop.api.post("/sites", {"name": "Harbour"})
    assert added in shop.api.get("/sites")["sites"]
    code = shop.api.post(f"/sites/{added['site_id']}/activation-codes")["code"]
    kiosk = served.device()
    kiosk.activate(code)
    assert shop.api.get(f"/sites/{added['site_id']}")["name"] == "Harbour"


def test_the_operators_key_does_what_is_of_one_merchant_at_a_time(served: Served):
    shop, other = open_shop(served), open_shop(served)
    api = integrator(served, None)
    assert {shop.api.merchant, other.api.merchant} <= {
        each["merchant_id"] for each in api.get("/merchants")["merchants"]
    }
    theirs = api.get(f"/merchants/{shop.api.merchant}/sites")["sites"]
    assert [each["site_id"] for each in theirs] == [shop.site]
    answer = api.ask("GET", f"/merchants/{shop.api.merchant}/sites/{other.site}")
    assert (answer.status_code, answer.json()["type"]) == (404, ProblemType.NOT_FOUND)


def test_there_is_no_merchant_but_those_that_there_are(served: Served):
    answer = integrator(served, None).ask("GET", "/merchants/nobody/sites")
    assert (answer.status_code, answer.json()["type"]) == (404, ProblemType.NOT_FOUND)


def test_the_trail_names_the_key_with_which_something_was_done(served: Served):
    shop = open_shop(served)

    async def trail() -> list[tuple[str, str, str]]:
        async with served.context.database.reading() as session:
            rows = await audit.latest(session, shop.api.merchant, None, 5)
            return [(row.door, row.who, row.act) for row in rows]

    shop.api.post("/sites", {"name": "Harbour"})
    key = shop.api.key.partition(".")[0]
    assert served.do(trail()) == [("api", key, "add the site")]


OPERATIONS: dict[str, set[str]] = {
    "overview.show_overview": {"kiosks.show_all", "attacks.show_all", "sites.show_all"},
    "places.list_sites": {"sites.show_merchants", "sites.show_all"},
    "places.show_merchant": {"sites.show_merchant", "sites.show_all"},
    "places.show_site": {"sites.show", "kiosks.show_all"},
    "places.add_site": {"sites.add"},
    "places.show_code": {"sites.make_code"},
    "content.show_content": {"looks.show", "calendars.show", "kiosk_pictures.show_all"},
    "content.show_picture": {"kiosk_pictures.show"},
    "content.change_look": {"looks.change", "calendars.change"},
    "content.arrange_pictures": {"kiosk_pictures.arrange", "kiosk_pictures.remove_logo"},
    "content.give_picture": {"kiosk_pictures.change_logo", "kiosk_pictures.add"},
    "content.change_name": {"sites.rename_merchant"},
    "policies.show_of_merchant": {"payment_limits.show_of_merchant", "payment_limits.show_policy"},
    "policies.show_of_site": {"payment_limits.show_of_site"},
    "policies.change_of_merchant": {"payment_limits.change_of_merchant"},
    "policies.change_of_site": {"payment_limits.change_of_site"},
    "consents.show_consents": {"agreed_texts.show"},
    "holdings.show_access": {"holdings.show_access"},
    "holdings.show_holdings": {"holdings.show"},
    "holdings.take_access": {"holdings.take_access"},
    "holdings.take_ticket": {"holdings.take_ticket"},
    "holdings.take_membership": {"holdings.take_membership"},
    "devices.show_kiosk": {"kiosks.show"},
    "devices.restart": {"kiosks.restart"},
    "devices.rename": {"kiosks.rename"},
    "devices.lock": {"kiosks.lock"},
    "devices.call_to_maintenance": {"kiosks.call_to_maintenance"},
    "devices.put_back": {"kiosks.put_back"},
    "devices.replace": {"kiosks.replace"},
    "devices.move": {"kiosks.move"},
    "devices.revoke": {"kiosks.revoke"},
    "sales.list_sales": {"sales.show_all"},
    "sales.show_sale": {"sales.show", "sales.show_way"},
    "sales.export_sales": {"purchase_files.ask", "purchase_files.fetch"},
    "sales.ask_for_sales": {"purchase_files.ask"},
    "sales_refunds.give": {"sales.give_back"},
    "reconciliation.show_differences": {
        "compared_days.show_all",
        "compared_days.show_differences",
        "compared_days.show_all_of_all",
        "compared_days.show_differences_of_all",
    },
    "reconciliation.compare": {"compared_days.compare", "compared_days.compare_all"},
    "fraud.list_incidents": {"attacks.show_all", "attacks.show"},
    "fraud.look": {"attacks.look"},
    "fraud.freeze": {"attacks.freeze"},
    "recognition.show_recognition": {"recognition.tell", "summaries.show"},
    "jobs.show_jobs": {
        "jobs.show",
        "jobs.show_service",
        "jobs.list_deliveries",
        "jobs.list_receipts",
    },
    "staff_pages.list_members": {"staff.show_all", "staff.show_everybody"},
    "staff_pages.add_member": {"staff.add"},
    "staff_pages.show_member": {"staff.show"},
    "staff_pages.make_link": {"staff.make_link"},
    "staff_pages.end_member": {"staff.end"},
    "four_eyes_pages.list_asked": {
        "approvals.show_all",
        "approvals.show",
        "approvals.show_all_of_all",
        "approvals.show_of_all",
    },
    "four_eyes_pages.decline": {"approvals.take_back", "approvals.take_back_of_all"},
    "four_eyes_pages.take_trail": {
        "audit_trail.take",
        "audit_trail.fetch",
        "audit_trail.take_of_all",
        "audit_trail.fetch_of_all",
    },
    "four_eyes_pages.take_sales": {"purchase_files.take", "purchase_files.fetch"},
    "four_eyes_pages.ask_for_trail": {
        "audit_trail.ask_for_file",
        "audit_trail.ask_for_file_of_all",
    },
    "four_eyes_pages.ask_for_rekey": {"approvals.ask_for_secret"},
    "four_eyes_pages.ask_to_revoke_all": {"kiosks.revoke_at_site"},
    "trail.show_trail": {"audit_trail.show", "audit_trail.show_all"},
}
"""The operations that do what a page does."""

ASKS_FIRST = {
    "places.ask_for_site",
    "content.ask_for_name",
    "devices.ask_about_lock",
    "devices.ask_where",
    "devices.ask_about_end",
    "sales_refunds.ask_how_much",
    "sales_refunds.ask_whether",
    "fraud.ask_about_freeze",
    "staff_pages.ask_for_member",
    "four_eyes_pages.ask_about_all",
}
"""Pages that only ask what another one then does."""

FOR_PEOPLE = {"four_eyes_pages.approve"}
"""Nobody approves with a key what needs two people."""


def test_everything_a_page_does_is_an_operation_of_the_api(served: Served):
    routes = [route for router in ROUTERS for route in router.routes]
    pages = {name_operation(route) for route in routes if isinstance(route, StaffRoute)}
    assert pages == OPERATIONS.keys() | ASKS_FIRST | FOR_PEOPLE
    paths = create_app(served.context).openapi()["paths"]
    there = {each["operationId"] for methods in paths.values() for each in methods.values()}
    assert set().union(*OPERATIONS.values()) <= there
