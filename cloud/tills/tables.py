"""The table of the keys with which tills send messages through the service."""

from datetime import datetime

from sqlalchemy.orm import Mapped, mapped_column

from cloud.db.tables import Table, merchant_key


class TillKey(Table):
    __tablename__ = "till_keys"

    id: Mapped[str] = mapped_column(primary_key=True)
    """The first part of the key, which is not secret."""
    merchant_id: Mapped[str] = merchant_key()
    lookup: Mapped[str]
    """A keyed hash of the whole key (`cloud.keys.person_keys.MasterKey.lookup`)."""
    made_at: Mapped[datetime]
    expires_at: Mapped[datetime | None]
    """None for a key that stays until it is removed."""
