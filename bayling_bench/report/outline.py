"""Run records as a report reads them: labels that tell runs apart, tasks by suite, and why a task has no scores."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from bayling_bench.report import judge

if TYPE_CHECKING:
    from bayling_bench.record import Run


@dataclass(frozen=True, kw_only=True)
class Reading:
    """One run, read once: a run that is still going on cannot change between two tables of a report."""

    label: str
    """The model's name, with folder or number where runs share it."""
    folder: str
    """The run folder's name; its place on this machine is nobody's business."""
    settings: Mapping[str, Any]
    scores: Mapping[str, dict[str, Any]]
    """Task -> its part of scores.json."""
    finished: bool
    notes: Sequence[str]
    """What a reader of all the scores must know."""
    items: Callable[[str], Iterator[dict[str, Any]]]
    judged: Mapping[str, str] = field(default_factory=dict)
    """Task -> which judgement scored it."""

    def plan(self, task: str) -> dict[str, Any] | None:
        """Return what run.json plans for ``task``, None when it is not part of the run."""
        return next((planned for planned in self.settings["tasks"] if planned["name"] == task), None)

    def scored(self, task: str) -> dict[str, Any]:
        """Return the scores of ``task``, or an empty dict."""
        return self.scores.get(task, {})

    def state(self, task: str) -> str:
        """Return why ``task`` has no metrics, or else the record's note on it, which is mostly empty."""
        scored = self.scored(task)
        if scored:
            return self.judged.get(task) or scored["note"] or ("" if scored["metrics"] else "no metrics")
        if task in self.settings["left_out"]:
            return f"left out: {self.settings['left_out'][task]}"
        if self.plan(task) is None:
            return "not part of this run"
        return "not scored yet" if self.finished else "not scored: the run is unfinished"

    def unscored(self, task: str) -> str:
        """Return ``3 unscored (prompt too long 2, api error 1)``, or an empty string when every item was scored."""
        reasons = self.scored(task).get("unscored", {})
        detail = ", ".join(f"{reason.replace('_', ' ')} {number:,}" for reason, number in reasons.items())
        return f"{sum(reasons.values()):,} unscored ({detail})" if reasons else ""


def read(runs: Sequence[Run]) -> list[Reading]:
    """Return the runs as read now, each under a label of its own."""
    names = _told_apart([str(run.settings["model"]["name"]) for run in runs], [run.folder.name for run in runs])
    labels = _told_apart(names, [str(number) for number, _ in enumerate(runs, 1)])
    return [
        Reading(
            label=label,
            folder=run.folder.name,
            settings=run.settings,
            scores=scores.get("tasks", {}),
            finished=run.finished,
            notes=scores.get("notes", []),
            items=run.items,
            judged=judge.notes(run),
        )
        for run, label, scores in zip(runs, labels, [run.scores for run in runs], strict=True)
    ]


def _told_apart(names: Sequence[str], suffixes: Sequence[str]) -> list[str]:
    shared = Counter(names)
    return [f"{name} ({suffix})" if shared[name] > 1 else name for name, suffix in zip(names, suffixes, strict=True)]


def listed(names: Sequence[str]) -> str:
    """Return ``a``, ``a and b`` or ``a, b and c``; an empty string of no names."""
    return " and ".join(filter(None, [", ".join(names[:-1]), *names[-1:]]))


def suites(readings: Sequence[Reading]) -> dict[str, list[str]]:
    """Return suite -> task names, both in the order in which the runs' plans name them first."""
    found: dict[str, dict[str, None]] = {}
    for reading in readings:
        for task in reading.settings["tasks"]:
            found.setdefault(task["suite"], {})[task["name"]] = None
    return {suite: list(tasks) for suite, tasks in found.items()}
