"""Runs the migrations with Alembic, which the service does when it starts
(`cloud.db.migration`). It imports the tables of every feature."""

from typing import Any, Literal

from alembic import context

from cloud.ages import tables as ages
from cloud.console import tables as console
from cloud.db.tables import Instant, Table, Text
from cloud.entry import tables as entry
from cloud.fleet import tables as fleet
from cloud.integrations import tables as integrations
from cloud.keys import tables as keys
from cloud.loyalty import tables as loyalty
from cloud.merchants import tables as merchants
from cloud.outbox import tables as outbox
from cloud.payments import tables as payments
from cloud.people import tables as people
from cloud.recognition import tables as recognition
from cloud.watch import tables as watch
from cloud.web import tables as web

DECLARED = (
    ages,
    console,
    entry,
    fleet,
    integrations,
    keys,
    loyalty,
    merchants,
    outbox,
    payments,
    people,
    recognition,
    watch,
    web,
)
"""Every module that declares tables: importing them adds the tables to `Table.metadata`."""


def as_stored(kind: str, item: Any, _: object) -> str | Literal[False]:
    """Writes the type that is in the database into a migration, not the service's own."""
    if kind == "type" and isinstance(item, Instant):
        return "sa.BigInteger()"
    return "sa.String()" if kind == "type" and isinstance(item, Text) else False


context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=Table.metadata,
    render_as_batch=True,
    render_item=as_stored,
)
with context.begin_transaction():
    context.run_migrations()
