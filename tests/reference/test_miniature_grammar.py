"""The miniature language: sentences as their speakers would write them, edits, and what is held out.

The expected sentences were written by hand, without the renderers.
"""

from __future__ import annotations

import random
import re
from collections import Counter
from dataclasses import replace
from itertools import islice

import pytest

from reference_model.miniature import german_forms
from reference_model.miniature.choice import drawn, fixed
from reference_model.miniature.edits import EDITS, Said, edits
from reference_model.miniature.english import plural_of, verb_forms
from reference_model.miniature.lexicon import LANGUAGES, describes, nouns, table
from reference_model.miniature.render import references, render, renderings
from reference_model.miniature.rules import valid
from reference_model.miniature.sample import sample
from reference_model.miniature.split import (
    HELD_OUT_STRUCTURES,
    SPLITS,
    holds_pair,
    holds_structure,
    in_test,
    split_of,
    structures,
    trainable,
)
from reference_model.miniature.tree import Clause, Phrase, Sentence, concepts


def noun(head: str, det: str = "the", **more) -> Phrase:
    return Phrase(kind="noun", head=head, det=det, **more)


def name(head: str) -> Phrase:
    return Phrase(kind="name", head=head)


def pronoun(head: str) -> Phrase:
    return Phrase(kind="pronoun", head=head)


WHO = Phrase(kind="who", head="who")


def one(**clause) -> Sentence:
    return Sentence(main=Clause(**clause))


def two(link: str, main: Clause, second: Clause) -> Sentence:
    return Sentence(main=main, link=link, second=second)


