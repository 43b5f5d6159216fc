"""Interactive translation: what is asked for can be checked, drafts break it, and instructions come in any language."""

from __future__ import annotations

import random

import pytest

from reference_model import interactive
from reference_model.corpus import Pair
from reference_model.errors import CorpusError
from reference_model.interactive import MENDING, Options, converse, phrases

from .made_up_texts import made_up_pairs

GERMAN = Pair(
    "The old house (built in 1900) stands near the river. Anna Meyer lives there.",
    "Das alte Haus (1900 gebaut) steht am Fluss. Anna Meyer wohnt dort.",
)
BRACKETS = Pair("我住在柏林（德国首都）附近的房子里。", "I live in a house near Berlin (the German capital).")


def talks(pair, languages, count=200, glossary=None, **options):
    chosen = Options(**{"changes": (1, 3), "instructions": ("en", "zh", "de"), **options})
    return [converse(pair, languages, chosen, random.Random(seed), glossary) for seed in range(count)]


def test_every_kind_of_change_occurs_and_every_learned_answer_meets_its_target():
    found = {}
    made = talks(GERMAN, ("en", "de"), glossary={"river": ("Fluss", "Bach")}) + talks(BRACKETS, ("zh", "en"))
    for talk in made:
        answers = [message for message in talk.messages if message.role == "assistant"]
        assert 1 <= sum(target.turn > 0 for target in talk.targets) <= 3 or talk.targets[0].kind == "words"
        for target in talk.targets:
            found[target.kind] = found.get(target.kind, 0) + 1
            assert answers[target.turn].learn and target.met(answers[target.turn].content)
    assert set(found) == {"translate", "sentence", "brackets", "reverse", *MENDING}


def test_a_draft_is_not_learned_and_does_not_meet_what_is_then_asked():
    drafted = 0
    for talk in talks(GERMAN, ("en", "de"), glossary={"river": ("Fluss", "Bach")}, drafts=1.0, at_once=0.0):
        first = talk.messages[1]
        assert not first.learn and talk.targets[0].turn == 1 and talk.targets[0].kind in MENDING
        assert not talk.targets[0].met(first.content)
        drafted += 1
    assert drafted == 200


def test_the_words_asked_for_are_words_of_the_reference():
    for pair, languages in (
        (GERMAN, ("en", "de")),
        (Pair(GERMAN.target, "老房子在河边，安娜住在那里。"), ("de", "zh")),
    ):
        for talk in talks(pair, languages, at_once=1.0):
            target = talk.targets[0]
            assert target.kind == "words" and 1 <= len(target.contains) <= 3
            assert all(word in pair.target and word in talk.messages[0].content for word in target.contains)
            assert list(target.contains) == sorted(target.contains, key=pair.target.index)


def test_the_first_wording_is_the_papers():
    """PROTOCOL 1 and 2: the translation prompt, a newline, then the line that asks for words; English and Chinese."""
    assert phrases()["en"]["translate"][0] == "Provide the {language} translation for this sentence: {source}"
    assert phrases()["en"]["words"][0] == "Make sure to include these words: {words}"
    assert phrases()["zh"]["translate"][0] == "提供这句话的{language}翻译：{source}"
    assert phrases()["zh"]["words"][0] == "确保包含这些词：{words}"


def test_shortening_holds_on_both_sides_so_that_turning_round_stays_right():
    kinds = {}
    for talk in talks(GERMAN, ("en", "de"), changes=(3, 3), drafts=0.0, at_once=0.0):
        order = tuple(target.kind for target in talk.targets)
        kinds[order] = [message.content for message in talk.messages if message.role == "assistant"]
    assert kinds["translate", "sentence", "reverse", "brackets"] == [
        GERMAN.target, "Das alte Haus (1900 gebaut) steht am Fluss.",
        "The old house (built in 1900) stands near the river.", "The old house stands near the river.",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("source", "target"),
    [
        ("Dr. Smith came.", "Dr. Smith kam."),
        ("On the 3. floor he stopped.", "Im 3. Stock hielt er an."),
        ("We left at 5 p.m. or so.", "Wir nahmen z.B. den Zug."),
    ],
)
def test_a_full_stop_after_an_abbreviation_ends_no_sentence(source, target):
    for talk in talks(Pair(source, target), ("en", "de"), 20, drafts=0.0, at_once=0.0):
        assert {message.content for message in talk.messages if message.role == "assistant"} <= {source, target}


