"""Tables of the console: accounts of staff, their sign-ins, their requests for approval, and the
audit trail. None of them is about people who use a palm."""

from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, ForeignKey
from sqlalchemy.orm import Mapped, mapped_column

from cloud.db.tables import Table


def _staff_key(*, unique: bool = False) -> Any:
    return mapped_column(ForeignKey("staff.id"), index=True, unique=unique)


class StaffRow(Table):
    """An account of a member of staff."""

    __tablename__ = "staff"

    id: Mapped[str] = mapped_column(primary_key=True)
    name: Mapped[str]
    """The name by which colleagues know them. It is emptied when the account ends."""
    role: Mapped[str]
    """`cloud.console.roles.Role`."""
    merchant_id: Mapped[str | None] = mapped_column(ForeignKey("merchants.id"))
    """The only merchant that they see; None for all."""
    site_id: Mapped[str | None] = mapped_column(ForeignKey("sites.id"))
    """The only site that they see; None for all of the merchant."""
    since: Mapped[datetime]
    ended_at: Mapped[datetime | None]


class StaffLinkRow(Table):
    """A link with which somebody makes a passkey, once. An account has one link at most."""

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
    """The latest value of the authenticator's counter; 0 for an authenticator that does not
    count."""
    since: Mapped[datetime]
    used_at: Mapped[datetime | None]


class StaffSubjectRow(Table):
    """The account at the operator's identity provider that is bound to an account of staff, which
    has one at most."""

    __tablename__ = "staff_subjects"

    issuer: Mapped[str] = mapped_column(primary_key=True)
    subject: Mapped[str] = mapped_column(primary_key=True)
    """The provider's own id of the person, which it gives to nobody else."""
    staff_id: Mapped[str] = _staff_key(unique=True)
    since: Mapped[datetime]
    used_at: Mapped[datetime | None]


class StaffAwayRow(Table):
    """A browser that was sent to the identity provider, and may come back once."""

    __tablename__ = "staff_away"

    id: Mapped[str] = mapped_column(primary_key=True)
    """A keyed hash of the token in the browser's cookie."""
    link_id: Mapped[str | None]
    """The link with which an account at the provider is to be bound; None when somebody signs
    in."""
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
    """A request for an act that needs two people (`cloud.console.four_eyes`)."""

    __tablename__ = "staff_asked"

    id: Mapped[str] = mapped_column(primary_key=True)
    act: Mapped[str]
    """`cloud.console.four_eyes.ACTS`."""
    arguments: Mapped[str]
    """The act's arguments, as JSON."""
    merchant_id: Mapped[str | None] = mapped_column(ForeignKey("merchants.id"))
    """The merchant that the act concerns; None for all merchants."""
    door: Mapped[str]
    who: Mapped[str]
    """Who has asked, as in AuditRow."""
    at: Mapped[datetime] = mapped_column(index=True)
    expires_at: Mapped[datetime]
    """The end of the time in which it can be decided; once approved, the end of the time in which
    it can be taken."""
    state: Mapped[str]
    """`cloud.console.four_eyes.ApprovalState`."""
    decided_by: Mapped[str | None]
    decided_at: Mapped[datetime | None]


class AuditRow(Table):
    """An act of staff. Rows are only ever added: the database refuses to change or delete one."""

    __tablename__ = "audit"

    place: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    """The position in the trail: 0 for the first row, without gaps."""
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
    """The merchant that the act concerns; None for acts that concern the whole service."""
    details: Mapped[str]
    """Further details, as a JSON object."""
    hash: Mapped[bytes]
    """The SHA-256 of all fields above and of the hash of the row before (`cloud.console.audit`)."""
