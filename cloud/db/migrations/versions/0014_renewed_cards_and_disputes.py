"""cards that are found by the provider's name, and disputes of purchases"""

from alembic import op
import sqlalchemy as sa

revision = '0014'
down_revision = '0013'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column('cards', sa.Column('lookup', sa.String(), nullable=True))
    op.create_index(op.f('ix_cards_lookup'), 'cards', ['lookup'], unique=False)
    op.add_column('purchases', sa.Column('dispute', sa.String(), nullable=True))
