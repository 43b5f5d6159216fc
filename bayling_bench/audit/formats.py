"""An audit as a table for the terminal, CSV, JSON or Markdown."""

from __future__ import annotations

import csv
import io
import json
from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from bayling_bench.audit.reach import Measured
from bayling_bench.audit.rows import DIFFERS, EQUAL, EXPLAINED, NOT_IN_REACH, VERDICTS, Row, counts
from bayling_bench.display.text import grid
from bayling_bench.leaderboard import Board

if TYPE_CHECKING:
    from rich.table import Table

COLUMNS: tuple[str, ...] = (
    "group", "task", "system", "metric", "published", "reproduced", "low", "high", "difference", "verdict", "kind",
    "reason", "evidence", "found", "basis", "items", "command", "source", "others",
)  # fmt: skip
_MORE_DIGITS = 2
"""Digits beyond the printed ones that a reproduced figure is shown with, so that the rounding can be followed."""


def flat(row: Row) -> dict[str, Any]:
    """Return a row with keys `COLUMNS`; numbers unrounded, absent ones None; ``others``: label to value and bounds."""
    figure = row.figure
    return {
        "group": figure.group, "task": figure.task, "system": figure.system, "metric": figure.metric,
        "published": figure.value, "reproduced": row.reproduced, "low": row.interval.low if row.interval else None,
        "high": row.interval.high if row.interval else None, "difference": row.difference, "verdict": row.verdict,
        "kind": row.kind, "reason": row.reason, "evidence": row.evidence, "found": row.found, "basis": row.basis,
        "items": figure.items, "command": row.command, "source": figure.source,
        "others": {label: _other(found) for label, found in row.others.items()},
    }  # fmt: skip


def _other(found: Measured) -> dict[str, Any]:
    low, high = found.interval or (None, None)
    return {"value": found.value, "low": low, "high": high, "items": found.items, "note": found.note}


def to_json(board: Board, rows: Sequence[Row]) -> str:
    """Return the board's name, the count of each verdict, and the rows."""
    counted = {verdict: counts(rows)[verdict] for verdict in VERDICTS}
    whole = {"board": board.name, "title": board.title, "verdicts": counted, "rows": [flat(row) for row in rows]}
    return json.dumps(whole, ensure_ascii=False, indent=1) + "\n"


def to_csv(board: Board, rows: Sequence[Row]) -> str:  # noqa: ARG001 - the form of all formats
    """Return a header line and one line a figure; ``others`` as ``label: value`` separated by semicolons."""
    out = io.StringIO()
    writer = csv.DictWriter(out, COLUMNS, lineterminator="\n")
    writer.writeheader()
    for row in rows:
        others = "; ".join(f"{label}: {found.value:.6g}" for label, found in row.others.items())
        writer.writerow({**flat(row), "others": others})
    return out.getvalue()


def to_markdown(board: Board, rows: Sequence[Row]) -> str:
    """Return the counts by group, every figure that is not simply equal, and the claims under other rules."""
    unlike = [row for row in rows if row.verdict != EQUAL]
    columns = ("figure", "published", "reproduced", "verdict", "why")
    cells = [[named(board, row), printed(row), computed(row), row.verdict, why(row)] for row in unlike]
    parts = [f"# Audit: {board.title}", summary(rows), count_table(rows)]
    if unlike:
        parts += ["## Figures that are not simply equal", grid(columns, cells)]
    return "\n\n".join(parts) + "\n"


def count_table(rows: Sequence[Row]) -> str:
    """Return a Markdown table of verdicts by group, with the kinds of reasons."""
    lines: Counter[tuple[str, str, str]] = Counter((row.figure.group, row.verdict, row.kind) for row in rows)
    return grid(("group", "verdict", "reason", "figures"), [[*key, str(n)] for key, n in lines.items()])


def summary(rows: Sequence[Row]) -> str:
    """Return one line with the count of each verdict, and of the figures that were not checked for want of outputs."""
    counted = counts(rows)
    absent = sum(row.kind == NOT_IN_REACH for row in rows)
    return (
        f"{len(rows)} figures: {counted[EQUAL]} equal, {counted[EXPLAINED]} explained "
        f"(of these {absent} unchecked: outputs not in reach), {counted[DIFFERS]} differ."
    )


def table(board: Board, rows: Sequence[Row]) -> Table:
    """Return a Rich table, a line a figure."""
    from rich import box
    from rich.table import Table
    from rich.text import Text

    found = Table(title=board.title, title_justify="left", box=box.SIMPLE_HEAD)
    for name in ("figure", "published", "reproduced", "verdict", "why"):
        right = name in ("published", "reproduced")
        found.add_column(name, justify="right" if right else "left", no_wrap=name != "why")
    colours = {EQUAL: "green", EXPLAINED: "yellow", DIFFERS: "bold red"}
    for row in rows:
        verdict = Text(row.verdict, style=colours[row.verdict])
        found.add_row(Text(named(board, row)), printed(row), computed(row), verdict, Text(short(row)))
    return found


def named(board: Board, row: Row) -> str:
    """Return task and system of a figure, and its metric where the task has several."""
    figure = row.figure
    metrics = {each.metric for each in board.figures if (each.group, each.task) == (figure.group, figure.task)}
    parts = [figure.task, board.name_of(figure.system), *([figure.metric] if len(metrics) > 1 else [])]
    return ", ".join(parts)


def printed(row: Row) -> str:
    """Return the published figure as printed."""
    return f"{row.figure.value:.{row.decimals}f}"


def computed(row: Row) -> str:
    """Return the reproduced figure, with digits beyond the printed ones where it differs; empty without one."""
    if row.reproduced is None:
        return ""
    return f"{row.reproduced:.{row.decimals + (0 if row.verdict == EQUAL else _MORE_DIGITS)}f}"


def short(row: Row) -> str:
    """Return the kind of reason, and the command that brings what is not here."""
    return f"{row.kind}: {row.command}" if row.command else row.kind


def why(row: Row) -> str:
    """Return kind, reason and what the checks found."""
    said = [row.reason, f"Checked: {row.found}." if row.found else "", f"`{row.command}`" if row.command else ""]
    return f"{row.kind}: " + " ".join(part for part in said if part)


TEXTS = {"csv": to_csv, "json": to_json, "md": to_markdown}
