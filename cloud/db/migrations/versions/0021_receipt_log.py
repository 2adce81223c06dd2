"""the log of receipts, with the receipts of before in the order in which they were issued"""

from hashlib import sha256
import json

from alembic import op
import rfc8785
import sqlalchemy as sa

revision = '0021'
down_revision = '0020'
branch_labels = None
depends_on = None


def upgrade() -> None:
    log = op.create_table('receipt_log',
    sa.Column('level', sa.Integer(), autoincrement=False, nullable=False),
    sa.Column('place', sa.Integer(), autoincrement=False, nullable=False),
    sa.Column('hash', sa.LargeBinary(), nullable=False),
    sa.PrimaryKeyConstraint('level', 'place', name=op.f('pk_receipt_log')),
    sa.UniqueConstraint('hash', name=op.f('uq_receipt_log_hash'))
    )
    rows = []
    # The right edge of the tree: the hash of the last complete subtree of each level.
    edge = {}
    documents = op.get_bind().execute(sa.text('SELECT document FROM receipts ORDER BY at, id'))
    for place, document in enumerate(documents.scalars()):
        level, hash_ = 0, sha256(b'\x00' + rfc8785.dumps(json.loads(document))).digest()
        rows.append({'level': level, 'place': place, 'hash': hash_})
        while place & 1:
            hash_ = sha256(b'\x01' + edge[level] + hash_).digest()
            level, place = level + 1, place >> 1
            rows.append({'level': level, 'place': place, 'hash': hash_})
        edge[level] = hash_
    if rows:
        op.bulk_insert(log, rows)
