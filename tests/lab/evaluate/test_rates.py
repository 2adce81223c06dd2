"""Error rates agree with others' ways of counting them."""

import numpy as np
import pytest

from palm.rates import Comparisons, Curve, curve

GENUINE, IMPOSTOR = 300, 2_000


def scores(seed: int) -> tuple[list[float], list[float]]:
    """Returns genuine and impostor scores that overlap, some of them equal."""
    rng = np.random.default_rng(seed)
    genuine, impostor = rng.normal(6, 2 + seed, GENUINE), rng.normal(0, 2, IMPOSTOR)
    return genuine.round(1).tolist(), impostor.round(1).tolist()


def measured(genuine: list[float], impostor: list[float]) -> Curve:
    alone = np.zeros(len(genuine) + len(impostor), np.intp)
    kinds = np.arange(len(alone)) < len(genuine)
    return curve(Comparisons(np.array(genuine + impostor, np.float32), kinds, alone, alone))


def counted(genuine: list[float], impostor: list[float]) -> list[tuple[float, float, float]]:
    """Returns (threshold, FMR, FNMR) at every score, lowest first, by going through all scores."""
    return [
        (
            score,
            sum(each >= score for each in impostor) / len(impostor),
            sum(each < score for each in genuine) / len(genuine),
        )
        for score in sorted({*genuine, *impostor})
    ]


def crossing(rates: list[tuple[float, float, float]]) -> float:
    """Returns the equal error rate as FVC2000 defines it."""
    at = next(n for n, (_, fmr, fnmr) in enumerate(rates) if fmr <= fnmr)
    sums = [fmr + fnmr for _, fmr, fnmr in rates]
    return sums[at] / 2 if rates[at][1] == rates[at][2] else min(sums[at - 1 : at + 1]) / 2


@pytest.mark.parametrize("seed", range(3))
def test_rates_are_those_that_go_through_all_scores(seed: int):
    one, other = measured(*scores(seed)), counted(*scores(seed))
    points = zip(one.thresholds[:0:-1], one.fmr[:0:-1], one.fnmr[:0:-1], strict=True)
    assert [each for point in points for each in point] == pytest.approx(
        [each for point in other for each in point]
    )
    assert one.eer() == pytest.approx(crossing(other))


def test_where_both_rates_are_equal_they_are_the_equal_error_rate():
    genuine, impostor = [0.9, 0.7, 0.4, 0.2], [0.6, 0.5, 0.1, 0.1]
    assert measured(genuine, impostor).eer() == 0.5
    assert crossing(counted(genuine, impostor)) == 0.5


@pytest.mark.parametrize("seed", range(3))
def test_rates_are_those_of_pyeer(seed: int):
    pyeer = pytest.importorskip(
        "pyeer.eer_info", reason="needs pyeer: .venv/bin/pip install --no-deps pyeer==0.5.6"
    )
    one, theirs = measured(*scores(seed)), pyeer.get_eer_stats(*scores(seed))
    assert one.thresholds[:0:-1] == pytest.approx(theirs.thrs)
    assert one.fmr[:0:-1] == pytest.approx(theirs.fmr)
    assert one.fnmr[:0:-1] == pytest.approx(theirs.fnmr)
    assert one.eer() == pytest.approx(theirs.eer)
    assert one.fnmr_at(0.0) == pytest.approx(theirs.fmr0)
