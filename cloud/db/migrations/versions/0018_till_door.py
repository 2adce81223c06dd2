"""events' pauses, receipts of agreements that were ended, and receipts for shoppers' phones"""

from alembic import op
import sqlalchemy as sa

revision = '0018'
down_revision = '0017'
branch_labels = None
depends_on = None


def upgrade() -> None:
    # Events that wait are due at once.
    op.add_column('webhooks', sa.Column('attempts', sa.Integer(), nullable=False, server_default='0'))
    op.add_column('webhooks', sa.Column('due_at', sa.BigInteger(), nullable=False, server_default='0'))
    op.add_column('purchases', sa.Column('receipt', sa.String(), nullable=True))
    with op.batch_alter_table('receipts', schema=None) as batch_op:
        batch_op.add_column(sa.Column('merchant_id', sa.String(), nullable=True))
        batch_op.create_foreign_key(batch_op.f('fk_receipts_merchant_id'), 'merchants', ['merchant_id'], ['id'])
