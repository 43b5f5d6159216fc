"""Changes of a sentence: each takes a tree and gives another, which differs in nothing but what was asked."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any

from reference_model.miniature.citation import cite, cite_phrase
from reference_model.miniature.lexicon import NUMBERS, OWNERS, PEOPLE, PRONOUNS, table
from reference_model.miniature.render import Rendering
from reference_model.miniature.rules import valid
from reference_model.miniature.tree import BELOW, Clause, Phrase, Sentence, walk


@dataclass(frozen=True, kw_only=True)
class Edit:
    """A change that somebody asks for."""

    kind: str
    """What is counted apart: noun, verb, …, number, tense, …"""
    wording: str
    """The phrases that ask for it (``phrases.toml``)."""
    tree: Sentence
    """The sentence as it is to be."""
    old: str = ""
    new: str = ""
    """Words that the request quotes."""


@dataclass(frozen=True)
class Said:
    """A sentence that was said, and in which language its words are quoted."""

    tree: Sentence
    rendering: Rendering
    language: str
    draw: random.Random

    def surface(self, what: str) -> str:
        """Return the one word that stands for something in the text; an empty string where it is not one."""
        found = [word.text for word in self.rendering.words if word.what == what]
        if len(found) != 1:
            return ""
        return found[0]


def _swapped(part: Any, old: Any, new: Any) -> Any:
    """Return a tree in which ``new`` stands where ``old`` was."""
    if part is old:
        return new
    changed = {}
    for name in BELOW[type(part)]:
        value = getattr(part, name)
        inner = None if value is None else _swapped(value, old, new)
        if inner is not value:
            changed[name] = inner
    return replace(part, **changed) if changed else part


def _phrases(tree: Sentence) -> list[Phrase]:
    return [part for part in walk(tree) if isinstance(part, Phrase)]


def _clauses(tree: Sentence) -> list[Clause]:
    return [part for part in walk(tree) if isinstance(part, Clause)]


def _words(said: Said, name: str) -> Edit | None:
    """Replace a concept of a table by another."""
    holders = {"nouns": ("head", _phrases), "adjectives": ("adjective", walk)}
    field, parts = holders.get(name, (name.removesuffix("s"), _clauses))
    found = [
        part
        for part in parts(said.tree)
        if getattr(part, field, "") in table(name) and (name != "nouns" or part.kind == "noun")
    ]
    if not found:
        return None
    part = said.draw.choice(found)
    before = getattr(part, field)
    after = said.draw.choice([concept for concept in table(name) if concept != before])
    if name == "nouns" and table(name)[after]["kind"] != table(name)[before]["kind"] and said.draw.random() < 0.7:
        return None
    changes = {field: after}
    if name == "times":
        changes["tense"] = {"habit": "present", "today": "present"}.get(
            table(name)[after]["tense"], table(name)[after]["tense"]
        )
    if name == "verbs" and table(name)[after]["frame"] == "clause":
        return None
    tree = _swapped(said.tree, part, replace(part, **changes))
    old = said.surface(f"{name}/{before}")
    place_goal = name == "places" and table("verbs").get(part.verb, {"frame": ""})["frame"] == "goal"  # pyright: ignore
    old = old or cite(name, before, said.language, goal=place_goal)
    new = cite(name, after, said.language, goal=place_goal)
    return Edit(kind=name.removesuffix("s"), wording="replace", tree=tree, old=old, new=new) if old != new else None


def _negate(said: Said) -> Edit | None:
    main = said.tree.main
    tree = replace(said.tree, main=replace(main, negative=not main.negative))
    return Edit(kind="negate", wording="positive" if main.negative else "negative", tree=tree)


def _number(said: Said) -> Edit | None:
    found = [part for part in _phrases(said.tree) if part.kind == "noun" and part.det in ("a", *NUMBERS)]
    if len(found) != 1:
        return None
    number = said.draw.choice([one for one in NUMBERS if one != found[0].det])
    tree = _swapped(said.tree, found[0], replace(found[0], det=number, plural=True))
    return Edit(kind="number", wording="number", tree=tree, new=cite("numbers", number, said.language))


def _plural(said: Said) -> Edit | None:
    subject = said.tree.main.subject
    if subject is None or subject.kind != "noun" or subject.other is not None:
        return None
    if subject.det not in ("the", "this", "that", *OWNERS):
        return None
    tree = _swapped(said.tree, subject, replace(subject, plural=not subject.plural))
    return Edit(kind="plural", wording="singular" if subject.plural else "plural", tree=tree)


def _tense(said: Said) -> Edit | None:
    main = said.tree.main
    if main.modal or said.tree.link or main.verb in ("be", "exist"):
        return None
    tense = said.draw.choice([one for one in ("past", "future", "progressive") if one != main.tense])
    return Edit(kind="tense", wording=tense, tree=Sentence(main=replace(main, tense=tense, time="")))


def _subject(said: Said) -> Edit | None:
    subject = said.tree.main.subject
    if subject is None or subject.kind == "who":
        return None
    chance = said.draw.random()
    if chance < 0.4:
        new = Phrase(kind="pronoun", head=said.draw.choice(PRONOUNS))
    elif chance < 0.7:
        new = Phrase(kind="name", head=said.draw.choice(list(table("names"))))
    else:
        people = [noun.id for noun in table("nouns").values() if noun["kind"] in PEOPLE]
        new = Phrase(kind="noun", head=said.draw.choice(people), det="the")
    if new.head == subject.head:
        return None
    tree = _swapped(said.tree, subject, new)
    return Edit(kind="subject", wording="subject", tree=tree, new=cite_phrase(new, said.language))


def _question(said: Said) -> Edit | None:
    main = said.tree.main
    if said.tree.link or main.question:
        return None
    return Edit(kind="question", wording="question", tree=Sentence(main=replace(main, question="yesno")))


def _remove(said: Said) -> Edit | None:
    found = []
    for part in walk(said.tree):
        names = ("time", "place", "manner", "adjective") if isinstance(part, Clause) else ("adjective",)
        if not isinstance(part, Sentence):
            found += [(part, name) for name in names if getattr(part, name)]
    if not found:
        return None
    part, name = said.draw.choice(found)
    tree = _swapped(said.tree, part, replace(part, **{name: ""}))
    old = [word.text for word in said.rendering.words if word.what == f"{name}s/{getattr(part, name)}"]
    joined = ("" if said.language == "zh" else " ").join(old)
    return Edit(kind="remove", wording="remove", tree=tree, old=joined) if old else None


EDITS: dict[str, Callable[[Said], Edit | None]] = {
    "noun": lambda said: _words(said, "nouns"),
    "verb": lambda said: _words(said, "verbs"),
    "adjective": lambda said: _words(said, "adjectives"),
    "time": lambda said: _words(said, "times"),
    "place": lambda said: _words(said, "places"),
    "negate": _negate, "number": _number, "plural": _plural, "tense": _tense, "subject": _subject,
    "question": _question, "remove": _remove,
}  # fmt: skip
"""Changes of meaning; ``conversations.py`` adds those of wording and language: word, back."""


def edits(said: Said, kinds: tuple[str, ...]) -> Iterator[Edit]:
    """Yield changes of some kinds, in random order and without end, that give a sentence and change something."""
    misses = 0
    while misses < 12:
        found = EDITS[said.draw.choice(kinds)](said)
        if found is not None and found.tree != said.tree and valid(found.tree):
            yield found
        misses += 1
