"""Scores of runs as rows: the long form behind ``--format csv|json``, a pandas frame of it, and Markdown tables.

One row is one metric of one task of one run, at full precision. A task without metrics (it needs a judge, or its run is
unfinished) keeps one row without a value and with a note, so that nothing vanishes from a table.
"""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from bayling_bench.display.metrics import alike, describe, in_order, shown_as
from bayling_bench.display.text import ABSENT, count, for_spreadsheets, interval, number, visible, visible_all
from bayling_bench.report import outline
from bayling_bench.report.outline import Reading
from bayling_bench.scoring.kinds import for_tables

if TYPE_CHECKING:
    import pandas as pd

    from bayling_bench.record import Run

COLUMNS = ("run", "suite", "task", "metric", "value", "low", "high", "n", "unit", "unscored", "signature")
STATE = ("finished", "note")  # follow the columns: whether the run is complete, and why a value is absent


def rows(runs: Sequence[Run]) -> list[dict[str, Any]]:
    """Return the long form with keys `COLUMNS` + `STATE`; values in the metric's unit, absent ones None."""
    readings = outline.read(runs)
    return [
        row
        for suite, tasks in outline.suites(readings).items()
        for task in tasks
        for reading in readings
        for row in _task_rows(reading, suite, task)
    ]


def _task_rows(reading: Reading, suite: str, task: str) -> Iterator[dict[str, Any]]:
    scored = reading.scored(task)
    shared = dict.fromkeys((*COLUMNS, *STATE)) | {"run": reading.label, "suite": suite, "task": task}
    shared |= {"finished": reading.finished, "note": reading.state(task) or None}
    shared |= {"unscored": sum(scored["unscored"].values())} if scored else {}
    if not scored.get("metrics"):
        yield shared
    for metric, score in scored.get("metrics", {}).items():
        kept = {key: score[key] for key in ("value", "low", "high", "n", "unit", "signature")}
        yield shared | kept | {"metric": metric}


def frame(runs: Sequence[Run]) -> pd.DataFrame:
    """Return `rows` as a frame; ``value``, ``low``, ``high`` are floats, ``n`` and ``unscored`` nullable integers."""
    import pandas as pd

    table = pd.DataFrame(rows(runs), columns=[*COLUMNS, *STATE])
    return table.astype({"value": "float64", "low": "float64", "high": "float64", "n": "Int64", "unscored": "Int64"})


def to_csv(runs: Sequence[Run]) -> str:
    """Return `rows` as CSV with a header line; absent values are empty."""
    out = io.StringIO()
    writer = csv.DictWriter(out, [*COLUMNS, *STATE], lineterminator="\n")
    writer.writeheader()
    writer.writerows(map(for_spreadsheets, visible_all(rows(runs))))
    return out.getvalue()


def to_json(runs: Sequence[Run]) -> str:
    """Return `rows` as a JSON list of objects; absent values are null."""
    return json.dumps(visible_all(rows(runs)), ensure_ascii=False, indent=1) + "\n"


def to_markdown(runs: Sequence[Run]) -> str:
    """Return tables by suite: a row a task, a column a metric and run, notes last; signatures below."""
    readings = outline.read(runs)
    parts = [f"Unfinished: {_cell(reading.label)}" for reading in readings if not reading.finished]
    parts += [f"{_cell(reading.label)}: {_cell(note)}" for reading in readings for note in reading.notes]
    for suite, tasks in outline.suites(readings).items():
        groups = alike({task: _keys(readings, [task]) for task in tasks})
        parts += [f"## {_cell(suite)}", *(_table(readings, group) for group in groups), *_signatures(readings, tasks)]
    return "\n\n".join(parts) + "\n"


def _table(readings: Sequence[Reading], tasks: Sequence[str]) -> str:
    columns = [(key, reading) for key in _keys(readings, tasks) for reading in readings]
    several = len(readings) > 1
    names = [f"{_heading(key, readings, tasks)} {reading.label if several else ''}".strip() for key, reading in columns]
    lines = [["task", *names, "n", "notes"]]
    for task in tasks:
        values = [_value(_metrics(reading, task).get(key), reading.scored(task)) for key, reading in columns]
        sizes = dict.fromkeys(count(reading.scored(task)["scored"]) for reading in readings if reading.scored(task))
        notes = [
            f"{reading.label}: {note}" if several else note for reading in readings for note in _notes(reading, task)
        ]
        lines.append([task, *values, " / ".join(sizes) or ABSENT, "; ".join(notes)])
    head, *body = ["| " + " | ".join(map(_cell, line)) + " |" for line in lines]
    return "\n".join([head, f"| --- |{' ---: |' * (len(columns) + 1)} --- |", *body])


def _heading(key: str, readings: Sequence[Reading], tasks: Sequence[str]) -> str:
    units = {_metrics(reading, task).get(key, {}).get("unit") for reading in readings for task in tasks}
    return f"{describe(key).name} %" if "percent" in units else describe(key).name


def _metrics(reading: Reading, task: str) -> dict[str, dict[str, Any]]:
    return {shown_as(key, task): score for key, score in reading.scored(task).get("metrics", {}).items()}


def _keys(readings: Sequence[Reading], tasks: Sequence[str]) -> list[str]:
    return in_order(key for task in tasks for reading in readings for key in _metrics(reading, task))


def _value(score: Mapping[str, Any] | None, scored: Mapping[str, Any]) -> str:
    if not score:
        return ABSENT
    items = f"(n {count(score['n'])})" if score["n"] != scored["scored"] else ""
    value, low, high = (for_tables(score[name], score["unit"]) for name in ("value", "low", "high"))
    return " ".join(filter(None, [number(value), interval(low, high), items]))


def _notes(reading: Reading, task: str) -> list[str]:
    warnings = reading.scored(task).get("warnings", [])
    return [note for note in (reading.state(task), reading.unscored(task), *warnings) if note]


def _signatures(readings: Sequence[Reading], tasks: Sequence[str]) -> list[str]:
    found = {
        f"- {_cell(describe(key).name)}: {_cell(score['signature'] or ABSENT)}": None
        for task in tasks
        for reading in readings
        for key, score in _metrics(reading, task).items()
    }
    return ["\n".join(found)] if found else []


def _cell(text: str) -> str:
    """Escape what Markdown or inline HTML would act upon, and keep the cell on one line."""
    # brackets become links only before a parenthesis or a colon, so intervals stay readable
    escaped = re.sub(r"([\\`*<>|]|\](?=[(:\[]))", r"\\\1", visible(text).replace("&", "&amp;"))
    return " ".join(escaped.split())