BY_HAND = [
    (
        one(verb="buy", tense="past", time="yesterday", subject=noun("teacher"), object=noun("book", "a")),
        "The teacher bought a book yesterday.",
        "Der Lehrer hat gestern ein Buch gekauft.",
        "老师昨天买了一本书。",
    ),
    (
        one(verb="stop", tense="past", subject=noun("boy"), object=noun("lamp")),
        "The boy turned off the lamp.",
        "Der Junge hat die Lampe ausgeschaltet.",
        "男孩把台灯关掉了。",
    ),
    (
        one(verb="start", tense="future", subject=pronoun("i"), object=noun("computer", "this")),
        "I will turn on this computer.",
        "Ich werde diesen Computer einschalten.",
        "我会打开这台电脑。",
    ),
    (
        one(verb="help", tense="progressive", subject=noun("girl"), object=noun("neighbor", "my")),
        "The girl is helping my neighbor.",
        "Das Mädchen hilft gerade meinem Nachbarn.",
        "女孩正在帮助我的邻居。",
    ),
    (
        one(verb="see", tense="past", negative=True, subject=pronoun("we"), object=pronoun("he")),
        "We did not see him.",
        "Wir haben ihn nicht gesehen.",
        "我们没有看见他。",
    ),
    (
        one(verb="draw", tense="future", negative=True, subject=name("anna"), object=noun("horse", "a")),
        "Anna will not draw a horse.",
        "Anna wird kein Pferd zeichnen.",
        "安娜不会画马。",
    ),
    (
        one(
            verb="give", tense="past", subject=noun("mother", "her"), recipient=noun("child"),
            object=noun("apple", "three", plural=True),
        ),
        "Her mother gave the child three apples.",
        "Ihre Mutter hat dem Kind drei Äpfel gegeben.",
        "她的妈妈给了孩子三个苹果。",
    ),
    (
        one(verb="drink", tense="present", time="mornings", subject=noun("doctor", "our"), object=noun("coffee", "a")),
        "Our doctor drinks a cup of coffee every morning.",
        "Unser Arzt trinkt jeden Morgen eine Tasse Kaffee.",
        "我们的医生每天早上喝一杯咖啡。",
    ),
    (
        one(
            verb="read", tense="present", time="often", subject=pronoun("she"), object=noun("newspaper", "a"),
            place="library",
        ),
        "She often reads a newspaper in the library.",
        "Sie liest oft in der Bibliothek eine Zeitung.",
        "她经常在图书馆里看一份报纸。",
    ),
    (
        one(verb="go", tense="past", time="last_week", subject=noun("child", plural=True), place="cinema"),
        "The children went to the cinema last week.",
        "Die Kinder sind letzte Woche ins Kino gegangen.",
        "孩子们上周去了电影院。",
    ),
    (
        one(verb="be", tense="present", subject=noun("bag", "that"), adjective="red"),
        "That bag is red.",
        "Jene Tasche ist rot.",
        "那个包是红色的。",
    ),
    (
        one(verb="be", tense="present", subject=noun("car", "my"), adjective="expensive", than=noun("bus", "this")),
        "My car is more expensive than this bus.",
        "Mein Auto ist teurer als dieser Bus.",
        "我的汽车比这辆公共汽车贵。",
    ),
    (
        one(verb="exist", tense="present", object=noun("cat", "two", plural=True, adjective="black"), place="garden"),
        "There are two black cats in the garden.",
        "Im Garten gibt es zwei schwarze Katzen.",
        "花园里有两只黑色的猫。",
    ),
    (
        one(verb="exist", tense="present", negative=True, object=noun("tree", "a"), place="city"),
        "There is no tree in the city.",
        "In der Stadt gibt es keinen Baum.",
        "城市里没有树。",
    ),
    (
        one(
            verb="like", tense="present", subject=pronoun("he"),
            object=noun(
                "book", relative=Clause(verb="buy", tense="past", time="last_year", subject=noun("friend", "my"))
            ),
        ),
        "He likes the book that my friend bought last year.",
        "Er mag das Buch, das mein Freund letztes Jahr gekauft hat.",
        "他喜欢我的朋友去年买的书。",
    ),
    (
        one(
            verb="sleep", tense="progressive",
            subject=noun("woman", relative=Clause(verb="buy", tense="past", time="yesterday", object=noun("car", "a"))),
        ),
        "The woman who bought a car yesterday is sleeping.",
        "Die Frau, die gestern ein Auto gekauft hat, schläft gerade.",
        "昨天买了一辆汽车的女人正在睡觉。",
    ),
    (
        two(
            "because",
            Clause(verb="get_up", tense="past", negative=True, subject=noun("driver")),
            Clause(verb="be", tense="past", time="yesterday", subject=pronoun("he"), adjective="tired"),
        ),
        "The driver did not get up because he was tired yesterday.",
        "Der Fahrer ist nicht aufgestanden, weil er gestern müde war.",
        "因为他昨天很疲惫，所以司机没有起床。",
    ),
    (
        two(
            "that",
            Clause(verb="think", tense="present", subject=name("lihua")),
            Clause(verb="call", tense="future", time="tomorrow", subject=noun("lawyer"), object=pronoun("she")),
        ),
        "Li Hua thinks that the lawyer will call her tomorrow.",
        "Li Hua glaubt, dass der Anwalt sie morgen anrufen wird.",
        "李华认为律师明天会给她打电话。",
    ),
    (
        two(
            "if",
            Clause(verb="repair", tense="future", subject=pronoun("we"), object=noun("bicycle", "your")),
            Clause(verb="wait", tense="present", modal="want", subject=pronoun("you"), object=noun("bus", "a")),
        ),
        "We will repair your bicycle if you want to wait for a bus.",
        "Wir werden dein Fahrrad reparieren, wenn du auf einen Bus warten willst.",
        "如果你想等一辆公共汽车，我们会修理你的自行车。",
    ),
    (
        one(
            verb="watch", tense="past", question="yesno", subject=noun("guest", plural=True),
            object=noun("film", "that"),
        ),
        "Did the guests watch that movie?",
        "Haben die Gäste jenen Film angeschaut?",
        "客人们看了那部电影吗？",
    ),
    (
        one(verb="sing", tense="past", question="who", subject=WHO, object=noun("song", "this")),
        "Who sang this song?",
        "Wer hat dieses Lied gesungen?",
        "谁唱了这首歌？",
    ),
    (
        one(verb="eat", tense="past", question="what", subject=noun("father", "your"), time="last_night"),
        "What did your father eat yesterday evening?",
        "Was hat dein Vater gestern Abend gegessen?",
        "你的爸爸昨天晚上吃了什么？",
    ),
    (
        one(verb="drive_to", tense="future", question="where", subject=pronoun("they")),
        "Where will they drive?",
        "Wohin werden sie fahren?",
        "他们会开车去哪里？",
    ),
    (
        one(
            verb="run", tense="past", modal="can", negative=True, time="yesterday",
            subject=noun("dog", "my", adjective="small"),
        ),
        "My small dog could not run yesterday.",
        "Mein kleiner Hund konnte gestern nicht laufen.",
        "我的小狗昨天不能跑步。",
    ),
    (
        one(
            verb="talk", tense="past", subject=noun("cook", other=noun("waiter")),
            object=noun("policeman", "some", plural=True),
        ),
        "The cook and the waiter talked with some policemen.",
        "Der Koch und der Kellner haben mit einigen Polizisten gesprochen.",
        "厨师和服务员跟一些警察说话了。",
    ),
]  # fmt: skip


