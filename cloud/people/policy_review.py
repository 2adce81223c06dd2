"""The yearly review of the privacy policy, where a law in force asks for one.

Nobody but a person can do it. The operator sets the day of the last one, and is reminded.
"""

import logging
from datetime import date

from sqlalchemy.ext.asyncio import AsyncSession

from cloud.context import Context
from cloud.merchants import merchants
from cloud.policy import REVIEW_EVERY
from cloud.settings import Settings

log = logging.getLogger(__name__)


async def due_on(session: AsyncSession, settings: Settings) -> date | None:
    """Returns the day on which the policy is to be reviewed, at the latest: the first day there is
    when it never was. None when no law in force asks for a review."""
    laws = await merchants.laws(session, settings)
    if not any(law.reviewed for law in laws.values()):
        return None
    reviewed = settings.privacy.reviewed
    return date.min if reviewed is None else reviewed + REVIEW_EVERY


async def remind(context: Context) -> None:
    """Logs that the review is due, once a day."""
    today = context.clock().date()
    if context.review_told_on == today:
        return
    context.review_told_on = today
    async with context.database.session() as session:
        due = await due_on(session, context.settings)
    if due is not None and due <= today:
        reviewed = context.settings.privacy.reviewed
        last = "it never was" if reviewed is None else f"the last time was {reviewed}"
        log.warning(
            "the privacy policy is to be reviewed every year, and %s. Read /portal/privacy, "
            "correct what is wrong in the settings, and set reviewed under [privacy] to the day on "
            "which you did.",
            last,
        )
