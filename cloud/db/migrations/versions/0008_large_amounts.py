"""amounts of up to twelve digits"""

from alembic import op
import sqlalchemy as sa

revision = '0008'
down_revision = '0007'
branch_labels = None
depends_on = None


def upgrade() -> None:
    # SQLite's integers have 64 bits whatever they are called; PostgreSQL's have 32.
    with op.batch_alter_table('purchases', schema=None) as batch_op:
        batch_op.alter_column('amount_minor', existing_type=sa.Integer(), type_=sa.BigInteger())
