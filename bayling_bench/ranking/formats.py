"""Rankings as tables for the terminal, Markdown, CSV (a line a standing, read back by `from_csv`) and JSON."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from itertools import groupby
from typing import TYPE_CHECKING, Any

from bayling_bench.display.text import grid
from bayling_bench.leaderboard import Board
from bayling_bench.ranking.contest import Absent, Contest, Standing
from bayling_bench.ranking.grids import LEGEND, Cell, grids, pair_lines

if TYPE_CHECKING:
    from rich.table import Table

COLUMNS = (
    "ranking", "metric", "task", "average", "system", "name", "value", "low", "high", "n", "best", "worst", "cluster",
    "decimals", "beside", "why", "command",
)  # fmt: skip


def to_markdown(board: Board, contests: Sequence[Contest], pairs: bool = False) -> str:
    """Return a table a ranking; with ``pairs`` a table of all pairs for each contest too."""
    parts = [f"# Rankings: {board.title}", f"{LEGEND} **Bold**: nobody is significantly better."]
    for found in grids(contests, board.rankings):
        parts += [f"## {found.title}", *([found.about] if found.about else [])]
        lines = [[name, *map(_marked, cells)] for name, cells in found.lines if cells]
        parts += [grid(("", *found.heading), lines)] if lines else []
        if pairs:
            parts += _pair_tables([contest for contest in contests if contest.ranking == found.title])
    return "\n\n".join(parts) + "\n"


def to_csv(board: Board, contests: Sequence[Contest], pairs: bool = False) -> str:  # noqa: ARG001 - all formats' form
    """Return a header and a line a standing; with ``pairs`` a line a pair instead, names of systems by their ids."""
    out = io.StringIO()
    if pairs:
        lines = [{**_contest(each), **asdict(pair)} for each in contests for pair in each.pairs]
        columns = ("ranking", "metric", "task", "average", *(list(lines[0])[4:] if lines else ()))
    else:
        lines = [line for contest in contests for line in _lines(contest)]
        columns = COLUMNS
    writer = csv.DictWriter(out, columns, lineterminator="\n")
    writer.writeheader()
    writer.writerows({name: _rounded(value) for name, value in line.items()} for line in lines)
    return out.getvalue()


def from_csv(text: str) -> list[Contest]:
    """Return the contests that `to_csv` wrote, without pairs."""
    contests = []
    lines = csv.DictReader(io.StringIO(text, newline=""))
    for key, group in groupby(lines, key=lambda line: (line["ranking"], line["task"], line["average"])):
        held = list(group)
        standings = tuple(_standing(line) for line in held if line["value"])
        absent = tuple(
            Absent(line["system"], line["name"], line["why"], line["command"]) for line in held if not line["value"]
        )
        metric, decimals = held[0]["metric"], int(held[0]["decimals"])
        contests.append(Contest(key[0], metric, key[1], key[2] == "True", decimals, standings, (), absent))
    return contests


def to_json(board: Board, contests: Sequence[Contest], pairs: bool = True) -> str:  # noqa: ARG001 - all formats' form
    """Return everything as one JSON object; absent numbers are null."""
    whole = {"board": board.name, "title": board.title, "contests": [asdict(contest) for contest in contests]}
    return json.dumps(whole, ensure_ascii=False, indent=1) + "\n"


def tables(board: Board, contests: Sequence[Contest], pairs: bool = False) -> Iterator[Table]:
    """Yield Rich tables, one a ranking, and with ``pairs`` one a contest."""
    for found in grids(contests, board.rankings):
        lines = [[name, *map(_plain, cells)] for name, cells in found.lines if cells]
        yield _rich(found.title, ("", *found.heading), lines, found.about)
        for contest in contests if pairs else ():
            if contest.ranking == found.title and contest.pairs:
                heading, cells = pair_lines(contest)
                yield _rich(f"{found.title}, {contest.task}: every pair", heading, cells, "")


def _rich(title: str, heading: Sequence[str], lines: Sequence[Sequence[str]], caption: str) -> Table:
    from rich import box
    from rich.table import Table
    from rich.text import Text

    found = Table(
        title=title, caption=caption, title_justify="left", caption_justify="left", box=box.SIMPLE_HEAD,
        title_style="bold",
    )  # fmt: skip
    for place, name in enumerate(heading):
        found.add_column(Text(name), justify="left" if place == 0 else "right", no_wrap=place == 0)
    for line in lines:
        found.add_row(*(Text(cell) for cell in line))
    return found


def _marked(cell: Cell) -> str:
    value = f"**{cell.value}**" if cell.best else cell.value
    text = " ".join(part for part in (value, cell.interval, f"({cell.ranks})" if cell.ranks else "") if part)
    return "<br>".join([text, *cell.beside])


def _plain(cell: Cell) -> str:
    text = " ".join(part for part in (cell.value, cell.interval, f"({cell.ranks})" if cell.ranks else "") if part)
    return "\n".join([text, *cell.beside])


def _pair_tables(contests: Sequence[Contest]) -> Iterator[str]:
    for contest in contests:
        if contest.pairs:
            yield f"### {contest.ranking}, {contest.task}: every pair"
            yield grid(*pair_lines(contest))


def _contest(contest: Contest) -> dict[str, Any]:
    return {name: getattr(contest, name) for name in ("ranking", "metric", "task", "average")}


def _lines(contest: Contest) -> Iterator[dict[str, Any]]:
    """Yield a line a standing, and one without value for each system that is left out."""
    shared = {**_contest(contest), "decimals": contest.decimals}
    for standing in contest.standings:
        beside = {name: round(value, 6) for name, value in standing.beside.items() if value is not None}
        yield {**shared, **asdict(standing), "beside": json.dumps(beside, ensure_ascii=False) if beside else ""}
    for absent in contest.absent:
        yield {**shared, **asdict(absent)}


def _rounded(value: Any) -> Any:
    return f"{value:.6f}" if isinstance(value, float) else value


def _standing(line: Mapping[str, str]) -> Standing:
    def number(name: str) -> float | None:
        return float(line[name]) if line[name] else None

    def whole(name: str) -> int | None:
        return int(line[name]) if line[name] else None

    beside = json.loads(line["beside"]) if line["beside"] else {}
    return Standing(
        line["system"], line["name"], float(line["value"]), number("low"), number("high"), int(line["n"]),
        whole("best"), whole("worst"), whole("cluster"), beside,
    )  # fmt: skip


TEXTS = {"md": to_markdown, "csv": to_csv, "json": to_json}
