"""merchants, their sites, and to which of them everything belongs"""

from alembic import op
import sqlalchemy as sa

revision = '0010'
down_revision = '0009'
branch_labels = None
depends_on = None

FIRST = 'first'
"""The merchant to whom everything belonged until now (`cloud.merchants.tables.FIRST`), and its
site."""


def upgrade() -> None:
    op.create_table('merchants',
    sa.Column('id', sa.String(), nullable=False),
    sa.Column('name', sa.String(), nullable=False),
    sa.Column('country', sa.String(), nullable=False),
    sa.Column('currency', sa.String(), nullable=False),
    sa.Column('account', sa.String(), nullable=True),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_merchants'))
    )
    op.create_table('sites',
    sa.Column('id', sa.String(), nullable=False),
    sa.Column('merchant_id', sa.String(), nullable=False),
    sa.Column('name', sa.String(), nullable=False),
    sa.ForeignKeyConstraint(['merchant_id'], ['merchants.id'], name=op.f('fk_sites_merchant_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_sites'))
    )
    # The service gives the merchant the name, the country and the currency of its settings.
    op.execute(
        f"INSERT INTO merchants (id, name, country, currency) VALUES ('{FIRST}', '', '', '')"
    )
    op.execute(f"INSERT INTO sites (id, merchant_id, name) VALUES ('{FIRST}', '{FIRST}', 'Shop')")
    _bind_devices()
    _bind_sales()
    _bind_visits()


def _bind_devices() -> None:
    with op.batch_alter_table('devices', schema=None) as batch_op:
        for name in ('merchant', 'country', 'currency'):
            batch_op.drop_column(name)
        batch_op.add_column(_of_first('merchant_id'))
        batch_op.add_column(_of_first('site_id'))
        batch_op.add_column(sa.Column('revoked_at', sa.BigInteger(), nullable=True))
    with op.batch_alter_table('devices', schema=None) as batch_op:
        _refer(batch_op, 'devices', 'merchant_id', 'merchants')
        _refer(batch_op, 'devices', 'site_id', 'sites')
    with op.batch_alter_table('activation_codes', schema=None) as batch_op:
        batch_op.add_column(_of_first('site_id'))
        batch_op.add_column(sa.Column('replaces', sa.String(), nullable=True))
    with op.batch_alter_table('activation_codes', schema=None) as batch_op:
        _refer(batch_op, 'activation_codes', 'site_id', 'sites')


def _bind_sales() -> None:
    # SQLite makes a table anew to change it, and does not let go of one that others refer to.
    op.execute('CREATE TEMPORARY TABLE kept_refunds AS SELECT * FROM refunds')
    op.drop_table('refunds')
    with op.batch_alter_table('purchases', schema=None) as batch_op:
        batch_op.add_column(_of_first('merchant_id'))
        batch_op.add_column(sa.Column('account', sa.String(), nullable=True))
    with op.batch_alter_table('purchases', schema=None) as batch_op:
        _refer(batch_op, 'purchases', 'merchant_id', 'merchants')
        batch_op.drop_constraint('uq_purchases_device_id', type_='unique')
        batch_op.create_unique_constraint(
            batch_op.f('uq_purchases_merchant_id'), ['merchant_id', 'reference', 'device_id']
        )
    op.create_table('refunds',
    sa.Column('id', sa.String(), nullable=False),
    sa.Column('purchase_id', sa.String(), nullable=False),
    sa.Column('merchant_id', sa.String(), nullable=False),
    sa.Column('device_id', sa.String(), nullable=False),
    sa.Column('reference', sa.String(), nullable=False),
    sa.Column('of_the_rest', sa.Boolean(), nullable=False),
    sa.Column('amount_minor', sa.BigInteger(), nullable=False),
    sa.Column('provider_reference', sa.String(), nullable=True),
    sa.Column('outcome', sa.String(), nullable=False),
    sa.Column('failure_reason', sa.String(), nullable=True),
    sa.Column('at', sa.BigInteger(), nullable=False),
    sa.ForeignKeyConstraint(['merchant_id'], ['merchants.id'], name=op.f('fk_refunds_merchant_id')),
    sa.ForeignKeyConstraint(['purchase_id'], ['purchases.id'], name=op.f('fk_refunds_purchase_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_refunds')),
    sa.UniqueConstraint('merchant_id', 'reference', 'device_id', name=op.f('uq_refunds_merchant_id'))
    )
    with op.batch_alter_table('refunds', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_refunds_purchase_id'), ['purchase_id'], unique=False)
        batch_op.create_index(batch_op.f('ix_refunds_outcome'), ['outcome'], unique=False)
        batch_op.create_index(batch_op.f('ix_refunds_at'), ['at'], unique=False)
    columns = (
        'id, purchase_id, device_id, reference, of_the_rest, amount_minor, provider_reference,'
        ' outcome, failure_reason, at'
    )
    op.execute(
        f"INSERT INTO refunds (merchant_id, {columns}) SELECT '{FIRST}', {columns}"
        ' FROM kept_refunds'
    )
    op.execute('DROP TABLE kept_refunds')


def _bind_visits() -> None:
    # They last for minutes: whoever is at a kiosk meanwhile shows their palm again.
    op.execute('DELETE FROM identifications')
    with op.batch_alter_table('identifications', schema=None) as batch_op:
        batch_op.add_column(sa.Column('merchant_id', sa.String(), nullable=False))
        batch_op.create_foreign_key(
            batch_op.f('fk_identifications_merchant_id'), 'merchants', ['merchant_id'], ['id']
        )
    with op.batch_alter_table('enrolments', schema=None) as batch_op:
        batch_op.add_column(_of_first('merchant_id'))
    with op.batch_alter_table('enrolments', schema=None) as batch_op:
        _refer(batch_op, 'enrolments', 'merchant_id', 'merchants')
    op.create_table('agreements',
    sa.Column('person_id', sa.String(), nullable=False),
    sa.Column('merchant_id', sa.String(), nullable=False),
    sa.Column('version', sa.String(), nullable=True),
    sa.Column('at', sa.BigInteger(), nullable=False),
    sa.ForeignKeyConstraint(['merchant_id'], ['merchants.id'], name=op.f('fk_agreements_merchant_id')),
    sa.ForeignKeyConstraint(['person_id'], ['persons.id'], name=op.f('fk_agreements_person_id'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('person_id', 'merchant_id', name=op.f('pk_agreements'))
    )
    op.execute(
        'INSERT INTO agreements (person_id, merchant_id, version, at)'
        f" SELECT person_id, '{FIRST}', NULL, since FROM accounts"
    )


def _of_first(name: str) -> sa.Column[str]:
    """Returns a column that all rows of until now have the first merchant or its site in."""
    return sa.Column(name, sa.String(), nullable=False, server_default=FIRST)


def _refer(batch_op, table: str, name: str, referred: str) -> None:
    """Makes such a column refer to its table, and lets later rows say whose they are."""
    batch_op.alter_column(name, existing_type=sa.String(), server_default=None)
    batch_op.create_foreign_key(batch_op.f(f'fk_{table}_{name}'), referred, [name], ['id'])
