"""commitment and answer of light challenges"""

from alembic import op
import sqlalchemy as sa

revision = '0006'
down_revision = '0005'
branch_labels = None
depends_on = None


def upgrade() -> None:
    # A challenge without a commitment cannot be met any more. It would have lived for two minutes.
    op.execute('DELETE FROM challenges')
    # SQLite adds no column that has no value to a table, even to one without rows.
    recreate = 'always' if op.get_bind().dialect.name == 'sqlite' else 'never'
    with op.batch_alter_table('challenges', schema=None, recreate=recreate) as batch_op:
        batch_op.add_column(sa.Column('commitment', sa.LargeBinary(), nullable=False))
        batch_op.add_column(sa.Column('answer', sa.LargeBinary(), nullable=True))
