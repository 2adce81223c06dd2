"""The table of ages that staff have seen."""

from datetime import datetime

from sqlalchemy import ForeignKey
from sqlalchemy.orm import Mapped, mapped_column

from cloud.db.tables import Table, person_key


class AgeRow(Table):
    """That staff of a merchant have seen a person's age in a document."""

    __tablename__ = "ages"

    person_id: Mapped[str] = person_key(index=False, primary_key=True)
    merchant_id: Mapped[str] = mapped_column(ForeignKey("merchants.id"), primary_key=True)
    sealed: Mapped[bytes]
    """`protocol.messages.AgeFlag` of the age that the person had reached, sealed."""
    staff: Mapped[str]
    """The number of the member of staff at the merchant."""
    device_id: Mapped[str]
    at: Mapped[datetime]
