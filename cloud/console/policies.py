"""Pages of the policies of a merchant and of a site. They tell which values apply and where each
was set; the limits of payments can be set here."""

from collections.abc import Mapping
from decimal import Decimal, InvalidOperation
from typing import Annotated

from fastapi import APIRouter, Form, Response
from pydantic import BaseModel, StringConstraints

from cloud import policy
from cloud.console import acts
from cloud.console.asking import HOME, Asked, Asker, router
from cloud.console.places import merchant_of, site_of
from cloud.console.roles import Right
from cloud.merchants.merchants import MerchantRow, SiteRow, place_of
from cloud.web import amounts
from cloud.web.amounts import Demand, Place, TooLax
from cloud.web.browsers import redirect
from cloud.web.language import decimal
from protocol.currency import exponent_of
from protocol.messages import MOST_MINOR

routes: APIRouter = router(Right.SEE)
changing: APIRouter = router(Right.AMOUNTS)

Typed = Annotated[str, StringConstraints(max_length=40, strip_whitespace=True)]


class Amounts(BaseModel):
    """The form as it was sent: an amount for each `Demand`, empty for none."""

    pulse_above: Typed = ""
    digits_above: Typed = ""
    staff_above: Typed = ""
    unconfirmed_below: Typed = ""


class NoAmount(ValueError):
    """What was typed is no amount in the currency."""


@routes.get("/merchants/{merchant_id}/policies")
async def show_of_merchant(asked: Asker) -> Response:
    return await _page(asked, merchant_of(asked), None)


@routes.get("/sites/{site_id}/policies")
async def show_of_site(asked: Asker) -> Response:
    site, merchant = await place_of(asked.session, site_of(asked).id)
    return await _page(asked, merchant, site)


@changing.post("/merchants/{merchant_id}/policies")
async def change_of_merchant(asked: Asker, sent: Annotated[Amounts, Form()]) -> Response:
    return await _change(asked, merchant_of(asked), None, sent)


@changing.post("/sites/{site_id}/policies")
async def change_of_site(asked: Asker, sent: Annotated[Amounts, Form()]) -> Response:
    site, merchant = await place_of(asked.session, site_of(asked).id)
    return await _change(asked, merchant, site, sent)


async def _change(
    asked: Asked, merchant: MerchantRow, site: SiteRow | None, sent: Amounts
) -> Response:
    typed = {Demand(name): text for name, text in sent.model_dump().items()}
    values: dict[Demand, int | None] = {}
    for demand, text in typed.items():
        try:
            values[demand] = _minor(text, merchant.currency) if text else None
        except NoAmount:
            return await _page(asked, merchant, site, typed=typed, wrong=demand)
    chosen = asked.context.settings
    try:
        await acts.change_amounts(asked.session, chosen, asked.by, site or merchant, values)
    except TooLax as lax:
        return await _page(asked, merchant, site, typed=typed, wrong=lax.demand, lax=lax)
    return redirect(f"{HOME}{_path(merchant, site)}/policies")


async def _page(
    asked: Asked,
    merchant: MerchantRow,
    site: SiteRow | None,
    *,
    typed: Mapping[Demand, str] | None = None,
    wrong: Demand | None = None,
    lax: TooLax | None = None,
) -> Response:
    session, chosen, currency = asked.session, asked.context.settings, merchant.currency
    place = Place(merchant.id, site and site.id)
    if typed is None:
        own = await amounts.said_at(session, place, currency)
        typed = {demand: decimal(minor, currency) for demand, minor in own.items()}
    return asked.page(
        "policies.html",
        200 if wrong is None else 422,
        merchant=merchant,
        site=site,
        path=_path(merchant, site),
        demands=list(Demand),
        held=await amounts.in_force(session, chosen, place, currency),
        typed=typed,
        example=decimal(125_000, currency),
        wrong=wrong,
        lax=lax,
        liveness=chosen.light_required,
        policy=policy,
        purchases=policy.Limits.PURCHASES,
        proofs=policy.Limits.FAILED_PROOFS,
    )


def _path(merchant: MerchantRow, site: SiteRow | None) -> str:
    return f"/merchants/{merchant.id}" if site is None else f"/sites/{site.id}"


def _minor(text: str, currency: str) -> int:
    """Returns an amount that was typed, such as 1250.00, in the minor unit. Raises NoAmount."""
    exponent = exponent_of(currency)
    try:
        # Digits of other scripts, exponents and signs are not accepted.
        if not (text.isascii() and text.replace(".", "", 1).isdecimal()):
            raise NoAmount
        minor = Decimal(text).scaleb(2 if exponent is None else exponent)
    except InvalidOperation:
        raise NoAmount from None
    if minor != minor.to_integral_value() or minor > MOST_MINOR:
        raise NoAmount
    return int(minor)
