"""What the service does by itself: deletions, how long each kind of data is kept, and messages that
were not delivered."""

from collections.abc import Sequence

from fastapi import APIRouter
from pydantic import AwareDatetime, Field

from cloud.console import jobs
from cloud.console.api.asking import Asker, OperatorAsker, operators_router, router
from cloud.console.jobs import LATELY, LISTED
from cloud.console.roles import Right
from cloud.integrations import paging, receivers
from cloud.integrations.asking import Scope
from cloud.integrations.receivers import Delivery
from cloud.outbox.queue import FailedErrand
from cloud.payments.receipts import unsent
from cloud.people import receipts
from protocol.messages import Message

reading: APIRouter = router(Right.JOBS, Scope.JOBS_READ)
operating: APIRouter = operators_router(Right.JOBS, Scope.JOBS_READ)


class MerchantJobs(Message):
    """The deletions at a merchant in the last 30 days."""

    agreements_ended: int
    """How many agreements with the merchant have ended. With an agreement, everything that the
    person had at the merchant is deleted."""


class NotTaken(Delivery):
    """An event that a receiver of webhooks was sent and has not accepted."""

    receiver_id: str
    url: str


class NotTakenDeliveries(Message):
    deliveries: list[NotTaken]
    next: str | None
    """The `cursor` of the next page; null on the last one."""


class UnsentReceipt(Message):
    """The receipt of a purchase for which no message could be sent."""

    purchase_id: str
    reference: str
    """The till's reference of the purchase."""
    at: AwareDatetime
    """When the purchase was paid."""


class UnsentReceipts(Message):
    receipts: list[UnsentReceipt]
    next: str | None
    """The `cursor` of the next page; null on the last one."""


class WaitingErrand(Message):
    """An errand: something that the service has to do at another system, such as that of a payment
    provider, and has not done yet."""

    kind: str
    """The kind of errand, such as `forget card` or `send alert`."""
    deleted_at: AwareDatetime | None
    """When the account was deleted, for an errand that belongs to a deletion; null for another
    errand, or when that is not known any more."""
    attempts: int
    due_at: AwareDatetime
    """When it is tried next."""


class WaitingErrands(Message):
    count: int
    """How many there are."""
    first: list[WaitingErrand] = Field(description=f"The first {LISTED} of them.")


class DailyRun(Message):
    """A daily run about accounts that nobody uses."""

    began_at: AwareDatetime
    ended_at: AwareDatetime | None
    """Null while it runs, and when it was interrupted."""
    warned: int
    """How many people were told that their account will be deleted."""
    deleted: int
    """How many accounts were deleted."""
    failed: int
    """How many messages and deletions have failed, or may have."""
    fault: str | None
    """Why the latest of these has failed; null when none has."""
    next_at: AwareDatetime
    """When the next run begins."""


class FailingJob(Message):
    """A job whose latest run has failed. It is tried again every few seconds."""

    name: str
    fault: str
    failures: int
    """How often it has failed in all."""
    failed_at: AwareDatetime | None
    """When it failed last."""


class KeptRows(Message):
    """A kind of data that is deleted by its age."""

    what: str
    """The kind of data, in words."""
    kept_s: float
    """How long it is kept, in seconds."""
    looked_at: AwareDatetime | None
    """When the service last looked for entries that are too old; null when it has not yet."""
    removed: int
    """How many entries were deleted at `removed_at`."""
    removed_at: AwareDatetime | None
    """When entries were last deleted; null when none ever were."""
    removed_in_all: int


class ServiceJobs(Message):
    """What the service does by itself, for all merchants."""

    accounts_deleted: int
    """How many accounts were deleted in the last 30 days."""
    agreements_ended: int
    """How many agreements with any merchant have ended in the last 30 days."""
    deletions_left: WaitingErrands
    """The unfinished errands of deletions, the oldest first. They are tried until they are done."""
    warned_once: int
    """How many people were told once that their unused account will be deleted."""
    warned_twice: int
    """How many people were told that twice."""
    daily_run: DailyRun | None
    """The latest run; null when there was none yet."""
    stalled: bool
    """Whether no job was completed for three minutes. The log of the service says why."""
    done_at: AwareDatetime | None
    """When a job was last completed; null when none was yet."""
    failing: list[FailingJob]
    errands_failed: WaitingErrands
    """Other errands that have failed and will be tried again, the one that is due next first."""
    kept: list[KeptRows]


