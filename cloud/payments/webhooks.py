"""What the payment provider tells by itself: `POST /v1/webhooks/{provider}`.

An event is verified, stored once and answered; afterwards it is applied. Applying it reads how the
thing is now that the event is about, so events may come late, twice and in any order. What an event
says beside that is not kept: it may name the holder of a card.
"""

import logging
from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime, timedelta

from fastapi import APIRouter, Request, Response
from sqlalchemy import ColumnElement, and_, delete, select
from sqlalchemy.ext.asyncio import AsyncSession

from cloud.context import Context
from cloud.db.due import is_due
from cloud.db.turns import TurnTaken
from cloud.payments import card_pages, card_purchases, cards, disputes, refunds
from cloud.payments.tables import WebhookRow
from cloud.policy import WEBHOOK_MEMORY
from cloud.providers import BadSignature, ProviderSilent, ProviderUnavailable
from cloud.web.limits import read_body
from cloud.web.problems import Refusal, answer, unexpected_refusal
from protocol.backoff import pause_after
from protocol.messages import ProblemType
from protocol.seldom import Seldom
from protocol.storage import StorageFault

log = logging.getLogger(__name__)

router = APIRouter(prefix="/v1")

MAX_EVENT = 256 * 1024
"""The largest event in bytes."""

FIRST_PAUSE_S, LONGEST_PAUSE_S = 2.0, 120.0
"""The pauses before an event is tried again. The longest is below the time for which the
provider keeps a card that is not stored here (`cloud.policy.KEEPING_PATIENCE`)."""

_may_log = Seldom(60.0)
"""Anybody can send what is refused."""

Applier = Callable[[Context, AsyncSession, str], Awaitable[None]]
"""Looks at what an event is about, given the provider's name for that. It is called in a
transaction and leaves one open. Raises ProviderUnavailable."""

APPLIERS: Mapping[str, Applier] = {
    "charge.dispute.closed": disputes.note_dispute,
    "charge.dispute.created": disputes.note_dispute,
    "charge.dispute.updated": disputes.note_dispute,
    "checkout.session.completed": card_pages.look_at_the_one_named,
    "checkout.session.expired": card_pages.look_at_the_one_named,
    "payment_method.automatically_updated": cards.renew_card,
    "terminal.reader.action_failed": card_purchases.look_at_reader,
    "terminal.reader.action_succeeded": card_purchases.look_at_reader,
    "payment_method.updated": cards.renew_card,
    "refund.failed": refunds.note_failed,
}
"""What applies the events of each kind."""


@router.post("/webhooks/{provider}", status_code=204, include_in_schema=False)
async def hear(provider: str, request: Request) -> Response:
    context: Context = request.app.state.context
    if provider != context.payments.name:
        raise Refusal(ProblemType.NOT_FOUND)
    body = await read_body(request, MAX_EVENT)
    try:
        event = context.payments.read_event(body, request.headers)
    except BadSignature as bad:
        if _may_log():
            log.warning("an event of the payment provider's was refused: %s", bad)
        raise Refusal(ProblemType.BAD_SIGNATURE, status=400) from None
    if event is None:
        return Response(status_code=204)
    if context.database.is_for_deletions_only:
        # The provider sends it again.
        raise Refusal(ProblemType.STORAGE_FULL, retry_after=60, storage=StorageFault.FULL)
    try:
        async with context.database.session() as session:
            if await session.get(WebhookRow, event.event_id) is None:
                session.add(
                    WebhookRow(
                        id=event.event_id,
                        kind=event.kind,
                        about=event.about,
                        received_at=context.clock(),
                        applied=False,
                        attempts=0,
                        due_at=context.clock(),
                    )
                )
                await session.commit()
    except Exception as error:
        return answer(context, unexpected_refusal(error, "POST /v1/webhooks/{provider}"))
    await context.wake()
    return Response(status_code=204)


async def apply_webhooks(context: Context) -> None:
    """Applies the events that are stored and due. One that has to wait for the provider is tried
    again after a pause that doubles with every attempt. Those that another process applies
    meanwhile are left to it.

    A provider that is silent takes half a minute of each event, and keeps everything else that
    housekeeping does waiting: so the rest is left to the next round then.
    """
    async with context.database.reading() as session:
        waiting = (await session.scalars(select(WebhookRow.id).where(_is_due(context)))).all()
    for event_id in waiting:
        try:
            async with context.database.turn("event", event_id):
                await _apply_one(context, event_id)
        except TurnTaken:
            pass
        except ProviderSilent:
            return


def _is_due(context: Context) -> ColumnElement[bool]:
    return and_(~WebhookRow.applied, is_due(WebhookRow.due_at, context.clock(), LONGEST_PAUSE_S))


async def _apply_one(context: Context, event_id: str) -> None:
    """Applies an event, or postpones it. Raises ProviderSilent once it is postponed."""
    try:
        async with context.database.session() as session:
            found = select(WebhookRow).where(WebhookRow.id == event_id, _is_due(context))
            row = await session.scalar(found)
            if row is None:
                return
            apply = APPLIERS.get(row.kind)
            if apply is not None:
                await apply(context, session, row.about)
            row = await session.get(WebhookRow, event_id, populate_existing=True)
            if row is not None:
                # The name may lead to a person, who can be deleted from now on.
                row.applied, row.about = True, ""
            await session.commit()
    except ProviderUnavailable as error:
        log.warning("an event of the payment provider's has to wait: %s", error)
        await _postpone(context, event_id)
        if isinstance(error, ProviderSilent):
            raise
    except Exception as error:
        # The others must not wait for it. The message may quote what was read.
        log.error("an event of the payment provider's has to wait: %s", type(error).__name__)
        await _postpone(context, event_id)
    else:
        await context.database.forget_erased()


async def _postpone(context: Context, event_id: str) -> None:
    async with context.database.session() as session:
        row = await session.get(WebhookRow, event_id)
        if row is not None:
            pause_s = pause_after(row.attempts, FIRST_PAUSE_S, LONGEST_PAUSE_S)
            row.attempts += 1
            row.due_at = context.clock() + timedelta(seconds=pause_s)
        await session.commit()


async def forget_expired(session: AsyncSession, now: datetime) -> None:
    """Deletes the events that the provider does not repeat any more."""
    old = WebhookRow.received_at <= now - WEBHOOK_MEMORY
    await session.execute(delete(WebhookRow).where(old))
