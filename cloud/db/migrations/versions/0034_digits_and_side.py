"""identifications with digits of the number, and of a side"""

from alembic import op
import sqlalchemy as sa

revision = '0034'
down_revision = '0033'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column('identifications', sa.Column('digits', sa.Boolean(), nullable=False, server_default=sa.false()))
    op.add_column('identifications', sa.Column('side', sa.String(), nullable=True))


def downgrade() -> None:
    op.drop_column('identifications', 'side')
    op.drop_column('identifications', 'digits')
