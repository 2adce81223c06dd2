import numpy as np
import pytest

from lab.logistic import Floats, fit

BY_CUE = [-0.5313106190876515, 0.6099463436351746, 0.6732829999000502]
FUSED = [-0.5958036502761072, 0.6724093799787266, 0.7553756480077031]
"""The results on the samples below of the code that fitted the shipped weights."""


def two_classes() -> tuple[Floats, "np.ndarray[tuple[int], np.dtype[np.bool_]]"]:
    """Eighty positive samples and thirty negative ones, in two columns and the constant."""
    rng = np.random.default_rng(7)
    values = np.concatenate([rng.normal(1, 1, (80, 2)), rng.normal(0, 1.4, (30, 2))])
    return np.column_stack([np.ones(110), values]), np.arange(110) < 80


def test_the_weights_are_where_the_penalised_likelihood_is_highest():
    rows, positive = two_classes()
    ridge = np.array([1e-6, 0.02, 0.02])
    weights = fit(rows, positive, ridge.tolist(), rounds=30)

    def likelihood(weights: Floats) -> float:
        scores = rows @ weights
        losses = np.log1p(np.exp(np.where(positive, -scores, scores)))
        mean = losses[positive].mean() / 2 + losses[~positive].mean() / 2
        return -float(mean + (ridge * weights**2).sum() / 2)

    best = likelihood(weights)
    for column in range(3):
        for step in (-1e-3, 1e-3):
            assert likelihood(weights + step * np.eye(3)[column]) < best


def test_the_weights_are_those_that_the_shipped_ones_were_fitted_by():
    rows, positive = two_classes()
    by_cue = fit(rows, positive, [1e-6, 0.02, 0.02], rounds=30)
    assert by_cue == pytest.approx(BY_CUE, abs=1e-12)
    assert fit(rows, positive, 1e-6, rounds=50) == pytest.approx(FUSED, abs=1e-12)


def test_the_class_with_more_samples_weighs_no_more():
    rows, positive = two_classes()
    more = np.concatenate([rows, rows[positive]])
    twice = fit(more, np.append(positive, np.ones(80, np.bool_)), 1e-3, rounds=30)
    assert twice == pytest.approx(fit(rows, positive, 1e-3, rounds=30), abs=1e-9)
