"""Runs the errands of the outbox: each is tried again until it is done."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from contextlib import suppress
from typing import Any

from cloud.context import Context
from cloud.db.turns import TurnTaken
from cloud.entry import check_ins
from cloud.entry.check_ins import NotTaken
from cloud.messages import NotSent
from cloud.outbox import queue
from cloud.payments import cards, receipts
from cloud.people import alerts
from cloud.providers import CardRefused, ProviderUnavailable

log = logging.getLogger(__name__)

ENDING_S = 5.0
"""How long an errand may take to its end, in seconds, when its process is stopped meanwhile."""

Runner = Callable[[Context, bytes], Awaitable[None]]
"""Does one errand, given its payload. Raises ProviderUnavailable, CardRefused, NotSent and
NotTaken when it has to be tried again."""

RUNNERS: Mapping[str, Runner] = {
    cards.FORGET_CARD: cards.forget_card,
    cards.FORGET_UNLESS_KEPT: cards.forget_unless_kept,
    alerts.SEND_ALERT: alerts.send_alert,
    receipts.SEND_RECEIPT: receipts.send_receipt,
    check_ins.TELL_SITE: check_ins.tell_site,
}
"""What runs the errands of each kind."""


async def run_errands(context: Context) -> None:
    """Runs all errands that are due, one after the other. Those that another process runs meanwhile
    are left to it."""
    async with context.database.reading() as session:
        due = await queue.due(session, context.clock())
    for errand_id in due:
        with suppress(TurnTaken):
            async with context.database.turn("errand", errand_id):
                await _to_its_end(_run_due(context, errand_id))


async def _to_its_end(work: Coroutine[Any, Any, None]) -> None:
    """Does work, also when this is cancelled: a message that counts as sent must not be lost
    because a worker is started anew."""
    doing = asyncio.create_task(work)
    try:
        await asyncio.shield(doing)
    except asyncio.CancelledError:
        await asyncio.wait([doing], timeout=ENDING_S)
        doing.cancel()
        raise


async def _run_due(context: Context, errand_id: str) -> None:
    async with context.database.reading() as session:
        errand = await queue.find_due(session, errand_id, context.clock())
    if errand is None:
        return
    done = await _run(context, errand)
    async with context.database.session() as session:
        if done:
            await queue.remove(session, errand_id)
        else:
            await queue.postpone(session, errand_id, context.clock())
        await session.commit()
    await context.database.forget_erased(*[errand_id] if done else [])


async def _run(context: Context, errand: queue.DueErrand) -> bool:
    """Returns whether the errand is done."""
    run = RUNNERS.get(errand.kind)
    if run is None:
        # A newer version of the service may have written it down.
        log.error("an errand of unknown kind %r is kept", errand.kind)
        return False
    try:
        await run(context, errand.payload(context.master.outbox))
    except (ProviderUnavailable, CardRefused, NotSent, NotTaken) as error:
        log.warning("an errand has to wait: %s", error)
        return False
    except Exception as error:
        # The others must not wait for it. The message may quote the payload.
        log.error("an errand of kind %r has to wait: %s", errand.kind, type(error).__name__)
        return False
    return True
