"""What a board ranks systems by: the ``[[rankings]]`` of its ``board.toml`` (described in leaderboards/README.md)."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from bayling_bench.errors import did_you_mean
from bayling_bench.leaderboard import Board, BoardError, Figure


@dataclass(frozen=True, kw_only=True)
class Ranking:
    """Systems compared on tasks by one measure."""

    title: str
    metric: str
    """The measure's name in tables."""
    tasks: Sequence[str]
    systems: Sequence[str]
    measure: str
    task_pattern: str = ".+"
    """Matches every task; what its named groups catch fills the arguments."""
    arguments: Mapping[str, Any] = field(default_factory=dict)
    decimals: int = 2
    higher_is_better: bool = True
    beside: Sequence[Mapping[str, Any]] = ()
    """Other measures of the same outputs: each a label, a measure and its arguments."""
    averages: Sequence[Mapping[str, Any]] = ()
    """Plain averages over tasks: each a title and the tasks, or no tasks for all."""
    runs: bool = True
    """Whether a run can stand beside the systems; GPT-4's reviews are of theirs alone."""
    note: str = ""

    def figure(self, task: str, system: str) -> Figure:
        """Return the number of a system on a task, as a figure that nobody published."""
        return Figure("ranking", task, system, self.metric, math.nan, None, "not published", self.title)

    def filled(self, arguments: Mapping[str, Any], task: str) -> dict[str, Any]:
        """Return arguments with what the task's name caught."""
        found = re.fullmatch(self.task_pattern, task)
        return {name: _filled(value, found.groupdict() if found else {}) for name, value in arguments.items()}


def rankings(board: Board) -> list[Ranking]:
    """Return the rankings of a board; BoardError for one with a mistake, or where there are none."""
    if not board.rankings:
        raise BoardError(f"{board.folder / 'board.toml'} has no [[rankings]], so there is nothing to rank by.")
    return [_ranking(board, entry) for entry in board.rankings]


def _ranking(board: Board, entry: Mapping[str, Any]) -> Ranking:
    where = f"{board.folder / 'board.toml'}: ranking {entry.get('title', '')!r}"
    known = set(Ranking.__dataclass_fields__)
    _check(where, entry, known, {"title", "metric", "tasks", "systems", "measure"})
    for other in entry.get("beside", []):
        _check(f"{where}: beside", other, {"label", "measure", "arguments"}, {"label", "measure"})
    for average in entry.get("averages", []):
        _check(f"{where}: averages", average, {"title", "tasks"}, {"title"})
        for task in average.get("tasks", []):
            if task not in entry["tasks"]:
                raise BoardError(f"{where}: averages over {task!r}.{did_you_mean(task, entry['tasks'])} It is no task.")
    found = Ranking(**entry)
    for task in found.tasks:
        if not re.fullmatch(found.task_pattern, task):
            raise BoardError(f"{where}: task {task!r} does not match task_pattern {found.task_pattern!r}.")
    return found


def _check(where: str, entry: Mapping[str, Any], known: set[str], required: set[str]) -> None:
    for key in entry:
        if key not in known:
            raise BoardError(f"{where} has an unknown key {key!r}.{did_you_mean(key, known)}")
    if missing := required - set(entry):
        raise BoardError(f"{where} lacks {', '.join(sorted(missing))}.")


def _filled(value: Any, caught: Mapping[str, str]) -> Any:
    if isinstance(value, str):
        return value.format(**caught)
    return [_filled(each, caught) for each in value] if isinstance(value, list) else value
