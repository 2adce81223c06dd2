"""Dangerous acts need two: somebody of the staff asks, and another who may do the same approves.

Each such act is registered here, with the right that it needs and the type of its arguments, which
are kept until it is decided. The approval does it, in one transaction and therefore once. What the
approval cannot do, because it is a file for whoever has asked or needs the service's machine, is
taken afterwards, once.

From the command line everybody who has the service's machine may ask and approve; nobody approves
what they have asked for themselves.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, Generic, TypeVar

from pydantic import BaseModel, ConfigDict
from sqlalchemy import delete, func, select
from sqlalchemy.ext.asyncio import AsyncSession

from cloud.console import audit, members
from cloud.console.audit import By, Door
from cloud.console.roles import Reach, Right, Role
from cloud.console.tables import AskedRow
from cloud.db.locks import held, lock
from cloud.db.tables import new_id
from cloud.web import devices
from cloud.web.merchant_keys import KeyUse, key_named
from cloud.web.problems import Refusal
from protocol.messages import ProblemType

LIFE = timedelta(days=1)
"""How long something that was asked for can be approved, and how long what was approved can be
taken."""
KEPT = timedelta(days=30)
"""How long whoever has asked sees what became of it."""
ALONE = 3
"""How many kiosks one member of staff revokes within a day without a second one. A kiosk that was
stolen has to be revoked at once."""
FILES_ALONE = 5
"""How many files of sales one member of staff takes within a day without a second one, each of one
site or kiosk and of a month at most (`cloud.console.sales.is_small`)."""
BY_KEY = 20
"""How many things one key asks for within a day. Whoever has stolen it could otherwise bury what
others ask for under requests, until somebody approves without looking."""


class ApprovalState(StrEnum):
    WAITING = "waiting"
    APPROVED = "approved"
    """It can be taken."""
    DONE = "done"
    DECLINED = "declined"
    OVER = "over"
    """Nobody has decided, or taken it, in time."""


class Why(StrEnum):
    OWN = "own"
    """Nobody approves what they have asked for."""
    OVER = "over"
    """It is not waiting any more."""
    KEY = "key"
    """The key with which it was asked for is gone: it may have been stolen."""
    ACCOUNT = "account"
    """The account with which it was asked for has ended: it may have been in somebody else's
    hands."""


class CannotDecide(Exception):
    def __init__(self, why: Why) -> None:
        super().__init__(why.value)
        self.why = why


class Arguments(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    @property
    def told(self) -> Mapping[str, str]:
        """Returns what the trail says of them, in ids and words of ours."""
        return {}


class Nothing(Arguments):
    pass


class Kiosks(Arguments):
    device_ids: tuple[str, ...]

    @property
    def told(self) -> Mapping[str, str]:
        return {"kiosks": " ".join(self.device_ids)}


class Chosen(Arguments):
    """Which sales somebody has chosen, in the words of the address; empty is any."""

    where: str = ""
    """`merchant ID`, `site ID` or `device ID`."""
    when: str = ""
    """A day such as `2026-11-29`, or a month such as `2026-11`, in UTC."""
    state: str = ""
    """`cloud.payments.sales.SaleState`."""
    reference: str = ""

    @property
    def query(self) -> Mapping[str, str]:
        return {name: value for name, value in self.model_dump().items() if value}

    @property
    def told(self) -> Mapping[str, str]:
        kind, _, name = self.where.partition(" ")
        chosen = {"kiosk" if kind == "device" else kind: name} if kind else {}
        return chosen | {what: value for what, value in self.query.items() if what != "where"}


A = TypeVar("A", bound=Arguments)


@dataclass(frozen=True)
class Act(Generic[A]):
    """Something that needs two."""

    name: str
    """What is done, as the trail says it after "ask to" and "approve to"."""
    right: Right
    """Who has it asks and approves."""
    arguments: type[A]
    do: Callable[[AsyncSession, By, AskedRow, A], Awaitable[None]] | None
    """Does it, leaving out what is not possible any more; None for what is taken afterwards."""

    async def run(self, session: AsyncSession, by: By, row: AskedRow) -> None:
        assert self.do is not None
        await self.do(session, by, row, self.arguments.model_validate_json(row.arguments))


async def _revoke(session: AsyncSession, by: By, row: AskedRow, asked: Kiosks) -> None:
    for device_id in asked.device_ids:
        device = await devices.find_device(session, device_id)
        if device is None or device.merchant_id != row.merchant_id:
            continue
        if await devices.revoke_device(session, device_id, by.at):
            act = "revoke the kiosk, as two want it"
            await audit.append(session, by, act, device_id, merchant_id=row.merchant_id)


REVOKE = Act("revoke kiosks", Right.REVOKE, Kiosks, _revoke)
EXPORT_TRAIL = Act("export the audit trail", Right.AUDIT, Nothing, None)
EXPORT_SALES = Act("export many sales", Right.EXPORT_SALES, Chosen, None)
REKEY = Act("replace the gallery's secret", Right.STAFF, Nothing, None)
ACTS: Mapping[str, Act[Any]] = {
    act.name: act for act in (REVOKE, EXPORT_TRAIL, EXPORT_SALES, REKEY)
}


# Asking and deciding


async def ask(
    session: AsyncSession, by: By, act: Act[A], arguments: A, merchant_id: str | None
) -> AskedRow:
    """Asks for an act that concerns a merchant, or all merchants where `merchant_id` is None.
    Raises Refusal for a key that has asked as often as it may."""
    if by.door is Door.API:
        await _must_ask_for_little(session, by)
    row = AskedRow(
        id=new_id(),
        act=act.name,
        arguments=arguments.model_dump_json(),
        merchant_id=merchant_id,
        door=by.door,
        who=by.who,
        at=by.at,
        expires_at=by.at + LIFE,
        state=ApprovalState.WAITING,
    )
    session.add(row)
    told = f"ask to {act.name}"
    await audit.append(session, by, told, row.id, merchant_id=merchant_id, **arguments.told)
    return row


async def decide(session: AsyncSession, by: By, request_id: str, *, approves: bool) -> AskedRow:
    """Approves what was asked for, which does it, or declines it. Raises CannotDecide. A system
    with a key approves nothing, whatever operation has led here."""
    assert not (approves and by.door is Door.API)
    row = await held(session, AskedRow, request_id)
    if row is None or state(row, by.at) is not ApprovalState.WAITING:
        raise CannotDecide(Why.OVER)
    if approves and is_own(row, by):
        raise CannotDecide(Why.OWN)
    if approves:
        await _must_be_known(session, row, by.at)
    act = ACTS[row.act]
    row.decided_by, row.decided_at = by.who, by.at
    word = "approve to" if approves else "decline to"
    await audit.append(session, by, f"{word} {act.name}", row.id, merchant_id=row.merchant_id)
    if not approves:
        row.state = ApprovalState.DECLINED
    elif act.do is None:
        row.state, row.expires_at = ApprovalState.APPROVED, by.at + LIFE
    else:
        row.state = ApprovalState.DONE
        await act.run(session, by, row)
    return row


async def _must_be_known(session: AsyncSession, row: AskedRow, now: datetime) -> None:
    """Raises CannotDecide when whoever has asked is known no more."""
    match row.door:
        case Door.API if await key_named(session, KeyUse.API, row.who, now) is None:
            raise CannotDecide(Why.KEY)
        case Door.CONSOLE if await members.find_member(session, row.who) is None:
            raise CannotDecide(Why.ACCOUNT)
        case _:
            pass


async def take(session: AsyncSession, by: By, request_id: str) -> AskedRow:
    """Takes what was approved, once. Raises CannotDecide."""
    row = await held(session, AskedRow, request_id)
    if row is None or state(row, by.at) is not ApprovalState.APPROVED:
        raise CannotDecide(Why.OVER)
    row.state = ApprovalState.DONE
    await audit.append(session, by, row.act, row.id, merchant_id=row.merchant_id)
    return row


async def _must_ask_for_little(session: AsyncSession, by: By) -> None:
    await lock(session, "asked", by.who)
    theirs = AskedRow.door == by.door, AskedRow.who == by.who, AskedRow.at > by.at - LIFE
    found = select(func.count(), func.min(AskedRow.at)).where(*theirs)
    count, first = (await session.execute(found)).one()
    if count >= BY_KEY:
        wait = int((first + LIFE - by.at).total_seconds()) + 1
        detail = f"a key asks for {BY_KEY} things within a day that need a second person"
        raise Refusal(ProblemType.TOO_MANY_ATTEMPTS, detail, retry_after=wait)


def is_own(row: AskedRow, by: By) -> bool:
    return (row.door, row.who) == (by.door, by.who)


def state(row: AskedRow, now: datetime) -> ApprovalState:
    """Returns what has become of something that was asked for."""
    kept = ApprovalState(row.state)
    may_end = kept in (ApprovalState.WAITING, ApprovalState.APPROVED)
    return ApprovalState.OVER if may_end and row.expires_at <= now else kept


def may_decide(reach: Reach, row: AskedRow) -> bool:
    """Returns whether somebody may do what was asked for, and so sees and decides it."""
    return reach.may(ACTS[row.act].right) and reach.covers(row.merchant_id)


def must_be_own(reach: Reach, by: By, row: AskedRow, act: Act[Any]) -> None:
    """Raises Refusal unless it is such an act that somebody has asked for themselves."""
    if row.act != act.name or not is_own(row, by) or not may_decide(reach, row):
        raise Refusal(ProblemType.NOT_FOUND)


async def seen(session: AsyncSession, reach: Reach) -> list[AskedRow]:
    """Returns what somebody may decide of what was asked for in the last days, the newest first."""
    return [row for row in await all_asked(session) if may_decide(reach, row)]


async def all_asked(session: AsyncSession) -> Sequence[AskedRow]:
    """Returns what was asked for in the last days, the newest first."""
    newest = select(AskedRow).order_by(AskedRow.at.desc(), AskedRow.id.desc())
    return (await session.scalars(newest)).all()


async def forget_expired(session: AsyncSession, now: datetime) -> None:
    await session.execute(delete(AskedRow).where(AskedRow.at <= now - KEPT))


# What else needs it


async def revokes_alone(session: AsyncSession, by: By) -> bool:
    """Returns whether somebody may revoke one more kiosk by themselves."""
    since = by.at - LIFE
    return await audit.count(session, by, "revoke the kiosk", since) < ALONE


async def exports_alone(session: AsyncSession, by: By) -> bool:
    """Returns whether somebody may take one more file of few sales by themselves."""
    since = by.at - LIFE
    return await audit.count(session, by, "export sales", since) < FILES_ALONE


async def approved_rekey(session: AsyncSession, now: datetime) -> str | None:
    """Returns the id of the approval by which the gallery's secret may be replaced, None when there
    is none."""
    for row in await all_asked(session):
        if row.act == REKEY.name and state(row, now) is ApprovalState.APPROVED:
            return row.id
    return None


async def are_two(session: AsyncSession) -> bool:
    """Returns whether two people could decide about what concerns all merchants: the one who asks
    cannot approve."""
    everybody = await members.all_members(session)
    return sum(member.role == Role.OPERATOR for member in everybody) > 1
