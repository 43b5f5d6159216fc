"""How far two raters agree: Cohen's kappa for verdicts, Pearson's and Spearman's correlation for scores."""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray


def cohen_kappa(first: Sequence[Hashable], second: Sequence[Hashable]) -> float | None:
    """Return Cohen's kappa (1960): agreement beyond what the raters' own frequencies would give by chance.

    1 is full agreement and 0 is chance; None without items, or where both raters always say the same one thing.
    """
    if not first:
        return None
    n = len(first)
    observed = sum(one == other for one, other in zip(first, second, strict=True)) / n
    counts, others = Counter(first), Counter(second)
    expected = sum(counts[name] * others[name] for name in counts) / n**2
    return None if expected == 1 else (observed - expected) / (1 - expected)


def pearson(first: ArrayLike, second: ArrayLike) -> float | None:
    """Return the linear correlation of two columns; None for fewer than two items or where a column is constant."""
    one, other = np.asarray(first, dtype=np.float64), np.asarray(second, dtype=np.float64)
    if len(one) != len(other):
        raise ValueError(f"{len(one)} and {len(other)} items")
    if len(one) < 2 or np.ptp(one) == 0 or np.ptp(other) == 0:
        return None
    return float(np.clip(np.corrcoef(one, other)[0, 1], -1.0, 1.0))


def spearman(first: ArrayLike, second: ArrayLike) -> float | None:
    """Return the rank correlation of two columns, ties sharing their mean rank; None as for `pearson`."""
    return pearson(_ranks(first), _ranks(second))


def _ranks(values: ArrayLike) -> NDArray[np.float64]:
    column = np.asarray(values, dtype=np.float64)
    _, inverse, counts = np.unique(column, return_inverse=True, return_counts=True)
    last = np.cumsum(counts)
    return (last - (counts - 1) / 2)[inverse]
