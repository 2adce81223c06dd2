"""when a palm that pays was recognised and a till was told, why staff give back, and compared days"""

from alembic import op
import sqlalchemy as sa

revision = '0041'
down_revision = '0040'
branch_labels = None
depends_on = None


def upgrade() -> None:
    # Added in place: purchases have a trigger, which a copy of the table would lose.
    op.add_column('purchases', sa.Column('recognised_at', sa.BigInteger(), nullable=True))
    op.add_column('purchases', sa.Column('told_at', sa.BigInteger(), nullable=True))
    op.add_column('refunds', sa.Column('reason', sa.String(), nullable=True))
    op.create_table('reconciliations',
    sa.Column('day', sa.String(), nullable=False),
    sa.Column('at', sa.BigInteger(), nullable=False),
    sa.Column('content', sa.String(), nullable=False),
    sa.PrimaryKeyConstraint('day', name=op.f('pk_reconciliations'))
    )
    op.create_index(op.f('ix_reconciliations_at'), 'reconciliations', ['at'])
