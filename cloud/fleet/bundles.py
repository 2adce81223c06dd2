"""Support bundles: what a kiosk's staff have sent for those who help them."""

from datetime import datetime, timedelta

from fastapi import APIRouter
from sqlalchemy import delete
from sqlalchemy.ext.asyncio import AsyncSession

from cloud.fleet.tables import BundleRow
from cloud.policy import Limits
from cloud.web import limits, signed_request
from cloud.web.signed_request import Caller
from protocol.fleet import SupportBundle

LIFE = timedelta(days=30)
"""How long a bundle is kept."""

router: APIRouter = signed_request.router()


@router.put("/device/support-bundle", status_code=204)
async def take(call: Caller, bundle: SupportBundle) -> None:
    """Keeps a bundle in place of the device's last one."""
    await limits.spend(call.session, Limits.SUPPORT_BUNDLES, call.device_id, call.now)
    content = bundle.model_dump_json(indent=1)
    await call.session.merge(BundleRow(device_id=call.device_id, content=content, at=call.now))


async def bundle_of(session: AsyncSession, device_id: str) -> str | None:
    """Returns the latest bundle of a device as JSON, None without one."""
    row = await session.get(BundleRow, device_id)
    return None if row is None else row.content


async def forget_expired(session: AsyncSession, now: datetime) -> None:
    await session.execute(delete(BundleRow).where(BundleRow.at <= now - LIFE))
