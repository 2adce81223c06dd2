"""pictures that kiosks show"""

from alembic import op
import sqlalchemy as sa

revision = '0033'
down_revision = '0031'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table('kiosk_pictures',
    sa.Column('sha256', sa.String(), nullable=False),
    sa.Column('content', sa.LargeBinary(), nullable=False),
    sa.Column('ink', sa.String(), nullable=True),
    sa.PrimaryKeyConstraint('sha256', name=op.f('pk_kiosk_pictures'))
    )


def downgrade() -> None:
    op.drop_table('kiosk_pictures')
