"""From lm-eval's results to the record: metrics with interval, n, unscored and signature, and the items behind them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from bayling_bench import statistics
from bayling_bench.config import RunConfig
from bayling_bench.replay import ItemResponses, Results
from bayling_bench.scoring import translation
from bayling_bench.scoring.kinds import KINDS, in_order, whole
from bayling_bench.signatures import signature
from bayling_bench.task_index import Task

RESAMPLES = 1000
SEED = 12345
_WARN_ABOVE = {
    "empty": 0.01,
    "source_copied": 0.05,
    "wrong_language": 0.05,
    "truncated": 0.02,
    "echo": 0.05,
    "unparsed": 0.05,
}
_WARN_TEXT = {
    "empty": "outputs are empty",
    "source_copied": "outputs copy the source",
    "wrong_language": "outputs that can be told are in the wrong language",
    "truncated": "outputs were cut off at the token limit",
    "echo": "outputs echo the list of constraints",
    "unparsed": "answers could not be read by the strict rule",
}
_NEEDS_JUDGE = "needs a judge: `bayling-bench judge` scores the answers, to which lm-eval itself gives no score"

Row = dict[str, Any]


@dataclass(frozen=True)
class Column:
    """A metric that is computed over a whole task, not by lm-eval."""

    values: Sequence[float]
    """One an answered item."""
    signature: str
    texts: str | None = None
    """A hash of what was scored, by which values are known again where they cannot be computed anew."""


def task_record(
    task: Task, config: RunConfig, items: Sequence[ItemResponses], results: Results, columns: Mapping[str, Column]
) -> tuple[Row, list[Row]]:
    """Return what ``scores.json`` and ``items/<task>.jsonl`` hold of one task.

    ``results`` are lm-eval's, of the answered items; ``columns`` what was computed beside it.
    """
    samples = [dict(sample) for sample in results.samples]
    for name, column in columns.items():
        for sample, value in zip(samples, column.values, strict=True):
            sample[name] = value
    values = dict(zip([item.doc["index"] for item in items if item.answered], samples, strict=True))
    rows = [_item(task, item, values.get(item.doc["index"])) for item in items]
    unscored = Counter(row["unscored"]["reason"] for row in rows if row["unscored"])
    metrics = {}
    for name in in_order(name for row in rows for name in row["values"]):
        having = [row for row in rows if name in row["values"]]
        column = [row["values"][name] for row in having]
        # lm-eval sees neither what only the journal tells (truncated) nor what was computed beside it.
        own = name == "truncated" or name in columns
        value = float(np.mean(column)) if own else results.metrics[f"{name},none"]
        spread = _interval(name, column, [_cluster(row) for row in having])
        metrics[name] = _metric(name, value, len(column), spread)
        found = columns.get(name)
        line = found.signature if found else signature(task, config.options, name, _references(items))
        metrics[name]["signature"] = line
        if found and found.texts:
            metrics[name]["texts"] = found.texts
    for row in rows:
        del row["values"]
    record = {
        "suite": task.suite,
        "languages": task.languages,
        "items": len(items),
        "scored": sum(item.answered for item in items),
        "unscored": dict(unscored),
        "note": _NEEDS_JUDGE if task.needs_judge else None,
        "metrics": metrics,
        "warnings": _warnings(metrics),
    }
    return record, rows


def _metric(name: str, value: float, n: int, spread: tuple[statistics.Interval | None, str | None]) -> Row:
    kind = KINDS[name]
    scale = 100.0 if kind.unit == "percent" else 1.0
    interval, method = spread
    return {
        "value": scale * value,
        "low": None if interval is None else scale * interval.low,
        "high": None if interval is None else scale * interval.high,
        "n": n,
        "unit": kind.unit,
        "higher_is_better": kind.higher_is_better,
        "interval": method,
    }


def _cluster(row: Row) -> str | int:
    """Return what an item shares with others: its passage, where several questions are asked about one."""
    return row["doc"].get("passage") or row["index"]


def _interval(name: str, column: list[Any], clusters: list[Any]) -> tuple[statistics.Interval | None, str | None]:
    """Return a 95 % interval and how it was found; None where the items say nothing of the spread."""
    independent = len(set(clusters))
    shared = independent < len(clusters)
    if KINDS[name].form == "share" and not shared:
        return statistics.wilson(int(sum(column)), len(column)), "Wilson 95 %"
    if KINDS[name].form == "share" and len(set(column)) == 1:
        # Resampling items that are all alike would give a width of zero, as if nothing were uncertain.
        return statistics.wilson(column[0] * independent, independent), f"Wilson 95 %, {independent} passages"
    table, aggregate = _table(name, column)
    table = statistics.by_cluster(table, clusters) if shared else table
    found = statistics.bootstrap_interval(table, aggregate, resamples=RESAMPLES, seed=SEED)
    if found is None:
        return None, None
    by = " by passage" if shared else ""
    return found, f"bootstrap percentile 95 %{by}, {RESAMPLES} resamples, seed {SEED}"


def _table(name: str, column: list[Any]) -> tuple[np.ndarray, Callable[[np.ndarray], np.ndarray]]:
    """Return rows that add up, and what turns their sums into the metric."""
    values = np.asarray(column, dtype=float)
    form = KINDS[name].form
    if form == "ngram":
        return values, lambda sums: translation.corpus_scores(whole(name), sums)
    return (values if form == "ratio" else np.column_stack([values, np.ones(len(values))])), statistics.ratio


def _references(items: Sequence[ItemResponses]) -> int | Literal["var"]:
    """Return the number of references of each item, in sacrebleu's word where it differs."""
    counts = {len(item.doc.get("references", ())) for item in items}
    return counts.pop() if len(counts) == 1 else "var"


