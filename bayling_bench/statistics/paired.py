"""Is one system better than another on the same items? Two tests, for every kind of metric, for all pairs at once.

Paired bootstrap resampling (Koehn, 2004) as in sacrebleu: p is the share of resamples whose absolute difference
exceeds their mean absolute difference by at least the observed one. For a clear difference that counts one tail, so p
is about half of a two-sided one, and at "p < 0.05" it errs in one of ten comparisons of equal systems, not one of
twenty. It is here because published tables use it.

Approximate randomization (Noreen, 1989; Riezler and Maxwell, 2005): the outputs of the two systems are swapped item by
item at random; p is the share of trials whose absolute difference is at least the observed one. It is two-sided and
holds its level; with few items that differ all swaps are enumerated and p is exact. Rankings and comparisons go by it.

Both count a tie as evidence against a difference (sacrebleu counts it for one; that matters for accuracy alone and
for two equal systems, which get p = 1 here). With the same seed p is otherwise that of sacrebleu.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from bayling_bench.statistics.bootstrap import (
    Aggregate,
    Interval,
    Stratum,
    as_stratum,
    bootstrap_scores,
    exact_table,
    mean_of,
)

Floats = NDArray[np.float64]

_CELLS_AT_ONCE = 500_000
"""Swaps in memory at once (4 MB at most, which stays in the cache), whatever the number of items."""

_TIE = 1e-10
"""Differences closer than this are equal: sums of fractions are added in another order in every trial."""


@dataclass(frozen=True)
class Pairs:
    """What is known of systems that answered the same items; bounds and bootstrap are None for fewer than two items."""

    scores: Floats
    """[systems]"""
    intervals: Floats | None
    """[systems, 2], 95 %."""
    differences: Floats
    """[systems, systems]: row minus column."""
    difference_intervals: Floats | None
    """[systems, systems, 2], 95 %."""
    standard_errors: Floats | None
    """[systems, systems], of the differences."""
    p_bootstrap: Floats | None
    """[systems, systems]; 1 on the diagonal."""
    p_randomization: Floats
    """[systems, systems]; 1 on the diagonal."""


class PairedTest(NamedTuple):
    """Second system against first; interval and bootstrap are None for fewer than two items."""

    difference: float
    """Second minus first."""
    interval: Interval | None
    standard_error: float | None
    p_bootstrap: float | None
    p_randomization: float


def paired_test(
    statistics: ArrayLike, aggregate: Aggregate, *, resamples: int = 1000, trials: int = 10_000, seed: int = 12345
) -> PairedTest:
    """Return both tests of two systems; ``statistics`` is [2, items, k]."""
    pairs = all_pairs([statistics], aggregate, resamples=resamples, trials=trials, seed=seed)
    difference, p = float(pairs.differences[1, 0]), float(pairs.p_randomization[1, 0])
    if pairs.difference_intervals is None or pairs.p_bootstrap is None or pairs.standard_errors is None:
        return PairedTest(difference, None, None, None, p)
    low, high = map(float, pairs.difference_intervals[1, 0])
    return PairedTest(
        difference, Interval(low, high), float(pairs.standard_errors[1, 0]), float(pairs.p_bootstrap[1, 0]), p
    )


def all_pairs(
    strata: Sequence[ArrayLike | Stratum],
    aggregate: Aggregate,
    *,
    resamples: int = 1000,
    trials: int = 10_000,
    seed: int = 12345,
) -> Pairs:
    """Return scores, differences and tests of every pair of systems; one stratum is the usual case.

    Each stratum is [systems, items, k]. With several the score is the plain average of the strata's scores, and items
    are resampled and swapped within each. For clusters give rows of `by_cluster`, for subsets that share items strata
    of `join`.
    """
    given = [as_stratum(rows) for rows in strata]
    parts = sum(stratum.parts for stratum in given)
    tables = [_Table(rows, mean_of(aggregate, count), count / parts) for rows, count in given]
    scores = _average(tables, [table.aggregate(table.rows.sum(axis=1)) for table in tables])
    p = _randomization(tables, trials, seed)
    differences = scores[:, None] - scores[None, :]
    if min(table.rows.shape[1] for table in tables) < 2:
        return Pairs(scores, None, differences, None, None, None, p)
    generator = np.random.default_rng(seed)
    resampled = _average(
        tables,
        [bootstrap_scores(rows, each, resamples=resamples, seed=generator) for rows, each, _ in tables],
    )
    between = resampled[:, None] - resampled[None, :]
    return Pairs(
        scores,
        _bounds(resampled),
        differences,
        _bounds(between),
        between.std(axis=-1, ddof=1),
        _bootstrap_p(between, differences),
        p,
    )


def _bounds(resampled: Floats) -> Floats:
    return np.moveaxis(np.quantile(resampled, [0.025, 0.975], axis=-1), 0, -1)


def _bootstrap_p(between: Floats, differences: Floats) -> Floats:
    """Return sacrebleu's p of resampled differences [..., resamples], ties counted as evidence against one."""
    sizes = np.abs(between)
    excess = sizes - sizes.mean(axis=-1, keepdims=True)
    extreme = (excess >= np.abs(differences)[..., None] - _TIE).sum(axis=-1)
    return (extreme + 1) / (between.shape[-1] + 1)


