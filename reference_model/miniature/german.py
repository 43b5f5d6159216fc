"""German: gender, case and number agree; the verb is second or last; prefixes part; commas mark clauses."""

from __future__ import annotations

from dataclasses import dataclass

from reference_model.miniature import german_forms as forms
from reference_model.miniature.choice import Voice
from reference_model.miniature.lexicon import MEASURES, table
from reference_model.miniature.tree import Clause, Phrase, Sentence
from reference_model.miniature.words import COMMA, Word, plain

LINKS = {"because": ("weil", "da"), "although": ("obwohl", "obgleich"), "if": ("wenn", "falls")}
QUESTIONS = {"what": "was", "where": "wo"}


def phrase(part: Phrase, voice: Voice, case: str = "nom", *, no: bool = False) -> list[Word]:
    """Return someone or something in a case; with ``no``, none of it."""
    words = _single(part, voice, case, no=no)
    if part.other is not None:
        words += [Word("und"), *phrase(part.other, voice, case)]
    return words


def _single(part: Phrase, voice: Voice, case: str, *, no: bool) -> list[Word]:
    if part.kind == "who":
        return [Word("wer")]
    if part.kind == "pronoun":
        return [Word(forms.PRONOUNS[case][part.head])]
    if part.kind == "name":
        return plain(table("names")[part.head]["de"], f"names/{part.head}")
    noun, what = table("nouns")[part.head], f"nouns/{part.head}"
    entry = forms.Noun.read(voice.pick(what, noun.words("de")))
    determiner = "no" if no else part.det
    if noun["kind"] in MEASURES and determiner not in ("the", *forms.OWNERS, "no"):
        cup = {"cup": forms.Noun("Tasse", "f", "Tassen"), "glass": forms.Noun("Glas", "n", "Gläser")}[noun["kind"]]
        words = _declined(part, cup, determiner, voice, case)
        words.append(Word(entry.singular, what))
    else:
        words = _declined(part, entry, determiner, voice, case)
        words[-1] = Word(words[-1].text, what)
    if part.relative is not None:
        words += _relative(part.relative, entry.gender, part.plural, voice)
    return words


def _declined(part: Phrase, noun: forms.Noun, determiner: str, voice: Voice, case: str) -> list[Word]:
    gender = "pl" if part.plural else noun.gender
    words = [Word(forms.determiner(determiner, gender, case))]
    if part.adjective:
        what = f"adjectives/{part.adjective}"
        entry = voice.pick(what, table("adjectives")[part.adjective].words("de"))
        words.append(Word(forms.adjective(entry, determiner, gender, case), what))
    return [*words, Word(noun.form(case, plural=part.plural))]


def _relative(clause: Clause, gender: str, plural: bool, voice: Voice) -> list[Word]:
    gender = "pl" if plural else gender
    gap = Phrase(kind="noun", head="", plural=plural)
    if clause.subject is None:
        return [COMMA, Word(forms.relative(gender, "nom")), *last(clause, voice, subject=gap), COMMA]
    case = forms.Verb.read(_entry(clause, voice)).case
    before = [Word(case.partition("+")[0])] if "+" in case else []
    pronoun = Word(forms.relative(gender, case.rpartition("+")[2]))
    return [COMMA, *before, pronoun, *last(clause, voice), COMMA]


def _entry(clause: Clause, voice: Voice) -> str:
    if clause.verb == "be":
        return "sein:ist:war:gewesen:ist"
    if clause.verb == "exist":
        return "geben:gibt:gab:gegeben"
    return voice.pick(f"verbs/{clause.verb}", table("verbs")[clause.verb].words("de"))


@dataclass(frozen=True)
class Verbal:
    """The verb of a clause: what is second in a statement, what ends it, and both as they end a clause."""

    finite: list[Word]
    end: list[Word]
    last: list[Word]


def verbal(clause: Clause, subject: Phrase | None, voice: Voice) -> Verbal:
    """Return the verb in its tense and modality, agreeing with the subject."""
    person = forms.person(subject)
    what = f"verbs/{clause.verb}" if clause.verb not in ("be", "exist") else ""
    verb = forms.Verb.read(_entry(clause, voice))
    infinitive = Word(verb.prefix + verb.infinitive, what)
    if clause.modal:
        modal = Word(forms.modal(clause.modal, clause.tense, person))
        return Verbal([modal], [infinitive], [infinitive, modal])
    if clause.tense == "future":
        will = Word(forms.WILL[person])
        return Verbal([will], [infinitive], [infinitive, will])
    if clause.tense == "past" and not _simple(clause, person, voice):
        helper = Word(forms.helper(verb, person))
        participle = Word(verb.participle, what)
        return Verbal([helper], [participle], [participle, helper])
    form = forms.finite(verb, "past" if clause.tense == "past" else "present", person)
    end = [Word(verb.prefix, what)] if verb.prefix else []
    return Verbal([Word(form, what)], end, [Word(verb.prefix + form, what)])


def _simple(clause: Clause, person: str, voice: Voice) -> bool:
    """Return whether the past is the preterite, which nobody uses to a friend but of *be*."""
    if clause.verb in ("be", "exist"):
        return True
    return person != "2s" and voice.pick("preterite", (False, True))


