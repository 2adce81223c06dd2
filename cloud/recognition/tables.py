"""Tables of light challenges, enrolled palms, their changes, identifications and refused uses."""

from datetime import datetime

from sqlalchemy import ForeignKey, Index
from sqlalchemy.orm import Mapped, mapped_column

from cloud.db.tables import Table, merchant_key, numbered, person_key
from protocol.messages import Outcome, Purpose, Side


class ChallengeRow(Table):
    """A light challenge whose envelope has not come yet."""

    __tablename__ = "challenges"

    id: Mapped[str] = mapped_column(primary_key=True)
    device_id: Mapped[str]
    seed: Mapped[bytes]
    commitment: Mapped[bytes]
    """The digest of the pictures in white (`protocol.binding`)."""
    answer: Mapped[bytes | None]
    """The digest of the pictures under the steps; None until they were taken."""
    expires_at: Mapped[datetime] = mapped_column(index=True)
    """When the answer is due, and once it is there, the envelope."""


class PalmRow(Table):
    """One enrolled palm."""

    __tablename__ = "palms"

    id: Mapped[str] = mapped_column(primary_key=True)
    person_id: Mapped[str] = person_key()
    side: Mapped[Side]
    version: Mapped[int]
    """The version of the template."""
    transform: Mapped[str]
    """The name of the transform that the search code was made under; empty for a palm that was
    enrolled before templates were protected."""
    template: Mapped[bytes]
    """CBOR `[search_code, sealed]` of a `palm.search.protection.ProtectedTemplate`, sealed
    once more with the person's key."""


class PalmChange(Table):
    """That the gallery has to look at a palm anew (`cloud.recognition.feed`). Triggers write it on
    PostgreSQL, and nobody on SQLite."""

    __tablename__ = "palm_changes"

    id: Mapped[int] = numbered()
    """In the order in which the changes were committed."""
    palm_id: Mapped[str]
    """It may be erased: then it leads to nothing."""
    at: Mapped[datetime] = mapped_column(index=True)
    """By the clock of the database."""


class IdentificationRow(Table):
    __tablename__ = "identifications"

    id: Mapped[str] = mapped_column(primary_key=True)
    merchant_id: Mapped[str] = merchant_key()
    device_id: Mapped[str]
    visit_id: Mapped[str]
    purpose: Mapped[Purpose]
    outcome: Mapped[Outcome]
    attempts_left: Mapped[int]
    person_id: Mapped[str | None] = person_key()
    """The person who was recognised; None unless the outcome is `ACCEPTED` or
    `ASK_CONSENT`."""
    pulse: Mapped[bool]
    """Whether the pulse of the palm was seen."""
    digits: Mapped[bool] = mapped_column(default=False)
    """Whether digits of the number were given, or all of it."""
    side: Mapped[Side | None]
    """The side of a palm that was searched for; None for one that was not."""
    expires_at: Mapped[datetime] = mapped_column(index=True)

    __table_args__ = (Index("ix_identifications_visit", "device_id", "visit_id"),)


class RefusedUseRow(Table):
    """That a palm was recognised and not taken (`cloud.recognition.refusals`)."""

    __tablename__ = "refused_uses"

    id: Mapped[str] = mapped_column(primary_key=True)
    """The id of the identification."""
    merchant_id: Mapped[str] = merchant_key()
    person_id: Mapped[str] = person_key()
    """Not before the merchant: whoever ends an agreement has the file searched for rows in which
    the merchant follows the person (`cloud.people.withdrawals`), and this one stays."""
    site_id: Mapped[str | None]
    """Where it was; None for those of before 2027."""
    sealed: Mapped[bytes]
    """`cloud.recognition.refusals.Reason`, sealed."""
    at: Mapped[datetime] = mapped_column(index=True)


class Candidate(Table):
    """A person whose palm matched well enough to ask for the last four digits of their number, or
    to count together with one of the other hand."""

    __tablename__ = "candidates"

    identification_id: Mapped[str] = mapped_column(
        ForeignKey("identifications.id", ondelete="CASCADE"), primary_key=True
    )
    person_id: Mapped[str] = person_key(primary_key=True)
    rarity: Mapped[float]
    """The rarity of this palm's match alone, without the other hand."""
