"""Housekeeping: finishes interrupted purchases and refunds, erases what has expired or was kept for
as long as promised, runs the outbox, tells receivers of webhooks, begins the daily run about
accounts that nobody uses, and reminds of the policy's review and of keys of tills that expire.

Any number of processes do these jobs over one database. Each is a row that says what is to be done,
or a part of a round, and whoever does it has its turn (`cloud.context.Database.turn`). Whoever does
not get the turn leaves the job to the one who has it, and goes on with the next."""

import asyncio
import logging
from collections.abc import Callable, Coroutine, Iterable
from contextlib import suppress
from functools import wraps
from typing import Any

from cloud.console import four_eyes
from cloud.console import sign_ins as console_sign_ins
from cloud.context import WORK, Context
from cloud.db.database import cause_of, is_busy, was_overtaken
from cloud.db.turns import TurnTaken
from cloud.entry import entries, presences, tickets
from cloud.fleet import bundles
from cloud.integrations import deliveries, events, palm_requests, receivers
from cloud.jobs.counted import counting
from cloud.jobs.errands import begin_errands
from cloud.merchants import devices
from cloud.outbox import queue
from cloud.payments import card_pages, purchases, reconcile, refunds, webhooks
from cloud.people import (
    alerts,
    begun,
    claims,
    consents,
    corrections,
    deletion_list,
    deletions,
    inactivity,
    mails,
    one_time_codes,
    receipts,
    sign_ins,
)
from cloud.people.enrolments import erase_expired
from cloud.people.inactivity_runs import begin_daily_run
from cloud.people.policy_review import remind
from cloud.recognition import challenges, feed, identifications, refusals
from cloud.telemetry.measures import State
from cloud.vault.kept import VaultState
from cloud.watch import incidents, runs, tallies
from cloud.web import authenticators, limits, merchant_keys, signed_request

log = logging.getLogger(__name__)

EVERY_S = 5.0
"""The longest pause between two rounds."""

EXPIRING = (
    devices,
    signed_request,
    limits,
    one_time_codes,
    claims,
    sign_ins,
    console_sign_ins,
    four_eyes,
    authenticators,
    corrections,
    mails,
    challenges,
    identifications,
    feed,
    card_pages,
    reconcile,
    alerts,
    webhooks,
    presences,
    bundles,
    events,
    palm_requests,
    receivers,
    incidents,
    tallies,
)
"""The modules whose rows expire; each deletes its own."""
PROMISED = (refunds, purchases, refusals, receipts, consents, inactivity, entries, tickets)
"""The modules whose rows are kept until a day that people were told; each deletes its own. A
purchase stays as long as a refund of it, and takes the ledger with it."""


async def forget_expired(context: Context) -> None:
    """Deletes all rows that have expired."""
    _, failure = await _forget(context, EXPIRING)
    if failure is not None:
        raise failure


async def end_retention(context: Context) -> None:
    """Deletes all rows whose promised day has come, in every file of the database."""
    erased, failure = await _forget(context, PROMISED)
    if erased:
        await context.database.forget_erased()
    if failure is not None:
        raise failure


async def _forget(context: Context, modules: Iterable[Any]) -> tuple[bool, Exception | None]:
    """Has modules delete their own rows, each in a transaction of its own: none keeps what the
    others have to delete. Returns whether one of them says that there were any, and the first
    error."""
    now = context.clock()
    failed: dict[str, Exception] = {}
    erased = False
    for module in modules:
        name = module.__name__
        try:
            async with context.database.session() as session:
                with counting(session) as deleted:
                    is_erased = bool(await module.forget_expired(session, now))
                await session.commit()
        except Exception as error:
            context.seen.failed(name, cause_of(error))
            failed[name] = error
            if is_busy(error) and not was_overtaken(error):
                # Each of the others would wait as long for the same.
                break
        else:
            context.seen.ran(name, removed=deleted.rows)
            erased |= is_erased
    if failed:
        log.error("what has expired is not deleted of %s", ", ".join(failed))
    return erased, next(iter(failed.values()), None)


async def tidy_up(context: Context) -> None:
    """Erases what was left, and keeps the reserve for deletions (`cloud.db.reserve`)."""
    await context.database.tidy_up()


async def tell_noted(context: Context) -> None:
    """Logs how many have signed in and were refused."""
    context.noted.tell()


