"""The table of persons: an id and the person's wrapped key, and nothing else."""

from sqlalchemy.orm import Mapped, mapped_column

from cloud.db.tables import Table


class Person(Table):
    __tablename__ = "persons"

    id: Mapped[str] = mapped_column(primary_key=True)
    wrapped_key: Mapped[bytes]
