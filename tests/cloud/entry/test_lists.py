"""Whom a gate lets pass without a network: who agrees, what the kiosk is given, and what it tells
afterwards."""

import secrets
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import httpx
import pytest

from cloud.entry import access, kept_palms
from cloud.entry.access import Access
from cloud.entry.doors import DoorKind, SiteClock
from cloud.entry.entries import PASSED
from cloud.entry.lists import Times
from cloud.entry.tables import EntryRow, KeptPalmRow
from cloud.jobs.errands import run_errands
from cloud.keys.persons import find_person
from cloud.messages import Way
from cloud.people import accounts, alerts
from cloud.people.deletions import remains_of
from cloud.settings import Settings
from cloud.web.devices import revoke_device
from protocol.credential import Credential, CredentialFormat
from protocol.encoding import from_base64
from protocol.entry import (
    Admission,
    DoorTold,
    Entry,
    EntryRefusal,
    ListRequest,
    OfflinePassage,
    SiteList,
)
from protocol.envelope import NotSealedToUs, PrivateKey
from protocol.hours import Hours
from protocol.messages import (
    DeletionReceipt,
    DeletionRequest,
    Direction,
    ProblemType,
    Purpose,
)
from protocol.site_list import binding, open_templates
from tests.cloud.merchants.test_merchants import agree
from tests.support import plain_palms
from tests.support.device import TestDevice, fresh_phone, refusal
from tests.support.served import CURRENT, OLD, PLAIN, Served
from tests.support.sites import DOOR, Site, show_palm

BADGE = Credential(format=CredentialFormat.WIEGAND_26, facility=12, number=4567)


@pytest.fixture
def phone(kiosk: TestDevice, who: str) -> str:
    phone = fresh_phone()
    kiosk.sign_up(who, phone=phone)
    return phone


def gate_of(site: Site, **changes: Any) -> TestDevice:
    """Returns a gate that may do without a network for four hours."""
    return site.gate(**{"everyone": False, "list_hours": 4} | changes)


def asked(gate: TestDevice, who: str) -> Entry:
    """Returns what somebody is asked at a gate who has agreed to their access there."""
    entry = show_palm(gate, who)
    if entry.admission is Admission.ASK:
        entry = gate.post(f"/entries/{entry.entry_id}/agreement", None, Entry)
    return entry


def shown(
    gate: TestDevice, entry: Entry, who: str, purpose: Purpose = Purpose.KEEP, **how: Any
) -> httpx.Response:
    """Returns the answer to a palm that is shown to be kept."""
    envelope = gate.seal(plain_palms.burst(who, **how), purpose, entry.entry_id)
    kind = "application/palm-envelope"
    return gate.send("PUT", f"/entries/{entry.entry_id}/palm", envelope, content_type=kind)


def keeps(gate: TestDevice, who: str) -> Entry:
    """Has somebody let the gates of the site keep their palm."""
    entry = asked(gate, who)
    assert entry.admission is Admission.ASK_TO_KEEP
    answer = shown(gate, entry, who)
    assert answer.is_success, answer.text
    return Entry.model_validate_json(answer.content)


def ask_list(gate: TestDevice, key: PrivateKey) -> httpx.Response:
    body = ListRequest(key=key.public).model_dump_json().encode()
    return gate.send("PUT", "/door/list", body)


def list_of(gate: TestDevice) -> tuple[SiteList, list[bytes | None]]:
    """Returns the list of a gate, and the templates, opened."""
    key = PrivateKey.generate()
    answer = ask_list(gate, key)
    assert answer.is_success, answer.text
    told = SiteList.model_validate_json(answer.content)
    bound_to = binding(gate.id, [each.mark for each in told.people])
    return told, open_templates(from_base64(told.templates), key, bound_to)


def tell_passed(gate: TestDevice, mark: str, after_s: int = 60, name: str = "") -> httpx.Response:
    body = OfflinePassage(mark=mark, after_s=after_s).model_dump_json().encode()
    return gate.send("PUT", f"/door/passages/{name or secrets.token_hex(8)}", body)


