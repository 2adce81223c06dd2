"""pages on which cards are saved, and events of the payment provider's"""

from alembic import op
import sqlalchemy as sa

revision = '0012'
down_revision = '0011'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table('card_pages',
    sa.Column('id', sa.String(), nullable=False),
    sa.Column('person_id', sa.String(), nullable=False),
    sa.Column('name', sa.String(), nullable=True),
    sa.Column('state', sa.String(), nullable=False),
    sa.Column('expires_at', sa.BigInteger(), nullable=False),
    sa.ForeignKeyConstraint(['person_id'], ['persons.id'], name=op.f('fk_card_pages_person_id'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_card_pages'))
    )
    with op.batch_alter_table('card_pages', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_card_pages_person_id'), ['person_id'], unique=False)
        batch_op.create_index(batch_op.f('ix_card_pages_name'), ['name'], unique=False)
        batch_op.create_index(batch_op.f('ix_card_pages_expires_at'), ['expires_at'], unique=False)
    op.create_table('webhooks',
    sa.Column('id', sa.String(), nullable=False),
    sa.Column('kind', sa.String(), nullable=False),
    sa.Column('about', sa.String(), nullable=False),
    sa.Column('received_at', sa.BigInteger(), nullable=False),
    sa.Column('applied', sa.Boolean(), nullable=False),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_webhooks'))
    )
    with op.batch_alter_table('webhooks', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_webhooks_received_at'), ['received_at'], unique=False)
        batch_op.create_index(batch_op.f('ix_webhooks_applied'), ['applied'], unique=False)
