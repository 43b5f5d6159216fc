"""What a judge said of two runs: mean scores of the same questions against the same opponent, by the same judge."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from bayling_bench import statistics
from bayling_bench.compare.rows import Options, Row
from bayling_bench.judge import results
from bayling_bench.record import Run

METRIC = "judge_score"

Judging = Mapping[str, Any]


def pairs(run_a: Run, run_b: Run) -> Iterator[tuple[Judging, Judging]]:
    """Yield the judgings of both runs that are against the same opponent by a protocol of the same name, or alone."""
    others = {_subject(judging): judging for judging in results.read_all(run_b.folder)}
    for judging in results.read_all(run_a.folder):
        if _subject(judging) in others:
            yield judging, others[_subject(judging)]


def difference(pair: tuple[Judging, Judging]) -> str | None:
    """Return how the judges of a pair differ, in one line, or None where they are the same."""
    first, second = pair
    if results.same_judge(first) == results.same_judge(second):
        return None
    return f"judge of the answers{_against(first)}: {first['signature']} and {second['signature']}"


def measure(pair: tuple[Judging, Judging], options: Options) -> Iterator[Row]:
    """Yield one row a task: mean scores of the questions that the judge scored in both, drawn by question."""
    first, second = ({(each["task"], each["item"]): each for each in judging["items"]} for judging in pair)
    for task in dict.fromkeys(name for name, _ in first):
        keys = [key for key in first if key[0] == task and key in second]
        known = [key for key in keys if first[key]["scores"] and second[key]["scores"]]
        if known:
            yield _row(task, [(first[key], second[key]) for key in known], len(keys) - len(known), options)


def _row(task: str, known: list[tuple[Mapping, Mapping]], left_out: int, options: Options) -> Row:
    tables = np.array([[[pair[side]["scores"][0], 1.0] for pair in known] for side in (0, 1)])
    rows = statistics.by_cluster(tables, [first["question_id"] for first, _ in known])
    tested = statistics.paired_test(
        rows, statistics.ratio, resamples=options.resamples, trials=10 * options.resamples, seed=options.seed
    )
    value_a, value_b = statistics.ratio(rows.sum(axis=1)).tolist()
    low, high = tested.interval or (None, None)
    error = tested.standard_error
    return Row(
        task, METRIC, "points", True, len(known), rows.shape[1], value_a, value_b, tested.difference, low, high,
        tested.p_bootstrap, tested.p_randomization,
        detectable=statistics.detectable_difference(error) if error else None,
        gained=sum(second["scores"][0] > first["scores"][0] for first, second in known),
        lost=sum(second["scores"][0] < first["scores"][0] for first, second in known),
        note=f"{left_out} questions without a score in one of the runs are left out" if left_out else "",
    )  # fmt: skip


def _subject(judging: Judging) -> tuple[str, str]:
    other = judging["system2"]
    return judging["protocol"]["name"], "" if other is None else other["name"]


def _against(judging: Judging) -> str:
    return f" against {judging['system2']['name']}" if judging["system2"] else ""