@pytest.mark.parametrize(("tree", "english", "german", "chinese"), BY_HAND)
def test_trees_are_said_as_a_speaker_would(tree, english, german, chinese):
    assert valid(tree)
    assert [render(tree, language).text for language in ("en", "de", "zh")] == [english, german, chinese]


def test_what_differs_in_kind_is_not_compared():
    tree = one(verb="be", tense="present", subject=noun("car", "my"), adjective="old", than=noun("bus", "your"))
    assert valid(tree)
    assert not valid(replace(tree, main=replace(tree.main, than=noun("shirt", "your"))))


def test_other_ways_to_say_it_are_right_and_the_preferred_one_comes_first():
    """All of these, and nothing else, is what the rules allow for this sentence."""
    tree = one(verb="stop", tense="past", time="yesterday", subject=noun("boy"), object=noun("lamp", "this"))
    english = {f"The boy {verb} yesterday." for verb in (
        "turned off this lamp", "switched off this lamp", "turned this lamp off", "switched this lamp off"
    )}  # fmt: skip
    english |= {"Yesterday, the" + text[3:].replace(" yesterday", "") for text in english}
    assert set(references(tree, "en", 100)) == english
    german = references(tree, "de", 100)
    middles = ("gestern diese Lampe", "diese Lampe gestern")
    assert german[0] == "Der Junge hat gestern diese Lampe ausgeschaltet."
    assert set(german) == {
        *(f"Der Junge hat {middle} {verb}." for middle in middles for verb in ("ausgeschaltet", "ausgemacht")),
        *(f"Der Junge {verb} {middle} aus." for middle in middles for verb in ("schaltete", "machte")),
        *(f"Gestern hat der Junge diese Lampe {verb}." for verb in ("ausgeschaltet", "ausgemacht")),
        *(f"Gestern {verb} der Junge diese Lampe aus." for verb in ("schaltete", "machte")),
    }  # fmt: skip
    assert set(references(tree, "zh", 100)) == {
        f"{start}关掉了这盏台灯。" for start in ("男孩昨天", "昨天男孩", "男孩子昨天", "昨天男孩子")
    }


@pytest.mark.parametrize(
    ("entry", "who", "present", "past"),
    [
        ("finden:findet:fand:gefunden", "2s", "findest", None),
        ("lesen:liest:las:gelesen", "2s", "liest", None),
        ("lesen:liest:las:gelesen", "3p", "lesen", "lasen"),
        ("fahren:fährt:fuhr:gefahren", "2s", "fährst", None),
        ("füttern:füttert:fütterte:gefüttert", "1s", "füttere", "fütterte"),
        ("mögen:mag:mochte:gemocht", "1s", "mag", "mochte"),
        ("wissen:weiß:wusste:gewusst", "2s", "weißt", None),
        ("tanzen:tanzt:tanzte:getanzt", "2s", "tanzt", None),
        ("sein:ist:war:gewesen", "2s", "bist", "warst"),
    ],
)
def test_german_verbs_are_conjugated(entry, who, present, past):
    """Forms as in the Duden."""
    verb = german_forms.Verb.read(entry)
    assert german_forms.finite(verb, "present", who) == present
    assert past is None or german_forms.finite(verb, "past", who) == past


