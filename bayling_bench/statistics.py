"""Intervals of scores: arrays in, numbers out.

Every score here is a function of sums over items (BLEU, chrF, TER, means, ratios), so one bootstrap serves all: items
are drawn with replacement (Efron, 1979), a resample is a row of counts, and counts times statistics are the sums that
`aggregate` turns into scores. With the same seed the resamples are those of sacrebleu's and scipy's bootstraps.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from statistics import NormalDist
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

Sums = NDArray[np.float64]
"""Sums of the statistics over a resample's items, [resamples, k]."""

_COUNTS_AT_ONCE = 1_000_000
"""Counts in memory at once (8 MB an array), whatever the number of items."""


class Interval(NamedTuple):
    """Bounds of a score, in the score's own unit."""

    low: float
    high: float


def bootstrap_interval(
    statistics: ArrayLike,
    aggregate: Callable[[Sums], NDArray[np.float64]],
    *,
    resamples: int = 1000,
    seed: int = 12345,
    level: float = 0.95,
) -> Interval | None:
    """Return the percentile interval of ``aggregate`` over resampled items, or None for fewer than two items.

    ``statistics`` is [items, k]; ``aggregate`` maps sums [resamples, k] to scores [resamples]. Items that are all
    equal give an interval of no width.
    """
    rows = np.asarray(statistics, dtype=np.float64)
    if len(rows) < 2:
        return None
    generator = np.random.default_rng(seed)
    scores = aggregate(np.concatenate([counts @ rows for counts in _counts(len(rows), resamples, generator)]))
    low, high = np.quantile(scores, [(1 - level) / 2, (1 + level) / 2])
    return Interval(float(low), float(high))


def bootstrap_mean(
    values: ArrayLike, *, resamples: int = 1000, seed: int = 12345, level: float = 0.95
) -> Interval | None:
    """Return the percentile interval of the mean of ``values`` [items], or None for fewer than two."""
    column = np.asarray(values, dtype=np.float64)
    pairs = np.column_stack([column, np.ones_like(column)])
    return bootstrap_interval(pairs, ratio, resamples=resamples, seed=seed, level=level)


def ratio(sums: Sums) -> NDArray[np.float64]:
    """Return first over second sum of each resample, an `aggregate` for pooled shares; 0 where the second is 0."""
    part, whole = sums[:, 0], sums[:, 1]
    return np.where(whole != 0, part / np.where(whole != 0, whole, 1), 0.0)


def wilson(successes: int, n: int, level: float = 0.95) -> Interval:
    """Return the score interval of a share (Wilson, 1927), between 0 and 1; for n = 0 all of that, as nothing is known.

    It holds its level for few items and for shares near 0 and 1, where mean ± 2 standard errors does not.
    """
    if not 0 <= successes <= n:
        raise ValueError(f"{successes} successes of {n}")
    if n == 0:
        return Interval(0.0, 1.0)
    z = NormalDist().inv_cdf((1 + level) / 2)
    share, spread = successes / n, z * z / n
    centre = (share + spread / 2) / (1 + spread)
    half = z * (share * (1 - share) / n + spread / (4 * n)) ** 0.5 / (1 + spread)
    # Exactly 0 and 1 at the ends, where rounding would leave the bound a hair outside.
    return Interval(0.0 if successes == 0 else centre - half, 1.0 if successes == n else centre + half)


def _counts(items: int, resamples: int, generator: np.random.Generator) -> Iterator[NDArray[np.float64]]:
    """Yield how often each resample drew each item, [rows, items] for one block of resamples after the other."""
    block = max(1, _COUNTS_AT_ONCE // items)
    for start in range(0, resamples, block):
        rows = min(block, resamples - start)
        draws = generator.integers(0, items, size=(rows, items))
        cells = draws + items * np.arange(rows)[:, None]
        yield np.bincount(cells.ravel(), minlength=rows * items).reshape(rows, items).astype(np.float64)
