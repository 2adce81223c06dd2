"""the order of joining, and what a deletion keeps"""

from alembic import op
import sqlalchemy as sa

revision = '0007'
down_revision = '0005'
branch_labels = None
depends_on = None


def upgrade() -> None:
    _order_accounts()


def _order_accounts() -> None:
    with op.batch_alter_table('accounts', schema=None) as batch_op:
        batch_op.add_column(sa.Column('joined', sa.Integer(), nullable=False, server_default='0'))
    op.execute(
        'WITH ordered AS (SELECT person_id, row_number() OVER (ORDER BY since) AS place'
        ' FROM accounts)'
        ' UPDATE accounts SET joined = ordered.place FROM ordered'
        ' WHERE ordered.person_id = accounts.person_id'
    )
    with op.batch_alter_table('accounts', schema=None) as batch_op:
        batch_op.alter_column('joined', server_default=None)
        batch_op.create_unique_constraint(batch_op.f('uq_accounts_joined'), ['joined'])
    op.create_table('arrivals',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('joined', sa.Integer(), nullable=False),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_arrivals'))
    )
    op.execute('INSERT INTO arrivals (id, joined) SELECT 1, count(*) FROM accounts')
