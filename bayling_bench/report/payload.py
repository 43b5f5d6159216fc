"""What the page's script reads: one JSON object of everything that a reader may sort, filter, draw or export.

Absent numbers are left out or null; values have eight digits and are rounded where they are shown. ``{en, zh}`` is a
text in both languages. Every string has passed `display.text.visible`.

- ``schema`` 1 · ``title`` · ``date`` (``2026-11-26``) · ``version`` of BayLing Bench · ``board``: {name, title,
  summary} or null · ``summary``: [{about: ``subject|lead|careful|audit``, en, zh}], the first paragraph by
  sentences.
- ``systems``: [{key, label, kind: ``run|reproduced|published``, finished, size_b, size_from: ``board|name``, cost,
  date, origin, notes}]: the rows, runs first, then the board's systems in its order. ``reproduced``: our scorers read
  its published outputs (single cells may still be ``published``); ``published``: only its figures are known.
- ``suites``: [{key, name{en,zh}, tasks: [keys], means: [keys], metrics: [keys], headlines: [keys], states: [keys]}] in
  the order to show; ``headlines`` are the metrics that lead the suite, the first one first; the first of ``states`` is
  the main table, the others are shown apart with their reason.
- ``tasks``: {key: {suite, name{en,zh}, languages: [1 or 2], direction: ``zh-en`` or null, items, versions: [..],
  mean: [task keys] or null}}; means (``wmt22/mean-of-…``) stand among the tasks and have ``mean``.
- ``metrics``: {key: {name{en,zh}, about{en,zh}, unit: ``percent|points|ratio``, decimals, higher_is_better,
  rule: ``paper|strict`` or null, guard: bool, right: bool}}; ``guard`` metrics warn (wrong language, copied …),
  ``right``: an item that scores below 1 is wrong.
- ``states``: {key: {name{en,zh}, about{en,zh}}}; the key of the usual state is an empty string.
- ``signatures``: [text].
- ``cells``: [{system, task, metric, state, source: ``run|reproduced|published``, value, low, high, n, unscored,
  guards: {flag: per cent}, signature (place in ``signatures``), rank_low, rank_high, cluster, best, published, verdict:
  ``equal|explained|differs``, why}]. ``low`` and ``high`` are 95 % bounds. ``rank_low`` and ``rank_high`` are the best
  and worst rank among the column's rivals (Holm-corrected tests), ``cluster`` from 1. ``best``: nobody is significantly
  better, or, in a column without tests, the highest of finished systems with the same n. ``published`` is the printed
  figure beside a computed value. Unfinished runs have neither rank nor ``best``.
- ``pairs``: [{task, metric, state, first, second, difference, low, high, p, p_holm, detectable}], the tests behind the
  ranks, better system first; differences in the metric's unit.
- ``absent``: [{system, task, metric and state (null: any), why, command}]: cells that are empty for a reason.
- ``figures``: {``judge``: {outcomes: [{judge, system, opponent, task, win, tie, lose, n, failed, means: [own, other]}],
  categories: [{judge, system, opponent, task (null: all), of, values: {category: mean score}, n: {category: n}}]: one
  row for each side ``of`` a pairing, calibrations: [{judge, against, written, table: {ours: {published: n}}, rows:
  [{dimension, value, n, agreement, low, high, kappa, spearman_of_scores, spearman_of_differences}]}]},
  ``directions``: {suites: [..]}, ``exams``: {suites: [..]}, ``size``: {systems: [keys with size_b], cost: [keys]}};
  directions, exams and size are drawn from ``cells``.
- ``items``: {task: {suite, total, packed, packs: [places], parts: [{system, states, scores: [keys], prompts: bool}]}}:
  see `items` for what is packed.
- ``strings``: {en: {key: text}, zh: {key: text}}: the words of ``strings.toml``.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict
from typing import Any

from bayling_bench import __version__, task_index
from bayling_bench.display.text import short, visible_all
from bayling_bench.report import cells, columns, strings, words
from bayling_bench.report.cells import GUARDS, Cell
from bayling_bench.report.gathered import Gathered
from bayling_bench.report.places import EXAMS, TRANSLATIONS, Place

SCHEMA = 1
Row = dict[str, Any]


def build(found: Gathered, title: str, date: str) -> Row:
    """Return the object without ``items``."""
    signatures: dict[str, int] = {}
    suites = columns.suites(found)
    board = found.standing.board if found.standing else None
    best = _best(found)
    whole = {
        "schema": SCHEMA,
        "title": title,
        "date": date,
        "version": __version__,
        "board": None if board is None else {"name": board.name, "title": board.title, "summary": board.summary},
        "summary": words.summary(found),
        "systems": [asdict(system) for system in found.systems],
        "suites": [_suite(found, suite) for suite in suites],
        "tasks": {task: _task(found, suite, task) for suite in suites for task in _tasks(found, suite)},
        "metrics": {metric: _metric(metric) for suite in suites for metric in columns.metrics(found, suite)},
        "states": {state: _state(state) for suite in suites for state in columns.states(found, suite)},
        "cells": [_cell(cell, cell.key in best, signatures) for cell in found.cells.values()],
        "pairs": list(_pairs(found)),
        "absent": list(_absent(found)),
        "figures": _figures(found, suites),
        "strings": strings.load(),
    }
    whole["signatures"] = list(signatures)
    return visible_all(whole)


def _tasks(found: Gathered, suite: str) -> list[str]:
    return [*columns.means(found, suite), *columns.tasks(found, suite)]


def _suite(found: Gathered, suite: str) -> Row:
    return {
        "key": suite,
        "name": columns.suite_name(suite),
        "tasks": columns.tasks(found, suite),
        "means": columns.means(found, suite),
        "metrics": columns.metrics(found, suite),
        "headlines": columns.headlines(found, suite),
        "states": columns.states(found, suite),
    }


def _task(found: Gathered, suite: str, task: str) -> Row:
    mean = found.means.get(task)
    plans = [planned for reading in found.readings if (planned := reading.plan(task))]
    known = task_index.all_tasks().get(task)
    languages = list(plans[0]["languages"] if plans else known.languages if known else ())
    versions = [planned["version"] for planned in plans] or ([known.config["metadata"]["version"]] if known else [])
    sizes = [cell.n for (_, place), cell in found.cells.items() if place.task == task and cell.n]
    items = max((planned["items"] for planned in plans), default=known.items if known else max(sizes, default=None))
    return {
        "suite": suite,
        "name": columns.task_name(found, task),
        "languages": languages,
        "direction": "-".join(languages) if len(languages) == 2 else None,
        "items": items,
        "versions": list(dict.fromkeys(str(version) for version in versions)),
        "mean": None if mean is None else list(mean.tasks),
    }


def _metric(metric: str) -> Row:
    return {
        "name": strings.metric_name(metric),
        "about": strings.metric_about(metric),
        "unit": columns.unit(metric),
        "decimals": columns.decimals(metric),
        "higher_is_better": columns.higher_is_better(metric),
        "rule": columns.rule(metric),
        "guard": metric in GUARDS,
        "right": columns.is_right(metric),
    }


def _state(state: str) -> Row:
    return {"name": columns.state_name(state), "about": columns.state_about(state)}


def _cell(cell: Cell, best: bool, signatures: dict[str, int]) -> Row:
    place = cell.place
    row: Row = {"system": cell.system, "task": place.task, "metric": place.metric, "state": place.state}
    for name in (
        "source", "value", "low", "high", "n", "unscored", "rank_low", "rank_high", "cluster", "published", "verdict",
        "why",
    ):  # fmt: skip
        value = getattr(cell, name)
        if value not in (None, "") and (value != 0 or name in ("value", "low", "high", "published")):
            row[name] = short(value)
    row |= {"best": True} if best else {}
    row |= {"guards": {name: short(share) for name, share in cell.guards.items()}} if cell.guards else {}
    row |= {"signature": signatures.setdefault(cell.signature, len(signatures))} if cell.signature else {}
    return row


def _best(found: Gathered) -> set[tuple[str, Place]]:
    """Return the cells that nobody is better than: significantly where that was tested, else plainly."""
    by_place: dict[Place, list[Cell]] = {}
    for (_, place), cell in found.cells.items():
        by_place.setdefault(place, []).append(cell)
    finished = {system.key for system in found.systems if system.finished}
    best: set[tuple[str, Place]] = set()
    for place, every in by_place.items():
        held = [cell for cell in every if cell.system in finished]
        tested = [cell for cell in held if cell.rank_low is not None]
        if len(tested) > 1:
            best |= {cell.key for cell in tested if cell.rank_low == 1}
        elif len({cell.value for cell in held}) > 1 and len({cell.n for cell in held}) == 1:
            pick = max if columns.higher_is_better(place.metric) else min
            most = pick(cell.value for cell in held)
            best |= {cell.key for cell in held if cell.value == most}
    return best


def _pairs(found: Gathered) -> Iterator[Row]:
    for contest, place in _contests(found):
        for pair in contest.pairs:
            yield {
                "task": place.task, "metric": place.metric, "state": place.state, "first": pair.first,
                "second": pair.second, "difference": short(pair.difference), "low": short(pair.low),
                "high": short(pair.high), "p": short(pair.p_randomization), "p_holm": short(pair.p_holm),
                "detectable": short(pair.detectable),
            }  # fmt: skip


def _contests(found: Gathered) -> Iterator[tuple[Any, Place]]:
    """Yield every contest with its column, those of averages too."""
    for contest in found.duels:
        suite = next(place.suite for _, place in found.cells if place.task == contest.task)
        yield contest, Place(suite, contest.task, contest.metric, contest.ranking)
    if found.standing is None:
        return
    rankings = {ranking.title: ranking for ranking in found.standing.board.rankings}
    for contest in found.standing.contests:
        ranking = rankings[contest.ranking]
        if not contest.average:
            place = cells.place_of_contest(ranking, contest.task)
            if place is not None:
                yield contest, place
            continue
        (average,) = [each for each in ranking.averages if each["title"] == contest.task]
        of = [cells.place_of_contest(ranking, task) for task in average.get("tasks", ranking.tasks)]
        known = [place for place in of if place is not None]
        means = [mean for mean in found.means.values() if set(mean.tasks) == {place.task for place in known}]
        if known and means:
            yield contest, Place(known[0].suite, means[0].key, known[0].metric, known[0].state)


def _absent(found: Gathered) -> Iterator[Row]:
    for number, reading in enumerate(found.readings):
        for task in dict.fromkeys(planned["name"] for each in found.readings for planned in each.settings["tasks"]):
            why = reading.state(task)
            if why and not reading.scored(task).get("metrics"):
                yield {
                    "system": found.systems[number].key,
                    "task": task,
                    "metric": None,
                    "state": None,
                    "why": why,
                    "command": "",
                }
    told = set()
    for contest, place in _contests(found):
        for each in contest.absent:
            row = (each.system, place.task, place.metric, place.state, each.why, each.command)
            if (each.system, place) not in found.cells and row not in told:
                told.add(row)
                yield dict(zip(("system", "task", "metric", "state", "why", "command"), row, strict=True))


def _figures(found: Gathered, suites: list[str]) -> Row:
    return {
        "judge": {
            "outcomes": found.outcomes,
            "categories": found.categories,
            "calibrations": found.calibrations,
        },
        "directions": {"suites": [suite for suite in suites if suite in (*TRANSLATIONS, "mini", "miniature")]},
        "exams": {"suites": [suite for suite in suites if suite in EXAMS]},
        "size": {
            "systems": [system.key for system in found.systems if system.size_b is not None],
            "cost": [system.key for system in found.systems if system.cost is not None],
        },
    }