def middle(clause: Clause, voice: Voice, *, timed: bool = True, placed: bool = True) -> list[Word]:
    """Return what stands between the finite verb and the end: pronouns, time, known things, nicht, manner, place."""
    case = forms.Verb.read(_entry(clause, voice)).case
    thing, words = clause.object, []
    pronoun = thing is not None and thing.kind == "pronoun" and "+" not in case
    taker = phrase(clause.recipient, voice, "dat") if clause.recipient is not None else []
    light = clause.recipient is not None and clause.recipient.kind == "pronoun"
    if thing is not None and pronoun:
        words += phrase(thing, voice, case)
    words += taker if light else []
    if clause.tense == "progressive":
        words.append(Word("gerade"))
    known = thing is not None and not pronoun and "+" not in case and _known(thing)
    no = clause.negative and thing is not None and thing.det == "a"
    when = time(clause, voice) if timed and clause.time else []
    often = bool(clause.time) and table("times")[clause.time]["place"] == "middle"
    heavy = [] if light else taker
    said = phrase(thing, voice, case) if thing is not None and known else []
    words += [*when, *heavy, *said] if often or taker else voice.pick("time", ([*when, *said], [*said, *when]))
    if clause.negative and not no:
        words.append(Word("nicht"))
    if clause.manner:
        what = f"manners/{clause.manner}"
        words.append(Word(voice.pick(what, table("manners")[clause.manner].words("de")), what))
    if clause.place and placed and clause.question != "where":
        words += place(clause, voice)
    if thing is not None and not pronoun and not known:
        words += [Word(case.partition("+")[0])] if "+" in case else []
        words += phrase(thing, voice, case.rpartition("+")[2], no=no)
    if clause.adjective:
        words.append(_predicate(clause, voice))
    if clause.than is not None:
        words += [Word("als"), *phrase(clause.than, voice)]
    return words


def _known(part: Phrase) -> bool:
    return part.kind == "name" or part.det in ("the", "this", "that", *forms.OWNERS)


def _predicate(clause: Clause, voice: Voice) -> Word:
    what = f"adjectives/{clause.adjective}"
    entry = voice.pick(what, table("adjectives")[clause.adjective].words("de"))
    return Word(entry.split(":")[1 if clause.than is not None else 0], what)


def time(clause: Clause, voice: Voice) -> list[Word]:
    """Return when something happens."""
    what = f"times/{clause.time}"
    return plain(voice.pick(what, table("times")[clause.time].words("de")), what)


def place(clause: Clause, voice: Voice) -> list[Word]:
    """Return where something happens, or where someone goes."""
    goal = clause.verb in table("verbs") and table("verbs")[clause.verb]["frame"] == "goal"
    what = f"places/{clause.place}"
    return plain(voice.pick(what, table("places")[clause.place].words("de_to" if goal else "de_at")), what)


def last(clause: Clause, voice: Voice, subject: Phrase | None = None) -> list[Word]:
    """Return a clause whose verb is last; ``subject`` is that of a relative clause, which is not said."""
    if clause.verb == "exist":
        return [Word("es"), *middle(clause, voice), Word("gab" if clause.tense == "past" else "gibt")]
    said = phrase(clause.subject, voice) if clause.subject is not None else []
    return [*said, *middle(clause, voice), *verbal(clause, clause.subject or subject, voice).last]


def _inverted(clause: Clause, voice: Voice, *, timed: bool = True) -> list[Word]:
    """Return a clause that begins with its verb, as after something else that stands first."""
    if clause.verb == "exist":
        gives = Word("gab" if clause.tense == "past" else "gibt")
        return [gives, Word("es"), *middle(clause, voice, timed=timed)]
    verb = verbal(clause, clause.subject, voice)
    assert clause.subject is not None
    said, between = phrase(clause.subject, voice), middle(clause, voice, timed=timed)
    return [*verb.finite, *said, *between, *verb.end]


def _second(clause: Clause, voice: Voice, *, alone: bool = False) -> list[Word]:
    """Return a statement whose verb is second; where it is ``alone`` its time may stand first."""
    if clause.verb == "exist":
        gives = Word("gab" if clause.tense == "past" else "gibt")
        if voice.pick("place", (True, False)):
            return [*place(clause, voice), gives, Word("es"), *middle(clause, voice, placed=False)]
        return [Word("es"), gives, *middle(clause, voice)]
    front = alone and clause.time and table("times")[clause.time]["place"] == "end"
    if front and voice.pick("front", (False, True)):
        return [*time(clause, voice), *_inverted(clause, voice, timed=False)]
    verb = verbal(clause, clause.subject, voice)
    assert clause.subject is not None
    return [*phrase(clause.subject, voice), *verb.finite, *middle(clause, voice), *verb.end]


def _question(clause: Clause, voice: Voice) -> list[Word]:
    if clause.question == "who":
        return _second(clause, voice)
    goal = clause.question == "where" and table("verbs")[clause.verb]["frame"] == "goal"
    opening = "wohin" if goal else QUESTIONS.get(clause.question, "")
    return [Word(opening), *_inverted(clause, voice)][not opening :]


def sentence(tree: Sentence, voice: Voice) -> tuple[list[Word], str]:
    """Return the words of a sentence and the mark at its end."""
    if tree.main.question:
        return _question(tree.main, voice), "?"
    if tree.second is None:
        return _second(tree.main, voice, alone=True), "."
    if tree.link == "that":
        return [*_second(tree.main, voice), COMMA, Word("dass"), *last(tree.second, voice)], "."
    if tree.link == "but":
        return [*_second(tree.main, voice), COMMA, Word("aber"), *_second(tree.second, voice)], "."
    link = Word(voice.pick("link", LINKS[tree.link]))
    if voice.pick("order", (False, True)):
        return [link, *last(tree.second, voice), COMMA, *_inverted(tree.main, voice)], "."
    return [*_second(tree.main, voice), COMMA, link, *last(tree.second, voice)], "."
