"""Averages over tasks as columns of a leaderboard: those of a board's rankings, or one a suite of runs."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from bayling_bench.audit.rows import Row
from bayling_bench.leaderboard import Board, Ranking
from bayling_bench.ranking.contest import Contest
from bayling_bench.report import cells, places
from bayling_bench.report.cells import Cell, Cells
from bayling_bench.report.places import Place
from bayling_bench.report.systems import PUBLISHED, REPRODUCED


@dataclass(frozen=True)
class Mean:
    """A plain average over tasks."""

    key: str
    suite: str
    name: str
    """In English, as the board calls it; empty for one over a suite's tasks."""
    tasks: tuple[str, ...]


Means = dict[str, Mean]


def of_rankings(rankings: Sequence[Ranking], contests: Sequence[Contest]) -> tuple[Means, Cells]:
    """Return the averages of a board's rankings, and the cells of their standings."""
    means: Means = {}
    found: Cells = {}
    by_title = {ranking.title: ranking for ranking in rankings}
    for contest in contests:
        if not contest.average:
            continue
        ranking = by_title[contest.ranking]
        (average,) = [each for each in ranking.averages if each["title"] == contest.task]
        of = [cells.place_of_contest(ranking, task) for task in average.get("tasks", ranking.tasks)]
        if not of or any(place is None for place in of):
            continue
        known = [place for place in of if place is not None]
        mean = mean_of(means, known[0].suite, [place.task for place in known], contest.task)
        place = Place(mean.suite, mean.key, known[0].metric, known[0].state)
        for standing in contest.standings:
            cell = cells.of_standing(standing, place)
            found[cell.key] = cell
    return means, found


def mean_of(means: Means, suite: str, tasks: Sequence[str], name: str = "") -> Mean:
    """Return the mean of these tasks, added to ``means`` where it is not there yet."""
    for mean in means.values():
        if mean.suite == suite and set(mean.tasks) == set(tasks):
            return mean
    words = re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")
    key = f"{suite}/{words or 'mean'}"
    while key in means:
        key += "-"
    means[key] = Mean(key, suite, name, tuple(tasks))
    return means[key]


def published(board: Board, rows: Sequence[Row], means: Means) -> Iterator[Cell]:
    """Yield the published averages of exams and the like, each in the column of its tasks."""
    for row in rows:
        figure = row.figure
        rule, arguments = board.rule_of(figure)
        if rule.measure != "cells_mean" or figure.group == "claims":
            continue
        of = list(_cells_of(board, arguments["cells"], figure.system))
        if not of:
            continue
        mean = mean_of(means, of[0].suite, [place.task for place in of])
        low, high = row.interval or (None, None)
        computed = row.reproduced is not None
        yield Cell(
            system=figure.system, place=Place(mean.suite, mean.key, of[0].metric, of[0].state),
            source=REPRODUCED if computed else PUBLISHED, value=row.reproduced if computed else figure.value,  # type: ignore[arg-type]
            low=low, high=high, published=figure.value, verdict=row.verdict,
            why="" if row.verdict == "equal" else row.reason,
        )  # fmt: skip


def _cells_of(board: Board, chosen: dict, system: str) -> Iterator[Place]:
    for figure in board.figures:
        if (
            figure.system != system
            or figure.metric != chosen["metric"]
            or not re.fullmatch(chosen["tasks"], figure.task)
        ):
            continue
        rule, arguments = board.rule_of(figure)
        place = places.of_measure(figure, rule.measure, {**arguments, **chosen.get("arguments", {})})
        if place is not None:
            yield place


def of_suites(found: Cells, means: Means) -> None:
    """Add a mean over the tasks of each suite that has none, several tasks, and a number that is not only printed."""
    suites: dict[str, dict[str, None]] = {}
    computed = {place.suite for (_, place), cell in found.items() if cell.source != PUBLISHED}
    for _, place in found:
        if place.suite in computed:
            suites.setdefault(place.suite, {})[place.task] = None
    for suite, tasks in suites.items():
        if len(tasks) > 1 and suite not in {mean.suite for mean in means.values()}:
            mean_of(means, suite, list(tasks))


def filled(found: Cells, means: Means) -> Iterator[Cell]:
    """Yield plain averages, without interval, of systems that have every task of a mean in one metric and state."""
    held: dict[tuple[str, str, str, str], dict[str, Cell]] = {}
    for (system, place), cell in found.items():
        held.setdefault((system, place.suite, place.metric, place.state), {})[place.task] = cell
    for mean in means.values():
        for (system, suite, metric, state), by_task in held.items():
            key = (system, Place(suite, mean.key, metric, state))
            if suite != mean.suite or key in found or not all(task in by_task for task in mean.tasks):
                continue
            of = [by_task[task] for task in mean.tasks]
            sources = {cell.source for cell in of}
            source = sources.pop() if len(sources) == 1 else PUBLISHED
            n = sum(cell.n or 0 for cell in of)
            guards = {
                name: float(np.mean([cell.guards[name] for cell in of]))
                for name in of[0].guards
                if all(name in cell.guards for cell in of)
            }
            yield Cell(
                system=system, place=key[1], source=source, value=float(np.mean([cell.value for cell in of])), n=n,
                unscored=sum(cell.unscored for cell in of), guards=guards,
            )  # fmt: skip
