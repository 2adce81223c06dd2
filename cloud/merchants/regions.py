"""Regions: where palms are kept, and which may not leave.

A database is in one region, which the first start that is told one writes into it. From then on
nothing of ours opens it in another: neither a service, which would search its palms, nor a command,
nor a backup's restore. A merchant names the region that the palms of its people may not leave; a
service of another one then opens no envelope of its devices, and activates none.

This module is the `cloud.context.Regions` of the service.
"""

from sqlalchemy.ext.asyncio import AsyncSession

from cloud.context import Context
from cloud.db import database
from cloud.db.database import Address
from cloud.db.locks import lock
from cloud.merchants.tables import HERE, MerchantRow, RegionRow
from cloud.settings import BadSettings, Service
from cloud.web.problems import Refusal
from protocol.messages import ProblemType


def region_of(address: Address) -> str | None:
    """Returns the region that a database is in; None where it has none, or is not made yet. Raises
    sqlalchemy's DatabaseError."""
    return database.only_value(address, RegionRow.__tablename__, RegionRow.name.key)


def must_be_of(address: Address, region: str | None) -> None:
    """Raises BadSettings for a database that is in another region than this, and sqlalchemy's
    DatabaseError."""
    _must_agree(region_of(address), region)


async def settle(session: AsyncSession, region: str | None) -> None:
    """Has a database that is in no region yet be in this one. Raises BadSettings when it is in
    another."""
    if region is None:
        return
    await lock(session, "region")
    row = await session.get(RegionRow, HERE)
    if row is None:
        session.add(RegionRow(id=HERE, name=region))
        await session.commit()
    else:
        _must_agree(row.name, region)


async def must_be_here(context: Context, session: AsyncSession, merchant_id: str) -> None:
    """Raises Refusal when the palms of a merchant's people may not leave another region."""
    merchant = await session.get_one(MerchantRow, merchant_id)
    service = context.settings.service
    if not is_here(merchant, service):
        here = f"in {service.region}" if service.region else "in no region that has a name"
        raise Refusal(
            ProblemType.WRONG_REGION,
            f"palms of its people stay in {merchant.region}, and this service is {here}",
            service=service_of(merchant, service),
        )


def is_here(merchant: MerchantRow, service: Service) -> bool:
    """Returns whether a service with these settings may take palms of a merchant's people."""
    return merchant.region in (None, service.region)


def service_of(merchant: MerchantRow, service: Service) -> str | None:
    """Returns the address of the service that takes a merchant's palms; None where it is not in
    the settings of this one."""
    address = None if merchant.region is None else service.elsewhere.get(merchant.region)
    return None if address is None else str(address).rstrip("/")


def _must_agree(stored: str | None, region: str | None) -> None:
    if stored in (None, region):
        return
    told = "says none" if region is None else f"says {region}"
    raise BadSettings(
        f"the database is in the region {stored}, and region under [service] in settings.toml "
        f"{told}. Palms do not leave their region: start a service of {stored} where it is, or "
        "name the database of this one."
    )
