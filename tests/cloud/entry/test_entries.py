"""Who may pass which door, and what is kept of it."""

from datetime import date, timedelta

import pytest

from cloud.entry.access import Access
from cloud.entry.doors import DoorKind
from cloud.entry.presences import PRESENCE_LIFE
from cloud.entry.tables import EntryRow
from cloud.jobs.housekeeping import end_retention, forget_expired
from cloud.policy import ENTRIES_KEPT, IDENTIFICATION_LIFE, Limits
from protocol.credential import Credential, CredentialFormat
from protocol.entry import Admission, DoorTold, Entry, EntryRefusal, EntryRequest
from protocol.messages import Direction, Outcome, ProblemType, Purpose
from tests.cloud.merchants.test_merchants import agree
from tests.cloud.people.test_frozen import freeze_palms
from tests.support.device import Refused, TestDevice, fresh_phone, refusal
from tests.support.served import Served
from tests.support.sites import Site, show_palm, tell

BADGE = Credential(format=CredentialFormat.WIEGAND_26, facility=12, number=4567)
STAFF = Access(person="E-1001", credential=BADGE)


@pytest.fixture
def phone(kiosk: TestDevice, site: Site, who: str) -> str:
    """The number of somebody who has signed up elsewhere and has agreed at the site's merchant."""
    phone = fresh_phone()
    kiosk.sign_up(who, phone=phone)
    desk = site.served.kiosk(site.id)
    agree(desk, desk.identify(who, Purpose.IDENTIFY))
    return phone


def listed(site: Site, phone: str, access: Access, gate: TestDevice, who: str) -> Entry:
    """Returns what becomes of somebody with access who has agreed that their palm stands for it."""
    site.give(phone, access)
    asked = show_palm(gate, who)
    assert asked.admission is Admission.ASK
    return gate.post(f"/entries/{asked.entry_id}/agreement", None, Entry)


# Whom the service lets in by itself


@pytest.mark.usefixtures("phone")
def test_a_shops_gate_opens_for_everybody_who_has_agreed_there(site: Site, who: str):
    entry = show_palm(site.gate(), who)
    assert (entry.admission, entry.refusal) == (Admission.OPEN, None)
    assert (entry.direction, entry.site) == (Direction.ENTRY, "Other site")


def test_who_has_not_agreed_at_the_merchant_is_asked_first(kiosk: TestDevice, site: Site, who: str):
    kiosk.sign_up(who)
    gate = site.gate()
    asked = gate.identify(who, Purpose.ENTER)
    assert asked.outcome is Outcome.ASK_CONSENT
    request = EntryRequest(identification_id=asked.identification_id)
    sent = gate.send("POST", "/entries", request.model_dump_json().encode())
    assert refusal(sent).type is ProblemType.NOT_ACCEPTED
    agree(gate, asked)
    assert gate.post("/entries", request, Entry).admission is Admission.OPEN


@pytest.mark.parametrize("purpose", [Purpose.PAY, Purpose.IDENTIFY, Purpose.LEAVE])
@pytest.mark.usefixtures("phone")
def test_a_palm_that_was_shown_for_something_else_opens_nothing(
    site: Site, who: str, purpose: Purpose
):
    gate = site.gate()
    request = EntryRequest(identification_id=gate.recognised(who, purpose))
    with pytest.raises(Refused) as refused:
        gate.post("/entries", request, Entry)
    assert refused.value.problem.type is ProblemType.NOT_ACCEPTED


@pytest.mark.usefixtures("phone")
def test_one_palm_opens_once(site: Site, who: str):
    gate = site.gate()
    request = EntryRequest(identification_id=gate.recognised(who, Purpose.ENTER))
    first = gate.post("/entries", request, Entry, key="the-same-request")
    assert gate.post("/entries", request, Entry, key="the-same-request") == first
    with pytest.raises(Refused) as refused:
        gate.post("/entries", request, Entry)
    assert refused.value.problem.type is ProblemType.CONFLICT


@pytest.mark.usefixtures("phone")
def test_a_device_at_no_door_lets_nobody_in(site: Site, who: str):
    entry = show_palm(site.served.kiosk(site.id), who)
    assert (entry.admission, entry.refusal) == (Admission.REFUSED, EntryRefusal.NOT_SET_UP)


def test_a_device_that_has_moved_stands_at_no_door(served: Served, site: Site):
    gate = site.gate()
    gate.activate(served.activation_code(served.merchant()))
    assert refusal(gate.send("GET", "/door")).type is ProblemType.NOT_FOUND
    gate.activate(served.activation_code(site.id))
    assert gate.get("/door", DoorTold).direction is Direction.ENTRY


@pytest.mark.usefixtures("phone")
def test_a_door_is_open_at_its_hours_by_the_clock_of_its_site(served: Served, site: Site, who: str):
    served.stop_clock()
    now = served.context.clock()
    site.set_clock("Pacific/Kiritimati")
    there = now + timedelta(hours=14)
    day = there.strftime("%a").lower()
    gate = site.gate(f"{day} {there:%H:%M}-24:00")
    assert show_palm(gate, who).admission is Admission.OPEN
    site.set_clock("Pacific/Kiritimati", there.date())
    assert show_palm(gate, who).refusal is EntryRefusal.CLOSED
    site.set_clock("Pacific/Pago_Pago")
    assert show_palm(gate, who).refusal is EntryRefusal.CLOSED


