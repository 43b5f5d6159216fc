"""COMET of a run: which metrics it was asked for, and their values for the answered items of a translation task.

Where a metric cannot be computed (again), the values that the run's record holds of it stay, under their own signature,
as long as they are of the very texts of today: that is what ``texts`` in ``scores.json`` tells.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from bayling_bench.comet import kept, registry
from bayling_bench.comet.metric import Metric, Use, load
from bayling_bench.comet.scorer import Listener, Segment
from bayling_bench.config import COMET_IF_PRESENT, RunConfig
from bayling_bench.data import wmt22
from bayling_bench.errors import BenchError, DataError, ModelError, RunError
from bayling_bench.record import Run
from bayling_bench.replay import ItemResponses
from bayling_bench.scores import Column
from bayling_bench.task_index import Task

MISSING = (
    "COMET is missing: its checkpoint is not on this machine. `bayling-bench fetch comet` brings it (2.3 GB), then "
    "`bayling-bench score RUN` adds it."
)


@dataclass
class Columns:
    """The COMET metrics of a run, by their names in tables."""

    metrics: dict[str, Metric]
    absent: dict[str, ModelError] = field(default_factory=dict)
    """Metrics that cannot be computed, and why."""
    optional: frozenset[str] = frozenset()
    """Those asked for only where they can be had: then what goes wrong is noted, not raised."""
    before: Run | None = None
    """The run as it was scored before, if it was."""
    notes: list[str] = field(default_factory=list)
    """What a reader of the scores must know."""

    def of(self, task: Task, items: Sequence[ItemResponses]) -> dict[str, Column]:
        """Return a column of raw scores of the answered items, for each metric; none where nothing is translated.

        ModelError when a metric that was named cannot be computed, and the record holds no scores of these texts.
        """
        answered = [item for item in items if item.answered]
        if not answered or not _is_translation(answered[0]):
            return {}
        segments = [
            Segment.of(item.doc["source"], str(item.entries[0].response), item.doc["references"][0])
            for item in answered
        ]
        found: dict[str, Column] = {}
        for name in [*self.metrics, *self.absent]:
            column = self._computed(name, task, segments) or self._recorded(name, task, segments)
            if column is not None:
                found[name] = column
        return found

    def _computed(self, name: str, task: Task, segments: Sequence[Segment]) -> Column | None:
        """Return the scores of a metric; None where it cannot be computed, and need not be."""
        metric, named = self.metrics.get(name), references_of(task)
        if metric is None:
            return None
        try:
            scores = metric.score(segments, named)
        except (DataError, ModelError) as error:
            if name not in self.optional:
                raise ModelError(f"{error} The responses are kept; `bayling-bench score RUN` scores them.") from None
            del self.metrics[name]
            self.absent[name] = ModelError(f"COMET is missing from {task.name} on: {error}")
            return None
        return Column(scores, metric.signature(named), _digest(segments, with_references=metric.reads_references))

    def _recorded(self, name: str, task: Task, segments: Sequence[Segment]) -> Column | None:
        """Return the scores that the record holds of these texts; where it holds none, say so or raise."""
        why = self.absent[name]
        column = None if self.before is None else _column_of(self.before, name, task, segments)
        if column is None and name not in self.optional:
            raise why
        reason = str(why).removeprefix("COMET is missing: ")
        note = str(why) if column is None else f"{name}: scores of before are kept, of the same responses; {reason}"
        if note not in self.notes:
            self.notes.append(note)
        return column


def prepare(
    config: RunConfig, tasks: Sequence[Task], listener: Listener | None = None, before: Run | None = None
) -> Columns:
    """Return the COMET metrics that a run asks for; ``before`` is its record, whose scores may stand in for them.

    ModelError when one that was named cannot be had.
    """
    if not any("source" in task.config["dataset_kwargs"] for task in tasks):
        return Columns({})
    use = Use(config.comet, listener or Listener())
    found = Columns({}, before=before)
    names: set[str] = set()
    for metric in config.comet_metrics:
        if metric == COMET_IF_PRESENT:
            continue
        key = registry.key_of(metric)
        if key in names:
            raise BenchError(f"--metrics {metric}: two checkpoints are called {key}. Rename the folder of one.")
        names.add(key)
        _add(found, key, metric, use)
    if COMET_IF_PRESENT in config.comet_metrics and "comet" not in names:
        found.optional = frozenset(["comet"])
        _add(found, "comet", "comet", use)
    return found


def _add(columns: Columns, key: str, metric: str, use: Use) -> None:
    """Load a metric; ModelError where it cannot be had, unless it is optional or the record may stand in for it."""
    try:
        columns.metrics[key] = load(metric, use)
    except registry.NoCheckpoint as error:
        if key in columns.optional:
            columns.absent[key] = ModelError(MISSING)
        elif columns.before is not None:
            columns.absent[key] = error
        else:
            raise
    except ModelError as error:
        if key not in columns.optional:
            raise
        columns.absent[key] = ModelError(f"COMET is missing: {error}")


def references_of(task: Task) -> str:
    """Return how signatures name the one reference that COMET reads: WMT22's letter, or 1."""
    if task.suite != "wmt22":
        return "1"
    first = wmt22.reference_files(*task.languages)[0]
    return first.path.split(".")[-2]


def _column_of(before: Run, name: str, task: Task, segments: Sequence[Segment]) -> Column | None:
    """Return a metric's column as a record holds it; None where it holds none, or one of other texts."""
    try:
        row = before.scores.get("tasks", {}).get(task.name, {}).get("metrics", {}).get(name, {})
        values = [item["scores"][name] for item in before.items(task.name) if name in item["scores"]]
    except (RunError, ValueError):  # damaged; it is about to be written again
        return None
    if not row.get("texts") or len(values) != len(segments):
        return None
    texts = _digest(segments, with_references="|refs:none|" not in row["signature"])
    return Column(values, row["signature"], texts) if texts == row["texts"] else None


def _digest(segments: Sequence[Segment], *, with_references: bool) -> str:
    """Return a hash of what a metric reads of segments."""
    return kept.digest(segments if with_references else kept.without_references(segments))


def _is_translation(item: ItemResponses) -> bool:
    return bool(item.doc.get("source")) and bool(item.doc.get("references"))
