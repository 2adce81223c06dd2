"""what other processes have changed in the gallery"""

from alembic import op
import sqlalchemy as sa

revision = '0035'
down_revision = '0034'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table('palm_changes',
    sa.Column('id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('palm_id', sa.String(), nullable=False),
    sa.Column('at', sa.BigInteger(), nullable=False),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_palm_changes'))
    )
    with op.batch_alter_table('palm_changes', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_palm_changes_at'), ['at'], unique=False)
    if op.get_bind().dialect.name == 'postgresql':
        _note_changes()


# One process alone uses a file, and has nobody to tell.


def _note_changes() -> None:
    # Nobody else draws numbers until this transaction has ended. The lock is named by the first 64
    # bits of the SHA-256 digest of "palm changes".
    op.execute(
        'CREATE FUNCTION note_palm_changes(changed text[]) RETURNS void LANGUAGE plpgsql AS $$ BEGIN'
        ' PERFORM pg_advisory_xact_lock(-7801128095357520320);'
        ' INSERT INTO palm_changes (palm_id, at)'
        ' SELECT palm, CAST(extract(epoch FROM clock_timestamp()) * 1000 AS bigint)'
        ' FROM unnest(changed) AS palm;'
        " PERFORM pg_notify('palm_changes', '');"
        ' END $$'
    )
    # The gallery has the palms of people with an account.
    op.execute(
        'CREATE FUNCTION palm_was_changed() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN'
        " IF TG_OP = 'DELETE' THEN PERFORM note_palm_changes(ARRAY[OLD.id]);"
        ' ELSIF EXISTS (SELECT 1 FROM accounts WHERE person_id = NEW.person_id)'
        ' THEN PERFORM note_palm_changes(ARRAY[NEW.id]); END IF;'
        ' RETURN NULL; END $$'
    )
    op.execute(
        'CREATE FUNCTION account_was_added() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN'
        ' PERFORM note_palm_changes(ARRAY(SELECT id FROM palms WHERE person_id = NEW.person_id));'
        ' RETURN NULL; END $$'
    )
    # At the end of the transaction: who holds the lock waits for nothing any more but the disk.
    for name, what, does in (
        ('palms_are_followed', 'INSERT OR UPDATE OR DELETE ON palms', 'palm_was_changed'),
        ('accounts_are_followed', 'INSERT ON accounts', 'account_was_added'),
    ):
        op.execute(
            f'CREATE CONSTRAINT TRIGGER {name} AFTER {what} DEFERRABLE INITIALLY DEFERRED'
            f' FOR EACH ROW EXECUTE FUNCTION {does}()'
        )
    # There is always a change that a process knows of (`cloud.recognition.feed`).
    op.execute("INSERT INTO palm_changes (palm_id, at) VALUES ('', 0)")
