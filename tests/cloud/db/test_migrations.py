"""The migrations make the tables that the service declares."""

import json
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import create_engine, inspect, text
from sqlalchemy.dialects import postgresql
from sqlalchemy.engine import Connection

from cloud.db import migration
from cloud.db.tables import Table
from cloud.payments.tables import PurchaseRow
from tests.support.receipt_logs import ReceiptLogs, leaves_of

pytestmark = pytest.mark.slow


def test_the_migrations_make_the_tables_the_service_expects(tmp_path: Path):
    migration.migrate(tmp_path / "palms.db")
    engine = create_engine(f"sqlite:///{tmp_path / 'palms.db'}")
    with engine.connect() as connection:
        assert compare_metadata(MigrationContext.configure(connection), Table.metadata) == []
    engine.dispose()


def test_a_new_database_is_what_all_migrations_make_of_an_empty_one():
    """`python -m cloud.db.migration` writes the file anew after a migration was added."""

    def parts(statements: str) -> list[list[str]]:
        # Alembic writes constraints and indices in another order each time.
        each = [statement.splitlines() for statement in statements.split("\n\n")]
        return sorted(sorted(line.strip("\t ,") for line in lines) for lines in each)

    newest = migration.NEWEST_SQL.read_text(encoding="utf-8")
    assert parts(newest) == parts(migration.made_by_all_migrations())


def test_a_database_is_of_the_newest_revision_after_all_migrations(tmp_path: Path):
    """The service compares it with the names of the files, and imports Alembic only for older
    ones."""
    config = Config()
    config.set_main_option("script_location", str(Path(migration.__file__).parent / "migrations"))
    migration.migrate(tmp_path / "palms.db")
    with closing(sqlite3.connect(tmp_path / "palms.db")) as made:
        (revision,) = made.execute("SELECT version_num FROM alembic_version").fetchone()
    migrations = list(ScriptDirectory.from_config(config).walk_revisions())
    assert revision == migrations[0].revision
    names = [Path(each.path).name for each in reversed(migrations)]
    assert names == sorted(names)
    assert names[-1].startswith(f"{revision}_")


def test_migrating_again_changes_nothing(tmp_path: Path):
    migration.migrate(tmp_path / "palms.db")
    before = (tmp_path / "palms.db").read_bytes()
    migration.migrate(tmp_path / "palms.db")
    assert (tmp_path / "palms.db").read_bytes() == before


def database_of(revision: str, path: Path) -> sqlite3.Connection:
    """Returns a database as a service of that revision left it."""
    config = Config()
    config.set_main_option("script_location", str(Path(migration.__file__).parent / "migrations"))
    engine = create_engine(f"sqlite:///{path}")
    with engine.begin() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, revision)
    engine.dispose()
    return sqlite3.connect(path)


def test_purchases_of_people_deleted_earlier_lose_what_leads_to_them(tmp_path: Path):
    path = tmp_path / "palms.db"
    earlier = database_of("0005", path)
    earlier.execute("INSERT INTO persons VALUES ('person_1', x'00'), ('person_2', x'00')")
    earlier.execute(
        "INSERT INTO accounts VALUES ('person_2', 'b', x'00', 20), ('person_1', 'a', x'00', 10)"
    )
    for name, person, outcome in (
        ("theirs", "person_1", "approved"),
        ("kept", None, "approved"),
        ("dropped", None, "declined"),
    ):
        row = (name, "device", f"till {name}", person, f"by {name}", f"pi_{name}", outcome)
        earlier.execute(
            "INSERT INTO purchases (id, device_id, reference, person_id, identification_id,"
            " payment, outcome, amount_minor, currency, card_brand, card_last4, at)"
            " VALUES (?, ?, ?, ?, ?, ?, ?, 1250, 'USD', 'visa', '4242', 30)",
            row,
        )
    earlier.execute(
        "INSERT INTO answers VALUES ('device', 'a-key', x'00', 200, 'text/plain', x'00', NULL, 40)"
    )
    receipt = json.dumps({"at": "2026-11-26T12:00:00.250000Z"})
    earlier.execute("INSERT INTO receipts VALUES ('receipt', x'00', ?)", [receipt])
    earlier.commit()
    earlier.close()

    migration.migrate(path)

    now = sqlite3.connect(path)
    purchases = "SELECT reference, person_id, identification_id, payment FROM purchases"
    assert set(now.execute(purchases)) == {
        ("till theirs", "person_1", "by theirs", "pi_theirs"),
        ("till kept", None, None, None),
    }
    # Until now, the provider stored these ids with its payments.
    assert not {"theirs", "kept"} & {name for (name,) in now.execute("SELECT id FROM purchases")}
    joined = now.execute("SELECT person_id, joined FROM accounts ORDER BY joined")
    assert list(joined) == [("person_1", 1), ("person_2", 2)]
    assert list(now.execute("SELECT * FROM arrivals")) == [(1, 2)]
    assert list(now.execute("SELECT at FROM receipts")) == [(1795694400250,)]
    assert list(now.execute("SELECT * FROM answers")) == []
    now.close()
    for trace in (b"pi_kept", b"by kept", b"dropped"):
        assert trace not in path.read_bytes()


