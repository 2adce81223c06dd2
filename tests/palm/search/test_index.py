"""The exact search of codes."""

import threading

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from palm.search.index import BLOCK, NAME_BYTES, OWNER_BYTES, Index, Near
from palm.search.protection import SEARCH_CODE_BYTES, SearchCodes


def search_codes(count: int, seed: int = 0) -> SearchCodes:
    return np.random.default_rng(seed).integers(0, 256, (count, SEARCH_CODE_BYTES), np.uint8)


def filled(rows: SearchCodes) -> Index:
    """Returns an index with these codes under their numbers, of two owners in turn."""
    index, numbers = Index(), range(len(rows))
    owners = [f"owner {number % 2}" for number in numbers]
    index.fill([str(number) for number in numbers], owners, [row.tobytes() for row in rows])
    return index


def put(index: Index, name: str, code: SearchCodes | bytes) -> None:
    index.add(name, f"owner of {name}", bytes(code))


def found(index: Index, code: SearchCodes | bytes, count: int) -> list[tuple[str, int]]:
    return [(near.name, near.bits) for near in index.nearest(bytes(code), count)]


def turned(code: SearchCodes, bits: int) -> bytes:
    """Returns the code with its first bits inverted."""
    mask = np.packbits(np.arange(8 * SEARCH_CODE_BYTES) < bits)
    return (code ^ mask).tobytes()


def test_an_empty_index_finds_nothing():
    assert Index().nearest(bytes(SEARCH_CODE_BYTES), 5) == []


def test_the_nearest_come_first_with_the_bits_they_differ_in():
    rows = search_codes(100)
    index = filled(rows)
    for bits in (30, 10, 20):
        put(index, f"{bits} away", turned(rows[7], bits))
    nearest = found(index, rows[7], 4)
    assert nearest == [("7", 0), ("10 away", 10), ("20 away", 20), ("30 away", 30)]


def test_it_is_told_whose_a_code_is():
    rows = search_codes(10)
    assert filled(rows).nearest(rows[7].tobytes(), 1) == [Near("7", "owner 1", 0)]


# In one block and in several.
@pytest.mark.parametrize("count", [10, 2 * BLOCK + 3])
def test_every_code_is_compared(count: int):
    rows = search_codes(count)
    index, probe = filled(rows), search_codes(1, seed=1)[0]
    by_hand = np.bitwise_count(rows ^ probe).sum(axis=1)
    nearest = found(index, probe, 64)
    assert [bits for _, bits in nearest] == np.sort(by_hand)[:64].tolist()
    assert all(by_hand[int(name)] == bits for name, bits in nearest)


def test_a_small_index_returns_all_names():
    assert len(filled(search_codes(3)).nearest(bytes(SEARCH_CODE_BYTES), 64)) == 3


def test_a_name_that_was_filled_in_twice_is_removed_with_both_of_its_codes():
    rows = search_codes(3)
    index = Index()
    index.fill(["alex", "kim", "alex"], ["owner"] * 3, [row.tobytes() for row in rows])
    assert index.remove("alex")
    assert index.names_of("owner") == ["kim"]
    assert found(index, rows[1], 2) == [("kim", 0)]


def test_a_code_added_under_the_same_name_replaces_the_first():
    first, second = search_codes(2)
    index = Index()
    put(index, "alex", first)
    put(index, "alex", second)
    assert len(index) == 1
    assert found(index, second, 2) == [("alex", 0)]


def test_an_owner_has_several_names_and_each_may_go():
    index = filled(search_codes(6))
    assert index.names_of("owner 1") == ["1", "3", "5"]
    assert index.remove("3")
    assert sorted(index.names_of("owner 1")) == ["1", "5"]
    assert index.names_of("somebody") == []


def test_what_is_not_there_cannot_be_removed():
    index = filled(search_codes(3))
    assert not index.remove("7")
    assert len(index) == 3


def test_a_name_that_is_too_long_is_refused():
    with pytest.raises(ValueError, match="longer than 32"):
        put(Index(), "x" * (NAME_BYTES + 1), bytes(SEARCH_CODE_BYTES))


@pytest.mark.parametrize(
    ("owner", "code"),
    [("x" * (OWNER_BYTES + 1), bytes(SEARCH_CODE_BYTES)), ("owner", b"x"), ("owner", bytes(256))],
    ids=["long owner", "short code", "long code"],
)
def test_what_is_refused_leaves_no_row_behind(owner: str, code: bytes):
    index = filled(search_codes(2))
    with pytest.raises(ValueError, match=r"."):
        index.add("new", owner, code)
    assert len(index) == 2
    assert {near.name for near in index.nearest(bytes(SEARCH_CODE_BYTES), 9)} == {"0", "1"}


def test_a_removed_code_is_erased_from_memory():
    rows = search_codes(3)
    index = filled(rows)
    (block,) = index._blocks
    for number in range(3):
        index.remove(str(number))
        assert rows[number].tobytes() not in block.codes.tobytes()
    assert not block.names.any()
    assert not block.owners.any()


def test_a_name_costs_two_hundred_bytes():
    names = BLOCK
    (block,) = filled(search_codes(names))._blocks
    assert sum(column.nbytes for column in block) <= 200 * names


@given(st.lists(st.tuples(st.booleans(), st.integers(0, 40)), max_size=120))
@settings(max_examples=30, deadline=None)
def test_however_names_come_and_go_each_keeps_its_own_code(steps: list[tuple[bool, int]]):
    rows = search_codes(41)
    index = Index()
    present: set[int] = set()
    for add, number in steps:
        if add:
            put(index, str(number), rows[number])
            present.add(number)
        else:
            assert index.remove(str(number)) is (number in present)
            present.discard(number)
    assert len(index) == len(present)
    for number in range(41):
        is_there = [(str(number), f"owner of {number}")] if number in present else []
        nearest = index.nearest(rows[number].tobytes(), 1)
        assert [(near.name, near.owner) for near in nearest if near.bits == 0] == is_there


def test_the_last_block_goes_when_it_is_empty_and_comes_again():
    rows = search_codes(BLOCK + 1)
    index = filled(rows)
    for _ in range(2):
        assert index.remove(str(BLOCK))
        assert found(index, rows[BLOCK - 1], 1) == [(str(BLOCK - 1), 0)]
        put(index, str(BLOCK), rows[BLOCK])
        assert found(index, rows[BLOCK], 1) == [(str(BLOCK), 0)]


def test_names_are_found_while_others_are_added_and_removed():
    rows = search_codes(3000)
    index = filled(rows[:2000])
    done = threading.Event()

    def come_and_go() -> None:
        for number in range(1000):
            put(index, f"new {number}", rows[2000 + number])
            index.remove(str(number))
        done.set()

    mover = threading.Thread(target=come_and_go)
    mover.start()
    looked = 0
    while not done.is_set() or looked == 0:
        number = 1000 + looked % 1000
        assert found(index, rows[number], 1) == [(str(number), 0)]
        looked += 1
    mover.join()
