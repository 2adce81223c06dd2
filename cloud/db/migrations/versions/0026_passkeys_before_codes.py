"""sessions that a passkey has begun, and when codes alone are enough again"""

from alembic import op
import sqlalchemy as sa

revision = '0026'
down_revision = '0025'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column('accounts', sa.Column('codes_suffice_at', sa.BigInteger(), nullable=True))
    op.add_column('sessions', sa.Column('by_passkey', sa.Boolean(), nullable=False, server_default='0'))