@pytest.mark.parametrize(
    ("det", "adjective", "entry", "case", "plural", "words"),
    [
        ("the", "groß", "Haus n Häuser", "nom", False, "das große Haus"),
        ("a", "groß", "Haus n Häuser", "acc", False, "ein großes Haus"),
        ("no", "rot", "Hut m Hüte", "acc", False, "keinen roten Hut"),
        ("this", "alt", "Frau f Frauen", "dat", False, "dieser alten Frau"),
        ("our", "teuer:teurer:teur", "Auto n Autos", "nom", False, "unser teures Auto"),
        ("two", "jung", "Hund m Hunde", "dat", True, "zwei jungen Hunden"),
        ("many", "jung", "Hund m Hunde", "acc", True, "viele junge Hunde"),
        ("my", "jung", "Freund m Freunde", "dat", True, "meinen jungen Freunden"),
        ("the", "klug", "Junge m Jungen weak", "acc", False, "den klugen Jungen"),
        ("a", "klug", "Polizist m Polizisten weak", "dat", False, "einem klugen Polizisten"),
        ("that", "faul", "Nachbar m Nachbarn weak", "acc", False, "jenen faulen Nachbarn"),
        ("some", "schön", "Auto n Autos", "dat", True, "einigen schönen Autos"),
    ],
)
def test_german_phrases_agree(det, adjective, entry, case, plural, words):
    """As in the tables of the Duden grammar."""
    read = german_forms.Noun.read(entry)
    gender = "pl" if plural else read.gender
    said = [
        german_forms.determiner(det, gender, case),
        german_forms.adjective(adjective, det, gender, case),
        read.form(case, plural=plural),
    ]
    assert " ".join(said) == words


def test_english_words_are_spelled():
    assert [plural_of(word) for word in ("child/children", "bus", "baby", "knife/knives", "box", "toy", "tomato")] == [
        "children", "buses", "babies", "knives", "boxes", "toys", "tomatoes"
    ]  # fmt: skip
    assert verb_forms("carry")["past"] == "carried" and verb_forms("carry")["s"] == "carries"
    assert verb_forms("write:wrote")["ing"] == "writing" and verb_forms("play")["past"] == "played"
    assert verb_forms("turn +off")["particle"] == "off" and verb_forms("look ~for")["after"] == "for"


@pytest.fixture(scope="module")
def trees() -> list[Sentence]:
    draw = random.Random(7)
    return [sample(draw) for _ in range(1500)]


def test_every_concept_is_complete_and_of_use():
    assert sum(len(table(name)) for name in ("nouns", "verbs", "adjectives", "places", "times", "manners")) > 150
    for adjective in table("adjectives").values():
        assert any(describes(adjective, one) for one in nouns())
        assert not any(word.startswith("有") for word in adjective.words("zh"))  # their negation would be 没有…, not 不
        if adjective["opposite"]:
            assert table("adjectives")[adjective["opposite"]]["opposite"] == adjective.id
    kinds = {one["kind"] for one in nouns()} | {"person"}
    for verb in table("verbs").values():
        assert verb.set("subject") <= kinds and verb.set("object") <= kinds
        assert verb.set("manner") <= set(table("manners"))


def test_sentences_are_well_formed(trees):
    for tree in trees:
        english, german, chinese = (render(tree, language).text for language in ("en", "de", "zh"))
        assert re.fullmatch(r"[A-Z][A-Za-z', ]*[.?]", english), english
        assert re.fullmatch(r"[A-ZÄÖÜ][A-Za-zÄÖÜäöüß, ]*[.?]", german), german
        assert re.fullmatch(r"[\u4e00-\u9fff，]+[。？]", chinese), chinese
        for text in (english, german):
            assert "  " not in text and " ," not in text and ",," not in text and not re.search(r",[.?]", text)
        assert not re.search(r"\ba [aeiou]|\ban [^aeiou]", english), english
        assert "的的" not in chinese and "了了" not in chinese and "在在" not in chinese


def test_trees_that_mean_different_things_are_said_differently(trees):
    """The three preferred renderings together tell a tree from all others."""
    distinct = set(trees)
    assert len({tuple(render(tree, language).text for language in LANGUAGES) for tree in distinct}) == len(distinct)


