"""Measures of exam figures: released answers to an AGIEval subset, by either rule and under either label state."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from bayling_bench import task_index
from bayling_bench.audit.reach import Measured, require, share
from bayling_bench.config import TaskOptions
from bayling_bench.data import catalogue, published
from bayling_bench.documents import Document
from bayling_bench.errors import DataError
from bayling_bench.scoring import cloze, letters, process

_UNREAD = -1


def accuracy(system: str, subset: str, labels: str = "head", rule: str = "paper") -> Measured:
    """Return the accuracy in per cent; NotInReach where the system's answers are not on this machine."""
    _reach(system, subset, labels)
    outcomes = _outcomes(system, subset, labels, rule)
    unread = outcomes.count(_UNREAD)
    note = f"{unread} of {len(outcomes)} answers unparsed" if unread else ""
    return share([outcome == 1 for outcome in outcomes], _passages(subset, labels), note)


def right_anywhere(system: str, subset: str, labels: str = "head") -> Measured:
    """Return how many answers hold the right letters anywhere at all: no rule of reading letters can count more."""
    _reach(system, subset, labels)
    items = _items(system, subset, labels)
    found = sum(all(letter in text for letter in doc["target"]) for doc, text in items)
    return Measured(found, len(items))


@lru_cache(maxsize=512)
def _outcomes(system: str, subset: str, labels: str, rule: str) -> tuple[int, ...]:
    """Return 1 for each right answer, 0 for each wrong one, `_UNREAD` where the rule reads none."""
    items = _items(system, subset, labels)
    return tuple(_paper(doc, text) if rule == "paper" else _strict(doc, text) for doc, text in items)


def _paper(doc: Document, text: str) -> int:
    if doc["kind"] == "cloze":
        return int(cloze.paper_cloze_correct(text, doc["target"]))
    return int(letters.paper_correct(text, doc["target"], doc["kind"] == "multiple"))


def _strict(doc: Document, text: str) -> int:
    values = process.exam(doc, [text])
    return _UNREAD if values["unparsed"] else values["acc_strict"]


@lru_cache(maxsize=64)
def _passages(subset: str, labels: str) -> tuple[str, ...]:
    """Return for each item what it shares with others, its passage, or else something of its own."""
    documents = _task(subset).documents(TaskOptions(label_state=labels))
    return tuple(doc["passage"] or f"item {doc['index']}" for doc in documents)


def _items(system: str, subset: str, labels: str) -> list[tuple[Document, str]]:
    documents = _task(subset).documents(TaskOptions(label_state=labels))
    answers = published.answers(_answers_file(system, subset), len(documents))
    return [(doc, answer.texts[0]) for doc, answer in zip(documents, answers, strict=True)]


def _reach(system: str, subset: str, labels: str) -> None:
    require([_answers_file(system, subset)], f"bayling-bench fetch published:{system}")
    task = _task(subset)
    require(task.files(TaskOptions(label_state=labels)), f"bayling-bench fetch {task.name}")


def _answers_file(system: str, subset: str) -> catalogue.File:
    file = published.output_file(published.check_system(system), _task(subset), "en")
    if file is None:
        raise DataError(f"{system}: no answers to {subset} were released")
    return file


def _task(subset: str) -> task_index.Task:
    def arguments(task: task_index.Task) -> dict[str, Any]:
        return task.config["dataset_kwargs"]

    for task in task_index.all_tasks().values():
        if arguments(task).get("subset") == subset and not task.ranks_choices:
            return task
    raise DataError(f"no exam task has the subset {subset!r}")
