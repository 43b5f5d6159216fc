"""Measures of interactive translation: which of the words asked for are there, and what the sentences are worth."""

from __future__ import annotations

from bayling_bench import task_index
from bayling_bench.audit import answers
from bayling_bench.audit.reach import Measured, share, share_of
from bayling_bench.audit.translation import corpus_of
from bayling_bench.errors import DataError
from bayling_bench.scoring import constraints


def satisfied(outputs: str, direction: str, prompt: str = "en") -> Measured:
    """Return the share in per cent of constraints that the outputs contain, over all constraints (micro)."""
    items = _items(outputs, direction, prompt)
    met = [constraints.satisfied(text, doc["constraints"]) for doc, text in items]
    return share_of([[sum(flags), len(flags)] for flags in met], [doc["source"] for doc, _ in items])


def echoed(outputs: str, direction: str, prompt: str = "en") -> Measured:
    """Return the share in per cent of outputs that repeat the list of constraints or the instruction."""
    flags = [constraints.echoes(text, doc["constraints"]) for doc, text in _items(outputs, direction, prompt)]
    return share(flags, [f"{direction} {place}" for place in range(len(flags))])


def corpus(outputs: str, direction: str, score: str, prompt: str = "en") -> Measured:
    """Return the corpus score of the outputs against their reference."""
    found = _items(outputs, direction, prompt)
    documents, texts = zip(*found, strict=True)
    scorer = f"{score} {direction.partition('-')[2]}"
    return corpus_of(scorer, texts, [doc["references"] for doc in documents], [doc["source"] for doc in documents])


def _items(outputs: str, direction: str, prompt: str) -> list[tuple[dict, str]]:
    """Return each item with the system's output, without the white space around it."""
    name = f"interactive_translation_{direction.replace('-', '_')}"
    if name not in task_index.all_tasks():
        raise DataError(f"interactive translation has no direction {direction!r}; there are zh-en and en-zh")
    texts = answers.first_answers(outputs, name, prompt)
    return [(doc, text.strip()) for doc, text in zip(answers.documents(name), texts, strict=True)]