def test_a_challenge_of_before_is_forgotten_when_challenges_are_bound_to_pictures(tmp_path: Path):
    path = tmp_path / "palms.db"
    earlier = database_of("0004", path)
    earlier.execute("INSERT INTO challenges VALUES ('challenge-1', 'kiosk', x'01', 9)")
    earlier.commit()
    earlier.close()
    migration.migrate(path)
    bound = sqlite3.connect(path).execute("SELECT commitment, answer FROM challenges")
    assert list(bound) == []


def test_an_amount_of_twelve_digits_fits_its_column_in_every_database():
    amount = PurchaseRow.__table__.columns["amount_minor"].type
    assert amount.compile(postgresql.dialect()) == "BIGINT"


def test_a_purchase_of_before_keeps_its_amount_its_person_and_its_rules(tmp_path: Path):
    path = tmp_path / "palms.db"
    earlier = database_of("0007", path)
    earlier.execute("INSERT INTO persons VALUES ('person_1', x'00')")
    earlier.execute(
        "INSERT INTO purchases (id, device_id, reference, person_id, identification_id, outcome,"
        " amount_minor, currency, card_brand, card_last4, at) VALUES"
        " ('one', 'device', 'sale', 'person_1', 'by', 'approved', 1250, 'USD', 'visa', '4242', 30)"
    )
    earlier.commit()
    earlier.close()
    migration.migrate(path)
    now = sqlite3.connect(path)
    now.execute("PRAGMA foreign_keys = ON")
    now.execute("UPDATE purchases SET amount_minor = amount_minor + 999999998749")
    now.execute("DELETE FROM persons")
    stored = now.execute("SELECT id, amount_minor, person_id FROM purchases")
    assert list(stored) == [("one", 999_999_999_999, None)]
    again = "INSERT INTO purchases SELECT 'two', " + ", ".join(
        name for _, name, *_ in list(now.execute("PRAGMA table_info(purchases)"))[1:]
    )
    with pytest.raises(sqlite3.IntegrityError, match="UNIQUE"):
        now.execute(f"{again} FROM purchases")
    now.close()


def test_the_card_of_before_is_the_default_and_the_purchases_of_before_wait_for_nobody(
    tmp_path: Path,
):
    path = tmp_path / "palms.db"
    earlier = database_of("0014", path)
    earlier.executescript(
        """
        INSERT INTO persons VALUES ('person_1', x'00');
        INSERT INTO cards (id, person_id, detail) VALUES ('card', 'person_1', x'01');
        INSERT INTO card_pages (id, person_id, state, expires_at)
            VALUES ('page', 'person_1', 'open', 99);
        INSERT INTO purchases (id, merchant_id, device_id, reference, person_id,
            identification_id, outcome, amount_minor, currency, card_brand, card_last4, at) VALUES
            ('one', 'first', 'kiosk', 'sale', 'person_1', 'by', 'pending', 1250, 'USD', 'visa',
            '4242', 30);
        """
    )
    earlier.close()
    migration.migrate(path)
    now = sqlite3.connect(path)
    assert list(now.execute("SELECT id, place, detail FROM cards")) == [("card", 0, b"\x01")]
    assert list(now.execute("SELECT id, adds FROM card_pages")) == [("page", 0)]
    sold = "SELECT id, card_id, asks_holder FROM purchases"
    assert list(now.execute(sold)) == [("one", None, None)]
    now.close()


