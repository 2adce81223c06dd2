"""Tables of the console: staff, how they sign in, what they have asked for, and the audit trail.
None of them is about people who use a palm."""

from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, ForeignKey
from sqlalchemy.orm import Mapped, mapped_column

from cloud.db.tables import Table


def _staff_key(*, unique: bool = False) -> Any:
    return mapped_column(ForeignKey("staff.id"), index=True, unique=unique)


class StaffRow(Table):
    """Somebody of the staff."""

    __tablename__ = "staff"

    id: Mapped[str] = mapped_column(primary_key=True)
    name: Mapped[str]
    """What their colleagues call them. It is emptied with the end of the account."""
    role: Mapped[str]
    """`cloud.console.roles.Role`."""
    merchant_id: Mapped[str | None] = mapped_column(ForeignKey("merchants.id"))
    """The only merchant that they see; None for all."""
    site_id: Mapped[str | None] = mapped_column(ForeignKey("sites.id"))
    """The only site that they see; None for all of the merchant."""
    since: Mapped[datetime]
    ended_at: Mapped[datetime | None]


class StaffLinkRow(Table):
    """A link by which somebody makes a passkey, once. Each has one at most."""

    __tablename__ = "staff_links"

    id: Mapped[str] = mapped_column(primary_key=True)
    """A keyed hash of the token in the link."""
    staff_id: Mapped[str] = _staff_key(unique=True)
    expires_at: Mapped[datetime] = mapped_column(index=True)


class StaffPasskeyRow(Table):
    """A passkey with which somebody signs in to the console."""

    __tablename__ = "staff_passkeys"

    id: Mapped[str] = mapped_column(primary_key=True)
    staff_id: Mapped[str] = _staff_key()
    credential_id: Mapped[bytes] = mapped_column(unique=True)
    public_key: Mapped[bytes]
    """A COSE key (RFC 9052)."""
    sign_count: Mapped[int] = mapped_column(BigInteger)
    """What the authenticator's counter was last; 0 for one that does not count."""
    since: Mapped[datetime]
    used_at: Mapped[datetime | None]


class StaffSubjectRow(Table):
    """By whom somebody of the staff is known to the operator's identity provider. Each has one at
    most."""

    __tablename__ = "staff_subjects"

    issuer: Mapped[str] = mapped_column(primary_key=True)
    subject: Mapped[str] = mapped_column(primary_key=True)
    """The provider's own id of the person, which it gives to nobody else."""
    staff_id: Mapped[str] = _staff_key(unique=True)
    since: Mapped[datetime]
    used_at: Mapped[datetime | None]


class StaffAwayRow(Table):
    """A browser that was sent to the identity provider, and is to come back once."""

    __tablename__ = "staff_away"

    id: Mapped[str] = mapped_column(primary_key=True)
    """A keyed hash of the token in the browser's cookie."""
    link_id: Mapped[str | None]
    """The link by which the account at the provider is bound; None when somebody signs in."""
    expires_at: Mapped[datetime] = mapped_column(index=True)


class StaffSessionRow(Table):
    """A browser that is signed in to the console."""

    __tablename__ = "staff_sessions"

    id: Mapped[str] = mapped_column(primary_key=True)
    """A keyed hash of the session's token, which only the browser has."""
    staff_id: Mapped[str] = _staff_key()
    since: Mapped[datetime] = mapped_column(index=True)
    seen_at: Mapped[datetime] = mapped_column(index=True)


class AskedRow(Table):
    """A dangerous act that somebody of the staff has asked for (`cloud.console.four_eyes`)."""

    __tablename__ = "staff_asked"

    id: Mapped[str] = mapped_column(primary_key=True)
    act: Mapped[str]
    """`cloud.console.four_eyes.ACTS`."""
    arguments: Mapped[str]
    """What it is done to, as JSON."""
    merchant_id: Mapped[str | None] = mapped_column(ForeignKey("merchants.id"))
    """Whose that is; None for what is of all."""
    door: Mapped[str]
    who: Mapped[str]
    """Who has asked, as in AuditRow."""
    at: Mapped[datetime] = mapped_column(index=True)
    expires_at: Mapped[datetime]
    """Until when it can be decided; once it is approved, until when it can be taken."""
    state: Mapped[str]
    """`cloud.console.four_eyes.ApprovalState`."""
    decided_by: Mapped[str | None]
    decided_at: Mapped[datetime | None]


class AuditRow(Table):
    """Something that staff have done. Rows are only ever added: the database refuses the rest."""

    __tablename__ = "audit"

    place: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    """0 for the first, without a gap."""
    at: Mapped[datetime]
    door: Mapped[str]
    """`cloud.console.audit.Door`."""
    who: Mapped[str]
    """The id of the member of staff, the name at the service's machine of whoever ran a command, or
    the first part of a key."""
    act: Mapped[str]
    subject: Mapped[str]
    """The id of what it was done to; empty for the service itself."""
    merchant_id: Mapped[str | None] = mapped_column(index=True)
    """Whose it is; None for the operator's."""
    details: Mapped[str]
    """What else is told, as JSON."""
    hash: Mapped[bytes]
    """SHA-256 of everything above and of the hash before (`cloud.console.audit`)."""
