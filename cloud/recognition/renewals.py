"""Enrols a palm anew, during a visit, when it was recognised in an old template version, or lacks
a sign that was now seen."""

from functools import partial

from cloud.keys.persons import find_person
from cloud.matching import Match
from cloud.recognition import feed, palms
from cloud.recognition.tables import PalmRow
from cloud.vault.messages import ExaminedPalm
from cloud.web.signed_request import Call


async def renew_template(call: Call, examined: ExaminedPalm, match: Match) -> None:
    """Replaces the template of a recognised palm with the one that was just made of it.

    Does nothing when the palm is enrolled in the current version and complete. It must be called in
    the transaction in which the person is accepted.
    """
    row = await call.session.get(PalmRow, match.palm_id)
    is_current = match.version == examined.current.version and not match.incomplete
    if is_current or row is None:
        return
    person = await find_person(call.session, call.context.master, match.person_id)
    palms.keep_template(person, row, examined.current)
    renewed = [palms.entry(person, row)]
    call.afterwards += [
        partial(feed.add_to_gallery, call.context, renewed),
        call.context.database.forget_erased,
    ]
