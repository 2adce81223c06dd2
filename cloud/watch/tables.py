"""Tables of what an operator watches. Only one of them leads to a person, by a reference that is
emptied with them."""

from datetime import datetime

from sqlalchemy import BigInteger
from sqlalchemy.orm import Mapped, mapped_column

from cloud.db.tables import Table, merchant_key, person_key


class IncidentRow(Table):
    """Something that a person should look at, as often as it happened at one device."""

    __tablename__ = "incidents"

    id: Mapped[str] = mapped_column(primary_key=True)
    kind: Mapped[str]
    """`cloud.seen.Kind`."""
    person_id: Mapped[str | None] = person_key(on_delete="SET NULL")
    """Whose account or palm it is about; None where that is nobody's, is not known, or they have
    left."""
    # After the person: whoever ends an agreement has the file searched for rows in which the
    # merchant follows the person (`cloud.people.withdrawals`), and this one is let go of then.
    merchant_id: Mapped[str] = merchant_key()
    site_id: Mapped[str]
    device_id: Mapped[str]
    times: Mapped[int]
    first_at: Mapped[datetime]
    last_at: Mapped[datetime] = mapped_column(index=True)
    looked_at: Mapped[datetime | None]
    """When somebody of the staff has looked at it; None before."""
    looked_by: Mapped[str | None]
    """Who that was, as in `cloud.console.tables.AuditRow.who`."""
    note: Mapped[str]
    """What they have found, in their words."""


class TallyRow(Table):
    """How many palms became what at a device within an hour. It is about nobody."""

    __tablename__ = "tallies_of_palms"

    device_id: Mapped[str] = mapped_column(primary_key=True)
    site_id: Mapped[str] = mapped_column(primary_key=True)
    """Where it stood then."""
    hour: Mapped[datetime] = mapped_column(primary_key=True, index=True)
    """When the hour began."""
    light: Mapped[str] = mapped_column(primary_key=True)
    """`cloud.seen.Light`."""
    what: Mapped[str] = mapped_column(primary_key=True)
    """`cloud.seen.Tried.what`."""
    count: Mapped[int]


class JobRow(Table):
    """When a job of housekeeping was done last, and when it has failed."""

    __tablename__ = "job_runs"

    name: Mapped[str] = mapped_column(primary_key=True)
    done_at: Mapped[datetime | None]
    """None when it never was."""
    removed: Mapped[int]
    """How many rows it deleted when it deleted any last."""
    removed_at: Mapped[datetime | None]
    removed_in_all: Mapped[int] = mapped_column(BigInteger)
    failures: Mapped[int]
    failed_at: Mapped[datetime | None]
    fault: Mapped[str | None]
    """Why it has failed the last time; None when it was done since."""
