"""A board's audit and rankings as plain tables for the page."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from bayling_bench.audit import formats
from bayling_bench.audit.rows import DIFFERS, EQUAL, EXPLAINED, NOT_IN_REACH, Row
from bayling_bench.display.text import interval
from bayling_bench.leaderboard import Board
from bayling_bench.ranking.contest import Contest
from bayling_bench.ranking.grids import LEGEND, Grid, grids, pair_lines

_COLUMNS = ("figure", "published", "reproduced", "95 % interval", "why", "under other rules")


def audit(board: Board, rows: Sequence[Row]) -> dict[str, Any] | None:
    """Return a summary and the figures by verdict, those that differ first; None without figures."""
    if not rows:
        return None
    folds = {
        DIFFERS: [row for row in rows if row.verdict == DIFFERS],
        EXPLAINED: [row for row in rows if row.verdict == EXPLAINED and row.kind != NOT_IN_REACH],
        f"{EXPLAINED}, {NOT_IN_REACH}": [row for row in rows if row.kind == NOT_IN_REACH],
        EQUAL: [row for row in rows if row.verdict == EQUAL],
    }
    return {
        "title": f"Audit: {board.title}",
        "summary": formats.summary(rows),
        "columns": _COLUMNS,
        "folds": [
            {"verdict": chosen[0].verdict, "title": title, "open": title == DIFFERS, "rows": _lines(board, chosen)}
            for title, chosen in folds.items()
            if chosen
        ],
    }


def _lines(board: Board, rows: Sequence[Row]) -> list[dict[str, str]]:
    return [
        {
            "verdict": row.verdict,
            "figure": formats.named(board, row),
            "published": formats.printed(row),
            "reproduced": formats.computed(row),
            "interval": interval(row.interval.low, row.interval.high) if row.interval else "",
            "why": "" if row.verdict == EQUAL else row.command or formats.why(row),
            "others": "; ".join(f"{label}: {found.value:.2f}" for label, found in row.others.items()),
        }
        for row in rows
    ]


def rankings(board: Board, contests: Sequence[Contest]) -> dict[str, Any] | None:
    """Return a table a ranking, and the tests of every pair behind it; None where nothing is ranked."""
    if not contests:
        return None
    tables = [_table(found, contests) for found in grids(contests, board.rankings)]
    return {"legend": f"{LEGEND} Bold: nobody is significantly better.", "tables": tables}


def _table(found: Grid, contests: Sequence[Contest]) -> dict[str, Any]:
    held = [contest for contest in contests if contest.ranking == found.title and contest.pairs]
    pairs = [(contest.task, *pair_lines(contest)) for contest in held]
    return {
        "title": found.title,
        "about": found.about,
        "heading": found.heading,
        "lines": [{"name": name, "cells": [vars(cell) for cell in cells]} for name, cells in found.lines],
        "pairs": [{"task": task, "heading": heading, "lines": lines} for task, heading, lines in pairs],
    }
