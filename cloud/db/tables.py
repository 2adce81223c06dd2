"""The base of all tables. Each feature declares its own tables on it.

Everything personal is sealed with the key of its person (`cloud.keys.persons`), and every row about
a person refers to their row in `persons`: deleting that row deletes all of them.
"""

import secrets
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import (
    BigInteger,
    Boolean,
    ColumnElement,
    Dialect,
    Float,
    ForeignKey,
    Integer,
    LargeBinary,
    MetaData,
    SQLColumnExpression,
    String,
    TypeDecorator,
    and_,
    event,
    or_,
)
from sqlalchemy.exc import DontWrapMixin
from sqlalchemy.orm import (
    DeclarativeBase,
    QueryContext,
    Session,
    SessionTransaction,
    mapped_column,
    object_session,
)

from protocol.messages import Outcome, Proof, Purpose, Side, Signature


class NotAText(ValueError, DontWrapMixin):
    """What was to be stored or looked for has the character NUL, which PostgreSQL does not store
    and no text needs. It is an error of whoever has sent it, on both engines."""


class Text(TypeDecorator[str]):
    """A text without NUL. Binding another one raises NotAText."""

    impl = String
    cache_ok = True

    def process_bind_param(self, value: str | None, dialect: Dialect) -> str | None:
        if value is not None and "\0" in value:
            raise NotAText
        return value


class Instant(TypeDecorator[datetime]):
    """An aware datetime, stored as milliseconds since the epoch."""

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
    type_annotation_map = {  # noqa: RUF012 - declared by SQLAlchemy, and never changed
        str: Text(),
        bytes: LargeBinary(),
        bool: Boolean(),
        float: Float(),
        int: Integer(),
        datetime: Instant(),
        Side: String(),
        Purpose: String(),
        Proof: String(),
        Outcome: String(),
        Signature: String(),
    }


class ReadOnce:
    """Mixed into tables that tell where a request comes from: its device, site and merchant. A
    session reads a row of theirs once a transaction, however often it is asked for.

    Of other rows, SQLAlchemy keeps in mind only those that somebody holds.
    """


_IN_MIND = "rows that are read once"


@event.listens_for(ReadOnce, "load", propagate=True)
def _keep_in_mind(row: ReadOnce, _: QueryContext | None) -> None:
    session = object_session(row)
    if session is not None:
        session.info.setdefault(_IN_MIND, []).append(row)


@event.listens_for(Session, "after_transaction_end")
def _forget(session: Session, transaction: SessionTransaction) -> None:
    if transaction.parent is None:
        session.info.pop(_IN_MIND, None)


def person_key(*, on_delete: str = "CASCADE", index: bool = True, **kwargs: Any) -> Any:
    """Returns a column that refers to a person; by default the row is deleted with the person."""
    return mapped_column(ForeignKey("persons.id", ondelete=on_delete), index=index, **kwargs)


def merchant_key() -> Any:
    """Returns a column that refers to the merchant whose row this is."""
    return mapped_column(ForeignKey("merchants.id"))


def numbered() -> Any:
    """Returns a key that numbers rows in the order in which they are added, with 64 bits."""
    # SQLite numbers rows by a key of this name only, and gives all of them 64 bits.
    number = BigInteger().with_variant(Integer(), "sqlite")
    return mapped_column(number, primary_key=True)


def follows(
    at: SQLColumnExpression[datetime], row_id: SQLColumnExpression[str], place: tuple[datetime, str]
) -> ColumnElement[bool]:
    """Returns the condition that a row follows the one of this time and id, in a list that has the
    newest first and, of one time, the largest id."""
    its_at, its_id = place
    # The first of these is what an index finds.
    return and_(at <= its_at, or_(at < its_at, row_id < its_id))


def new_id() -> str:
    """Returns a random id of 32 hexadecimal digits.

    It never begins with a dash: operators pass ids to commands, which would take it for an option.
    """
    return secrets.token_hex(16)
