"""English: word order, agreement, do-support, particles that may stand before or after their object."""

from __future__ import annotations

from reference_model.miniature.choice import Voice
from reference_model.miniature.lexicon import MEASURES, PEOPLE, table
from reference_model.miniature.tree import Clause, Phrase, Sentence
from reference_model.miniature.words import COMMA, Word, plain

OBJECTS = {"i": "me", "you": "you", "he": "him", "she": "her", "we": "us"}
LINKS = {"because": ("because",), "although": ("although", "though"), "if": ("if",)}


def plural_of(noun: str) -> str:
    """Return the plural of a noun as the lexicon spells it."""
    singular, slash, given = noun.partition("/")
    if slash:
        return given
    if singular.endswith(("s", "x", "ch", "sh")) or singular in ("potato", "tomato"):
        return singular + "es"
    if singular.endswith("y") and singular[-2] not in "aeiou":
        return singular[:-1] + "ies"
    return singular + "s"


def verb_forms(entry: str) -> dict[str, str]:
    """Return base, s, past, ing, particle (``+``), and preposition (``~``) or fixed particle of a verb."""
    verb, *rest = entry.split(" ")
    base, past, ing = [*verb.split(":"), "", ""][:3]
    after = " ".join(rest)
    soft = base[-1] == "y" and base[-2] not in "aeiou"
    regular = base + "d" if base[-1] == "e" else base[:-1] + "ied" if soft else base + "ed"
    third = base[:-1] + "ies" if soft else base + ("es" if base.endswith(("s", "sh", "ch", "x", "o")) else "s")
    return {
        "base": base, "s": third, "past": past or regular,
        "ing": ing or (base[:-1] if base[-1] == "e" and base[-2] != "e" else base) + "ing",
        "particle": after[1:] if after.startswith("+") else "",
        "after": after.removeprefix("~") if not after.startswith("+") else "",
    }  # fmt: skip


def phrase(part: Phrase, voice: Voice, case: str = "subject") -> list[Word]:
    """Return someone or something."""
    words = _single(part, voice, case)
    if part.other is not None:
        words += [Word("and"), *phrase(part.other, voice, case)]
    return words


def _single(part: Phrase, voice: Voice, case: str) -> list[Word]:
    if part.kind == "who":
        return [Word("who")]
    if part.kind == "pronoun":
        pronoun = OBJECTS[part.head] if case == "object" else part.head
        return [Word("I" if pronoun == "i" else pronoun)]
    if part.kind == "name":
        return plain(table("names")[part.head]["en"], f"names/{part.head}")
    noun, what = table("nouns")[part.head], f"nouns/{part.head}"
    entry = voice.pick(what, noun.words("en"))
    counted = part.plural and noun["kind"] not in MEASURES
    words = [Word(plural_of(entry) if counted else entry.partition("/")[0], what)]
    if noun["kind"] in MEASURES and part.det not in ("the", "my", "your", "his", "her", "our"):
        measure = {"cup": ("cup", "cups"), "glass": ("glass", "glasses")}[noun["kind"]][part.plural]
        words = [Word(measure), Word("of"), *words]
    if part.adjective:
        words = [adjective(part.adjective, voice), *words]
    words = [_determiner(part, words[0].text), *words]
    if part.relative is not None:
        words += _relative(part, part.relative, voice)
    return words


def _determiner(part: Phrase, following: str) -> Word:
    if part.det == "a":
        return Word("an" if following[0] in "aeiou" else "a")
    if part.plural and part.det in ("this", "that"):
        return Word({"this": "these", "that": "those"}[part.det])
    return Word(part.det)


def adjective(concept: str, voice: Voice, degree: int = 0) -> Word:
    """Return an adjective, or its comparative as degree 1."""
    what = f"adjectives/{concept}"
    entry = voice.pick(what, table("adjectives")[concept].words("en"))
    return Word(entry.split(":")[degree], what)


