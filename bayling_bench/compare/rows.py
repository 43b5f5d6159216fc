"""One metric of one task in two runs: values, difference, interval and tests, out of the saved items."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from bayling_bench import statistics
from bayling_bench.errors import BenchError
from bayling_bench.scoring import translation
from bayling_bench.scoring.kinds import KINDS, whole

Item = Mapping[str, Any]


@dataclass(frozen=True, kw_only=True)
class Options:
    """How runs are compared."""

    force: bool = False
    """Compare runs of other data, prompts or metrics all the same; what differs is named in the result."""
    seed: int = 12345
    """Of resamples and swaps."""
    resamples: int = 1000
    """Of the bootstrap; randomization makes ten times as many trials, as in sacrebleu."""
    flips: int = 5
    """Items listed for each task, metric and direction."""

    def __post_init__(self) -> None:
        if self.resamples < 1:
            raise BenchError(f"--resamples {self.resamples} must be at least 1.")
        if self.flips < 0:
            raise BenchError(f"--flips {self.flips} must not be negative.")


@dataclass(frozen=True)
class Row:
    """One metric of one task; numbers are in its unit (points or percent), absent ones None."""

    task: str
    metric: str
    unit: str
    higher_is_better: bool
    n: int
    """Items that both runs scored."""
    units: int
    """What is resampled: items, or the passages that they share."""
    value_a: float | None = None
    value_b: float | None = None
    difference: float | None = None
    """Second run minus first."""
    low: float | None = None
    """95 %, paired bootstrap."""
    high: float | None = None
    p_bootstrap: float | None = None
    p_randomization: float | None = None
    p_holm: float | None = None
    """Randomization's p, corrected over all tests of the comparison."""
    detectable: float | None = None
    """The true difference that these items would show with 80 % power at 5 %, uncorrected."""
    better: str | None = None
    """``a`` or ``b`` where the corrected p is below 0.05."""
    gained: int | None = None
    """Items right in the second run alone (shares), or with the better sentence score there (n-gram metrics, COMET)."""
    lost: int | None = None
    """Items right, or better, in the first run alone."""
    note: str = ""


def measure(task: str, metric: str, pairs: Sequence[tuple[Item, Item]], options: Options) -> Row:
    """Return one row of the comparison, without the correction that needs all of them."""
    kind = KINDS[metric]
    known = [pair for pair in pairs if all(_value(item, metric) is not None for item in pair)]
    row = Row(task, metric, "points" if kind.raw else kind.unit, kind.higher_is_better, len(known), 0)
    if not known:
        return replace(
            row, note="no item has a value in both runs (`bayling-bench score RUN` writes what older records lack)"
        )
    clusters = [_cluster(first) for first, _ in known]
    tables = np.array([[_statistics(pair[side], metric) for pair in known] for side in (0, 1)])
    rows = statistics.by_cluster(tables, clusters)

    def aggregate(sums: statistics.Sums) -> np.ndarray:
        if kind.form == "ngram":
            return translation.corpus_scores(whole(metric), sums)
        return 100 * statistics.ratio(sums)

    value_a, value_b = aggregate(rows.sum(axis=1)).tolist()
    trials = 1 if kind.flags else 10 * options.resamples
    tested = statistics.paired_test(rows, aggregate, resamples=options.resamples, trials=trials, seed=options.seed)
    row = replace(row, units=rows.shape[1], value_a=value_a, value_b=value_b, difference=tested.difference)
    row = replace(row, note=_note(metric, pairs, len(known)), **_changes(metric, known))
    if tested.interval is not None and tested.standard_error is not None:
        error = tested.standard_error
        detectable = statistics.detectable_difference(error) if error > 0 else None
        row = replace(row, low=tested.interval.low, high=tested.interval.high, detectable=detectable)
    if kind.flags:
        return row
    return replace(row, p_bootstrap=tested.p_bootstrap, p_randomization=tested.p_randomization)


def _value(item: Item, metric: str) -> Any:
    """Return the value that adds up to the metric, or None for an item that it does not count."""
    found = item.get("statistics", {}).get(metric)
    if found is None and KINDS[metric].form in ("share", "mean"):
        return item["scores"].get(metric)
    return found


def _statistics(item: Item, metric: str) -> list[float]:
    value = _value(item, metric)
    return [value, 1] if KINDS[metric].form in ("share", "mean") else value


def _cluster(item: Item) -> str:
    """Return what the item is resampled with: the passage that it shares, or itself."""
    return item["doc"].get("passage") or item["item"]


def _note(metric: str, pairs: Sequence[tuple[Item, Item]], known: int) -> str:
    either = sum(any(_value(item, metric) is not None for item in pair) for pair in pairs)
    return f"{either - known} items that one run alone scored are left out" if either > known else ""


def _changes(metric: str, pairs: Sequence[tuple[Item, Item]]) -> dict[str, int]:
    """Return how many items got better and worse, for metrics whose items are listed or could be."""
    kind = KINDS[metric]
    if kind.flags or not (kind.raw or kind.form in ("share", "ngram")):
        return {}
    sign = 1 if kind.higher_is_better else -1
    shown = whole(metric)
    gains = [sign * (second["scores"][shown] - first["scores"][shown]) for first, second in pairs]
    return {"gained": sum(gain > 0 for gain in gains), "lost": sum(gain < 0 for gain in gains)}
