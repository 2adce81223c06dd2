"""memberships of people at merchants, and whose age staff have seen"""

from alembic import op
import sqlalchemy as sa

revision = '0015'
down_revision = '0014'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table('memberships',
    sa.Column('person_id', sa.String(), nullable=False),
    sa.Column('merchant_id', sa.String(), nullable=False),
    sa.Column('sealed', sa.LargeBinary(), nullable=False),
    sa.Column('at', sa.BigInteger(), nullable=False),
    sa.ForeignKeyConstraint(['merchant_id'], ['merchants.id'], name=op.f('fk_memberships_merchant_id')),
    sa.ForeignKeyConstraint(['person_id'], ['persons.id'], name=op.f('fk_memberships_person_id'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('person_id', 'merchant_id', name=op.f('pk_memberships'))
    )
    op.create_table('ages',
    sa.Column('person_id', sa.String(), nullable=False),
    sa.Column('merchant_id', sa.String(), nullable=False),
    sa.Column('sealed', sa.LargeBinary(), nullable=False),
    sa.Column('staff', sa.String(), nullable=False),
    sa.Column('device_id', sa.String(), nullable=False),
    sa.Column('at', sa.BigInteger(), nullable=False),
    sa.ForeignKeyConstraint(['merchant_id'], ['merchants.id'], name=op.f('fk_ages_merchant_id')),
    sa.ForeignKeyConstraint(['person_id'], ['persons.id'], name=op.f('fk_ages_person_id'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('person_id', 'merchant_id', name=op.f('pk_ages'))
    )
