"""What moves a judge apart from quality: the place of an answer, its length, and chance."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from itertools import combinations
from typing import Any

import numpy as np

from bayling_bench import statistics
from bayling_bench.judge.aggregate import RESAMPLES, SEED, questions, value
from bayling_bench.judge.judgements import Judgement
from bayling_bench.judge.outcomes import Outcome, order_of
from bayling_bench.scoring.verdicts import verdict

Row = dict[str, Any]
_NOT_MEASURED = "every answer pair was shown in one order only"


def position(outcomes: Sequence[Outcome], judgements: Sequence[Judgement]) -> Row:
    """Return what the place of an answer does, from questions read in both orders.

    ``advantage`` is the score of whoever was shown first minus that of whoever was shown second, on the judge's scale;
    0 without bias. ``changed_by_chance_pct`` is how often two samples of the same order differ in verdict, beside which
    ``changed_by_order_pct`` must be seen.
    """
    both = [each for each in outcomes if len(each.by_order) == 2]
    chance = _changed_by_chance(judgements)
    if not both:
        return {"measured": False, "why": _NOT_MEASURED, "changed_by_chance_pct": chance}
    gains = [sum(_first_over_second(order, scores) for order, scores in each.by_order.items()) / 2 for each in both]
    changed = [verdict(*each.by_order[0]) != verdict(*each.by_order[1]) for each in both]
    mean = statistics.bootstrap_mean(gains, questions(both), resamples=RESAMPLES, seed=SEED)
    rows = np.array([[[gain, 1.0] for gain in gains], [[0.0, 1.0]] * len(gains)])
    test = statistics.paired_test(statistics.by_cluster(rows, questions(both)), statistics.ratio, seed=SEED)
    kept = [(_place_won(0, each.by_order[0]), _place_won(1, each.by_order[1])) for each in both]
    return {
        "measured": True,
        "items": len(both),
        "advantage": value(float(np.mean(gains)), mean) | {"p_randomization": test.p_randomization},
        "changed_by_order_pct": 100 * float(np.mean(changed)),
        "changed_by_chance_pct": chance,
        "first_place_won_both_orders": kept.count((1, 1)),
        "second_place_won_both_orders": kept.count((2, 2)),
    }


def _first_over_second(order: int, scores: Sequence[float]) -> float:
    return scores[1] - scores[0] if order else scores[0] - scores[1]


def _place_won(order: int, scores: Sequence[float]) -> int:
    """Return 1 or 2 for the place that scored higher, 0 for a tie."""
    gain = _first_over_second(order, scores)
    return 0 if gain == 0 else 1 if gain > 0 else 2


def _changed_by_chance(judgements: Sequence[Judgement]) -> float | None:
    """Return how often two samples of the same question and order give different verdicts; None without any pair."""
    samples: dict[tuple[Any, ...], list[str]] = defaultdict(list)
    for each in judgements:
        if each["verdict"]:
            samples[each["system2"], each["task"], each["item"], order_of(each)].append(each["verdict"])
    pairs = [one != other for given in samples.values() for one, other in combinations(given, 2)]
    return 100 * float(np.mean(pairs)) if pairs else None


def length(outcomes: Sequence[Outcome]) -> Row:
    """Return how the difference in length (characters, first system minus second) goes with score and verdict."""
    judged = [each for each in outcomes if each.scores and each.verdict]
    lengths = np.array([each.lengths for each in judged], dtype=np.float64).reshape(-1, 2)
    longer = lengths[:, 0] - lengths[:, 1]
    gains = [each.scores[0] - each.scores[1] for each in judged if each.scores]
    wins = [each.win for each in judged]
    found = statistics.length_controlled(wins, lengths, questions(judged), resamples=RESAMPLES, seed=SEED)
    return {
        "items": len(judged),
        "mean_characters": [float(each) for each in lengths.mean(axis=0)] if judged else None,
        "pearson_with_score": statistics.pearson(longer, gains),
        "spearman_with_score": statistics.spearman(longer, gains),
        "spearman_with_verdict": statistics.spearman(longer, wins),
        "length_controlled_win_rate_pct": _controlled(found),
        "length_coefficient": found.coefficient if found else None,
    }


def _controlled(found: statistics.LengthControlled | None) -> Row:
    if found is None:
        return value(None)
    interval = found.interval
    bounds = None if interval is None else statistics.Interval(100 * interval.low, 100 * interval.high)
    return value(100 * found.win_rate, bounds)
