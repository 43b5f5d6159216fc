"""Which trees are sentences: what goes together, so that each language can say it and none has to guess.

A meaning that one of the languages does not mark is left out where nothing else in the sentence tells it: Chinese has
no article and no tense, so *the* stands where a bare Chinese noun is known to be meant, and a past that 了 does not
show needs a word of time.
"""

from __future__ import annotations

from reference_model.miniature.lexicon import (
    MEASURES,
    NUMBERS,
    OWNERS,
    PEOPLE,
    Concept,
    accepts,
    describes,
    table,
)
from reference_model.miniature.tree import Clause, Phrase, Sentence

SINGULAR, PLURAL = ("a",), (*NUMBERS, "many", "some")
CHANGING = ("mood", "state", "price", "wealth", "power")
"""Groups of adjectives of which it may be said that they were true yesterday."""
SWITCHED = ("opening", "device")
"""Kinds of nouns that are known without being shown: doors and lamps."""


def valid(tree: Sentence) -> bool:
    """Return whether a tree is a sentence of the language."""
    main, second = tree.main, tree.second
    if not _clause(main) or (second is not None and not (_clause(second) and not second.question)):
        return False
    if (second is None) != (not tree.link) or (second is not None and main.question):
        return False
    if (tree.link == "that") != (main.verb in table("verbs") and table("verbs")[main.verb]["frame"] == "clause"):
        return False
    if second is not None and second.verb in table("verbs") and table("verbs")[second.verb]["frame"] == "clause":
        return False
    if tree.link == "if" and second is not None:
        later = main.tense == "future" or (main.modal in ("can", "must", "should") and main.tense == "present")
        return later and second.tense == "present" and not main.time
    return True


def _clause(clause: Clause) -> bool:
    parts = (clause.subject, clause.object, clause.recipient, clause.than)
    if not all(phrase(part) for part in parts if part is not None):
        return False
    if sum(part.relative is not None for part in parts if part is not None) > 1:
        return False
    if (clause.question and clause.negative) or (clause.subject is None and clause.verb != "exist"):
        return False
    if clause.verb == "be":
        return _being(clause)
    if clause.verb == "exist":
        return _existence(clause)
    verb = table("verbs")[clause.verb]
    return _timed(clause, verb) and _filled(clause, verb) and _denied(clause) and _surrounded(clause, verb)


def phrase(part: Phrase) -> bool:
    """Return whether a phrase is one."""
    if part.kind != "noun":
        return (
            not part.plural and not part.adjective and part.relative is None and (part.other is None or _joined(part))
        )
    noun = table("nouns")[part.head]
    if part.adjective and not describes(table("adjectives")[part.adjective], noun):
        return False
    if part.plural and (part.det in SINGULAR or (part.det in ("the", *OWNERS) and noun["kind"] not in PEOPLE)):
        return False
    if not part.plural and part.det in PLURAL:
        return False
    if (noun["kind"] == "parent" and part.plural) or (noun["kind"] == "stranger" and part.det in OWNERS):
        return False
    if noun["kind"] in MEASURES and (part.adjective or part.det in ("this", "that", "many", "some")):
        return False
    if part.relative is not None and not _relative(part, part.relative):
        return False
    return part.other is None or _joined(part)


def _joined(part: Phrase) -> bool:
    other = part.other
    assert other is not None
    for one in (part, other):
        known = one.kind == "name" or (one.kind == "noun" and one.det in ("the", "this", "that", *OWNERS))
        if not known or one.relative is not None or one.adjective:
            return False
    return other.other is None and phrase(other) and part.head != other.head


def _relative(head: Phrase, clause: Clause) -> bool:
    if head.det != "the" or head.adjective or clause.question or clause.verb in ("be", "exist") or clause.modal:
        return False
    inner = (clause.subject, clause.object, clause.recipient)
    if any(part is not None and (part.relative is not None or part.head == head.head) for part in inner):
        return False
    verb = table("verbs")[clause.verb]
    if verb["frame"] not in ("object", "alone") or clause.tense == "future" or clause.place or clause.manner:
        return False
    if clause.tense == "past" and not clause.time:
        return False
    gap = Phrase(kind="noun", head=head.head, det="this", plural=head.plural)
    if clause.subject is None:
        whole = _with(clause, subject=gap)
    elif clause.object is None and verb["frame"] == "object" and "{o}" not in verb["zh"]:
        whole = _with(clause, object=gap)
    else:
        return False
    return _clause(whole)


