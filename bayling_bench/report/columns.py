"""The columns of a leaderboard: their order, names, states, and who leads in one."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from bayling_bench import task_index
from bayling_bench.display.metrics import describe, in_order
from bayling_bench.display.text import short
from bayling_bench.report import strings
from bayling_bench.report.cells import GUARDS, Cell
from bayling_bench.report.gathered import HEADLINES, Gathered
from bayling_bench.report.strings import Text
from bayling_bench.scoring.kinds import KINDS
from bayling_bench.scoring.kinds import in_order as known_kinds

SUITES = ("wmt22", "interactive", "human", "bayling80", "gaokao", "sat", "mini", "miniature")
RULES = {"acc": "paper", "acc_strict": "strict", "acc_strict_parsed": "strict", "unparsed": "strict"}


@dataclass(frozen=True)
class Column:
    """A task or mean by one metric in one state."""

    suite: str
    task: str
    metric: str
    state: str


def suites(found: Gathered) -> list[str]:
    """Return the suites there are, the paper's first."""
    there = dict.fromkeys(place.suite for _, place in found.cells)
    for reading in found.readings:
        there |= dict.fromkeys(task["suite"] for task in reading.settings["tasks"])
    return sorted(there, key=lambda suite: SUITES.index(suite) if suite in SUITES else len(SUITES))


def tasks(found: Gathered, suite: str) -> list[str]:
    """Return a suite's tasks in the order of the index, others after them; means are not among them."""
    there = dict.fromkeys(
        place.task for _, place in found.cells if place.suite == suite and place.task not in found.means
    )
    for reading in found.readings:
        there |= dict.fromkeys(task["name"] for task in reading.settings["tasks"] if task["suite"] == suite)
    board = [each for _, place in found.cells if (each := place.task) in there]
    order = {task: number for number, task in enumerate(dict.fromkeys([*board, *there]))}
    index = {task: number for number, task in enumerate(task_index.all_tasks())}
    if found.standing is not None:
        return list(order)
    return sorted(there, key=lambda task: (index.get(task, len(index)), order[task]))


def means(found: Gathered, suite: str) -> list[str]:
    """Return the keys of a suite's means."""
    return [mean.key for mean in found.means.values() if mean.suite == suite]


def metrics(found: Gathered, suite: str) -> list[str]:
    """Return the metrics of a suite in their usual order."""
    return in_order(place.metric for _, place in found.cells if place.suite == suite)


def headlines(found: Gathered, suite: str) -> list[str]:
    """Return the metrics that a suite is led by, as far as there are numbers of them; else the first two."""
    there = metrics(found, suite)
    chosen = [metric for metric in HEADLINES.get(suite, ()) if metric in there]
    return chosen or [metric for metric in there if metric not in GUARDS][:2]


def states(found: Gathered, suite: str) -> list[str]:
    """Return the states of a suite's numbers, the main one first: that of finished runs, else of most systems.

    Where a board has numbers in a suite, they stand in the main one: runs of other data stand apart from them.
    """
    finished = {system.key for system in found.systems if system.kind == "run" and system.finished}
    held: dict[str, list[str]] = {}
    for system, place in found.cells:
        if place.suite == suite:
            held.setdefault(place.state, []).append(system)
    runs = {system.key for system in found.systems if system.kind == "run"}
    of_board = {state for state, systems in held.items() if not runs.issuperset(systems)}
    return sorted(
        held,
        key=lambda state: (
            bool(of_board) and state not in of_board,
            finished.isdisjoint(held[state]),
            -len(held[state]),
        ),
    )


def leading(found: Gathered) -> Iterator[Column]:
    """Yield for each suite the columns that tell who leads: its first mean, or its only task, by headline metrics."""
    for suite in suites(found):
        known = states(found, suite)
        for metric in headlines(found, suite)[:2]:
            column = _leading(found, suite, metric, known)
            if column is not None:
                yield column


def _leading(found: Gathered, suite: str, metric: str, known: Sequence[str]) -> Column | None:
    held = [
        column
        for task in [*means(found, suite), *tasks(found, suite)]
        for state in known
        if len(rivals(found, column := Column(suite, task, metric, state))) > 1
    ]
    tested = [column for column in held if rivals(found, column)[0].rank_low is not None]
    return next(iter([*tested, *held]), None)


