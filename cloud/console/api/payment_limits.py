"""The limits of payments of a merchant and of a site, and the policy of the whole service."""

from collections.abc import Mapping

from fastapi import APIRouter

from cloud import policy
from cloud.console import acts
from cloud.console.api.asking import Asked, Asker, router
from cloud.console.roles import Right
from cloud.integrations.asking import Scope
from cloud.merchants.merchants import MerchantRow, SiteRow
from cloud.policy import Limit, Limits
from cloud.web import amounts
from cloud.web.amounts import Demand, Place, Said, SaidBy, TooLax
from cloud.web.problems import Refusal
from protocol.fleet import Minor
from protocol.messages import Currency, Message, ProblemType

reading: APIRouter = router(Right.SEE, Scope.LIMITS_READ)
changing: APIRouter = router(Right.AMOUNTS, Scope.LIMITS_WRITE)


class PaymentLimits(Message):
    """Limits of payments, in the minor unit of the currency; null where there is no limit. All
    fields are required, so that no limit is removed by mistake."""

    currency: Currency
    """The merchant's currency."""
    pulse_above: Minor | None
    """The amount above which a palm pays only with its pulse."""
    digits_above: Minor | None
    """The amount above which the last digits of the phone number are asked for."""
    staff_above: Minor | None
    """The amount above which staff have to see the hand."""
    unconfirmed_below: Minor | None
    """The amount below which a recognised palm pays without a touch."""


class LimitSaid(Message):
    """A limit, and who has set it."""

    minor: int
    """In the minor unit of the currency."""
    by: SaidBy


class LimitsSaid(Message):
    """Limits as in `PaymentLimits`; null where nobody has set one. Where `unconfirmed_below` is
    null, the setting of each kiosk applies."""

    pulse_above: LimitSaid | None
    digits_above: LimitSaid | None
    staff_above: LimitSaid | None
    unconfirmed_below: LimitSaid | None


class PlaceLimits(Message):
    """The limits of a merchant, or of one of its sites."""

    own: PaymentLimits
    """The limits that are set here."""
    inherited: LimitsSaid
    """The strictest limits that are set for the service and, for a site, for the merchant. A larger
    amount cannot be set here."""
    in_force: LimitsSaid
    """The limits that apply here."""


class Often(Message):
    """How often something may happen within a time."""

    times: int
    within_s: int


class ServicePolicy(Message):
    """The policy of the whole service, because all merchants share one gallery of palms."""

    light_challenge: bool
    """Whether every palm needs a light challenge. Otherwise a challenge is judged only at kiosks
    with a light ring."""
    stranger_accepted: float
    """The largest share of searches in which a stranger may be taken for somebody."""
    stranger_asked_for_digits: float
    """The largest share of searches in which a stranger may be asked for digits."""
    comparison_wrong: float
    """The largest share of single comparisons that may be wrong."""
    number_proven_wrongly: float
    """The largest share of comparisons with the owner of a claimed number that may be wrong."""
    palms_in_a_visit: int
    failed_proofs: Often
    """Wrong digits, codes and palms about one account."""
    payments: Often
    """Payments of one person."""


@reading.get("/limits")
async def show_of_merchant(asked: Asker) -> PlaceLimits:
    return await _told(asked, await asked.merchant(), None)


@changing.put("/limits")
async def change_of_merchant(asked: Asker, limits: PaymentLimits) -> PlaceLimits:
    """Sets the limits of a merchant, which apply at all of its sites."""
    return await _change(asked, await asked.merchant(), None, limits)


@reading.get("/sites/{site_id}/limits")
async def show_of_site(asked: Asker, site_id: str) -> PlaceLimits:
    site = await asked.site(site_id)
    return await _told(asked, await asked.merchant(), site)


@changing.put("/sites/{site_id}/limits")
async def change_of_site(asked: Asker, site_id: str, limits: PaymentLimits) -> PlaceLimits:
    """Sets the limits of a site, which apply in addition to those of its merchant."""
    site = await asked.site(site_id)
    return await _change(asked, await asked.merchant(), site, limits)


@reading.get("/service-policy")
async def show_policy(asked: Asker) -> ServicePolicy:
    """Returns the policy of the whole service, which no merchant can change."""
    return ServicePolicy(
        light_challenge=asked.context.settings.light_required,
        stranger_accepted=policy.FPIR_ACCEPT,
        stranger_asked_for_digits=policy.FPIR_STEP_UP,
        comparison_wrong=policy.FMR_AT_MOST,
        number_proven_wrongly=policy.FMR_VERIFY,
        palms_in_a_visit=policy.ATTEMPTS,
        failed_proofs=_often(Limits.FAILED_PROOFS),
        payments=_often(Limits.PURCHASES),
    )


async def _change(
    asked: Asked, merchant: MerchantRow, site: SiteRow | None, limits: PaymentLimits
) -> PlaceLimits:
    if limits.currency != merchant.currency:
        detail = f"the amounts of this merchant are in {merchant.currency}"
        raise Refusal(ProblemType.CONFLICT, detail)
    values = {demand: getattr(limits, demand) for demand in Demand}
    chosen = asked.context.settings
    try:
        await acts.change_amounts(asked.session, chosen, asked.by, site or merchant, values)
    except TooLax as lax:
        raise Refusal(ProblemType.CONFLICT, str(lax)) from None
    return await _told(asked, merchant, site)


async def _told(asked: Asked, merchant: MerchantRow, site: SiteRow | None) -> PlaceLimits:
    session, chosen, currency = asked.session, asked.context.settings, merchant.currency
    place = Place(merchant.id, site and site.id)
    own = await amounts.said_at(session, place, currency)
    return PlaceLimits(
        own=PaymentLimits(currency=currency, **{demand: own.get(demand) for demand in Demand}),
        inherited=_said(await amounts.in_force(session, chosen, place.above, currency)),
        in_force=_said(await amounts.in_force(session, chosen, place, currency)),
    )


def _said(limits: Mapping[Demand, Said]) -> LimitsSaid:
    told = {demand: LimitSaid(minor=said.minor, by=said.by) for demand, said in limits.items()}
    return LimitsSaid(**{demand: told.get(demand) for demand in Demand})


def _often(limit: Limit) -> Often:
    return Often(times=limit.count, within_s=int(limit.window.total_seconds()))


ROUTERS = (reading, changing)
