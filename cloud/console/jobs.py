"""The page of what the service does by itself: deletions and their unfinished steps, how long each
kind of data is kept, jobs that fail, and messages that were not delivered."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from fastapi import APIRouter, Response
from sqlalchemy.ext.asyncio import AsyncSession

from cloud.console import four_eyes
from cloud.console.asking import Asker, router
from cloud.console.roles import Right
from cloud.entry.presences import PRESENCE_LIFE
from cloud.entry.tickets import TICKET_LIFE
from cloud.fleet import bundles
from cloud.integrations import receivers
from cloud.merchants.merchants import all_merchants
from cloud.outbox import queue
from cloud.outbox.queue import FailedErrand
from cloud.payments.receipts import unsent
from cloud.people import inactivity, receipts
from cloud.policy import (
    ACTIVATION_LIFE,
    ALERT_PATIENCE,
    ANSWER_LIFE,
    BOOKKEEPING,
    CARD_PAGE_LIFE,
    CHALLENGE_LIFE,
    CLAIM_LIFE,
    CODE_LIFE,
    DELIVERIES_LISTED,
    ENTRIES_KEPT,
    EVENT_LIFE,
    IDENTIFICATION_LIFE,
    INCIDENTS_KEPT,
    KEEPING_PATIENCE,
    LONGEST_WINDOW,
    PALM_REQUESTS_KEPT,
    PASSKEY_CHALLENGE_LIFE,
    RECONCILIATION_LIFE,
    SESSION_LIFE,
    TALLIES_KEPT,
    WEBHOOK_MEMORY,
)
from cloud.recognition import feed
from cloud.watch import runs
from cloud.watch.runs import JobRow
from cloud.web.language import ENGLISH

LATELY = timedelta(days=30)
"""How far the page looks back."""
LISTED = 20
"""The largest number of lines of one list."""
STALLED_AFTER = timedelta(minutes=3)
"""The age of the latest completed job from which the page says that housekeeping does not run. It
runs every minute."""

KEPT: Mapping[str, tuple[str, timedelta]] = {
    "cloud.payments.purchases": ("Purchases and the ledger, for the books", BOOKKEEPING),
    "cloud.payments.refunds": ("Refunds, as long as their purchase", BOOKKEEPING),
    "cloud.people.receipts": ("Receipts of deletions", BOOKKEEPING),
    "cloud.people.consents": ("Consents that were withdrawn, as their proof", BOOKKEEPING),
    "cloud.people.inactivity": ("Daily runs about accounts that nobody uses", BOOKKEEPING),
    "cloud.recognition.refusals": ("Refused uses of a palm", BOOKKEEPING),
    "cloud.entry.tickets": ("Tickets", TICKET_LIFE),
    "cloud.entry.entries": ("Who has passed which door", ENTRIES_KEPT),
    "cloud.payments.reconcile": ("Differences of compared days", RECONCILIATION_LIFE),
    "cloud.watch.incidents": ("Attacks and limits that were reached", INCIDENTS_KEPT),
    "cloud.watch.tallies": ("Results of palms, counted by the hour", TALLIES_KEPT),
    "cloud.integrations.palm_requests": ("Requests of systems for palms", PALM_REQUESTS_KEPT),
    "cloud.integrations.receivers": ("Deliveries to receivers of webhooks", DELIVERIES_LISTED),
    "cloud.fleet.bundles": ("Support bundles of kiosks", bundles.LIFE),
    "cloud.payments.webhooks": ("Webhooks of the payment provider", WEBHOOK_MEMORY),
    "cloud.integrations.events": ("Events for receivers of webhooks", EVENT_LIFE),
    "cloud.recognition.feed": ("Changes of palms, for other processes", feed.KEPT),
    "cloud.merchants.devices": ("Activation codes", 2 * ACTIVATION_LIFE),
    "cloud.web.signed_request": ("Answers to kiosks, in case they ask again", ANSWER_LIFE),
    "cloud.entry.presences": ("Who is inside", PRESENCE_LIFE),
    "cloud.people.sign_ins": ("Sessions of the portal", SESSION_LIFE),
    "cloud.console.sign_ins": ("Sessions of the console", SESSION_LIFE),
    "cloud.console.four_eyes": ("Requests for approval", four_eyes.KEPT),
    "cloud.web.limits": ("Counters of limits", LONGEST_WINDOW),
    "cloud.people.alerts": ("Alerts that were not sent", ALERT_PATIENCE),
    "cloud.payments.card_pages": ("Pages for adding a card", CARD_PAGE_LIFE + KEEPING_PATIENCE),
    "cloud.people.one_time_codes": ("One-time codes", CODE_LIFE),
    "cloud.people.claims": ("Claims to a number", CLAIM_LIFE),
    "cloud.people.corrections": ("Changes of a number that were not finished", CODE_LIFE),
    "cloud.people.mails": ("Mail addresses that were not confirmed", CODE_LIFE),
    "cloud.recognition.identifications": ("Recognitions", IDENTIFICATION_LIFE),
    "cloud.web.authenticators": ("Challenges for passkeys", PASSKEY_CHALLENGE_LIFE),
    "cloud.recognition.challenges": ("Light challenges", CHALLENGE_LIFE),
}
"""For each module by name: what its rows are, and how long they are kept."""


@dataclass(frozen=True, slots=True)
class Kept:
    """A kind of row that is deleted by age."""

    what: str
    life: timedelta
    run: JobRow | None
    """The job that deletes them; None when it has not run since runs are recorded."""

    @property
    def kept_for(self) -> str:
        """Returns the life in words: in days up to about three years, because a number of whole
        months or years could be a third off."""
        days = self.life.days
        if days >= 1000:
            return f"{days // 365} years"
        return f"{days} days" if days > 1 else ENGLISH.span(self.life)


@dataclass(frozen=True, slots=True)
class LeftToDo:
    """A step of a deletion that is still to be done, at a provider for instance."""

    errand: FailedErrand
    since: datetime | None
    """When the account was deleted; None when the receipt of that is gone."""


@dataclass(frozen=True, slots=True)
class Told:
    """What the service does by itself, for all merchants."""

    deleted: int
    """How many accounts were deleted within the last LATELY."""
    left: Sequence[LeftToDo]
    """The unfinished steps of deletions, the oldest first."""
    kept: Sequence[Kept]
    failing: Sequence[JobRow]
    """Jobs whose last run has failed."""
    heard_at: datetime | None
    """When a job was last completed; None when none ever was."""
    is_stalled: bool
    """Whether housekeeping seems not to run."""
    daily: inactivity.InactivityRun | None
    """The last daily run about accounts that nobody uses."""
    waiting: tuple[int, int]
    """How many people were told once, and how many twice, that their unused account will be
    deleted."""
    errands: Sequence[FailedErrand]
    """Other errands that have failed and will be tried again."""

    @property
    def next_day(self) -> datetime | None:
        """Returns when the next daily run begins; None when that is not known."""
        return None if self.daily is None else self.daily.began_at + inactivity.A_DAY


routes: APIRouter = router(Right.JOBS)


@routes.get("/jobs")
async def show_jobs(asked: Asker) -> Response:
    session, merchant_id = asked.session, asked.reach.merchant_id
    since = asked.now - LATELY
    _, ended = await receipts.issued(session, since, merchant_id)
    told = await tell(session, asked.now) if merchant_id is None else None
    return asked.page(
        "jobs.html",
        ended=ended,
        told=told,
        unsent=await unsent(session, since, merchant_id, count=LISTED),
        not_taken=await receivers.not_taken(session, merchant_id, LISTED),
        names={row.id: row.name for row in await all_merchants(session)},
        listed=LISTED,
    )


async def tell(session: AsyncSession, now: datetime) -> Told:
    """Returns what the service does by itself."""
    deleted, _ = await receipts.issued(session, now - LATELY)
    of_deletions = await queue.of_deletions(session)
    times = await receipts.times_of(session, {digest for digest, _ in of_deletions})
    left = [LeftToDo(errand, times.get(digest)) for digest, errand in of_deletions]
    ran = await runs.all_runs(session)
    heard_at = max((row.done_at for row in ran.values() if row.done_at), default=None)
    daily = await inactivity.latest_runs(session, 1)
    return Told(
        deleted=deleted,
        left=sorted(left, key=lambda each: each.since or now),
        kept=[Kept(what, life, ran.get(name)) for name, (what, life) in KEPT.items()],
        failing=[row for row in ran.values() if row.fault is not None],
        heard_at=heard_at,
        is_stalled=heard_at is None or now - heard_at > STALLED_AFTER,
        daily=daily[0] if daily else None,
        waiting=await inactivity.waiting(session),
        errands=[each for each in await queue.failed(session) if not each.is_of_deletion],
    )
