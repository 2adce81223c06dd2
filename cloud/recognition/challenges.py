"""Light challenges: each is issued to one device for one capture, valid for two minutes, and used
once.

The seed is drawn when a device asks for it, so nothing that was recorded earlier can answer it. A
challenge is used up by the envelope that names it, whatever the vault finds in that envelope.
"""

import os
from datetime import datetime

from fastapi import APIRouter
from sqlalchemy import delete
from sqlalchemy.ext.asyncio import AsyncSession

from cloud.db.tables import new_id
from cloud.policy import CHALLENGE_LIFE, Limits
from cloud.recognition.tables import ChallengeRow
from cloud.web import limits, signed_request
from cloud.web.problems import Refusal
from cloud.web.signed_request import Call, Caller
from protocol.challenge import SEED_BYTES
from protocol.encoding import to_base64
from protocol.messages import Challenge, ProblemType

router: APIRouter = signed_request.router()


@router.post("/challenges")
async def issue(call: Caller) -> Challenge:
    await limits.spend(call.session, Limits.CHALLENGES_BY_DEVICE, call.device_id, call.now)
    row = ChallengeRow(
        id=new_id(),
        device_id=call.device_id,
        seed=os.urandom(SEED_BYTES),
        expires_at=call.now + CHALLENGE_LIFE,
    )
    call.session.add(row)
    return Challenge(challenge_id=row.id, seed=to_base64(row.seed), expires_at=row.expires_at)


async def seed_of(call: Call, challenge_id: str) -> bytes:
    """Returns the seed of a challenge that the calling device can still answer. Raises Refusal."""
    row = await call.session.get(ChallengeRow, challenge_id)
    if row is None or row.device_id != call.device_id or row.expires_at <= call.now:
        raise Refusal(ProblemType.CHALLENGE_REFUSED)
    return row.seed


async def spend(call: Call, challenge_id: str) -> None:
    """Raises Refusal when another request has used the challenge meanwhile."""
    spent = await call.session.execute(
        delete(ChallengeRow).where(ChallengeRow.id == challenge_id).returning(ChallengeRow.id)
    )
    if spent.first() is None:
        raise Refusal(ProblemType.CHALLENGE_REFUSED)


async def forget_expired(session: AsyncSession, now: datetime) -> None:
    await session.execute(delete(ChallengeRow).where(ChallengeRow.expires_at <= now))