def test_a_kiosk_is_told_what_it_stands_at(site: Site):
    gate = site.gate(kind=DoorKind.VENUE, direction=Direction.EXIT)
    told = gate.get("/door", DoorTold)
    assert (told.direction, told.redeems, told.checks_in) == (Direction.EXIT, True, False)
    assert site.gate(kind=DoorKind.DESK).get("/door", DoorTold).checks_in
    assert refusal(site.served.kiosk(site.id).send("GET", "/door")).type is ProblemType.NOT_FOUND


# Whom the site's own system knows


@pytest.mark.usefixtures("phone")
def test_who_is_not_on_the_list_has_no_access(site: Site, who: str):
    assert show_palm(site.gate(everyone=False), who).refusal is EntryRefusal.NO_ACCESS


def test_a_palm_opens_with_what_the_site_has_given_once_its_person_agrees(
    site: Site, phone: str, who: str
):
    gate = site.gate(kind=DoorKind.CONTROLLER, everyone=False)
    site.give(phone, STAFF)
    asked = show_palm(gate, who)
    assert (asked.admission, asked.credential) == (Admission.ASK, BADGE)
    agreed = gate.post(f"/entries/{asked.entry_id}/agreement", None, Entry)
    assert (agreed.admission, agreed.credential) == (Admission.PRESENT, BADGE)
    assert show_palm(gate, who).credential == BADGE


def test_another_credential_is_asked_about_anew(site: Site, phone: str, who: str):
    gate = site.gate(kind=DoorKind.CONTROLLER, everyone=False)
    listed(site, phone, STAFF, gate, who)
    site.give(phone, STAFF.model_copy(update={"doors": ("North", "South")}))
    assert show_palm(gate, who).admission is Admission.PRESENT
    other = BADGE.model_copy(update={"number": 4568})
    site.give(phone, STAFF.model_copy(update={"credential": other}))
    assert show_palm(gate, who).admission is Admission.ASK


@pytest.mark.parametrize(
    ("access", "why"),
    [
        (Access(person="E-1", doors=("South",)), EntryRefusal.NO_ACCESS),
        (Access(person="E-1", last_day=date(2020, 1, 1)), EntryRefusal.EXPIRED),
        (Access(person="E-1", first_day=date(2120, 1, 1)), EntryRefusal.NOT_YET),
    ],
)
def test_access_that_does_not_count_here_and_now_is_refused_with_the_reason(
    site: Site, phone: str, who: str, access: Access, why: EntryRefusal
):
    site.give(phone, access)
    assert show_palm(site.gate(everyone=False), who).refusal is why


def test_access_has_hours_of_its_own(served: Served, site: Site, phone: str, who: str):
    tomorrow = (served.context.clock() + timedelta(days=2)).strftime("%a").lower()
    gate = site.gate(everyone=False)
    assert listed(site, phone, STAFF, gate, who).admission is Admission.OPEN
    site.give(phone, STAFF.model_copy(update={"hours": f"{tomorrow} 00:00-24:00"}))
    assert show_palm(gate, who).refusal is EntryRefusal.CLOSED


def test_without_a_credential_there_is_nothing_to_present(site: Site, phone: str, who: str):
    site.give(phone, Access(person="E-1001"))
    gate = site.gate(kind=DoorKind.CONTROLLER, everyone=False)
    assert show_palm(gate, who).refusal is EntryRefusal.NO_ACCESS


def test_nothing_is_agreed_to_that_was_not_asked(site: Site, phone: str, who: str):
    gate = site.gate(everyone=False)
    entry = listed(site, phone, STAFF, gate, who)
    sent = gate.send("POST", f"/entries/{entry.entry_id}/agreement")
    assert refusal(sent).type is ProblemType.CONFLICT


@pytest.mark.parametrize("how", ["gone", "frozen"])
def test_nobody_agrees_for_whoever_has_gone_or_has_frozen_their_palms(
    served: Served, site: Site, phone: str, who: str, how: str
):
    """A kiosk's key would otherwise open with whoever was asked there within ninety days."""
    gate = site.gate(everyone=False)
    site.give(phone, STAFF)
    asked = show_palm(gate, who)
    assert asked.admission is Admission.ASK
    if how == "gone":
        served.ahead = gate.ahead = IDENTIFICATION_LIFE
    else:
        freeze_palms(served, phone)
    sent = gate.send("POST", f"/entries/{asked.entry_id}/agreement")
    assert refusal(sent).type in (
        (ProblemType.EXPIRED, ProblemType.NOT_FOUND)
        if how == "gone"
        else (ProblemType.NOT_ACCEPTED,)
    )


# Nobody enters twice


