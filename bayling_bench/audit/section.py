"""An audit as a section of an HTML page: a summary, then the figures by verdict, each behind a fold."""

from __future__ import annotations

from collections.abc import Sequence

from markupsafe import Markup

from bayling_bench.audit.formats import computed, named, printed, summary, why
from bayling_bench.audit.rows import DIFFERS, EQUAL, EXPLAINED, NOT_IN_REACH, Row
from bayling_bench.leaderboard import Board

_COLUMNS = ("figure", "published", "reproduced", "95 % interval", "why", "under other rules")
_ROW = Markup(
    '<tr class="audit-{}"><th scope="row">{}</th><td class="num">{}</td><td class="num">{}</td><td class="num">{}</td>'
    '<td class="prose">{}</td><td class="prose">{}</td></tr>'
)
_FOLD = Markup(
    '<details{}><summary>{}: {}</summary><div class="scroll" tabindex="0" role="region" aria-label="{}">'
    "<table><thead><tr>{}</tr></thead><tbody>{}</tbody></table></div></details>"
)


def html(board: Board, rows: Sequence[Row]) -> Markup:
    """Return the section's content; everything that a board or a measure says is escaped."""
    heading = Markup("").join(Markup('<th scope="col">{}</th>').format(name) for name in _COLUMNS)
    folds = {
        DIFFERS: [row for row in rows if row.verdict == DIFFERS],
        EXPLAINED: [row for row in rows if row.verdict == EXPLAINED and row.kind != NOT_IN_REACH],
        f"{EXPLAINED}, {NOT_IN_REACH}": [row for row in rows if row.kind == NOT_IN_REACH],
        EQUAL: [row for row in rows if row.verdict == EQUAL],
    }
    parts = [Markup("<p>{}</p>").format(summary(rows))]
    for title, chosen in folds.items():
        if chosen:
            body = Markup("\n").join(_line(board, row) for row in chosen)
            is_open = Markup(" open") if title == DIFFERS else ""
            parts.append(_FOLD.format(is_open, title, len(chosen), f"Figures: {title}", heading, body))
    return Markup("\n").join(parts)


def _line(board: Board, row: Row) -> Markup:
    interval = f"{row.interval.low:.1f} to {row.interval.high:.1f}" if row.interval else ""
    others = "; ".join(f"{label}: {found.value:.2f}" for label, found in row.others.items())
    reason = "" if row.verdict == EQUAL else row.command or why(row)
    return _ROW.format(row.verdict, named(board, row), printed(row), computed(row), interval, reason, others)
