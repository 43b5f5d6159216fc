"""What the terminal shows of results, rankings and calibrations."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from rich import box
from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

from bayling_bench.judge import wording
from bayling_bench.judge.wording import Row


def of_results(results: Row) -> Iterator[RenderableType]:
    """Yield the table of one judging and the lines below it."""
    table = _table(wording.title(results), wording.columns(results))
    for dimension, value, cells in wording.rows(results):
        table.add_row(f"  {value}" if dimension else value, *cells)
    yield table
    yield from map(Text, wording.notes(results))


def of_calibration(found: Row) -> Iterator[RenderableType]:
    """Yield the table of a calibration record and the lines below it."""
    judge = found["judge"]
    title = f"{judge['snapshot'] or judge['spec']}, {found['protocol']['name']}, beside {found['against']}"
    table = _table(title, wording.AGREEMENT_COLUMNS)
    rows = [("all", found["overall"]), ("BayLing first, as published", found["published_order"])]
    rows += [(f"  {value}", row) for group in found["by"].values() for value, row in group.items()]
    for name, row in rows:
        table.add_row(name, *wording.agreement_cells(row))
    yield table
    failures = ", ".join(f"{n} {kind}" for kind, n in found["failures"].items()) or "none"
    yield Text(f"questions without a verdict: {failures} of {found['pairs']}")
    yield Text(wording.position(found["position"]))


def of_ranking(ranking: Row) -> RenderableType:
    """Return the strengths of systems that one judge compared."""
    title = f"Bradley-Terry strengths (geometric mean 1), {ranking['judge']}, {ranking['protocol']}"
    if ranking["why_not"]:
        return Text(f"{title}: {ranking['why_not']}")
    table = _table(title, ["strength"])
    for system in ranking["systems"]:
        table.add_row(system["name"], wording.number(system))
    return table


def _table(title: str, columns: Iterable[str]) -> Table:
    table = Table(title=title, title_justify="left", box=box.SIMPLE_HEAD)
    table.add_column("", no_wrap=True)
    for name in columns:
        table.add_column(name, justify="right", no_wrap=True)
    return table