def wants_messages(served: Served, phone: str) -> None:
    """Has somebody told of each use of their palm."""
    person_id, context = served.person_id(phone), served.context

    async def switch_on() -> None:
        async with context.database.session() as session:
            person = await find_person(session, context.master, person_id)
            await alerts.switch_on(session, person, Way.TEXT, context.clock())
            await session.commit()

    served.do(switch_on())


@pytest.fixture
def listed(site: Site, phone: str, who: str) -> TestDevice:
    """A gate at which somebody has access and has let it keep their palm."""
    return lets_keep(site, phone, who)


def lets_keep(site: Site, phone: str, who: str) -> TestDevice:
    """Returns a gate at which somebody has access and has let it keep their palm."""
    gate = gate_of(site)
    agree(gate, gate.identify(who, Purpose.ENTER))
    site.give(phone, Access(person="E-1001"))
    assert keeps(gate, who).admission is Admission.OPEN
    return gate


# The agreement


def test_a_person_is_asked_once_and_shows_their_palm_for_it(listed: TestDevice, who: str):
    assert listed.get("/door", DoorTold).keeps_list
    assert show_palm(listed, who).admission is Admission.OPEN
    told, (template,) = list_of(listed)
    assert (len(told.people), told.valid_s, told.version) == (1, 4 * 3600, plain_palms.VERSION)
    assert told.admission is Admission.OPEN
    assert template is not None
    # It is the palm that they have shown, in a form that is compared.
    probe = plain_palms.PlainExtractor().extract(
        plain_palms.PlainExaminer().examine(plain_palms.burst(who), ()).palms
    )
    assert probe.data == template


def test_who_declines_passes_all_the_same_and_is_not_asked_again(site: Site, phone: str, who: str):
    gate = gate_of(site)
    agree(gate, gate.identify(who, Purpose.ENTER))
    site.give(phone, Access(person="E-1001"))
    entry = asked(gate, who)
    answer = gate.send("DELETE", f"/entries/{entry.entry_id}/palm")
    assert Entry.model_validate_json(answer.content).admission is Admission.OPEN
    assert show_palm(gate, who).admission is Admission.OPEN
    assert list_of(gate)[1] == []


def test_a_palm_is_kept_only_of_whom_it_is_and_when_it_was_shown_for_that(
    served: Served, site: Site, kiosk: TestDevice, phone: str, who: str
):
    gate = gate_of(site)
    agree(gate, gate.identify(who, Purpose.ENTER))
    site.give(phone, Access(person="E-1001"))
    entry = asked(gate, who)
    kiosk.sign_up(f"{who} II")
    before = served.count(KeptPalmRow)
    for answer, kind in (
        (shown(gate, entry, f"{who} II"), ProblemType.NOT_ACCEPTED),
        (shown(gate, entry, "a stranger"), ProblemType.NOT_ACCEPTED),
        (shown(gate, entry, who, Purpose.ENTER), ProblemType.ENVELOPE_UNREADABLE),
        (shown(gate, entry, who, score=-1.0), ProblemType.NOT_ACCEPTED),
    ):
        assert refusal(answer).type is kind
    assert served.count(KeptPalmRow) == before
    # And a palm that was shown to be kept identifies nobody.
    envelope = gate.seal(plain_palms.burst(who), Purpose.KEEP, "some-visit")
    kind = "application/palm-envelope"
    sent = gate.send("POST", "/identifications", envelope, content_type=kind)
    assert refusal(sent).type is ProblemType.ENVELOPE_UNREADABLE


@pytest.mark.parametrize(
    "changes",
    [
        {"list_hours": 0},
        {"everyone": True},
        {"kind": DoorKind.DESK},
        {"kind": DoorKind.VENUE},
    ],
)
def test_a_door_that_does_not_do_without_a_network_has_no_list(site: Site, changes: dict[str, Any]):
    gate = gate_of(site, **changes)
    assert not gate.get("/door", DoorTold).keeps_list
    assert refusal(ask_list(gate, PrivateKey.generate())).type is ProblemType.NOT_FOUND


