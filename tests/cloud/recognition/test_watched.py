"""What a real kiosk does is counted for those who watch, and leads to nobody who has left."""

import pytest
from sqlalchemy import select

from cloud.jobs.housekeeping import write_seen
from cloud.policy import Limits
from cloud.seen import Quality
from cloud.watch.tables import IncidentRow, TallyRow
from protocol.messages import DeletionReceipt, DeletionRequest, Purpose
from tests.cloud.recognition.test_identifications import NEARLY, step_up
from tests.support.device import Refused, TestDevice, fresh_phone
from tests.support.served import Served


def watched(
    served: Served, kiosk: TestDevice
) -> tuple[dict[str, int], dict[tuple[str, str | None], int]]:
    """Returns what became of a kiosk's palms, and what happened there about whom."""

    async def read() -> tuple[list[TallyRow], list[IncidentRow]]:
        await write_seen(served.context)
        palms = select(TallyRow).where(TallyRow.device_id == kiosk.id)
        happened = select(IncidentRow).where(IncidentRow.device_id == kiosk.id)
        async with served.database.session() as session:
            return list(await session.scalars(palms)), list(await session.scalars(happened))

    tallies, incidents = served.do(read())
    assert {row.light for row in tallies} <= {"plain"}
    counted = {row.what: row.count for row in tallies}
    seen = sum(counted.pop(each, 0) for each in Quality)
    took = sum(counted.pop(each) for each in list(counted) if each.startswith("took"))
    assert took == sum(counted.values())
    # The palm of who signs up was read as well.
    assert seen == took + 1
    return counted, {(row.kind, row.person_id): row.times for row in incidents}


def test_palms_and_guesses_are_counted_and_lead_to_nobody_who_has_left(
    served: Served, kiosk: TestDevice, who: str
):
    phone = fresh_phone()
    kiosk.sign_up(who, phone=phone)
    person_id = served.person_id(phone)
    kiosk.identify(who)
    kiosk.identify(f"not {who}")
    served.tally(Limits.FAILED_PROOFS, person_id, Limits.FAILED_PROOFS.count)
    found = kiosk.identify(who, likeness=NEARLY)
    with pytest.raises(Refused):
        step_up(kiosk, found, phone[-4:])
    palms = {"recognised": 1, "not_found": 1, "digits": 1}
    assert watched(served, kiosk) == (palms, {("guesses", person_id): 1})
    leaves = DeletionRequest(identification_id=kiosk.recognised(who, Purpose.LEAVE))
    kiosk.post("/deletions", leaves, DeletionReceipt)
    palms["recognised"] += 1
    assert watched(served, kiosk) == (palms, {("guesses", None): 1})
