"""The README of a board: its tables, rendered from its figures and from what an audit found.

What was found lies beside the figures as ``reproduced.csv``, numbers only, so that the page can be rendered again where
the outputs are not. `write` renews both files; a test holds that they are those of the current code and data.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bayling_bench import record
from bayling_bench.audit.reach import Measured
from bayling_bench.audit.rows import DIFFERS, EQUAL, EXPLAINED, NOT_IN_REACH, Row, beside
from bayling_bench.display.text import grid
from bayling_bench.leaderboard import FIELDS, Board, BoardError, Figure

COLUMNS: tuple[str, ...] = (*FIELDS, "reproduced", "low", "high", "verdict", "kind", "others")
_FILE = "reproduced.csv"
BESIDE = "beside"


Results = Mapping[tuple[str, str, str, str], "Found"]


@dataclass(frozen=True)
class Found:
    """What an audit found of one figure."""

    reproduced: float | None
    interval: str
    """95 % bounds to show, or nothing."""
    verdict: str
    kind: str
    others: Mapping[str, tuple[float, str]]
    """The figure under other rules, by label: value, and bounds to show or nothing."""


def write(board: Board, rows: Sequence[Row], folder: Path) -> None:
    """Write ``reproduced.csv`` and ``README.md`` into a folder, which should be the board's own."""
    found = reproduced(rows, beside(board))
    record.write_text(folder / _FILE, found)
    record.write_text(folder / "README.md", render(board, _parse(found)))


def reproduced(rows: Sequence[Row], unpublished: Mapping[Figure, Measured]) -> str:
    """Return what an audit found as CSV, a line a figure; ``others`` as ``label=value low high`` between semicolons.

    Figures of systems ``beside`` the board's follow, with the verdict `BESIDE`.
    """
    out = io.StringIO()
    lines = csv.writer(out, lineterminator="\n")
    lines.writerow(COLUMNS)
    for row in rows:
        value = "" if row.reproduced is None else f"{row.reproduced:.6f}"
        others = ";".join(
            f"{label}={' '.join(f'{number:.6f}' for number in (found.value, *(found.interval or ())))}"
            for label, found in row.others.items()
        )
        bounds = [f"{bound:.6f}" for bound in row.interval] if row.interval else ["", ""]
        lines.writerow([*row.figure.key, value, *bounds, row.verdict, row.kind, others])
    for figure, measured in unpublished.items():
        bounds = [f"{bound:.6f}" for bound in measured.interval] if measured.interval else ["", ""]
        lines.writerow([*figure.key, f"{measured.value:.6f}", *bounds, BESIDE, "", ""])
    return out.getvalue()


def read(board: Board) -> dict[tuple[str, str, str, str], Found]:
    """Return what the last audit found, by the figure's key; BoardError where the file is of other figures."""
    path = board.folder / _FILE
    found = _parse(path.read_text(encoding="utf-8"))
    if [key for key in found if found[key].verdict != BESIDE] != [figure.key for figure in board.figures]:
        raise BoardError(f"{path} is not of these figures. `{_command(board)}` makes it again.")
    return found


def _parse(text: str) -> dict[tuple[str, str, str, str], Found]:
    return {_key(line): _found(line) for line in csv.DictReader(io.StringIO(text, newline=""))}


def _command(board: Board) -> str:
    return f"bayling-bench audit {board.name} --format readme -o leaderboards/{board.name}"


def _key(line: Mapping[str, str]) -> tuple[str, str, str, str]:
    return line["group"], line["task"], line["system"], line["metric"]


def _found(line: Mapping[str, str]) -> Found:
    others = [entry.rpartition("=") for entry in line["others"].split(";") if entry]
    value = float(line["reproduced"]) if line["reproduced"] else None
    interval = _bounds([line["low"], line["high"]]) if line["low"] else ""
    named = {label: _other(numbers.split()) for label, _, numbers in others}
    return Found(value, interval, line["verdict"], line["kind"], named)


def _other(numbers: Sequence[str]) -> tuple[float, str]:
    return float(numbers[0]), _bounds(numbers[1:]) if len(numbers) > 1 else ""


def _bounds(numbers: Sequence[str]) -> str:
    low, high = map(float, numbers)
    return f"{low:.1f} to {high:.1f}"


def render(board: Board, results: Results) -> str:
    """Return the README as Markdown."""
    parts = [
        f"# {board.title}",
        board.summary,
        "\n".join(f"- {name}: {where}" for name, where in board.sources.items()),
        f"`bayling-bench audit {board.name}` computes every figure again and says why where it is not the same. "
        f"This page: `{_command(board)}`.",
        _counts(results),
        "In the tables: **bold**, computed again from the released outputs and equal at the printed precision; with "
        "another number in brackets, what came out, and why is explained below; plain, not computed here."
        + (" In *italics*: systems that were not part of it, computed by the same rules." if board.beside else ""),
    ]
    for table in board.tables:
        parts += _table(board, table, results)
    parts += _claims(board, results)
    parts += _explanations(board)
    return "\n\n".join(part for part in parts if part) + "\n"


