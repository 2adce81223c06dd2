"""Merchants and their sites. The first merchant is what the settings say; others are added by the
operator."""

from collections.abc import Sequence

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from cloud import settings
from cloud.db.tables import new_id
from cloud.merchants.tables import FIRST, MerchantRow, SiteRow
from cloud.web.signed_request import Call


async def follow_settings(session: AsyncSession, first: settings.Merchant) -> None:
    """Gives the first merchant the values of the settings."""
    change(await session.get_one(MerchantRow, FIRST), first)
    await session.commit()


def change(row: MerchantRow, merchant: settings.Merchant) -> None:
    row.name, row.country = merchant.name, merchant.country
    row.currency, row.account = merchant.currency, merchant.account


async def add_merchant(
    session: AsyncSession, merchant: settings.Merchant, site: str
) -> tuple[MerchantRow, SiteRow]:
    """Adds a merchant with a site of this name."""
    row = MerchantRow(id=new_id())
    change(row, merchant)
    session.add(row)
    await session.flush()
    return row, await add_site(session, row.id, site)


async def add_site(session: AsyncSession, merchant_id: str, name: str) -> SiteRow:
    site = SiteRow(id=new_id(), merchant_id=merchant_id, name=name)
    session.add(site)
    await session.flush()
    return site


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


async def merchant_of(call: Call) -> MerchantRow:
    """Returns the merchant whose device calls."""
    device = await call.device()
    return await call.session.get_one(MerchantRow, device.merchant_id)
