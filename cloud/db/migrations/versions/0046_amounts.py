"""amounts from which on a palm alone does not pay, of merchants and sites"""

from alembic import op
import sqlalchemy as sa

revision = '0046'
down_revision = '0045'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table('amounts',
    sa.Column('scope', sa.String(), nullable=False),
    sa.Column('currency', sa.String(), nullable=False),
    sa.Column('pulse_above', sa.BigInteger(), nullable=True),
    sa.Column('digits_above', sa.BigInteger(), nullable=True),
    sa.Column('staff_above', sa.BigInteger(), nullable=True),
    sa.Column('unconfirmed_below', sa.BigInteger(), nullable=True),
    sa.PrimaryKeyConstraint('scope', name=op.f('pk_amounts'))
    )


def downgrade() -> None:
    op.drop_table('amounts')