def _item(task: Task, item: ItemResponses, sample: Mapping[str, Any] | None) -> Row:
    """Return one line of ``items/<task>.jsonl``; its ``values`` are taken out again once they are aggregated."""
    values = {name: sample[name] for name in in_order(sample)} if sample is not None else {}
    reasons = [entry.finish_reason for entry in item.entries if entry.finish_reason]
    if item.answered and reasons:
        values["truncated"] = int("length" in reasons)
    doc = {key: value for key, value in item.doc.items() if key not in ("prompt", "references", "target", "index")}
    answers = item.doc.get("references") or ([item.doc["target"]] if item.doc["target"] else [])
    kept = {
        name: value
        for name, value in values.items()
        if KINDS[name].form in ("ngram", "ratio") or KINDS[name].flags or "@" in name
    }
    return {
        "item": f"{task.name}/{item.doc['index']}",
        "index": item.doc["index"],
        "doc": doc,
        "references": answers,
        "turns": _ranked(item) if task.ranks_choices else _turns(item),
        "scores": {
            name: _shown(name, value) for name, value in values.items() if not KINDS[name].flags and "@" not in name
        },
        "statistics": kept,
        "flags": [name for name, value in values.items() if KINDS[name].flags and value and "@" not in name],
        "unscored": _unscored(item),
        "values": values,
    }


def _shown(name: str, value: Any) -> float:
    """Return a per-item number to look at: a sentence score, or the share of an item's ratio."""
    form = KINDS[name].form
    if form == "ngram":
        return round(translation.sentence_score(name, value), 4)
    return value[0] / value[1] if form == "ratio" else value


def _turns(item: ItemResponses) -> list[Row]:
    users = item.doc.get("turns", [item.doc["prompt"]])
    return [
        {
            "user": users[entry.turn],
            "prompt": entry.prompt,
            "response": entry.response,
            "finish_reason": entry.finish_reason,
            "tokens": entry.tokens,
        }
        for entry in item.entries
    ]


def _ranked(item: ItemResponses) -> list[Row]:
    """Return one turn whose response is the most likely letter, with the log-likelihood of each."""
    if not item.answered:
        return []
    ranking = {
        letter: entry.response[0] for letter, entry in zip(item.doc["letters"], item.entries, strict=True)
        if isinstance(entry.response, tuple)
    }  # fmt: skip
    best = max(ranking, key=lambda letter: ranking[letter])
    return [{"user": item.doc["prompt"], "prompt": item.doc["prompt"], "response": best, "logprobs": ranking}]


def _unscored(item: ItemResponses) -> Row | None:
    if item.answered:
        return None
    if item.failure is None:
        return {"reason": "not_generated", "detail": "the run has not got to it"}
    return {"reason": item.failure.reason, "detail": item.failure.detail}


def _warnings(metrics: Mapping[str, Row]) -> list[str]:
    found = []
    for name, limit in _WARN_ABOVE.items():
        if name in metrics and metrics[name]["value"] > 100 * limit:
            found.append(f"{metrics[name]['value']:.1f} % of {metrics[name]['n']} {_WARN_TEXT[name]}")
    return found
