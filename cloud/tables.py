"""The database's tables. Whatever is personal is sealed with its person's key
(`cloud.keys.person_keys`), and everything of a person hangs on their row in `persons`: deleting
that row deletes it all."""

from datetime import UTC, datetime
from typing import Any

from sqlalchemy import (
    BigInteger,
    Boolean,
    Dialect,
    Float,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    TypeDecorator,
    UniqueConstraint,
)
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from protocol.messages import Outcome, Proof, Purpose, Side


class Instant(TypeDecorator[datetime]):
    """An aware datetime, kept as milliseconds since the epoch."""

    impl = BigInteger
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> int | None:
        return None if value is None else round(value.timestamp() * 1000)

    def process_result_value(self, value: Any, dialect: Dialect) -> datetime | None:
        return None if value is None else datetime.fromtimestamp(value / 1000, UTC)


class Table(DeclarativeBase):
    metadata = MetaData(
        naming_convention={
            "ix": "ix_%(table_name)s_%(column_0_name)s",
            "uq": "uq_%(table_name)s_%(column_0_name)s",
            "fk": "fk_%(table_name)s_%(column_0_name)s",
            "pk": "pk_%(table_name)s",
        }
    )
    type_annotation_map = {  # noqa: RUF012 - SQLAlchemy's own, and never changed
        str: String(),
        bytes: LargeBinary(),
        bool: Boolean(),
        float: Float(),
        int: Integer(),
        datetime: Instant(),
        Side: String(),
        Purpose: String(),
        Proof: String(),
        Outcome: String(),
    }


def _of_person(*, on_delete: str = "CASCADE", **kwargs: Any) -> Any:
    return mapped_column(ForeignKey("persons.id", ondelete=on_delete), index=True, **kwargs)


# Devices


class ActivationCode(Table):
    __tablename__ = "activation_codes"

    lookup: Mapped[str] = mapped_column(primary_key=True)
    expires_at: Mapped[datetime]


class DeviceRow(Table):
    __tablename__ = "devices"

    id: Mapped[str] = mapped_column(primary_key=True)
    """`protocol.signature.key_id` of its key."""
    public_key: Mapped[bytes]
    name: Mapped[str]
    merchant: Mapped[str]
    country: Mapped[str]
    currency: Mapped[str]
    activated_at: Mapped[datetime]
    infrared: Mapped[bool]
    """It has a near-infrared camera, and every palm comes with what that saw."""


class Nonce(Table):
    """A request's nonce or an envelope's, kept for as long as it could be replayed."""

    __tablename__ = "nonces"

    device_id: Mapped[str] = mapped_column(primary_key=True)
    nonce: Mapped[str] = mapped_column(primary_key=True)
    expires_at: Mapped[datetime] = mapped_column(index=True)


class StoredAnswer(Table):
    """What was answered to an idempotency key. The body is sealed with the person's key where the
    answer speaks of a person."""

    __tablename__ = "answers"

    device_id: Mapped[str] = mapped_column(primary_key=True)
    key: Mapped[str] = mapped_column(primary_key=True)
    fingerprint: Mapped[bytes]
    status: Mapped[int]
    media_type: Mapped[str]
    body: Mapped[bytes]
    person_id: Mapped[str | None] = _of_person()
    answered_at: Mapped[datetime] = mapped_column(index=True)


class Tally(Table):
    """One thing that happened, for the limits that count them."""

    __tablename__ = "tallies"

    id: Mapped[int] = mapped_column(primary_key=True)
    kind: Mapped[str]
    subject: Mapped[str]
    at: Mapped[datetime]

    __table_args__ = (Index("ix_tallies_kind", "kind", "subject", "at"),)


class ChallengeRow(Table):
    """A light challenge that has not been answered yet."""

    __tablename__ = "challenges"

    id: Mapped[str] = mapped_column(primary_key=True)
    device_id: Mapped[str]
    seed: Mapped[bytes]
    expires_at: Mapped[datetime] = mapped_column(index=True)


# People


class Person(Table):
    __tablename__ = "persons"

    id: Mapped[str] = mapped_column(primary_key=True)
    wrapped_key: Mapped[bytes]


class AccountRow(Table):
    """Somebody who signed up. `profile` is `cloud.people.accounts.Profile`, sealed."""

    __tablename__ = "accounts"

    person_id: Mapped[str] = mapped_column(
        ForeignKey("persons.id", ondelete="CASCADE"), primary_key=True
    )
    phone_lookup: Mapped[str] = mapped_column(unique=True)
    profile: Mapped[bytes]
    since: Mapped[datetime]


