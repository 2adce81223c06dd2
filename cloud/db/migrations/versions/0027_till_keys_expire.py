"""keys of tills that expire"""

from alembic import op
import sqlalchemy as sa

revision = '0027'
down_revision = '0026'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column('till_keys', sa.Column('expires_at', sa.BigInteger(), nullable=True))
