"""What a judge said of a report's runs, as plain values for ``judge.html.j2``."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from bayling_bench.judge import calibrations, results, wording

if TYPE_CHECKING:
    from bayling_bench.record import Run


def build(runs: Sequence[Run]) -> dict[str, Any]:
    """Return every judging of the runs, and rankings where there were several opponents."""
    found = [each for run in runs for each in judgings(run)]
    return {
        "judgings": [_judging(each) for each in found],
        "rankings": [_ranking(each) for each in results.rankings(found)],
    }


def notes(run: Run) -> dict[str, str]:
    """Return for each judged task of a run which judgement scored it."""
    told: dict[str, list[str]] = {}
    for found in results.read_all(run.folder):
        against = f" against {found['system2']['name']}" if found["system2"] else ""
        for task in found["by"]["task"]:
            told.setdefault(task, []).append(f"{wording.judged_by(found)}{against}")
    return {task: "; ".join(each) + ": see Judge" for task, each in told.items()}


def judgings(run: Run) -> list[dict[str, Any]]:
    """Return the results of every judging of a run, each with the newest calibration that belongs to it."""
    return [_with_calibration(each) for each in results.read_all(run.folder)]


def _with_calibration(found: dict[str, Any]) -> dict[str, Any]:
    """Return results with the newest calibration that belongs to them, if there is one."""
    return found | {"calibration": calibrations.newest(found)}


def _judging(found: dict[str, Any]) -> dict[str, Any]:
    groups: dict[str, list[dict[str, Any]]] = {}
    for dimension, value, cells in wording.rows(found):
        groups.setdefault(dimension, []).append({"name": value, "cells": cells})
    return {
        "title": wording.title(found),
        "complete": found["complete"],
        "protocol": f"{found['protocol']['name']} {found['protocol']['version']}: {found['protocol']['description']}",
        "citation": found["protocol"]["citation"],
        "columns": wording.columns(found),
        "groups": groups,
        "notes": list(wording.notes(found)),
        "calibration": _calibration(found["calibration"]),
        "file": f"judgements/{found['name']}.jsonl",
    }


def _calibration(record: dict[str, Any] | None) -> dict[str, Any] | None:
    if record is None:
        return None
    rows = [("all", record["overall"]), ("BayLing first, as published", record["published_order"])]
    rows += [(value, row) for group in record["by"].values() for value, row in group.items()]
    return {
        "against": record["against"],
        "columns": wording.AGREEMENT_COLUMNS,
        "rows": [{"name": name, "cells": wording.agreement_cells(row)} for name, row in rows],
    }


def _ranking(ranking: dict[str, Any]) -> dict[str, Any]:
    systems = [{"name": each["name"], "cells": [wording.number(each)]} for each in ranking["systems"]]
    return {**ranking, "systems": systems}