class PalmRow(Table):
    """`template` is CBOR `[code, sealed, quality]` of a `palm.search.protection.ProtectedTemplate`,
    sealed once more."""

    __tablename__ = "palms"

    id: Mapped[str] = mapped_column(primary_key=True)
    person_id: Mapped[str] = _of_person()
    side: Mapped[Side]
    version: Mapped[int]
    """Of the template."""
    transform: Mapped[str]
    """That its code was made under; empty where it is from before templates were protected."""
    template: Mapped[bytes]


class CardRow(Table):
    """`detail` is `cloud.people.accounts.CardDetail`, sealed."""

    __tablename__ = "cards"

    id: Mapped[str] = mapped_column(primary_key=True)
    person_id: Mapped[str] = _of_person()
    detail: Mapped[bytes]


class OneTimeCode(Table):
    """The code sent for an enrolment or a claim; `lookup` keeps it from being read back."""

    __tablename__ = "codes"

    subject: Mapped[str] = mapped_column(primary_key=True)
    """The enrolment's or the claim's id."""
    person_id: Mapped[str | None] = _of_person()
    lookup: Mapped[str]
    attempts_left: Mapped[int]
    expires_at: Mapped[datetime] = mapped_column(index=True)


class EnrolmentRow(Table):
    __tablename__ = "enrolments"

    id: Mapped[str] = mapped_column(primary_key=True)
    device_id: Mapped[str]
    person_id: Mapped[str] = _of_person()
    phone_lookup: Mapped[str]
    profile: Mapped[bytes]
    sent: Mapped[int]
    """How many codes were sent."""
    sent_at: Mapped[datetime]
    verified: Mapped[bool]
    expires_at: Mapped[datetime] = mapped_column(index=True)


# Recognition


class IdentificationRow(Table):
    __tablename__ = "identifications"

    id: Mapped[str] = mapped_column(primary_key=True)
    device_id: Mapped[str]
    visit_id: Mapped[str]
    purpose: Mapped[Purpose]
    outcome: Mapped[Outcome]
    attempts_left: Mapped[int]
    person_id: Mapped[str | None] = _of_person()
    """Who it is, once accepted."""
    pulse: Mapped[bool]
    """The palm's pulse was seen."""
    expires_at: Mapped[datetime] = mapped_column(index=True)

    __table_args__ = (Index("ix_identifications_visit", "device_id", "visit_id"),)


class Candidate(Table):
    """Whom a palm came near enough to for a step-up."""

    __tablename__ = "candidates"

    identification_id: Mapped[str] = mapped_column(
        ForeignKey("identifications.id", ondelete="CASCADE"), primary_key=True
    )
    person_id: Mapped[str] = _of_person(primary_key=True)
    rarity: Mapped[float]


class ClaimRow(Table):
    """`person_id` is None where nobody has the number that was claimed."""

    __tablename__ = "claims"

    id: Mapped[str] = mapped_column(primary_key=True)
    device_id: Mapped[str]
    person_id: Mapped[str | None] = _of_person()
    proof: Mapped[Proof]
    purpose: Mapped[Purpose]
    expires_at: Mapped[datetime] = mapped_column(index=True)


# Purchases and leaving


class PurchaseRow(Table):
    """Outlives its person, without pointing at them: the merchant's books need it."""

    __tablename__ = "purchases"

    id: Mapped[str] = mapped_column(primary_key=True)
    device_id: Mapped[str]
    reference: Mapped[str]
    person_id: Mapped[str | None] = _of_person(on_delete="SET NULL")
    identification_id: Mapped[str] = mapped_column(unique=True)
    amount_minor: Mapped[int]
    currency: Mapped[str]
    card_brand: Mapped[str]
    card_last4: Mapped[str]
    payment: Mapped[str | None]
    """The provider's name for the payment; None until it has one."""
    outcome: Mapped[str]
    """`pending`, `approved` or `declined`."""
    decline_reason: Mapped[str | None]
    at: Mapped[datetime]

    __table_args__ = (
        UniqueConstraint("device_id", "reference"),
        Index("ix_purchases_outcome", "outcome"),
    )


class ReceiptRow(Table):
    """`person_digest` is the SHA-256 of an id that nothing else bears any more."""

    __tablename__ = "receipts"

    id: Mapped[str] = mapped_column(primary_key=True)
    person_digest: Mapped[bytes]
    document: Mapped[str]


class Errand(Table):
    """The outbox: what must still be done elsewhere. `payload` is sealed."""

    __tablename__ = "errands"

    id: Mapped[str] = mapped_column(primary_key=True)
    kind: Mapped[str]
    payload: Mapped[bytes]
    person_digest: Mapped[bytes | None]
    attempts: Mapped[int]
    due_at: Mapped[datetime] = mapped_column(index=True)
