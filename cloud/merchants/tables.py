"""Tables of merchants, their sites, and activation codes."""

from datetime import datetime

from sqlalchemy import ForeignKey
from sqlalchemy.orm import Mapped, mapped_column

from cloud.db.tables import ReadOnce, Table

FIRST = "first"
"""The id of the merchant that the settings describe, and of its first site."""
HERE = "here"
"""The id of the only row of `regions`."""


class MerchantRow(ReadOnce, Table):
    __tablename__ = "merchants"

    id: Mapped[str] = mapped_column(primary_key=True)
    name: Mapped[str]
    """What shoppers read."""
    country: Mapped[str]
    currency: Mapped[str]
    """The currency of all its sales."""
    account: Mapped[str | None]
    """The merchant's account with the payment provider; None when its sales go to the operator's
    own."""
    region: Mapped[str | None]
    """The region that the palms of its people may not leave; None when they may be in any."""


class SiteRow(ReadOnce, Table):
    """A place where a merchant sells."""

    __tablename__ = "sites"

    id: Mapped[str] = mapped_column(primary_key=True)
    merchant_id: Mapped[str] = mapped_column(ForeignKey("merchants.id"))
    name: Mapped[str]
    law: Mapped[str | None]
    """The code of its law (`cloud.law`); None when it is that of the settings."""


class RegionRow(Table):
    """The region that the database is in, in one row; without it in none that has a name."""

    __tablename__ = "regions"

    id: Mapped[str] = mapped_column(primary_key=True)
    """HERE."""
    name: Mapped[str]


class ActivationCode(Table):
    __tablename__ = "activation_codes"

    name: Mapped[str] = mapped_column(primary_key=True)
    """The first digits of the code, which are not secret."""
    lookup: Mapped[str]
    """A keyed hash of the whole code (`cloud.keys.person_keys.MasterKey.lookup`)."""
    attempts_left: Mapped[int]
    expires_at: Mapped[datetime]
    site_id: Mapped[str] = mapped_column(ForeignKey("sites.id"))
    """The site of the device that is activated."""
    replaces: Mapped[str | None]
    """The device that is revoked when the code is used."""
