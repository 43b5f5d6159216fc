"""What the page shows, as plain dicts and strings for the template: tables of cells, foot notes, settings, sources.

Nothing here is escaped or marked up: the template's autoescape does that, and `text.visible` runs over every value.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from bayling_bench.display.metrics import alike, describe, headlines, in_order, shown_as
from bayling_bench.display.text import ABSENT, count, interval, number
from bayling_bench.report import outline
from bayling_bench.report.outline import Reading
from bayling_bench.scoring.kinds import for_tables

Notes = dict[str, int]  # text of a foot note -> its number, in order of first use


def build(runs: Sequence[Reading]) -> dict[str, Any]:
    """Return the template's variables except the title, the assets and the packed items."""
    notes: Notes = {}
    suites = [_suite(runs, name, tasks, notes) for name, tasks in outline.suites(runs).items()]
    return {
        "runs": [_run(run) for run in runs],
        "summary": summary(runs),
        "suites": suites,
        "notes": notes,
        "glossary": in_order(key for suite in suites for task in suite["tasks"] for key in task["cells"]),
        "settings": settings(runs),
        "sources": sources(runs),
        "citations": list(dict.fromkeys(file["citation"] for run in runs for file in run.settings["data"])),
    }


def _run(run: Reading) -> dict[str, Any]:
    created = run.settings["created"]
    return {
        "label": run.label,
        "folder": run.folder,
        "created": created,
        "date": created[:16].replace("T", " "),
        "finished": run.finished,
        "left_out": run.settings["left_out"],
        "notes": run.notes,
    }


def summary(runs: Sequence[Reading]) -> str:
    """Return one line: which models on how many tasks, suites and items, what was unscored, what is unfinished."""
    suites = outline.suites(runs)
    tasks = [task for names in suites.values() for task in names]
    items = sum(max((run.plan(task) or {"items": 0})["items"] for run in runs) for task in tasks)
    unscored = sum(sum(task["unscored"].values()) for run in runs for task in run.scores.values())
    unfinished = sum(not run.finished for run in runs)
    line = f"{outline.listed([run.label for run in runs])} on {_number_of(len(tasks), 'task')} "
    line += f"of {_number_of(len(suites), 'suite')} ({', '.join(suites)}), {_number_of(items, 'item')}; "
    line += f"{count(unscored) if unscored else 'none'} unscored."
    return line + (f" {unfinished} of {_number_of(len(runs), 'run')} unfinished." if unfinished else "")


def _number_of(number: int, noun: str) -> str:
    return f"{count(number)} {noun}{'' if number == 1 else 's'}"


def _suite(runs: Sequence[Reading], name: str, tasks: Sequence[str], notes: Notes) -> dict[str, Any]:
    shown = {task: _task(runs, task, notes) for task in tasks}
    groups = [[shown[task] for task in group] for group in alike({task: shown[task]["cells"] for task in tasks})]
    return {"name": name, "tasks": list(shown.values()), "groups": [_group(group) for group in groups]}


