"""The table of activation codes."""

from datetime import datetime

from sqlalchemy.orm import Mapped, mapped_column

from cloud.db.tables import Table


class ActivationCode(Table):
    __tablename__ = "activation_codes"

    lookup: Mapped[str] = mapped_column(primary_key=True)
    """A keyed hash of the code (`cloud.keys.person_keys.MasterKey.lookup`)."""
    expires_at: Mapped[datetime]
