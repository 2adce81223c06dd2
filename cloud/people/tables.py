"""Tables of accounts, consents, enrolments, claims, sign-ins to the portal, passkeys, mail
addresses, alerts, one-time codes, the log of receipts, and activity."""

from datetime import datetime

from sqlalchemy import ForeignKey
from sqlalchemy.orm import Mapped, mapped_column

from cloud.db.tables import Table, merchant_key, person_key
from protocol.messages import Proof, Purpose, Signature


class AccountRow(Table):
    """A person who completed an enrolment."""

    __tablename__ = "accounts"

    person_id: Mapped[str] = person_key(index=False, primary_key=True)
    phone_lookup: Mapped[str] = mapped_column(unique=True)
    """A keyed hash of the mobile number (`cloud.keys.person_keys.MasterKey.lookup`)."""
    profile: Mapped[bytes]
    """`cloud.people.accounts.Profile`, sealed."""
    since: Mapped[datetime]
    joined: Mapped[int] = mapped_column(unique=True)
    """The account's place in the order in which accounts joined: 1 is the first."""
    frozen_at: Mapped[datetime | None]
    """Since when the person's palms are frozen; None while they are not."""
    alerts_since: Mapped[datetime | None]
    """Since when the person wants a message about each use of their palm; None while they do
    not."""
    alerts_by_mail: Mapped[bool] = mapped_column(default=False)
    """Whether those messages are mails."""
    codes_suffice_at: Mapped[datetime | None]
    """From when a code alone signs in again, though the person has passkeys, because they were said
    to be lost; None while they were not."""


class AgreementRow(Table):
    """That a person has agreed to use their palm at a merchant."""

    __tablename__ = "agreements"

    person_id: Mapped[str] = person_key(index=False, primary_key=True)
    merchant_id: Mapped[str] = mapped_column(ForeignKey("merchants.id"), primary_key=True)
    version: Mapped[str | None]
    """The version of the wording; None where the person has signed up before 2027, because the
    profile has it."""
    at: Mapped[datetime]


class ConsentTextRow(Table):
    """A text that somebody has agreed to. It is about nobody, and stored once."""

    __tablename__ = "consent_texts"

    digest: Mapped[str] = mapped_column(primary_key=True)
    """`protocol.documents.digest_of`."""
    text: Mapped[str]
    """The `protocol.messages.ConsentText` as canonical JSON, of which the digest is."""


class ConsentRow(Table):
    """That a person has agreed to a text, where and when."""

    __tablename__ = "consents"

    id: Mapped[str] = mapped_column(primary_key=True)
    merchant_id: Mapped[str] = merchant_key()
    site_id: Mapped[str] = mapped_column(ForeignKey("sites.id"))
    device_id: Mapped[str | None]
    """None for what was agreed to in the portal."""
    person_id: Mapped[str] = person_key()
    """Not before the merchant, as in `cloud.recognition.tables.RefusedUseRow`: the row stays when
    the agreement ends."""
    digest: Mapped[str] = mapped_column(ForeignKey("consent_texts.digest"))
    signature: Mapped[Signature | None]
    """How the release was signed; None for a text that is none."""
    at: Mapped[datetime]
    ended_at: Mapped[datetime | None] = mapped_column(index=True)
    """When the person has withdrawn; None while they have not."""


class ActivityRow(Table):
    """When a person has last used their account, and when they were told that it will be deleted.
    Each use begins anew."""

    __tablename__ = "activity"

    person_id: Mapped[str] = person_key(index=False, primary_key=True)
    used_at: Mapped[datetime] = mapped_column(index=True)
    told_at: Mapped[datetime | None]
    """When the first message was handed over."""
    told_run: Mapped[int | None]
    """The run that has sent it (`InactivityRun`)."""
    told_again_at: Mapped[datetime | None]
    told_again_run: Mapped[int | None]