@reading.get("/jobs")
async def show(asked: Asker) -> MerchantJobs:
    """Counts the deletions at a merchant in the last 30 days."""
    merchant = await asked.merchant()
    _, ended = await receipts.issued(asked.session, asked.now - LATELY, merchant.id)
    return MerchantJobs(agreements_ended=ended)


@reading.get("/jobs/deliveries")
async def list_deliveries(
    asked: Asker, cursor: paging.Cursor = None, limit: paging.Size = 50
) -> NotTakenDeliveries:
    """Lists the events of the last 30 days that receivers of webhooks have not accepted, the newest
    first."""
    merchant, after = await asked.merchant(), paging.place_of(cursor)
    found = await receivers.not_taken(asked.session, merchant.id, limit + 1, after)
    page, following = paging.page_of(found, limit, lambda each: (each[0].at, each[0].id))
    return NotTakenDeliveries(
        deliveries=[
            NotTaken(
                **receivers.listed(row).model_dump(), receiver_id=receiver.id, url=receiver.url
            )
            for row, receiver in page
        ],
        next=following,
    )


@reading.get("/jobs/receipts")
async def list_receipts(
    asked: Asker, cursor: paging.Cursor = None, limit: paging.Size = 50
) -> UnsentReceipts:
    """Lists the purchases of the last 30 days whose receipt could not be sent and is not tried any
    more, the newest first."""
    merchant, after = await asked.merchant(), paging.place_of(cursor)
    found = await unsent(
        asked.session, asked.now - LATELY, merchant.id, count=limit + 1, after=after
    )
    page, following = paging.page_of(found, limit, lambda row: (row.at, row.id))
    return UnsentReceipts(
        receipts=[
            UnsentReceipt(purchase_id=row.id, reference=row.reference, at=row.at) for row in page
        ],
        next=following,
    )


@operating.get("/jobs")
async def show_service(asked: OperatorAsker) -> ServiceJobs:
    """Returns what the service does by itself, for all merchants. It needs a key of the
    operator's."""
    told = await jobs.tell(asked.session, asked.now)
    _, ended = await receipts.issued(asked.session, asked.now - LATELY)
    once, twice = told.waiting
    return ServiceJobs(
        accounts_deleted=told.deleted,
        agreements_ended=ended,
        deletions_left=_errands([(each.errand, each.since) for each in told.left]),
        warned_once=once,
        warned_twice=twice,
        daily_run=_daily(told),
        stalled=told.is_stalled,
        done_at=told.heard_at,
        failing=[
            FailingJob(
                name=row.name, fault=row.fault or "", failures=row.failures, failed_at=row.failed_at
            )
            for row in told.failing
        ],
        errands_failed=_errands([(each, None) for each in told.errands]),
        kept=[_kept(each) for each in told.kept],
    )


def _errands(found: Sequence[tuple[FailedErrand, AwareDatetime | None]]) -> WaitingErrands:
    return WaitingErrands(
        count=len(found),
        first=[
            WaitingErrand(
                kind=errand.kind, deleted_at=since, attempts=errand.attempts, due_at=errand.due_at
            )
            for errand, since in found[:LISTED]
        ],
    )


def _daily(told: jobs.Told) -> DailyRun | None:
    run, next_at = told.daily, told.next_day
    if run is None or next_at is None:
        return None
    return DailyRun(
        began_at=run.began_at,
        ended_at=run.ended_at,
        warned=run.told,
        deleted=run.deleted,
        failed=run.failed,
        fault=run.fault,
        next_at=next_at,
    )


def _kept(each: jobs.Kept) -> KeptRows:
    run = each.run
    return KeptRows(
        what=each.what,
        kept_s=each.life.total_seconds(),
        looked_at=run and run.done_at,
        removed=run.removed if run else 0,
        removed_at=run and run.removed_at,
        removed_in_all=run.removed_in_all if run else 0,
    )


ROUTERS = (reading, operating)