def rivals(found: Gathered, column: Column) -> list[Cell]:
    """Return the numbers of a column of finished systems, the best first."""
    finished = {system.key for system in found.systems if system.finished}
    there = found.columns.get((column.task, column.metric, column.state), ())
    of = [cell for cell in there if cell.system in finished]
    sign = -1 if higher_is_better(column.metric) else 1
    return sorted(of, key=lambda cell: (cell.rank_low is None, sign * cell.value))


def higher_is_better(metric: str) -> bool:
    """Return which way a metric is better; up for those that are not ours."""
    return KINDS[metric].higher_is_better if known_kinds([metric]) else True


def unit(metric: str) -> str:
    """Return ``percent``, ``points`` or ``ratio``."""
    if metric in ("ranked_first_pct", "acc_mc"):
        return "percent"
    if metric == "strength":
        return "ratio"
    found = KINDS[metric].unit if known_kinds([metric]) else "points"
    return "points" if found == "raw" else found


def decimals(metric: str) -> int:
    """Return the decimals that a metric is shown with."""
    return 0 if metric == "ranked_first_pct" else 2


def shown(metric: str, value: float) -> str:
    """Return a value as the tables write it."""
    return f"{short(value):.{decimals(metric)}f}"


def name_of(found: Gathered, column: Column) -> Text:
    """Return what a column is called in a sentence: suite, task or mean, metric."""
    suite, task, metric = suite_name(column.suite), task_name(found, column.task), strings.metric_name(column.metric)
    return {
        "en": f"{suite['en']}, {task['en']}, {metric['en']}",
        "zh": f"{suite['zh']}，{task['zh']}，{metric['zh']}",
    }


def suite_name(suite: str) -> Text:
    """Return a suite's name."""
    return strings.text(f"suite.{suite}", suite)


def task_name(found: Gathered, task: str) -> Text:
    """Return the name of a task or a mean."""
    mean = found.means.get(task)
    if mean is not None:
        n = len(mean.tasks)
        return strings.text(f"mean.{mean.name}", mean.name) if mean.name else strings.text("mean.mean", n=n)
    base = task.removesuffix("_mc")
    languages = _languages(base)
    if len(languages) == 2 and base.startswith(("wmt22_", "interactive_translation_")):
        return dict.fromkeys(strings.LANGUAGES, f"{languages[0]} → {languages[1]}")
    kind = re.match(r"mini(?:ature)?_([a-z]+)", base)
    if kind:
        name = strings.text(f"part.{kind[1]}", kind[1])
        found_text = {language: f"{text} {' → '.join(languages)}" for language, text in name.items()}
    else:
        found_text = strings.text(f"task.{base}", base)
    if base == task:
        return found_text
    return {"en": f"{found_text['en']} (log-likelihood)", "zh": f"{found_text['zh']}（对数似然）"}


def _languages(task: str) -> Sequence[str]:
    known = task_index.all_tasks().get(task)
    return known.languages if known else task.split("_")[-2:]


def state_name(state: str) -> Text:
    """Return a state in words; several parts are joined."""
    return _joined(state, "")


def state_about(state: str) -> Text:
    """Return why numbers of a state stand apart."""
    return _joined(state, "_about")


def _joined(state: str, suffix: str) -> Text:
    if not state:
        return strings.text(f"state.usual{suffix}")
    parts = []
    for part in state.split("|"):
        kind, _, value = part.partition(":")
        key = f"state.labels_{value}{suffix}" if kind == "labels" else f"state.{kind}{suffix}"
        parts.append(strings.text(key, part, value=value))
    return {
        "en": (" " if suffix else ", ").join(part["en"] for part in parts),
        "zh": ("" if suffix else "，").join(part["zh"] for part in parts),
    }


def rule(metric: str) -> str | None:
    """Return ``paper`` or ``strict`` for metrics of exams, None for others."""
    return RULES.get(metric)


def is_right(metric: str) -> bool:
    """Return whether an item that scores below 1 counts as wrong."""
    return describe(metric).right
