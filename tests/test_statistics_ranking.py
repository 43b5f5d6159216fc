"""Corrections, clusters, detectable differences and strengths against statsmodels, R and hand-made tables."""

from __future__ import annotations

from math import log

import numpy as np
import pytest

from bayling_bench import statistics
from bayling_bench.errors import BenchError


@pytest.mark.parametrize(
    ("p", "corrected"),
    [
        # statsmodels 0.15.0: multipletests(p, method="holm")[1]
        ([0.01, 0.04, 0.03, 0.005, 0.6, 0.03], [0.05, 0.12, 0.12, 0.03, 0.6, 0.12]),
        ([0.2], [0.2]),
        ([0.7, 0.8], [1, 1]),
        ([], []),
    ],
)
def test_holm_equals_statsmodels(p: list[float], corrected: list[float]):
    assert statistics.holm(p) == pytest.approx(corrected)


def test_holm_of_pairs_counts_each_pair_once():
    p = [[1, 0.01, 0.04], [0.01, 1, 0.03], [0.04, 0.03, 1]]
    assert statistics.holm_pairs(p) == pytest.approx(np.array([[1, 0.03, 0.06], [0.03, 1, 0.06], [0.06, 0.06, 1]]))


def test_clusters_part_where_all_above_beat_all_below():
    scores = [20, 35, 34, 21, 10]
    p = np.full((5, 5), 0.001)
    for tied in ((1, 2), (0, 3)):
        p[tied] = p[tied[::-1]] = 0.3
    assert statistics.rank(scores, p) == [(1, 1, 1, 2), (2, 1, 1, 2), (3, 2, 3, 4), (0, 2, 3, 4), (4, 3, 5, 5)]


def test_a_chain_of_ties_is_one_cluster():
    """First beats third, but neither is told from the second: no line can be drawn, and the ranges say why."""
    p = np.array([[1, 0.2, 0.01], [0.2, 1, 0.2], [0.01, 0.2, 1]])
    assert statistics.rank([3, 2, 1], p) == [(0, 1, 1, 2), (1, 1, 1, 3), (2, 1, 2, 3)]


def test_lower_may_be_better():
    places = statistics.rank([70, 60], [[1, 0.01], [0.01, 1]], higher_is_better=False)
    assert [(place.system, place.cluster) for place in places] == [(1, 1), (0, 2)]


def test_equal_scores_share_a_cluster():
    assert [place.cluster for place in statistics.rank([5, 5, 5], np.ones((3, 3)))] == [1, 1, 1]
    assert statistics.rank([5], [[1]]) == [(0, 1, 1, 1)]


@pytest.mark.parametrize(
    ("n", "effect"),
    [  # statsmodels 0.15.0: NormalIndPower().solve_power(nobs1=n, alpha=0.05, power=0.8, ratio=0)
        (22, 0.5972990460686267),
        (206, 0.19519538861778674),
        (1875, 0.0646997497812059),
    ],
)
def test_detectable_mean_equals_statsmodels(n: int, effect: float):
    assert statistics.detectable_mean(n, 1.0) == pytest.approx(effect, abs=1e-5)
    assert statistics.detectable_difference(3 / n**0.5) == pytest.approx(3 * effect, abs=1e-4)


def test_detectable_share_inverts_published_sample_sizes():
    """Connor's formula by other calculators: 0.45 against 0.05 takes 23 pairs (powerandsamplesize.com, "McNemar
    Z-test", 2-sided, alpha 0.05, power 0.8); 0.30 against 0.15 takes 155 (clinicaltrials-tools.vercel.app)."""
    below, above = statistics.detectable_share(23, 0.5), statistics.detectable_share(22, 0.5)
    assert below is not None and above is not None
    assert below < 0.4 < above
    below, above = statistics.detectable_share(155, 0.45), statistics.detectable_share(154, 0.45)
    assert below is not None and above is not None
    assert below < 0.15 < above


def test_detectable_share_of_few_items():
    assert statistics.detectable_share(5, 0.3) is None
    for wrong in ((0, 0.5), (10, 0.0), (10, 1.5)):
        with pytest.raises(ValueError, match="items"):
            statistics.detectable_share(*wrong)


TEAMS = ("Milwaukee", "Detroit", "Toronto", "New York", "Boston", "Cleveland", "Baltimore")
SEASON = [  # American League East 1987, wins of row over column: Agresti, Categorical Data Analysis (2002), table 10.10
    [0, 7, 9, 7, 7, 9, 11],
    [6, 0, 7, 5, 11, 9, 9],
    [4, 6, 0, 7, 7, 8, 12],
    [6, 8, 6, 0, 6, 7, 10],
    [6, 2, 6, 7, 0, 7, 12],
    [4, 4, 5, 6, 6, 0, 6],
    [2, 4, 1, 3, 1, 7, 0],
]
# Turner and Firth (2012), Journal of Statistical Software 48(9), section 2: log strengths relative to Baltimore
ABILITIES = [1.5814, 1.4364, 1.2945, 1.2476, 1.1077, 0.6839, 0.0]


