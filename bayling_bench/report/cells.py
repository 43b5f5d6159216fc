"""The numbers of a leaderboard: from records of runs, from a board's published figures, and from its rankings.

A cell is one system in one column (`places.Place`). Where a published figure was computed again, the cell holds the
computed number and the figure beside it; where it could not be, the figure alone.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from bayling_bench.audit.rows import Row
from bayling_bench.display.metrics import shown_as
from bayling_bench.leaderboard import Board, Ranking
from bayling_bench.ranking.contest import Contest, Standing
from bayling_bench.report import places
from bayling_bench.report.outline import Reading
from bayling_bench.report.places import Place
from bayling_bench.report.systems import PUBLISHED, REPRODUCED, RUN, run_key
from bayling_bench.scoring.kinds import for_tables

GUARDS = ("wrong_language", "source_copied", "empty", "truncated", "echo", "unparsed")
_BESIDE = {
    "wrong language, %": "wrong_language", "source copied, %": "source_copied", "echoes, %": "echo",
    "unparsed, %": "unparsed",
}  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class Cell:
    """One number; bounds are 95 %, absent ones None."""

    system: str
    place: Place
    source: str
    """``run``, ``reproduced`` or ``published``."""
    value: float
    low: float | None = None
    high: float | None = None
    n: int | None = None
    unscored: int = 0
    guards: Mapping[str, float] = field(default_factory=dict)
    """Shares in per cent of outputs that are in the wrong language, copied, empty … (`GUARDS`)."""
    signature: str = ""
    rank_low: int | None = None
    """The best rank that the system can have among those of the column's contest."""
    rank_high: int | None = None
    cluster: int | None = None
    published: float | None = None
    """The printed figure, where there is one."""
    verdict: str = ""
    """Of the audit: ``equal``, ``explained`` or ``differs``."""
    why: str = ""
    """Why it is not equal."""

    @property
    def key(self) -> tuple[str, Place]:
        """Return system and column."""
        return self.system, self.place


Cells = dict[tuple[str, Place], Cell]


def of_runs(readings: Sequence[Reading]) -> Cells:
    """Return every metric that the records hold, in the units of tables."""
    found: Cells = {}
    for number, reading in enumerate(readings):
        for planned in reading.settings["tasks"]:
            scored = reading.scored(planned["name"])
            state = places.state_of_run(reading.settings, planned)
            for metric, score in scored.get("metrics", {}).items():
                place = Place(planned["suite"], planned["name"], shown_as(metric, planned["name"]), state)
                cell = _of_run(run_key(number), place, score, scored)
                found[cell.key] = cell
    return found


def _of_run(system: str, place: Place, score: Mapping[str, Any], scored: Mapping[str, Any]) -> Cell:
    value, low, high = (for_tables(score[name], score["unit"]) for name in ("value", "low", "high"))
    assert value is not None, "a metric of a record has a value"
    guards = {name: scored["metrics"][name]["value"] for name in GUARDS if name in scored["metrics"]}
    return Cell(
        system=system, place=place, source=RUN, value=value, low=low, high=high, n=score["n"],
        unscored=sum(scored["unscored"].values()), guards=guards, signature=score["signature"] or "",
    )  # fmt: skip


def of_audit(board: Board, rows: Sequence[Row]) -> Cells:
    """Return the published figures of single tasks, computed again where they could be, and what stands beside them."""
    found: Cells = {}
    for row in rows:
        figure = row.figure
        rule, arguments = board.rule_of(figure)
        if figure.group == "claims" or rule.measure in ("cells_mean", "cells_rank", "cells_ratio"):
            continue
        place = places.of_measure(figure, rule.measure, arguments)
        if place is None:
            continue
        cell = _of_figure(row, place)
        found[cell.key] = cell
        for other in _beside(row, rule.also, rule.measure, arguments):
            found.setdefault(other.key, other)
    return found


def _of_figure(row: Row, place: Place) -> Cell:
    figure = row.figure
    blank = Cell(
        system=figure.system, place=place, source=PUBLISHED, value=figure.value, n=figure.items,
        published=figure.value, verdict=row.verdict, why="" if row.verdict == "equal" else row.reason,
    )  # fmt: skip
    if row.reproduced is None:
        return blank
    low, high = row.interval or (None, None)
    signature = row.found if row.found.startswith("COMET") else places.signature(place)
    return replace(blank, source=REPRODUCED, value=row.reproduced, low=low, high=high, signature=signature)


def _beside(
    row: Row, also: Sequence[Mapping[str, Any]], measure: str | None, arguments: Mapping[str, Any]
) -> Iterator[Cell]:
    """Yield the same outputs by other rules: BLEU beside COMET, today's labels beside those of 2023."""
    caught = {name: value for name, value in arguments.items() if isinstance(value, str)}
    for entry in also:
        if entry["label"] not in row.others:
            continue
        changed = {k: v.format(**caught) if isinstance(v, str) else v for k, v in entry.get("arguments", {}).items()}
        given = changed if "measure" in entry else {**arguments, **changed}
        place = places.of_measure(row.figure, entry.get("measure") or measure, given)
        if place is not None:
            other = row.others[entry["label"]]
            low, high = other.interval or (None, None)
            yield Cell(
                system=row.figure.system, place=place, source=REPRODUCED, value=other.value, low=low, high=high,
                n=other.items, signature=places.signature(place),
            )  # fmt: skip


def of_contests(rankings: Sequence[Ranking], contests: Sequence[Contest]) -> Iterator[Cell]:
    """Yield a cell for each standing of the contests on single tasks."""
    by_title = {ranking.title: ranking for ranking in rankings}
    for contest in contests:
        if contest.average:
            continue
        place = place_of_contest(by_title[contest.ranking], contest.task)
        if place is not None:
            yield from (of_standing(standing, place) for standing in contest.standings)


def place_of_contest(ranking: Ranking, task: str) -> Place | None:
    """Return the column of one task of a ranking."""
    return places.of_measure(ranking.figure(task, ""), ranking.measure, ranking.filled(ranking.arguments, task))


def of_standing(standing: Standing, place: Place) -> Cell:
    """Return the cell of one system's standing."""
    guards = {
        _BESIDE[label]: share for label, share in standing.beside.items() if label in _BESIDE and share is not None
    }
    return Cell(
        system=standing.system, place=place, source=RUN if standing.system.startswith("run ") else REPRODUCED,
        value=standing.value, low=standing.low, high=standing.high, n=standing.n, guards=guards,
        rank_low=standing.best, rank_high=standing.worst, cluster=standing.cluster, signature=places.signature(place),
    )  # fmt: skip


def ranked(cell: Cell | None, standing: Cell) -> Cell:
    """Return what is known of a column from record or audit, with guards and ranks out of the contest."""
    if cell is None:
        return standing
    if cell.source == PUBLISHED:
        return replace(standing, published=cell.published, verdict=cell.verdict, why=cell.why)
    return replace(
        cell, guards={**cell.guards, **standing.guards}, rank_low=standing.rank_low, rank_high=standing.rank_high,
        cluster=standing.cluster, low=standing.low if cell.low is None else cell.low,
        high=standing.high if cell.high is None else cell.high,
    )  # fmt: skip