def _with(clause: Clause, **changes: Phrase) -> Clause:
    from dataclasses import replace

    return replace(clause, **changes)


def _timed(clause: Clause, verb: Concept) -> bool:
    """Whether tense, modality and word of time agree, and Chinese shows them."""
    when = table("times")[clause.time]["tense"] if clause.time else ""
    flags = verb.set("flags")
    fits = {"past": ("", "past"), "future": ("", "future"), "progressive": ("",), "present": ("", "habit", "today")}
    if when not in fits[clause.tense]:
        return False
    if verb["frame"] == "clause" or "stative" in flags:
        return clause.tense == "present" and not clause.time and not clause.modal
    if clause.modal:
        past = clause.tense == "past"
        if clause.tense not in ("present", "past") or when == "habit" or past != (when == "past"):
            return False
        return not (past and clause.modal in ("must", "should")) and not (clause.negative and clause.modal == "must")
    if clause.tense == "progressive":
        return not clause.negative and "noprogressive" not in flags
    if clause.tense == "present":
        return when == "today" if clause.negative else when == "habit"
    shown = verb["frame"] in ("object", "recipient", "goal") or not (clause.place or clause.manner or clause.question)
    return bool(clause.time) or clause.tense == "future" or shown or clause.negative


def _filled(clause: Clause, verb: Concept) -> bool:
    """Whether the verb has the subject and objects that it takes."""
    subject, thing, frame = clause.subject, clause.object, verb["frame"]
    assert subject is not None
    if (clause.question == "who" and subject.kind != "who") or (clause.question != "who" and subject.kind == "who"):
        return False
    if (
        not all(_takes(verb, "subject", one) for one in _members(subject))
        or clause.adjective
        or clause.than is not None
    ):
        return False
    if clause.question == "what":
        plain = "@" not in verb["de"] and "{o}" not in verb["zh"] and "shared" not in verb.set("flags")
        return frame == "object" and thing is None and verb.set("object") != {"person"} and plain
    needs = (frame in ("object", "recipient"), frame == "recipient")
    if needs != (thing is not None, clause.recipient is not None):
        return False
    if clause.recipient is not None and not _receives(clause.recipient, subject):
        return False
    return thing is None or all(_object(clause, verb, one) for one in _members(thing))


def _members(part: Phrase) -> list[Phrase]:
    return [part, *([part.other] if part.other is not None else [])]


def _takes(verb: Concept, role: str, part: Phrase) -> bool:
    if part.kind == "noun":
        return accepts(verb, role, table("nouns")[part.head])
    return "person" in verb.set(role)


def _receives(part: Phrase, subject: Phrase) -> bool:
    if part.other is not None or part.relative is not None:
        return False
    if part.kind == "pronoun":
        return _apart(subject, part)
    return part.kind == "name" or (table("nouns")[part.head]["kind"] in PEOPLE and part.det in ("the", "this", *OWNERS))


def _apart(subject: Phrase, part: Phrase) -> bool:
    """Whether a pronoun as an object is somebody else than the subject."""
    ours = {"we": ("we", "i"), "i": ("we", "i")}
    same = ours.get(subject.head, (subject.head,)) if subject.kind == "pronoun" else ()
    return part.head not in (*same, "they")


def _object(clause: Clause, verb: Concept, part: Phrase) -> bool:
    assert clause.subject is not None
    if part.kind == "pronoun":
        return "pronoun" in verb.set("flags") and _apart(clause.subject, part)
    if not _takes(verb, "object", part) or (part.kind == "name" and part.head == clause.subject.head):
        return False
    if part.kind == "noun" and part.head == clause.subject.head:
        return False
    if part.kind == "noun" and part.det == "the" and part.relative is None:
        ba = "ba" in verb.set("flags")
        switched = table("nouns")[part.head]["kind"] in SWITCHED
        done = clause.tense == "past" and not clause.modal
        return ba and not clause.negative and (switched or done)
    return True


