"""requests for palms"""

from alembic import op
import sqlalchemy as sa

revision = '0045'
down_revision = '0044'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table('palm_requests',
    sa.Column('id', sa.String(), nullable=False),
    sa.Column('person_id', sa.String(), nullable=True),
    sa.Column('merchant_id', sa.String(), nullable=False),
    sa.Column('site_id', sa.String(), nullable=False),
    sa.Column('device_id', sa.String(), nullable=True),
    sa.Column('named', sa.Boolean(), nullable=False),
    sa.Column('kind', sa.String(), nullable=False),
    sa.Column('sealed', sa.LargeBinary(), nullable=False),
    sa.Column('state', sa.String(), nullable=False),
    sa.Column('reason', sa.String(), nullable=True),
    sa.Column('made_at', sa.BigInteger(), nullable=False),
    sa.Column('expires_at', sa.BigInteger(), nullable=False),
    sa.Column('ended_at', sa.BigInteger(), nullable=True),
    sa.ForeignKeyConstraint(['merchant_id'], ['merchants.id'], name=op.f('fk_palm_requests_merchant_id')),
    sa.ForeignKeyConstraint(['person_id'], ['persons.id'], name=op.f('fk_palm_requests_person_id'), ondelete='CASCADE'),
    sa.ForeignKeyConstraint(['site_id'], ['sites.id'], name=op.f('fk_palm_requests_site_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_palm_requests'))
    )
    with op.batch_alter_table('palm_requests', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_palm_requests_device_id'), ['device_id'], unique=False)
        batch_op.create_index(batch_op.f('ix_palm_requests_expires_at'), ['expires_at'], unique=False)
        batch_op.create_index(batch_op.f('ix_palm_requests_person_id'), ['person_id'], unique=False)
        batch_op.create_index('ix_palm_requests_site', ['site_id', 'state'], unique=False)
