"""Runs the errands of the outbox: each is tried again until it is done."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Coroutine, Iterator, Mapping
from contextlib import suppress
from typing import Any

from cloud.context import Context
from cloud.db.database import cause_of
from cloud.db.turns import TurnTaken
from cloud.entry import check_ins
from cloud.entry.check_ins import NotTaken
from cloud.messages import NotSent
from cloud.outbox import queue
from cloud.payments import cards, receipts
from cloud.people import alerts
from cloud.providers import CardRefused, ProviderUnavailable

log = logging.getLogger(__name__)

AT_ONCE = 4
"""How many errands of a kind are run at once. One for which somebody is slow does not keep all the
others waiting, and whoever they are for is not asked for everything at once."""
LONGEST_S = 60.0
"""How long an errand may take, in seconds."""
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


async def begin_errands(context: Context) -> None:
    """Begins to run the errands that are due, beside the rest of housekeeping, and each kind beside
    the others: whoever one is for may be slow, and nobody else may wait for that."""
    async with context.database.reading() as session:
        kinds = await queue.kinds_due(session, context.clock())
    for kind in kinds - context.running:
        context.running.add(kind)
        context.begin(_run_beside(context, kind))


async def run_errands(context: Context) -> None:
    """Runs all errands that are due, one kind after the other."""
    async with context.database.reading() as session:
        kinds = await queue.kinds_due(session, context.clock())
    for kind in sorted(kinds):
        await _run_kind(context, kind)


async def _run_beside(context: Context, kind: str) -> None:
    name = f"{__name__} ({kind})"
    try:
        await _run_kind(context, kind)
        context.seen.ran(name)
    except Exception as error:
        # The message is left out of the log: it may quote what was read.
        context.telemetry.has_failed(run_errands.__name__)
        context.seen.failed(name, cause_of(error))
        log.error("errands of kind %r have to wait: %s", kind, cause_of(error))
    finally:
        context.running.discard(kind)


async def _run_kind(context: Context, kind: str) -> None:
    """Runs the errands of a kind that are due, and those that become due meanwhile. Those that
    another process runs are left to it."""
    tried: set[str] = set()
    while True:
        async with context.database.reading() as session:
            due = await queue.due(session, kind, context.clock())
        new = [errand_id for errand_id in due if errand_id not in tried]
        if not new:
            return
        tried.update(new)
        waiting = iter(new)
        try:
            async with asyncio.TaskGroup() as group:
                for _ in range(AT_ONCE):
                    group.create_task(_run_each(context, waiting))
        except BaseExceptionGroup as failed:
            raise failed.exceptions[0] from None


async def _run_each(context: Context, waiting: Iterator[str]) -> None:
    """Runs one errand after the other, while others take from the same ones."""
    for errand_id in waiting:
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
        async with asyncio.timeout(LONGEST_S):
            await run(context, errand.payload(context.master.outbox))
    except (ProviderUnavailable, CardRefused, NotSent, NotTaken) as error:
        log.warning("an errand has to wait: %s", error)
        return False
    except Exception as error:
        # The others must not wait for it. The message may quote the payload.
        log.error("an errand of kind %r has to wait: %s", errand.kind, type(error).__name__)
        return False
    return True
