"""keys of tills that expire, and which master key the rows were written with"""

from alembic import op
import sqlalchemy as sa

revision = '0027'
down_revision = '0026'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column('till_keys', sa.Column('expires_at', sa.BigInteger(), nullable=True))
    op.create_table('master_keys',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('mark', sa.String(), nullable=False),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_master_keys'))
    )
