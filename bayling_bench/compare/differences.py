"""What makes two runs incomparable: unfinished ones, other data, prompts, items or metric signatures.

Models, chat templates and decoding may differ: they are what is compared. A judge stands in its metric's signature.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from bayling_bench.record import Run

_OPTIONS = {
    "prompt_form": "prompt form (--prompt)",
    "reference_set": "references (--references)",
    "label_state": "exam labels (--labels)",
}
_COMMIT = re.compile(r"(?<=/)[0-9a-f]{40}/")

Item = Mapping[str, Any]


def of_settings(run_a: Run, run_b: Run) -> Iterator[str]:
    """Yield what differs between two runs as a whole, one line each."""
    for run in (run_a, run_b):
        if not run.finished:
            yield f"{run.folder} is unfinished (`bayling-bench run --resume {run.folder}` goes on with it)"
    first, second = run_a.settings, run_b.settings
    for key, name in _OPTIONS.items():
        if first["options"][key] != second["options"][key]:
            yield f"{name}: {first['options'][key]} and {second['options'][key]}"
    files = [{_COMMIT.sub("", file["file"]): file["sha256"] for file in run["data"]} for run in (first, second)]
    for name in files[0].keys() & files[1].keys():
        if files[0][name] != files[1][name]:
            yield f"data: {name} has sha256 {files[0][name][:12]} and {files[1][name][:12]}"
    versions = [{task["name"]: task["version"] for task in run["tasks"]} for run in (first, second)]
    for name in versions[0].keys() & versions[1].keys():
        if versions[0][name] != versions[1][name]:
            yield f"version of {name}: {versions[0][name]} and {versions[1][name]}"


def of_signatures(task: str, metrics_a: Mapping[str, Any], metrics_b: Mapping[str, Any]) -> Iterator[str]:
    """Yield the metrics of a task whose signatures differ, one line each."""
    for name in metrics_a.keys() & metrics_b.keys():
        first, second = metrics_a[name]["signature"], metrics_b[name]["signature"]
        if first != second:
            yield f"signature of {task} {name}: {first} and {second}"


def of_items(task: str, items_a: Sequence[Item], items_b: Sequence[Item]) -> Iterator[str]:
    """Yield how the items of a task differ: other items, or the first common one with other data or another prompt."""
    by_name = {item["item"]: item for item in items_b}
    common = [(item, by_name[item["item"]]) for item in items_a if item["item"] in by_name]
    if not len(items_a) == len(items_b) == len(common):
        yield f"items of {task}: {len(items_a)} and {len(items_b)}, of which {len(common)} are the same"
    for first, second in common:
        if (first["doc"], first["references"]) != (second["doc"], second["references"]):
            yield f"data: {first['item']} has another document or reference"
            return
        if _asked(first) and _asked(second) and _asked(first) != _asked(second):
            yield f"prompts: {first['item']} was asked in other words"
            return


def _asked(item: Item) -> str | None:
    """Return the first user message, if the item was asked at all: later turns may be missing in one run."""
    return item["turns"][0]["user"] if item["turns"] else None
