"""Percentile bootstrap (Efron, 1979) over items, passages, questions or strata.

Items are drawn with replacement, a resample is a row of counts, and counts times statistics are the sums that
``aggregate`` turns into scores: resampling is one matrix product, shared by all systems that answered the same items.
With the same seed the resamples are those of sacrebleu's and scipy's bootstraps.

Where items share a passage or a question they are not independent: `by_cluster` adds up the rows of each cluster, and
whatever resamples rows then resamples clusters.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

Sums = NDArray[np.float64]
"""Sums of the statistics over a resample's items, [resamples, k]."""

Aggregate = Callable[[Sums], NDArray[np.float64]]
"""Maps sums [resamples, k] to scores [resamples]."""

Seed = int | np.random.Generator
"""A generator is drawn on further, so that several draws in turn are independent."""

_COUNTS_AT_ONCE = 300_000
"""Counts in memory at once (2 MB an array, which stays in the cache), whatever the number of items."""


class Stratum(NamedTuple):
    """Statistics of units that are drawn independently of those of other strata."""

    rows: NDArray[np.float64]
    """[..., units, parts * k]"""
    parts: int
    """Scores that the columns hold, k each: the stratum's score is their mean, and counts so often in an average."""


class Interval(NamedTuple):
    """Bounds of a score, in the score's own unit."""

    low: float
    high: float


def bootstrap_interval(
    statistics: ArrayLike, aggregate: Aggregate, *, resamples: int = 1000, seed: Seed = 12345, level: float = 0.95
) -> Interval | None:
    """Return the percentile interval of ``aggregate`` over resampled items, or None for fewer than two items.

    ``statistics`` is [items, k]. Items that are all equal give an interval of no width.
    """
    return macro_interval([statistics], aggregate, resamples=resamples, seed=seed, level=level)


def bootstrap_mean(
    values: ArrayLike,
    clusters: Sequence[Hashable] | None = None,
    *,
    resamples: int = 1000,
    seed: Seed = 12345,
    level: float = 0.95,
) -> Interval | None:
    """Return the percentile interval of the mean of ``values`` [items], or None for fewer than two.

    ``clusters`` names the passage or question of each item; whole clusters are resampled, and two are needed.
    """
    column = np.asarray(values, dtype=np.float64)
    pairs = np.column_stack([column, np.ones_like(column)])
    rows = pairs if clusters is None else by_cluster(pairs, clusters)
    return bootstrap_interval(rows, ratio, resamples=resamples, seed=seed, level=level)


def macro_interval(
    strata: Sequence[ArrayLike | Stratum],
    aggregate: Aggregate,
    *,
    resamples: int = 1000,
    seed: Seed = 12345,
    level: float = 0.95,
) -> Interval | None:
    """Return the interval of the plain average of the strata's scores, each stratum resampled within itself.

    ``strata`` holds the statistics [items, k] of each subset or direction. None where a stratum has fewer than two
    items: nothing is known of its spread. Strata are taken as independent, so they must not share items: those that do
    are one `Stratum` of several parts (see `join`).
    """
    tables = [as_stratum(rows) for rows in strata]
    if min(len(table.rows) for table in tables) < 2:
        return None
    generator = np.random.default_rng(seed)
    scores = [
        bootstrap_scores(rows, mean_of(aggregate, parts), resamples=resamples, seed=generator) for rows, parts in tables
    ]
    return percentile_interval(np.average(scores, axis=0, weights=[table.parts for table in tables]), level)


def as_stratum(rows: ArrayLike | Stratum) -> Stratum:
    """Return a stratum as it is, and rows as one of a single score."""
    return rows if isinstance(rows, Stratum) else Stratum(np.asarray(rows, dtype=np.float64), 1)


def mean_of(aggregate: Aggregate, parts: int) -> Aggregate:
    """Return an aggregate of sums [resamples, parts * k]: the mean over the parts of ``aggregate`` of each."""
    if parts == 1:
        return aggregate
    return lambda sums: aggregate(sums.reshape(len(sums) * parts, -1)).reshape(-1, parts).mean(axis=1)


