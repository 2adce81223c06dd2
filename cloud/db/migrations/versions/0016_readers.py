"""card readers of devices, and cards that are saved and paid with at them"""

from alembic import op
import sqlalchemy as sa

revision = '0016'
down_revision = '0015'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column('devices', sa.Column('reader', sa.String(), nullable=True))
    op.create_index(op.f('ix_devices_reader'), 'devices', ['reader'], unique=True)
    op.add_column('card_pages', sa.Column('reader', sa.String(), nullable=True))
    op.create_index(op.f('ix_card_pages_reader'), 'card_pages', ['reader'], unique=False)
    op.add_column('purchases', sa.Column('terminal', sa.String(), nullable=True))
