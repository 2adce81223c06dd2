"""the ledger, and what tills were told"""

from alembic import op
import sqlalchemy as sa

revision = '0011'
down_revision = '0010'
branch_labels = None
depends_on = None


def upgrade() -> None:
    # Not in a batch: SQLite would make the table anew, to which refunds refer.
    op.add_column('purchases', sa.Column('told', sa.String(), nullable=True))
    op.create_table('ledger',
    sa.Column('id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('merchant_id', sa.String(), nullable=False),
    sa.Column('purchase_id', sa.String(), nullable=False),
    sa.Column('kind', sa.String(), nullable=False),
    sa.Column('subject', sa.String(), nullable=False),
    sa.Column('debit', sa.String(), nullable=False),
    sa.Column('credit', sa.String(), nullable=False),
    sa.Column('minor', sa.BigInteger(), nullable=False),
    sa.Column('currency', sa.String(), nullable=False),
    sa.Column('at', sa.BigInteger(), nullable=False),
    sa.CheckConstraint('debit <> credit', name='ck_ledger_accounts'),
    sa.CheckConstraint('minor > 0', name='ck_ledger_minor'),
    sa.ForeignKeyConstraint(['merchant_id'], ['merchants.id'], name=op.f('fk_ledger_merchant_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_ledger')),
    sa.UniqueConstraint('kind', 'subject', name=op.f('uq_ledger_kind'))
    )
    with op.batch_alter_table('ledger', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_ledger_purchase_id'), ['purchase_id'], unique=False)
        batch_op.create_index(batch_op.f('ix_ledger_at'), ['at'], unique=False)
    op.execute(
        'INSERT INTO ledger (merchant_id, purchase_id, kind, subject, debit, credit, minor,'
        " currency, at) SELECT merchant_id, id, 'sale', id, 'cards receivable', 'sales',"
        " amount_minor, currency, at FROM purchases WHERE outcome = 'approved' ORDER BY at"
    )
    op.execute(
        'INSERT INTO ledger (merchant_id, purchase_id, kind, subject, debit, credit, minor,'
        " currency, at) SELECT r.merchant_id, purchase_id, 'refund', r.id, 'refunds',"
        " 'cards receivable', r.amount_minor, currency, r.at FROM refunds r"
        " JOIN purchases p ON p.id = purchase_id WHERE r.outcome = 'refunded' ORDER BY r.at"
    )
    if op.get_bind().dialect.name == 'sqlite':
        _keep_on_sqlite()
    else:
        _keep_on_postgresql()


# The merchant's books are kept as long as the purchase, and go with it.


def _keep_on_sqlite() -> None:
    op.execute(
        'CREATE TRIGGER ledger_is_not_changed BEFORE UPDATE ON ledger'
        " BEGIN SELECT RAISE(ABORT, 'the ledger is append-only'); END"
    )
    op.execute(
        'CREATE TRIGGER ledger_is_kept BEFORE DELETE ON ledger'
        ' WHEN EXISTS (SELECT 1 FROM purchases WHERE id = OLD.purchase_id)'
        " BEGIN SELECT RAISE(ABORT, 'the ledger is append-only'); END"
    )


def _keep_on_postgresql() -> None:
    op.execute(
        'CREATE FUNCTION ledger_is_append_only() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN'
        " IF TG_OP = 'DELETE' AND NOT EXISTS"
        ' (SELECT 1 FROM purchases WHERE id = OLD.purchase_id) THEN RETURN OLD; END IF;'
        " RAISE EXCEPTION 'the ledger is append-only' USING ERRCODE = 'restrict_violation';"
        ' END $$'
    )
    for name, what in (('ledger_is_not_changed', 'UPDATE'), ('ledger_is_kept', 'DELETE')):
        op.execute(
            f'CREATE TRIGGER {name} BEFORE {what} ON ledger FOR EACH ROW'
            ' EXECUTE FUNCTION ledger_is_append_only()'
        )
