"""A merchant and its sites."""

from typing import Annotated

from fastapi import APIRouter
from pydantic import AwareDatetime

from cloud.console import acts
from cloud.console.api.asking import (
    Asked,
    Asker,
    AskerOnce,
    OperatorAsker,
    one_line,
    operators_router,
    router,
)
from cloud.console.places import NAME_LENGTH, sites_in_reach
from cloud.console.roles import Right
from cloud.integrations.asking import Scope
from cloud.law import foreign
from cloud.merchants.merchants import MerchantRow, SiteRow, all_merchants, law_of
from cloud.policy import ACTIVATION_LIFE
from cloud.web.problems import Refusal
from protocol.messages import Message, ProblemType

listing: APIRouter = operators_router(Right.SEE, Scope.SITES_READ)
reading: APIRouter = router(Right.SEE, Scope.SITES_READ)
adding: APIRouter = router(Right.ADD_SITE, Scope.SITES_WRITE)
activating: APIRouter = router(Right.ACTIVATE, Scope.KIOSKS_WRITE)
renaming: APIRouter = router(Right.MERCHANT_NAME, Scope.SITES_WRITE)

SiteName = Annotated[str, one_line(NAME_LENGTH)]


class MerchantTold(Message):
    """A merchant as staff see it."""

    merchant_id: str
    name: str
    country: str
    """ISO 3166-1, two letters."""
    currency: str
    """ISO 4217."""
    region: str | None
    """The region that the palms of the merchant's people may not leave; null where there is no such
    limit."""


class Merchants(Message):
    merchants: list[MerchantTold]


class SiteTold(Message):
    """A place where a merchant sells."""

    site_id: str
    name: str
    law: str
    """The code of the law that applies to consents there."""


class MerchantName(Message):
    name: SiteName
    """Shoppers read it at kiosks, in receipts and in the texts that they agree to."""


class Sites(Message):
    sites: list[SiteTold]


class NewSite(Message):
    name: SiteName


class ActivationCodeTold(Message):
    """A code that activates one kiosk, once. Only the same request, repeated with its
    `Idempotency-Key`, returns it again."""

    code: str
    expires_at: AwareDatetime


@listing.get("/merchants")
async def show_merchants(asked: OperatorAsker) -> Merchants:
    """Lists every merchant, sorted by id. It needs a key of the operator's."""
    return Merchants(merchants=[_merchant(row) for row in await all_merchants(asked.session)])


@reading.get("")
async def show_merchant(asked: Asker) -> MerchantTold:
    return _merchant(await asked.merchant())


@renaming.put("/name")
async def rename_merchant(asked: Asker, new: MerchantName) -> MerchantTold:
    """Changes the name of a merchant. All its people are asked for their consent again. It needs a
    key of the operator's."""
    merchant = await asked.merchant()
    await acts.rename_merchant(asked.session, asked.by, merchant, new.name)
    return _merchant(merchant)


@reading.get("/sites")
async def show_all(asked: Asker) -> Sites:
    """Lists the sites, sorted by name."""
    sites = await sites_in_reach(asked.session, asked.reach)
    return Sites(sites=[_told(asked, site) for site in sites])


@reading.get("/sites/{site_id}")
async def show(asked: Asker, site_id: str) -> SiteTold:
    return _told(asked, await asked.site(site_id))


@adding.post("/sites")
async def add(asked: AskerOnce, new: NewSite) -> SiteTold:
    """Adds a site. The law in the service's settings applies to it."""
    merchant = await asked.merchant()
    no = foreign(asked.context.settings.law, merchant.country)
    if no is not None:
        raise Refusal(ProblemType.CONFLICT, f"{no}: the operator adds this site")
    return _told(asked, await acts.add_site(asked.session, asked.by, merchant, new.name))


@activating.post("/sites/{site_id}/activation-codes")
async def make_code(asked: AskerOnce, site_id: str) -> ActivationCodeTold:
    """Makes a code that activates one kiosk at a site."""
    site = await asked.site(site_id)
    code = await acts.show_code(asked.session, asked.context.master, asked.by, site)
    return told_once(asked, code)


def told_once(asked: Asked, code: str) -> ActivationCodeTold:
    return ActivationCodeTold(code=code, expires_at=asked.now + ACTIVATION_LIFE)


def _merchant(row: MerchantRow) -> MerchantTold:
    return MerchantTold(
        merchant_id=row.id,
        name=row.name,
        country=row.country,
        currency=row.currency,
        region=row.region,
    )


def _told(asked: Asked, site: SiteRow) -> SiteTold:
    return SiteTold(site_id=site.id, name=site.name, law=law_of(site, asked.context.settings).code)


ROUTERS = (listing, reading, adding, activating, renaming)
