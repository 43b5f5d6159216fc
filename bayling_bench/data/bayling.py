"""BayLing-80 and lexically constrained translation (https://github.com/ictnlp/BayLing, folder ``data``).

A BayLing-80 record: ``{"question_id": 1, "text": ["first turn", "second turn"], "category": "generic"}``; a constrained
record: ``{"src": …, "tgt": …, "constraint": ["word", …]}``, in another order than WMT22's lines.
"""

from __future__ import annotations

from typing import Any

from bayling_bench import documents
from bayling_bench.data import catalogue, store

REPOSITORY = "ictnlp/BayLing"


def questions_file(language: str) -> catalogue.File:
    """Return the two-turn questions; a single-turn task asks the first turn of each (the same text upstream)."""
    return catalogue.find(REPOSITORY, f"data/BayLing-80/BayLing-80.multiturn.{language}.jsonl")


def constraints_file(source: str, target: str) -> catalogue.File:
    """Return the constrained sentences of a direction."""
    return catalogue.find(REPOSITORY, f"data/constrained_translation/constraints.{source}-{target}.{target}.jsonl")


def files_questions(language: str, **_: Any) -> list[catalogue.File]:
    """Return the files that ``load_questions`` reads."""
    return [questions_file(language)]


def load_questions(language: str, turns: int, **_: Any) -> dict[str, documents.Documents]:
    """Return the ``test`` split: 80 questions with their first ``turns`` turns."""
    return {"test": documents.conversations(store.read_jsonl(questions_file(language)), turns)}


def files_constraints(source: str, target: str, **_: Any) -> list[catalogue.File]:
    """Return the files that ``load_constraints`` reads."""
    return [constraints_file(source, target)]


def load_constraints(source: str, target: str, prompt_form: str = "en", **_: Any) -> dict[str, documents.Documents]:
    """Return the ``test`` split of a direction of interactive translation."""
    records = store.read_jsonl(constraints_file(source, target))
    return {"test": documents.constrained(records, (source, target), prompt_form)}
