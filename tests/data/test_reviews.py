"""The released GPT-4 reviews, as far as the mirror has them: 8 of the 16 files, 640 reviews."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path

import pytest

from bayling_bench.audit import judge
from bayling_bench.data import catalogue, reviews, store
from bayling_bench.errors import DataError
from bayling_bench.judge import judgements

MIRRORED = ("gpt-3.5-turbo", "vicuna")


def test_the_catalogue_has_all_sixteen_files():
    files = {
        reviews.review_file(opponent, turns, language)
        for opponent in reviews.OPPONENTS
        for turns in reviews.TURNS
        for language in reviews.LANGUAGES
    }
    assert files == set(catalogue.match("ictnlp/BayLing", "exp/general_tasks/GPT4-REVIEW/*")) and len(files) == 16


@pytest.mark.mirror
@pytest.mark.parametrize("opponent", MIRRORED)
@pytest.mark.parametrize("turns", reviews.TURNS)
@pytest.mark.parametrize("language", reviews.LANGUAGES)
def test_verdicts_parsed_from_the_text_are_those_stored(mirror: Path, opponent: str, turns: str, language: str):
    found = judgements.published(opponent, turns, language)
    assert [each["question_id"] for each in found] == list(range(1, 81))
    assert not [each["failure"] for each in found if each["failure"]]
    # The categories of BayLing-80 and their sizes, as its paper gives them.
    assert Counter(each["category"] for each in found) == {
        "generic": 10, "knowledge": 10, "roleplay": 10, "common-sense": 10, "fermi": 10, "counterfactual": 10,
        "coding": 7, "math": 3, "writing": 10,
    }  # fmt: skip
    assert {tuple(each["order"]) for each in found} == {("bayling-13b", reviews.OPPONENTS[opponent])}
    json.dumps(found)


@pytest.fixture
def made_up(monkeypatch: pytest.MonkeyPatch) -> dict[str, list[dict]]:
    """Upstream files by path, made up by a test."""
    files = {
        "data/BayLing-80/BayLing-80.multiturn.en.jsonl": [
            {"question_id": 1, "category": "math", "text": ["What is 2 + 2?", "And 3 + 3?"]},
            {"question_id": 2, "category": "writing", "text": ["Write a line.", "Write another."]},
        ],
        "exp/general_tasks/GPT4-REVIEW/bayling-13b.vs.vicuna.singleturn.en.jsonl": [
            _review(1, "math", "What is 2 + 2?", "4", "5", (9, 2), "WIN"),
            _review(2, "writing", "Write a line.", "A line.", "One line.", (7, 7.5), "LOSS"),
        ],
        "exp/general_tasks/bayling-13b/res.bayling-80.multiturn.en.jsonl": [
            {"response": ["4", "6"]}, {"response": ["A line.", "More."]},
        ],
    }  # fmt: skip

    def read_jsonl(file: catalogue.File) -> list[dict]:
        return files[file.path]

    monkeypatch.setattr(store, "read_jsonl", read_jsonl)
    monkeypatch.setattr(store, "is_present", lambda file: file.path in files)
    return files


def _review(number: int, category: str, question: str, one: str, other: str, scores: tuple, result: str) -> dict:
    text = f"Evidence.\nScore of the Assistant 1: {scores[0]}\nScore of the Assistant 2: {scores[1]}"
    return {
        "question_id": number, "category": category, "question": question, "review": [text], "score": list(scores),
        "result": result, "system1": {"name": "BayLing-13B", "response": one},
        "system2": {"name": "Vicuna-13B-1.1", "response": other},
    }  # fmt: skip


REVIEWS = "exp/general_tasks/GPT4-REVIEW/bayling-13b.vs.vicuna.singleturn.en.jsonl"


def test_a_judgement_holds_everything_that_a_run_record_keeps(made_up: dict):
    first, second = judgements.published("vicuna", "singleturn", "en")
    assert first == {
        "question_id": 1, "category": "math", "turns": "singleturn", "language": "en", "judge": "gpt-4",
        "order": ["bayling-13b", "vicuna-13b-1.1"], "system1": "bayling-13b", "system2": "vicuna-13b-1.1",
        "evidence": "Evidence.", "scores": [9.0, 2.0], "verdict": "win", "failure": None, "failure_kind": None,
        "task": "bayling80_en_single", "item": 0, "sample": 0, "attempts": 1, "snapshot": None, "usage": None,
        "seconds": None, "finish_reason": None, "lengths": [1, 1], "planted": [], "references": False,
    }  # fmt: skip
    assert (second["scores"], second["verdict"]) == ([7.0, 7.5], "lose")


@pytest.mark.parametrize(
    ("change", "failure"),
    [
        ({"score": [9.0, 3.0]}, "the text gives 9 and 2, the file 9 and 3"),
        ({"result": "TIE"}, "the text gives win, the file TIE"),
        ({"review": ["I cannot judge this."]}, "no score line for Assistant 1"),
    ],
)
def test_a_review_that_does_not_say_what_is_stored_is_a_failure_and_no_tie(made_up: dict, change: dict, failure: str):
    made_up[REVIEWS][0] |= change
    first = judgements.published("vicuna", "singleturn", "en")[0]
    assert (first["failure"], first["scores"], first["verdict"]) == (failure, None, None)
    judge._checked.cache_clear()
    with pytest.raises(DataError, match="line 1: "):
        judge.outcomes("vicuna", "singleturn.en", "win")


@pytest.mark.parametrize(
    ("line", "change", "message"),
    [
        (1, {"question_id": 3}, "line 2: another question"),
        (0, {"question": "What is 2 + 3?"}, "line 1: another question"),
        (1, {"system1": {"name": "BayLing-13B", "response": "Another."}}, "line 2: another answer"),
    ],
)
def test_a_misaligned_file_is_refused_with_the_line(made_up: dict, line: int, change: dict, message: str):
    made_up[REVIEWS][line] |= change
    with pytest.raises(DataError, match=message):
        judgements.published("vicuna", "singleturn", "en")


def test_a_file_of_another_length_is_refused(made_up: dict):
    made_up[REVIEWS].pop()
    with pytest.raises(DataError, match="1 reviews of 2 questions"):
        judgements.published("vicuna", "singleturn", "en")


def test_an_unknown_opponent_gets_near_names():
    with pytest.raises(DataError, match="Did you mean"):
        judgements.published("vicunia", "singleturn", "en")