def test_a_kiosk_that_sees_life_by_near_infrared_has_no_list(served: Served, site: Site):
    gate = gate_of(site)
    gate.activate(served.activation_code(site.id), infrared=True)
    assert refusal(ask_list(gate, PrivateKey.generate())).type is ProblemType.NOT_FOUND


# What the kiosk is given


def test_templates_open_for_the_kiosk_that_asked_and_with_the_key_of_this_list_alone(
    listed: TestDevice,
):
    key = PrivateKey.generate()
    told = SiteList.model_validate_json(ask_list(listed, key).content)
    marks = [each.mark for each in told.people]
    sealed = from_base64(told.templates)
    for other, bound_to in (
        (PrivateKey.generate(), binding(listed.id, marks)),
        (key, binding("another-device", marks)),
        (key, binding(listed.id, [*marks, "x"])),
    ):
        with pytest.raises(NotSealedToUs):
            open_templates(sealed, other, bound_to)


def test_a_list_is_of_one_site_alone(served: Served, site: Site, listed: TestDevice):
    """Another site of the same merchant, another merchant, no door, and a revoked device."""
    elsewhere = gate_of(Site(served, served.merchant()))
    assert list_of(elsewhere)[0].people == []
    assert refusal(ask_list(served.kiosk(site.id), PrivateKey.generate())).status == 404

    async def revoke() -> None:
        async with served.context.database.session() as session:
            await revoke_device(session, listed.id, served.context.clock())
            await session.commit()

    served.do(revoke())
    unknown = refusal(ask_list(listed, PrivateKey.generate()))
    assert unknown.type is ProblemType.UNKNOWN_DEVICE


@pytest.mark.parametrize(
    ("given", "times"),
    [
        ({}, [(0, 7), (23, 24)]),
        ({"hours": "mon-sun 12:00-13:00"}, [(2, 3)]),
        ({"hours": "mon-sun 12:00-13:00", "first_day": date(2027, 1, 6)}, []),
        ({"last_day": date(2027, 1, 5)}, [(0, 7)]),
        ({"last_day": date(2027, 1, 4)}, []),
        ({"doors": ("South",)}, []),
    ],
)
def test_a_list_says_when_each_may_pass(given: dict[str, Any], times: list[tuple[int, int]]):
    """At ten in the morning, for a day, at a door that is open from nine to five."""
    door = replace(DOOR, hours=Hours.parse("mon-sun 09:00-17:00"))
    clock = SiteClock(ZoneInfo("Europe/Berlin"), ())
    now = datetime(2027, 1, 5, 9, tzinfo=UTC)
    found = Times(door, clock, now, timedelta(days=1)).of(Access(person="E-1001", **given))
    assert [(begin / 3600, end / 3600) for begin, end in found] == times


def test_who_may_not_pass_within_the_hours_of_a_list_is_not_on_it(
    site: Site, listed: TestDevice, phone: str
):
    site.give(phone, Access(person="E-1001", last_day=date(2020, 1, 1)))
    assert list_of(listed)[0].people == []
    site.give(phone, Access(person="E-1001", doors=("South",)))
    assert list_of(listed)[0].people == []


def test_at_a_controller_the_list_has_the_credential(site: Site, phone: str, who: str):
    gate = gate_of(site, kind=DoorKind.CONTROLLER)
    agree(gate, gate.identify(who, Purpose.ENTER))
    site.give(phone, Access(person="E-1001", credential=BADGE))
    keeps(gate, who)
    told, _ = list_of(gate)
    assert told.admission is Admission.PRESENT
    assert told.people[0].credential == BADGE