def _group(tasks: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Return the tasks of one table with their metrics and, for headings, ``" %"`` where values are percent."""
    return {
        "tasks": tasks,
        "metrics": in_order(key for task in tasks for key in task["cells"]),
        "units": {key: unit for task in tasks for key, unit in task["units"].items()},
    }


def _task(runs: Sequence[Reading], task: str, notes: Notes) -> dict[str, Any]:
    metrics = [
        {shown_as(key, task): score for key, score in run.scored(task).get("metrics", {}).items()} for run in runs
    ]
    keys = in_order(key for run_metrics in metrics for key in run_metrics)
    plans = [planned for run in runs if (planned := run.plan(task))]
    cells = {key: [_cell(key, run_metrics.get(key), notes) for run_metrics in metrics] for key in keys}
    for key in keys:
        _mark_best(cells[key], [scored.get(key) for scored in metrics], runs)
    return {
        "name": task,
        "languages": plans[0]["languages"],
        "versions": list(dict.fromkeys(str(planned["version"]) for planned in plans)),
        "cells": cells,
        "headlines": headlines(keys),
        "units": {key: "\u00a0%" for key in keys if any(m.get(key, {}).get("unit") == "percent" for m in metrics)},
        "states": [_state(run, task) for run in runs],
    }


def _state(run: Reading, task: str) -> dict[str, Any]:
    """What stands beside the values of one run: why there are none, how many items, what to beware of."""
    planned, scored = run.plan(task), run.scored(task)
    return {
        "note": run.state(task),
        "scored": count(scored["scored"]) if scored else "",
        "planned": count(planned["items"]) if planned else "",
        "unscored": run.unscored(task),
        "warnings": scored.get("warnings", []),
        "generation": _flat(planned["generation"]) if planned else {},
    }


def _cell(key: str, score: Mapping[str, Any] | None, notes: Notes) -> dict[str, Any] | None:
    if score is None:
        return None
    value, low, high = (for_tables(score[name], score["unit"]) for name in ("value", "low", "high"))
    how = f"{describe(key).name}: {score['signature'] or 'no signature'}"
    note = f"{how}; interval: {score['interval']}" if score["interval"] else how
    return {
        "value": number(value),
        "interval": interval(low, high),
        "n": count(score["n"]),
        "note": note,
        "mark": notes.setdefault(note, len(notes) + 1),
        "best": False,
    }


def _mark_best(cells: Sequence[Any], scores: Sequence[Any], runs: Sequence[Reading]) -> None:
    """Mark the best value of a row, if the finished runs hold two or more of the same signature and n that differ."""
    rivals = [
        (cell, score)
        for cell, score, run in zip(cells, scores, runs, strict=True)
        if cell and run.finished and score["value"] is not None
    ]
    alike = len({(score["signature"], score["n"]) for _, score in rivals}) == 1
    values = {score["value"] for _, score in rivals}
    if not alike or len(values) < 2:
        return
    best = max(values) if rivals[0][1]["higher_is_better"] else min(values)
    for cell, score in rivals:
        cell["best"] = score["value"] == best


def settings(runs: Sequence[Reading]) -> dict[str, list[dict[str, Any]]]:
    """Return group -> rows ``{"name", "values" (one a run), "differ"}`` of everything that run.json says of a run."""
    flat = [_settings_of(run) for run in runs]
    groups: dict[str, list[dict[str, Any]]] = {}
    for group, name in dict.fromkeys(key for values in flat for key in values):
        values = [run_values.get((group, name), ABSENT) for run_values in flat]
        groups.setdefault(group, []).append({"name": name, "values": values, "differ": len(set(values)) > 1})
    return groups


def _settings_of(run: Reading) -> dict[tuple[str, str], str]:
    elsewhere = ("schema", "tasks", "left_out", "data", "environment")
    record = {key: value for key, value in run.settings.items() if key not in elsewhere}
    environment = dict(run.settings["environment"])
    packages = environment.pop("packages")
    record |= {"environment": environment, "packages": packages}
    plain = {key: value for key, value in record.items() if not isinstance(value, dict)}
    grouped = {"run": plain} | {key: value for key, value in record.items() if isinstance(value, dict)}
    return {(group, name): text for group, values in grouped.items() for name, text in _flat(values).items()}


def _flat(values: Mapping[str, Any], prefix: str = "") -> dict[str, str]:
    """Return nested settings as ``{"git commit": "..."}``."""
    flat: dict[str, str] = {}
    for key, value in values.items():
        name = f"{prefix}{key.replace('_', ' ')}"
        flat |= _flat(value, f"{name} ") if isinstance(value, dict) and value else {name: _plain(value)}
    return flat


def _plain(value: Any) -> str:
    if value is None or value in ([], {}):
        return ABSENT
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def sources(runs: Sequence[Reading]) -> list[dict[str, Any]]:
    """Return the data files of all runs, each state once: file, sha256, licence and the labels of its runs."""
    found: dict[tuple[str, str], dict[str, Any]] = {}
    for run in runs:
        for file in run.settings["data"]:
            entry = found.setdefault((file["file"], file["sha256"]), {**file, "runs": []})
            entry["runs"].append(run.label)
    return list(found.values())
