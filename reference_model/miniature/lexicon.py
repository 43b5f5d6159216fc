"""The words of the miniature language: tables of concepts (``lexicon/*.csv``), each with its words in three languages.

A verb that is ``shared`` means several things in a language where only the object tells which (wear: 穿, 戴).

Words that mean the same stand in one cell, separated by ``|``, the preferred one first. Forms within a word:

- English noun ``child/children``, verb ``turn:turned:turning +off`` (past and ``-ing`` form only where irregular; ``+``
  a particle that may follow the object, ``~`` a preposition that may not), adjective ``big:bigger``.
- German noun ``Junge m Jungen weak`` (gender, plural, weak declension), verb ``an_rufen:ruft:rief:angerufen:ist @dat``
  (prefix that parts, third person, past, participle, auxiliary, case or ``@auf+acc``), adjective ``teuer:teurer:teur``
  (comparative, stem before endings).
- Chinese verb with ``{o}`` where the object and ``{le}`` where 了 belongs, adjective ``贵的/贵`` (before a noun,
  after 很).
"""

from __future__ import annotations

import csv
from dataclasses import dataclass
from functools import cache
from pathlib import Path

FOLDER = Path(__file__).parent / "lexicon"
LANGUAGES = ("en", "de", "zh")
NAMED = {"en": "English", "de": "German", "zh": "Chinese"}


@dataclass(frozen=True)
class Concept:
    """What words stand for: an entry of a table."""

    id: str
    table: str
    fields: dict[str, str]

    def __getitem__(self, field: str) -> str:
        return self.fields[field]

    def set(self, field: str) -> frozenset[str]:
        """Return a field that lists several values."""
        return _values(self.fields[field])

    def words(self, field: str) -> tuple[str, ...]:
        """Return the words of a language that mean this, the preferred one first."""
        return _alike(self.fields[field])

    def __hash__(self) -> int:
        return hash((self.table, self.id))


@cache
def _values(cell: str) -> frozenset[str]:
    return frozenset(cell.split())


@cache
def _alike(cell: str) -> tuple[str, ...]:
    return tuple(cell.split("|"))


@cache
def table(name: str) -> dict[str, Concept]:
    """Return a table of the lexicon by the concepts' names."""
    with (FOLDER / f"{name}.csv").open(encoding="utf-8", newline="") as file:
        return {row["id"]: Concept(row["id"], name, row) for row in csv.DictReader(file)}


@cache
def nouns(*kinds: str) -> tuple[Concept, ...]:
    """Return the nouns of some kinds, or all."""
    return tuple(noun for noun in table("nouns").values() if not kinds or noun["kind"] in kinds)


PEOPLE: tuple[str, ...] = ("person", "parent", "stranger")
"""Kinds of nouns for people; nobody owns a ``stranger``: *my teacher*, but not *my woman*."""
PRONOUNS: tuple[str, ...] = ("i", "you", "he", "she", "we", "they")
"""As subjects; ``they`` is not used as an object: German does not tell it from ``she`` there."""
OWNERS: tuple[str, ...] = ("my", "your", "his", "her", "our")
"""Without ``their``, which German does not tell from ``her``."""
NUMBERS: tuple[str, ...] = ("two", "three", "four", "five", "six", "seven", "eight", "nine", "ten")
MEASURES = ("cup", "glass")
"""Kinds of nouns that are counted in cups or glasses."""


def _class(noun: Concept) -> str:
    return "person" if noun["kind"] in PEOPLE else noun["kind"]


def accepts(verb: Concept, role: str, noun: Concept) -> bool:
    """Return whether a noun may be a verb's ``subject`` or ``object``."""
    return _class(noun) in verb.set(role)


def describes(adjective: Concept, noun: Concept) -> bool:
    """Return whether an adjective may be said of a noun."""
    return _class(noun) in adjective.set("nouns")