def test_whose_palm_was_kept_in_an_earlier_version_is_listed_apart_with_a_score_of_its_own(
    tmp_path: Path, who: str
):
    both = PLAIN.model_copy(update={"schemes": (CURRENT, OLD)})
    with Served(tmp_path, Settings(recognition=both)) as served:
        phone = fresh_phone()
        served.kiosk().sign_up(who, phone=phone)
        site = Site(served, served.merchant(name="Works"))
        gate = lets_keep(site, phone, who)
        # A kiosk of before does not know that there are others, and is told of them only then.
        assert "earlier" not in ask_list(gate, PrivateKey.generate()).json()
        person_id, context = served.person_id(phone), served.context

        async def as_of_before() -> None:
            async with context.database.session() as session:
                person = await find_person(session, context.master, person_id)
                given = await kept_palms.answer_of(session, person, site.id)
                assert given is not None
                assert given.palm is not None
                kept = given.palm.model_copy(update={"version": OLD.version})
                before = kept_palms.Answer(palm=kept)
                await kept_palms.answer(session, person, site.id, before, context.clock())
                await session.commit()

        served.do(as_of_before())
        told, _ = list_of(gate)
    assert told.people == []
    (earlier,) = told.earlier
    assert (earlier.version, len(earlier.people)) == (OLD.version, 1)
    assert earlier.at_least == pytest.approx(100 * told.at_least)


def test_whose_access_was_taken_or_who_is_frozen_is_on_no_list(
    served: Served, site: Site, listed: TestDevice, phone: str
):
    person_id = served.person_id(phone)
    before = served.count(KeptPalmRow)

    async def change(*, frozen: bool) -> None:
        context = served.context
        async with context.database.session() as session:
            person = await find_person(session, context.master, person_id)
            if frozen:
                await accounts.freeze(session, person, context.clock())
            else:
                await access.take(session, person_id, site.id)
            await session.commit()

    served.do(change(frozen=True))
    assert list_of(listed)[0].people == []
    served.do(change(frozen=False))
    assert list_of(listed)[0].people == []
    assert served.count(KeptPalmRow) == before - 1


def test_nothing_is_left_after_a_deletion_and_the_receipt_tells_of_the_gates_memory(
    served: Served, listed: TestDevice, who: str
):
    before = served.count(KeptPalmRow)
    request = DeletionRequest(identification_id=listed.recognised(who, Purpose.LEAVE))
    receipt = listed.post("/deletions", request, DeletionReceipt)
    assert served.count(KeptPalmRow) == before - 1
    (kept,) = [each for each in receipt.retained if "memory of gates" in each.what]
    assert kept.until - receipt.at == kept_palms.LONGEST
    served.do(run_errands(served.context))
    assert served.do(remains_of(receipt.receipt_id, served.state, served.database)) == []
    assert list_of(listed)[0].people == []


def test_who_withdraws_from_the_merchant_is_on_no_list(
    served: Served, listed: TestDevice, who: str
):
    before = served.count(KeptPalmRow)
    found = listed.recognised(who, Purpose.LEAVE)
    receipt = listed.post(f"/identifications/{found}/withdrawal", None, DeletionReceipt)
    assert any("memory of gates" in each.what for each in receipt.retained)
    assert served.count(KeptPalmRow) == before - 1
    assert list_of(listed)[0].people == []


# What is told afterwards


def test_a_passage_without_a_network_is_told_afterwards_and_counts(
    served: Served, site: Site, phone: str, who: str
):
    gate = gate_of(site, area="Plant")
    agree(gate, gate.identify(who, Purpose.ENTER))
    site.give(phone, Access(person="E-1001"))
    entry = asked(gate, who)
    shown(gate, entry, who)
    gate.send("PUT", f"/entries/{entry.entry_id}/passage", b'{"passed": false}')
    assert site.areas_of(phone) == []
    told, _ = list_of(gate)
    before = served.count(EntryRow)
    wants_messages(served, phone)
    for _ in range(2):
        told_of = tell_passed(gate, told.people[0].mark, after_s=1, name="passage-0001")
        assert told_of.status_code == 204
    assert served.count(EntryRow) == before + 1
    assert site.areas_of(phone) == ["Plant"]
    served.do(run_errands(served.context))
    sent = gate.http.get("/v1/sandbox/messages").json()
    assert len([each for each in sent if each["to"] == phone and PASSED in each["text"]]) == 1
    assert show_palm(gate, who).refusal is EntryRefusal.ALREADY_IN


