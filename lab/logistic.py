"""Logistic regression that gives two classes the same weight, however many samples each has."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]


def fit(
    rows: Floats, positive: npt.NDArray[np.bool_], ridge: float | Sequence[float], rounds: int
) -> Floats:
    """Returns (columns,) weights: `rows @ weights` is a log-likelihood ratio, positive above zero.

    `rows` is (samples, columns) with a column of ones for the constant, and both classes have at
    least one sample. `ridge` is the penalty on the square of each weight. The penalised likelihood
    is maximised by so many rounds of Newton's method.
    """
    share = np.where(positive, 0.5 / positive.sum(), 0.5 / (~positive).sum())
    penalty = np.diag(np.broadcast_to(np.asarray(ridge, np.float64), rows.shape[1]))
    weights = np.zeros(rows.shape[1])
    for _ in range(rounds):
        chance = 1 / (1 + np.exp(-np.clip(rows @ weights, -30, 30)))
        gradient = rows.T @ (share * (positive - chance)) - penalty @ weights
        curvature = (rows * (share * chance * (1 - chance))[:, None]).T @ rows + penalty
        weights = weights + np.linalg.solve(curvature, gradient)
    return weights
