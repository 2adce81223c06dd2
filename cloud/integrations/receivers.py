"""Receivers of webhooks: a merchant's own systems, and the record of what was told to them."""

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Literal, cast

from fastapi import APIRouter
from pydantic import AwareDatetime, Field
from sqlalchemy import delete, func, select
from sqlalchemy.ext.asyncio import AsyncSession

from cloud.context import Context, Event
from cloud.db.locks import held, lock
from cloud.db.tables import follows, new_id
from cloud.integrations import addresses, asking, events, paging
from cloud.integrations.asking import Asked, Asker, AskerOnce, Scope, needs
from cloud.integrations.tables import DeliveryRow, ReceiverRow
from cloud.keys.person_keys import Key
from cloud.outbox import standard_webhooks
from cloud.policy import DELIVERIES_LISTED, SECRETS_OVERLAP
from cloud.web import signed_request
from cloud.web.problems import Refusal
from protocol.messages import Message, ProblemType

MOST = 10
"""The largest number of receivers of a merchant."""

router: APIRouter = asking.router()


State = Literal["waiting", "delivered", "given_up", "gone"]


class Webhook(Message):
    """Where a merchant's own system is told of which events."""

    url: Annotated[str, Field(min_length=1, max_length=addresses.LONGEST)]
    events: Annotated[list[Event], Field(min_length=1, max_length=len(Event))]


class Receiver(Message):
    receiver_id: str
    url: str
    events: list[Event]
    made_at: AwareDatetime
    secret_before_until: AwareDatetime | None
    """Until when the secret before signs as well; null without one."""


class NewReceiver(Receiver):
    secret: str = Field(repr=False)
    """What checks signatures. It is told this once."""


class Receivers(Message):
    receivers: list[Receiver]


class Delivery(Message):
    """An event on its way to a receiver."""

    delivery_id: str
    event_id: str
    """The header `webhook-id`."""
    type: str
    at: AwareDatetime
    """When it happened."""
    state: State
    """`given_up` after a day, and after 30 days that somebody has left; `gone` when whom it was
    about has left meanwhile."""
    attempts: int
    status: int | None
    """The HTTP status of the last answer."""
    fault: str | None
    """Why there was no answer."""
    tried_at: AwareDatetime | None
    due_at: AwareDatetime | None
    """When it is tried next."""


class Deliveries(Message):
    deliveries: list[Delivery]
    next: str | None
    """The `cursor` of the next page; null on the last one."""


@router.get("/webhooks", dependencies=needs(Scope.WEBHOOKS_READ))
async def show_all(asked: Asker) -> Receivers:
    """Lists the merchant's receivers, the oldest first."""
    rows = await asked.session.scalars(
        select(ReceiverRow)
        .where(ReceiverRow.merchant_id == asked.merchant_id)
        .order_by(ReceiverRow.made_at, ReceiverRow.id)
    )
    return Receivers(receivers=[_told(row, asked.call.now) for row in rows])


@router.post(
    "/webhooks",
    dependencies=needs(Scope.WEBHOOKS_WRITE),
    responses=signed_request.leads_to(
        "receiver_id",
        "receivers.show",
        "receivers.change",
        "receivers.remove",
        "receivers.renew_secret",
        "receivers.test",
        "receivers.list_deliveries",
    ),
)
async def add(asked: AskerOnce, webhook: Webhook) -> NewReceiver:
    """Adds a receiver, and tells the secret that it checks signatures with."""
    await lock(asked.session, "receivers", asked.merchant_id)
    theirs = ReceiverRow.merchant_id == asked.merchant_id
    count = await asked.session.scalar(select(func.count()).where(theirs))
    if (count or 0) >= MOST:
        raise Refusal(ProblemType.CONFLICT, f"there are {MOST} receivers, the largest number")
    _must_be_allowed(asked.context, webhook.url)
    receiver_id, secret = f"rcv_{new_id()}", standard_webhooks.new_secret()
    row = ReceiverRow(
        id=receiver_id,
        merchant_id=asked.merchant_id,
        url=webhook.url,
        events=_written(webhook.events),
        secret=_seal(asked.context, receiver_id, secret),
        secret_before=None,
        before_until=None,
        made_at=asked.call.now,
    )
    asked.session.add(row)
    return _told_once(row, asked.call.now, secret)


@router.get("/webhooks/{receiver_id}", dependencies=needs(Scope.WEBHOOKS_READ))
async def show(asked: Asker, receiver_id: str) -> Receiver:
    return _told(await _find(asked, receiver_id), asked.call.now)


