"""Tables of cards, the pages they are saved on, purchases, refunds, the ledger and the
provider's events."""

from datetime import datetime

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Index, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from cloud.db.tables import Table, merchant_key, numbered, person_key


class CardRow(Table):
    __tablename__ = "cards"

    id: Mapped[str] = mapped_column(primary_key=True)
    person_id: Mapped[str] = person_key()
    detail: Mapped[bytes]
    """`cloud.payments.cards.CardDetail`, sealed."""
    place: Mapped[int] = mapped_column(default=0)
    """The card's place among those of its person, the lowest first: that one is the default."""
    lookup: Mapped[str | None] = mapped_column(index=True)
    """A keyed hash of the provider's name for the card (`cloud.keys.person_keys.MasterKey.lookup`);
    None for a card that was stored by an earlier version."""


class CardPageRow(Table):
    """A page of the provider's on which a person may save a card, or a reader that waits for one
    (`cloud.payments.card_pages`)."""

    __tablename__ = "card_pages"

    id: Mapped[str] = mapped_column(primary_key=True)
    person_id: Mapped[str] = person_key()
    name: Mapped[str | None] = mapped_column(index=True)
    """The provider's name for the page, or for what the reader does; None until it has one."""
    reader: Mapped[str | None] = mapped_column(index=True)
    """The reader that waits for the card; None for a page."""
    """The provider's name for the page; None until it has one."""
    adds: Mapped[bool] = mapped_column(default=False)
    """Whether the card is added to those that its person has, and does not replace them."""
    state: Mapped[str]
    """`open`, `saved` or `lapsed`, and at a reader also `not_read` or `refused`."""
    expires_at: Mapped[datetime] = mapped_column(index=True)


class WebhookRow(Table):
    """An event that the provider has sent. What it told is not kept: how the thing is that it is
    about is read from the provider (`cloud.payments.webhooks`)."""

    __tablename__ = "webhooks"

    id: Mapped[str] = mapped_column(primary_key=True)
    """The provider's name for the event."""
    kind: Mapped[str]
    about: Mapped[str]
    """The provider's name for what it is about; empty once the event was applied."""
    received_at: Mapped[datetime] = mapped_column(index=True)
    applied: Mapped[bool] = mapped_column(index=True)
    attempts: Mapped[int]
    """How often it could not be applied."""
    due_at: Mapped[datetime]
    """When it is applied at the earliest."""


class PurchaseRow(Table):
    """A purchase. It is kept after its person is deleted, because the merchant's books need it, but
    without what leads to the person (`cloud.payments.purchases.keep_for_the_books`)."""

    __tablename__ = "purchases"

    id: Mapped[str] = mapped_column(primary_key=True)
    merchant_id: Mapped[str] = merchant_key()
    device_id: Mapped[str]
    site_id: Mapped[str | None]
    """Where the device stood, for the person's history; None without a person, and for purchases of
    before 2027 at a device that is gone."""
    reference: Mapped[str]
    """The till's name for the sale, unique on its device."""
    person_id: Mapped[str | None] = person_key(on_delete="SET NULL")
    identification_id: Mapped[str | None] = mapped_column(unique=True)
    """The identification that paid, which is also the provider's reference of the payment; None
    once the person is deleted."""
    recognised_at: Mapped[datetime | None]
    """When the palm was recognised that pays; None without one, for purchases of earlier versions,
    and once the person is deleted."""
    amount_minor: Mapped[int] = mapped_column(BigInteger)
    currency: Mapped[str]
    card_brand: Mapped[str]
    card_last4: Mapped[str]
    """Both are empty as long as no card was presented."""
    card_id: Mapped[str | None]
    """The card that pays (`CardRow`); None for purchases of earlier versions, and once the person
    is deleted."""
    payment: Mapped[str | None]
    """The provider's name for the payment; None until it has one, and once the person is
    deleted."""
    account: Mapped[str | None]
    """The merchant's account that the money goes to (`cloud.merchants.tables.MerchantRow`), as it
    was at the time of the sale."""
    terminal: Mapped[str | None]
    """Where the card itself was presented: the provider's name for the reader, or `token` for a
    terminal that has delivered one. None for a purchase with a palm."""
    asks_holder: Mapped[bool | None]
    """Whether the device waits, should the bank ask the card's holder to confirm the payment; None
    for purchases of earlier versions, which no device waits for."""
    outcome: Mapped[str]
    """`awaiting`, `pending`, `approved`, `declined` or `not_paid`."""
    decline_reason: Mapped[str | None]
    told: Mapped[str | None]
    """What the till was told, as the device reports it; None until it does."""
    told_at: Mapped[datetime | None]
    """When the device reported it; None until it does, for purchases of earlier versions, and once
    the person is deleted."""
    receipt: Mapped[str | None]
    """What becomes of the receipt for the shopper's phone (`cloud.payments.receipts`): `waiting`,
    `sent`, `declined` or `unsent`. None when there is none, and once the person is deleted."""
    dispute: Mapped[str | None]
    """The provider's word for how a dispute about it stands; None without one."""
    at: Mapped[datetime]

    __table_args__ = (
        UniqueConstraint("merchant_id", "reference", "device_id"),
        Index("ix_purchases_outcome", "outcome"),
        Index("ix_purchases_at", "at"),
        Index("ix_purchases_merchant", "merchant_id", "at", "id"),
    )