def test_what_was_stored_before_there_were_merchants_belongs_to_the_first(tmp_path: Path):
    path = tmp_path / "palms.db"
    earlier = database_of("0009", path)
    earlier.executescript(
        """
        INSERT INTO persons VALUES ('person_1', x'00');
        INSERT INTO accounts VALUES ('person_1', 'a', x'00', 10, 1);
        INSERT INTO devices (id, public_key, name, merchant, country, currency, activated_at,
            infrared) VALUES ('kiosk', x'01', 'Till 3', 'Corner Shop', 'US', 'USD', 5, 0);
        INSERT INTO activation_codes VALUES ('123', 'hash', 5, 99);
        INSERT INTO identifications (id, device_id, visit_id, purpose, outcome, attempts_left,
            person_id, expires_at, pulse)
            VALUES ('by', 'kiosk', 'visit', 'pay', 'accepted', 2, 'person_1', 99, 0);
        INSERT INTO candidates VALUES ('by', 'person_1', 7.5);
        INSERT INTO purchases (id, device_id, reference, person_id, identification_id, outcome,
            amount_minor, currency, card_brand, card_last4, at) VALUES
            ('one', 'kiosk', 'sale', 'person_1', 'by', 'approved', 1250, 'USD', 'visa', '4242', 30);
        INSERT INTO refunds VALUES
            ('two', 'one', 'kiosk', 'back', 0, 500, 'named', 'refunded', NULL, 40);
        """
    )
    earlier.close()
    migration.migrate(path)
    now = sqlite3.connect(path)
    assert list(now.execute("SELECT id FROM merchants")) == [("first",)]
    assert list(now.execute("SELECT id, merchant_id FROM sites")) == [("first", "first")]
    bound = "SELECT id, merchant_id, site_id, revoked_at FROM devices"
    assert list(now.execute(bound)) == [("kiosk", "first", "first", None)]
    assert list(now.execute("SELECT name, site_id FROM activation_codes")) == [("123", "first")]
    sold = "SELECT id, merchant_id, person_id, account FROM purchases"
    assert list(now.execute(sold)) == [("one", "first", "person_1", None)]
    returned = "SELECT id, purchase_id, merchant_id, amount_minor, provider_reference FROM refunds"
    assert list(now.execute(returned)) == [("two", "one", "first", 500, "named")]
    agreed = "SELECT person_id, merchant_id, version, at FROM agreements"
    assert list(now.execute(agreed)) == [("person_1", "first", None, 10)]
    assert list(now.execute("PRAGMA foreign_key_check")) == []
    for table in ("devices", "activation_codes", "purchases", "refunds", "enrolments"):
        columns = list(now.execute(f"PRAGMA table_info({table})"))
        defaults = {default for _, _, _, _, default, _ in columns}
        assert defaults == {None}, f"whose a later row of {table} is has to be said"
    now.close()


def test_receipts_of_before_the_log_are_logged_in_the_order_in_which_they_were_issued(
    tmp_path: Path,
):
    path = tmp_path / "palms.db"
    logs = ReceiptLogs()
    receipts = [logs.issue() for _ in range(13)]
    with closing(database_of("0019", path)) as earlier:
        for receipt in reversed(receipts):
            at = round(receipt.at.timestamp() * 1000)
            earlier.execute(
                "INSERT INTO receipts (id, person_digest, document, at) VALUES (?, x'00', ?, ?)",
                [receipt.receipt_id, receipt.model_dump_json(), at],
            )
        earlier.commit()
    migration.migrate(path)
    with closing(sqlite3.connect(path)) as now:
        rows = now.execute("SELECT level, place, hash FROM receipt_log")
        assert leaves_of({(level, place): hash_ for level, place, hash_ in rows}) == logs.leaves


