"""A whole board ranked: contest by contest, on several processes, averages once their tasks are there."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import lru_cache
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from bayling_bench import leaderboard, record
from bayling_bench.audit.reach import Measured, NotInReach, NoValue
from bayling_bench.errors import BenchError, did_you_mean
from bayling_bench.leaderboard import Board, BoardError, Ranking
from bayling_bench.ranking.contest import Absent, Cells, Contest, Options, Standing, compare
from bayling_bench.workers import pool

if TYPE_CHECKING:
    from bayling_bench.audit.session import Session

_ALONE = ("comet",)
"""Measures that load a model of gigabytes, which every process would load again."""

_MOST_JOBS = 4
"""Processes unless more are asked for: each may take 350 MB."""


@dataclass(frozen=True, kw_only=True)
class Asked:
    """What is to be ranked."""

    board: str
    """A board's name, or the path of its folder."""
    runs: tuple[str, ...] = ()
    """Run folders that stand beside the board's systems."""
    only: str = ""
    """A part of the titles of rankings; empty for all."""
    options: Options = field(default_factory=Options)
    jobs: int = 0
    """Processes; 0 for one a core, at most `_MOST_JOBS`."""

    def __post_init__(self) -> None:
        if self.jobs < 0:
            raise BenchError(f"--jobs {self.jobs} must not be negative.")


class Progress(Protocol):
    """Told of work."""

    def __call__(self, done: int, total: int, what: str) -> None:
        """Note that ``done`` of ``total`` contests are over, ``what`` being the last."""


@dataclass(frozen=True)
class _Unit:
    """One contest to be held: a ranking by its place, and a task or an average of it."""

    ranking: int
    task: str
    average: bool


def rank(asked: Asked, progress: Progress | None = None) -> list[Contest]:
    """Return the contests of a board in its order; where no system is in reach, without standings.

    BoardError for a mistake in the board, BenchError where ``only`` or a run does not fit.
    """
    board, chosen = _opened(asked)
    singles = [_Unit(place, task, False) for place in chosen for task in board.rankings[place].tasks]
    averages = [_Unit(place, average["title"], True) for place in chosen for average in board.rankings[place].averages]
    found: dict[_Unit, Contest] = {}
    with _workers(asked.jobs, len(singles)) as each_of:
        for units in (singles, averages):  # an average finds the statistics of its tasks in the cache
            alone = [unit for unit in units if board.rankings[unit.ranking].measure in _ALONE]
            # Rankings of one task next to each other, so that a process reads its outputs once.
            spread = sorted((unit for unit in units if unit not in alone), key=lambda unit: unit.task)
            held = chain(each_of(asked, spread), map(_hold, [asked] * len(alone), alone))
            for unit, contest in zip([*spread, *alone], held, strict=True):
                found[unit] = contest
                if progress is not None:
                    progress(len(found), len(singles) + len(averages), unit.task)
    return [found[unit] for unit in sorted([*singles, *averages], key=lambda unit: unit.ranking)]


@contextmanager
def _workers(jobs: int, units: int) -> Iterator:
    jobs = min(jobs or min(len(os.sched_getaffinity(0)), _MOST_JOBS), units)
    if jobs <= 1:
        yield lambda asked, work: map(_hold, [asked] * len(work), work)
        return
    # A process each, so one thread each: BLAS would take every core for every process.
    before = os.environ.get("OMP_NUM_THREADS")
    os.environ["OMP_NUM_THREADS"] = "1"
    try:
        with pool(jobs) as processes:
            yield lambda asked, work: processes.map(_hold, [asked] * len(work), work, chunksize=2)
    finally:
        if before is None:
            del os.environ["OMP_NUM_THREADS"]
        else:
            os.environ["OMP_NUM_THREADS"] = before


