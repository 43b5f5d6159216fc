"""A leaderboard as Markdown, CSV, JSON or LaTeX: what the page shows, for papers, spreadsheets and programs.

CSV and JSON hold every number, a row each; Markdown and LaTeX the tables that lead each suite.
"""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from bayling_bench.display.text import ABSENT, for_spreadsheets
from bayling_bench.report import payload, static
from bayling_bench.report.gathered import Gathered
from bayling_bench.report.static import Shown, Table

COLUMNS: tuple[str, ...] = (
    "system", "name", "kind", "finished", "suite", "task", "metric", "state", "source", "value", "low", "high", "n",
    "unscored", "rank_low", "rank_high", "cluster", "best", "published", "verdict", "why", "guards", "signature",
)  # fmt: skip


def rows(found: Gathered) -> list[dict[str, Any]]:
    """Return every number with keys `COLUMNS`, as `payload` describes them; absent ones None."""
    board = payload.build(found, "", "")
    systems = {system["key"]: system for system in board["systems"]}
    return [_row(board, systems[cell["system"]], cell) for cell in board["cells"]]


def _row(board: Mapping[str, Any], system: Mapping[str, Any], cell: Mapping[str, Any]) -> dict[str, Any]:
    own = {name: cell.get(name) for name in COLUMNS}
    own |= {"system": system["key"], "name": system["label"], "kind": system["kind"], "finished": system["finished"]}
    own |= {"suite": board["tasks"][cell["task"]]["suite"], "best": bool(cell.get("best"))}
    signature = cell.get("signature")
    return own | {"signature": None if signature is None else board["signatures"][signature]}


def to_csv(found: Gathered) -> str:
    """Return `rows` with a header line; guards as ``flag=per cent`` separated by semicolons, absent values empty."""
    out = io.StringIO()
    writer = csv.DictWriter(out, COLUMNS, lineterminator="\n")
    writer.writeheader()
    for row in rows(found):
        guards = ";".join(f"{name}={share:.2f}" for name, share in (row["guards"] or {}).items())
        writer.writerow(for_spreadsheets({**row, "guards": guards}))
    return out.getvalue()


def to_json(found: Gathered) -> str:
    """Return `rows` as a JSON list of objects; absent values are null."""
    return json.dumps(rows(found), ensure_ascii=False, indent=1) + "\n"


def to_markdown(found: Gathered) -> str:
    """Return the tables that lead each suite; bold where nobody is significantly better, or by value if not tested."""
    board = payload.build(found, "", "")
    parts = ["\n".join(f"- {_md(sentence['en'])}" for sentence in board["summary"])]
    for table in static.tables(board):
        head = ["system", *(f"{name} ({under})" if under else name for name, under in table.columns)]
        lines = [list(map(_md, head)), ["---", *["---:"] * len(table.columns)], *_lines(table, _md, _md_cell)]
        parts += [f"## {_md(table.title)}", *([_md(table.about)] if table.about else [])]
        parts.append("\n".join(f"| {' | '.join(line)} |" for line in lines))
    return "\n\n".join(parts) + "\n"


def _lines(table: Table, escape: Callable[[str], str], of_cell: Callable[[Shown | None], str]) -> Iterator[list[str]]:
    for system, cells in table.rows:
        marks = [system["kind"], *([] if system["finished"] else ["unfinished"])]
        yield [escape(f"{system['label']} ({', '.join(marks)})"), *map(of_cell, cells)]


def _md_cell(cell: Shown | None) -> str:
    if cell is None:
        return ABSENT
    value = f"**{cell.value}**" if cell.best else cell.value
    ranks = f"rank {cell.ranks}" if cell.ranks else ""
    return " ".join(filter(None, [value, cell.interval, ranks, *map(_md, cell.warnings)]))


def _md(text: str) -> str:
    escaped = re.sub(r"([\\`*<>|]|\](?=[(:\[]))", r"\\\1", text.replace("&", "&amp;"))
    return " ".join(escaped.split())


def to_latex(found: Gathered) -> str:
    """Return the tables that lead each suite for a document with booktabs (and xeCJK where names are Chinese)."""
    board = payload.build(found, "", "")
    parts = ["% Needs \\usepackage{booktabs}; bold: nobody is significantly better, or the highest if not tested."]
    parts += [_latex(table) for table in static.tables(board)]
    return "\n\n".join(parts) + "\n"


def _latex(table: Table) -> str:
    head = " & ".join(["System", *(_tex(name) for name, _ in table.columns)])
    body = "\n".join(f"{' & '.join(line)} \\\\" for line in _lines(table, _tex, _tex_cell))
    about = f" {_tex(table.about)}" if table.about else ""
    return (
        f"\\begin{{table}}\n\\centering\n\\caption{{{_tex(table.title)}.{about}}}\n"
        f"\\begin{{tabular}}{{l{'r' * len(table.columns)}}}\n\\toprule\n{head} \\\\\n\\midrule\n{body}\n"
        "\\bottomrule\n\\end{tabular}\n\\end{table}"
    )


def _tex_cell(cell: Shown | None) -> str:
    if cell is None:
        return "--"
    value = f"\\textbf{{{cell.value}}}" if cell.best else cell.value
    return f"{value} {{\\scriptsize {cell.interval}}}" if cell.interval else value


_TEX = {
    "\\": r"\textbackslash{}", "{": r"\{", "}": r"\}", "$": r"\$", "&": r"\&", "#": r"\#", "_": r"\_", "%": r"\%",
    "~": r"\textasciitilde{}", "^": r"\textasciicircum{}", "→": r"$\rightarrow$", "—": "---", "\u00a0": "~",
    "<": r"\textless{}", ">": r"\textgreater{}",
}  # fmt: skip


def _tex(text: str) -> str:
    """Return text that LaTeX prints as it is, on one line."""
    return " ".join("".join(_TEX.get(letter, letter) for letter in text).split())


FORMS: Mapping[str, Callable[[Gathered], str]] = {
    "csv": to_csv,
    "json": to_json,
    "md": to_markdown,
    "latex": to_latex,
}
