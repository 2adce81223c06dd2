"""Dangerous acts need two people: one member of staff asks, and another who has the same right
approves.

Each such act is registered here, with the right that it needs and the type of its arguments, which
are stored until somebody decides. The transaction that stores the approval also carries out the
act, so it is carried out once. Two acts cannot be carried out there: one returns a file to whoever
has asked for it, the other needs the service's machine. They are "taken" after the approval, once.

On the command line, everybody who has the service's machine may ask and approve. Nobody approves
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
"""How long a request can be approved after it was made, and taken after it was approved."""
KEPT = timedelta(days=30)
"""How long a request is stored, so that whoever has made it sees what became of it."""
ALONE = 3
"""How many kiosks one member of staff may revoke within a day without a second person, because a
stolen kiosk has to be revoked at once."""
FILES_ALONE = 5
"""How many files of sales one member of staff may export within a day without a second person. Each
is of one site or kiosk and of a month at most (`cloud.console.sales.is_small`)."""
BY_KEY = 20
"""How many requests one key may make within a day. With a stolen key, an attacker could otherwise
make so many that somebody approves one without looking."""


class ApprovalState(StrEnum):
    WAITING = "waiting"
    APPROVED = "approved"
    """It was approved, and can be taken."""
    DONE = "done"
    DECLINED = "declined"
    OVER = "over"
    """Nobody has decided it, or taken it, in time."""


class Why(StrEnum):
    """Why somebody cannot decide or take a request."""

    OWN = "own"
    """It is their own, which only somebody else approves."""
    OVER = "over"
    """It does not wait any more."""
    KEY = "key"
    """The key with which it was made was removed or has expired: it may have been stolen."""
    ACCOUNT = "account"
    """The account with which it was made has ended: somebody else may have used it."""


class CannotDecide(Exception):
    def __init__(self, why: Why) -> None:
        super().__init__(why.value)
        self.why = why


class Arguments(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    @property
    def told(self) -> Mapping[str, str]:
        """Returns what the audit trail says of them, in ids and words of this program."""
        return {}


class Nothing(Arguments):
    pass


class Kiosks(Arguments):
    device_ids: tuple[str, ...]

    @property
    def told(self) -> Mapping[str, str]:
        return {"kiosks": " ".join(self.device_ids)}


class Chosen(Arguments):
    """A choice of sales, as in the query of a page's address. An empty field means any."""

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
    """A kind of act that needs two people."""

    name: str
    """What is done, in the audit trail's words after "ask to" and "approve to"."""
    right: Right
    """The right that both people need."""
    arguments: type[A]
    do: Callable[[AsyncSession, By, AskedRow, A], Awaitable[None]] | None
    """Carries out the act, as far as it is still possible; None for an act that is taken after its
    approval."""

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
    """Stores a request for an act that concerns a merchant, or all merchants where `merchant_id` is
    None. Raises Refusal for a key that has made BY_KEY requests within a day."""
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
    """Approves a request, which carries out the act, or declines it. Raises CannotDecide. Nothing
    can be approved with a key."""
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
    """Raises CannotDecide when the key or the account that has made a request is gone."""
    match row.door:
        case Door.API if await key_named(session, KeyUse.API, row.who, now) is None:
            raise CannotDecide(Why.KEY)
        case Door.CONSOLE if await members.find_member(session, row.who) is None:
            raise CannotDecide(Why.ACCOUNT)
        case _:
            pass


async def take(session: AsyncSession, by: By, request_id: str) -> AskedRow:
    """Marks an approved request as done, which is possible once. Raises CannotDecide."""
    row = await held(session, AskedRow, request_id)
    if row is None or state(row, by.at) is not ApprovalState.APPROVED:
        raise CannotDecide(Why.OVER)
    row.state = ApprovalState.DONE
    await audit.append(session, by, row.act, row.id, merchant_id=row.merchant_id)
    return row


async def _must_ask_for_little(session: AsyncSession, by: By) -> None:
    """Raises Refusal for a key that has made BY_KEY requests within a day."""
    await lock(session, "asked", by.who)
    theirs = AskedRow.door == by.door, AskedRow.who == by.who, AskedRow.at > by.at - LIFE
    found = select(func.count(), func.min(AskedRow.at)).where(*theirs)
    count, first = (await session.execute(found)).one()
    if count >= BY_KEY:
        wait = int((first + LIFE - by.at).total_seconds()) + 1
        detail = f"a key may make {BY_KEY} requests for approval within a day"
        raise Refusal(ProblemType.TOO_MANY_ATTEMPTS, detail, retry_after=wait)


def is_own(row: AskedRow, by: By) -> bool:
    return (row.door, row.who) == (by.door, by.who)


def state(row: AskedRow, now: datetime) -> ApprovalState:
    """Returns the state of a request at the time `now`."""
    kept = ApprovalState(row.state)
    may_end = kept in (ApprovalState.WAITING, ApprovalState.APPROVED)
    return ApprovalState.OVER if may_end and row.expires_at <= now else kept


def may_decide(reach: Reach, row: AskedRow) -> bool:
    """Returns whether somebody has the right to an act and its merchant in reach, and so may see
    and decide the request for it."""
    return reach.may(ACTS[row.act].right) and reach.covers(row.merchant_id)


def must_be_own(reach: Reach, by: By, row: AskedRow, act: Act[Any]) -> None:
    """Raises Refusal unless a request is for this act and was made by whoever acts now."""
    if row.act != act.name or not is_own(row, by) or not may_decide(reach, row):
        raise Refusal(ProblemType.NOT_FOUND)


async def seen(session: AsyncSession, reach: Reach) -> list[AskedRow]:
    """Returns the stored requests that somebody may see and decide, the newest first."""
    return [row for row in await all_asked(session) if may_decide(reach, row)]


async def all_asked(session: AsyncSession) -> Sequence[AskedRow]:
    """Returns all stored requests, the newest first."""
    newest = select(AskedRow).order_by(AskedRow.at.desc(), AskedRow.id.desc())
    return (await session.scalars(newest)).all()


async def forget_expired(session: AsyncSession, now: datetime) -> None:
    await session.execute(delete(AskedRow).where(AskedRow.at <= now - KEPT))


# What one person may do alone


async def revokes_alone(session: AsyncSession, by: By) -> bool:
    """Returns whether somebody may revoke one more kiosk alone."""
    since = by.at - LIFE
    return await audit.count(session, by, "revoke the kiosk", since) < ALONE


async def exports_alone(session: AsyncSession, by: By) -> bool:
    """Returns whether somebody may export one more file of few sales alone."""
    since = by.at - LIFE
    return await audit.count(session, by, "export sales", since) < FILES_ALONE


async def approved_rekey(session: AsyncSession, now: datetime) -> str | None:
    """Returns the id of an approved request to replace the gallery's secret, None when there is
    none."""
    for row in await all_asked(session):
        if row.act == REKEY.name and state(row, now) is ApprovalState.APPROVED:
            return row.id
    return None


async def are_two(session: AsyncSession) -> bool:
    """Returns whether there are two operators, as an act that concerns all merchants needs."""
    everybody = await members.all_members(session)
    return sum(member.role == Role.OPERATOR for member in everybody) > 1
