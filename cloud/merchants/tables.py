"""The table of activation codes."""

from datetime import datetime

from sqlalchemy.orm import Mapped, mapped_column

from cloud.db.tables import Table


class ActivationCode(Table):
    __tablename__ = "activation_codes"

    name: Mapped[str] = mapped_column(primary_key=True)
    """The first digits of the code, which are not secret."""
    lookup: Mapped[str]
    """A keyed hash of the whole code (`cloud.keys.person_keys.MasterKey.lookup`)."""
    attempts_left: Mapped[int]
    expires_at: Mapped[datetime]
