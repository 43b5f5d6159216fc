"""Rankings as a section of an HTML page: a table a ranking, and every pair behind a fold."""

from __future__ import annotations

from collections.abc import Sequence

from markupsafe import Markup

from bayling_bench.leaderboard import Board
from bayling_bench.ranking.contest import Contest
from bayling_bench.ranking.grids import LEGEND, Cell, Grid, grids, pair_lines


def html(board: Board, contests: Sequence[Contest]) -> Markup:
    """Return the section's content; everything that a board or a run says is escaped."""
    parts = [Markup('<p class="quiet">{} Bold: nobody is significantly better.</p>').format(LEGEND)]
    for found in grids(contests, board.rankings):
        parts.append(_table(found))
        held = [contest for contest in contests if contest.ranking == found.title and contest.pairs]
        parts += [_pairs(contest) for contest in held]
    return Markup("\n").join(parts)


def _table(found: Grid) -> Markup:
    heading = _joined('<th scope="col">{}</th>', ("", *found.heading))
    lines = Markup("\n").join(
        Markup('<tr><th scope="row">{}</th>{}</tr>').format(name, Markup("").join(map(_cell, cells)))
        for name, cells in found.lines
    )
    return Markup(
        '<h3>{}</h3><p class="quiet">{}</p><div class="scroll" tabindex="0" role="region" aria-label="{}">'
        "<table><thead><tr>{}</tr></thead><tbody>{}</tbody></table></div>"
    ).format(found.title, found.about, found.title, heading, lines)


def _cell(cell: Cell) -> Markup:
    value = Markup("<b>{}</b>").format(cell.value) if cell.best else cell.value
    beside = _joined('<br><span class="warn">{}</span>', cell.beside)
    return Markup('<td class="num">{} <span class="interval">{}</span> <span class="n">{}</span>{}</td>').format(
        value, cell.interval, cell.ranks, beside
    )


def _pairs(contest: Contest) -> Markup:
    heading, lines = pair_lines(contest)
    body = Markup("\n").join(Markup("<tr>{}</tr>").format(_joined("<td>{}</td>", line)) for line in lines)
    return Markup(
        '<details><summary>{}: every pair</summary><div class="scroll" tabindex="0" role="region" aria-label="{}">'
        "<table><thead><tr>{}</tr></thead><tbody>{}</tbody></table></div></details>"
    ).format(contest.task, f"{contest.ranking}, {contest.task}", _joined('<th scope="col">{}</th>', heading), body)


def _joined(form: str, values: Sequence[str]) -> Markup:
    return Markup("").join(Markup(form).format(value) for value in values)
