"""The devices that may send requests."""

from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from cloud.web.tables import DeviceRow


async def register_device(
    session: AsyncSession,
    *,
    device_id: str,
    public_key: bytes,
    name: str,
    merchant: str,
    country: str,
    currency: str,
    infrared: bool,
    now: datetime,
) -> None:
    """Adds a device. A device that is registered already gets the new values."""
    await session.merge(
        DeviceRow(
            id=device_id,
            public_key=public_key,
            name=name,
            merchant=merchant,
            country=country,
            currency=currency,
            activated_at=now,
            infrared=infrared,
        )
    )