class _Table(NamedTuple):
    """A stratum [systems, items, k], what turns its sums into scores, and its weight in the average."""

    rows: Floats
    aggregate: Aggregate
    weight: float


def _average(tables: Sequence[_Table], scores: Sequence[Floats]) -> Floats:
    return np.sum([table.weight * each for table, each in zip(tables, scores, strict=True)], axis=0)


def _randomization(tables: Sequence[_Table], trials: int, seed: int) -> Floats:
    systems = len(tables[0].rows)
    p = np.ones((systems, systems))
    sampled = []
    for pair in combinations(range(systems), 2):
        moves = _every_swap([table.rows[pair[0]] - table.rows[pair[1]] for table in tables], trials)
        if moves is None:
            sampled.append(pair)
            continue
        swapped = _average(tables, [_swapped(table, pair, moved) for table, moved in zip(tables, moves, strict=True)])
        # The first swap is none at all, so that an exact p is at least 1 / 2^n without adding to the count.
        p[pair] = p[pair[::-1]] = (np.abs(swapped) >= abs(swapped[0]) - _TIE).mean()
    if sampled:
        for pair, value in zip(sampled, _sampled_p(tables, sampled, trials, seed), strict=True):
            p[pair] = p[pair[::-1]] = value
    return p


def _sampled_p(tables: Sequence[_Table], pairs: Sequence[tuple[int, int]], trials: int, seed: int) -> Floats:
    """Return p of each pair from random swaps, the same swaps for all pairs."""
    generator = np.random.default_rng(seed)
    swapped, observed = np.zeros((len(pairs), trials)), np.zeros(len(pairs))
    for table in tables:
        taken = _taken(table.rows, trials, generator)
        nothing = np.zeros((1, table.rows.shape[2]))
        for number, pair in enumerate(pairs):
            swapped[number] += table.weight * _swapped(table, pair, taken[:, pair[0]] - taken[:, pair[1]])
            observed[number] += table.weight * _swapped(table, pair, nothing)[0]
    extreme = (np.abs(swapped) >= np.abs(observed)[:, None] - _TIE).sum(axis=1)
    return (extreme + 1) / (trials + 1)


def _swapped(table: _Table, pair: tuple[int, int], moved: Floats) -> Floats:
    """Return the differences of a pair's scores after statistics [trials, k] moved from the one to the other."""
    first, second = (table.rows[system].sum(axis=0) for system in pair)
    return table.aggregate(second + moved) - table.aggregate(first - moved)


def _taken(rows: Floats, trials: int, generator: np.random.Generator) -> Floats:
    """Return the sums [trials, systems, k] over a random half of the items, the same half for all systems."""
    systems, items, k = rows.shape
    table = exact_table(np.moveaxis(rows, 1, 0).reshape(items, -1), most=items)
    # numpy draws booleans 32 at a time: blocks of 32 rows waste none, so the draws do not depend on the block.
    block = max(32, _CELLS_AT_ONCE // items // 32 * 32)
    parts = []
    for start in range(0, trials, block):
        half = _coins((min(block, trials - start), items), generator)
        parts.append((half.astype(table.dtype) @ table).astype(np.float64))
    return np.concatenate(parts).reshape(trials, systems, k)


def _coins(shape: tuple[int, int], generator: np.random.Generator) -> NDArray[np.uint8]:
    """Return zeros and ones: the very ones of ``generator.integers(2, dtype=bool)``, ten times as fast.

    numpy takes booleans bit by bit from 32-bit words, lowest bit first, and so does this, all at once.
    """
    count = shape[0] * shape[1]
    words = generator.integers(0, 2**32, size=-(-count // 32), dtype=np.uint32).astype("<u4", copy=False)
    return np.unpackbits(words.view(np.uint8), count=count, bitorder="little").reshape(shape)


def _every_swap(differences: Sequence[Floats], trials: int) -> list[Floats] | None:
    """Return what moves [swaps, k] in each stratum in every possible swap; None if these are more than ``trials``.

    Swapping an item on which two systems agree moves nothing, so only the others are enumerated.
    """
    apart = [rows[(rows != 0).any(axis=1)] for rows in differences]
    total = sum(map(len, apart))
    if total > trials.bit_length() or 2**total > trials:
        return None
    chosen = (np.arange(2**total)[:, None] >> np.arange(total)) & 1
    return list(_moves(chosen, apart))


def _moves(chosen: NDArray[np.int64], apart: Sequence[Floats]) -> Iterator[Floats]:
    start = 0
    for rows in apart:
        yield chosen[:, start : start + len(rows)] @ rows
        start += len(rows)
