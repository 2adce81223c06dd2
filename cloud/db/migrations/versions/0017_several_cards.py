"""several cards of one person, and purchases that a card's holder may confirm"""

from alembic import op
import sqlalchemy as sa

revision = '0017'
down_revision = '0016'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column('cards', sa.Column('place', sa.Integer(), nullable=False, server_default='0'))
    op.add_column('card_pages', sa.Column('adds', sa.Boolean(), nullable=False, server_default=sa.false()))
    op.add_column('purchases', sa.Column('card_id', sa.String(), nullable=True))
    op.add_column('purchases', sa.Column('asks_holder', sa.Boolean(), nullable=True))
