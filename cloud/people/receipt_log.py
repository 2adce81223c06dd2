"""The log of receipts, to which entries are only ever added (RFC 9162, section 2.1).

Of each receipt it holds a hash, which names nobody. The table has every complete subtree of the
tree, so that heads and proofs take as many rows as the tree is high. An entry is appended in the
transaction that writes its receipt. Transactions that append take their turns (`cloud.db.locks`),
so the places have no gap, none is given twice, and their order is that in which the receipts were
issued, also when several processes write.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Query, Request
from fastapi.routing import APIRoute
from sqlalchemy import func, select, tuple_
from sqlalchemy.ext.asyncio import AsyncSession

from cloud.context import Context
from cloud.db.locks import lock
from cloud.people.tables import LogNode
from cloud.web import signed_request
from protocol import documents, merkle
from protocol.documents import Document
from protocol.encoding import to_base64
from protocol.merkle import Span
from protocol.messages import (
    DeletionReceipt,
    InclusionProof,
    LoggedReceipt,
    ReceiptLog,
    TreeHead,
)

router: APIRouter = signed_request.router(APIRoute)

Since = Annotated[int | None, Query(ge=0, lt=2**53)]
"""The size of an earlier log, as far as JSON's numbers go (`protocol.messages.LogSize`)."""


@router.get("/receipt-log")
async def publish(request: Request, since: Since = None) -> ReceiptLog:
    """Returns the signed head of the log, with the key that also signs the receipts. Everybody may
    ask."""
    context: Context = request.app.state.context
    async with context.database.reading() as session:
        return await published(context, session, since, context.clock())


async def append(session: AsyncSession, entry: bytes) -> None:
    """Adds an entry and the subtrees that it completes."""
    await lock(session, "receipt log")
    level, place, found = 0, await size_of(session), merkle.leaf_hash(entry)
    session.add(LogNode(level=level, place=place, hash=found))
    while place & 1:
        left = await session.get_one(LogNode, (level, place - 1))
        level, place, found = level + 1, place >> 1, merkle.node_hash(left.hash, found)
        session.add(LogNode(level=level, place=place, hash=found))
    await session.flush()


async def place_of(session: AsyncSession, entry: bytes) -> int | None:
    """Returns the place of an entry; None when it is not in the log."""
    return await session.scalar(
        select(LogNode.place).where(LogNode.level == 0, LogNode.hash == merkle.leaf_hash(entry))
    )


async def published(
    context: Context, session: AsyncSession, since: int | None, now: datetime
) -> ReceiptLog:
    """Returns the log's head, with the proof that it begins with the earlier log of `since`
    entries."""
    size = await size_of(session)
    if since is not None and since > size:
        since = None
    spans = [] if since is None else merkle.consistency_spans(since, size)
    head, proof = await _head_and(context, session, size, spans, now)
    return ReceiptLog(head=head, since=since, consistency=proof)


async def prove(
    context: Context, session: AsyncSession, receipt: Document, now: datetime
) -> LoggedReceipt:
    """Returns a receipt with the proof that it is in the log. Raises KeyError when it is not."""
    place = await place_of(session, documents.entry_of(receipt))
    if place is None:
        raise KeyError(receipt["receipt_id"])
    size = await size_of(session)
    spans = merkle.inclusion_spans(place, size)
    head, path = await _head_and(context, session, size, spans, now)
    return LoggedReceipt(
        receipt=DeletionReceipt.model_validate(receipt),
        proof=InclusionProof(place=place, path=path, head=head),
    )


async def _head_and(
    context: Context, session: AsyncSession, size: int, spans: Sequence[Span], now: datetime
) -> tuple[TreeHead, list[str]]:
    """Returns the head of the first `size` entries, and the hashes of spans of them in base64."""
    root, *others = await _hashes(session, [(0, size), *spans])
    head = documents.sign(context.receipt_key, TreeHead, size=size, root=to_base64(root), at=now)
    return head, [to_base64(each) for each in others]


async def _hashes(session: AsyncSession, spans: Sequence[Span]) -> Iterable[bytes]:
    nodes = {node for span in spans for node in merkle.nodes_of(span)}
    rows = await session.scalars(
        select(LogNode).where(tuple_(LogNode.level, LogNode.place).in_(nodes))
    )
    hashes = {(row.level, row.place): row.hash for row in rows}
    return [merkle.hash_of(span, hashes) for span in spans]


async def size_of(session: AsyncSession) -> int:
    """Returns how many entries there are."""
    last = await session.scalar(select(func.max(LogNode.place)).where(LogNode.level == 0))
    return 0 if last is None else last + 1
