"""Alembic's way in: the service migrates its own database at start
(`cloud.db.database.migrate`)."""

from typing import Any, Literal

from alembic import context

from cloud.tables import Instant, Table


def as_stored(kind: str, item: Any, _: object) -> str | Literal[False]:
    """A migration says what is in the database, not what the service makes of it."""
    return "sa.BigInteger()" if kind == "type" and isinstance(item, Instant) else False


context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=Table.metadata,
    render_as_batch=True,
    render_item=as_stored,
)
with context.begin_transaction():
    context.run_migrations()
