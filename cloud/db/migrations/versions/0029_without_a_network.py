"""palms that the gates of a site recognise without a network"""

from alembic import op
import sqlalchemy as sa

revision = '0029'
down_revision = '0028'
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table('doors', schema=None) as batch_op:
        batch_op.add_column(sa.Column('list_hours', sa.Integer(), nullable=False, server_default='0'))
    with op.batch_alter_table('doors', schema=None) as batch_op:
        batch_op.alter_column('list_hours', server_default=None)
    op.create_table('kept_palms',
    sa.Column('person_id', sa.String(), nullable=False),
    sa.Column('merchant_id', sa.String(), nullable=False),
    sa.Column('site_id', sa.String(), nullable=False),
    sa.Column('sealed', sa.LargeBinary(), nullable=False),
    sa.Column('at', sa.BigInteger(), nullable=False),
    sa.ForeignKeyConstraint(['merchant_id'], ['merchants.id'], name=op.f('fk_kept_palms_merchant_id')),
    sa.ForeignKeyConstraint(['person_id'], ['persons.id'], name=op.f('fk_kept_palms_person_id'), ondelete='CASCADE'),
    sa.ForeignKeyConstraint(['person_id', 'site_id'], ['access.person_id', 'access.site_id'], name='fk_kept_palms_access', ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('person_id', 'site_id', name=op.f('pk_kept_palms'))
    )
