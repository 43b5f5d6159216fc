"""Figures that a board reads from a table upstream, where that is on this machine: it is fetched, never committed.

Rows that ``figures.csv`` has as well must agree with it, so that a mistake in copying cannot stay.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Sequence
from dataclasses import dataclass

from bayling_bench.data import catalogue, store
from bayling_bench.leaderboard.board import BoardError, Figure, filled


@dataclass(frozen=True, kw_only=True)
class Upstream:
    """A table in a pinned file, tab-separated with a header; columns are named in braces."""

    repository: str
    """``owner/name``, as in the catalogue."""
    path: str
    group: str
    task: str
    """For example ``wmt22-{pair}``."""
    system: str
    metric: str
    value: str
    """The column of the figure."""
    only: str
    """A regular expression that whole metrics match; other rows are left out."""
    decimals: int
    """Decimals that ``figures.csv`` keeps."""
    source: str


def upstream_figures(table: Upstream, known: Sequence[Figure]) -> list[Figure]:
    """Return the table's figures that are not among ``known``, none without the file.

    BoardError where a known one has another value in the table.
    """
    file = catalogue.find(table.repository, table.path)
    if not store.is_present(file):
        return []
    by_key = {figure.key: figure for figure in known}
    items = {figure.task: figure.items for figure in known}
    found = []
    for number, row in enumerate(csv.DictReader(io.StringIO(store.read_text(file)), delimiter="\t"), 2):
        line = f"{file.path}, line {number}"
        task, system, metric = (filled(text, row, line) for text in (table.task, table.system, table.metric))
        if not re.fullmatch(table.only, metric):
            continue
        try:
            value = round(float(row[table.value]), table.decimals)
        except (KeyError, TypeError, ValueError):
            raise BoardError(f"{line}: the column {table.value!r} holds {row.get(table.value)!r}, no number.") from None
        figure = Figure(table.group, task, system, metric, value, items.get(task), table.source, line)
        other = by_key.get(figure.key)
        if other is None:
            found.append(figure)
        elif abs(other.value - value) > 0.6 * 10**-table.decimals:
            raise BoardError(f"{other.line}: {other.value} is {value} in {line}. Correct the figure.")
    return found