def _counts(results: Results) -> str:
    kinds: dict[tuple[str, str], int] = {}
    published = [found for found in results.values() if found.verdict != BESIDE]
    for found in published:
        kinds[found.verdict, found.kind] = kinds.get((found.verdict, found.kind), 0) + 1
    order = sorted(kinds, key=lambda each: ((EQUAL, EXPLAINED, DIFFERS).index(each[0]), each[1] == NOT_IN_REACH, each))
    cells = [[verdict, kind, str(kinds[verdict, kind])] for verdict, kind in order]
    return grid(("verdict", "reason", "figures"), [*cells, ["", "all", str(len(published))]])


def _table(board: Board, table: Mapping[str, Any], results: Results) -> list[str]:
    figures = {(figure.system, figure.task, figure.metric): figure for figure in board.figures}
    lines, others = [], []
    for system in table["systems"]:
        of_system = [[figures.get((system, task, metric)) for metric in table["metrics"]] for task in table["tasks"]]
        lines.append([board.name_of(system), *(_cell(cell, results, table["decimals"]) for cell in of_system)])
        others += _others(board.name_of(system), [cell[0] for cell in of_system], results)
        if len(table["metrics"]) == 1:
            intervals = [results[cell[0].key].interval if cell[0] is not None else "" for cell in of_system]
            others += [[board.name_of(system), "95 % interval", *intervals]] if any(intervals) else []
    lines += _beside(board, table, results)
    parts = [f"## {table['title']}", table.get("note", ""), grid(("", *table["tasks"]), lines)]
    if others:
        parts += ["The same outputs, measured otherwise:", grid(("", "", *table["tasks"]), others)]
    return parts


def _beside(board: Board, table: Mapping[str, Any], results: Results) -> list[list[str]]:
    found = {(key[2], key[1], key[3]): each for key, each in results.items() if each.verdict == BESIDE}
    lines = []
    for system in board.beside:
        cells = [[found.get((system, task, metric)) for metric in table["metrics"]] for task in table["tasks"]]
        shown = [" / ".join(f"*{each.reproduced:.{table['decimals']}f}*" for each in cell if each) for cell in cells]
        lines += [[f"*{board.name_of(system)}*", *shown]] if any(shown) else []
    return lines


def _cell(cell: Sequence[Figure | None], results: Results, decimals: int) -> str:
    return " / ".join(_shown(figure, results[figure.key], decimals) for figure in cell if figure is not None)


def _shown(figure: Figure, found: Found, decimals: int) -> str:
    printed = f"{figure.value:.{decimals}f}"
    if found.verdict == EQUAL:
        return f"**{printed}**"
    return printed if found.reproduced is None else f"{printed} ({found.reproduced:.{decimals}f})"


def _others(system: str, figures: Sequence[Figure | None], results: Results) -> list[list[str]]:
    by_task = [results[figure.key].others if figure is not None else {} for figure in figures]
    labels = list(dict.fromkeys(label for others in by_task for label in others))
    # Where the figure itself is computed, its own interval has a line; the others would be hardly different.
    shown = all(figure is None or results[figure.key].reproduced is None for figure in figures)
    return [[system, label, *(_value(others.get(label), shown) for others in by_task)] for label in labels]


def _value(found: tuple[float, str] | None, with_bounds: bool) -> str:
    if found is None:
        return ""
    value, bounds = found
    return f"{value:.2f} ({bounds})" if bounds and with_bounds else f"{value:.2f}"


def _claims(board: Board, results: Results) -> list[str]:
    claims = [figure for figure in board.figures if figure.group == "claims"]
    if not claims:
        return []
    lines = []
    for figure in claims:
        found = results[figure.key]
        computed = "" if found.reproduced is None else _plain(found.reproduced)
        others = "; ".join(
            f"{label}: {_plain(value)}" + (f" ({bounds})" if bounds else "")
            for label, (value, bounds) in found.others.items()
        )
        computed += f" ({found.interval})" if found.interval else ""
        verdict = f"{found.verdict}: {found.kind}" if found.kind else found.verdict
        lines.append(
            [f"{figure.task}, {figure.metric}", figure.source, _plain(figure.value), computed, verdict, others]
        )
    heading = ("claim", "source", "stated", "computed (95 %)", "verdict", "under other fair rules")
    return ["## Claims", grid(heading, lines)]


def _plain(value: float) -> str:
    """Return at most two decimals, and none for a whole number such as a rank."""
    return f"{round(value, 2):g}"


def _explanations(board: Board) -> list[str]:
    if not board.explanations:
        return []
    lines = [[each.kind, each.reason, each.evidence] for each in board.explanations]
    return ["## Explanations", grid(("kind", "reason", "evidence"), lines)]
