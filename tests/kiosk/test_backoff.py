from itertools import islice

from kiosk.backoff import doubling


def test_pauses_double_up_to_the_longest() -> None:
    assert list(islice(doubling(0.5, 3), 5)) == [0.5, 1, 2, 3, 3]