async def write_seen(context: Context) -> None:
    """Writes down what this process has seen (`cloud.seen`)."""
    if context.database.is_for_deletions_only:
        return
    with context.seen.taking() as counts:
        if not counts:
            return
        now = context.clock()
        async with context.database.session() as session:
            await incidents.write(session, counts.happened, now)
            await tallies.write(session, counts.tried, now)
            await runs.write(session, counts.ran, now)
            await session.commit()


async def measure(context: Context) -> None:
    """Tells whoever measures how the service is, before this round does what is due."""
    if not context.telemetry.is_kept:
        return
    async with context.database.reading() as session:
        due, lag_s = await queue.backlog(session, context.clock())
    context.telemetry.keep_house(
        State(
            palms=len(context.gallery) if context.answers else None,
            vault_is_there=context.vault.state is VaultState.WORKS if context.answers else None,
            is_for_deletions_only=context.database.is_for_deletions_only,
            due=due,
            lag_s=lag_s,
        )
    )


Part = Callable[[Context], Coroutine[Any, Any, None]]


def by_one(part: Part) -> Part:
    """Has one process at a time do a part. Others would meet the same rows, and wait for each
    other."""

    @wraps(part)
    async def do(context: Context) -> None:
        with suppress(TurnTaken):
            async with context.database.turn("housekeeping", _name_of(part)):
                await part(context)

    return do


OWN: tuple[Part, ...] = (measure, tidy_up, tell_noted, write_seen)
"""What each process does for itself, whoever does the jobs."""
ROUND: tuple[Part, ...] = (
    *OWN,
    purchases.settle_purchases,
    refunds.settle_refunds,
    webhooks.apply_webhooks,
    by_one(erase_expired),
    by_one(begun.erase_expired),
    by_one(forget_expired),
    signed_request.forget_nonces,
    by_one(end_retention),
    by_one(palm_requests.end_expired),
    begin_errands,
    deliveries.begin_deliveries,
    deletion_list.keep_list,
    begin_daily_run,
    remind,
    merchant_keys.remind,
)
"""What one round does, in this order."""
AT_ONCE: tuple[Part, ...] = (
    webhooks.apply_webhooks,
    begin_errands,
    deliveries.begin_deliveries,
    deletion_list.keep_list,
)
"""What is done whenever the outbox gets an errand, a webhook comes or somebody leaves."""


async def run_housekeeping(context: Context) -> None:
    """Runs rounds every few seconds until cancelled, and in between what is asked for at once."""
    await _run_part(context, deletions.forget_all_deleted)
    time = asyncio.get_running_loop().time
    while True:
        context.errand.clear()
        await run_round(context)
        next_round = time() + EVERY_S
        while await _is_asked(context, next_round - time()):
            for part in AT_ONCE:
                await _run_part(context, part)


async def hear_calls(context: Context) -> None:
    """Has the outbox run whenever another process has put something in."""
    async for _ in context.database.told(WORK):
        context.errand.set()


async def run_own_housekeeping(context: Context) -> None:
    """Does the parts of housekeeping that every process has to do for itself, until it is
    cancelled. It is for a process that leaves the jobs to others."""
    while True:
        for part in OWN:
            await _run_part(context, part)
        await asyncio.sleep(EVERY_S)


async def _is_asked(context: Context, patience_s: float) -> bool:
    """Waits until something is asked for at once. Returns False when nothing is in time."""
    if patience_s <= 0:
        return False
    try:
        # Not wait_for, which loses a cancellation in the moment in which the event is set.
        async with asyncio.timeout(patience_s):
            await context.errand.wait()
    except TimeoutError:
        return False
    context.errand.clear()
    return True


async def run_round(context: Context) -> None:
    """Runs one round. When a part of it fails, that is logged, and the other parts still run."""
    for part in ROUND:
        await _run_part(context, part)


async def _run_part(context: Context, part: Part) -> None:
    try:
        await part(context)
        context.seen.ran(_name_of(part))
    except Exception as error:
        # Most likely the disk is full: what there is to do is stored, and the next round does it.
        # The message is left out of the log: it may quote what was read.
        context.telemetry.has_failed(getattr(part, "__name__", "part"))
        context.seen.failed(_name_of(part), cause_of(error))
        log.error("housekeeping has to wait: %s failed with %s", _name_of(part), cause_of(error))


def _name_of(part: Part) -> str:
    return f"{part.__module__}.{getattr(part, '__name__', 'part')}"
