"""The page of what a person should look at: attacks that were refused, limits that were reached,
and palms that are near two people."""

from dataclasses import dataclass
from typing import Annotated

from fastapi import APIRouter, Form, Response

from cloud.console import acts
from cloud.console.asking import HOME, Asked, Asker, router
from cloud.console.kiosks import Kiosk, State, kiosks
from cloud.console.names import staff_in
from cloud.console.places import one_line, sites_in_reach
from cloud.console.roles import Right
from cloud.seen import Kind
from cloud.watch import incidents
from cloud.watch.incidents import NOTE_LENGTH, IncidentRow, is_serious
from cloud.web.browsers import redirect
from cloud.web.problems import Refusal
from protocol.messages import ProblemType

PAGE = 50
"""How many incidents are shown that nobody has looked at."""
LATEST = 10
"""How many of those are shown that somebody has looked at."""
ATTACKS = f"{HOME}/attacks"
LOCKING = {Kind.COPIED, Kind.LIFELESS, Kind.CHALLENGES, Kind.GUESSES_HERE, Kind.CODES}
"""What locking the kiosk may be an answer to (`incidents.html`)."""

routes: APIRouter = router(Right.WATCH)
looking: APIRouter = router(Right.LOOK)
freezing: APIRouter = router(Right.FREEZE)


@dataclass(frozen=True, slots=True)
class Shown:
    """An incident with what is known of where it was."""

    row: IncidentRow
    kiosk: Kiosk | None
    """None when its kiosk is elsewhere by now, and out of reach."""
    site: str
    """The name of the site where it was; empty when it is out of reach."""

    @property
    def kind(self) -> Kind:
        return Kind(self.row.kind)

    @property
    def is_serious(self) -> bool:
        return is_serious(self.row)

    @property
    def is_locking_offered(self) -> bool:
        return (
            self.kind in LOCKING
            and self.kiosk is not None
            and self.kiosk.state is not State.REVOKED
            and not self.kiosk.is_locked
        )


@routes.get("/attacks")
async def list_incidents(asked: Asker) -> Response:
    reach = asked.reach
    waiting = await incidents.waiting(asked.session, reach.merchant_id, reach.site_id)
    done = await incidents.looked_at(asked.session, reach.merchant_id, reach.site_id, LATEST)
    found = {each.device.id: each for each in await kiosks(asked.session, reach, asked.now)}
    sites = {site.id: site.name for site in await sites_in_reach(asked.session, asked.reach)}

    def shown(row: IncidentRow) -> Shown:
        return Shown(row, found.get(row.device_id), sites.get(row.site_id, ""))

    return asked.page(
        "attacks.html",
        waiting=[shown(row) for row in waiting[:PAGE]],
        left=max(len(waiting) - PAGE, 0),
        done=[shown(row) for row in done],
        names=await staff_in(asked.session, reach),
        note_length=NOTE_LENGTH,
    )


@looking.post("/attacks/{incident_id}/looked")
async def look(asked: Asker, note: Annotated[str, Form(max_length=NOTE_LENGTH)] = "") -> Response:
    if not await acts.look_at(asked.session, asked.by, incident_of(asked), one_line(note)):
        raise Refusal(ProblemType.CONFLICT)
    return redirect(ATTACKS)


@freezing.get("/attacks/{incident_id}/freeze")
async def ask_about_freeze(asked: Asker) -> Response:
    if incident_of(asked).person_id is None:
        raise Refusal(ProblemType.CONFLICT)
    return asked.page("freeze.html", incident=incident_of(asked))


@freezing.post("/attacks/{incident_id}/freeze")
async def freeze(asked: Asker) -> Response:
    master = asked.context.master
    if not await acts.freeze_account(asked.session, master, asked.by, incident_of(asked)):
        raise Refusal(ProblemType.CONFLICT)
    return redirect(ATTACKS)


def incident_of(asked: Asked) -> IncidentRow:
    assert asked.found.incident is not None
    return asked.found.incident
