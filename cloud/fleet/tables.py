"""Tables of what kiosks tell of themselves, and of what their operator has them do. None of them is
about people who use a palm."""

from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, ForeignKey
from sqlalchemy.orm import Mapped, mapped_column

from cloud.db.tables import Table, numbered


def _device_key() -> Any:
    return mapped_column(ForeignKey("devices.id"), primary_key=True)


class BundleRow(Table):
    """The latest support bundle of a device."""

    __tablename__ = "support_bundles"

    device_id: Mapped[str] = _device_key()
    content: Mapped[str]
    """`protocol.fleet.SupportBundle` as JSON."""
    at: Mapped[datetime] = mapped_column(index=True)


class ReportRow(Table):
    """What a device has told last."""

    __tablename__ = "device_reports"

    device_id: Mapped[str] = _device_key()
    content: Mapped[str]
    """`protocol.fleet.Report` as JSON."""
    at: Mapped[datetime]


class KioskSettingRow(Table):
    """A setting of all kiosks of a site, or of one of them."""

    __tablename__ = "kiosk_settings"

    scope: Mapped[str] = mapped_column(primary_key=True)
    """The id of the site or of the device."""
    name: Mapped[str] = mapped_column(primary_key=True)
    value: Mapped[str]


class PictureRow(Table):
    """A picture for kiosks."""

    __tablename__ = "kiosk_pictures"

    sha256: Mapped[str] = mapped_column(primary_key=True)
    """In hexadecimal."""
    content: Mapped[bytes]
    """A PNG (`protocol.pictures`)."""
    ink: Mapped[str | None]
    """`protocol.fleet.Logo.ink`."""


class OrdersRow(Table):
    """What a device was told last (`cloud.fleet.orders`)."""

    __tablename__ = "device_orders"

    device_id: Mapped[str] = _device_key()
    serial: Mapped[int] = mapped_column(BigInteger)
    content: Mapped[str]
    """What is ordered as JSON, by which a change is noticed."""


class ActRow(Table):
    """What somebody of the operator's has asked of a device, and when."""

    __tablename__ = "operator_acts"

    id: Mapped[int] = numbered()
    device_id: Mapped[str] = mapped_column(ForeignKey("devices.id"), index=True)
    act: Mapped[str]
    """`cloud.fleet.orders.Act`."""
    who: Mapped[str]
    """The name at the service's machine of whoever ran the command."""
    at: Mapped[datetime]