def _relative(head: Phrase, clause: Clause, voice: Voice) -> list[Word]:
    person = table("nouns")[head.head]["kind"] in PEOPLE
    kind = "who" if person else "that"
    if clause.subject is None:
        marker = voice.pick(f"subject {kind}", ("who", "that") if person else ("that", "which"))
        return [Word(marker), *_statement(clause, voice, gap=head)]
    marker = voice.pick(f"object {kind}", ("who", "whom", "that", "") if person else ("that", "which", ""))
    return [Word(marker), *_statement(clause, voice)][not marker :]


def third(part: Phrase | None) -> bool:
    """Return whether the verb takes its third person singular."""
    if part is None or part.kind == "who":
        return True
    return part.other is None and not part.plural and part.head not in ("i", "you", "we", "they")


def _be(subject: Phrase | None, tense: str) -> str:
    first = subject is not None and subject.kind == "pronoun" and subject.head == "i"
    if tense == "past":
        return "was" if third(subject) or first else "were"
    return "am" if first else "is" if third(subject) else "are"


def _predicate(clause: Clause, subject: Phrase | None, voice: Voice) -> tuple[list[Word], list[Word]]:
    """Return the finite auxiliary (with *do* where nothing else is there) and the rest of the verb."""
    forms = _forms(clause, voice)
    main = Word(forms["base"], f"verbs/{clause.verb}")
    if clause.modal == "want":
        do = "did" if clause.tense == "past" else "does" if third(subject) else "do"
        return [Word(do)], [Word("want"), Word("to"), main]
    if clause.modal == "can":
        return [Word("could" if clause.tense == "past" else "can")], [main]
    if clause.modal in ("must", "should"):
        return [Word(clause.modal)], [main]
    if clause.tense == "future":
        return [Word("will")], [main]
    if clause.verb == "be":
        return [Word(_be(subject, clause.tense))], []
    if clause.tense == "progressive":
        return [Word(_be(subject, "present"))], [Word(forms["ing"], main.what)]
    return [Word("did" if clause.tense == "past" else "does" if third(subject) else "do")], [main]


def _forms(clause: Clause, voice: Voice) -> dict[str, str]:
    if clause.verb == "be":
        return {"base": "be", "particle": "", "after": ""}
    return verb_forms(voice.pick(f"verbs/{clause.verb}", table("verbs")[clause.verb].words("en")))


def _negated(auxiliary: list[Word], voice: Voice) -> list[Word]:
    text = auxiliary[0].text
    if text == "am":
        return [Word("am"), Word("not")]
    short = {"can": "can't", "will": "won't"}.get(text, f"{text}n't")
    long = [Word("cannot")] if text == "can" else [Word(text), Word("not")]
    return voice.pick("contraction", (long, [Word(short)]))


def _collapsed(auxiliary: list[Word], rest: list[Word], clause: Clause, voice: Voice) -> list[list[Word]]:
    """Return auxiliary and rest of a plain statement, in which *do* is not said."""
    do = auxiliary[0].text
    if do not in ("do", "does", "did"):
        return [auxiliary, rest]
    if clause.modal == "want":
        form = {"do": "want", "does": "wants", "did": "wanted"}[do]
    else:
        form = _forms(clause, voice)[{"do": "base", "does": "s", "did": "past"}[do]]
    return [[], [Word(form, rest[0].what), *rest[1:]]]


def _statement(clause: Clause, voice: Voice, gap: Phrase | None = None) -> list[Word]:
    """Return a clause in the order of statements; its subject is left out where ``gap`` is it."""
    if clause.verb == "exist":
        return _existence(clause, voice, [Word("there"), Word(_be(clause.object, clause.tense))])
    subject = clause.subject or gap
    auxiliary, rest = _predicate(clause, subject, voice)
    if clause.negative:
        auxiliary = _negated(auxiliary, voice)
    else:
        auxiliary, rest = _collapsed(auxiliary, rest, clause, voice)
    said = phrase(clause.subject, voice) if clause.subject is not None else []
    return [*said, *auxiliary, *_middle(clause, voice), *rest, *_after(clause, voice)]


def _middle(clause: Clause, voice: Voice) -> list[Word]:
    if clause.time and table("times")[clause.time]["place"] == "middle":
        return time(clause.time, voice)
    return []


def time(concept: str, voice: Voice) -> list[Word]:
    """Return when something happens."""
    what = f"times/{concept}"
    return plain(voice.pick(what, table("times")[concept].words("en")), what)


