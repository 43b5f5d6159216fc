"""A board's audit and rankings as plain tables for the page."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from bayling_bench.audit import formats
from bayling_bench.audit.rows import DIFFERS, EQUAL, EXPLAINED, NOT_IN_REACH, Row
from bayling_bench.display.text import interval
from bayling_bench.leaderboard import Board
from bayling_bench.ranking.contest import Contest
from bayling_bench.ranking.grids import Grid, grids, pair_lines
from bayling_bench.report import words
from bayling_bench.report.strings import text

_COLUMNS = ("figure", "published", "reproduced", "interval", "why", "others")
_OF_A_PAIR = ("pair", "difference", "interval", "p_bootstrap", "p_randomization", "p_holm", "detects")
"""What ``pair_lines`` gives, by the keys of its words."""


def audit(board: Board, rows: Sequence[Row]) -> dict[str, Any] | None:
    """Return a summary and the figures by verdict, those that differ first; None without figures."""
    if not rows:
        return None
    folds = {
        "differs": [row for row in rows if row.verdict == DIFFERS],
        "explained": [row for row in rows if row.verdict == EXPLAINED and row.kind != NOT_IN_REACH],
        "not_in_reach": [row for row in rows if row.kind == NOT_IN_REACH],
        "equal": [row for row in rows if row.verdict == EQUAL],
    }
    return {
        "title": f"Audit: {board.title}",
        "summary": words.audited(rows),
        "columns": [text(f"column.{name}") for name in _COLUMNS],
        "folds": [
            {"title": text(f"fold.{name}"), "open": name == "differs", "rows": _lines(board, chosen)}
            for name, chosen in folds.items()
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
    return {"tables": tables}


def _table(found: Grid, contests: Sequence[Contest]) -> dict[str, Any]:
    held = [contest for contest in contests if contest.ranking == found.title and contest.pairs]
    return {
        "title": found.title,
        "about": found.about,
        "heading": found.heading,
        "lines": [{"name": name, "cells": [vars(cell) for cell in cells]} for name, cells in found.lines],
        "pairs": [
            {"task": contest.task, "title": text("fold.every_pair", task=contest.task), "lines": pair_lines(contest)[1]}
            for contest in held
        ],
        "of_a_pair": [text(f"column.{name}") for name in _OF_A_PAIR],
    }
