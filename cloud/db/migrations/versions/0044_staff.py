"""accounts of staff at an identity provider, and acts that need two"""

from alembic import op
import sqlalchemy as sa

revision = '0044'
down_revision = '0042'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table('staff_subjects',
    sa.Column('issuer', sa.String(), nullable=False),
    sa.Column('subject', sa.String(), nullable=False),
    sa.Column('staff_id', sa.String(), nullable=False),
    sa.Column('since', sa.BigInteger(), nullable=False),
    sa.Column('used_at', sa.BigInteger(), nullable=True),
    sa.ForeignKeyConstraint(['staff_id'], ['staff.id'], name=op.f('fk_staff_subjects_staff_id')),
    sa.PrimaryKeyConstraint('issuer', 'subject', name=op.f('pk_staff_subjects'))
    )
    op.create_index(op.f('ix_staff_subjects_staff_id'), 'staff_subjects', ['staff_id'], unique=True)
    op.create_table('staff_away',
    sa.Column('id', sa.String(), nullable=False),
    sa.Column('link_id', sa.String(), nullable=True),
    sa.Column('expires_at', sa.BigInteger(), nullable=False),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_staff_away'))
    )
    op.create_index(op.f('ix_staff_away_expires_at'), 'staff_away', ['expires_at'])
    op.create_table('staff_asked',
    sa.Column('id', sa.String(), nullable=False),
    sa.Column('act', sa.String(), nullable=False),
    sa.Column('arguments', sa.String(), nullable=False),
    sa.Column('merchant_id', sa.String(), nullable=True),
    sa.Column('door', sa.String(), nullable=False),
    sa.Column('who', sa.String(), nullable=False),
    sa.Column('at', sa.BigInteger(), nullable=False),
    sa.Column('expires_at', sa.BigInteger(), nullable=False),
    sa.Column('state', sa.String(), nullable=False),
    sa.Column('decided_by', sa.String(), nullable=True),
    sa.Column('decided_at', sa.BigInteger(), nullable=True),
    sa.ForeignKeyConstraint(['merchant_id'], ['merchants.id'], name=op.f('fk_staff_asked_merchant_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_staff_asked'))
    )
    op.create_index(op.f('ix_staff_asked_at'), 'staff_asked', ['at'])
