"""The leaderboard and the judge's figures as tables that need no script: what a reader without JavaScript has.

They are made of the payload (`payload.build`), so that both say the same; the page's script puts its own in their
place.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from bayling_bench.display.text import ABSENT, count, interval, number

Payload = Mapping[str, Any]
Lookup = Mapping[tuple[str, str, str, str], Mapping[str, Any]]
"""System, task, metric, state -> cell."""
_WORTH_SAYING = 1.0
"""Per cent of outputs from which a guard is named beside a value."""
_TIE = 1e-9
"""85.835 is a little less in binary, and shall still read 85.84, here as in the page's script."""


@dataclass(frozen=True, kw_only=True)
class Shown:
    """One number of a static table."""

    value: str
    interval: str = ""
    n: str = ""
    ranks: str = ""
    best: bool = False
    source: str = ""
    warnings: Sequence[str] = ()


@dataclass(frozen=True, kw_only=True)
class Table:
    """A table with a row a system."""

    title: str
    about: str
    columns: Sequence[tuple[str, str]]
    """Heading and what stands under it."""
    rows: Sequence[tuple[Mapping[str, Any], Sequence[Shown | None]]]
    """System of the payload, and its numbers."""


def tables(payload: Payload) -> list[Table]:
    """Return an overview over the suites, then a table for each suite, headline metric and state."""
    lookup = {(cell["system"], cell["task"], cell["metric"], cell["state"]): cell for cell in payload["cells"]}
    found = [_overview(payload, lookup)] if len(payload["suites"]) > 1 else []
    for suite in payload["suites"]:
        found += _of_suite(payload, lookup, suite)
    return [table for table in found if table.rows]


def _overview(payload: Payload, lookup: Lookup) -> Table:
    columns, keys = [], []
    for suite in payload["suites"]:
        for task, metric, state in _columns(suite, lookup):
            columns.append((suite["name"]["en"], _under(payload, suite, task, metric, state)))
            keys.append((task, metric, state))
            break
    words = payload["strings"]["en"]
    return Table(title=words["ui.all_suites"], about="", columns=columns, rows=_rows(payload, lookup, keys))


def _columns(suite: Mapping[str, Any], lookup: Lookup) -> Iterator[tuple[str, str, str]]:
    """Yield the columns of a suite that hold any number, those that lead it first."""
    there = {key[1:] for key in lookup}
    for state in suite["states"]:
        for metric in suite["headlines"]:
            for task in (*suite["means"], *suite["tasks"]):
                if (task, metric, state) in there:
                    yield task, metric, state


def _under(payload: Payload, suite: Mapping[str, Any], task: str, metric: str, state: str) -> str:
    name = payload["metrics"][metric]["name"]["en"]
    apart = [payload["states"][state]["name"]["en"]] if suite["states"].index(state) else []
    return ", ".join([name, payload["tasks"][task]["name"]["en"], *apart])


def _of_suite(payload: Payload, lookup: Lookup, suite: Mapping[str, Any]) -> Iterator[Table]:
    for state in suite["states"]:
        for metric in suite["headlines"]:
            keys = [key for key in _columns(suite, lookup) if key[1:] == (metric, state)]
            if not keys:
                continue
            about = payload["states"][state]
            apart = [about["name"]["en"]] if len(suite["states"]) > 1 else []
            yield Table(
                title=", ".join([suite["name"]["en"], payload["metrics"][metric]["name"]["en"], *apart]),
                about=about["about"]["en"] if apart else "",
                columns=[(payload["tasks"][task]["name"]["en"], _size(payload, task)) for task, _, _ in keys],
                rows=_rows(payload, lookup, keys),
            )


def _size(payload: Payload, task: str) -> str:
    items = payload["tasks"][task]["items"]
    return f"n {count(items)}" if items else ""


def _rows(
    payload: Payload, lookup: Lookup, keys: Sequence[tuple[str, str, str]]
) -> list[tuple[Mapping[str, Any], list[Shown | None]]]:
    rows = []
    for system in payload["systems"]:
        cells = [_shown(payload, lookup.get((system["key"], *key)), key[1]) for key in keys]
        if any(cells) or system["kind"] == "run":
            rows.append((system, cells))
    return rows


def _shown(payload: Payload, cell: Mapping[str, Any] | None, metric: str) -> Shown | None:
    if cell is None:
        return None
    decimals = payload["metrics"][metric]["decimals"]
    value = cell["value"] + math.copysign(_TIE, cell["value"])
    low, high = cell.get("rank_low"), cell.get("rank_high")
    return Shown(
        value=f"{value:.{decimals}f}" if decimals != 2 else number(value),
        interval=interval(cell.get("low"), cell.get("high")),
        n=count(cell["n"]) if cell.get("n") else "",
        ranks="" if low is None else str(low) if low == high else f"{low}–{high}",
        best=bool(cell.get("best")),
        source=cell["source"],
        warnings=list(_warnings(payload, cell, metric)),
    )


def _warnings(payload: Payload, cell: Mapping[str, Any], metric: str) -> Iterator[str]:
    words = payload["strings"]["en"]
    for guard, share in cell.get("guards", {}).items():
        if share >= _WORTH_SAYING and guard != metric:
            yield f"{share:.1f} % {words.get(f'flag.{guard}', guard)}"
    if cell.get("unscored"):
        yield words["ui.unscored"].format(n=count(cell["unscored"]))


def outcomes(payload: Payload) -> list[list[str]]:
    """Return a line a pairing that a judge decided: judge, pair, task, won, tied, lost, n."""
    labels = {system["key"]: system["label"] for system in payload["systems"]}
    return [
        [
            row["judge"], " – ".join(labels.get(row[side], row[side]) for side in ("system", "opponent")),
            _task(payload, row["task"]), *(str(row[name]) for name in ("win", "tie", "lose", "n")),
        ]
        for row in payload["figures"]["judge"]["outcomes"]
    ]  # fmt: skip


def categories(payload: Payload) -> tuple[list[str], list[list[str]]]:
    """Return the names of the categories that a judge's scores are told by, and a line a system and task."""
    rows = payload["figures"]["judge"]["categories"]
    labels = {system["key"]: system["label"] for system in payload["systems"]}
    names = list(dict.fromkeys(name for row in rows for name in row["values"]))
    words = payload["strings"]["en"]
    lines = [
        [
            row["judge"], labels.get(row["of"], row["of"]), _task(payload, row["task"]),
            *(number(row["values"][name]) if name in row["values"] else ABSENT for name in names),
        ]
        for row in rows
    ]  # fmt: skip
    return [words.get(f"category.{name}", name) for name in names], lines


def _task(payload: Payload, task: str | None) -> str:
    if task is None:
        return payload["strings"]["en"]["ui.all"]
    known = payload["tasks"].get(task)
    return known["name"]["en"] if known else payload["strings"]["en"].get(f"task.{task}", task)
