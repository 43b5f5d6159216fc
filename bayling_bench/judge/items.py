"""What a judge is asked about: the same question answered by one system or by two, and what stands in the way."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from bayling_bench.errors import BenchError, RunError
from bayling_bench.judge.answers import Answer, AnswerSet


@dataclass(frozen=True, kw_only=True)
class Item:
    """One question with the answers to be judged, the system's own first."""

    answers: tuple[Answer, ...]
    references: tuple[str, ...] | None = None
    """Known good answers, one a turn."""

    @property
    def first(self) -> Answer:
        """Return the system's own answer, which carries what is said of the question."""
        return self.answers[0]

    @property
    def place(self) -> tuple[str, int]:
        """Return what identifies the item within a judging."""
        return self.first.task, self.first.index

    @property
    def problem(self) -> tuple[str, str, int] | None:
        """Return why nobody needs to be asked: kind, what happened, and which system is to blame (1 or 2)."""
        for number, answer in enumerate(self.answers, 1):
            if answer.problem:
                return (*answer.problem, number)
        return None

    @property
    def lengths(self) -> list[int]:
        """Return the characters of each system's answers."""
        return [sum(map(len, answer.texts)) for answer in self.answers]


def build(own: AnswerSet, other: AnswerSet | None, limit: int | None) -> list[Item]:
    """Return the items of a judging: the first ``limit`` of each task.

    Raises RunError, naming the first that differs, when the opponent answered other questions.
    """
    items: list[Item] = []
    for task, answers in own.tasks.items():
        if other is None:
            items += [Item(answers=(answer,)) for answer in answers[:limit]]
            continue
        if task not in other.tasks:
            raise RunError(
                f"{own.spec} has {task} and {other.spec} has not, which has {', '.join(other.tasks)}. Judge the tasks "
                "that both have: --tasks NAMES."
            )
        facing = {answer.index: answer for answer in other.tasks[task]}
        for answer in answers[:limit]:
            items.append(Item(answers=(answer, _facing(answer, facing.get(answer.index), own, other))))
    return items


def _facing(answer: Answer, opponent: Answer | None, own: AnswerSet, other: AnswerSet) -> Answer:
    if opponent is None:
        raise RunError(
            f"{answer.task}: {other.spec} has no item {answer.index}, which {own.spec} has. Was it run with a smaller "
            "--limit? Give `judge` the same --limit."
        )
    if opponent.questions != answer.questions:
        one, two = (json.dumps(each.questions, ensure_ascii=False)[:100] for each in (answer, opponent))
        raise RunError(
            f"{answer.task}, item {answer.index}: {own.spec} answers {one} and {other.spec} answers {two}. Answers to "
            "different questions cannot be compared; run both on the same version of the task."
        )
    return opponent


def with_references(items: Sequence[Item], path: str) -> list[Item]:
    """Return the items with the known good answers of a JSONL file, for those questions that it names.

    A line is ``{"question_id": 61, "language": "en", "references": ["first turn", "second turn"]}``; without
    ``language`` it serves both, and a single text serves a single turn. Raises BenchError for a file that cannot be
    used, or that names no question of these.
    """
    known = _read_references(path)
    found = [replace(item, references=_reference(item.first, known)) for item in items]
    if not any(item.references for item in found):
        raise BenchError(
            f"--references {path}: none of its questions ({', '.join(str(key[0]) for key in list(known)[:5])} …) is "
            "among those to be judged."
        )
    return found


def _reference(answer: Answer, known: Mapping[tuple[Any, str | None], tuple[str, ...]]) -> tuple[str, ...] | None:
    texts = known.get((answer.question_id, answer.language)) or known.get((answer.question_id, None))
    return None if texts is None else texts[: len(answer.questions)]


def _read_references(path: str) -> dict[tuple[Any, str | None], tuple[str, ...]]:
    try:
        lines = Path(path).read_text(encoding="utf-8").split("\n")
    except (OSError, UnicodeDecodeError) as error:
        raise BenchError(f"--references {path}: cannot be read ({error}).") from None
    known: dict[tuple[Any, str | None], tuple[str, ...]] = {}
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        try:
            row = json.loads(line)
            texts = row["references"]
            key = (row["question_id"], row.get("language"))
            hash(key)
        except (ValueError, LookupError, TypeError, AttributeError):
            texts, key = None, (None, None)
        texts = [texts] if isinstance(texts, str) else texts
        if not isinstance(texts, list) or not texts or not all(isinstance(text, str) and text for text in texts):
            raise BenchError(
                f'--references {path}, line {number}: must be of the form {{"question_id": 61, "references": ["…"]}}.'
            )
        if key in known:
            raise BenchError(f"--references {path}, line {number}: question {key[0]} stands there twice.")
        known[key] = tuple(texts)
    return known
