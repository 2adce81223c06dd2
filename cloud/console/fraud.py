"""The page of incidents that a person should look at: attacks that were refused, limits that were
reached, and palms that resemble those of two people."""

from typing import Annotated

from fastapi import APIRouter, Form, Response

from cloud.console import acts, attacks
from cloud.console.asking import HOME, Asked, Asker, router
from cloud.console.attacks import Remedy
from cloud.console.names import staff_in
from cloud.console.places import one_line, sites_in_reach
from cloud.console.roles import Right
from cloud.watch import incidents
from cloud.watch.incidents import NOTE_LENGTH, IncidentRow
from cloud.web.browsers import redirect
from cloud.web.problems import Refusal
from protocol.messages import ProblemType

PAGE = 50
"""How many incidents that nobody has looked at are shown."""
LATEST = 10
"""How many incidents that somebody has looked at are shown."""
ATTACKS = f"{HOME}/attacks"

routes: APIRouter = router(Right.WATCH)
looking: APIRouter = router(Right.LOOK)
freezing: APIRouter = router(Right.FREEZE)


@routes.get("/attacks")
async def list_incidents(asked: Asker) -> Response:
    session, reach = asked.session, asked.reach
    waiting = await incidents.waiting(session, reach.merchant_id, reach.site_id)
    done = await incidents.looked_at(session, reach.merchant_id, reach.site_id, LATEST)
    seen = await attacks.seen(session, reach, [*waiting[:PAGE], *done], asked.now)
    return asked.page(
        "attacks.html",
        waiting=[each for each in seen if each.row.looked_at is None],
        left=max(len(waiting) - PAGE, 0),
        done=[each for each in seen if each.row.looked_at is not None],
        sites={site.id: site.name for site in await sites_in_reach(session, reach)},
        names=await staff_in(session, reach),
        note_length=NOTE_LENGTH,
        Remedy=Remedy,
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
