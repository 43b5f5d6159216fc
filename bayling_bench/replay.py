"""Saved responses in, metrics out: one call of ``lm_eval.evaluate`` whose model reads the journal.

So the numbers are lm-eval's own, computed by the task's ``process_results`` and aggregation, whether the responses were
made a second ago or last year, by one process or by many.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from lm_eval.api.instance import Instance
from lm_eval.evaluator import evaluate as lm_eval_evaluate

from bayling_bench.evaluate import Keys
from bayling_bench.journal import Entry, Failure
from bayling_bench.models.json_prompts import JsonPrompts


@dataclass(frozen=True)
class ItemResponses:
    """What the journal holds for one document."""

    doc: dict[str, Any]
    entries: list[Entry]
    """One entry a request, in order; shorter when some are missing."""
    expected: int
    """Number of requests of the document."""

    @property
    def failure(self) -> Failure | None:
        """Return why the item has no response, if a request of it failed."""
        return next((entry.error for entry in self.entries if entry.error is not None), None)

    @property
    def complete(self) -> bool:
        """Return whether every request was finished, well or not."""
        return len(self.entries) == self.expected

    @property
    def answered(self) -> bool:
        """Return whether the item can be scored."""
        return self.complete and self.failure is None


class Replay(JsonPrompts):
    """Answers requests from the journal, found by task, document and request number."""

    def __init__(self, responses: Mapping[tuple[str, int, int], Any]) -> None:
        super().__init__()
        self._responses = responses

    def generate_until(self, requests: list[Instance], disable_tqdm: bool = False) -> list[Any]:
        """Return the saved responses."""
        return [self._responses[request.task_name or "", request.doc["index"], request.idx] for request in requests]

    loglikelihood = generate_until  # type: ignore[assignment]
    loglikelihood_rolling = generate_until  # type: ignore[assignment]


def collect(tasks: Mapping[str, Any], entries: Iterable[Entry], keys: Keys, limit: int | None) -> dict[str, list]:
    """Return for each task the responses of its first ``limit`` documents.

    An entry counts only when its key follows from today's document and settings, so that a journal of another data
    state or model gives nothing.
    """
    found: dict[tuple[str, int], dict[int, list[Entry]]] = defaultdict(lambda: defaultdict(list))
    for entry in entries:
        found[entry.task, entry.item][entry.turn].append(entry)
    return {
        name: [_item(task, doc, found, keys) for doc in list(task.eval_docs)[:limit]] for name, task in tasks.items()
    }


def _item(task: Any, doc: dict[str, Any], found: Mapping[tuple[str, int], dict], keys: Keys) -> ItemResponses:
    expected = len(doc["letters"]) if task.OUTPUT_TYPE == "multiple_choice" else len(doc.get("turns", [None]))
    document = keys.document(task, doc)
    turns = found.get((task.config.task, doc["index"]), {})
    entries = []
    for turn in range(expected):
        valid = [entry for entry in turns.get(turn, ()) if entry.key == keys.request(document, turn, entry.prompt)]
        if valid:
            entries.append(next((entry for entry in valid if entry.error is None), valid[-1]))
    return ItemResponses(doc, entries, expected)


@dataclass(frozen=True)
class Results:
    """What lm-eval makes of one task's answered items."""

    metrics: Mapping[str, float]
    """Aggregated values under lm-eval's names, for example ``bleu,none``."""
    samples: list[Mapping[str, Any]]
    """Per-item values, in item order."""


def metrics(name: str, task: Any, items: list[ItemResponses]) -> Results:
    """Return lm-eval's results for the answered items of a task; none when no item was answered."""
    positions = [place for place, item in enumerate(items) if item.answered]
    if not positions:
        return Results({}, [])
    responses = {
        (name, items[place].doc["index"], turn): entry.response
        for place in positions
        for turn, entry in enumerate(items[place].entries)
    }
    found: Any = lm_eval_evaluate(
        lm=Replay(responses),
        task_dict={"tasks": {name: task}, "groups": {}},
        samples={name: positions},
        apply_chat_template=True,
        bootstrap_iters=0,
        log_samples=True,
    )
    return Results(found["results"][name], found["samples"][name])
