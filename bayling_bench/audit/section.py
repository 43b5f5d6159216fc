"""An audit as a section of an HTML page: a summary and a table, a row a figure, with classes for the page's style."""

from __future__ import annotations

from collections.abc import Sequence

from markupsafe import Markup

from bayling_bench.audit.formats import computed, named, printed, short, summary, why
from bayling_bench.audit.rows import EQUAL, Row
from bayling_bench.leaderboard import Board

_COLUMNS = ("figure", "published", "reproduced", "95 % interval", "verdict", "why", "under other rules")
_ROW = Markup(
    '<tr class="audit-{}"><td>{}</td><td>{}</td><td>{}</td><td>{}</td><td>{}</td><td title="{}">{}</td><td>{}</td></tr>'
)


def html(board: Board, rows: Sequence[Row]) -> Markup:
    """Return a ``<section class="audit">``; everything that a board or a measure says is escaped."""
    heading = Markup("").join(Markup("<th>{}</th>").format(name) for name in _COLUMNS)
    body = Markup("\n").join(_line(board, row) for row in rows)
    table = Markup("<table><thead><tr>{}</tr></thead><tbody>{}</tbody></table>").format(heading, body)
    intro = Markup("<h2>{}</h2><p>{}</p>").format(board.title, summary(rows))
    return Markup('<section class="audit">{}{}</section>').format(intro, table)


def _line(board: Board, row: Row) -> Markup:
    interval = f"{row.interval.low:.1f} to {row.interval.high:.1f}" if row.interval else ""
    others = "; ".join(f"{label}: {found.value:.2f}" for label, found in row.others.items())
    reason = "" if row.verdict == EQUAL else why(row)
    return _ROW.format(
        row.verdict, named(board, row), printed(row), computed(row), interval, row.verdict, reason, short(row), others
    )
