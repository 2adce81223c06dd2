"""what an operator watches: incidents, what became of palms, and jobs"""

from alembic import op
import sqlalchemy as sa

revision = '0042'
down_revision = '0041'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table('incidents',
    sa.Column('id', sa.String(), nullable=False),
    sa.Column('kind', sa.String(), nullable=False),
    sa.Column('person_id', sa.String(), nullable=True),
    sa.Column('merchant_id', sa.String(), nullable=False),
    sa.Column('site_id', sa.String(), nullable=False),
    sa.Column('device_id', sa.String(), nullable=False),
    sa.Column('times', sa.Integer(), nullable=False),
    sa.Column('first_at', sa.BigInteger(), nullable=False),
    sa.Column('last_at', sa.BigInteger(), nullable=False),
    sa.Column('looked_at', sa.BigInteger(), nullable=True),
    sa.Column('looked_by', sa.String(), nullable=True),
    sa.Column('note', sa.String(), nullable=False),
    sa.ForeignKeyConstraint(['merchant_id'], ['merchants.id'], name=op.f('fk_incidents_merchant_id')),
    sa.ForeignKeyConstraint(['person_id'], ['persons.id'], name=op.f('fk_incidents_person_id'), ondelete='SET NULL'),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_incidents'))
    )
    op.create_index(op.f('ix_incidents_person_id'), 'incidents', ['person_id'], unique=False)
    op.create_index(op.f('ix_incidents_last_at'), 'incidents', ['last_at'], unique=False)
    op.create_table('tallies_of_palms',
    sa.Column('device_id', sa.String(), nullable=False),
    sa.Column('site_id', sa.String(), nullable=False),
    sa.Column('hour', sa.BigInteger(), nullable=False),
    sa.Column('light', sa.String(), nullable=False),
    sa.Column('what', sa.String(), nullable=False),
    sa.Column('count', sa.Integer(), nullable=False),
    sa.PrimaryKeyConstraint('device_id', 'site_id', 'hour', 'light', 'what', name=op.f('pk_tallies_of_palms'))
    )
    op.create_index(op.f('ix_tallies_of_palms_hour'), 'tallies_of_palms', ['hour'], unique=False)
    op.create_table('job_runs',
    sa.Column('name', sa.String(), nullable=False),
    sa.Column('done_at', sa.BigInteger(), nullable=True),
    sa.Column('removed', sa.Integer(), nullable=False),
    sa.Column('removed_at', sa.BigInteger(), nullable=True),
    sa.Column('removed_in_all', sa.BigInteger(), nullable=False),
    sa.Column('failures', sa.Integer(), nullable=False),
    sa.Column('failed_at', sa.BigInteger(), nullable=True),
    sa.Column('fault', sa.String(), nullable=True),
    sa.PrimaryKeyConstraint('name', name=op.f('pk_job_runs'))
    )
