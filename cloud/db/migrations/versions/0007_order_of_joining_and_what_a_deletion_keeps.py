"""the order of joining, and what a deletion keeps"""

import json
import secrets
from datetime import datetime

from alembic import op
import sqlalchemy as sa

revision = '0007'
down_revision = '0006'
branch_labels = None
depends_on = None


def upgrade() -> None:
    _order_accounts()
    _clear_purchases_of_the_deleted()
    _date_receipts()
    # They are found by a keyed hash now. A purchase that is asked for again is found by its
    # reference.
    op.execute('DELETE FROM answers')


def _order_accounts() -> None:
    with op.batch_alter_table('accounts', schema=None) as batch_op:
        batch_op.add_column(sa.Column('joined', sa.Integer(), nullable=False, server_default='0'))
    op.execute(
        'WITH ordered AS (SELECT person_id, row_number() OVER (ORDER BY since) AS place'
        ' FROM accounts)'
        ' UPDATE accounts SET joined = ordered.place FROM ordered'
        ' WHERE ordered.person_id = accounts.person_id'
    )
    with op.batch_alter_table('accounts', schema=None) as batch_op:
        batch_op.alter_column('joined', server_default=None)
        batch_op.create_unique_constraint(batch_op.f('uq_accounts_joined'), ['joined'])
    op.create_table('arrivals',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('joined', sa.Integer(), nullable=False),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_arrivals'))
    )
    op.execute('INSERT INTO arrivals (id, joined) SELECT 1, count(*) FROM accounts')


def _clear_purchases_of_the_deleted() -> None:
    with op.batch_alter_table('purchases', schema=None) as batch_op:
        batch_op.alter_column('identification_id', existing_type=sa.String(), nullable=True)
        batch_op.create_index('ix_purchases_at', ['at'], unique=False)
    # What a deletion now does to them (cloud.payments.purchases.keep_for_the_books).
    op.execute("DELETE FROM purchases WHERE person_id IS NULL AND outcome <> 'approved'")
    op.execute(
        "UPDATE purchases SET identification_id = NULL, payment = NULL"
        " WHERE person_id IS NULL AND outcome = 'approved'"
    )
    # The provider has stored the ids of earlier purchases with its payments, and is told others
    # from now on. New ids make sure that its records lead to nothing here after a deletion.
    connection = op.get_bind()
    rename = sa.text('UPDATE purchases SET id = :new WHERE id = :old')
    for (purchase_id,) in connection.execute(sa.text('SELECT id FROM purchases')).fetchall():
        connection.execute(rename, {'new': secrets.token_hex(16), 'old': purchase_id})


def _date_receipts() -> None:
    with op.batch_alter_table('receipts', schema=None) as batch_op:
        batch_op.add_column(sa.Column('at', sa.BigInteger(), nullable=False, server_default='0'))
    connection = op.get_bind()
    receipts = connection.execute(sa.text('SELECT id, document FROM receipts'))
    for receipt_id, document in receipts.fetchall():
        at = datetime.fromisoformat(json.loads(document)['at'])
        connection.execute(
            sa.text('UPDATE receipts SET at = :at WHERE id = :id'),
            {'at': round(at.timestamp() * 1000), 'id': receipt_id},
        )
    with op.batch_alter_table('receipts', schema=None) as batch_op:
        batch_op.alter_column('at', server_default=None)
        batch_op.create_index(batch_op.f('ix_receipts_at'), ['at'], unique=False)
