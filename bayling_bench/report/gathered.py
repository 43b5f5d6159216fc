"""Everything that a report is of: runs, a board with its audit and rankings, and what follows from both."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

from bayling_bench.audit.rows import Row
from bayling_bench.leaderboard import Board
from bayling_bench.ranking.contest import Contest
from bayling_bench.report import cells, duels, judge, judged, means, outline, places, systems
from bayling_bench.report.cells import Cell, Cells
from bayling_bench.report.outline import Reading
from bayling_bench.report.systems import System

if TYPE_CHECKING:
    from bayling_bench.record import Run

HEADLINES = {
    "wmt22": ("comet", "bleu", "chrf"),
    "interactive": ("constraint_micro", "bleu"),
    "human": ("ranked_first_pct",),
    "bayling80": ("strength",),
    "gaokao": ("acc", "acc_strict"),
    "sat": ("acc", "acc_strict"),
    "mini": ("bleu", "acc_strict", "constraint_micro", "instructions_all"),
}
"""What a suite is led by, the first first."""


@dataclass(frozen=True, kw_only=True)
class Standing:
    """A board as computed here."""

    board: Board
    audited: Sequence[Row] = ()
    contests: Sequence[Contest] = ()


@dataclass(frozen=True, kw_only=True)
class Gathered:
    """What a report is of."""

    readings: Sequence[Reading]
    standing: Standing | None
    systems: Sequence[System]
    cells: Mapping[tuple[str, places.Place], Cell]
    means: Mapping[str, means.Mean]
    judgings: Mapping[str, Sequence[Mapping[str, Any]]]
    """Of each run, by its key."""
    duels: Sequence[Contest] = ()
    """Runs ranked among each other, where there is no board."""
    outcomes: Sequence[dict[str, Any]] = ()
    categories: Sequence[dict[str, Any]] = ()
    calibrations: Sequence[dict[str, Any]] = ()

    @cached_property
    def columns(self) -> Mapping[tuple[str, str, str], Sequence[Cell]]:
        """Return the numbers of each column, by task, metric and state."""
        held: dict[tuple[str, str, str], list[Cell]] = {}
        for (_, place), cell in self.cells.items():
            held.setdefault((place.task, place.metric, place.state), []).append(cell)
        return held

    def label(self, system: str) -> str:
        """Return a system's name as shown."""
        return next((each.label for each in self.systems if each.key == system), system)


def gather(runs: Sequence[Run], standing: Standing | None = None) -> Gathered:
    """Return the numbers of runs and of a board, each in its column."""
    readings = outline.read(runs)
    found = cells.of_runs(readings)
    of_means: means.Means = {}
    if standing is not None:
        found |= cells.of_audit(standing.board, standing.audited)
        for cell in cells.of_contests(standing.board.rankings, standing.contests):
            found[cell.key] = cells.ranked(found.get(cell.key), cell)
        of_means, averaged = means.of_rankings(standing.board.rankings, standing.contests)
        found |= averaged
        for cell in means.published(standing.board, standing.audited, of_means):
            found[cell.key] = _with_ranks(cell, found.get(cell.key))
    duelled = [] if standing else duels.contests(readings, found, HEADLINES)
    for contest in duelled:
        suite = next(place.suite for _, place in found if place.task == contest.task)
        place = places.Place(suite, contest.task, contest.metric, contest.ranking)
        for each in contest.standings:
            cell = cells.of_standing(each, place)
            found[cell.key] = cells.ranked(found.get(cell.key), cell)
    means.of_suites(found, of_means)
    found |= {cell.key: cell for cell in means.filled(found, of_means)}
    judgings = {systems.run_key(place): judge.judgings(run) for place, run in enumerate(runs)}
    outcomes, categories = judged.of_reviews() if standing and judged.uses_reviews(standing.board) else ([], [])
    for key, given in judgings.items():
        more = judged.of_run(key, given)
        outcomes, categories = [*outcomes, *more[0]], [*categories, *more[1]]
    return Gathered(
        readings=readings,
        standing=standing,
        systems=[*systems.of_runs(readings, judgings), *_of_board(standing, found)],
        cells=found,
        means=of_means,
        judgings=judgings,
        duels=duelled,
        outcomes=outcomes,
        categories=categories,
        calibrations=list(judged.calibrations([each for given in judgings.values() for each in given])),
    )


def _with_ranks(cell: Cell, ranked: Cell | None) -> Cell:
    return cell if ranked is None else cells.ranked(cell, ranked)


def _of_board(standing: Standing | None, found: Cells) -> list[System]:
    if standing is None:
        return []
    measured = [cell.system for cell in found.values() if cell.source == systems.REPRODUCED]
    held = {cell.system for cell in found.values()}
    return [each for each in systems.of_board(standing.board, measured) if each.key in held]