def _denied(clause: Clause) -> bool:
    """Whether what is denied is so in all three languages: nothing is counted, and *not a* is said of one thing."""
    if not clause.negative:
        return True
    for part in (clause.subject, clause.object, clause.recipient):
        if part is not None and (part.other is not None or part.det in (*PLURAL, *NUMBERS)):
            return False
    thing = clause.object
    if (clause.subject is not None and clause.subject.det == "a") or clause.manner:
        return False
    if thing is not None and thing.kind == "noun" and thing.det == "a":
        return table("nouns")[thing.head]["kind"] not in MEASURES and clause.recipient is None
    return True


def _surrounded(clause: Clause, verb: Concept) -> bool:
    """Whether place, manner and time may stand with the verb and beside a relative clause."""
    goal = verb["frame"] == "goal"
    if goal != bool(clause.place) and not (not goal and clause.place) and clause.question != "where":
        return False
    flags = verb.set("flags")
    placeless = verb["frame"] in ("recipient", "clause") or flags & {"noplace", "stative"}
    if placeless and (clause.place or clause.question == "where"):
        return False
    if clause.question == "where" and clause.place:
        return False
    if clause.manner and clause.manner not in verb.set("manner"):
        return False
    described = any(part is not None and part.relative is not None for part in (clause.subject, clause.object))
    ends = bool(clause.time) and table("times")[clause.time]["place"] == "end"
    return not described or not (ends or (clause.place and not goal) or clause.manner)


def _being(clause: Clause) -> bool:
    subject = clause.subject
    if subject is None or clause.object is not None or clause.recipient is not None or not clause.adjective:
        return False
    if clause.place or clause.manner or clause.modal or clause.question not in ("", "yesno"):
        return False
    adjective = table("adjectives")[clause.adjective]
    for one in (*_members(subject), *(_members(clause.than) if clause.than is not None else ())):
        person = one.kind in ("name", "pronoun")
        fits = "person" in adjective.set("nouns") if person else _said_of(adjective, one)
        if not fits or (one.relative is not None and clause.time):
            return False
    if clause.than is not None:
        return _compared(clause, adjective)
    past = clause.tense == "past" and bool(clause.time) and table("times")[clause.time]["tense"] == "past"
    if not ((past and adjective["group"] in CHANGING) or (clause.tense == "present" and not clause.time)):
        return False
    return not clause.negative or (subject.other is None and subject.det not in (*PLURAL, "a"))


def _said_of(adjective: Concept, part: Phrase) -> bool:
    if part.kind != "noun" or part.det in ("a", *PLURAL) or part.adjective:
        return False
    return describes(adjective, table("nouns")[part.head])


def _compared(clause: Clause, adjective: Concept) -> bool:
    assert clause.subject is not None and clause.than is not None
    one, other = clause.subject, clause.than
    if other.kind == "pronoun" or other.head == one.head or one.other is not None or other.other is not None:
        return False
    if (
        not _alike(one, other)
        or adjective["group"] == "colour"
        or clause.negative
        or clause.tense != "present"
        or clause.time
    ):
        return False
    return other.relative is None and one.relative is None


def _alike(one: Phrase, other: Phrase) -> bool:
    kinds = [table("nouns")[part.head]["kind"] if part.kind == "noun" else "person" for part in (one, other)]
    return kinds[0] == kinds[1] or all(kind in PEOPLE for kind in kinds)


def _existence(clause: Clause) -> bool:
    thing = clause.object
    if thing is None or clause.subject is not None or clause.recipient is not None or thing.other is not None:
        return False
    if not clause.place or clause.manner or clause.modal or clause.adjective or clause.question not in ("", "yesno"):
        return False
    if thing.kind != "noun" or thing.det not in ("a", *PLURAL) or thing.relative is not None:
        return False
    if clause.negative and (thing.det != "a" or table("nouns")[thing.head]["kind"] in MEASURES):
        return False
    past = clause.tense == "past" and bool(clause.time) and table("times")[clause.time]["tense"] == "past"
    return past or (clause.tense == "present" and not clause.time)
