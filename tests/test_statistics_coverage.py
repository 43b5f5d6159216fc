"""Do 95 % intervals cover 95 %? Seeded simulations of populations whose true score is known."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from test_statistics import corpus

from bayling_bench import statistics
from bayling_bench.scoring import translation

SAMPLES = 1500
"""With a true 95 %, the share covered is then 0.95 ± 0.0056 (one standard error)."""


def covered(truth: float, interval_of: Callable[[np.random.Generator], statistics.Interval | None]) -> float:
    generator = np.random.default_rng(20)
    hits = 0
    for _ in range(SAMPLES):
        interval = interval_of(generator)
        assert interval is not None
        hits += interval.low <= truth <= interval.high
    return hits / SAMPLES


def passages(generator: np.random.Generator, count: int) -> tuple[np.ndarray, np.ndarray]:
    """Return right answers (a mean of 0.5) and passages: five questions each, of one difficulty."""
    difficulty = generator.beta(2, 2, count)
    return generator.binomial(1, np.repeat(difficulty, 5)), np.repeat(np.arange(count), 5)


@pytest.mark.slow
def test_wilson_covers():
    assert 0.93 <= covered(0.3, lambda draw: statistics.wilson(int(draw.binomial(120, 0.3)), 120)) <= 0.97


@pytest.mark.slow
def test_bootstrap_of_a_mean_covers():
    def interval(draw: np.random.Generator) -> statistics.Interval | None:
        return statistics.bootstrap_mean(draw.gamma(2, size=120), resamples=500, seed=draw)

    assert 0.93 <= covered(2.0, interval) <= 0.97


@pytest.mark.slow
def test_bootstrap_of_a_ratio_covers():
    def interval(draw: np.random.Generator) -> statistics.Interval | None:
        whole = draw.integers(1, 5, 150)
        rows = np.stack([draw.binomial(whole, 0.8), whole], axis=1)
        return statistics.bootstrap_interval(rows, statistics.ratio, resamples=500, seed=draw)

    assert 0.93 <= covered(0.8, interval) <= 0.97


@pytest.mark.slow
def test_bootstrap_by_passage_covers_and_by_item_does_not():
    def interval(draw: np.random.Generator, *, clustered: bool) -> statistics.Interval | None:
        right, passage = passages(draw, 80)
        return statistics.bootstrap_mean(right, passage.tolist() if clustered else None, resamples=500, seed=draw)

    assert 0.93 <= covered(0.5, lambda draw: interval(draw, clustered=True)) <= 0.97
    assert covered(0.5, lambda draw: interval(draw, clustered=False)) < 0.9


@pytest.mark.slow
def test_bootstrap_of_bleu_covers():
    rows = np.array(translation.segment_statistics("bleu", "en", *corpus(4000)), dtype=float)
    truth = translation.corpus_score("bleu", rows.tolist())

    def interval(draw: np.random.Generator) -> statistics.Interval | None:
        sample = rows[draw.integers(0, len(rows), 200)]
        return statistics.bootstrap_interval(
            sample, lambda sums: translation.corpus_scores("bleu", sums), resamples=500, seed=draw
        )

    assert 0.93 <= covered(truth, interval) <= 0.97


@pytest.mark.slow
def test_macro_average_covers():
    """Subsets of 40, 120 and 300 items: each counts a third, whatever its size."""
    subsets = {40: 0.7, 120: 0.5, 300: 0.3}

    def interval(draw: np.random.Generator) -> statistics.Interval | None:
        strata = [np.stack([draw.binomial(1, p, n), np.ones(n)], axis=1) for n, p in subsets.items()]
        return statistics.macro_interval(strata, statistics.ratio, resamples=500, seed=draw)

    assert 0.93 <= covered(0.5, interval) <= 0.97


@pytest.mark.slow
def test_difference_of_paired_systems_covers():
    def interval(draw: np.random.Generator) -> statistics.Interval | None:
        item = draw.normal(size=100)
        values = np.stack([item + draw.normal(size=100), item + 0.4 + draw.normal(size=100)])
        rows = np.stack([values, np.ones_like(values)], axis=-1)
        return statistics.paired_test(
            rows, statistics.ratio, resamples=500, trials=1, seed=int(draw.integers(2**31))
        ).interval

    assert 0.93 <= covered(0.4, interval) <= 0.97


@pytest.mark.slow
def test_detectable_share_is_detected_four_times_in_five():
    """Connor's difference at n = 400 with 30 % discordant items, found by randomization."""
    difference = statistics.detectable_share(400, 0.3)
    assert difference is not None
    generator = np.random.default_rng(2)
    found = 0
    for number in range(300):
        gained, lost, same = generator.multinomial(400, [0.15 + difference / 2, 0.15 - difference / 2, 0.7])
        first, second = np.repeat([0, 1, 1], [gained, lost, same]), np.repeat([1, 0, 1], [gained, lost, same])
        rows = np.stack([np.stack([column, np.ones(400)], axis=1) for column in (first, second)])
        tested = statistics.paired_test(rows, statistics.ratio, resamples=2, trials=1000, seed=number)
        found += tested.p_randomization < 0.05
    assert found / 300 == pytest.approx(0.8, abs=0.07)
