"""Tables of doors, of who may pass them, of tickets, and of who has passed."""

from datetime import datetime

from sqlalchemy import ForeignKey, ForeignKeyConstraint
from sqlalchemy.orm import Mapped, mapped_column

from cloud.db.tables import Table, merchant_key, person_key


class DoorRow(Table):
    """The door that a device stands at (`cloud.entry.doors`)."""

    __tablename__ = "doors"

    device_id: Mapped[str] = mapped_column(ForeignKey("devices.id"), primary_key=True)
    site_id: Mapped[str] = mapped_column(ForeignKey("sites.id"))
    """Where the device stood when it was said. One that has moved stands at no door."""
    name: Mapped[str]
    kind: Mapped[str]
    """`cloud.entry.doors.DoorKind`."""
    direction: Mapped[str]
    """`protocol.entry.Direction`."""
    everyone: Mapped[bool]
    """Whether everybody who has agreed at the merchant may pass, and nobody has to be listed."""
    hours: Mapped[str]
    """As `protocol.hours` reads them."""
    area: Mapped[str | None]
    """The area that it leads into and out of. Who is in it cannot enter it again. None where that
    is not watched."""
    list_hours: Mapped[int]
    """For how many hours its kiosk may let people pass without a network; 0 for not at all."""


class SiteClockRow(Table):
    """The time zone and the holidays of a site."""

    __tablename__ = "site_clocks"

    site_id: Mapped[str] = mapped_column(ForeignKey("sites.id"), primary_key=True)
    zone: Mapped[str]
    """A name of the IANA time zone database."""
    holidays: Mapped[str]
    """ISO dates with spaces between them."""


class SiteHookRow(Table):
    """Where a site is told who has checked in."""

    __tablename__ = "site_hooks"

    site_id: Mapped[str] = mapped_column(ForeignKey("sites.id"), primary_key=True)
    url: Mapped[str]
    secret: Mapped[bytes]
    """With which what it is told is signed, sealed with the outbox's key."""


class AccessRow(Table):
    """What a site has given a person."""

    __tablename__ = "access"

    person_id: Mapped[str] = person_key(index=False, primary_key=True)
    site_id: Mapped[str] = mapped_column(ForeignKey("sites.id"), primary_key=True)
    merchant_id: Mapped[str] = merchant_key()
    sealed: Mapped[bytes]
    """`cloud.entry.access.Access`, sealed."""
    at: Mapped[datetime]
    """When the site gave it."""
    accepted_at: Mapped[datetime | None]
    """When the person agreed that their palm stands for it; None until they do."""


class KeptPalmRow(Table):
    """What a person has answered to a site whose gates want to recognise them without a network. It
    goes with their access."""

    __tablename__ = "kept_palms"

    person_id: Mapped[str] = person_key(index=False, primary_key=True)
    merchant_id: Mapped[str] = merchant_key()
    site_id: Mapped[str] = mapped_column(primary_key=True)
    sealed: Mapped[bytes]
    """`cloud.entry.kept_palms.Answer`, and until when gates may have an earlier palm, sealed."""
    at: Mapped[datetime]

    __table_args__ = (
        ForeignKeyConstraint(
            ["person_id", "site_id"],
            ["access.person_id", "access.site_id"],
            name="fk_kept_palms_access",
            ondelete="CASCADE",
        ),
    )


class PresenceRow(Table):
    """That a person is in an area."""

    __tablename__ = "presences"

    person_id: Mapped[str] = person_key(index=False, primary_key=True)
    site_id: Mapped[str] = mapped_column(ForeignKey("sites.id"), primary_key=True)
    area: Mapped[str] = mapped_column(primary_key=True)
    since: Mapped[datetime] = mapped_column(index=True)


class TicketRow(Table):
    """A ticket that a person has linked to their palm."""

    __tablename__ = "tickets"

    id: Mapped[str] = mapped_column(primary_key=True)
    person_id: Mapped[str] = person_key()
    merchant_id: Mapped[str] = merchant_key()
    sealed: Mapped[bytes]
    """`protocol.entry.Ticket`, sealed."""
    at: Mapped[datetime] = mapped_column(index=True)


class EntryRow(Table):
    """That a person was recognised at a door, and what became of it."""

    __tablename__ = "entries"

    id: Mapped[str] = mapped_column(primary_key=True)
    identification_id: Mapped[str] = mapped_column(unique=True)
    merchant_id: Mapped[str] = merchant_key()
    person_id: Mapped[str] = person_key()
    """Not before the merchant, as in `cloud.recognition.tables.RefusedUseRow`."""
    site_id: Mapped[str] = mapped_column(ForeignKey("sites.id"))
    device_id: Mapped[str]
    sealed: Mapped[bytes]
    """`cloud.entry.told.Told`, sealed."""
    at: Mapped[datetime] = mapped_column(index=True)