def join(tables: Sequence[ArrayLike], units: Sequence[Sequence[Hashable]]) -> list[Stratum]:
    """Return strata that share no unit.

    ``tables`` are the statistics [..., items, k] of each subset or direction, ``units`` names what each item is drawn
    with: its source sentence, passage or question. Tables with a unit in common (English into several languages, an
    exam in two languages) become one stratum of several parts, in which a unit is drawn for all of them.
    """
    names = [dict.fromkeys(each) for each in units]
    groups: list[list[int]] = []
    for number, mine in enumerate(names):
        touched = [group for group in groups if any(not mine.keys().isdisjoint(names[other]) for other in group)]
        groups = [group for group in groups if group not in touched]
        groups.append(sorted([number, *(other for group in touched for other in group)]))
    strata = []
    for group in sorted(groups):
        every = list(dict.fromkeys(name for number in group for name in units[number]))
        rows = np.concatenate([_spread(tables[number], units[number], every) for number in group], axis=-1)
        strata.append(Stratum(rows, len(group)))
    return strata


def _spread(rows: ArrayLike, units: Sequence[Hashable], every: Sequence[Hashable]) -> NDArray[np.float64]:
    """Return the sums [..., every unit, k] of the rows [..., items, k] of each unit, zeros for one without rows."""
    sums = by_cluster(rows, units)
    places = {name: number for number, name in enumerate(every)}
    found = np.zeros((*sums.shape[:-2], len(every), sums.shape[-1]))
    found[..., [places[name] for name in dict.fromkeys(units)], :] = sums
    return found


def bootstrap_scores(
    statistics: ArrayLike, aggregate: Aggregate, *, resamples: int = 1000, seed: Seed = 12345
) -> NDArray[np.float64]:
    """Return the score of every resample, [resamples]; for [systems, items, k] [systems, resamples].

    All systems see the same resamples, so rows of the result can be subtracted, divided or averaged as a design asks.
    """
    rows = np.asarray(statistics, dtype=np.float64)
    *systems, items, k = rows.shape
    table = exact_table(np.moveaxis(rows, -2, 0).reshape(items, -1), most=items)
    generator = np.random.default_rng(seed)
    sums = np.concatenate([drawn.astype(table.dtype) @ table for drawn in _counts(items, resamples, generator)])
    scores = aggregate(sums.astype(np.float64).reshape(-1, k)).reshape(resamples, *systems)
    return np.moveaxis(scores, 0, -1)


def exact_table(table: NDArray[np.float64], most: int) -> NDArray[np.floating]:
    """Return statistics [items, k] in single precision, which is twice as fast, where sums of them stay exact there.

    That is where they are whole numbers and no sum of ``most`` rows reaches 2^24.
    """
    exact = np.abs(table).max(initial=0) * most < 2**24 and (table == np.round(table)).all()
    return table.astype(np.float32) if exact else table


def percentile_interval(scores: NDArray[np.float64], level: float = 0.95) -> Interval:
    """Return the percentile bounds of resampled scores [resamples]."""
    low, high = np.quantile(scores, [(1 - level) / 2, (1 + level) / 2])
    return Interval(float(low), float(high))


def by_cluster(statistics: ArrayLike, clusters: Sequence[Hashable]) -> NDArray[np.float64]:
    """Return the sums [clusters, k] of the rows [items, k] of each cluster, in order of first appearance.

    For [systems, items, k] the result is [systems, clusters, k]. An aggregate of such rows must take its number of
    items from the sums, as `ratio` does.
    """
    rows = np.asarray(statistics, dtype=np.float64)
    if rows.shape[-2] != len(clusters):
        raise ValueError(f"{len(clusters)} clusters for {rows.shape[-2]} items")
    numbers = {name: number for number, name in enumerate(dict.fromkeys(clusters))}
    sums = np.zeros((*rows.shape[:-2], len(numbers), rows.shape[-1]))
    np.add.at(np.moveaxis(sums, -2, 0), [numbers[name] for name in clusters], np.moveaxis(rows, -2, 0))
    return sums


def ratio(sums: Sums) -> NDArray[np.float64]:
    """Return first over second sum of each resample, an `aggregate` for pooled shares; 0 where the second is 0."""
    part, whole = sums[:, 0], sums[:, 1]
    return np.where(whole != 0, part / np.where(whole != 0, whole, 1), 0.0)


def _counts(items: int, resamples: int, generator: np.random.Generator) -> Iterator[NDArray[np.int64]]:
    """Yield how often each resample drew each item, [rows, items] for one block of resamples after the other."""
    block = max(1, _COUNTS_AT_ONCE // items)
    for start in range(0, resamples, block):
        rows = min(block, resamples - start)
        draws = generator.integers(0, items, size=(rows, items))
        cells = draws + items * np.arange(rows)[:, None]
        yield np.bincount(cells.ravel(), minlength=rows * items).reshape(rows, items)
