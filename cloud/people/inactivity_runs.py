"""Tells people that their account will be deleted because nobody uses it, and deletes it then.

A run takes place once a day, beside housekeeping, and is kept as evidence. Each act is counted as
failed in a transaction before it, and as done in the one that notes it: a service that is killed in
between has counted a failure, and the next run does the act. So a message may be sent twice, and
never counts as handed over when it was not. On a full disk nothing is sent, because it could not be
noted.
"""

import logging
from contextlib import suppress

from cloud.context import Context
from cloud.db.database import cause_of, storage_fault
from cloud.db.locks import held
from cloud.db.turns import TurnTaken
from cloud.keys.persons import find_person
from cloud.messages import NotSent
from cloud.people import inactivity
from cloud.people.accounts import profile_of
from cloud.people.consents import longest_inactivity, shortest_inactivity
from cloud.people.deletions import erase_account
from cloud.people.inactivity import A_DAY, Step
from cloud.people.tables import ActivityRow, InactivityRun
from cloud.web.problems import Refusal
from cloud.web.trying import finish

log = logging.getLogger(__name__)

UNSENT_AT_MOST = 5
"""How many messages may fail one after the other. Then the provider does not answer, and the rest
waits for the next run."""


async def begin_daily_run(context: Context) -> None:
    """Begins a run when a day has passed since the last one, or when the clock has stepped back."""
    if context.ending_inactive.locked() or context.database.is_for_deletions_only:
        return
    if await _is_due(context):
        context.begin(_run_once(context))


async def _run_once(context: Context) -> None:
    """Runs unless another process has begun meanwhile."""
    with suppress(TurnTaken):
        async with context.database.turn("inactivity"):
            if await _is_due(context):
                await run(context)


async def _is_due(context: Context) -> bool:
    now = context.clock()
    async with context.database.reading() as session:
        last = await inactivity.latest_runs(session, 1)
    return not (last and last[0].began_at <= now < last[0].began_at + A_DAY)


async def run(context: Context) -> None:
    """Does everything that is due."""
    async with context.ending_inactive:
        now = context.clock()
        async with context.database.session() as session:
            await inactivity.mend_times(session, now)
            run_id = (await inactivity.begin_run(session, now)).id
            shortest = await shortest_inactivity(session, context.settings)
            people = await inactivity.candidates(session, now, shortest)
            await session.commit()
        # Each run begins with others: numbers that get no message any more would always be the
        # first otherwise, and end every run before anybody else has their turn.
        first = run_id * UNSENT_AT_MOST % max(1, len(people))
        fault: str | None = None
        unsent = 0
        for person_id in (*people[first:], *people[:first]):
            try:
                await _do_next(context, run_id, person_id)
                unsent = 0
            except NotSent as error:
                fault = str(error)
                unsent += 1
            except Refusal as refusal:
                fault = refusal.problem.detail
            except Exception as error:
                # The message is left out: it may quote what was read.
                fault = cause_of(error)
                log.error("an unused account is left for the next run: %s", fault)
                if storage_fault(error) is not None:
                    break
            if unsent == UNSENT_AT_MOST:
                break
        async with context.database.session() as session:
            row = await session.get_one(InactivityRun, run_id)
            row.ended_at, row.fault = context.clock(), fault
            await session.commit()


async def _do_next(context: Context, run_id: int, person_id: str) -> None:
    """Does what is to be done about a person. Raises NotSent, Refusal while a payment of theirs is
    being completed, and the database's errors."""
    async with context.database.session() as session:
        row = await session.get(ActivityRow, person_id)
        now = context.clock()
        months = await longest_inactivity(session, context.settings, person_id)
        step = None if row is None else await inactivity.next_step(session, row, now, months)
        if row is None or step is None:
            return
        person = await find_person(session, context.master, person_id)
        phone = (await profile_of(session, person)).phone
        (await session.get_one(InactivityRun, run_id)).failed += 1
        await session.commit()
    name = context.settings.merchant.name
    if step is Step.DELETE:
        receipt_id = await _delete(context, run_id, person_id)
        if receipt_id is not None:
            await _say_farewell(context, phone, inactivity.farewell(name, receipt_id))
        return
    until = inactivity.promised_to(row, now, months)
    await context.messenger.send(phone, inactivity.warning(name, until))
    async with context.database.session() as session:
        await inactivity.note_told(session, row, run_id, context.clock())
        counted = await session.get_one(InactivityRun, run_id)
        counted.failed -= 1
        counted.told += 1
        await session.commit()


async def _delete(context: Context, run_id: int, person_id: str) -> str | None:
    """Deletes a person, and returns the number of the receipt; None when the account was used in
    the last moment."""
    async with context.database.session() as session:
        now = context.clock()
        counted = await session.get_one(InactivityRun, run_id)
        counted.failed -= 1
        row = await held(session, ActivityRow, person_id)
        months = await longest_inactivity(session, context.settings, person_id)
        if row is None or await inactivity.next_step(session, row, now, months) is not Step.DELETE:
            await session.commit()
            return None
        person = await find_person(session, context.master, person_id)
        receipt, acts = await erase_account(context, session, person, now)
        counted.deleted += 1
        await session.commit()
    await finish(acts)
    return receipt.receipt_id


async def _say_farewell(context: Context, phone: str, text: str) -> None:
    """Sends the number of the receipt. Nothing is stored any more that it could be tried with
    again."""
    try:
        await context.messenger.send(phone, text)
    except NotSent as error:
        log.warning("the number of a receipt was not sent: %s", error)
