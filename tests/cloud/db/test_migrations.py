"""The migrations make the tables that the service declares."""

from pathlib import Path

from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import create_engine

from cloud.db import database
from cloud.db.tables import Table


def test_the_migrations_make_the_tables_the_service_expects(tmp_path: Path):
    database.migrate(tmp_path / "palms.db")
    engine = create_engine(f"sqlite:///{tmp_path / 'palms.db'}")
    with engine.connect() as connection:
        assert compare_metadata(MigrationContext.configure(connection), Table.metadata) == []
    engine.dispose()


def test_migrating_again_changes_nothing(tmp_path: Path):
    database.migrate(tmp_path / "palms.db")
    before = (tmp_path / "palms.db").read_bytes()
    database.migrate(tmp_path / "palms.db")
    assert (tmp_path / "palms.db").read_bytes() == before
