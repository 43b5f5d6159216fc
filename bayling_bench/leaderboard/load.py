"""Boards: published figures as data, and how each of them is to be found again. A board is a folder, never code.

``board.toml`` names the systems, the rules that compute figures and the tables to show; ``figures.csv`` holds the
figures, a line each; ``explanations.toml`` states why a figure cannot come out as printed. ``leaderboards/README.md``
describes the three files. Nothing here reads upstream data: see ``bayling_bench.audit`` for that.
"""

from __future__ import annotations

import csv
import re
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from bayling_bench.errors import did_you_mean
from bayling_bench.leaderboard.board import (
    COLUMNS,
    FIELDS,
    Board,
    BoardError,
    Explanation,
    Figure,
    Rule,
    Selector,
    known_keys,
)
from bayling_bench.leaderboard.ranking import read_rankings
from bayling_bench.leaderboard.upstream import Upstream, upstream_figures

if sys.version_info >= (3, 11):
    import tomllib
else:  # the standard library reads TOML from 3.11 on
    import tomli as tomllib  # pyright: ignore[reportMissingImports]

_BOARD_KEYS = {
    "title", "summary", "sources", "figures", "upstream", "systems", "outputs", "rules", "tables", "rankings", "beside",
}  # fmt: skip
_RULE_KEYS = {*FIELDS, "measure", "arguments", "decimals", "also"}
_ALSO_KEYS = {"label", "measure", "arguments"}
_EXPLANATION_KEYS = {*FIELDS, "name", "kind", "reason", "evidence", "check"}
_TABLE_KEYS = {"title", "note", "tasks", "task_pattern", "systems", "metrics", "decimals"}


def leaderboards_path() -> Path:
    """Return the folder of boards: inside the installed package, or beside it in a checkout."""
    package = Path(__file__).parent.parent
    installed = package / "leaderboards"
    return installed if installed.is_dir() else package.parent / "leaderboards"


def names() -> list[str]:
    """Return the names of the boards that are shipped."""
    return sorted(path.parent.name for path in leaderboards_path().glob("*/board.toml"))


def load(board: str) -> Board:
    """Return a board by its name, or by the path of a folder of your own; BoardError for a mistake in either."""
    own = Path(board)
    folder = own if (own / "board.toml").is_file() else leaderboards_path() / board
    if not board or not (folder / "board.toml").is_file():
        raise BoardError(
            f"No board is called {board!r}, and no folder of that name holds a board.toml."
            f"{did_you_mean(board, names())} Shipped: {', '.join(names())}."
        )
    config = _toml(folder / "board.toml")
    known_keys(f"{folder / 'board.toml'}:", config, _BOARD_KEYS, {"title", "figures", "rules"})
    for system, entry in config.get("systems", {}).items():
        known_keys(f"{folder / 'board.toml'}: systems.{system}", entry, {"name", "outputs", "size_b"}, set())
    figures = [figure for name in config["figures"] for figure in read_figures(folder / name)]
    if "upstream" in config:
        figures += upstream_figures(_upstream(folder / "board.toml", config["upstream"]), figures)
    explanations = folder / "explanations.toml"
    stated = _toml(explanations).get("explanations", []) if explanations.is_file() else []
    found = Board(
        name=folder.resolve().name,
        folder=folder,
        title=config["title"],
        summary=config.get("summary", "").strip(),
        sources=config.get("sources", {}),
        systems=config.get("systems", {}),
        outputs=config.get("outputs", ""),
        figures=figures,
        rules=[_rule(folder / "board.toml", entry) for entry in config["rules"]],
        explanations=[_explanation(explanations, entry) for entry in stated],
        tables=[_table(folder / "board.toml", entry) for entry in config.get("tables", [])],
        rankings=read_rankings(folder / "board.toml", config.get("rankings", [])),
        beside=config.get("beside", []),
        index=_index(figures),
    )
    _no_idle_explanation(found)
    return found


