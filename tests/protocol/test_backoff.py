import pytest

from protocol.backoff import pause_after


def test_pauses_double_up_to_the_longest() -> None:
    assert [pause_after(failures, 0.5, 3) for failures in range(5)] == [0.5, 1, 2, 3, 3]


@pytest.mark.parametrize("failures", [100, 10_000])
def test_the_longest_pause_stays_however_often_it_failed(failures: int) -> None:
    assert pause_after(failures, 0.5, 3600) == 3600