def test_who_is_in_an_area_cannot_enter_it_again_and_goes_out_once(
    site: Site, phone: str, who: str
):
    way_in = site.gate(area="Stand")
    way_out = site.gate(area="Stand", direction=Direction.EXIT)
    assert show_palm(way_out, who).refusal is EntryRefusal.NOT_IN
    tell(way_in, show_palm(way_in, who), passed=True)
    assert site.areas_of(phone) == ["Stand"]
    assert show_palm(way_in, who).refusal is EntryRefusal.ALREADY_IN
    tell(way_out, show_palm(way_out, who), passed=True)
    assert site.areas_of(phone) == []
    assert show_palm(way_in, who).admission is Admission.OPEN


def test_a_kiosk_that_dies_before_it_opens_lets_nobody_in_twice(site: Site, who: str, phone: str):
    gate = site.gate(area="Stand")
    assert show_palm(gate, who).admission is Admission.OPEN
    assert show_palm(gate, who).refusal is EntryRefusal.ALREADY_IN
    assert site.areas_of(phone) == ["Stand"]


def test_who_could_not_pass_is_not_inside(site: Site, who: str, phone: str):
    gate = site.gate(area="Stand")
    entry = show_palm(gate, who)
    tell(gate, entry, passed=False)
    assert site.areas_of(phone) == []
    # What is told later is not believed.
    tell(gate, entry, passed=True)
    assert site.areas_of(phone) == []


def test_where_a_controller_decides_only_who_has_passed_is_inside(site: Site, phone: str, who: str):
    gate = site.gate(kind=DoorKind.CONTROLLER, everyone=False, area="Works")
    denied = listed(site, phone, STAFF, gate, who)
    assert site.areas_of(phone) == []
    tell(gate, denied, passed=False)
    assert site.areas_of(phone) == []
    tell(gate, show_palm(gate, who), passed=True)
    assert site.areas_of(phone) == ["Works"]


def test_a_day_later_nobody_is_inside_any_more(served: Served, site: Site, phone: str, who: str):
    gate = site.gate(area="Stand")
    show_palm(gate, who)
    served.ahead = PRESENCE_LIFE + timedelta(seconds=1)
    served.do(forget_expired(served.context))
    assert site.areas_of(phone) == []


def test_a_clock_that_was_ahead_keeps_nobody_out(served: Served, site: Site, phone: str, who: str):
    gate = site.gate(area="Stand")
    served.ahead = gate.ahead = timedelta(days=3)
    assert show_palm(gate, who).admission is Admission.OPEN
    served.ahead = gate.ahead = timedelta(0)
    served.do(forget_expired(served.context))
    assert show_palm(gate, who).admission is Admission.OPEN


# What is kept


def test_it_is_kept_for_ninety_days_who_has_passed(
    served: Served, site: Site, who: str, phone: str
):
    gate = site.gate()
    kept = (show_palm(gate, who).entry_id,)
    assert kept in served.keys(EntryRow)
    served.ahead = ENTRIES_KEPT - timedelta(minutes=1)
    served.do(end_retention(served.context))
    assert kept in served.keys(EntryRow)
    served.ahead = ENTRIES_KEPT + timedelta(minutes=1)
    served.do(end_retention(served.context))
    assert kept not in served.keys(EntryRow)


def test_another_device_of_the_merchant_tells_nothing_of_an_entry(site: Site, who: str, phone: str):
    entry = show_palm(site.gate(), who)
    sent = site.gate().send("PUT", f"/entries/{entry.entry_id}/passage", b'{"passed":true}')
    assert refusal(sent).type is ProblemType.NOT_FOUND


def test_many_people_pass_a_gate_in_ten_minutes(served: Served, site: Site, who: str, phone: str):
    gate, counter = site.gate(), site.served.kiosk(site.id)
    for device in (gate, counter):
        served.tally(Limits.SEARCHES_BY_DEVICE, device.id, Limits.SEARCHES_BY_DEVICE.count)
    assert gate.identify(who, Purpose.ENTER).outcome is Outcome.ACCEPTED
    with pytest.raises(Refused) as refused:
        counter.identify(who, Purpose.ENTER)
    assert refused.value.problem.type is ProblemType.TOO_MANY_ATTEMPTS


def test_a_device_that_takes_anothers_place_stands_at_its_door(served: Served, site: Site):
    old = site.gate(area="Stand")
    new = served.device()
    new.activate(served.activation_code(site.id, replaces=old.id))
    assert new.get("/door", DoorTold) == DoorTold(
        direction=Direction.ENTRY, checks_in=False, redeems=False
    )
    assert refusal(old.send("GET", "/door")).type is ProblemType.UNKNOWN_DEVICE


def test_what_a_device_stood_at_elsewhere_is_not_handed_on(served: Served, site: Site):
    old = site.gate()
    old.activate(served.activation_code(Site(served, served.merchant()).id))
    new = served.device()
    new.activate(served.activation_code(served.merchant(), replaces=old.id))
    assert refusal(new.send("GET", "/door")).type is ProblemType.NOT_FOUND