def read_figures(path: Path) -> list[Figure]:
    """Return the figures of a CSV file with the columns `COLUMNS`; BoardError with the line of a mistake."""
    if not path.is_file():
        raise BoardError(f"{path} does not exist; board.toml names it under `figures`.")
    with path.open(encoding="utf-8", newline="") as file:
        rows = csv.DictReader(file)
        if tuple(rows.fieldnames or ()) != COLUMNS:
            raise BoardError(f"{path}, line 1: the columns must be {','.join(COLUMNS)}.")
        return [_figure(f"{path}, line {rows.line_num}", row) for row in rows]


def _figure(line: str, row: Mapping[str | Any, str | Any]) -> Figure:
    if None in row or None in row.values():
        raise BoardError(f"{line}: {len(COLUMNS)} columns are expected. Quote a field that holds a comma.")
    try:
        value, items = float(row["value"]), int(row["items"]) if row["items"] else None
    except ValueError:
        raise BoardError(f"{line}: value {row['value']!r} or items {row['items']!r} is not a number.") from None
    group, task, system, metric = (row[name] for name in FIELDS)
    return Figure(group, task, system, metric, value, items, row["source"], line)


def _index(figures: Sequence[Figure]) -> dict[tuple[str, str, str, str], Figure]:
    found: dict[tuple[str, str, str, str], Figure] = {}
    for figure in figures:
        if figure.key in found:
            raise BoardError(f"{figure.line}: the same figure stands in {found[figure.key].line} too. Remove one.")
        found[figure.key] = figure
    return found


def _toml(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except tomllib.TOMLDecodeError as error:
        raise BoardError(f"{path}: not valid TOML ({error}).") from None


def _selector(path: Path, entry: Mapping[str, Any]) -> Selector:
    try:
        return Selector({name: re.compile(entry[name]) for name in FIELDS if name in entry})
    except re.error as error:
        raise BoardError(f"{path}: {error.pattern!r} is not a regular expression ({error}).") from None


def _rule(path: Path, entry: Mapping[str, Any]) -> Rule:
    known_keys(f"{path}: a rule", entry, _RULE_KEYS, {"decimals"})
    for also in entry.get("also", []):
        known_keys(f"{path}: also", also, _ALSO_KEYS, {"label"})
    return Rule(
        _selector(path, entry),
        entry.get("measure"),
        entry.get("arguments", {}),
        entry["decimals"],
        entry.get("also", []),
    )


def _explanation(path: Path, entry: Mapping[str, Any]) -> Explanation:
    where = f"{path}: {entry.get('name', 'an explanation')}"
    known_keys(where, entry, _EXPLANATION_KEYS, {"name", "kind", "reason", "evidence", "check"})
    reason, evidence = (" ".join(entry[name].split()) for name in ("reason", "evidence"))
    return Explanation(entry["name"], entry["kind"], _selector(path, entry), reason, evidence, entry["check"])


def _table(path: Path, entry: Mapping[str, Any]) -> Mapping[str, Any]:
    where = f"{path}: {entry.get('title', 'a table')}"
    known_keys(where, entry, _TABLE_KEYS, {"title", "tasks", "systems", "metrics", "decimals"})
    return entry


def _upstream(path: Path, entry: Mapping[str, Any]) -> Upstream:
    names = set(Upstream.__dataclass_fields__)
    known_keys(f"{path}: upstream", entry, names, names)
    try:
        re.compile(entry["only"])
    except re.error as error:
        raise BoardError(f"{path}: upstream: {entry['only']!r} is not a regular expression ({error}).") from None
    return Upstream(**entry)


def _no_idle_explanation(board: Board) -> None:
    for explanation in board.explanations:
        if not any(explanation.selector.match(figure) is not None for figure in board.figures):
            raise BoardError(
                f"{board.folder / 'explanations.toml'}: {explanation.name!r} covers no figure. Mend its patterns or "
                "remove it."
            )
