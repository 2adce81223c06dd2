"""events that limits count are found by whom they are about, and by their time"""

from alembic import op

revision = '0040'
down_revision = '0038'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.drop_index('ix_tallies_kind', table_name='tallies')
    op.create_index('ix_tallies_subject', 'tallies', ['subject', 'kind', 'at'])
    op.create_index('ix_tallies_at', 'tallies', ['at'])
