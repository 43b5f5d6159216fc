"""Intervals against scipy, sacrebleu and the worked examples of the literature."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.stats
from sacrebleu.metrics.bleu import BLEU
from sacrebleu.significance import _bootstrap_resample

from bayling_bench import statistics
from bayling_bench.scoring import translation
from bayling_bench.statistics import bootstrap

WORDS = ["the", "old", "bridge", "over", "a", "river", "stays", "closed", "until", "spring", "and", "nobody", "minds"]


def corpus(items: int) -> tuple[list[str], list[list[str]]]:
    generator = np.random.default_rng(7)
    references = [" ".join(generator.choice(WORDS, size=12)) for _ in range(items)]
    hypotheses = [" ".join(word for word in line.split() if generator.random() > 0.15) for line in references]
    return hypotheses, [[line] for line in references]


@pytest.mark.parametrize(
    ("successes", "n", "low", "high"),
    [  # Newcombe (1998), Statistics in Medicine 17:857, table I, method 3 (score, no continuity correction)
        (81, 263, 0.2553, 0.3662),
        (15, 148, 0.0624, 0.1605),
        (0, 20, 0.0000, 0.1611),
        (1, 29, 0.0061, 0.1718),
    ],
)
def test_wilson_of_newcombes_table(successes: int, n: int, low: float, high: float):
    assert statistics.wilson(successes, n) == pytest.approx((low, high), abs=0.00005)


@pytest.mark.parametrize(("successes", "n"), [(0, 1), (1, 1), (3, 10), (10, 10), (123, 4567)])
@pytest.mark.parametrize("level", [0.9, 0.95, 0.99])
def test_wilson_equals_scipy(successes: int, n: int, level: float):
    expected = scipy.stats.binomtest(successes, n).proportion_ci(level, method="wilson")
    assert statistics.wilson(successes, n, level) == pytest.approx((expected.low, expected.high), abs=1e-12)


def test_wilson_at_the_ends():
    assert statistics.wilson(0, 0) == (0, 1)
    assert statistics.wilson(0, 7).low == 0
    assert statistics.wilson(7, 7).high == 1
    with pytest.raises(ValueError, match="8 successes of 7"):
        statistics.wilson(8, 7)


@pytest.mark.parametrize("level", [0.9, 0.95])
def test_mean_equals_scipys_percentile_bootstrap(level: float):
    values = np.random.default_rng(1).gamma(2, size=301)
    expected = scipy.stats.bootstrap(
        (values,), np.mean, n_resamples=1000, method="percentile", confidence_level=level, rng=np.random.default_rng(3)
    ).confidence_interval
    ours = statistics.bootstrap_mean(values, seed=3, level=level)
    assert ours == pytest.approx((expected.low, expected.high), abs=1e-12)


def test_ratio_equals_scipys_percentile_bootstrap():
    generator = np.random.default_rng(2)
    whole = generator.integers(1, 4, size=150)
    part = generator.binomial(whole, 0.7)
    expected = scipy.stats.bootstrap(
        (part, whole),
        lambda x, y, axis: x.sum(axis=axis) / y.sum(axis=axis),
        paired=True,
        n_resamples=500,
        method="percentile",
        rng=np.random.default_rng(9),
    ).confidence_interval
    ours = statistics.bootstrap_interval(np.stack([part, whole], axis=1), statistics.ratio, resamples=500, seed=9)
    assert ours == pytest.approx((expected.low, expected.high), abs=1e-12)


def test_bleu_equals_sacrebleus_resamples(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("SACREBLEU_SEED", "12345")
    rows = translation.segment_statistics("bleu", "en", *corpus(80))
    _, resampled = _bootstrap_resample(rows, BLEU(), 1000)
    expected = np.quantile([score.score for score in resampled], [0.025, 0.975])
    ours = statistics.bootstrap_interval(rows, lambda sums: translation.corpus_scores("bleu", sums))
    assert ours == pytest.approx(tuple(expected), abs=1e-4)  # sacrebleu resamples in single precision
    assert ours is not None
    assert ours.low < translation.corpus_score("bleu", rows) < ours.high


@pytest.mark.parametrize("metric", translation.METRICS)
def test_every_metric_has_an_interval_around_its_score(metric: str):
    rows = translation.segment_statistics(metric, "en", *corpus(60))
    ours = statistics.bootstrap_interval(rows, lambda sums: translation.corpus_scores(metric, sums))
    assert ours is not None
    assert 0 < ours.low < translation.corpus_score(metric, rows) < ours.high < 100


def test_blocks_change_nothing(monkeypatch: pytest.MonkeyPatch):
    values = np.random.default_rng(4).normal(size=97)
    whole = statistics.bootstrap_mean(values)
    monkeypatch.setattr(bootstrap, "_COUNTS_AT_ONCE", 1000)
    assert statistics.bootstrap_mean(values) == pytest.approx(whole, abs=1e-12)
    monkeypatch.setattr(bootstrap, "_COUNTS_AT_ONCE", 1)
    assert statistics.bootstrap_mean(values) == pytest.approx(whole, abs=1e-12)


def test_seed_decides():
    values = np.random.default_rng(4).normal(size=97)
    assert statistics.bootstrap_mean(values, seed=1) == statistics.bootstrap_mean(values, seed=1)
    assert statistics.bootstrap_mean(values, seed=1) != statistics.bootstrap_mean(values, seed=2)


def test_too_few_items_have_no_interval():
    assert statistics.bootstrap_mean([]) is None
    assert statistics.bootstrap_mean([0.5]) is None
    assert statistics.bootstrap_interval(np.zeros((0, 10)), lambda sums: sums[:, 0]) is None


def test_equal_items_have_an_interval_of_no_width():
    assert statistics.bootstrap_mean([1.0] * 30) == (1, 1)
    assert statistics.bootstrap_mean([0, 0]) == (0, 0)


def test_ratio_of_nothing_is_zero():
    assert statistics.ratio(np.array([[0.0, 0.0], [1.0, 4.0]])).tolist() == [0, 0.25]


@pytest.mark.parametrize(
    ("successes", "n", "low", "high"),
    [  # statsmodels 0.15.0: proportion_confint(successes, n, method="wilson")
        (0, 22, 0.0, 0.14865487460862095),
        (5, 22, 0.10123039985248514, 0.43439953175221724),
        (117, 206, 0.4996825980632782, 0.6337514723885742),
        (651, 651, 0.9941337574630472, 1.0),
    ],
)
def test_wilson_equals_statsmodels(successes: int, n: int, low: float, high: float):
    assert statistics.wilson(successes, n) == pytest.approx((low, high), abs=1e-12)


def test_clusters_are_resampled_as_scipy_resamples_their_sums():
    generator = np.random.default_rng(3)
    passage = generator.integers(0, 25, 120).tolist()
    right = generator.integers(0, 2, 120)
    seen = list(dict.fromkeys(passage))
    won = np.array([sum(value for value, name in zip(right, passage, strict=True) if name == one) for one in seen])
    asked = np.array([passage.count(one) for one in seen])
    expected = scipy.stats.bootstrap(
        (won, asked),
        lambda x, y, axis: x.sum(axis=axis) / y.sum(axis=axis),
        paired=True,
        n_resamples=800,
        method="percentile",
        rng=np.random.default_rng(6),
    ).confidence_interval
    ours = statistics.bootstrap_mean(right, passage, resamples=800, seed=6)
    assert ours == pytest.approx((expected.low, expected.high), abs=1e-12)


def test_clusters_of_one_item_are_items():
    values = np.random.default_rng(3).integers(0, 2, 50)
    assert statistics.bootstrap_mean(values, range(50)) == statistics.bootstrap_mean(values)


def test_one_cluster_has_no_interval():
    assert statistics.bootstrap_mean([1, 0, 1], ["p", "p", "p"]) is None


def test_clusters_must_name_every_item():
    with pytest.raises(ValueError, match="2 clusters for 3 items"):
        statistics.by_cluster(np.ones((3, 2)), ["a", "b"])


def test_macro_average_of_one_stratum_is_plain():
    rows = np.array([[value, 1] for value in (0, 1, 1, 0, 1, 1, 1)])
    assert statistics.macro_interval([rows], statistics.ratio) == statistics.bootstrap_interval(rows, statistics.ratio)


def test_macro_average_is_as_wide_as_its_strata_say():
    """Independent strata: the variance of the mean of three is the sum of variances over nine."""
    generator = np.random.default_rng(9)
    strata = [np.stack([generator.normal(0, 1, n), np.ones(n)], axis=1) for n in (50, 200, 800)]
    interval = statistics.macro_interval(strata, statistics.ratio, resamples=4000)
    assert interval is not None
    expected = 2 * 1.96 * sum(rows[:, 0].var() / len(rows) for rows in strata) ** 0.5 / 3
    assert interval.high - interval.low == pytest.approx(expected, rel=0.06)


def test_macro_average_with_a_lone_item_has_no_interval():
    assert statistics.macro_interval([np.ones((30, 2)), np.ones((1, 2))], statistics.ratio) is None


def test_systems_see_the_same_resamples():
    rows = np.random.default_rng(2).integers(0, 2, (40, 1)).astype(float)
    both = statistics.bootstrap_scores(np.stack([rows, 2 * rows]), lambda sums: sums[:, 0])
    assert (both[1] == 2 * both[0]).all()
    assert (both[0] == statistics.bootstrap_scores(rows, lambda sums: sums[:, 0])).all()
