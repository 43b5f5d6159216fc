"""Trees drawn at random: structures first, then words that fit them."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import replace
from functools import cache
from itertools import accumulate

from reference_model.miniature.lexicon import (
    MEASURES,
    NUMBERS,
    OWNERS,
    PEOPLE,
    PRONOUNS,
    Concept,
    accepts,
    describes,
    nouns,
    table,
)
from reference_model.miniature.rules import valid
from reference_model.miniature.tree import Clause, Phrase, Sentence

LINKED = (("", 86), ("that", 4), ("because", 3), ("although", 2), ("if", 2), ("but", 3))
KINDS = (("action", 74), ("be", 13), ("than", 6), ("exist", 7))
TENSES = (("past", 34), ("future", 20), ("progressive", 14), ("present", 18), ("modal", 14))
FRAMES = (("object", 62), ("alone", 18), ("recipient", 9), ("goal", 11))
QUESTIONS = (("", 82), ("yesno", 9), ("who", 3), ("what", 3), ("where", 3))
SECOND = 0.15
"""Share of sentences with a second adverbial."""


Weighted = tuple[tuple[str, int], ...]


def weighted(draw: random.Random, options: Weighted) -> str:
    """Return one of the options, which have weights."""
    names, sums = _summed(options)
    return draw.choices(names, cum_weights=sums)[0]


@cache
def _summed(options: Weighted) -> tuple[list[str], list[int]]:
    return [name for name, _ in options], list(accumulate(weight for _, weight in options))


def sample(draw: random.Random, links: Weighted = LINKED, relatives: float = 1) -> Sentence:
    """Return a random sentence; ``links`` says how often two clauses are joined, and by what.

    ``relatives`` is how many times as often as usual a noun has a relative clause.
    """
    link = weighted(draw, links)
    while True:
        main = _speaking(draw) if link == "that" else _clause(draw, relatives, questions=not link)
        if link == "if" and main.tense != "future" and not main.modal:
            continue
        second = _clause(draw, relatives, questions=False) if link else None
        tree = Sentence(main=main, link=link, second=second)
        if valid(tree):
            return tree


def _speaking(draw: random.Random) -> Clause:
    verb = draw.choice(_verbs("clause"))
    negative = verb.id != "hope" and draw.random() < 0.15
    return Clause(verb=verb.id, tense="present", subject=_person(draw), negative=negative)


@cache
def _verbs(*frames: str) -> list[Concept]:
    return [verb for verb in table("verbs").values() if verb["frame"] in frames]


@cache
def _fitting(verb: str, role: str) -> list[Concept]:
    return [noun for noun in nouns() if accepts(table("verbs")[verb], role, noun)]


@cache
def _relating(noun: str, gap: str) -> list[Concept]:
    frames = ("object",) if gap == "object" else ("object", "alone")
    return [verb for verb in _verbs(*frames) if accepts(verb, gap, table("nouns")[noun])]


@cache
def _describing(noun: str) -> list[Concept]:
    return [one for one in table("adjectives").values() if describes(one, table("nouns")[noun])]


@cache
def _described(adjective: str) -> list[Concept]:
    return [noun for noun in nouns() if describes(table("adjectives")[adjective], noun)]


@cache
def _times(tense: str) -> list[str]:
    return [time.id for time in table("times").values() if time["tense"] == tense]


def _person(draw: random.Random) -> Phrase:
    chance = draw.random()
    if chance < 0.3:
        return Phrase(kind="pronoun", head=draw.choice(PRONOUNS))
    if chance < 0.5:
        return Phrase(kind="name", head=draw.choice(list(table("names"))))
    noun = draw.choice(nouns(*PEOPLE))
    det = "the" if noun["kind"] == "stranger" else draw.choice(("the", "the", *OWNERS[:4]))
    return Phrase(kind="noun", head=noun.id, det=det)


def _noun(draw: random.Random, noun: Concept, dets: Sequence[str]) -> Phrase:
    det = draw.choice(dets)
    if noun["kind"] == "stranger" and det in OWNERS:
        det = "this"
    if det == "number":
        det = draw.choice(NUMBERS[:5] if draw.random() < 0.8 else NUMBERS)
    plural = det in (*NUMBERS, "many", "some") or (det not in ("a",) and draw.random() < 0.25)
    if plural and det in ("the", *OWNERS) and noun["kind"] not in ("person", "stranger"):
        plural = False
    adjective = ""
    if noun["kind"] not in MEASURES and draw.random() < 0.18:
        found = _describing(noun.id)
        adjective = draw.choice(found).id if found else ""
    return Phrase(kind="noun", head=noun.id, det=det, plural=plural, adjective=adjective)


def _subject(draw: random.Random, verb: Concept, relatives: float) -> Phrase:
    people = "person" in verb.set("subject")
    if people and draw.random() < 0.5:
        return _person(draw)
    part = _noun(draw, draw.choice(_fitting(verb.id, "subject")), ("the", "the", "the", "this", "that", "a", *OWNERS))
    if draw.random() < 0.08 and people:
        part = replace(part, adjective="", det="the" if part.det == "a" else part.det, other=_person(draw))
    elif draw.random() < 0.06 * relatives:
        part = _with_relative(draw, part)
    return part


def _object(draw: random.Random, verb: Concept, relatives: float) -> Phrase:
    flags = verb.set("flags")
    if "pronoun" in flags and draw.random() < 0.3:
        if draw.random() < 0.5:
            return Phrase(kind="name", head=draw.choice(list(table("names"))))
        return Phrase(kind="pronoun", head=draw.choice(PRONOUNS[:5]))
    dets = ("a", "a", "this", "that", "number", "many", "some", *OWNERS)
    part = _noun(draw, draw.choice(_fitting(verb.id, "object")), (*dets, *(("the",) * 6 if "ba" in flags else ())))
    if draw.random() < 0.05 * relatives:
        return _with_relative(draw, part)
    if draw.random() < 0.05:
        other = _noun(draw, draw.choice(_fitting(verb.id, "object")), ("this", "that", *OWNERS))
        return replace(part, adjective="", other=replace(other, adjective=""))
    return part


def _with_relative(draw: random.Random, part: Phrase) -> Phrase:
    plural = part.plural and table("nouns")[part.head]["kind"] in ("person", "stranger")
    head = replace(part, det="the", adjective="", plural=plural, other=None)
    noun = table("nouns")[part.head]
    gap = "object" if draw.random() < 0.5 else "subject"
    fitting = _relating(noun.id, gap)
    if not fitting:
        return part
    verb = draw.choice(fitting)
    tense, time = _tense(draw, verb)
    if tense == "past":
        time = draw.choice(_times("past"))
    clause = Clause(verb=verb.id, tense=tense, time=time, negative=draw.random() < 0.08)
    if gap == "object":
        clause = replace(clause, subject=_person(draw))
    elif verb["frame"] == "object":
        clause = replace(clause, object=replace(_object_alone(draw, verb), relative=None))
    return replace(head, relative=clause)


def _object_alone(draw: random.Random, verb: Concept) -> Phrase:
    noun = draw.choice(_fitting(verb.id, "object"))
    return _noun(draw, noun, ("a", "a", "this", "that", "number", "many", *OWNERS))


def _tense(draw: random.Random, verb: Concept) -> tuple[str, str]:
    if "stative" in verb.set("flags"):
        return "present", ""
    tense = weighted(draw, TENSES[:4])
    if tense == "present":
        return tense, draw.choice(_times("habit"))
    if tense == "progressive":
        return tense, ""
    return tense, draw.choice(_times(tense)) if draw.random() < 0.6 else ""


def _clause(draw: random.Random, relatives: float, *, questions: bool) -> Clause:
    kind = weighted(draw, KINDS)
    if kind == "action":
        return _action(draw, weighted(draw, QUESTIONS) if questions else "", relatives)
    asked = "yesno" if questions and draw.random() < 0.12 else ""
    if kind == "exist":
        return _existence(draw, asked)
    return _being(draw, asked, relatives, compared=kind == "than")


def _action(draw: random.Random, question: str, relatives: float) -> Clause:
    frame = weighted(draw, FRAMES)
    verb = draw.choice(_verbs(frame))
    stative = "stative" in verb.set("flags")
    modal = draw.choice(("want", "can", "must", "should")) if not stative and draw.random() < 0.15 else ""
    tense, time = _tense(draw, verb)
    if modal:
        tense = "past" if modal in ("want", "can") and draw.random() < 0.3 else "present"
        time = draw.choice(_times("past")) if tense == "past" else "today" if draw.random() < 0.2 else ""
    negative = not question and draw.random() < 0.2
    if negative and tense == "present" and not modal and not stative:
        time = "today"
    clause = Clause(
        verb=verb.id, tense=tense, time=time, modal=modal, negative=negative, question=question,
        subject=Phrase(kind="who", head="who") if question == "who" else _subject(draw, verb, relatives),
    )  # fmt: skip
    if frame in ("object", "recipient") and question != "what":
        clause = replace(clause, object=_object(draw, verb, relatives))
    if frame == "recipient":
        clause = replace(clause, recipient=_person(draw))
    goal = frame == "goal" and question != "where"
    chance = 1.0 if goal else 0.15 if frame == "object" else 0.4
    if question != "where" and draw.random() < chance * (SECOND if time and not goal else 1):
        clause = replace(clause, place=draw.choice(list(table("places"))))
    free = not (negative or time or clause.place)
    if verb["manner"] and not negative and draw.random() < (0.2 if free else 0.2 * SECOND):
        clause = replace(clause, manner=draw.choice(sorted(verb.set("manner"))))
    return clause


def _being(draw: random.Random, question: str, relatives: float, *, compared: bool) -> Clause:
    adjective = draw.choice(list(table("adjectives").values()))
    found = _described(adjective.id)
    people = "person" in adjective.set("nouns")
    dets = ("the", "the", "this", "that", *OWNERS)
    subject = _person(draw) if people and draw.random() < 0.4 else replace(
        _noun(draw, draw.choice(found), dets), adjective=""
    )  # fmt: skip
    if subject.kind == "noun" and draw.random() < 0.12 * relatives:
        subject = _with_relative(draw, subject)
    than = replace(_noun(draw, draw.choice(_like(subject, found)), dets), adjective="") if compared else None
    past = not compared and draw.random() < 0.25
    return Clause(
        verb="be", tense="past" if past else "present", time=draw.choice(_times("past")) if past else "",
        subject=subject, adjective=adjective.id, than=than, question=question,
        negative=not compared and not question and draw.random() < 0.2,
    )  # fmt: skip


def _like(part: Phrase, found: list[Concept]) -> list[Concept]:
    kind = table("nouns")[part.head]["kind"] if part.kind == "noun" else "person"
    kinds = PEOPLE if kind in PEOPLE else (kind,)
    return [noun for noun in found if noun["kind"] in kinds]


def _existence(draw: random.Random, question: str) -> Clause:
    negative = not question and draw.random() < 0.2
    noun = draw.choice(nouns())
    thing = _noun(draw, noun, ("a",) if negative else ("a", "a", "number", "many", "some"))
    past = draw.random() < 0.3
    return Clause(
        verb="exist", tense="past" if past else "present", time=draw.choice(_times("past")) if past else "",
        object=thing, place=draw.choice(list(table("places"))), question=question, negative=negative,
    )  # fmt: skip
