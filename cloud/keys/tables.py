"""The table of persons: an id and the person's wrapped key, and nothing else; and which master key
has wrapped them."""

from sqlalchemy.orm import Mapped, mapped_column

from cloud.db.tables import Table


class Person(Table):
    __tablename__ = "persons"

    id: Mapped[str] = mapped_column(primary_key=True)
    wrapped_key: Mapped[bytes]


class MasterMark(Table):
    """One row, once the master key was replaced: which one is in force. So a replacement that was
    interrupted is known to be done or not."""

    __tablename__ = "master_keys"

    id: Mapped[int] = mapped_column(primary_key=True)
    mark: Mapped[str]
    """`cloud.keys.person_keys.MasterKey.mark`."""
