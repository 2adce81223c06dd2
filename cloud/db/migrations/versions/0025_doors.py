"""doors, who may pass them, tickets, and who has passed; and the sites of uses"""

from alembic import op
import sqlalchemy as sa

revision = '0025'
down_revision = '0024'
branch_labels = None
depends_on = None


def upgrade() -> None:
    # Added in place: purchases have a trigger, which a copy of the table would lose.
    op.add_column('purchases', sa.Column('site_id', sa.String(), nullable=True))
    op.execute('UPDATE purchases SET site_id = (SELECT site_id FROM devices WHERE devices.id = device_id AND devices.merchant_id = purchases.merchant_id) WHERE person_id IS NOT NULL')
    op.add_column('refused_uses', sa.Column('site_id', sa.String(), nullable=True))
    with op.batch_alter_table('devices', schema=None) as batch_op:
        batch_op.add_column(sa.Column('passes_many', sa.Boolean(), nullable=False, server_default=sa.false()))
    with op.batch_alter_table('devices', schema=None) as batch_op:
        batch_op.alter_column('passes_many', server_default=None)
    op.create_table('doors',
    sa.Column('device_id', sa.String(), nullable=False),
    sa.Column('site_id', sa.String(), nullable=False),
    sa.Column('name', sa.String(), nullable=False),
    sa.Column('kind', sa.String(), nullable=False),
    sa.Column('direction', sa.String(), nullable=False),
    sa.Column('everyone', sa.Boolean(), nullable=False),
    sa.Column('hours', sa.String(), nullable=False),
    sa.Column('area', sa.String(), nullable=True),
    sa.ForeignKeyConstraint(['device_id'], ['devices.id'], name=op.f('fk_doors_device_id')),
    sa.ForeignKeyConstraint(['site_id'], ['sites.id'], name=op.f('fk_doors_site_id')),
    sa.PrimaryKeyConstraint('device_id', name=op.f('pk_doors'))
    )
    op.create_table('site_clocks',
    sa.Column('site_id', sa.String(), nullable=False),
    sa.Column('zone', sa.String(), nullable=False),
    sa.Column('holidays', sa.String(), nullable=False),
    sa.ForeignKeyConstraint(['site_id'], ['sites.id'], name=op.f('fk_site_clocks_site_id')),
    sa.PrimaryKeyConstraint('site_id', name=op.f('pk_site_clocks'))
    )
    op.create_table('site_hooks',
    sa.Column('site_id', sa.String(), nullable=False),
    sa.Column('url', sa.String(), nullable=False),
    sa.Column('secret', sa.LargeBinary(), nullable=False),
    sa.ForeignKeyConstraint(['site_id'], ['sites.id'], name=op.f('fk_site_hooks_site_id')),
    sa.PrimaryKeyConstraint('site_id', name=op.f('pk_site_hooks'))
    )
    op.create_table('access',
    sa.Column('person_id', sa.String(), nullable=False),
    sa.Column('site_id', sa.String(), nullable=False),
    sa.Column('merchant_id', sa.String(), nullable=False),
    sa.Column('sealed', sa.LargeBinary(), nullable=False),
    sa.Column('at', sa.BigInteger(), nullable=False),
    sa.Column('accepted_at', sa.BigInteger(), nullable=True),
    sa.ForeignKeyConstraint(['merchant_id'], ['merchants.id'], name=op.f('fk_access_merchant_id')),
    sa.ForeignKeyConstraint(['person_id'], ['persons.id'], name=op.f('fk_access_person_id'), ondelete='CASCADE'),
    sa.ForeignKeyConstraint(['site_id'], ['sites.id'], name=op.f('fk_access_site_id')),
    sa.PrimaryKeyConstraint('person_id', 'site_id', name=op.f('pk_access'))
    )
    op.create_table('presences',
    sa.Column('person_id', sa.String(), nullable=False),
    sa.Column('site_id', sa.String(), nullable=False),
    sa.Column('area', sa.String(), nullable=False),
    sa.Column('since', sa.BigInteger(), nullable=False),
    sa.ForeignKeyConstraint(['person_id'], ['persons.id'], name=op.f('fk_presences_person_id'), ondelete='CASCADE'),
    sa.ForeignKeyConstraint(['site_id'], ['sites.id'], name=op.f('fk_presences_site_id')),
    sa.PrimaryKeyConstraint('person_id', 'site_id', 'area', name=op.f('pk_presences'))
    )
    with op.batch_alter_table('presences', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_presences_since'), ['since'], unique=False)
    op.create_table('tickets',
    sa.Column('id', sa.String(), nullable=False),
    sa.Column('person_id', sa.String(), nullable=False),
    sa.Column('merchant_id', sa.String(), nullable=False),
    sa.Column('sealed', sa.LargeBinary(), nullable=False),
    sa.Column('at', sa.BigInteger(), nullable=False),
    sa.ForeignKeyConstraint(['merchant_id'], ['merchants.id'], name=op.f('fk_tickets_merchant_id')),
    sa.ForeignKeyConstraint(['person_id'], ['persons.id'], name=op.f('fk_tickets_person_id'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_tickets'))
    )
    with op.batch_alter_table('tickets', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_tickets_person_id'), ['person_id'], unique=False)
        batch_op.create_index(batch_op.f('ix_tickets_at'), ['at'], unique=False)
    op.create_table('entries',
    sa.Column('id', sa.String(), nullable=False),
    sa.Column('identification_id', sa.String(), nullable=False),
    sa.Column('merchant_id', sa.String(), nullable=False),
    sa.Column('person_id', sa.String(), nullable=False),
    sa.Column('site_id', sa.String(), nullable=False),
    sa.Column('device_id', sa.String(), nullable=False),
    sa.Column('sealed', sa.LargeBinary(), nullable=False),
    sa.Column('at', sa.BigInteger(), nullable=False),
    sa.ForeignKeyConstraint(['merchant_id'], ['merchants.id'], name=op.f('fk_entries_merchant_id')),
    sa.ForeignKeyConstraint(['person_id'], ['persons.id'], name=op.f('fk_entries_person_id'), ondelete='CASCADE'),
    sa.ForeignKeyConstraint(['site_id'], ['sites.id'], name=op.f('fk_entries_site_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_entries')),
    sa.UniqueConstraint('identification_id', name=op.f('uq_entries_identification_id'))
    )
    with op.batch_alter_table('entries', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_entries_person_id'), ['person_id'], unique=False)
        batch_op.create_index(batch_op.f('ix_entries_at'), ['at'], unique=False)
