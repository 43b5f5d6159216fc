"""`compare`: the same items in two runs, every metric tested, differences always second run minus first.

Values are computed again from the saved items that both runs scored, so they differ from a run's own where one of the
two left items unscored. Items that share a passage are resampled and swapped together. Faults of outputs (empty, wrong
language …) have intervals and no test: they are there to be seen, and would only weaken the correction for the rest.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from bayling_bench import statistics
from bayling_bench.compare import differences, flips, judged
from bayling_bench.compare.rows import Options, Row, measure
from bayling_bench.errors import RunError
from bayling_bench.record import Run
from bayling_bench.scoring.kinds import in_order

LEVEL = 0.05
"""Holm-corrected p below which one run is called better."""

Item = Mapping[str, Any]


@dataclass(frozen=True)
class Comparison:
    """Two runs compared."""

    name_a: str
    name_b: str
    folder_a: str
    folder_b: str
    options: Options
    rows: tuple[Row, ...]
    flips: tuple[flips.Flip, ...]
    overlooked: tuple[str, ...]
    """What differs and was overlooked by force."""
    left_out: tuple[str, ...]
    """Tasks and metrics that cannot be compared, with the reason."""


@dataclass
class _Found:
    """What comes together task by task."""

    rows: list[Row] = field(default_factory=list)
    flips: list[flips.Flip] = field(default_factory=list)
    overlooked: list[str] = field(default_factory=list)
    left_out: list[str] = field(default_factory=list)


def compare(run_a: Run, run_b: Run, options: Options | None = None) -> Comparison:
    """Return the comparison of two runs.

    Raises RunError naming what differs when data, prompts, items or metric signatures do, or a run is unfinished,
    unless forced; and when nothing can be compared.
    """
    options = options or Options()
    tasks_a, tasks_b = _tasks(run_a), _tasks(run_b)
    found = _Found(overlooked=list(differences.of_settings(run_a, run_b)))
    found.left_out += [f"{task}: only in {run_a.folder}" for task in tasks_a if task not in tasks_b]
    found.left_out += [f"{task}: only in {run_b.folder}" for task in tasks_b if task not in tasks_a]
    for task in (task for task in tasks_a if task in tasks_b):
        _compare_task(task, (run_a, run_b), options, found)
    for pair in judged.pairs(run_a, run_b):
        found.overlooked += [line] if (line := judged.difference(pair)) else []
        if options.force or not found.overlooked:
            found.rows += judged.measure(pair, options)
    if found.overlooked and not options.force:
        raise RunError(
            f"{run_a.folder} and {run_b.folder} cannot be compared as they are:\n  "
            + "\n  ".join(found.overlooked)
            + "\n--force compares what they have in common all the same."
        )
    if not any(row.n for row in found.rows):
        reasons = "; ".join(found.left_out) or "no item is scored in both"
        raise RunError(f"{run_a.folder} and {run_b.folder} have nothing to compare ({reasons}).")
    return Comparison(
        name_a=run_a.name,
        name_b=run_b.name,
        folder_a=str(run_a.folder),
        folder_b=str(run_b.folder),
        options=options,
        rows=tuple(_corrected(found.rows)),
        flips=tuple(found.flips),
        overlooked=tuple(found.overlooked),
        left_out=tuple(found.left_out),
    )


def _compare_task(task: str, runs: tuple[Run, Run], options: Options, found: _Found) -> None:
    """Add a task to what was found; nothing is computed once the runs are known to be incomparable."""
    metrics_a, metrics_b = (run.scores["tasks"][task]["metrics"] for run in runs)
    names, missing = _metrics(task, metrics_a, metrics_b)
    found.left_out += missing
    if not names:
        return
    found.overlooked += differences.of_signatures(task, metrics_a, metrics_b)
    items_a, items_b = (_items(run, task) for run in runs)
    found.overlooked += differences.of_items(task, items_a, items_b)
    if found.overlooked and not options.force:
        return
    pairs = _paired(items_a, items_b)
    found.rows += [measure(task, name, pairs, options) for name in names]
    found.flips += _flips(task, names, pairs, options.flips)


def _tasks(run: Run) -> dict[str, Any]:
    tasks = run.scores.get("tasks", {})
    if not tasks:
        raise RunError(f"{run.folder} has no scores. `bayling-bench score {run.folder}` makes them from its responses.")
    return tasks


def _metrics(task: str, metrics_a: Mapping[str, Any], metrics_b: Mapping[str, Any]) -> tuple[list[str], list[str]]:
    """Return the metrics that both have, in the order of their kinds, and why others are left out."""
    if not metrics_a and not metrics_b:
        return [], [f"{task}: has no scores in either run"]
    either = in_order([*metrics_a, *metrics_b])
    both = [name for name in either if name in metrics_a and name in metrics_b]
    missing = [f"{task} {name}: only in one run" for name in either if name not in both]
    return both, missing


def _items(run: Run, task: str) -> Sequence[Item]:
    items = list(run.items(task))
    if not items:
        raise RunError(f"{run.folder} holds no items of {task}. `bayling-bench score {run.folder}` writes them.")
    return items


def _paired(items_a: Sequence[Item], items_b: Sequence[Item]) -> list[tuple[Item, Item]]:
    by_name = {item["item"]: item for item in items_b}
    return [(item, by_name[item["item"]]) for item in items_a if item["item"] in by_name]


def _flips(task: str, names: Sequence[str], pairs: Sequence[tuple[Item, Item]], limit: int) -> Iterator[flips.Flip]:
    """Yield flips metric by metric, an item only once: the paper's exam rule and the strict one mostly agree."""
    listed: set[str] = set()
    for metric in flips.shown_metrics(names):
        known = [pair for pair in pairs if all(item["scores"].get(metric) is not None for item in pair)]
        found = flips.find(task, metric, [pair for pair in known if pair[0]["item"] not in listed], limit)
        listed.update(flip.item for flip in found)
        yield from found


def _corrected(rows: Sequence[Row]) -> Iterator[Row]:
    """Yield rows with Holm's correction over all of them, and who is better by it."""
    corrected = iter(statistics.holm([row.p_randomization for row in rows if row.p_randomization is not None]).tolist())
    for row in rows:
        if row.p_randomization is None:
            yield row
            continue
        p = next(corrected)
        better = None
        if p < LEVEL and row.difference:
            better = "b" if (row.difference > 0) == row.higher_is_better else "a"
        yield replace(row, p_holm=p, better=better)