def test_a_passage_at_a_gate_whose_clock_is_ahead_is_noted_as_of_now(
    site: Site, phone: str, who: str
):
    """A kiosk counts by the clock that is further, and forgets a passage that is refused."""
    gate = gate_of(site, area="Plant")
    agree(gate, gate.identify(who, Purpose.ENTER))
    site.give(phone, Access(person="E-1001"))
    entry = keeps(gate, who)
    gate.send("PUT", f"/entries/{entry.entry_id}/passage", b'{"passed": false}')
    told, _ = list_of(gate)
    assert tell_passed(gate, told.people[0].mark, after_s=3600).status_code == 204
    assert site.areas_of(phone) == ["Plant"]
    # It is not later than a passage of which the service has known since.
    way_out = gate_of(site, area="Plant", direction=Direction.EXIT)
    assert show_palm(way_out, who).admission is Admission.OPEN
    assert site.areas_of(phone) == []


def test_passages_are_told_in_any_order_and_the_last_one_counts(
    served: Served, site: Site, phone: str, who: str
):
    """After an outage each gate tells by itself: one out may be told before the one in."""
    way_in = gate_of(site, area="Plant")
    way_out = gate_of(site, area="Plant", direction=Direction.EXIT)
    agree(way_in, way_in.identify(who, Purpose.ENTER))
    site.give(phone, Access(person="E-1001"))
    entry = keeps(way_in, who)
    way_in.send("PUT", f"/entries/{entry.entry_id}/passage", b'{"passed": false}')
    marks = {gate: list_of(gate)[0].people[0].mark for gate in (way_in, way_out)}
    served.ahead = way_in.ahead = way_out.ahead = timedelta(minutes=10)
    for gate, after_s in ((way_out, 120), (way_in, 60)):
        assert tell_passed(gate, marks[gate], after_s).status_code == 204
    assert site.areas_of(phone) == []
    assert show_palm(way_in, who).admission is Admission.OPEN
    assert tell_passed(way_out, marks[way_out], 180).status_code == 204
    assert site.areas_of(phone) == ["Plant"], "what counts later is known already"


def test_of_who_has_withdrawn_meanwhile_no_passage_is_noted(
    served: Served, listed: TestDevice, who: str
):
    told, _ = list_of(listed)
    found = listed.recognised(who, Purpose.LEAVE)
    listed.post(f"/identifications/{found}/withdrawal", None, DeletionReceipt)
    before = served.count(EntryRow)
    assert tell_passed(listed, told.people[0].mark, after_s=1).status_code == 204
    assert served.count(EntryRow) == before


def test_what_did_not_count_is_not_noted(served: Served, site: Site, listed: TestDevice, who: str):
    told, _ = list_of(listed)
    (person,) = told.people
    before = served.count(EntryRow)
    elsewhere = gate_of(Site(served, served.merchant()))
    for answer in (
        tell_passed(listed, "not-a-mark-of-ours"),
        tell_passed(listed, person.mark[:-4] + "AAAA"),
        # After the list had expired.
        tell_passed(listed, person.mark, after_s=told.valid_s + 1),
        tell_passed(elsewhere, person.mark),
    ):
        assert refusal(answer).type is ProblemType.NOT_FOUND
    # Of somebody who was deleted meanwhile nothing is noted, and the kiosk may forget it.
    request = DeletionRequest(identification_id=listed.recognised(who, Purpose.LEAVE))
    listed.post("/deletions", request, DeletionReceipt)
    gone = served.count(EntryRow)
    assert tell_passed(listed, person.mark).status_code == 204
    assert served.count(EntryRow) == gone < before