class InactivityRun(Table):
    """A daily run of `cloud.people.inactivity_runs`, kept as evidence. It names nobody."""

    __tablename__ = "inactivity_runs"

    id: Mapped[int] = mapped_column(primary_key=True)
    began_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]
    """None while it runs, and when it was killed."""
    told: Mapped[int]
    """How many messages were handed over."""
    deleted: Mapped[int]
    failed: Mapped[int]
    """How many messages and deletions were begun and are not known to have worked."""
    fault: Mapped[str | None]
    """The last cause of a failure, which quotes no number and no text."""


class Arrivals(Table):
    """One row, which counts the accounts that ever joined. A new account is only added by a
    transaction that increments the count from the value up to which its palms were searched for,
    so two accounts never join without one of them having been compared with the other."""

    __tablename__ = "arrivals"

    id: Mapped[int] = mapped_column(primary_key=True)
    joined: Mapped[int]


class OneTimeCode(Table):
    """The code that was sent for an enrolment, a claim, a sign-in or a deletion in the portal."""

    __tablename__ = "codes"

    subject: Mapped[str] = mapped_column(primary_key=True)
    """The id of the enrolment, claim, sign-in or begun sign-up, or the name of a deletion."""
    person_id: Mapped[str | None] = person_key()
    lookup: Mapped[str]
    """A keyed hash: the code cannot be read back."""
    attempts_left: Mapped[int]
    expires_at: Mapped[datetime] = mapped_column(index=True)


class EnrolmentRow(Table):
    """An enrolment. A completed one is kept until it expires: another palm may be added."""

    __tablename__ = "enrolments"

    id: Mapped[str] = mapped_column(primary_key=True)
    merchant_id: Mapped[str] = merchant_key()
    device_id: Mapped[str]
    person_id: Mapped[str] = person_key()
    phone_lookup: Mapped[str]
    profile: Mapped[bytes]
    sent: Mapped[int]
    """The number of one-time codes that were sent."""
    sent_at: Mapped[datetime]
    verified: Mapped[bool]
    """Whether the one-time code was entered."""
    expires_at: Mapped[datetime] = mapped_column(index=True)


class BegunRow(Table):
    """A sign-up that was begun in the portal and is finished at a kiosk (`cloud.people.begun`). It
    is gone when there is an account."""

    __tablename__ = "begun"

    id: Mapped[str] = mapped_column(primary_key=True)
    person_id: Mapped[str] = person_key()
    phone_lookup: Mapped[str] = mapped_column(index=True)
    browser: Mapped[str] = mapped_column(unique=True)
    """A keyed hash of the token of the browser in which it goes on."""
    sealed: Mapped[bytes]
    """`cloud.people.begun.Beginning`, sealed."""
    lookup: Mapped[str | None] = mapped_column(unique=True)
    """A keyed hash of the code with which it is finished; None until the person has agreed."""
    verified: Mapped[bool]
    """Whether the one-time code was entered."""
    expires_at: Mapped[datetime] = mapped_column(index=True)


class ClaimRow(Table):
    """A claim to be the holder of a mobile number."""

    __tablename__ = "claims"

    id: Mapped[str] = mapped_column(primary_key=True)
    device_id: Mapped[str]
    person_id: Mapped[str | None] = person_key()
    """None when no account has the number."""
    about: Mapped[str]
    """What a failed proof is counted against: the id of the person, or the lookup of a number
    without an account."""
    proof: Mapped[Proof]
    purpose: Mapped[Purpose]
    expires_at: Mapped[datetime] = mapped_column(index=True)


class SignInRow(Table):
    """A browser that wants to sign in to the portal with a mobile number."""

    __tablename__ = "sign_ins"

    id: Mapped[str] = mapped_column(primary_key=True)
    """A keyed hash of the browser's token."""
    person_id: Mapped[str | None] = person_key()
    """None when no account has the number."""
    about: Mapped[str]
    """What a wrong code is counted against: the id of the person, or the lookup of a number
    without an account."""
    expires_at: Mapped[datetime] = mapped_column(index=True)


