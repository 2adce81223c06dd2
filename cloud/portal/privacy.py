"""Public pages: the privacy policy, and the sign for an entrance.

The policy tells the numbers that the service works with: the settings, the laws of the sites, and
`cloud.policy`. So it cannot promise anything else than what is done.
"""

from fastapi import APIRouter, Response

from cloud import policy
from cloud.law import PLAIN, Law, longest
from cloud.merchants import merchants
from cloud.people import policy_review
from cloud.portal.asking import HOME, Asked, Asker, PublicRoute, router
from cloud.web.problems import Refusal
from protocol.messages import ProblemType

routes: APIRouter = router(PublicRoute)


@routes.get("/privacy")
async def show_policy(asked: Asker) -> Response:
    settings = asked.context.settings
    laws = await _laws_in_force(asked)
    months = settings.retention.inactive_months
    due = await policy_review.due_on(asked.session, settings)
    return asked.page(
        "privacy.html",
        operator=settings.operator,
        contact=settings.privacy.contact,
        merchants=[row.name for row in await merchants.all_merchants(asked.session)],
        laws=[(law, longest(months, [law])) for law in laws if law is not PLAIN],
        months=longest(months, laws),
        explicit=any(law.explicit for law in laws),
        answers_in=min(law.answers_in for law in laws),
        is_reviewed=due is not None,
        reviewed=settings.privacy.reviewed,
        years=policy.BOOKKEEPING.days // 365,
        days_notice=policy.NOTICE.days,
        days_last_notice=policy.LAST_NOTICE.days,
        enrolment_minutes=policy.ENROLMENT_LIFE.seconds // 60,
        begun_days=policy.BEGUN_LIFE.days,
        incidents_days=policy.INCIDENTS_KEPT.days,
        entries_days=policy.ENTRIES_KEPT.days,
        answer_hours=int(policy.ANSWER_LIFE.total_seconds()) // 3600,
        session_hours=policy.SESSION_LIFE.seconds // 3600,
        is_stripe=settings.payments.stripe_key is not None,
        is_twilio=settings.messages.provider == "twilio",
        mail_server=settings.mail.smtp_host if settings.mail.provider == "smtp" else None,
    )


@routes.get("/sign")
async def show_first_sign(asked: Asker) -> Response:
    return await _sign(asked, merchants.FIRST)


@routes.get("/sign/{site_id}")
async def show_sign(asked: Asker, site_id: str) -> Response:
    return await _sign(asked, site_id)


async def _sign(asked: Asked, site_id: str) -> Response:
    """Returns the sign for the entrance of a site, on one sheet of paper. Raises Refusal."""
    if await merchants.find_site(asked.session, site_id) is None:
        raise Refusal(ProblemType.NOT_FOUND)
    _, merchant = await merchants.place_of(asked.session, site_id)
    return asked.page("sign.html", shop=merchant.name, address=f"{asked.origin}{HOME}/privacy")


async def _laws_in_force(asked: Asked) -> list[Law]:
    found = await merchants.laws(asked.session, asked.context.settings)
    return sorted(set(found.values()), key=lambda law: law.code)
