"""Agreement and the length-controlled win rate, against scipy and scikit-learn."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import optimize, stats
from sklearn.metrics import cohen_kappa_score

from bayling_bench import statistics


@pytest.mark.parametrize("seed", range(4))
def test_kappa_and_correlations_are_those_of_scikit_learn_and_scipy(seed: int):
    generator = np.random.default_rng(seed)
    first = generator.integers(0, 3, 80)
    second = np.where(generator.random(80) < 0.6, first, generator.integers(0, 3, 80))
    assert statistics.cohen_kappa(list(first), list(second)) == pytest.approx(cohen_kappa_score(first, second))
    assert statistics.spearman(first, second) == pytest.approx(stats.spearmanr(first, second).statistic)
    assert statistics.pearson(first, second) == pytest.approx(stats.pearsonr(first, second).statistic)


def test_what_is_not_defined_is_none():
    assert statistics.cohen_kappa([], []) is None and statistics.cohen_kappa(["a", "a"], ["a", "a"]) is None
    assert statistics.spearman([1], [2]) is None and statistics.spearman([1, 1], [1, 2]) is None
    with pytest.raises(ValueError, match="2 and 3 items"):
        statistics.pearson([1, 2], [1, 2, 3])


def outcomes(seed: int, n: int = 120, effect: float = 1.3) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return wins, lengths and the length term of Dubois et al. (2024) of made-up questions."""
    generator = np.random.default_rng(seed)
    lengths = generator.integers(50, 2000, (n, 2))
    difference = lengths[:, 0] - lengths[:, 1]
    term = np.tanh(difference / difference.std())
    won = (generator.random(n) < 1 / (1 + np.exp(0.5 - effect * term))).astype(float)
    return np.where(generator.random(n) < 0.1, 0.5, won), lengths, term


@pytest.mark.parametrize("seed", range(4))
def test_the_regression_is_the_maximum_of_the_likelihood(seed: int):
    won, lengths, term = outcomes(seed)

    def loss(values: np.ndarray) -> float:
        logits = values[0] + values[1] * term
        return float(np.sum(np.logaddexp(0, logits) - won * logits))

    best = optimize.minimize(loss, np.zeros(2), method="BFGS", options={"gtol": 1e-9}).x
    found = statistics.length_controlled(won, lengths, resamples=50)
    assert found is not None
    assert found.win_rate == pytest.approx(1 / (1 + np.exp(-best[0])), abs=1e-6)
    assert found.coefficient == pytest.approx(best[1], abs=1e-5)


def test_without_effect_of_length_it_is_the_plain_win_rate():
    won = np.array([1, 0, 1, 1, 0.5, 1, 0, 1] * 4)
    lengths = np.array([[3, 1], [3, 1], [1, 3], [1, 3], [3, 1], [3, 1], [1, 3], [1, 3]] * 4)
    found = statistics.length_controlled(won, lengths)
    plain = 1 / (1 + np.exp(-np.mean([stats.logistic.ppf(won[lengths[:, 0] == size].mean()) for size in (1, 3)])))
    assert found is not None and found.win_rate == pytest.approx(plain)
    assert found.interval is not None and found.interval.low < found.win_rate < found.interval.high


def test_longer_answers_that_win_by_length_alone_lose_their_lead():
    won, lengths, _ = outcomes(3, n=400, effect=2.5)
    longer = np.sort(lengths, axis=1)[:, ::-1]  # the first system is always the longer one
    won = np.where(longer[:, 0] == lengths[:, 0], won, 1 - won)
    found = statistics.length_controlled(won, longer)
    assert found is not None and found.coefficient > 1 and found.win_rate < won.mean() - 0.2


def test_questions_are_resampled_whole_and_the_seed_decides():
    won, lengths, _ = outcomes(0)
    clusters = np.repeat(np.arange(30), 4)
    one, other = (statistics.length_controlled(won, lengths, clusters, resamples=200) for _ in range(2))
    assert one == other and one != statistics.length_controlled(won, lengths, resamples=200)


@pytest.mark.parametrize(
    ("won", "lengths"),
    [
        ([1, 0], [[1, 2], [2, 1]]),
        ([1, 0, 1, 0], [[5, 5]] * 4),
        ([1, 1, 1, 1], [[1, 2], [2, 1], [4, 1], [1, 7]]),
        ([1, 0, 1, 0, 1, 0], [[9, 1], [1, 9], [8, 1], [1, 8], [9, 2], [2, 9]]),
    ],
)
def test_where_there_is_no_estimate_there_is_none(won: list, lengths: list):
    assert statistics.length_controlled(won, lengths) is None