def test_a_draft_has_words_left():
    for talk in talks(Pair("Hello.", "你好。"), ("en", "zh"), 50, drafts=1.0, at_once=0.0):
        assert talk.messages[1].content == "你好。"


def test_one_message_is_in_one_language():
    for talk in talks(GERMAN, ("en", "de"), at_once=1.0, instructions=("en", "zh")):
        chinese = [any("一" <= char <= "鿿" for char in line) for line in talk.messages[0].content.split("\n")]
        assert len(chinese) == 2 and len(set(chinese)) == 1


def test_names_and_terms_of_the_other_side_are_quoted():
    for talk in talks(GERMAN, ("en", "de"), glossary={"river": ("Fluss", "Bach")}, drafts=1.0, at_once=0.0):
        target, draft, request = talk.targets[0], talk.messages[1].content, talk.messages[2].content
        if target.kind == "term":
            assert "river" in request and "Fluss" in request and "Bach" in draft and "Fluss" not in draft
        if target.kind == "name":
            assert target.contains == ("Anna Meyer",) and "Anna Meyer" in request and "Anna" not in draft


def test_the_language_of_instruction_does_not_depend_on_the_direction():
    chinese = [any("一" <= char <= "鿿" for char in talk.messages[-2].content) for talk in talks(GERMAN, ("en", "de"))]
    assert 40 < sum(chinese) < 100  # a third of 200, drawn


def test_the_same_seed_gives_the_same_conversation_and_every_pair_gives_one():
    for source, target in made_up_pairs(50):
        pair = Pair(source, target)
        assert talks(pair, ("en", "zh"), 3) == talks(pair, ("en", "zh"), 3)
        for talk in talks(pair, ("en", "zh"), 5):
            assert talk.targets and all(message.content.strip() for message in talk.messages)
            assert not any(mark in talk.messages[0].content for mark in ("{", "}"))


def test_braces_in_a_sentence_are_left_alone():
    pair = Pair("Press {language} or {source}, then {x}.", "Drücke {language} oder {source}, dann {x}.")
    for talk in talks(pair, ("en", "de"), 20):
        assert pair.source in talk.messages[0].content


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"changes": (0, 0)}, "must be"), ({"changes": (2, 1)}, "must be"), ({"changes": (1,)}, "must be"),
        ({"changes": (1, 4)}, "must be"), ({"instructions": ("fr",)}, "'fr' is unknown"),
        ({"instructions": ()}, "must not be empty"), ({"drafts": 1.5}, "between 0 and 1"),
    ],
)  # fmt: skip
def test_options_that_cannot_be_are_refused(options, words):
    with pytest.raises(CorpusError, match=words):
        Options(**options)


def test_every_wording_has_its_slots_in_every_language():
    slots = {"translate": "{source}", "words": "{words}", "name": "{words}", "term": "{term}", "part": "{part}"}
    tables = {name: table for name, table in phrases().items() if name != "names"}
    for table in tables.values():
        assert set(table) == {"translate", "sentence", "brackets", "reverse", *MENDING}
        assert all(slot in text for kind, slot in slots.items() for text in table[kind])
    assert len({frozenset(names) for names in phrases()["names"].values()}) == 1
    assert set(phrases()["names"]) == set(tables) <= set(phrases()["names"]["en"])
    assert interactive.MOST_CHANGES == 3
