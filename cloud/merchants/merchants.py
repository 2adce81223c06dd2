"""Merchants and their sites. The first merchant is what the settings say; others are added by the
operator."""

from collections.abc import Mapping, Sequence

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from cloud import settings
from cloud.db.tables import new_id
from cloud.law import PLAIN, Law, find_law, foreign, neglected
from cloud.merchants.tables import FIRST, MerchantRow, SiteRow
from cloud.web.signed_request import Call


async def follow_settings(session: AsyncSession, first: settings.Merchant) -> None:
    """Gives the first merchant the values of the settings."""
    change(await session.get_one(MerchantRow, FIRST), first)
    await session.commit()


def change(row: MerchantRow, merchant: settings.Merchant) -> None:
    row.name, row.country = merchant.name, merchant.country
    row.currency, row.region = merchant.currency, merchant.region
    row.account = merchant.account


async def add_merchant(
    session: AsyncSession, merchant: settings.Merchant, site: str, law: Law | None = None
) -> tuple[MerchantRow, SiteRow]:
    """Adds a merchant with a site of this name. Without a law the site has that of the settings."""
    row = MerchantRow(id=new_id())
    change(row, merchant)
    session.add(row)
    await session.flush()
    return row, await add_site(session, row.id, site, law)


async def add_site(
    session: AsyncSession, merchant_id: str, name: str, law: Law | None = None
) -> SiteRow:
    """Adds a site. Without a law it has that of the settings."""
    site = SiteRow(id=new_id(), merchant_id=merchant_id, name=name, law=law and law.code)
    session.add(site)
    await session.flush()
    return site


async def first_site(session: AsyncSession) -> SiteRow:
    """Returns the first site of the merchant that the settings describe. It is there from the
    beginning."""
    return await session.get_one(SiteRow, FIRST)


async def find_merchant(session: AsyncSession, merchant_id: str) -> MerchantRow | None:
    """Returns a merchant, None when there is none of this id."""
    return await session.get(MerchantRow, merchant_id)


async def all_merchants(session: AsyncSession) -> Sequence[MerchantRow]:
    """Returns every merchant, by id."""
    return (await session.scalars(select(MerchantRow).order_by(MerchantRow.id))).all()


async def find_site(session: AsyncSession, site_id: str) -> SiteRow | None:
    """Returns a site, None when there is none of this id."""
    return await session.get(SiteRow, site_id)


async def all_sites(session: AsyncSession) -> Sequence[SiteRow]:
    """Returns every site, by id."""
    return (await session.scalars(select(SiteRow).order_by(SiteRow.id))).all()


async def place_of(session: AsyncSession, site_id: str) -> tuple[SiteRow, MerchantRow]:
    """Returns a site that there is, and its merchant."""
    site = await session.get_one(SiteRow, site_id)
    return site, await session.get_one(MerchantRow, site.merchant_id)


async def laws(session: AsyncSession, chosen: settings.Settings) -> Mapping[str, Law]:
    """Returns the law of every site, by the id of the site."""
    return {site.id: law_of(site, chosen) for site in await all_sites(session)}


def law_of(site: SiteRow, chosen: settings.Settings) -> Law:
    """Returns the law of a site."""
    return chosen.law if site.law is None else find_law(site.law)


async def faults_of_laws(session: AsyncSession, chosen: settings.Settings) -> list[str]:
    """Returns what is wrong with the laws of the sites, in sentences for the operator."""
    faults: list[str] = []
    in_force: set[str] = set()
    for site in await all_sites(session):
        _, merchant = await place_of(session, site.id)
        named = f"site {site.id} ({site.name} of {merchant.name})"
        change = f"Change it: staff change-site {site.id} --law CODE."
        try:
            law = law_of(site, chosen)
        except ValueError as error:
            faults.append(f"{named}: {error}. {change}")
            continue
        if law is not PLAIN:
            in_force.add(law.code)
        abroad = foreign(law, merchant.country)
        if abroad is not None:
            here = "It is law under [privacy] in settings.toml. " if site.law is None else ""
            faults.append(f"{named}: {abroad}. {here}{change}")
    if in_force and chosen.privacy.contact is None:
        codes = ", ".join(sorted(in_force))
        faults.append(
            f"privacy.contact is not set, and people whose data is under {codes} need to know how "
            "to reach whoever answers for it. Set it in settings.toml."
        )
    return faults


async def doubts_of_laws(session: AsyncSession, chosen: settings.Settings) -> list[str]:
    """Returns what is most likely wrong with the laws of the sites, in sentences for the operator.
    Where shops are, only they know."""
    doubts: list[str] = []
    for site in await all_sites(session):
        _, merchant = await place_of(session, site.id)
        law = neglected(law_of(site, chosen), merchant.country)
        if law is not None:
            doubts.append(
                f"site {site.id} ({site.name} of {merchant.name}) has the plain law, and in "
                f"{merchant.country} that is {law.code} ({law.cited}). If the shop is there: staff "
                f"change-site {site.id} --law {law.code}."
            )
    return doubts


async def merchant_of(call: Call) -> MerchantRow:
    """Returns the merchant whose device calls."""
    device = await call.device()
    return await call.session.get_one(MerchantRow, device.merchant_id)
