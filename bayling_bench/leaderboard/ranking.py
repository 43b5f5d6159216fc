"""What a board ranks systems by: the ``[[rankings]]`` of its ``board.toml`` (described in leaderboards/README.md)."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from bayling_bench.errors import did_you_mean
from bayling_bench.leaderboard.board import BoardError, Figure, filled, known_keys


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
        """Return arguments with what the task's name caught; BoardError for a placeholder that nothing fills."""
        found = re.fullmatch(self.task_pattern, task)
        assert found is not None, "checked when the board was read"
        return {
            name: filled(value, found.groupdict(), f"ranking {self.title!r}, {name}")
            for name, value in arguments.items()
        }


_KINDS: dict[str, type | tuple[type, ...]] = {
    "title": str, "metric": str, "tasks": list, "systems": list, "measure": str, "task_pattern": str,
    "arguments": dict, "decimals": int, "higher_is_better": bool, "beside": list, "averages": list, "runs": bool,
    "note": str,
}  # fmt: skip


def read_rankings(path: object, entries: object) -> list[Ranking]:
    """Return the rankings of a board file; BoardError for one with a mistake."""
    if not isinstance(entries, list):
        raise BoardError(f"{path}: rankings are written as [[rankings]], one for each.")
    found = [_ranking(f"{path}: ranking {entry.get('title', '')!r}", entry) for entry in entries]
    _once(f"{path}: ranking", [ranking.title for ranking in found])
    return found


def _ranking(where: str, entry: Mapping[str, Any]) -> Ranking:
    known_keys(where, entry, set(_KINDS), {"title", "metric", "tasks", "systems", "measure"})
    for key, value in entry.items():
        kind = _KINDS[key]
        if not isinstance(value, kind) or (kind is int and (isinstance(value, bool) or value < 0)):
            raise BoardError(f"{where}: {key} = {value!r} is not of the form that leaderboards/README.md shows.")
    found = Ranking(**entry)
    for name, values in (("task", found.tasks), ("system", found.systems)):
        _names(where, name, values)
    for other in found.beside:
        known_keys(f"{where}: beside", other, {"label", "measure", "arguments"}, {"label", "measure"})
    for average in found.averages:
        known_keys(f"{where}: averages", average, {"title", "tasks"}, {"title"})
        _names(where, "average's task", average.get("tasks", found.tasks))
        for task in average.get("tasks", ()):
            if task not in found.tasks:
                raise BoardError(f"{where}: averages over {task!r}, which is no task.{did_you_mean(task, found.tasks)}")
    _once(f"{where}: average", [average["title"] for average in found.averages])
    try:
        pattern = re.compile(found.task_pattern)
    except re.error as error:
        raise BoardError(f"{where}: {found.task_pattern!r} is not a regular expression ({error}).") from None
    for task in found.tasks:
        if pattern.fullmatch(task) is None:
            raise BoardError(f"{where}: task {task!r} does not match task_pattern {found.task_pattern!r}.")
    return found


def _names(where: str, what: str, values: Sequence[Any]) -> None:
    if not values or not all(isinstance(value, str) for value in values):
        raise BoardError(f"{where}: a list of one {what} or more is needed, not {list(values)!r}.")
    _once(f"{where}: {what}", values)


def _once(what: str, values: Sequence[str]) -> None:
    for value in values:
        if values.count(value) > 1:
            raise BoardError(f"{what} {value!r} stands there twice. Remove one.")
