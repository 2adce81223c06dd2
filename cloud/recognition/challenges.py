"""Light challenges: each is issued to one device for one capture, and used once.

The seed is drawn when a device has committed to its pictures in white, so nothing that was recorded
earlier can answer it, and nothing can be chosen to fit it. The device tells the digest of the
pictures under the light soon afterwards, and sends the pictures themselves in an envelope
(`protocol.binding`). A challenge is used up by the envelope that names it, whatever the vault finds
in that envelope.

A challenge counts against the device when it is issued, and no longer when a living hand has
answered it.
"""

import os
from datetime import datetime

from fastapi import APIRouter, Depends
from pydantic import ValidationError
from sqlalchemy import delete, update
from sqlalchemy.ext.asyncio import AsyncSession

from cloud.db.tables import new_id
from cloud.policy import CHALLENGE_LIFE, Limit, Limits
from cloud.recognition.tables import ChallengeRow
from cloud.vault.messages import LightChallenge
from cloud.web import limits, signed_request
from cloud.web.problems import Refusal
from cloud.web.signed_request import Call, Caller
from protocol.binding import ANSWER_WITHIN
from protocol.challenge import SEED_BYTES
from protocol.encoding import from_base64, to_base64
from protocol.messages import (
    Challenge,
    ChallengeAnswer,
    ChallengeAnswered,
    Commitment,
    ProblemType,
    Purpose,
)

router: APIRouter = signed_request.router()


async def _commits(call: Caller) -> None:
    """Raises Refusal for a kiosk of 0.1.0, which asks with an empty request."""
    if not call.body:
        raise Refusal(
            ProblemType.MALFORMED,
            "a light challenge is issued for a commitment to the pictures in white: update this "
            "kiosk together with its service",
            status=422,
        )


def _is_to_leave(body: bytes) -> bool:
    try:
        return Commitment.model_validate_json(body).purpose in (None, Purpose.LEAVE)
    except ValidationError:
        return False


@router.post(
    "/challenges",
    dependencies=[Depends(_commits)],
    responses=signed_request.leads_to("challenge_id", "challenges.answer"),
)
@signed_request.for_deletions(_is_to_leave)
async def issue(call: Caller, commitment: Commitment) -> Challenge:
    # Without one nobody could meet the challenge, and it would count against the device.
    call.context.vault.must_be_there()
    await limits.spend(call.session, await _limit(call), call.device_id, call.now)
    row = ChallengeRow(
        id=new_id(),
        device_id=call.device_id,
        seed=os.urandom(SEED_BYTES),
        commitment=from_base64(commitment.commitment),
        expires_at=call.now + ANSWER_WITHIN,
    )
    call.session.add(row)
    return Challenge(challenge_id=row.id, seed=to_base64(row.seed), expires_at=row.expires_at)


@router.post("/challenges/{challenge_id}/answer")
@signed_request.for_deletions()
async def answer(call: Caller, challenge_id: str, answered: ChallengeAnswer) -> ChallengeAnswered:
    until = call.now + CHALLENGE_LIFE
    taken = await call.session.execute(
        update(ChallengeRow)
        .where(
            ChallengeRow.id == challenge_id,
            ChallengeRow.device_id == call.device_id,
            ChallengeRow.answer.is_(None),
            ChallengeRow.expires_at > call.now,
        )
        .values(answer=from_base64(answered.answer), expires_at=until)
        .returning(ChallengeRow.id)
    )
    if taken.first() is None:
        raise Refusal(ProblemType.CHALLENGE_REFUSED)
    return ChallengeAnswered(expires_at=until)


async def answered(call: Call, challenge_id: str) -> LightChallenge:
    """Returns a challenge that the calling device has answered in time, and whose envelope may
    still come. Raises Refusal."""
    row = await call.session.get(ChallengeRow, challenge_id)
    if (
        row is None
        or row.device_id != call.device_id
        or row.answer is None
        or row.expires_at <= call.now
    ):
        raise Refusal(ProblemType.CHALLENGE_REFUSED)
    return LightChallenge(row.seed, row.commitment, row.answer)


async def spend(call: Call, challenge_id: str) -> None:
    """Raises Refusal when another request has used the challenge meanwhile."""
    spent = await call.session.execute(
        delete(ChallengeRow).where(ChallengeRow.id == challenge_id).returning(ChallengeRow.id)
    )
    if spent.first() is None:
        raise Refusal(ProblemType.CHALLENGE_REFUSED)


async def met(call: Call) -> None:
    """Counts a challenge of the device no longer, because a living hand has answered it."""
    await limits.take_back(call.session, await _limit(call), call.device_id)


async def _limit(call: Call) -> Limit:
    """Returns how many challenges the calling device may leave unmet."""
    passes_many = (await call.device()).passes_many
    return Limits.CHALLENGES_AT_DOOR if passes_many else Limits.CHALLENGES_BY_DEVICE


async def forget_expired(session: AsyncSession, now: datetime) -> None:
    await session.execute(delete(ChallengeRow).where(ChallengeRow.expires_at <= now))
