"""Tables of the receivers of webhooks, of events, and of what was told to whom."""

from datetime import datetime

from sqlalchemy import ForeignKey, Index
from sqlalchemy.orm import Mapped, mapped_column

from cloud.db.tables import Table, merchant_key, person_key


class ReceiverRow(Table):
    """A merchant's own system, which is told of events."""

    __tablename__ = "webhook_receivers"

    id: Mapped[str] = mapped_column(primary_key=True)
    merchant_id: Mapped[str] = mapped_column(ForeignKey("merchants.id"), index=True)
    url: Mapped[str]
    events: Mapped[str]
    """Which it is told of (`cloud.context.Event`), between spaces."""
    secret: Mapped[bytes]
    """What signs (`cloud.outbox.standard_webhooks`), sealed with the outbox's key."""
    secret_before: Mapped[bytes | None]
    """The secret before, sealed alike; None without one."""
    before_until: Mapped[datetime | None]
    """Until when that one signs as well."""
    made_at: Mapped[datetime]


class EventRow(Table):
    """Something that a merchant's receivers are told of."""

    __tablename__ = "webhook_events"

    id: Mapped[str] = mapped_column(primary_key=True)
    person_id: Mapped[str | None] = person_key()
    """Whose reference it tells; None when it tells of nobody, and of somebody who has left."""
    # After the person: whoever ends an agreement has the file searched for rows in which the
    # merchant follows the person (`cloud.people.withdrawals`), and these go then.
    merchant_id: Mapped[str] = merchant_key()
    kind: Mapped[str]
    sealed: Mapped[bytes]
    """The body as it is sent, sealed with the person's key; with the outbox's where there is no
    person."""
    at: Mapped[datetime]
    expires_at: Mapped[datetime] = mapped_column(index=True)


class DeliveryRow(Table):
    """An event on its way to a receiver, and the record of it. It outlives the event, and tells
    nothing of it but its kind."""

    __tablename__ = "webhook_deliveries"

    id: Mapped[str] = mapped_column(primary_key=True)
    receiver_id: Mapped[str] = mapped_column(ForeignKey("webhook_receivers.id", ondelete="CASCADE"))
    event_id: Mapped[str]
    kind: Mapped[str]
    at: Mapped[datetime] = mapped_column(index=True)
    """When the event happened."""
    attempts: Mapped[int]
    due_at: Mapped[datetime | None] = mapped_column(index=True)
    """When it is tried next; None when it is not."""
    state: Mapped[str]
    """`waiting`, `delivered`, `given_up`, or `gone` when whom it was about has left."""
    status: Mapped[int | None]
    """The HTTP status of the last answer; None without one."""
    fault: Mapped[str | None]
    """Why there was none, in the operator's words."""
    tried_at: Mapped[datetime | None]

    __table_args__ = (Index("ix_webhook_deliveries_receiver", "receiver_id", "at", "id"),)


class PalmRequestRow(Table):
    """What a merchant has the person before a kiosk asked."""

    __tablename__ = "palm_requests"

    id: Mapped[str] = mapped_column(primary_key=True)
    person_id: Mapped[str | None] = person_key()
    """Who has answered with their palm; None until then, and when nobody was recognised."""
    # After the person, as in an event's row.
    merchant_id: Mapped[str] = merchant_key()
    site_id: Mapped[str] = mapped_column(ForeignKey("sites.id"))
    device_id: Mapped[str | None] = mapped_column(index=True)
    """The kiosk that is to show it, or does; None while any kiosk of the site may."""
    named: Mapped[bool]
    """Whether the merchant has named the kiosk."""
    kind: Mapped[str]
    """`protocol.asked.Asks`."""
    sealed: Mapped[bytes]
    """`cloud.integrations.palm_requests.Words`, sealed with the key of the person who has answered,
    and with the outbox's where there is none."""
    state: Mapped[str]
    """`protocol.asked.RequestState`."""
    reason: Mapped[str | None]
    """Why it was refused: `declined` or `not_recognised`."""
    made_at: Mapped[datetime]
    expires_at: Mapped[datetime] = mapped_column(index=True)
    """Until when it can be answered."""
    ended_at: Mapped[datetime | None]

    __table_args__ = (Index("ix_palm_requests_site", "site_id", "state"),)
