"""keys of the operator's, which are of no merchant"""

from alembic import op
import sqlalchemy as sa

revision = '0048'
down_revision = '0047'
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table('till_keys', schema=None) as batch_op:
        batch_op.alter_column('merchant_id', existing_type=sa.String(), nullable=True)


def downgrade() -> None:
    op.execute('DELETE FROM till_keys WHERE merchant_id IS NULL')
    with op.batch_alter_table('till_keys', schema=None) as batch_op:
        batch_op.alter_column('merchant_id', existing_type=sa.String(), nullable=False)
