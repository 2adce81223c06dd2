"""Verifications: whether a palm is that of certain people, 1:1, so that no digits are needed."""

from collections.abc import Awaitable, Callable, Collection
from dataclasses import dataclass

from fastapi import Request

from cloud.matching import Match
from cloud.policy import Limits
from cloud.recognition import captures
from cloud.recognition.identifications import (
    attempts_left,
    record,
    record_lifeless,
    still_matching,
    wants_pulse,
)
from cloud.recognition.proofs import count_guess
from cloud.recognition.renewals import renew_template
from cloud.vault.client import Lifeless
from cloud.vault.messages import ExaminedPalm
from cloud.web.signed_request import Call
from protocol.messages import Identification, Outcome, Purpose


@dataclass(frozen=True, slots=True)
class Claimed:
    """Whose palm it has to be."""

    person_ids: Collection[str]
    """None where nobody is known to be meant: it takes as long, and nothing matches."""
    about: Collection[str]
    """The subjects against whom a guess counts (`cloud.recognition.proofs`)."""


async def verify(
    call: Call,
    request: Request,
    visit_id: str,
    purpose: Purpose,
    claimed: Callable[[], Awaitable[Claimed]],
) -> Identification:
    """Compares the palm of a request with those of the people who are claimed, and stores how that
    ended. `claimed` is asked before the vault is, and again afterwards: whoever was claimed may
    have left meanwhile, or have deleted this palm. Raises Refusal, also what `claimed` raises, and
    VaultUnavailable."""
    session, context = call.session, call.context
    holders = (await claimed()).person_ids
    await captures.count(call, Limits.SEARCHES_BY_DEVICE)
    await session.commit()

    async def compare(examined: ExaminedPalm) -> Match | None:
        enough = context.policy.verify()
        for person_id in holders or (None,):
            match = await context.gallery.verify(examined.side, examined.probes, person_id, enough)
            if match is not None:
                return match
        return None

    try:
        examined, match = await captures.examine(call, request, [purpose], compare, visit_id)
    except Lifeless as lifeless:
        await count_guess(call, (await claimed()).about)
        return await record_lifeless(call, lifeless)
    now_claimed = await claimed()
    if match is not None and (
        match.person_id not in now_claimed.person_ids or not await still_matching(session, [match])
    ):
        match = None
    left = await attempts_left(call, visit_id)
    if await wants_pulse(call, examined):
        return await record(
            call,
            visit_id=visit_id,
            purpose=purpose,
            outcome=Outcome.HOLD_LONGER if left else Outcome.REFUSED,
            attempts_left=left,
        )
    guess = await count_guess(call, now_claimed.about)
    if match is not None:
        await guess.was_right(session)
        await renew_template(call, examined, match)
    refused = Outcome.ASK_AGAIN if left else Outcome.REFUSED
    return await record(
        call,
        visit_id=visit_id,
        purpose=purpose,
        outcome=Outcome.ACCEPTED if match else refused,
        attempts_left=left,
        person_id=match.person_id if match else None,
        pulse=examined.pulse,
        digits=True,
    )
