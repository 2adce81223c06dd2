"""One-time codes: six digits by text message, five tries, ten minutes."""

import secrets
from datetime import datetime

from sqlalchemy import delete
from sqlalchemy.ext.asyncio import AsyncSession

from cloud.keys.person_keys import MasterKey
from cloud.recognition.policy import CODE_ATTEMPTS, CODE_LIFE
from cloud.tables import OneTimeCode
from cloud.web.problems import Refusal
from protocol.messages import ProblemType


async def make(
    session: AsyncSession, master: MasterKey, subject: str, person_id: str | None, now: datetime
) -> str:
    """A new code for an enrolment or claim; an earlier one is good no longer."""
    code = f"{secrets.randbelow(10**6):06d}"
    await session.execute(delete(OneTimeCode).where(OneTimeCode.subject == subject))
    session.add(
        OneTimeCode(
            subject=subject,
            person_id=person_id,
            lookup=master.lookup("code", f"{subject} {code}"),
            attempts_left=CODE_ATTEMPTS,
            expires_at=now + CODE_LIFE,
        )
    )
    return code


async def check(
    session: AsyncSession, master: MasterKey, subject: str, code: str, now: datetime
) -> None:
    """Uses the code up when it is right. Raises Refusal."""
    row = await session.get(OneTimeCode, subject)
    if row is None or row.expires_at <= now:
        raise Refusal(ProblemType.EXPIRED, "the code is good no longer")
    if row.attempts_left == 0:
        raise Refusal(ProblemType.TOO_MANY_ATTEMPTS, attempts_left=0)
    row.attempts_left -= 1
    if not secrets.compare_digest(row.lookup, master.lookup("code", f"{subject} {code}")):
        raise Refusal(ProblemType.WRONG_CODE, attempts_left=row.attempts_left)
    await session.delete(row)


def text(merchant: str, code: str) -> str:
    return f"{code} is your code at {merchant}. Nobody will ever ask you for it."
