"""scopes of keys, receivers of webhooks, events and deliveries; references by their hash"""

from alembic import op
import sqlalchemy as sa

revision = '0038'
down_revision = '0037'
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table('till_keys', schema=None) as batch_op:
        batch_op.add_column(sa.Column('scopes', sa.String(), nullable=False, server_default=''))
    with op.batch_alter_table('till_keys', schema=None) as batch_op:
        batch_op.alter_column('scopes', server_default=None)
    op.add_column('memberships', sa.Column('lookup', sa.String(), nullable=True))
    op.create_index(op.f('ix_memberships_lookup'), 'memberships', ['lookup'], unique=False)
    op.create_index('ix_purchases_merchant', 'purchases', ['merchant_id', 'at', 'id'], unique=False)
    op.create_table('webhook_receivers',
    sa.Column('id', sa.String(), nullable=False),
    sa.Column('merchant_id', sa.String(), nullable=False),
    sa.Column('url', sa.String(), nullable=False),
    sa.Column('events', sa.String(), nullable=False),
    sa.Column('secret', sa.LargeBinary(), nullable=False),
    sa.Column('secret_before', sa.LargeBinary(), nullable=True),
    sa.Column('before_until', sa.BigInteger(), nullable=True),
    sa.Column('made_at', sa.BigInteger(), nullable=False),
    sa.ForeignKeyConstraint(['merchant_id'], ['merchants.id'], name=op.f('fk_webhook_receivers_merchant_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_webhook_receivers'))
    )
    with op.batch_alter_table('webhook_receivers', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_webhook_receivers_merchant_id'), ['merchant_id'], unique=False)
    op.create_table('webhook_events',
    sa.Column('id', sa.String(), nullable=False),
    sa.Column('person_id', sa.String(), nullable=True),
    sa.Column('merchant_id', sa.String(), nullable=False),
    sa.Column('kind', sa.String(), nullable=False),
    sa.Column('sealed', sa.LargeBinary(), nullable=False),
    sa.Column('at', sa.BigInteger(), nullable=False),
    sa.Column('expires_at', sa.BigInteger(), nullable=False),
    sa.ForeignKeyConstraint(['merchant_id'], ['merchants.id'], name=op.f('fk_webhook_events_merchant_id')),
    sa.ForeignKeyConstraint(['person_id'], ['persons.id'], name=op.f('fk_webhook_events_person_id'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_webhook_events'))
    )
    with op.batch_alter_table('webhook_events', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_webhook_events_expires_at'), ['expires_at'], unique=False)
        batch_op.create_index(batch_op.f('ix_webhook_events_person_id'), ['person_id'], unique=False)
    op.create_table('webhook_deliveries',
    sa.Column('id', sa.String(), nullable=False),
    sa.Column('receiver_id', sa.String(), nullable=False),
    sa.Column('event_id', sa.String(), nullable=False),
    sa.Column('kind', sa.String(), nullable=False),
    sa.Column('at', sa.BigInteger(), nullable=False),
    sa.Column('attempts', sa.Integer(), nullable=False),
    sa.Column('due_at', sa.BigInteger(), nullable=True),
    sa.Column('state', sa.String(), nullable=False),
    sa.Column('status', sa.Integer(), nullable=True),
    sa.Column('fault', sa.String(), nullable=True),
    sa.Column('tried_at', sa.BigInteger(), nullable=True),
    sa.ForeignKeyConstraint(['receiver_id'], ['webhook_receivers.id'], name=op.f('fk_webhook_deliveries_receiver_id'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_webhook_deliveries'))
    )
    with op.batch_alter_table('webhook_deliveries', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_webhook_deliveries_at'), ['at'], unique=False)
        batch_op.create_index(batch_op.f('ix_webhook_deliveries_due_at'), ['due_at'], unique=False)
        batch_op.create_index('ix_webhook_deliveries_receiver', ['receiver_id', 'at', 'id'], unique=False)
