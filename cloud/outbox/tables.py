"""The table of errands."""

from datetime import datetime

from sqlalchemy.orm import Mapped, mapped_column

from cloud.db.tables import Table


class Errand(Table):
    """Work that must still be done elsewhere, tried again until it is done."""

    __tablename__ = "errands"

    id: Mapped[str] = mapped_column(primary_key=True)
    kind: Mapped[str]
    payload: Mapped[bytes]
    """What the errand is about, sealed with the outbox's key (`MasterKey.outbox`)."""
    person_digest: Mapped[bytes | None]
    """SHA-256 of the id of the deleted person whom the errand is about, so that a check of the
    deletion finds it; None when no person was deleted."""
    attempts: Mapped[int]
    due_at: Mapped[datetime] = mapped_column(index=True)
