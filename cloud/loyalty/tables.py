"""The table of memberships."""

from datetime import datetime

from sqlalchemy import ForeignKey
from sqlalchemy.orm import Mapped, mapped_column

from cloud.db.tables import Table, person_key


class MembershipRow(Table):
    """A person's membership at a merchant."""

    __tablename__ = "memberships"

    person_id: Mapped[str] = person_key(index=False, primary_key=True)
    merchant_id: Mapped[str] = mapped_column(ForeignKey("merchants.id"), primary_key=True)
    sealed: Mapped[bytes]
    """`protocol.messages.Membership`, sealed."""
    at: Mapped[datetime]
    """When the person linked it."""
    lookup: Mapped[str | None] = mapped_column(index=True)
    """A keyed hash of merchant and code, by which an integrator finds it
    (`cloud.keys.person_keys.MasterKey.lookup`); None until the next start for what an earlier
    version has linked."""
