"""the region that the database is in, and that of a merchant"""

from alembic import op
import sqlalchemy as sa

revision = '0047'
down_revision = '0046'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table('regions',
    sa.Column('id', sa.String(), nullable=False),
    sa.Column('name', sa.String(), nullable=False),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_regions'))
    )
    op.add_column('merchants', sa.Column('region', sa.String(), nullable=True))


def downgrade() -> None:
    op.drop_column('merchants', 'region')
    op.drop_table('regions')
