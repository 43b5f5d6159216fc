"""The miniature suite's documents: what they hold, and that a right answer has full marks on every task."""

from __future__ import annotations

from typing import Any

import pytest

from bayling_bench import prompts, task_index
from bayling_bench.config import TaskOptions
from bayling_bench.data import miniature
from bayling_bench.scoring import process

TASKS = {name: task for name, task in task_index.all_tasks().items() if task.suite == "miniature"}
SCORERS = {
    "translation": process.known_translation, "constrained": process.known_constrained,
    "interactive": process.known_conversation, "instructions": process.known_answer,
}  # fmt: skip
SPLITS = {"random", "held_out_pair", "held_out_structure"}


def documents(name: str) -> list[dict[str, Any]]:
    return list(TASKS[name].documents(TaskOptions()))


def kind(name: str) -> str:
    return name.split("_")[1]


def right(document: dict[str, Any], turn: int) -> str:
    return document["turn_references"][turn][-1] if "turns" in document else document["references"][-1]


@pytest.mark.parametrize("name", TASKS)
def test_right_answers_have_full_marks(name: str):
    found: dict[str, list[Any]] = {}
    for document in documents(name)[::3]:
        answers = [right(document, turn) for turn in range(len(document.get("turns", [""])))]
        for metric, value in SCORERS[kind(name)](document, answers).items():
            found.setdefault(metric, []).append(value)
    for entry in TASKS[name].config["metric_list"]:
        values, metric = found.pop(entry["metric"]), entry["metric"]
        if metric.startswith(("bleu", "chrf")):
            assert getattr(process, metric.partition("@")[0])(values) == pytest.approx(100)
        elif metric.startswith("constraint_micro"):
            assert process.ratio(values) == 1
        else:
            # An identifier of languages may take a sentence of one word, or of names, for another language.
            allowed = 0.01 if metric == "wrong_language" else 0
            assert abs(sum(values) / len(values) - entry["higher_is_better"]) <= allowed, metric
    assert not found, "a part that the task's file does not name"


@pytest.mark.parametrize("name", TASKS)
def test_no_answer_has_no_marks(name: str):
    for document in documents(name)[:20]:
        values = SCORERS[kind(name)](document, [""] * len(document.get("turns", [""])))
        assert values["empty"] == 1
        assert not any(value for metric, value in values.items() if metric.startswith("exact"))


@pytest.mark.parametrize("name", [name for name in TASKS if kind(name) != "instructions"])
def test_a_request_holds_the_sentence_that_is_to_be_translated(name: str):
    for document in documents(name):
        before, sentence, after = document["prompt"].rpartition(document["source"])
        assert before and sentence and not after, document["id"]
        assert sentence[-1] in ".?。？"


def test_each_direction_has_three_hundred_sentences_and_all_splits():
    for name in TASKS:
        if kind(name) == "translation":
            assert len(documents(name)) >= 300
        if kind(name) in ("translation", "interactive"):
            assert {document["part"] for document in documents(name)} == SPLITS


def test_words_that_are_asked_for_are_in_every_right_answer():
    for name in TASKS:
        if kind(name) == "constrained":
            assert {document["part"] for document in documents(name)} == {"default", "not_default"}
            for document in documents(name):
                assert all(word in text for word in document["constraints"] for text in document["references"])
                assert all(word in document["prompt"] for word in document["constraints"])


def test_hardly_a_document_is_there_twice():
    for name in TASKS:
        asked = [str(document.get("turns", document["prompt"])) for document in documents(name)]
        assert len(set(asked)) >= 0.9 * len(asked), name  # small families repeat themselves


def test_the_data_has_a_hash_for_the_record():
    found = miniature.provenance()
    assert found["file"] == "bayling_bench/data/miniature" and len(found["sha256"]) == 64


def test_the_languages_are_those_that_prompts_name():
    assert {language for task in TASKS.values() for language in task.languages} <= prompts.LANGUAGES.keys()
