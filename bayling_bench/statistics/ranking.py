"""Many comparisons in one table: Holm's correction, and which systems of a ranking are told apart."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray


class Place(NamedTuple):
    """Where a system stands."""

    system: int
    """Its index."""
    cluster: int
    """From 1; systems of one cluster are not told apart."""
    best: int
    """1 + the number of systems that are significantly better."""
    worst: int
    """The number of systems less those that are significantly worse."""


def holm(p_values: ArrayLike) -> NDArray[np.float64]:
    """Return p-values corrected so that all together err with the level at most (Holm, 1979), in the given order."""
    p = np.asarray(p_values, dtype=np.float64)
    order = np.argsort(p, kind="stable")
    corrected = np.minimum(np.maximum.accumulate(p[order] * np.arange(len(p), 0, -1)), 1.0)
    result = np.empty_like(p)
    result[order] = corrected
    return result


def holm_pairs(p_values: ArrayLike) -> NDArray[np.float64]:
    """Return a symmetric matrix of p-values [systems, systems] corrected over its pairs; 1 on the diagonal."""
    p = np.asarray(p_values, dtype=np.float64)
    upper = np.triu_indices(len(p), 1)
    result = np.ones_like(p)
    result[upper] = holm(p[upper])
    return np.minimum(result, result.T)


def rank(scores: ArrayLike, p_values: ArrayLike, *, level: float = 0.05, higher_is_better: bool = True) -> list[Place]:
    """Return the systems from best to worst, with clusters and ranges of ranks as in the WMT's tables.

    ``p_values`` [systems, systems] come from all pairs, best after `holm_pairs`. A new cluster starts where every
    system above is significantly better than every system from there on; the range of a system counts those that are
    significantly better and worse than itself. Equal scores keep their order.
    """
    values = np.asarray(scores, dtype=np.float64) * (1 if higher_is_better else -1)
    better = (values[:, None] > values[None, :]) & (np.asarray(p_values) < level)
    order = np.argsort(-values, kind="stable")
    places, cluster = [], 1
    for position, system in enumerate(order):
        if position and better[np.ix_(order[:position], order[position:])].all():
            cluster += 1
        best, worst = 1 + better[:, system].sum(), len(values) - better[system].sum()
        places.append(Place(int(system), cluster, int(best), int(worst)))
    return places