def test_each_rendering_is_told_apart_and_choices_make_it_again(trees):
    for tree in trees[:60]:
        for language in LANGUAGES:
            found = list(islice(renderings(tree, language), 12))
            assert len({one.text for one in found}) == len(found)
            assert [one.departures for one in found] == sorted(one.departures for one in found)
            assert found[0].text == render(tree, language).text
            for one in found:
                assert render(tree, language, fixed(one.choices)).text == one.text
    assert render(trees[0], "de", drawn(random.Random(1))) == render(trees[0], "de", drawn(random.Random(1)))


TABLES = ("nouns", "verbs", "adjectives")


def test_many_words_have_synonyms_in_each_language():
    for language in LANGUAGES:
        several = [one for name in TABLES for one in table(name).values() if len(one.words(language)) > 1]
        assert len(several) > 30, language


FIELDS = {
    "negate": {"negative"}, "tense": {"tense", "time"}, "time": {"tense", "time"}, "place": {"place"}, "verb": {"verb"},
    "question": {"question"},
}  # fmt: skip


def test_edits_change_what_they_should_and_nothing_else(trees):
    seen: Counter = Counter()
    for tree in trees[:350]:
        said = Said(tree, render(tree, "en"), "en", random.Random(1))
        for kind in EDITS:
            for edit in islice(edits(said, (kind,)), 1):
                seen[kind] += 1
                assert valid(edit.tree) and edit.tree != tree
                if kind in FIELDS and not tree.link:
                    changed = {
                        field for field in FIELDS[kind] | {"subject", "object", "recipient", "place", "manner", "modal"}
                        if getattr(tree.main, field) != getattr(edit.tree.main, field)
                    }  # fmt: skip
                    inner = changed - FIELDS[kind]
                    assert not inner or inner <= {"subject", "object"}, (kind, changed)
                before, after = concepts(tree), concepts(edit.tree)
                if kind in ("negate", "tense", "number", "plural", "question", "time", "place"):
                    assert before == after
                if kind == "noun":
                    assert len(before["nouns"] - after["nouns"]) <= 1 and before["verbs"] == after["verbs"]
                if kind == "number":
                    assert edit.new in render(edit.tree, "en").text.lower()
    assert set(seen) == set(EDITS) and min(seen.values()) >= 5, seen


def test_a_replaced_word_takes_its_gender_along():
    tree = one(verb="see", tense="past", subject=name("anna"), object=noun("dog", "this", adjective="small"))
    after = replace(tree, main=replace(tree.main, object=noun("cat", "this", adjective="small")))
    assert render(tree, "de").text == "Anna hat diesen kleinen Hund gesehen."
    assert render(after, "de").text == "Anna hat diese kleine Katze gesehen."


def test_relative_clauses_come_as_often_as_asked(trees):
    draw = random.Random(7)
    more = [sample(draw, relatives=5) for _ in range(1500)]
    usual, asked = (sum("relative" in structures(tree) for tree in drawn_ones) for drawn_ones in (trees, more))
    assert usual > 15 and 3 * usual < asked < 7 * usual
    assert all(valid(tree) for tree in more)


def test_splits_share_nothing(trees):
    draw = random.Random(3)
    training = [tree for tree in (sample(draw) for _ in range(3000)) if trainable(tree)]
    together = {
        (word, other)
        for found in map(concepts, training)
        for word in found["nouns"] for other in found["verbs"] | found["adjectives"]
    }  # fmt: skip
    counted = Counter(split_of(tree) for tree in trees)
    assert all(counted[split] > 20 for split in SPLITS)
    for tree in trees:
        split = split_of(tree)
        assert (split == "") == trainable(tree)
        if split == "random":
            assert in_test(tree) and not holds_pair(tree) and not holds_structure(tree)
        if split == "held_out_pair":
            found = concepts(tree)
            pairs = {(a, b) for a in found["nouns"] for b in found["verbs"] | found["adjectives"]}
            assert pairs - together
        if split == "held_out_structure":
            assert any(set(pair) <= structures(tree) for pair in HELD_OUT_STRUCTURES)
    in_training = Counter(name for tree in training for name in structures(tree))
    for pair in HELD_OUT_STRUCTURES:
        assert not any(set(pair) <= structures(tree) for tree in training)
        assert all(in_training[name] > 8 for name in pair), pair  # each by itself is trained on
