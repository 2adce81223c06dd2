"""what kiosks tell of themselves, and what their operator has them do"""

from alembic import op
import sqlalchemy as sa

revision = '0031'
down_revision = '0029'
branch_labels = None
depends_on = None


def upgrade() -> None:
    for name in ('support_bundles', 'device_reports'):
        op.create_table(name,
        sa.Column('device_id', sa.String(), nullable=False),
        sa.Column('content', sa.String(), nullable=False),
        sa.Column('at', sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(['device_id'], ['devices.id'], name=op.f(f'fk_{name}_device_id')),
        sa.PrimaryKeyConstraint('device_id', name=op.f(f'pk_{name}'))
        )
    op.create_index(op.f('ix_support_bundles_at'), 'support_bundles', ['at'])
    op.create_table('kiosk_settings',
    sa.Column('scope', sa.String(), nullable=False),
    sa.Column('name', sa.String(), nullable=False),
    sa.Column('value', sa.String(), nullable=False),
    sa.PrimaryKeyConstraint('scope', 'name', name=op.f('pk_kiosk_settings'))
    )
    op.create_table('device_orders',
    sa.Column('device_id', sa.String(), nullable=False),
    sa.Column('serial', sa.BigInteger(), nullable=False),
    sa.Column('content', sa.String(), nullable=False),
    sa.ForeignKeyConstraint(['device_id'], ['devices.id'], name=op.f('fk_device_orders_device_id')),
    sa.PrimaryKeyConstraint('device_id', name=op.f('pk_device_orders'))
    )
    op.create_table('operator_acts',
    sa.Column('id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('device_id', sa.String(), nullable=False),
    sa.Column('act', sa.String(), nullable=False),
    sa.Column('who', sa.String(), nullable=False),
    sa.Column('at', sa.BigInteger(), nullable=False),
    sa.ForeignKeyConstraint(['device_id'], ['devices.id'], name=op.f('fk_operator_acts_device_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_operator_acts'))
    )
    op.create_index(op.f('ix_operator_acts_device_id'), 'operator_acts', ['device_id'])
