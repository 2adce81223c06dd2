"""accounts of staff, how they sign in, and the audit trail"""

from alembic import op
import sqlalchemy as sa

revision = '0037'
down_revision = '0035'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table('staff',
    sa.Column('id', sa.String(), nullable=False),
    sa.Column('name', sa.String(), nullable=False),
    sa.Column('role', sa.String(), nullable=False),
    sa.Column('merchant_id', sa.String(), nullable=True),
    sa.Column('site_id', sa.String(), nullable=True),
    sa.Column('since', sa.BigInteger(), nullable=False),
    sa.Column('ended_at', sa.BigInteger(), nullable=True),
    sa.ForeignKeyConstraint(['merchant_id'], ['merchants.id'], name=op.f('fk_staff_merchant_id')),
    sa.ForeignKeyConstraint(['site_id'], ['sites.id'], name=op.f('fk_staff_site_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_staff'))
    )
    op.create_table('staff_links',
    sa.Column('id', sa.String(), nullable=False),
    sa.Column('staff_id', sa.String(), nullable=False),
    sa.Column('expires_at', sa.BigInteger(), nullable=False),
    sa.ForeignKeyConstraint(['staff_id'], ['staff.id'], name=op.f('fk_staff_links_staff_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_staff_links'))
    )
    op.create_index(op.f('ix_staff_links_staff_id'), 'staff_links', ['staff_id'], unique=True)
    op.create_index(op.f('ix_staff_links_expires_at'), 'staff_links', ['expires_at'])
    op.create_table('staff_passkeys',
    sa.Column('id', sa.String(), nullable=False),
    sa.Column('staff_id', sa.String(), nullable=False),
    sa.Column('credential_id', sa.LargeBinary(), nullable=False),
    sa.Column('public_key', sa.LargeBinary(), nullable=False),
    sa.Column('sign_count', sa.BigInteger(), nullable=False),
    sa.Column('since', sa.BigInteger(), nullable=False),
    sa.Column('used_at', sa.BigInteger(), nullable=True),
    sa.ForeignKeyConstraint(['staff_id'], ['staff.id'], name=op.f('fk_staff_passkeys_staff_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_staff_passkeys')),
    sa.UniqueConstraint('credential_id', name=op.f('uq_staff_passkeys_credential_id'))
    )
    op.create_index(op.f('ix_staff_passkeys_staff_id'), 'staff_passkeys', ['staff_id'])
    op.create_table('staff_sessions',
    sa.Column('id', sa.String(), nullable=False),
    sa.Column('staff_id', sa.String(), nullable=False),
    sa.Column('since', sa.BigInteger(), nullable=False),
    sa.Column('seen_at', sa.BigInteger(), nullable=False),
    sa.ForeignKeyConstraint(['staff_id'], ['staff.id'], name=op.f('fk_staff_sessions_staff_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_staff_sessions'))
    )
    for name in ('staff_id', 'since', 'seen_at'):
        op.create_index(op.f(f'ix_staff_sessions_{name}'), 'staff_sessions', [name])
    op.create_table('audit',
    sa.Column('place', sa.BigInteger(), autoincrement=False, nullable=False),
    sa.Column('at', sa.BigInteger(), nullable=False),
    sa.Column('door', sa.String(), nullable=False),
    sa.Column('who', sa.String(), nullable=False),
    sa.Column('act', sa.String(), nullable=False),
    sa.Column('subject', sa.String(), nullable=False),
    sa.Column('merchant_id', sa.String(), nullable=True),
    sa.Column('details', sa.String(), nullable=False),
    sa.Column('hash', sa.LargeBinary(), nullable=False),
    sa.PrimaryKeyConstraint('place', name=op.f('pk_audit'))
    )
    op.create_index(op.f('ix_audit_merchant_id'), 'audit', ['merchant_id'])
    if op.get_bind().dialect.name == 'sqlite':
        for name, what in (('audit_is_not_changed', 'UPDATE'), ('audit_is_kept', 'DELETE')):
            op.execute(
                f'CREATE TRIGGER {name} BEFORE {what} ON audit'
                " BEGIN SELECT RAISE(ABORT, 'the audit trail is append-only'); END"
            )
    else:
        op.execute(
            'CREATE FUNCTION audit_is_append_only() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN'
            " RAISE EXCEPTION 'the audit trail is append-only' USING ERRCODE = 'restrict_violation';"
            ' END $$'
        )
        op.execute(
            'CREATE TRIGGER audit_is_kept BEFORE UPDATE OR DELETE ON audit FOR EACH ROW'
            ' EXECUTE FUNCTION audit_is_append_only()'
        )