@router.put("/webhooks/{receiver_id}", dependencies=needs(Scope.WEBHOOKS_WRITE))
async def change(asked: Asker, receiver_id: str, webhook: Webhook) -> Receiver:
    """Has a receiver told elsewhere, or of other events, from now on."""
    row = await _find(asked, receiver_id)
    _must_be_allowed(asked.context, webhook.url)
    row.url, row.events = webhook.url, _written(webhook.events)
    return _told(row, asked.call.now)


@router.delete("/webhooks/{receiver_id}", status_code=204, dependencies=needs(Scope.WEBHOOKS_WRITE))
async def remove(asked: Asker, receiver_id: str) -> None:
    """Removes a receiver, with the record of what was told to it."""
    await asked.session.delete(await _find(asked, receiver_id))


@router.post("/webhooks/{receiver_id}/secret", dependencies=needs(Scope.WEBHOOKS_WRITE))
async def renew_secret(asked: AskerOnce, receiver_id: str) -> NewReceiver:
    """Makes another secret, and tells it. For a day both sign."""
    row, secret = await _find(asked, receiver_id), standard_webhooks.new_secret()
    row.secret_before, row.before_until = row.secret, asked.call.now + SECRETS_OVERLAP
    row.secret = _seal(asked.context, row.id, secret)
    return _told_once(row, asked.call.now, secret)


@router.post(
    "/webhooks/{receiver_id}/test", status_code=202, dependencies=needs(Scope.WEBHOOKS_WRITE)
)
async def test(asked: AskerOnce, receiver_id: str) -> Delivery:
    """Tells a receiver of an event of the type `test`, which means nothing."""
    row = await _find(asked, receiver_id)
    event_id = await events.put_test(asked.context, asked.session, asked.merchant_id, row.id)
    await asked.session.flush()
    found = await asked.session.scalars(select(DeliveryRow).where(DeliveryRow.event_id == event_id))
    return listed(found.one())


@router.get("/webhooks/{receiver_id}/deliveries", dependencies=needs(Scope.WEBHOOKS_READ))
async def list_deliveries(
    asked: Asker, receiver_id: str, cursor: paging.Cursor = None, limit: paging.Size = 50
) -> Deliveries:
    """Lists what was told to a receiver within 30 days, or is to be told, the newest first."""
    row = await _find(asked, receiver_id)
    rows = select(DeliveryRow).where(DeliveryRow.receiver_id == row.id)
    place = paging.place_of(cursor)
    if place is not None:
        rows = rows.where(follows(DeliveryRow.at, DeliveryRow.id, place))
    newest = rows.order_by(DeliveryRow.at.desc(), DeliveryRow.id.desc()).limit(limit + 1)
    found = (await asked.session.scalars(newest)).all()
    page, following = paging.page_of(found, limit, lambda row: (row.at, row.id))
    return Deliveries(
        deliveries=[listed(each) for each in page],
        next=following,
    )


@router.post(
    "/webhooks/{receiver_id}/deliveries/{delivery_id}/replay",
    status_code=202,
    dependencies=needs(Scope.WEBHOOKS_WRITE),
)
async def replay(asked: AskerOnce, receiver_id: str, delivery_id: str) -> Delivery:
    """Tells a receiver of an event once more, with the same `webhook-id`."""
    receiver = await _find(asked, receiver_id)
    row = await held(asked.session, DeliveryRow, delivery_id)
    if row is None or row.receiver_id != receiver.id:
        raise Refusal(ProblemType.NOT_FOUND)
    if not await events.is_kept(asked.session, row.event_id):
        raise Refusal(ProblemType.EXPIRED, "the event is not kept any more")
    row.state, row.due_at = "waiting", asked.call.now
    asked.call.afterwards.append(asked.context.wake)
    return listed(row)


def may_be_private(context: Context) -> bool:
    """Returns whether webhooks may be sent to addresses of this machine and of networks of the
    operator's."""
    return context.sandbox or context.settings.webhooks.private_addresses


def secrets_of(context: Context, row: ReceiverRow, now: datetime) -> list[bytes]:
    """Returns what signs for a receiver, the newest first."""
    sealed = [row.secret]
    if row.secret_before is not None and row.before_until is not None and row.before_until > now:
        sealed.append(row.secret_before)
    return [context.master.outbox.open(each, _place(row.id)) for each in sealed]


