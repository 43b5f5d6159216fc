"""The GPT-4 reviews that BayLing's authors released, matched to BayLing-80 and to the answers that they review.

``exp/general_tasks/GPT4-REVIEW/bayling-13b.vs.<opponent>.<turns>.<language>.jsonl`` of ictnlp/BayLing, 80 lines each:
``{"question_id": 1, "question": "…", "category": "generic", "system1": {"name": "BayLing-13B", "response": "…"},
"system2": …, "review": ["Evaluation evidence: …\\nScore of the Assistant 1: 8\\n…"], "score": [8.0, 7.0], "result":
"WIN"}``. In the multi-turn files question and responses are lists of two. BayLing is always the first system.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from bayling_bench.data import catalogue, store
from bayling_bench.data.bayling import REPOSITORY, questions_file
from bayling_bench.errors import DataError

OPPONENTS = {
    "alpaca": "alpaca-7b",
    "chatglm": "chatglm-6b",
    "gpt-3.5-turbo": "gpt-3.5-turbo",
    "vicuna": "vicuna-13b-1.1",
}
"""The opponents as the review files call them, and the systems whose answers they are."""
SYSTEM = "bayling-13b"
TURNS = ("singleturn", "multiturn")
LANGUAGES = ("en", "zh")


@dataclass(frozen=True)
class Review:
    """One stored review."""

    question_id: int
    category: str
    questions: tuple[str, ...]
    """One text a turn."""
    responses: tuple[tuple[str, ...], tuple[str, ...]]
    """Of the first and the second system, one text a turn."""
    text: str
    scores: tuple[float, float]
    """As stored beside the text."""
    result: str
    """``WIN``, ``TIE`` or ``LOSS`` for the first system, as stored."""


def review_file(opponent: str, turns: str, language: str) -> catalogue.File:
    """Return the catalogue entry of one of the 16 files; DataError for a name that is none of theirs."""
    path = f"exp/general_tasks/GPT4-REVIEW/{SYSTEM}.vs.{opponent}.{turns}.{language}.jsonl"
    return catalogue.find(REPOSITORY, path)


def answers_file(system: str, language: str) -> catalogue.File:
    """Return the catalogue entry of a system's answers to both turns."""
    return catalogue.find(REPOSITORY, f"exp/general_tasks/{system}/res.bayling-80.multiturn.{language}.jsonl")


def read(opponent: str, turns: str, language: str) -> list[Review]:
    """Return the reviews of a file, in the order of BayLing-80.

    DataError, naming the line, where a review is of another question than BayLing-80 has there, or of another answer
    than the system released (as far as its answers are on this machine).
    """
    file = review_file(opponent, turns, language)
    rows = store.read_jsonl(file)
    questions = store.read_jsonl(questions_file(language))
    if len(rows) != len(questions):
        raise DataError(f"{file.tail}: {len(rows)} reviews of {len(questions)} questions, so they cannot be aligned.")
    asked = 1 if turns == "singleturn" else 2
    for number, (row, question) in enumerate(zip(rows, questions, strict=True), 1):
        of_review = row["question_id"], row["category"], _turns(row["question"])
        of_task = question["question_id"], question["category"], tuple(question["text"][:asked])
        _same(file, number, "question", of_review, of_task)
    for place, system in (("system1", SYSTEM), ("system2", OPPONENTS[opponent])):
        _check_responses(file, [row[place]["response"] for row in rows], answers_file(system, language), asked)
    return [_review(row) for row in rows]


def _check_responses(file: catalogue.File, reviewed: list[Any], answers: catalogue.File, asked: int) -> None:
    if not store.is_present(answers):
        return
    released = store.read_jsonl(answers)
    for number, (response, answer) in enumerate(zip(reviewed, released, strict=True), 1):
        _same(file, number, f"answer ({answers.path})", _turns(response), tuple(answer["response"][:asked]))


def _same(file: catalogue.File, number: int, what: str, found: tuple, expected: tuple) -> None:
    if found != expected:
        one, other = (json.dumps(each, ensure_ascii=False)[:120] for each in (found, expected))
        raise DataError(f"{file.tail}, line {number}: another {what}: {one} instead of {other}.")


def _turns(text: str | list[str]) -> tuple[str, ...]:
    return (text,) if isinstance(text, str) else tuple(text)


def _review(row: dict[str, Any]) -> Review:
    first, second = row["score"]
    return Review(
        question_id=row["question_id"],
        category=row["category"],
        questions=_turns(row["question"]),
        responses=(_turns(row["system1"]["response"]), _turns(row["system2"]["response"])),
        text="\n".join(row["review"]),
        scores=(float(first), float(second)),
        result=row["result"],
    )
