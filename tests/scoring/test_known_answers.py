"""Scores of answers whose right texts are all known: whole, in parts, and as intervals and reports read them."""

from __future__ import annotations

import pytest
import sacrebleu

from bayling_bench.display import metrics
from bayling_bench.scoring import exact, process
from bayling_bench.scoring.kinds import KINDS, in_order, whole

TRANSLATION = {
    "source": "狗看见红房子。",
    "references": ["Der Hund sieht das rote Haus.", "Das rote Haus sieht der Hund."],
    "source_language": "zh",
    "target_language": "de",
    "part": "held_out_pair",
}


@pytest.mark.parametrize(
    ("text", "right"),
    [
        ("Der Hund sieht das rote Haus.", True),
        (" Das  rote Haus sieht der Hund.\n", True),
        ("der Hund sieht das rote Haus.", False),
        ("Der Hund sieht das rote Haus", False),
        ("Der Hund sieht das rote Haus. Ja.", False),
        ("", False),
    ],
)
def test_a_text_is_right_as_a_whole_or_not_at_all(text: str, right: bool):
    assert exact.equals_one(text, TRANSLATION["references"]) is right


def test_composed_and_decomposed_letters_are_the_same():
    assert exact.equals_one("Ba\u0308ume", ["B\u00e4ume"]) and not exact.equals_one("B\u00e4ume", ["Baume"])


def test_a_translation_counts_as_a_whole_and_in_its_part():
    values = process.known_translation(TRANSLATION, ["Das rote Haus sieht der Hund."])
    assert values["exact"] == values["exact@held_out_pair"] == 1
    assert values["bleu"] == values["bleu@held_out_pair"]
    assert process.bleu([values["bleu"]]) == pytest.approx(100)
    assert {name for name in values if "@" in name} == {"bleu@held_out_pair", "exact@held_out_pair"}


def test_bleu_takes_the_best_of_all_references_as_sacrebleu_does():
    hypotheses = ["Das rote Haus sieht ein Hund.", "Der Hund sieht das Haus."]
    rows = [process.known_translation(TRANSLATION, [text])["bleu"] for text in hypotheses]
    streams = [[reference] * 2 for reference in TRANSLATION["references"]]
    assert process.bleu(rows) == sacrebleu.corpus_bleu(hypotheses, streams).score


def test_words_asked_for_count_apart_where_they_are_not_the_usual_ones():
    doc = {**TRANSLATION, "constraints": ["Haus"], "part": "not_default"}
    used = process.known_constrained(doc, ["Der Hund sieht das rote Haus."])
    assert used["constraint_micro"] == used["constraint_micro@not_default"] == [1, 1] and used["exact"] == 1
    echoed = process.known_constrained(doc, ["Haus"])
    assert echoed["constraint_micro@not_default"] == [1, 1] and echoed["exact@not_default"] == 0


def test_each_turn_has_right_answers_of_its_own():
    doc = {"turn_references": [["A."], ["B.", "C."]], "part": "random"}
    values = process.known_conversation(doc, ["B.", "C."])
    assert values == {
        "exact_turn1": 0, "exact_turn2": 1, "exact_turn1@random": 0, "exact_turn2@random": 1, "empty": 0,
    }  # fmt: skip


def test_an_instruction_is_answered_or_not():
    doc = {"references": ["three", "3"], "family": "count"}
    assert process.known_answer(doc, ["3"]) == {"exact": 1, "empty": 0}
    assert process.known_answer(doc, [""]) == {"exact": 0, "empty": 1}


def test_a_part_is_of_the_kind_of_the_whole_and_stands_behind_it():
    assert whole("bleu@random") == "bleu" and KINDS["bleu@random"] == KINDS["bleu"]
    names = ["exact@b", "empty", "bleu@b", "exact", "bleu@a", "bleu"]
    assert in_order(names) == ["bleu", "bleu@b", "bleu@a", "exact", "exact@b", "empty"]
    assert metrics.in_order(names) == ["bleu", "bleu@b", "bleu@a", "exact", "exact@b", "empty"]
    with pytest.raises(KeyError):
        KINDS["no_metric@a"]


def test_a_part_is_named_in_reports():
    shown = metrics.describe("exact_turn2@held_out_pair")
    assert shown.name == "exact (turn 2), held out pair" and not shown.headline
    assert metrics.describe("constraint_micro@not_default").headline
