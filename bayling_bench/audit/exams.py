"""Measures of exam figures: answers to an AGIEval subset, by either rule and under either label state."""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache

from bayling_bench import task_index
from bayling_bench.audit import answers, kept
from bayling_bench.audit.reach import Measured, require, share
from bayling_bench.config import LABEL_STATES, TaskOptions
from bayling_bench.documents import Document
from bayling_bench.errors import DataError
from bayling_bench.scoring import cloze, letters, process

RULES = ("paper", "strict")
UNREAD = -1
"""The outcome of an answer in which a rule reads no choice."""

_SAME_QUESTIONS = {"sat-en-without-passage": "sat-en", "logiqa-zh": "logiqa-en"}
"""Subsets that ask another's questions in the same order (without their passages, in Chinese): labels agree item by
item. What they share with others is told by the other, so that both are drawn together."""


def accuracy(outputs: str, subset: str, labels: str = "head", rule: str = "paper") -> Measured:
    """Return the accuracy in per cent; NotInReach where the system's answers are not on this machine."""
    if rule not in RULES or labels not in LABEL_STATES:
        known = f"{', '.join(RULES)}; labels: {', '.join(LABEL_STATES)}"
        raise DataError(f"exam_accuracy by rule {rule!r} and labels {labels!r}. Rules: {known}")
    items(outputs, subset, labels)
    found = outcomes(outputs, subset, labels, rule)
    unread = found.count(UNREAD)
    note = f"{unread} of {len(found)} answers unparsed" if unread else ""
    return share([outcome == 1 for outcome in found], _passages(subset, labels), note)


def unparsed(outputs: str, subset: str) -> Measured:
    """Return the share in per cent of answers in which the strict rule reads no choice."""
    items(outputs, subset, "head")
    found = outcomes(outputs, subset, "head", "strict")
    return share([outcome == UNREAD for outcome in found], [f"{subset} {place}" for place in range(len(found))])


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
def outcomes(outputs: str, subset: str, labels: str, rule: str) -> tuple[int, ...]:
    """Return for each item 1 where it is right, 0 where it is wrong, `UNREAD` where the rule reads no answer."""
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
    return UNREAD if values["unparsed"] else values["acc_strict"]


def read(outputs: str, subset: str) -> list[tuple[str, str | None]]:
    """Return what the paper's rule and the strict rule read in each answer; empty and None where they read nothing."""
    found = items(outputs, subset, "head")
    rows = kept.kept(["exam letters", found], len(found), lambda: [_letters(doc, text) for doc, text in found])
    return [
        (_spelled(row[0]) if doc["kind"] != "cloze" else cloze.paper_cloze(text) or "", _strictly(row[1], doc, text))
        for row, (doc, text) in zip(rows.astype(int).tolist(), found, strict=True)
    ]


def _letters(doc: Document, text: str) -> list[int]:
    """Return the letters that each rule reads as numbers, a bit a letter; `UNREAD` for none by the strict rule."""
    if doc["kind"] == "cloze":
        return [0, UNREAD]
    multiple = doc["kind"] == "multiple"
    strict = letters.strict_letters(text, "".join(doc["letters"]), doc["options"], multiple)
    return [_bits(letters.paper_letters(text, multiple)), UNREAD if strict is None else _bits(strict)]


def _bits(found: Iterable[str]) -> int:
    return sum(1 << (ord(letter) - ord("A")) for letter in found)


def _spelled(bits: int) -> str:
    return "".join(letter for place, letter in enumerate("ABCDEFGH") if bits >> place & 1)


def _strictly(bits: int, doc: Document, text: str) -> str | None:
    if doc["kind"] == "cloze":
        final = cloze.read_cloze(text)
        return "; ".join(final.parts) if final else None
    return None if bits == UNREAD else _spelled(bits)


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