def games() -> list[tuple[str, str, float]]:
    return [
        (TEAMS[row], TEAMS[column], 1.0) for row in range(7) for column in range(7) for _ in range(SEASON[row][column])
    ]


def test_strengths_of_agrestis_baseball_teams():
    values = statistics.bradley_terry(SEASON, TEAMS)
    assert np.log(values / values[-1]) == pytest.approx(ABILITIES, abs=0.00005)
    assert np.log(values).mean() == pytest.approx(0, abs=1e-12)


def test_strengths_of_judgements_with_intervals():
    found = statistics.strengths(games(), range(len(games())), resamples=400)
    by_name = dict(zip(found.names, found.values, strict=True))
    assert [log(by_name[team] / by_name["Baltimore"]) for team in TEAMS] == pytest.approx(ABILITIES, abs=0.00005)
    assert found.intervals is not None
    assert found.left_out == 0
    for value, (low, high) in zip(found.values, found.intervals, strict=True):
        assert low < value < high


def test_interval_of_two_systems_is_that_of_a_share():
    """Two systems of geometric mean 1 have strengths sqrt(w / l): 60 wins and 40 losses, by the binomial quantiles."""
    judged = [("a", "b", 1.0)] * 60 + [("a", "b", 0.0)] * 40
    found = statistics.strengths(judged, range(100), resamples=4000)
    assert found.values == pytest.approx((1.5**0.5, 1.5**-0.5))
    assert found.intervals is not None
    low, high = (wins / (100 - wins) for wins in (50, 69))  # 2.5 % and 97.5 % of Binomial(100, 0.6)
    assert found.intervals[0] == pytest.approx((low**0.5, high**0.5), abs=0.04)


def test_questions_are_resampled_whole():
    """Ten questions of 20 agreeing judgements each know less than 200 judgements."""
    judged = [("a", "b", float(question < 6)) for question in range(10) for _ in range(20)]
    whole = statistics.strengths(judged, [question for question in range(10) for _ in range(20)])
    apart = statistics.strengths(judged, range(200))
    assert whole.values == apart.values
    assert whole.intervals is not None and apart.intervals is not None
    assert whole.intervals[0].high - whole.intervals[0].low > 3 * (apart.intervals[0].high - apart.intervals[0].low)


def test_ties_are_half_wins():
    mixed = statistics.strengths([("a", "b", 0.5), ("a", "b", 0.5), ("a", "b", 1.0), ("b", "a", 1.0)], range(4))
    assert mixed.values == pytest.approx((1, 1))


def test_all_ties_are_equal_strengths():
    found = statistics.strengths([("a", "b", 0.5), ("b", "c", 0.5)] * 10, [number // 2 for number in range(20)])
    assert found.values == pytest.approx((1, 1, 1))
    assert found.intervals is not None
    assert np.array(found.intervals) == pytest.approx(np.ones((3, 2)))


def test_one_tie_has_no_interval():
    assert statistics.strengths([("a", "b", 0.5)], [0]) == statistics.Strengths(("a", "b"), (1.0, 1.0), None, 0)


@pytest.mark.parametrize(
    ("judged", "message"),
    [
        ([("a", "b", 1.0)], "b neither won nor tied against a"),
        ([("a", "b", 0.5), ("c", "d", 0.5)], "a, b neither won nor tied against c, d"),
        ([("a", "b", 1.0), ("b", "c", 1.0), ("c", "b", 1.0)], "b, c neither won nor tied against a"),
        ([], "no pairwise judgements"),
        ([("a", "a", 1.0)], "a against a"),
        ([("a", "b", 2.0)], "outcome 2.0"),
    ],
)
def test_strengths_that_do_not_exist(judged: list[tuple[str, str, float]], message: str):
    with pytest.raises(BenchError, match=message):
        statistics.strengths(judged, range(len(judged)))


def test_resamples_without_strengths_are_counted():
    """One win in eight: (7/8)^8 = 34 % of resamples lack it, and the interval says so."""
    judged = [("a", "b", 1.0)] * 7 + [("a", "b", 0.0)]
    found = statistics.strengths(judged, range(8), resamples=2000)
    assert found.left_out / 2000 == pytest.approx(0.344, abs=0.04)
    assert found.intervals is not None
    rare = statistics.strengths(judged * 1, [*[0] * 7, 1], resamples=500)  # the win alone, or the losses alone: 50 %
    assert rare.left_out > 0
