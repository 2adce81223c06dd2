"""sign-ups that are begun in the portal and finished at a kiosk"""

from alembic import op
import sqlalchemy as sa

revision = '0024'
down_revision = '0023'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table('begun',
    sa.Column('id', sa.String(), nullable=False),
    sa.Column('person_id', sa.String(), nullable=False),
    sa.Column('phone_lookup', sa.String(), nullable=False),
    sa.Column('browser', sa.String(), nullable=False),
    sa.Column('sealed', sa.LargeBinary(), nullable=False),
    sa.Column('lookup', sa.String(), nullable=True),
    sa.Column('verified', sa.Boolean(), nullable=False),
    sa.Column('expires_at', sa.BigInteger(), nullable=False),
    sa.ForeignKeyConstraint(['person_id'], ['persons.id'], name=op.f('fk_begun_person_id'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_begun')),
    sa.UniqueConstraint('browser', name=op.f('uq_begun_browser')),
    sa.UniqueConstraint('lookup', name=op.f('uq_begun_lookup'))
    )
    with op.batch_alter_table('begun', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_begun_person_id'), ['person_id'], unique=False)
        batch_op.create_index(batch_op.f('ix_begun_phone_lookup'), ['phone_lookup'], unique=False)
        batch_op.create_index(batch_op.f('ix_begun_expires_at'), ['expires_at'], unique=False)
