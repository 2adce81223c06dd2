"""counted guesses"""

from alembic import op
import sqlalchemy as sa

revision = '0005'
down_revision = '0004'
branch_labels = None
depends_on = None


def upgrade() -> None:
    # Claims live for ten minutes and activation codes for a day: those that are open are dropped,
    # because what guesses at them are counted by is not known.
    op.execute(sa.text('DELETE FROM claims'))
    with op.batch_alter_table('claims', schema=None) as batch_op:
        batch_op.add_column(sa.Column('about', sa.String(), nullable=False))
    op.drop_table('activation_codes')
    op.create_table('activation_codes',
    sa.Column('name', sa.String(), nullable=False),
    sa.Column('lookup', sa.String(), nullable=False),
    sa.Column('attempts_left', sa.Integer(), nullable=False),
    sa.Column('expires_at', sa.BigInteger(), nullable=False),
    sa.PrimaryKeyConstraint('name', name=op.f('pk_activation_codes'))
    )