class RefundRow(Table):
    """A refund of a purchase or of a part of it. It is kept after its person is deleted, as the
    purchase is, and without what leads to the person
    (`cloud.payments.refunds.keep_for_the_books`)."""

    __tablename__ = "refunds"

    id: Mapped[str] = mapped_column(primary_key=True)
    purchase_id: Mapped[str] = mapped_column(ForeignKey("purchases.id"), index=True)
    merchant_id: Mapped[str] = merchant_key()
    device_id: Mapped[str]
    reference: Mapped[str]
    """The till's name for the refund, unique on its device."""
    of_the_rest: Mapped[bool]
    """Whether everything that was left of the purchase was asked for, and no amount."""
    amount_minor: Mapped[int] = mapped_column(BigInteger)
    """In the currency of the purchase."""
    provider_reference: Mapped[str | None]
    """The name that the provider stores with the refund; None once the person is deleted."""
    outcome: Mapped[str] = mapped_column(index=True)
    """`pending`, `refunded` or `failed`."""
    failure_reason: Mapped[str | None]
    reason: Mapped[str | None]
    """Why staff give it back (`cloud.payments.refunds.Reason`); None where a till or an integrator
    does, and once the person is deleted."""
    at: Mapped[datetime] = mapped_column(index=True)

    __table_args__ = (UniqueConstraint("merchant_id", "reference", "device_id"),)


class LedgerRow(Table):
    """A transaction of a merchant's ledger (`cloud.payments.ledger`). Triggers refuse every change,
    and every removal as long as the purchase is kept."""

    __tablename__ = "ledger"

    id: Mapped[int] = numbered()
    merchant_id: Mapped[str] = merchant_key()
    purchase_id: Mapped[str] = mapped_column(index=True)
    kind: Mapped[str]
    subject: Mapped[str]
    """The id of what is posted."""
    debit: Mapped[str]
    credit: Mapped[str]
    minor: Mapped[int] = mapped_column(BigInteger)
    currency: Mapped[str]
    at: Mapped[datetime] = mapped_column(index=True)

    __table_args__ = (
        UniqueConstraint("kind", "subject"),
        CheckConstraint("debit <> credit", name="ck_ledger_accounts"),
        CheckConstraint("minor > 0", name="ck_ledger_minor"),
    )


class ReconciliationRow(Table):
    """What came of comparing a day last (`cloud.payments.reconcile`). It names nobody, and nothing
    that the payment provider knows."""

    __tablename__ = "reconciliations"

    day: Mapped[str] = mapped_column(primary_key=True)
    """Such as `2026-11-29`, in UTC."""
    at: Mapped[datetime] = mapped_column(index=True)
    """When it was compared."""
    content: Mapped[str]
    """`cloud.payments.reconcile.Report`, as JSON."""