def _hold(asked: Asked, unit: _Unit) -> Contest:
    # Imported where it is used, in the processes: the one that waits for them starts them sooner.
    from bayling_bench.audit.measures import MEASURES
    from bayling_bench.audit.session import Session
    from bayling_bench.ranking import strengths

    board, _ = _opened(asked)
    ranking: Ranking = board.rankings[unit.ranking]
    if ranking.measure == strengths.MEASURE:
        return strengths.contest(board, ranking, unit.task, asked.options)
    session = Session(board, MEASURES)
    systems = [*ranking.systems, *(_run_ids(asked.runs) if ranking.runs else [])]
    if unit.average:
        (average,) = [each for each in ranking.averages if each["title"] == unit.task]
        tasks = average.get("tasks", ranking.tasks)
    else:
        tasks = [unit.task]
    cells, absent = _cells(session, ranking, tasks, systems)
    standings, pairs = [], []
    if cells[0]:
        standings, pairs = compare(cells[0] if len(cells) == 1 else cells, ranking.higher_is_better, asked.options)
    named = [_named(session, ranking, unit, standing) for standing in standings]
    return Contest(
        ranking.title, ranking.metric, unit.task, unit.average, ranking.decimals, tuple(named), tuple(pairs), absent
    )


def _cells(
    session: Session, ranking: Ranking, tasks: Sequence[str], systems: Sequence[str]
) -> tuple[list[Cells], tuple[Absent, ...]]:
    """Return what was measured on each task of the systems that have all of them, and why others are left out."""
    found: dict[str, list[Measured]] = {}
    absent = []
    for system in systems:
        name = session.board.name_of(system)
        try:
            found[system] = [
                session.computed(ranking.figure(task, system), ranking.measure, ranking.filled(ranking.arguments, task))
                for task in tasks
            ]
        except NotInReach as error:
            absent.append(Absent(system, name, error.what, error.command))
        except NoValue as error:
            absent.append(Absent(system, name, str(error)))
    return [{system: found[system][place] for system in found} for place in range(len(tasks))], tuple(absent)


def _named(session: Session, ranking: Ranking, unit: _Unit, standing: Standing) -> Standing:
    beside = {}
    if not unit.average:
        for other in ranking.beside:
            arguments = ranking.filled(other.get("arguments", {}), unit.task)
            try:
                figure = ranking.figure(unit.task, standing.system)
                beside[other["label"]] = session.computed(figure, other["measure"], arguments).value
            except (NotInReach, NoValue):
                beside[other["label"]] = None
    return replace(standing, name=session.board.name_of(standing.system), beside=beside)


@lru_cache(maxsize=4)
def _opened(asked: Asked) -> tuple[Board, tuple[int, ...]]:
    """Return the board with the runs among its systems, and the places of the rankings asked for."""
    board = leaderboard.load(asked.board)
    if not board.rankings:
        raise BoardError(f"{board.folder / 'board.toml'} has no [[rankings]], so there is nothing to rank by.")
    known: Sequence[Ranking] = board.rankings
    chosen = tuple(place for place, ranking in enumerate(known) if asked.only.lower() in ranking.title.lower())
    if not chosen:
        titles = [ranking.title for ranking in known]
        raise BenchError(
            f"No ranking of {board.name} is called like {asked.only!r}.{did_you_mean(asked.only, titles)} "
            f"There are: {'; '.join(titles)}."
        )
    systems: dict[str, Mapping[str, str]] = dict(board.systems)
    folders = [Path(folder).absolute() for folder in asked.runs]
    for number, (system, folder) in enumerate(zip(_run_ids(asked.runs), folders, strict=True), 1):
        alike = sum(other.name == folder.name for other in folders) > 1
        name = f"run {folder.name} ({number})" if alike else f"run {folder.name}"
        systems[system] = {"name": name, "outputs": f"run:{folder}"}
        record.load(folder)  # refuses a folder that holds no run
    return replace(board, systems=systems), chosen


def _run_ids(runs: Sequence[str]) -> list[str]:
    return [f"run {place}" for place in range(1, len(runs) + 1)]
