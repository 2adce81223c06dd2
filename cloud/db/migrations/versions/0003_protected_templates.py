"""templates in versions, under a transform"""

from alembic import op
import sqlalchemy as sa

revision = '0003'
down_revision = '0002'
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table('palms', schema=None) as batch_op:
        # What is there was made by the first signer, and the service protects it at its next start.
        batch_op.add_column(sa.Column('version', sa.Integer(), nullable=False, server_default='1'))
        batch_op.add_column(sa.Column('transform', sa.String(), nullable=False, server_default=''))
    with op.batch_alter_table('palms', schema=None) as batch_op:
        batch_op.alter_column('version', server_default=None)
        batch_op.alter_column('transform', server_default=None)
    with op.batch_alter_table('candidates', schema=None) as batch_op:
        batch_op.alter_column('score', new_column_name='rarity')
