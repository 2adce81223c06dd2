"""Merkle trees of append-only logs: RFC 9162, section 2.1, whose hashes are those of RFC 6962.

The tree of n leaves is made of complete subtrees, each of which never changes again. A node is the
root of one: `(level, place)` is the root of the 2**level leaves from `place * 2**level` on. A span
`(start, end)` is the leaves from `start` up to `end`, without it; every span here begins where a
complete subtree of at least its size can begin.
"""

from collections.abc import Mapping, Sequence
from functools import reduce
from hashlib import sha256

Node = tuple[int, int]
Span = tuple[int, int]

EMPTY = sha256(b"").digest()
"""The root of a tree without leaves."""


def leaf_hash(entry: bytes) -> bytes:
    return sha256(b"\x00" + entry).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    return sha256(b"\x01" + left + right).digest()


# Making proofs


def nodes_of(span: Span) -> list[Node]:
    """Returns the complete subtrees that a span consists of, the leftmost and largest first."""
    start, end = span
    found: list[Node] = []
    while start < end:
        level = (end - start).bit_length() - 1
        found.append((level, start >> level))
        start += 1 << level
    return found


def hash_of(span: Span, hashes: Mapping[Node, bytes]) -> bytes:
    """Returns the root of the leaves of a span, given the hashes of its `nodes_of`."""
    if span[0] == span[1]:
        return EMPTY
    rightmost, *others = (hashes[node] for node in reversed(nodes_of(span)))
    return reduce(lambda right, left: node_hash(left, right), others, rightmost)


def inclusion_spans(place: int, size: int) -> list[Span]:
    """Returns the spans whose hashes prove that the leaf at `place` is in the tree of `size`
    leaves, in the order of the proof (section 2.1.3.1)."""
    start, end = 0, size
    spans: list[Span] = []
    while end - start > 1:
        middle = start + _left_of(end - start)
        if place < middle:
            spans.append((middle, end))
            end = middle
        else:
            spans.append((start, middle))
            start = middle
    return spans[::-1]


def consistency_spans(since: int, size: int) -> list[Span]:
    """Returns the spans whose hashes prove that the tree of `size` leaves begins with the `since`
    leaves of an earlier one, in the order of the proof (section 2.1.4.1). None are needed for an
    empty tree and for the same one."""
    if since == 0:
        return []
    start, end = 0, size
    spans: list[Span] = []
    while since != end:
        middle = start + _left_of(end - start)
        if since <= middle:
            spans.append((middle, end))
            end = middle
        else:
            spans.append((start, middle))
            start = middle
    if start:
        spans.append((start, end))
    return spans[::-1]


def _left_of(size: int) -> int:
    """Returns the largest power of two below `size`, which is at least 2."""
    return 1 << ((size - 1).bit_length() - 1)


# Checking proofs


def is_included(leaf: bytes, place: int, size: int, path: Sequence[bytes], root: bytes) -> bool:
    """Returns whether a path proves that the leaf with this hash is at `place` of the tree of
    `size` leaves with this root (section 2.1.3.2)."""
    if not 0 <= place < size:
        return False
    here, last, found = place, size - 1, leaf
    for sibling in path:
        if last == 0:
            return False
        if here & 1 or here == last:
            found = node_hash(sibling, found)
            while here and not here & 1:
                here, last = here >> 1, last >> 1
        else:
            found = node_hash(found, sibling)
        here, last = here >> 1, last >> 1
    return last == 0 and found == root


def is_consistent(
    since: int, size: int, path: Sequence[bytes], old_root: bytes, root: bytes
) -> bool:
    """Returns whether a path proves that the tree of `size` leaves begins with all leaves of an
    earlier one of `since` leaves (section 2.1.4.2)."""
    if since == size:
        return not path and old_root == root
    if since == 0:
        return not path and old_root == EMPTY
    if not 0 < since < size:
        return False
    # A complete subtree is its own node in the proof, and left out of it.
    steps = [old_root, *path] if since & (since - 1) == 0 else list(path)
    if not steps:
        return False
    here, last = since - 1, size - 1
    while here & 1:
        here, last = here >> 1, last >> 1
    old = new = steps[0]
    for step in steps[1:]:
        if last == 0:
            return False
        if here & 1 or here == last:
            old, new = node_hash(step, old), node_hash(step, new)
            while here and not here & 1:
                here, last = here >> 1, last >> 1
        else:
            new = node_hash(new, step)
        here, last = here >> 1, last >> 1
    return last == 0 and old == old_root and new == root
