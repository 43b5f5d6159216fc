"""COMET of a run: which metrics it was asked for, and their values for the answered items of a translation task."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from bayling_bench.comet import registry
from bayling_bench.comet.metric import Metric, Use, load
from bayling_bench.comet.scorer import Listener, Segment
from bayling_bench.config import COMET_IF_PRESENT, RunConfig
from bayling_bench.data import wmt22
from bayling_bench.errors import BenchError, DataError, ModelError
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
    optional: bool = False
    """Whether it was asked for only where it can be had: then what goes wrong is noted, not raised."""
    notes: list[str] = field(default_factory=list)
    """What a reader of the scores must know."""

    def of(self, task: Task, items: Sequence[ItemResponses]) -> dict[str, Column]:
        """Return a column of raw scores of the answered items, for each metric; none where nothing is translated."""
        answered = [item for item in items if item.answered]
        if not answered or not _is_translation(answered[0]):
            return {}
        segments = [
            Segment.of(item.doc["source"], str(item.entries[0].response), item.doc["references"][0])
            for item in answered
        ]
        named = references_of(task)
        try:
            return {
                name: Column(metric.score(segments, named), metric.signature(named))
                for name, metric in self.metrics.items()
            }
        except (DataError, ModelError) as error:
            if not self.optional:
                raise ModelError(f"{error} The responses are kept; `bayling-bench score RUN` scores them.") from None
            self.metrics = {}
            self.notes.append(f"COMET is missing from {task.name} on: {error}")
            return {}


def prepare(config: RunConfig, tasks: Sequence[Task], listener: Listener | None = None) -> Columns:
    """Return the COMET metrics that a run asks for. ModelError when one that was named cannot be had."""
    if not any("source" in task.config["dataset_kwargs"] for task in tasks):
        return Columns({})
    use = Use(config.comet, listener or Listener())
    named = [metric for metric in config.comet_metrics if metric != COMET_IF_PRESENT]
    found: dict[str, Metric] = {}
    for metric in named:
        key = registry.key_of(metric)
        if key in found:
            raise BenchError(f"--metrics {metric}: two checkpoints are called {key}. Rename the folder of one.")
        found[key] = load(metric, use)
    if COMET_IF_PRESENT not in config.comet_metrics or "comet" in found:
        return Columns(found)
    try:
        return Columns({"comet": load("comet", use), **found}, optional=not found)
    except registry.NoCheckpoint:
        return Columns(found, notes=[MISSING])
    except ModelError as error:
        return Columns(found, notes=[f"COMET is missing: {error}"])


def references_of(task: Task) -> str:
    """Return how signatures name the one reference that COMET reads: WMT22's letter, or 1."""
    if task.suite != "wmt22":
        return "1"
    first = wmt22.reference_files(*task.languages)[0]
    return first.path.split(".")[-2]


def _is_translation(item: ItemResponses) -> bool:
    return bool(item.doc.get("source")) and bool(item.doc.get("references"))
