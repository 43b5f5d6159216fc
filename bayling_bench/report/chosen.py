"""A run of which only some metrics of translations are shown: ``report --metrics``."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from bayling_bench.comet import registry
from bayling_bench.config import NGRAM_METRICS, check_metric
from bayling_bench.errors import RunError
from bayling_bench.record import Run


@dataclass(frozen=True)
class Chosen(Run):
    """A run as if it had been scored by these metrics of translations only; everything else stays."""

    metrics: frozenset[str] = frozenset()
    """Under the names that tables show."""

    @property
    def scores(self) -> dict[str, Any]:
        """Return ``scores.json`` without the metrics that were not chosen."""
        found = Run(self.folder, self.settings).scores
        for task in found.get("tasks", {}).values():
            task["metrics"] = self._kept(task["metrics"])
        return found

    def items(self, task: str) -> Iterator[dict[str, Any]]:
        """Yield the items of a task, without scores by other metrics."""
        for item in super().items(task):
            yield {**item, "scores": self._kept(item["scores"])}

    def _kept(self, metrics: dict[str, Any]) -> dict[str, Any]:
        return {name: value for name, value in metrics.items() if not _of_translations(name) or name in self.metrics}


def choose(run: Run, metrics: tuple[str, ...]) -> Run:
    """Return the run with these metrics of translations. RunError, naming the next command, when it lacks one."""
    if not metrics:
        return run
    keys = {}
    for metric in metrics:
        check_metric(metric)
        keys[metric if metric in NGRAM_METRICS else registry.key_of(metric)] = metric
    scored = [task["metrics"] for task in run.scores.get("tasks", {}).values()]
    for key, metric in keys.items():
        if not any(key in found for found in scored):
            there = sorted({name for found in scored for name in found if _of_translations(name)})
            raise RunError(
                f"{run.folder} has no {key} ({', '.join(there) or 'no metric of translations'} is there). "
                f"`bayling-bench score {run.folder} --metrics {','.join([*there, metric])}` adds it."
            )
    return Chosen(run.folder, run.settings, frozenset(keys))


def _of_translations(name: str) -> bool:
    return name in NGRAM_METRICS or name.partition(":")[0] in ("comet", "cometkiwi")
