"""Averages over subsets that share items: a shared item is drawn, and swapped, for all of them at once."""

from __future__ import annotations

import numpy as np
import pytest

from bayling_bench import statistics
from bayling_bench.statistics.bootstrap import exact_table, join, mean_of

RNG = np.random.default_rng(3)


def shares(hits: np.ndarray) -> np.ndarray:
    return np.column_stack([hits, np.ones(len(hits))])


def test_tables_that_share_no_unit_stay_apart():
    tables = [shares(RNG.integers(2, size=n)) for n in (5, 7)]
    strata = join(tables, [[f"a{i}" for i in range(5)], [f"b{i}" for i in range(7)]])
    assert [stratum.parts for stratum in strata] == [1, 1]
    for stratum, table in zip(strata, tables, strict=True):
        assert np.array_equal(stratum.rows, table)


def test_a_chain_of_shared_units_is_one_stratum_and_keeps_every_sum():
    units = [["p", "q", "q"], ["q", "r"], ["x"], ["r", "s"]]
    tables = [shares(RNG.integers(2, size=len(names))) for names in units]
    strata = join(tables, units)
    assert [(stratum.rows.shape, stratum.parts) for stratum in strata] == [((4, 6), 3), ((1, 2), 1)]
    sums = np.concatenate([stratum.rows.sum(axis=0) for stratum in strata])
    expected = np.concatenate([tables[place].sum(axis=0) for place in (0, 1, 3, 2)])
    assert np.array_equal(sums, expected)


def test_the_score_of_parts_is_the_mean_of_their_scores():
    sums = np.array([[3.0, 4.0, 1.0, 2.0]])
    assert mean_of(statistics.ratio, 2)(sums) == pytest.approx([(3 / 4 + 1 / 2) / 2])


def test_the_interval_is_that_of_drawing_questions_by_hand():
    """Two subsets ask the same 60 questions; a question right in one is mostly right in the other."""
    first = RNG.integers(2, size=60)
    second = np.where(RNG.random(60) < 0.9, first, 1 - first)
    names = [f"question {number}" for number in range(60)]
    strata = join([shares(first), shares(second)], [names, names])
    found = statistics.macro_interval(strata, statistics.ratio)
    draws = np.random.default_rng(12345).integers(0, 60, size=(1000, 60))
    by_hand = np.quantile((first[draws].mean(axis=1) + second[draws].mean(axis=1)) / 2, [0.025, 0.975])
    assert found == pytest.approx(tuple(by_hand))
    apart = statistics.macro_interval([shares(first), shares(second)], statistics.ratio)
    assert apart is not None and found is not None
    assert (found.high - found.low) > 1.2 * (apart.high - apart.low)  # taken as independent it is too narrow


def test_an_average_weighs_every_subset_alike():
    """Two subsets in one stratum and a third alone: the average is over three, not over two strata."""
    names = [f"question {number}" for number in range(20)]
    tables = np.stack([[shares(RNG.integers(2, size=20)) for _ in range(3)] for _ in range(2)])  # [systems, subsets, …]
    strata = join([tables[:, 0], tables[:, 1], tables[:, 2]], [names, names, [f"other {name}" for name in names]])
    pairs = statistics.all_pairs(strata, statistics.ratio, trials=200)
    assert pairs.scores == pytest.approx(tables[..., 0].mean(axis=(1, 2)))


def test_a_swap_takes_a_question_in_every_subset_along():
    """Exact: of 4 questions asked twice the second system is right in both, the first in none, so 2 of 2^4 swaps."""
    names = list("abcd")
    tables = np.stack([shares(np.zeros(4)), shares(np.ones(4))])
    strata = join([tables, tables], [names, names])
    assert statistics.all_pairs(strata, statistics.ratio).p_randomization[0, 1] == 2 / 2**4
    apart = statistics.all_pairs([tables, tables], statistics.ratio)
    assert apart.p_randomization[0, 1] == 2 / 2**8


def test_single_precision_changes_no_p_value():
    """Sums of counts are exact in single precision; fractions are not, and keep double precision."""
    assert exact_table(np.full((4, 1), 2.0**22 - 1), most=4).dtype == np.float32
    assert exact_table(np.full((4, 1), 2.0**22), most=4).dtype == np.float64
    assert exact_table(np.full((4, 1), 0.5), most=4).dtype == np.float64
    counts = RNG.integers(0, 40, size=(2, 300, 2)).astype(float) + 1
    whole = statistics.paired_test(counts, statistics.ratio)
    halves = statistics.paired_test(counts / 2, statistics.ratio)  # the same ratios, of numbers that are not whole
    assert (whole.p_randomization, whole.p_bootstrap) == (halves.p_randomization, halves.p_bootstrap)
    assert whole.interval == pytest.approx(halves.interval)


def test_coins_are_those_that_numpy_draws_as_booleans():
    from bayling_bench.statistics.paired import _coins

    for shape in ((32, 7), (5, 3), (64, 2037), (1, 1)):
        slow, fast = np.random.default_rng(5), np.random.default_rng(5)
        for _ in range(2):  # a second draw goes on where the first ended
            assert np.array_equal(_coins(shape, fast), slow.integers(2, size=shape, dtype=bool))