async def all_receivers(session: AsyncSession) -> list[tuple[ReceiverRow, int, int]]:
    """Returns the receivers of all merchants, each with how many events it has not taken yet and
    how many were given up."""
    counts: dict[tuple[str, str], int] = {}
    counted = select(DeliveryRow.receiver_id, DeliveryRow.state, func.count())
    for receiver_id, state, count in await session.execute(
        counted.group_by(DeliveryRow.receiver_id, DeliveryRow.state)
    ):
        counts[receiver_id, state] = count
    rows = select(ReceiverRow).order_by(ReceiverRow.merchant_id, ReceiverRow.made_at)
    return [
        (row, counts.get((row.id, "waiting"), 0), counts.get((row.id, "given_up"), 0))
        for row in await session.scalars(rows)
    ]


async def not_taken(
    session: AsyncSession,
    merchant_id: str | None,
    count: int,
    after: paging.Place | None = None,
) -> Sequence[tuple[DeliveryRow, ReceiverRow]]:
    """Returns what receivers of a merchant, or of all, have not taken although they were told, the
    newest first, at most so many: those that follow the one of this time and id."""
    tried = (DeliveryRow.state == "waiting") & (DeliveryRow.attempts > 0)
    chosen = (
        select(DeliveryRow, ReceiverRow)
        .join(ReceiverRow, ReceiverRow.id == DeliveryRow.receiver_id)
        .where(tried | (DeliveryRow.state == "given_up"))
        .order_by(DeliveryRow.at.desc(), DeliveryRow.id.desc())
        .limit(count)
    )
    if merchant_id is not None:
        chosen = chosen.where(ReceiverRow.merchant_id == merchant_id)
    if after is not None:
        chosen = chosen.where(follows(DeliveryRow.at, DeliveryRow.id, after))
    return [(delivery, receiver) for delivery, receiver in await session.execute(chosen)]


async def forget_expired(session: AsyncSession, now: datetime) -> None:
    """Deletes the record of what was told long ago."""
    is_over = DeliveryRow.at <= now - DELIVERIES_LISTED, DeliveryRow.due_at.is_(None)
    await session.execute(delete(DeliveryRow).where(*is_over))


async def reseal(session: AsyncSession, old: Key, new: Key) -> None:
    """Seals the secrets of all receivers with another key."""
    for row in await session.scalars(select(ReceiverRow)):
        place = _place(row.id)
        row.secret = new.seal(old.open(row.secret, place), place)
        if row.secret_before is not None:
            row.secret_before = new.seal(old.open(row.secret_before, place), place)


async def _find(asked: Asked, receiver_id: str) -> ReceiverRow:
    """Returns a receiver of the merchant, which nobody else changes before the transaction ends.
    Raises Refusal."""
    row = await held(asked.session, ReceiverRow, receiver_id)
    if row is None or row.merchant_id != asked.merchant_id:
        raise Refusal(ProblemType.NOT_FOUND)
    return row


def _must_be_allowed(context: Context, url: str) -> None:
    try:
        addresses.check(url, private=may_be_private(context))
    except addresses.NotAllowed as no:
        raise Refusal(ProblemType.MALFORMED, f"url: {no}", status=422) from None


def _seal(context: Context, receiver_id: str, secret: bytes) -> bytes:
    return context.master.outbox.seal(secret, _place(receiver_id))


def _place(receiver_id: str) -> str:
    return f"webhook_receivers.secret/{receiver_id}"


def _written(chosen: list[Event]) -> str:
    return " ".join(event for event in Event if event in chosen)


def _told(row: ReceiverRow, now: datetime) -> Receiver:
    until = row.before_until
    return Receiver(
        receiver_id=row.id,
        url=row.url,
        events=[Event(each) for each in row.events.split()],
        made_at=row.made_at,
        secret_before_until=until if until is not None and until > now else None,
    )


def _told_once(row: ReceiverRow, now: datetime, secret: bytes) -> NewReceiver:
    told = _told(row, now).model_dump()
    return NewReceiver(**told, secret=standard_webhooks.shown(secret))


def listed(row: DeliveryRow) -> Delivery:
    """Returns what is told of an event on its way."""
    return Delivery(
        delivery_id=row.id,
        event_id=row.event_id,
        type=row.kind,
        at=row.at,
        state=cast("State", row.state),
        attempts=row.attempts,
        status=row.status,
        fault=row.fault,
        tried_at=row.tried_at,
        due_at=row.due_at,
    )
