"""The exact search of codes."""

import threading

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from palm.search.index import INITIAL_ROWS, SHARE, Index
from palm.search.protection import SEARCH_CODE_BYTES, SearchCodes


def search_codes(count: int, seed: int = 0) -> SearchCodes:
    return np.random.default_rng(seed).integers(0, 256, (count, SEARCH_CODE_BYTES), np.uint8)


def filled(rows: SearchCodes) -> Index:
    index = Index()
    for number, row in enumerate(rows):
        index.add(str(number), row.tobytes())
    return index


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
        index.add(f"{bits} away", turned(rows[7], bits))
    found = index.nearest(rows[7].tobytes(), 4)
    assert found == [("7", 0), ("10 away", 10), ("20 away", 20), ("30 away", 30)]


# Below and above the size from which the rows are shared out among cores.
@pytest.mark.parametrize("count", [10, 2 * SHARE + 3])
def test_every_code_is_compared(count: int):
    rows = search_codes(count)
    index, probe = filled(rows), search_codes(1, seed=1)[0]
    by_hand = np.bitwise_count(rows ^ probe).sum(axis=1)
    found = index.nearest(probe.tobytes(), 64)
    assert [bits for _, bits in found] == np.sort(by_hand)[:64].tolist()
    assert all(by_hand[int(name)] == bits for name, bits in found)


def test_a_small_index_returns_all_names():
    assert len(filled(search_codes(3)).nearest(bytes(SEARCH_CODE_BYTES), 64)) == 3


def test_a_code_added_under_the_same_name_replaces_the_first():
    first, second = search_codes(2)
    index = Index()
    index.add("alex", first.tobytes())
    index.add("alex", second.tobytes())
    assert len(index) == 1
    assert index.nearest(second.tobytes(), 2) == [("alex", 0)]


def test_a_removed_code_is_erased_from_memory():
    (row,) = search_codes(1)
    index = filled(search_codes(1))
    index.remove("0")
    assert row.tobytes() not in index._codes.tobytes()
    with pytest.raises(KeyError):
        index.remove("0")


def test_growing_leaves_no_copy_of_the_codes():
    index = Index()
    small = index._codes
    for number, row in enumerate(search_codes(INITIAL_ROWS + 1)):
        index.add(str(number), row.tobytes())
    assert index._codes is not small
    assert not small.any()


@given(st.lists(st.tuples(st.booleans(), st.integers(0, 40)), max_size=120))
@settings(max_examples=30, deadline=None)
def test_however_names_come_and_go_each_keeps_its_own_code(steps: list[tuple[bool, int]]):
    rows = search_codes(41)
    index = Index()
    present: set[int] = set()
    for add, number in steps:
        if add:
            index.add(str(number), rows[number].tobytes())
            present.add(number)
        elif number in present:
            index.remove(str(number))
            present.discard(number)
    assert len(index) == len(present)
    for number in range(41):
        found = index.nearest(rows[number].tobytes(), 1)
        assert (found == [(str(number), 0)]) is (number in present)


def test_names_are_found_while_others_are_added_and_removed():
    rows = search_codes(3000)
    index = filled(rows[:2000])
    done = threading.Event()

    def come_and_go() -> None:
        for number in range(1000):
            index.add(f"new {number}", rows[2000 + number].tobytes())
            index.remove(str(number))
        done.set()

    mover = threading.Thread(target=come_and_go)
    mover.start()
    looked = 0
    while not done.is_set() or looked == 0:
        number = 1000 + looked % 1000
        assert index.nearest(rows[number].tobytes(), 1) == [(str(number), 0)]
        looked += 1
    mover.join()
