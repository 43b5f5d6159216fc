"""Sentences as trees of meaning: what is said, of whom, when; nothing here belongs to one language."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Phrase:
    """Someone or something."""

    kind: str
    """``noun``, ``name``, ``pronoun`` or ``who``."""
    head: str
    """Concept of the noun or name; the pronoun."""
    det: str = ""
    """Of a noun: the, a, this, that, an owner, a number, many or some."""
    plural: bool = False
    adjective: str = ""
    relative: Clause | None = None
    """A clause in which this is the subject or the object: there it is left out (``gap``)."""
    other: Phrase | None = None
    """What is joined to it with *and*."""


@dataclass(frozen=True, kw_only=True)
class Clause:
    """Something that happens or is so."""

    verb: str
    """A concept; or ``be`` (an adjective is true of the subject), ``exist`` (there is the object in a place)."""
    tense: str
    """past, present, progressive or future."""
    subject: Phrase | None = None
    """None where it is the gap of a relative clause, and with ``exist``."""
    object: Phrase | None = None
    recipient: Phrase | None = None
    adjective: str = ""
    than: Phrase | None = None
    """What the subject is compared with."""
    place: str = ""
    time: str = ""
    manner: str = ""
    modal: str = ""
    """want, can, must or should."""
    negative: bool = False
    question: str = ""
    """yesno, who, what or where."""


@dataclass(frozen=True, kw_only=True)
class Sentence:
    """A clause, or two of which the second is a reason, a condition, a contrast or what someone says."""

    main: Clause
    link: str = ""
    """because, although, if, but or that."""
    second: Clause | None = None


BELOW = {
    Phrase: ("relative", "other"),
    Clause: ("subject", "object", "recipient", "than"),
    Sentence: ("main", "second"),
}
"""The fields of a part that hold further parts."""


def walk(part: Phrase | Clause | Sentence) -> list[Phrase | Clause | Sentence]:
    """Return a tree's parts: itself and all below."""
    found = [part]
    for part in found:
        for name in BELOW[type(part)]:
            below = getattr(part, name)
            if below is not None:
                found.append(below)
    return found


def concepts(tree: Sentence) -> dict[str, set[str]]:
    """Return the concepts of a tree by table."""
    found: dict[str, set[str]] = {"nouns": set(), "verbs": set(), "adjectives": set()}
    for part in walk(tree):
        if isinstance(part, Phrase):
            found["nouns"] |= {part.head} if part.kind == "noun" else set()
            found["adjectives"] |= {part.adjective} - {""}
        elif isinstance(part, Clause):
            found["verbs"] |= {part.verb} - {"be", "exist"}
            found["adjectives"] |= {part.adjective} - {""}
    return found
