"""Merkle trees: the roots and proofs that are known, and what every proof proves and does not."""

from functools import cache
from hashlib import sha256

import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocol import merkle
from tests.support.receipt_logs import tree_hash

# The entries, roots and proofs with which implementations of RFC 6962 are compared
# (https://github.com/google/certificate-transparency, merkletree/merkle_tree_test.cc).
ENTRIES = [
    bytes.fromhex(entry)
    for entry in (
        "",
        "00",
        "10",
        "2021",
        "3031",
        "40414243",
        "5051525354555657",
        "606162636465666768696a6b6c6d6e6f",
    )
]
ROOTS = [
    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
]
PATHS = {
    (0, 1): [],
    (0, 8): [
        "96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7",
        "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
        "6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4",
    ],
    (5, 8): [
        "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
        "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
        "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    ],
    (2, 3): ["fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125"],
    (1, 5): [
        "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
        "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
        "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
    ],
}
CONSISTENCY = {
    (1, 1): [],
    (1, 8): [
        "96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7",
        "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
        "6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4",
    ],
    (6, 8): [
        "0ebc5d3437fbe2db158b9f126a1d118e308181031d0a949f8dededebc558ef6a",
        "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
        "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    ],
    (2, 5): [
        "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
        "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
    ],
}

LARGEST = 70
LEAVES = [merkle.leaf_hash(bytes([number])) for number in range(LARGEST)]
ROOT_OF = [tree_hash(LEAVES[:size]) for size in range(LARGEST + 1)]


@cache
def stored(leaves: tuple[bytes, ...]) -> dict[merkle.Node, bytes]:
    """Returns the subtrees that a log stores."""
    return {
        (level, place): tree_hash(list(leaves[place << level : (place + 1) << level]))
        for level in range(8)
        for place in range(len(leaves) >> level)
    }


def hashes(leaves: list[bytes], spans: list[merkle.Span]) -> list[bytes]:
    return [merkle.hash_of(span, stored(tuple(leaves))) for span in spans]


@pytest.mark.parametrize("size", range(9))
def test_the_roots_are_those_of_certificate_transparency(size: int):
    leaves = [merkle.leaf_hash(entry) for entry in ENTRIES[:size]]
    assert hashes(leaves, [(0, size)]) == [bytes.fromhex(ROOTS[size])]


@pytest.mark.parametrize(("place", "size"), PATHS)
def test_the_paths_are_those_of_certificate_transparency(place: int, size: int):
    leaves = [merkle.leaf_hash(entry) for entry in ENTRIES[:size]]
    path = hashes(leaves, merkle.inclusion_spans(place, size))
    assert [each.hex() for each in path] == PATHS[place, size]
    assert merkle.is_included(leaves[place], place, size, path, bytes.fromhex(ROOTS[size]))


@pytest.mark.parametrize(("since", "size"), CONSISTENCY)
def test_the_proofs_of_consistency_are_those_of_certificate_transparency(since: int, size: int):
    leaves = [merkle.leaf_hash(entry) for entry in ENTRIES[:size]]
    path = hashes(leaves, merkle.consistency_spans(since, size))
    assert [each.hex() for each in path] == CONSISTENCY[since, size]
    old, new = bytes.fromhex(ROOTS[since]), bytes.fromhex(ROOTS[size])
    assert merkle.is_consistent(since, size, path, old, new)


def test_every_entry_of_every_tree_is_proven_to_be_at_its_place_and_nowhere_else():
    for size in range(1, LARGEST + 1):
        for place in range(size):
            path = hashes(LEAVES, merkle.inclusion_spans(place, size))
            assert len(path) <= (size - 1).bit_length()
            for claimed in range(size + 2):
                assert merkle.is_included(LEAVES[place], claimed, size, path, ROOT_OF[size]) == (
                    claimed == place
                )


def test_every_tree_is_proven_to_begin_with_every_earlier_one_and_with_no_other():
    for size in range(LARGEST + 1):
        for since in range(size + 1):
            path = hashes(LEAVES, merkle.consistency_spans(since, size))
            for claimed in range(size + 2):
                old = ROOT_OF[min(claimed, LARGEST)]
                proven = merkle.is_consistent(claimed, size, path, old, ROOT_OF[size])
                # Nothing has to be proven of an empty tree and of the same one.
                is_so = claimed == since or (not path and claimed in (0, size))
                assert proven == is_so, (since, claimed, size)


sizes = st.integers(1, LARGEST)


@st.composite
def damaged(draw: st.DrawFn, path: list[bytes]) -> list[bytes]:
    """A path that is not the one of the proof."""
    ways = ["longer", *(["shorter", "changed"] if path else [])]
    if len(set(path)) > 1:
        ways.append("turned round")
    where = draw(st.integers(0, max(len(path) - 1, 0)))
    match draw(st.sampled_from(ways)):
        case "longer":
            return [*path[:where], draw(st.binary(min_size=32, max_size=32)), *path[where:]]
        case "shorter":
            return [*path[:where], *path[where + 1 :]]
        case "changed":
            byte, bit = draw(st.integers(0, 31)), draw(st.integers(0, 7))
            other = bytearray(path[where])
            other[byte] ^= 1 << bit
            return [*path[:where], bytes(other), *path[where + 1 :]]
        case _:
            return path[::-1]


@given(st.data())
def test_a_path_that_was_changed_proves_nothing(data: st.DataObject):
    size = data.draw(sizes)
    place = data.draw(st.integers(0, size - 1))
    path = data.draw(damaged(hashes(LEAVES, merkle.inclusion_spans(place, size))))
    assert not merkle.is_included(LEAVES[place], place, size, path, ROOT_OF[size])


@given(st.data())
def test_a_proof_of_consistency_that_was_changed_proves_nothing(data: st.DataObject):
    size = data.draw(sizes)
    since = data.draw(st.integers(0, size))
    path = data.draw(damaged(hashes(LEAVES, merkle.consistency_spans(since, size))))
    assert not merkle.is_consistent(since, size, path, ROOT_OF[since], ROOT_OF[size])


@given(st.data())
def test_no_entry_can_be_put_in_the_place_of_another(data: st.DataObject):
    """An entry that is a node's two hashes is no leaf of the tree (RFC 6962, section 2.1)."""
    size = data.draw(sizes)
    place = data.draw(st.integers(0, size - 1))
    path = hashes(LEAVES, merkle.inclusion_spans(place, size))
    other = data.draw(st.binary(max_size=80))
    for leaf in (sha256(other).digest(), merkle.leaf_hash(other + b"another")):
        assert not merkle.is_included(leaf, place, size, path, ROOT_OF[size])
    if size > 1:
        forged = merkle.leaf_hash(LEAVES[0] + LEAVES[1])
        assert forged != merkle.node_hash(LEAVES[0], LEAVES[1])


@given(st.data())
def test_a_log_in_which_an_entry_was_changed_is_not_the_one_of_before(data: st.DataObject):
    size = data.draw(st.integers(2, LARGEST))
    since = data.draw(st.integers(1, size))
    changed = data.draw(st.integers(0, since - 1))
    leaves = [*LEAVES[:changed], merkle.leaf_hash(b"another"), *LEAVES[changed + 1 : size]]
    path = hashes(leaves, merkle.consistency_spans(since, size))
    assert not merkle.is_consistent(since, size, path, ROOT_OF[since], tree_hash(leaves))


def test_numbers_that_no_tree_has_are_no_proof():
    root = ROOT_OF[5]
    for place, size in ((-1, 5), (5, 5), (0, 0), (6, 5), (0, -1)):
        assert not merkle.is_included(LEAVES[0], place, size, [], root)
    for since, size in ((-1, 5), (6, 5), (3, 5), (4, 5)):
        assert not merkle.is_consistent(since, size, [], root, ROOT_OF[4])
