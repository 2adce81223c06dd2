"""Logs of receipts as a service makes them, in memory."""

import sqlite3
from datetime import UTC, datetime, timedelta
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from protocol import documents, merkle
from protocol.encoding import to_base64
from protocol.messages import (
    DeletionReceipt,
    InclusionProof,
    LoggedReceipt,
    ReceiptLog,
    Retained,
    TreeHead,
)

START = datetime(2026, 12, 1, 12, tzinfo=UTC)


def tree_hash(leaves: list[bytes]) -> bytes:
    """Returns the root of hashed leaves, as RFC 9162, section 2.1.1, defines it."""
    if not leaves:
        return merkle.EMPTY
    if len(leaves) == 1:
        return leaves[0]
    left = 1
    while left * 2 < len(leaves):
        left *= 2
    return merkle.node_hash(tree_hash(leaves[:left]), tree_hash(leaves[left:]))


def leaves_of(stored: dict[merkle.Node, bytes]) -> list[bytes]:
    """Returns the leaves of a stored log, having checked that there is no gap, and that every
    complete subtree is there and nothing else."""
    leaves = [stored[0, place] for place in range(sum(level == 0 for level, _ in stored))]
    complete = {
        (level, place): tree_hash(leaves[place << level : (place + 1) << level])
        for level in range(len(leaves).bit_length())
        for place in range(len(leaves) >> level)
    }
    assert stored == complete
    assert len(set(leaves)) == len(leaves)
    return leaves


def read_log(stored: sqlite3.Connection) -> dict[merkle.Node, bytes]:
    """Returns what a database has of the log."""
    rows = stored.execute("SELECT level, place, hash FROM receipt_log")
    return {(level, place): found for level, place, found in rows}


class ReceiptLogs:
    """A service's receipts and its log of them. Each is an hour later than the one before."""

    def __init__(self) -> None:
        self.key = Ed25519PrivateKey.generate()
        self.leaves: list[bytes] = []

    @property
    def public(self) -> bytes:
        return self.key.public_key().public_bytes_raw()

    @property
    def now(self) -> datetime:
        return START + timedelta(hours=len(self.leaves))

    def issue(self, **members: Any) -> DeletionReceipt:
        """Returns a receipt that is signed, and logs it."""
        usual = {
            "receipt_id": f"receipt-{len(self.leaves)}",
            "at": self.now,
            "erased": ["your mobile number", "palm signatures: 2"],
            "retained": [Retained(what="purchases: 1", why="the books", until=START)],
        }
        receipt = documents.sign(self.key, DeletionReceipt, **{**usual, **members})
        self.leaves.append(merkle.leaf_hash(documents.entry_of(documents.document_of(receipt))))
        return receipt

    def head(self, size: int | None = None) -> TreeHead:
        leaves = self.leaves[:size]
        root = to_base64(tree_hash(leaves))
        return documents.sign(self.key, TreeHead, size=len(leaves), root=root, at=self.now)

    def published(self, since: int | None = None) -> ReceiptLog:
        size = len(self.leaves)
        spans = [] if since is None else merkle.consistency_spans(since, size)
        return ReceiptLog(head=self.head(), since=since, consistency=self._hashes(spans))

    def downloaded(self, receipt: DeletionReceipt, place: int) -> LoggedReceipt:
        path = self._hashes(merkle.inclusion_spans(place, len(self.leaves)))
        proof = InclusionProof(place=place, path=path, head=self.head())
        return LoggedReceipt(receipt=receipt, proof=proof)

    def _hashes(self, spans: list[merkle.Span]) -> list[str]:
        return [to_base64(tree_hash(self.leaves[start:end])) for start, end in spans]
