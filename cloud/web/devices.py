"""The devices that may send requests."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import select, update
from sqlalchemy.ext.asyncio import AsyncSession

from cloud.db.locks import held
from cloud.web.tables import DeviceRow


async def register_device(
    session: AsyncSession,
    *,
    device_id: str,
    public_key: bytes,
    name: str,
    merchant_id: str,
    site_id: str,
    infrared: bool,
    now: datetime,
) -> None:
    """Adds a device. One that is registered already, or was revoked, gets the new values. It keeps
    its card reader only where it stays, because the reader stays."""
    before = await session.get(DeviceRow, device_id)
    stays = before is not None and (before.merchant_id, before.site_id) == (merchant_id, site_id)
    await session.merge(
        DeviceRow(
            id=device_id,
            public_key=public_key,
            name=name,
            merchant_id=merchant_id,
            site_id=site_id,
            activated_at=now,
            revoked_at=None,
            reader=before.reader if before is not None and stays else None,
            infrared=infrared,
            passes_many=before is not None and stays and before.passes_many,
        )
    )


async def bind_reader(session: AsyncSession, device_id: str, reader: str | None) -> bool:
    """Binds a card reader to a device, in place of the one it had; None binds none. The device it
    was bound to before loses it. Returns whether the device is known."""
    device = await session.get(DeviceRow, device_id)
    if device is None or device.revoked_at is not None:
        return False
    if reader is not None:
        had = DeviceRow.reader == reader, DeviceRow.id != device_id
        await session.execute(update(DeviceRow).where(*had).values(reader=None))
    device.reader = reader
    await session.flush()
    return True


async def find_device(session: AsyncSession, device_id: str) -> DeviceRow | None:
    """Returns a device, a revoked one too; None when there is none of this id."""
    return await session.get(DeviceRow, device_id)


async def all_devices(session: AsyncSession) -> Sequence[DeviceRow]:
    """Returns every device, revoked ones too, by id."""
    return (await session.scalars(select(DeviceRow).order_by(DeviceRow.id))).all()


async def merchant_of_device(session: AsyncSession, device_id: str) -> str | None:
    """Returns the id of the merchant whose device this is, None when it is not known."""
    device = await session.get(DeviceRow, device_id)
    return None if device is None or device.revoked_at is not None else device.merchant_id


async def revoke_device(session: AsyncSession, device_id: str, now: datetime) -> bool:
    """Makes a device unknown from now on. Returns whether it was known."""
    device = await held(session, DeviceRow, device_id)
    if device is None or device.revoked_at is not None:
        return False
    device.revoked_at, device.reader = now, None
    return True
