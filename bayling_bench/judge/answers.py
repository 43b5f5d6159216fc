"""Answers to be judged: what a system said to each question, and which tasks have such answers.

A task can be judged when its documents are conversations: ``bayling80_*``, and ``mini_conversation_*`` for a first try.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bayling_bench import task_index
from bayling_bench.errors import RunError, did_you_mean
from bayling_bench.journal import digest

_CONVERSATIONS = ("load_questions", "load_conversations")


@dataclass(frozen=True, kw_only=True)
class Answer:
    """What one system answered to one question of one or more turns."""

    task: str
    index: int
    """Place in the task."""
    question_id: int
    category: str
    language: str
    questions: tuple[str, ...]
    """One text a turn."""
    texts: tuple[str, ...]
    """One text a turn; empty where there is a problem."""
    problem: tuple[str, str] | None = None
    """Why there is nothing to be judged: a kind of failure, and what happened in words."""

    @property
    def turns(self) -> str:
        """Return ``singleturn`` or ``multiturn``, as the published reviews call them."""
        return "singleturn" if len(self.questions) == 1 else "multiturn"


@dataclass(frozen=True, kw_only=True)
class AnswerSet:
    """A system's answers, task by task."""

    label: str
    """The system's name in tables."""
    spec: str
    """What the user typed to name it."""
    identity: Mapping[str, Any]
    """What tells these answers from others."""
    tasks: Mapping[str, Sequence[Answer]]
    folder: Path | None = None
    """The run folder, where there is one."""


def answer_of(
    task: str, language: str, doc: Mapping[str, Any], texts: Sequence[Any], problem: tuple[str, str] | None = None
) -> Answer:
    """Return the answer that ``texts`` give to the document ``doc``: with a problem where a turn is absent or empty."""
    if problem is None and len(texts) != len(doc["turns"]):
        problem = ("no_answer", f"{len(texts)} answers to {len(doc['turns'])} turns")
    if problem is None:
        empty = [str(turn) for turn, text in enumerate(texts, 1) if not (isinstance(text, str) and text.strip())]
        problem = ("empty_answer", f"the answer to turn {', '.join(empty)} is empty") if empty else None
    return Answer(
        task=task,
        index=doc["index"],
        question_id=doc["question_id"],
        category=doc["category"],
        language=language,
        questions=tuple(doc["turns"]),
        texts=() if problem else tuple(texts),
        problem=problem,
    )


def can_be_judged(name: str) -> bool:
    """Return whether the documents of a task are conversations."""
    task = task_index.all_tasks().get(name)
    return task is not None and task.config["custom_dataset"].rpartition(".")[2] in _CONVERSATIONS


def choose(tasks: Sequence[str], available: Sequence[str], spec: str) -> list[str]:
    """Return the tasks to be judged: those asked for, or all that need a judge, or else all that are conversations."""
    if not available:
        raise RunError(
            f"{spec}: none of its tasks can be judged. These can: bayling80 (`bayling-bench run … --tasks bayling80`) "
            "and mini_conversation_en, mini_conversation_zh."
        )
    if not tasks:
        every = task_index.all_tasks()
        return [name for name in available if name in every and every[name].needs_judge] or list(available)
    wanted = _expanded(tasks, available)
    if absent := [name for name in wanted if name not in available]:
        raise RunError(
            f"{spec}: has no {', '.join(absent)} that could be judged.{did_you_mean(absent[0], available)} "
            f"It has {', '.join(available)}."
        )
    return wanted


def _expanded(names: Iterable[str], available: Sequence[str]) -> list[str]:
    """Return task names for names, suites and patterns; a task that only a samples file knows stands for itself."""
    expanded: dict[str, None] = {}
    for name in names:
        expanded.update(dict.fromkeys([name] if name in available else _selected(name, available)))
    return list(expanded)


def _selected(name: str, available: Sequence[str]) -> list[str]:
    found = [task.name for task in task_index.select([name])]
    return [each for each in found if each in available] or found


def key_of(answers: AnswerSet) -> str:
    """Return a short hash of what identifies a set of answers."""
    return digest(answers.identity)[:8]