def test_the_last_use_of_before_is_the_latest_that_is_known(tmp_path: Path):
    path = tmp_path / "palms.db"
    with closing(database_of("0019", path)) as earlier:
        earlier.executescript(
            """
            INSERT INTO persons VALUES ('buyer', x'00'), ('guest', x'00'), ('newcomer', x'00');
            INSERT INTO accounts (person_id, phone_lookup, profile, since, joined) VALUES
                ('buyer', 'a', x'00', 10, 1), ('guest', 'b', x'00', 20, 2);
            INSERT INTO agreements (person_id, merchant_id, at) VALUES ('buyer', 'first', 12);
            INSERT INTO sessions VALUES ('one', 'guest', 'c', x'00', 25, 30);
            INSERT INTO purchases (id, merchant_id, device_id, reference, person_id,
                identification_id, outcome, amount_minor, currency, card_brand, card_last4, at)
                VALUES ('one', 'first', 'kiosk', 'sale', 'buyer', 'by', 'approved', 1250, 'USD',
                'visa', '4242', 40), ('two', 'first', 'kiosk', 'other', NULL, NULL, 'approved',
                1250, 'USD', 'visa', '4242', 50);
            """
        )
    migration.migrate(path)
    with closing(sqlite3.connect(path)) as now:
        told = now.execute("SELECT * FROM activity ORDER BY person_id")
        assert list(told) == [
            ("buyer", 40, None, None, None, None),
            ("guest", 30, None, None, None, None),
        ]


def test_sites_of_before_have_the_law_of_the_settings_and_agreements_stay(tmp_path: Path):
    path = tmp_path / "palms.db"
    with closing(database_of("0022", path)) as earlier:
        earlier.executescript(
            """
            INSERT INTO persons VALUES ('alex', x'00');
            INSERT INTO accounts (person_id, phone_lookup, profile, since, joined) VALUES
                ('alex', 'a', x'00', 10, 1);
            INSERT INTO agreements (person_id, merchant_id, version, at) VALUES
                ('alex', 'first', '2026-12', 12);
            """
        )
    migration.migrate(path)
    with closing(sqlite3.connect(path)) as now:
        assert list(now.execute("SELECT id, law FROM sites")) == [("first", None)]
        agreed = now.execute("SELECT person_id, merchant_id, version, at FROM agreements")
        assert list(agreed) == [("alex", "first", "2026-12", 12)]
        # To which text is not known, so everybody is asked at the next visit.
        assert list(now.execute("SELECT * FROM consents")) == []
        assert list(now.execute("PRAGMA foreign_key_check")) == []


def goes_there_and_back(connection: Connection) -> None:
    """Takes the steps after 0031 of a database back, which has a row in a table of theirs, and goes
    them again."""
    connection.execute(text("INSERT INTO kiosk_pictures VALUES ('a', 'b', NULL)"))
    config = Config()
    config.set_main_option("script_location", str(Path(migration.__file__).parent / "migrations"))
    config.attributes["connection"] = connection
    command.downgrade(config, "0031")
    here = inspect(connection)
    assert not here.has_table("kiosk_pictures")
    columns = {column["name"] for column in here.get_columns("identifications")}
    assert not {"digits", "side"} & columns
    migration.upgrade(connection)
    assert compare_metadata(MigrationContext.configure(connection), Table.metadata) == []


def test_pictures_and_digits_have_a_way_back(tmp_path: Path):
    database_of("0034", tmp_path / "palms.db").close()
    engine = create_engine(f"sqlite:///{tmp_path / 'palms.db'}")
    with engine.begin() as connection:
        goes_there_and_back(connection)
    engine.dispose()
