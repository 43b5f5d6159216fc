"""What outcomes add up to: wins, ties and losses, score sums and means, with intervals and paired tests.

Questions are drawn with all their outcomes (both languages, one and two turns), as these are not independent. What
failed is counted beside each number and is part of none.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bayling_bench import statistics
from bayling_bench.judge.outcomes import Outcome

RESAMPLES = 1000
SEED = 12345
DIMENSIONS = ("category", "language", "turns", "task")
Row = dict[str, Any]


def summary(outcomes: Sequence[Outcome], systems: int) -> Row:
    """Return all that outcomes of one system (or two) add up to: ``overall``, ``by`` each dimension, and ``tests``."""
    of = pairwise if systems == 2 else alone
    by = {name: {value: of(group) for value, group in groups(outcomes, name).items()} for name in DIMENSIONS}
    found: Row = {"overall": of(outcomes), "by": by}
    if systems == 2:
        found["overall"]["mean_ratio_of_tasks_pct"] = mean_ratio(outcomes)
        found["overall"]["ratio_with_disagreements_pct"] = _ratio([each.every_score for each in outcomes], outcomes)
        found["tests"] = tests(outcomes)
    return found


def groups(outcomes: Sequence[Outcome], dimension: str) -> dict[str, list[Outcome]]:
    """Return outcomes by a dimension's values, in order of first appearance."""
    found: dict[str, list[Outcome]] = {}
    for outcome in outcomes:
        found.setdefault(getattr(outcome, dimension), []).append(outcome)
    return found


def pairwise(outcomes: Sequence[Outcome]) -> Row:
    """Return wins, ties, losses, win rate, score sums, means and ratio of the first system against the second."""
    judged = [each for each in outcomes if each.verdict]
    counts = Counter(each.verdict for each in judged)
    sums = [sum(each.scores[place] for each in judged if each.scores) for place in (0, 1)]
    return {
        **_counts(outcomes, judged),
        **{name: counts[name] for name in ("win", "tie", "lose")},
        "win_rate_pct": _win_rate(judged),
        "sum1": sums[0],
        "sum2": sums[1],
        "mean1": _mean([each.scores[0] for each in judged if each.scores], judged),
        "mean2": _mean([each.scores[1] for each in judged if each.scores], judged),
        "ratio_pct": _ratio([each.scores for each in judged], judged),
    }


def alone(outcomes: Sequence[Outcome]) -> Row:
    """Return the mean score of answers that were judged without an opponent."""
    judged = [each for each in outcomes if each.scores]
    return {**_counts(outcomes, judged), "mean1": _mean([each.scores[0] for each in judged if each.scores], judged)}


def _counts(outcomes: Sequence[Outcome], judged: Sequence[Outcome]) -> Row:
    failures = Counter(each.failure for each in outcomes if each.failure)
    return {"items": len(outcomes), "judged": len(judged), "failures": dict(sorted(failures.items()))}


def value(estimate: float | None, found: statistics.Interval | None = None) -> Row:
    """Return an estimate with its 95 % interval, as results hold it."""
    return {"value": estimate, "low": found.low if found else None, "high": found.high if found else None}


def _win_rate(judged: Sequence[Outcome]) -> Row:
    return share([each.win for each in judged], judged)


def share(values: Sequence[float], judged: Sequence[Outcome]) -> Row:
    """Return the mean of values between 0 and 1 in per cent, with its interval."""
    if not values:
        return value(None)
    clusters = questions(judged)
    if len(set(values)) == 1 and values[0] in (0.0, 1.0):
        # Resampling outcomes that are all alike would give a width of zero, as if nothing were uncertain.
        independent = len(set(clusters))
        found = statistics.wilson(round(values[0] * independent), independent)
    else:
        found = statistics.bootstrap_mean(values, clusters, resamples=RESAMPLES, seed=SEED)
    return value(100 * float(np.mean(values)), found and statistics.Interval(100 * found.low, 100 * found.high))


def _mean(scores: Sequence[float], judged: Sequence[Outcome]) -> Row:
    if not scores:
        return value(None)
    found = statistics.bootstrap_mean(scores, questions(judged), resamples=RESAMPLES, seed=SEED)
    return value(float(np.mean(scores)), found)


def _ratio(scores: Sequence[tuple[float, ...] | None], outcomes: Sequence[Outcome]) -> Row:
    """Return the sum of the first system's scores over that of the second's, in per cent."""
    rows = [(pair, each) for pair, each in zip(scores, outcomes, strict=True) if pair is not None]
    if not rows:
        return value(None)
    table = statistics.by_cluster([pair for pair, _ in rows], questions([each for _, each in rows]))
    found = statistics.bootstrap_interval(table, _percent, resamples=RESAMPLES, seed=SEED)
    return value(float(_percent(table.sum(axis=0)[None])[0]), found)


def mean_ratio(outcomes: Sequence[Outcome]) -> Row:
    """Return the plain mean of the tasks' ratios, which is how the paper's 89 % comes about."""
    judged = [each for each in outcomes if each.scores]
    tasks = list(groups(judged, "task"))
    if not tasks:
        return value(None)
    rows = np.zeros((len(judged), 2 * len(tasks)))
    for row, each in zip(rows, judged, strict=True):
        place = 2 * tasks.index(each.task)
        row[place : place + 2] = each.scores
    table = statistics.by_cluster(rows, questions(judged))
    found = statistics.bootstrap_interval(table, _mean_percent, resamples=RESAMPLES, seed=SEED)
    return value(float(_mean_percent(table.sum(axis=0)[None])[0]), found)


def _percent(sums: NDArray[np.float64]) -> NDArray[np.float64]:
    return 100 * statistics.ratio(sums)


def _mean_percent(sums: NDArray[np.float64]) -> NDArray[np.float64]:
    pairs = sums.reshape(len(sums), -1, 2)
    there = pairs[..., 1] > 0  # a task of which a resample drew nothing says nothing
    ratios = 100 * np.where(there, pairs[..., 0] / np.where(there, pairs[..., 1], 1), 0)
    return ratios.sum(axis=1) / np.maximum(there.sum(axis=1), 1)


def tests(outcomes: Sequence[Outcome]) -> Row:
    """Return paired tests of the first system against the second: of mean scores and of wins."""
    judged = [each for each in outcomes if each.scores and each.verdict]
    if not judged:
        return {}
    scores = np.array([each.scores for each in judged])
    wins = np.array([[each.win, 1 - each.win] for each in judged])
    return {"mean_score": _test(scores, judged, 1.0), "win_rate_pct": _test(wins, judged, 100.0)}


def _test(columns: NDArray[np.float64], judged: Sequence[Outcome], scale: float) -> Row:
    """Return both tests of the first column [items, 2] against the second, questions swapped whole."""
    rows = [np.column_stack([scale * columns[:, place], np.ones(len(columns))]) for place in (1, 0)]
    found = statistics.paired_test(statistics.by_cluster(rows, questions(judged)), statistics.ratio, seed=SEED)
    return {
        "difference": found.difference,
        "low": found.interval.low if found.interval else None,
        "high": found.interval.high if found.interval else None,
        "p_randomization": found.p_randomization,
        "p_bootstrap": found.p_bootstrap,
        "questions": len(set(questions(judged))),
    }


def questions(outcomes: Sequence[Outcome]) -> list[int]:
    """Return the question of each outcome: in both languages, with one turn or two, it is one cluster."""
    return [each.question_id for each in outcomes]
