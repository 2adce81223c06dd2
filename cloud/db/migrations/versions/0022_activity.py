"""when accounts were used last, and the runs that delete those that nobody uses"""

from alembic import op
import sqlalchemy as sa

revision = '0022'
down_revision = '0021'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table('activity',
    sa.Column('person_id', sa.String(), nullable=False),
    sa.Column('used_at', sa.BigInteger(), nullable=False),
    sa.Column('told_at', sa.BigInteger(), nullable=True),
    sa.Column('told_run', sa.Integer(), nullable=True),
    sa.Column('told_again_at', sa.BigInteger(), nullable=True),
    sa.Column('told_again_run', sa.Integer(), nullable=True),
    sa.ForeignKeyConstraint(['person_id'], ['persons.id'], name=op.f('fk_activity_person_id'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('person_id', name=op.f('pk_activity'))
    )
    with op.batch_alter_table('activity', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_activity_used_at'), ['used_at'], unique=False)
    op.create_table('inactivity_runs',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('began_at', sa.BigInteger(), nullable=False),
    sa.Column('ended_at', sa.BigInteger(), nullable=True),
    sa.Column('told', sa.Integer(), nullable=False),
    sa.Column('deleted', sa.Integer(), nullable=False),
    sa.Column('failed', sa.Integer(), nullable=False),
    sa.Column('fault', sa.String(), nullable=True),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_inactivity_runs'))
    )
    # The last use that is known. Others, such as entries, were not kept.
    op.execute(
        """
        INSERT INTO activity (person_id, used_at)
        SELECT person_id, MAX(at) FROM (
            SELECT person_id, since AS at FROM accounts
            UNION ALL SELECT person_id, at FROM purchases
            UNION ALL SELECT person_id, at FROM agreements
            UNION ALL SELECT person_id, at FROM memberships
            UNION ALL SELECT person_id, at FROM ages
            UNION ALL SELECT person_id, seen_at FROM sessions
        ) AS used WHERE person_id IN (SELECT person_id FROM accounts) GROUP BY person_id
        """
    )