def place(clause: Clause, voice: Voice) -> list[Word]:
    """Return where something happens, or where someone goes."""
    goal = clause.verb in table("verbs") and table("verbs")[clause.verb]["frame"] == "goal"
    what = f"places/{clause.place}"
    return plain(voice.pick(what, table("places")[clause.place].words("en_to" if goal else "en_at")), what)


def _after(clause: Clause, voice: Voice, *, fronted: bool = False) -> list[Word]:
    """Return what follows the verb: particle, objects, adjective, manner, place, time."""
    words = []
    forms = _forms(clause, voice)
    thing = phrase(clause.object, voice, "object") if clause.object is not None else []
    if forms["particle"] and thing and clause.object is not None:
        particle = [Word(forms["particle"], f"verbs/{clause.verb}")]
        pronoun, heavy = clause.object.kind == "pronoun", clause.object.relative is not None
        orders = ([*thing, *particle],) if pronoun else ([*particle, *thing], [*thing, *particle])
        words += voice.pick("particle", orders[:1] if heavy else orders)
    elif clause.recipient is not None:
        taker = phrase(clause.recipient, voice, "object")
        words += voice.pick("recipient", ([*taker, *thing], [*thing, Word("to"), *taker]))
    else:
        particle = forms["after"] or forms["particle"]
        words += plain(particle, f"verbs/{clause.verb}") + thing
    if clause.adjective:
        words.append(adjective(clause.adjective, voice, 1 if clause.than is not None else 0))
        words = [part for word in words for part in plain(word.text, word.what)]
    if clause.than is not None:
        words += [Word("than"), *phrase(clause.than, voice)]
    if clause.manner:
        what = f"manners/{clause.manner}"
        words.append(Word(voice.pick(what, table("manners")[clause.manner].words("en")), what))
    if clause.place:
        words += place(clause, voice)
    if clause.time and not fronted and table("times")[clause.time]["place"] == "end":
        words += time(clause.time, voice)
    return words


def _existence(clause: Clause, voice: Voice, opening: list[Word]) -> list[Word]:
    assert clause.object is not None
    thing = phrase(clause.object, voice)
    if clause.negative:
        thing = [Word("no"), *thing[1:]]
    when = time(clause.time, voice) if clause.time else []
    return [*opening, *thing, *place(clause, voice), *when]


def _question(clause: Clause, voice: Voice) -> list[Word]:
    if clause.question == "who":
        return _statement(clause, voice)
    if clause.verb == "exist":
        return _existence(clause, voice, [Word(_be(clause.object, clause.tense)), Word("there")])
    auxiliary, rest = _predicate(clause, clause.subject, voice)
    assert clause.subject is not None
    opening = {"what": [Word("what")], "where": [Word("where")]}.get(clause.question, [])
    said = phrase(clause.subject, voice)
    return [*opening, *auxiliary, *said, *_middle(clause, voice), *rest, *_after(clause, voice)]


def _fronted(clause: Clause, voice: Voice) -> list[Word]:
    """Return a statement; its time may stand first."""
    ends = clause.time and table("times")[clause.time]["place"] == "end"
    words = _statement(clause, voice)
    if ends and voice.pick("front", (False, True)):
        when = time(clause.time, voice)
        return [*when, COMMA, *words[: -len(when)]]
    return words


def sentence(tree: Sentence, voice: Voice) -> tuple[list[Word], str]:
    """Return the words of a sentence and the mark at its end."""
    if tree.main.question:
        return _question(tree.main, voice), "?"
    if tree.second is None:
        return _fronted(tree.main, voice), "."
    if tree.link == "that":
        that = voice.pick("that", ([Word("that")], []))
        return [*_statement(tree.main, voice), *that, *_statement(tree.second, voice)], "."
    first, second = _statement(tree.main, voice), _statement(tree.second, voice)
    if tree.link == "but":
        return [*first, COMMA, Word("but"), *second], "."
    link = Word(voice.pick("link", LINKS[tree.link]))
    if voice.pick("order", (False, True)):
        return [link, *second, COMMA, *first], "."
    return [*first, link, *second], "."
