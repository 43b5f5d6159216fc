"""Measures of exam figures: answers to an AGIEval subset, by either rule and under either label state."""

from __future__ import annotations

from functools import lru_cache

from bayling_bench import task_index
from bayling_bench.audit import answers, kept
from bayling_bench.audit.reach import Measured, require, share
from bayling_bench.config import LABEL_STATES, TaskOptions
from bayling_bench.documents import Document
from bayling_bench.errors import DataError
from bayling_bench.scoring import cloze, letters, process

RULES = ("paper", "strict")
_UNREAD = -1

_SAME_QUESTIONS = {"sat-en-without-passage": "sat-en", "logiqa-zh": "logiqa-en"}
"""Subsets that ask another's questions in the same order (without their passages, in Chinese): labels agree item by
item. What they share with others is told by the other, so that both are drawn together."""


def accuracy(outputs: str, subset: str, labels: str = "head", rule: str = "paper") -> Measured:
    """Return the accuracy in per cent; NotInReach where the system's answers are not on this machine."""
    if rule not in RULES or labels not in LABEL_STATES:
        known = f"{', '.join(RULES)}; labels: {', '.join(LABEL_STATES)}"
        raise DataError(f"exam_accuracy by rule {rule!r} and labels {labels!r}. Rules: {known}")
    items(outputs, subset, labels)
    outcomes = _outcomes(outputs, subset, labels, rule)
    unread = outcomes.count(_UNREAD)
    note = f"{unread} of {len(outcomes)} answers unparsed" if unread else ""
    return share([outcome == 1 for outcome in outcomes], _passages(subset, labels), note)


def unparsed(outputs: str, subset: str) -> Measured:
    """Return the share in per cent of answers in which the strict rule reads no choice."""
    items(outputs, subset, "head")
    outcomes = _outcomes(outputs, subset, "head", "strict")
    return share([outcome == _UNREAD for outcome in outcomes], [f"{subset} {place}" for place in range(len(outcomes))])


def right_anywhere(outputs: str, subset: str, labels: str = "head") -> Measured:
    """Return how many answers hold the right letters anywhere at all: no rule of reading letters can count more."""
    found = items(outputs, subset, labels)
    return Measured(sum(all(letter in text for letter in doc["target"]) for doc, text in found), len(found))


def items(outputs: str, subset: str, labels: str) -> list[tuple[Document, str]]:
    """Return each item of a subset with a system's answer to it."""
    task = task_of(subset)
    require(task.files(TaskOptions(label_state=labels)), f"bayling-bench fetch {task.name}")
    texts = answers.first_answers(outputs, task.name)
    return list(zip(answers.documents(task.name, labels), texts, strict=True))


@lru_cache(maxsize=512)
def _outcomes(outputs: str, subset: str, labels: str, rule: str) -> tuple[int, ...]:
    """Return 1 for each right answer, 0 for each wrong one, `_UNREAD` where the rule reads none."""
    found = items(outputs, subset, labels)
    judge = _paper if rule == "paper" else _strict
    rows = kept.kept(["exam", rule, found], len(found), lambda: [judge(doc, text) for doc, text in found])
    return tuple(rows.astype(int).tolist())


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
    name = _SAME_QUESTIONS.get(subset, subset)
    require(task_of(name).files(TaskOptions(label_state=labels)), f"bayling-bench fetch {task_of(name).name}")
    documents = answers.documents(task_of(name).name, labels)
    return tuple(doc["passage"] or f"{name} {doc['index']}" for doc in documents)


@lru_cache(maxsize=64)
def task_of(subset: str) -> task_index.Task:
    """Return the task of the index that asks an exam subset; DataError where none does."""
    for task in task_index.all_tasks().values():
        if task.config["dataset_kwargs"].get("subset") == subset and not task.ranks_choices:
            return task
    raise DataError(f"no exam task has the subset {subset!r}; `bayling-bench tasks exams` lists them")
