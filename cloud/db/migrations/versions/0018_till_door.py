"""events of the provider that wait are tried again after a growing pause"""

from alembic import op
import sqlalchemy as sa

revision = '0018'
down_revision = '0015'
branch_labels = None
depends_on = None


def upgrade() -> None:
    # Events that wait are due at once.
    op.add_column('webhooks', sa.Column('attempts', sa.Integer(), nullable=False, server_default='0'))
    op.add_column('webhooks', sa.Column('due_at', sa.BigInteger(), nullable=False, server_default='0'))