class SessionRow(Table):
    """A browser that is signed in to the portal."""

    __tablename__ = "sessions"

    id: Mapped[str] = mapped_column(primary_key=True)
    person_id: Mapped[str] = person_key()
    lookup: Mapped[str] = mapped_column(unique=True)
    """A keyed hash of the session's token, which only the browser has."""
    browser: Mapped[bytes]
    """`cloud.people.sign_ins.Browser`, sealed."""
    by_passkey: Mapped[bool]
    """Whether a passkey was used or added in it."""
    since: Mapped[datetime] = mapped_column(index=True)
    seen_at: Mapped[datetime] = mapped_column(index=True)


class PasskeyRow(Table):
    """A passkey with which a person signs in to the portal."""

    __tablename__ = "passkeys"

    id: Mapped[str] = mapped_column(primary_key=True)
    person_id: Mapped[str] = person_key()
    lookup: Mapped[str] = mapped_column(unique=True)
    """A keyed hash of the credential's id, by which the authenticator names it."""
    sealed: Mapped[bytes]
    """`cloud.people.passkeys.Passkey`, sealed."""
    since: Mapped[datetime]
    used_at: Mapped[datetime | None]


class NumberChangeRow(Table):
    """Another mobile number that a person wants to have (`cloud.people.corrections`)."""

    __tablename__ = "number_changes"

    session_id: Mapped[str] = mapped_column(
        ForeignKey("sessions.id", ondelete="CASCADE"), primary_key=True
    )
    """The session in which it was asked for."""
    person_id: Mapped[str] = person_key()
    sealed: Mapped[bytes]
    """`cloud.people.corrections.NewNumber`, sealed."""
    is_allowed: Mapped[bool]
    """Whether the code that was sent to the present number was entered."""
    expires_at: Mapped[datetime] = mapped_column(index=True)


class MailRow(Table):
    """The mail address of a person (`cloud.people.mails`)."""

    __tablename__ = "mails"

    person_id: Mapped[str] = person_key(index=False, primary_key=True)
    sealed: Mapped[bytes]
    """`cloud.people.accounts.Mailbox`, sealed."""
    confirmed_at: Mapped[datetime | None]
    """When the code that was sent to it was entered; None until it is."""
    expires_at: Mapped[datetime | None] = mapped_column(index=True)
    """When it is deleted unless it is confirmed before; None once it is."""


class AlertRow(Table):
    """A message about a use of a palm that is yet to be sent to its person
    (`cloud.people.alerts`)."""

    __tablename__ = "alerts"

    id: Mapped[str] = mapped_column(primary_key=True)
    person_id: Mapped[str] = person_key()
    sealed: Mapped[bytes]
    """`cloud.people.alerts.Alert`, sealed."""
    at: Mapped[datetime] = mapped_column(index=True)


class ReceiptRow(Table):
    """A receipt of a deletion or a withdrawal, kept so that it can be verified later."""

    __tablename__ = "receipts"

    id: Mapped[str] = mapped_column(primary_key=True)
    person_digest: Mapped[bytes]
    """SHA-256 of the id of the person, which is stored nowhere any more once they are deleted."""
    merchant_id: Mapped[str | None] = mapped_column(ForeignKey("merchants.id"))
    """The merchant with whom the person has ended the agreement; None when everything was
    deleted."""
    document: Mapped[str]
    """The signed `protocol.messages.DeletionReceipt` as JSON."""
    at: Mapped[datetime] = mapped_column(index=True)
    """When it was done."""


class LogNode(Table):
    """A complete subtree of the log of receipts (`protocol.merkle`). Rows are never changed."""

    __tablename__ = "receipt_log"

    level: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    """0 for the entries themselves."""
    place: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    hash: Mapped[bytes] = mapped_column(unique=True)
