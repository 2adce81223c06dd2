"""Tables of the signed API: devices, nonces, stored answers, counters, and amounts from which on a
palm alone does not pay; and what passkeys are to sign."""

from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, ForeignKey, Index
from sqlalchemy.orm import Mapped, mapped_column

from cloud.db.tables import ReadOnce, Table, merchant_key, numbered, person_key


class DeviceRow(ReadOnce, Table):
    __tablename__ = "devices"

    id: Mapped[str] = mapped_column(primary_key=True)
    """`protocol.signature.key_id` of the device's key."""
    public_key: Mapped[bytes]
    name: Mapped[str]
    merchant_id: Mapped[str] = merchant_key()
    site_id: Mapped[str] = mapped_column(ForeignKey("sites.id"))
    activated_at: Mapped[datetime]
    revoked_at: Mapped[datetime | None]
    """Since when the device is not known any more; None while it is."""
    reader: Mapped[str | None] = mapped_column(index=True, unique=True)
    """The payment provider's name for the card reader that this device alone may use; None without
    one."""
    infrared: Mapped[bool]
    """Whether the device has a near-infrared camera: every capture must then hold near-infrared
    frames."""
    passes_many: Mapped[bool] = mapped_column(default=False)
    """Whether it stands at a door, where people pass one after the other."""


class Nonce(Table):
    """The nonce of a request or an envelope, kept for as long as it could be replayed."""

    __tablename__ = "nonces"

    device_id: Mapped[str] = mapped_column(primary_key=True)
    nonce: Mapped[str] = mapped_column(primary_key=True)
    expires_at: Mapped[datetime] = mapped_column(index=True)


class StoredAnswer(Table):
    """The answer to an idempotency key. The body is sealed with the person's key when the answer is
    about a person, and that of an integrator's request otherwise with the outbox's."""

    __tablename__ = "answers"

    device_id: Mapped[str] = mapped_column(primary_key=True)
    """The device that has asked, or the name of the key."""
    key: Mapped[str] = mapped_column(primary_key=True)
    fingerprint: Mapped[bytes]
    """A keyed hash of the method, path and body of the request."""
    status: Mapped[int]
    media_type: Mapped[str]
    body: Mapped[bytes]
    person_id: Mapped[str | None] = person_key()
    answered_at: Mapped[datetime] = mapped_column(index=True)


class Tally(Table):
    """One event that a limit counts."""

    __tablename__ = "tallies"

    id: Mapped[int] = numbered()
    kind: Mapped[str]
    subject: Mapped[str]
    at: Mapped[datetime]

    __table_args__ = (
        # The subject first: what is counted of a person is deleted with them.
        Index("ix_tallies_subject", "subject", "kind", "at"),
        Index("ix_tallies_at", "at"),
    )


class MerchantKeyRow(Table):
    """A key with which tills and systems of a merchant, or systems of the operator, prove
    themselves."""

    __tablename__ = "till_keys"
    """Tills were the first to have keys."""

    id: Mapped[str] = mapped_column(primary_key=True)
    """The first part of the key, which is not secret."""
    merchant_id: Mapped[str | None] = merchant_key()
    """None for a key of the operator's, which is for all merchants."""
    lookup: Mapped[str]
    """A keyed hash of the whole key (`cloud.keys.person_keys.MasterKey.lookup`)."""
    made_at: Mapped[datetime]
    expires_at: Mapped[datetime | None]
    """None for a key that stays until it is removed."""
    scopes: Mapped[str] = mapped_column(default="")
    """What an integrator's key may do (`cloud.integrations.asking.Scope`), between spaces; empty
    for the keys of other uses."""


def _amount() -> Any:
    return mapped_column(BigInteger)


class AmountsRow(Table):
    """From which amounts on a palm alone does not pay at a merchant, or at one of its sites. Each
    is in the minor unit of the currency, and None where they have not said it."""

    __tablename__ = "amounts"

    scope: Mapped[str] = mapped_column(primary_key=True)
    """`merchant` or `site`, a space, and its id: the first of each have the same one."""
    currency: Mapped[str]
    """What was said counts in this one alone."""
    pulse_above: Mapped[int | None] = _amount()
    digits_above: Mapped[int | None] = _amount()
    staff_above: Mapped[int | None] = _amount()
    unconfirmed_below: Mapped[int | None] = _amount()


class PasskeyChallengeRow(Table):
    """What a passkey is to sign, once."""

    __tablename__ = "passkey_challenges"

    id: Mapped[str] = mapped_column(primary_key=True)
    """A keyed hash of the browser and of what the challenge is for."""
    person_id: Mapped[str | None] = person_key()
    """Who adds a passkey in the portal; None for a sign-in, and for staff."""
    challenge: Mapped[bytes]
    expires_at: Mapped[datetime] = mapped_column(index=True)
