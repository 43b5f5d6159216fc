"""The win rate as it would be if both answers were equally long (Dubois et al., 2024, arXiv 2404.04475).

AlpacaEval's length-controlled win rate is a logistic regression of the outcome on the model and on the length
difference, tanh((length 1 - length 2) / s), s the standard deviation of the differences; the win rate is then predicted
with a difference of zero. Its third term, the difficulty of each instruction, is estimated from many models and has no
counterpart for one pair, so it is left out here. No penalty is put on the coefficients.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from bayling_bench.statistics.bootstrap import Interval, bootstrap_scores, percentile_interval

Floats = NDArray[np.float64]
_STEPS = 50
_CLOSE = 1e-10
_FAR = 15.0
"""A coefficient beyond this (odds of three million to one) shows that outcomes are separable and grows for ever."""


@dataclass(frozen=True)
class LengthControlled:
    """A win rate between 0 and 1 at equal length, and what length does to it."""

    win_rate: float
    interval: Interval | None
    """95 %, items or clusters resampled; None if most resamples have no estimate."""
    coefficient: float
    """Log-odds of a win that full saturation of the length term adds; above 0, longer answers win more often."""
    left_out: int
    """Resamples without an estimate, which the interval leaves out."""


def length_controlled(
    outcomes: ArrayLike,
    lengths: ArrayLike,
    clusters: ArrayLike | None = None,
    *,
    resamples: int = 1000,
    seed: int = 12345,
) -> LengthControlled | None:
    """Return the length-controlled win rate of ``outcomes`` [items] (1 won, 0 lost, 0.5 tied).

    ``lengths`` is [items, 2], own answer first; ``clusters`` [items] numbers the question of each item. None where it
    has no estimate: too few items, no spread of lengths, or outcomes that a length or the model alone tells apart.
    """
    won, sizes = np.asarray(outcomes, dtype=np.float64), np.asarray(lengths, dtype=np.float64)
    if len(won) < 3 or np.ptp(sizes[:, 0] - sizes[:, 1]) == 0:
        return None
    term = _length_term(sizes)
    fitted = _fit(won, term, np.ones((1, len(won))))[0]
    if not np.isfinite(fitted).all():
        return None
    groups = np.arange(len(won)) if clusters is None else np.unique(np.asarray(clusters), return_inverse=True)[1]
    # Each cluster is its own statistic, so that the "sums" of a resample are how often it drew each.
    resampled = bootstrap_scores(
        np.eye(int(groups.max()) + 1),
        lambda counts: _logistic(_fit(won, term, counts[:, groups])[:, 0]),
        resamples=resamples,
        seed=seed,
    )
    good = np.isfinite(resampled)
    interval = percentile_interval(resampled[good]) if good.sum() > resamples / 2 else None
    return LengthControlled(float(_logistic(fitted[0])), interval, float(fitted[1]), int(resamples - good.sum()))


def _length_term(lengths: Floats) -> Floats:
    difference = lengths[:, 0] - lengths[:, 1]
    return np.tanh(difference / difference.std())


def _fit(won: Floats, term: Floats, weights: Floats) -> Floats:
    """Return intercept and coefficient [rows, 2] for rows of item weights [rows, items]; NaN where there are none.

    Newton's method on the log-likelihood of all rows at once (the same as iteratively reweighted least squares).
    """
    found, step = np.zeros((len(weights), 2)), np.zeros((len(weights), 2))
    design = np.column_stack([np.ones_like(term), term])
    products = design[:, :, None] * design[:, None, :]
    with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
        for _ in range(_STEPS):
            expected = _logistic(found @ design.T)
            gradient = (weights * (won - expected)) @ design
            curvature = np.einsum("rn,nij->rij", weights * expected * (1 - expected), products)
            determinant = curvature[:, 0, 0] * curvature[:, 1, 1] - curvature[:, 0, 1] ** 2
            step = np.column_stack(
                [
                    curvature[:, 1, 1] * gradient[:, 0] - curvature[:, 0, 1] * gradient[:, 1],
                    curvature[:, 0, 0] * gradient[:, 1] - curvature[:, 0, 1] * gradient[:, 0],
                ]
            )
            step = np.clip(step / determinant[:, None], -2.0, 2.0)
            found = found + step
            if not (np.abs(step) > _CLOSE).any():
                break
    bad = ~np.isfinite(found).all(axis=1) | (np.abs(found) > _FAR).any(axis=1) | (np.abs(step) > 1e-6).any(axis=1)
    found[bad] = np.nan
    return found


def _logistic(value: Floats) -> Floats:
    return 1 / (1 + np.exp(-value))
