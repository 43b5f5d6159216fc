"""German word forms: declension and conjugation from the entries of the lexicon."""

from __future__ import annotations

from dataclasses import dataclass

from reference_model.miniature.lexicon import NUMBERS, OWNERS
from reference_model.miniature.tree import Phrase

__all__ = ["OWNERS"]
PRONOUNS = {
    "nom": {"i": "ich", "you": "du", "he": "er", "she": "sie", "we": "wir", "they": "sie"},
    "acc": {"i": "mich", "you": "dich", "he": "ihn", "she": "sie", "we": "uns"},
    "dat": {"i": "mir", "you": "dir", "he": "ihm", "she": "ihr", "we": "uns"},
}
GENDERS = ("m", "f", "n", "pl")
DER = {"nom": ("der", "die", "das", "die"), "acc": ("den", "die", "das", "die"), "dat": ("dem", "der", "dem", "den")}
DIESER = {"nom": ("er", "e", "es", "e"), "acc": ("en", "e", "es", "e"), "dat": ("em", "er", "em", "en")}
EIN = {"nom": ("", "e", "", "e"), "acc": ("en", "e", "", "e"), "dat": ("em", "er", "em", "en")}
WEAK = {"nom": ("e", "e", "e", "en"), "acc": ("en", "e", "e", "en"), "dat": ("en", "en", "en", "en")}
MIXED = {"nom": ("er", "e", "es", "en"), "acc": ("en", "e", "es", "en"), "dat": ("en", "en", "en", "en")}
STEMS = {
    "this": "dies", "that": "jen", "a": "ein", "no": "kein",
    "my": "mein", "your": "dein", "his": "sein", "her": "ihr", "our": "unser",
}  # fmt: skip
COUNTED: dict[str, str] = dict(
    zip(NUMBERS, ("zwei", "drei", "vier", "fünf", "sechs", "sieben", "acht", "neun", "zehn"), strict=True),
    many="viele", some="einige",
)  # fmt: skip
PERSONS: tuple[str, ...] = ("1s", "2s", "3s", "1p", "3p")
IS: dict[str, str] = dict(zip(PERSONS, ("bin", "bist", "ist", "sind", "sind"), strict=True))
HAS: dict[str, str] = dict(zip(PERSONS, ("habe", "hast", "hat", "haben", "haben"), strict=True))
WILL: dict[str, str] = dict(zip(PERSONS, ("werde", "wirst", "wird", "werden", "werden"), strict=True))
WAS: dict[str, str] = dict(zip(PERSONS, ("war", "warst", "war", "waren", "waren"), strict=True))
MODALS = {
    "want": ("will", "willst", "will", "wollen", "wollen"), "can": ("kann", "kannst", "kann", "können", "können"),
    "must": ("muss", "musst", "muss", "müssen", "müssen"),
}  # fmt: skip
PAST_STEMS = {"want": "wollte", "can": "konnte", "must": "musste", "should": "sollte"}


def person(subject: Phrase | None) -> str:
    """Return person and number of a subject: 1s, 2s, 3s, 1p or 3p; 3s where there is none."""
    if subject is None:
        return "3s"
    if subject.other is not None:
        return "3p"
    if subject.kind == "pronoun":
        return {"i": "1s", "you": "2s", "we": "1p", "they": "3p"}.get(subject.head, "3s")
    return "3p" if subject.plural else "3s"


@dataclass(frozen=True)
class Noun:
    """A noun: nominative, gender, plural, and whether it takes -n in the other cases."""

    singular: str
    gender: str
    plural: str
    weak: bool = False

    @classmethod
    def read(cls, entry: str) -> Noun:
        """Return the noun of an entry such as ``Junge m Jungen weak``."""
        singular, gender, plural, *weak = entry.split(" ")
        return cls(singular, gender, plural, bool(weak))

    def form(self, case: str, *, plural: bool) -> str:
        """Return the form of a case and number."""
        if plural:
            return self.plural + "n" * (case == "dat" and self.plural[-1] not in "ns")
        if self.weak and case != "nom":
            return self.singular + ("n" if self.singular.endswith(("e", "er", "ar")) else "en")
        return self.singular


def determiner(kind: str, gender: str, case: str) -> str:
    """Return article, demonstrative, possessive or number before a noun."""
    column = GENDERS.index(gender)
    if kind == "the":
        return DER[case][column]
    if kind in COUNTED:
        return COUNTED[kind] + "n" * (case == "dat" and kind in ("many", "some"))
    endings = DIESER if kind in ("this", "that") else EIN
    return STEMS[kind] + endings[case][column]


def adjective(entry: str, kind: str, gender: str, case: str) -> str:
    """Return an adjective before a noun, by what stands before it."""
    plain, *rest = entry.split(":")
    stem = rest[1] if len(rest) > 1 else plain
    if kind in COUNTED:
        return stem + DIESER[case][GENDERS.index(gender)]
    endings = WEAK if kind in ("the", "this", "that") else MIXED
    return stem + endings[case][GENDERS.index(gender)]


def relative(gender: str, case: str) -> str:
    """Return the relative pronoun."""
    return "denen" if (gender, case) == ("pl", "dat") else DER[case][GENDERS.index(gender)]


@dataclass(frozen=True)
class Verb:
    """A verb: its prefix that parts, its forms, its auxiliary and the case of its object."""

    prefix: str
    infinitive: str
    third: str
    past: str
    participle: str
    auxiliary: str
    case: str
    """acc, dat, or a preposition with the case that it governs: ``auf+acc``."""

    @classmethod
    def read(cls, entry: str) -> Verb:
        """Return the verb of an entry such as ``folgen:folgt:folgte:gefolgt:ist @dat``."""
        parts, _, case = entry.partition(" @")
        whole, third, past, participle, *auxiliary = parts.split(":")
        prefix, _, infinitive = whole.rpartition("_")
        return cls(prefix, infinitive, third, past, participle, auxiliary[0] if auxiliary else "hat", case or "acc")


def finite(verb: Verb, tense: str, who: str) -> str:
    """Return the present or the preterite (not of the second person, but of *sein*) without its prefix."""
    if verb.infinitive == "sein":
        return (WAS if tense == "past" else IS)[who]
    if tense == "past":
        plural = verb.past + ("n" if verb.past.endswith("e") else "en")
        return plural if who.endswith("p") else verb.past
    if who.endswith("p"):
        return verb.infinitive
    if who == "3s":
        return verb.third
    if not verb.third.endswith("t"):  # mag, weiß
        return verb.third if who == "1s" else verb.third + ("t" if verb.third[-1] in "sß" else "st")
    if who == "1s":
        stem = verb.infinitive.removesuffix("n").removesuffix("e")
        return stem + "e"
    stem = verb.third[:-1]
    return stem + ("t" if stem[-1] in "sßz" else "st")


def helper(verb: Verb, who: str) -> str:
    """Return the auxiliary of the perfect."""
    return (IS if verb.auxiliary == "ist" else HAS)[who]


def modal(kind: str, tense: str, who: str) -> str:
    """Return a modal verb."""
    if tense == "past" or kind == "should":
        stem = PAST_STEMS[kind]
        return {"2s": stem + "st", "1p": stem + "n", "3p": stem + "n"}.get(who, stem)
    return MODALS[kind][PERSONS.index(who)]
