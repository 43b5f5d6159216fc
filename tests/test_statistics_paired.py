"""Paired tests against sacrebleu's own, scipy's permutation test and McNemar's exact test."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.stats
from sacrebleu.metrics.bleu import BLEU
from sacrebleu.metrics.chrf import CHRF
from sacrebleu.significance import PairedTest
from test_statistics import corpus

from bayling_bench import statistics
from bayling_bench.scoring import translation
from bayling_bench.statistics import paired

METRICS = {"bleu": BLEU, "chrf": CHRF}


def systems(items: int, count: int, worse: float = 0.02) -> tuple[list[list[str]], list[list[str]]]:
    """Return outputs of systems of which each drops more words than the last, and the references."""
    _, references = corpus(items)
    generator = np.random.default_rng(11)
    outputs = [
        [" ".join(word for word in line.split() if generator.random() > 0.1 + worse * number) for (line,) in references]
        for number in range(count)
    ]
    return outputs, references


def rows_of(metric: str, outputs: list[list[str]], references: list[list[str]]) -> np.ndarray:
    return np.array([translation.segment_statistics(metric, "en", lines, references) for lines in outputs])


def shares(*columns: list[int]) -> np.ndarray:
    """Return statistics of accuracies for `statistics.ratio`."""
    return np.array([[[value, 1] for value in column] for column in columns], dtype=float)


@pytest.mark.parametrize("metric", ["bleu", "chrf"])
@pytest.mark.parametrize(("test", "trials"), [("bs", 500), ("ar", 800)])
def test_p_equals_sacrebleus(metric: str, test: str, trials: int, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("SACREBLEU_SEED", "12345")
    outputs, references = systems(70, 4)
    named = [(str(number), lines) for number, lines in enumerate(outputs)]
    streams = [[line for (line,) in references]]
    expected = PairedTest(named, {metric: METRICS[metric]()}, streams, test, n_samples=trials)()[1]
    found = statistics.all_pairs(
        [rows_of(metric, outputs, references)],
        lambda sums: translation.corpus_scores(metric, sums),
        resamples=trials,
        trials=trials,
    )
    results = next(column for name, column in expected.items() if name != "System")
    p = found.p_bootstrap if test == "bs" else found.p_randomization
    assert p is not None
    assert found.scores == pytest.approx([result.score for result in results], abs=1e-9)
    # The same draws. One trial may fall on the other side: sacrebleu's bootstrap sums in single precision, and a swap
    # that leaves BLEU just as far apart counts here and not there.
    assert p[0, 1:] == pytest.approx([result.p_value for result in results[1:]], abs=1.5 / trials)


def test_randomization_of_means_agrees_with_scipy():
    generator = np.random.default_rng(5)
    first, second = generator.normal(0, 1, 60), generator.normal(0.3, 1, 60)
    expected = scipy.stats.permutation_test(
        (first, second),
        lambda x, y, axis: np.mean(x - y, axis=axis),
        permutation_type="samples",
        vectorized=True,
        n_resamples=20_000,
        rng=np.random.default_rng(1),
    ).pvalue
    ones = np.ones(60)
    rows = np.stack([np.stack([values, ones], axis=1) for values in (first, second)])
    found = statistics.paired_test(rows, statistics.ratio, trials=20_000)
    assert found.p_randomization == pytest.approx(expected, abs=0.01)  # 4 standard errors of two simulations
    assert found.difference == pytest.approx(second.mean() - first.mean())


def test_few_items_are_enumerated_as_scipy_does():
    first, second = [3.0, 1.5, 2.0, 8.0, 4.0, 4.0, 1.0], [2.5, 3.5, 6.0, 9.0, 4.0, 7.5, 0.25]
    expected = scipy.stats.permutation_test(
        (first, second), lambda x, y: np.mean(x) - np.mean(y), permutation_type="samples", n_resamples=10_000
    ).pvalue
    rows = np.array([[[value, 1] for value in column] for column in (first, second)])
    assert statistics.paired_test(rows, statistics.ratio).p_randomization == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize(
    ("gained", "lost", "p"),
    [  # statsmodels 0.15.0: mcnemar([[30, gained], [lost, 54]], exact=True).pvalue
        (5, 1, 0.21875),
        (7, 2, 0.1796875),
    ],
)
def test_few_flips_are_mcnemars_exact_test(gained: int, lost: int, p: float):
    first = [1] * lost + [0] * gained + [1] * 30 + [0] * 54
    second = [0] * lost + [1] * gained + [1] * 30 + [0] * 54
    assert statistics.paired_test(shares(first, second), statistics.ratio).p_randomization == pytest.approx(p)


def test_many_flips_come_near_mcnemars_exact_test():
    # statsmodels 0.15.0: mcnemar([[30, 12], [4, 54]], exact=True).pvalue
    first, second = [1] * 4 + [0] * 12 + [1] * 84, [0] * 4 + [1] * 12 + [1] * 84
    found = statistics.paired_test(shares(first, second), statistics.ratio, trials=10_000)
    assert found.p_randomization == pytest.approx(0.076812744, abs=0.01)


def test_interval_of_the_difference_is_scipys():
    generator = np.random.default_rng(8)
    first, second = generator.integers(0, 2, 90), generator.integers(0, 2, 90)
    expected = scipy.stats.bootstrap(
        (second, first),
        lambda x, y, axis: x.mean(axis=axis) - y.mean(axis=axis),
        paired=True,
        n_resamples=1000,
        method="percentile",
        rng=np.random.default_rng(4),
    )
    found = statistics.paired_test(shares(first.tolist(), second.tolist()), statistics.ratio, seed=4)
    assert found.interval == pytest.approx(tuple(expected.confidence_interval), abs=1e-12)
    assert found.standard_error == pytest.approx(expected.standard_error, abs=1e-12)


def test_equal_systems_differ_by_chance_only():
    found = statistics.paired_test(shares([1, 0, 1] * 20, [1, 0, 1] * 20), statistics.ratio)
    assert found == (0, (0, 0), 0, 1, 1)


@pytest.mark.parametrize("value", [0, 1])
def test_all_items_equal(value: int):
    found = statistics.paired_test(shares([value] * 30, [value] * 30), statistics.ratio)
    assert found == (0, (0, 0), 0, 1, 1)


def test_as_many_gained_as_lost_is_no_evidence():
    assert statistics.paired_test(shares([1, 0] * 6, [0, 1] * 6), statistics.ratio).p_randomization == 1


def test_one_item_says_nothing():
    assert statistics.paired_test(shares([0], [1]), statistics.ratio) == (1, None, None, None, 1)


def test_blocks_change_nothing(monkeypatch: pytest.MonkeyPatch):
    outputs, references = systems(33, 2, worse=0.1)
    rows = rows_of("bleu", outputs, references)
    whole = paired._taken(rows, 500, np.random.default_rng(3))
    monkeypatch.setattr(paired, "_CELLS_AT_ONCE", 1)
    assert (paired._taken(rows, 500, np.random.default_rng(3)) == whole).all()


def test_order_of_a_pair_changes_the_sign_alone():
    outputs, references = systems(40, 3)
    found = statistics.all_pairs(
        [rows_of("chrf", outputs, references)], lambda sums: translation.corpus_scores("chrf", sums), trials=500
    )
    assert found.differences == pytest.approx(-found.differences.T)
    assert (found.p_randomization == found.p_randomization.T).all()
    assert found.difference_intervals is not None
    assert found.difference_intervals[0, 1] == pytest.approx(-found.difference_intervals[1, 0][::-1])


def test_macro_average_swaps_within_strata():
    """One flip in each of two subsets of 2 and 4 items: differences ± 1/2 ± 1/4 over 2, so p = 2 / 4 by hand."""
    strata = [shares([0, 1], [1, 1]), shares([0, 1, 1, 0], [1, 1, 1, 0])]
    found = statistics.all_pairs(strata, statistics.ratio)
    assert found.differences[1, 0] == pytest.approx((1 / 2 + 1 / 4) / 2)
    assert found.p_randomization[0, 1] == 0.5


def test_macro_average_sampled_agrees_with_enumerated():
    strata = [shares([0, 1, 1, 0, 0, 1, 0], [1, 0, 1, 1, 1, 1, 1]), shares([0, 0, 1] * 4, [1, 0, 0] + [1, 0, 1] * 3)]
    exact = statistics.all_pairs(strata, statistics.ratio, trials=2**10)
    sampled = statistics.all_pairs(strata, statistics.ratio, trials=500)
    assert sampled.p_randomization[0, 1] == pytest.approx(exact.p_randomization[0, 1], abs=0.04)
    assert sampled.p_randomization[0, 1] != exact.p_randomization[0, 1]


@pytest.mark.slow
def test_errors_of_the_first_kind():
    """Of equal systems, randomization finds 5 % different at p < 0.05; sacrebleu's bootstrap about 10 %, as stated."""
    generator = np.random.default_rng(1)
    found = []
    for number in range(800):
        values = generator.normal(size=(2, 60)) + generator.normal(size=60)
        rows = np.stack([values, np.ones_like(values)], axis=-1)
        tested = statistics.paired_test(rows, statistics.ratio, resamples=300, trials=300, seed=number)
        found.append((tested.p_randomization < 0.05, (tested.p_bootstrap or 0) < 0.05))
    by_randomization, by_bootstrap = np.mean(found, axis=0)
    assert 0.03 < by_randomization < 0.07
    assert 0.075 < by_bootstrap < 0.125
