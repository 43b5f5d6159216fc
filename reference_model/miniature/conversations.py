"""Conversations about trees: translation, with changes asked for, with words required, and general instructions."""

from __future__ import annotations

import random
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from reference_model.conversation import Message
from reference_model.errors import CorpusError
from reference_model.miniature.choice import drawn
from reference_model.miniature.edits import EDITS, Said, edits
from reference_model.miniature.instructions import FAMILIES, instruct
from reference_model.miniature.lexicon import LANGUAGES
from reference_model.miniature.render import Rendering, render
from reference_model.miniature.sample import sample
from reference_model.miniature.split import trainable
from reference_model.miniature.tree import Sentence
from reference_model.toml_files import parse_toml

DIRECTIONS = ("zh-en", "en-zh", "de-en", "en-de", "zh-de", "de-zh")
SCORED = DIRECTIONS[:4]
VARIED = 0.2
"""Share of the choices in a source that are not the preferred ones."""
LINKS = (("", 60), ("that", 7), ("because", 10), ("although", 7), ("if", 6), ("but", 10))
"""More pairs of clauses than sentences have elsewhere: from them a model learns sooner which word belongs where."""
RELATIVES = 5.0
"""So many times as many relative clauses: at their usual share they are not learned in time."""
KINDS = ("translation", "interactive", "constrained", "instructions")
LEXICAL = ("nouns", "verbs", "adjectives", "places", "times", "manners")
_LATIN = re.compile(r"[A-Za-zÄÖÜäöüß]")


@dataclass(frozen=True, kw_only=True)
class Share:
    """A part of the data: what kind of conversations, worded in which languages."""

    kind: str
    """translation, interactive, constrained or instructions."""
    tokens: float
    """How many tokens of the whole, in proportion to the other shares."""
    languages: tuple[str, ...] = LANGUAGES
    """Of what the users ask; for general instructions that is also the language of the answer."""
    directions: tuple[str, ...] = SCORED
    """Of translations; one that stands here twice is drawn twice as often."""
    families: tuple[str, ...] = tuple(FAMILIES)
    """Of general instructions."""

    def __post_init__(self) -> None:
        known = {"languages": LANGUAGES, "directions": DIRECTIONS, "families": tuple(FAMILIES)}
        for field, values in known.items():
            wrong = [one for one in getattr(self, field) if one not in values]
            if wrong or not getattr(self, field):
                raise CorpusError(f"share {self.kind}: {field} {wrong} are unknown. Known: {', '.join(values)}.")
        if self.kind not in KINDS or self.tokens <= 0:
            raise CorpusError(f"share {self.kind!r}: must be one of {', '.join(KINDS)}, with tokens above 0.")


@cache
def phrases() -> dict[str, Any]:
    """Return how requests are worded."""
    return parse_toml(Path(__file__).parent / "phrases.toml", CorpusError)


def ask(wording: str, language: str, draw: random.Random, **slots: str) -> str:
    """Return a request; a quoted word of another script stands between spaces in Chinese."""
    form = draw.choice(phrases()[wording][language])
    if "target" in slots:
        slots["target"] = phrases()["languages"][language][slots["target"]]
    if language == "zh":
        for name in set(slots) & {"old", "new", "words"}:
            latin = _LATIN.search(slots[name]) is not None
            slots[name] = f" {slots[name]} " if latin else slots[name]
    text = form.format(**slots)
    return re.sub(r" (?=[。，：])|(?<=[：，]) ", "", text)


def quoted(words: list[str], language: str) -> str:
    """Return words as a list."""
    return ("、" if language == "zh" else ", ").join(words)


def direction(draw: random.Random, share: Share) -> tuple[str, str]:
    """Return source and target of a translation."""
    source, target = draw.choice(share.directions).split("-")
    return source, target


def _tree(draw: random.Random) -> Sentence:
    while True:
        tree = sample(draw, LINKS, RELATIVES)
        if trainable(tree):
            return tree


def other_words(tree: Sentence, language: str, draw: random.Random, number: int) -> tuple[dict[str, int], list[str]]:
    """Return choices of words that are not the preferred ones, and these words as they stand in the sentence."""
    plain = render(tree, language)
    open_ = [what for what in plain.choices if what.partition("/")[0] in LEXICAL]
    draw.shuffle(open_)
    chosen: dict[str, int] = {}
    for what in open_[:number]:
        chosen[what] = draw.randrange(1, plain.numbers[what])
    said = render(tree, language, _kept(chosen))
    words = {what: surface(said, what) for what in chosen}
    if not all(words.values()):
        return {}, []
    return chosen, list(words.values())


def _kept(chosen: dict[str, int]) -> Any:
    from reference_model.miniature.choice import fixed

    return fixed(chosen)


def surface(said: Rendering, what: str) -> str:
    """Return the words that stand for something, where they are neighbours; an empty string where they are not."""
    at = [index for index, word in enumerate(said.words) if word.what == what and word.text]
    if not at or at[-1] - at[0] != len(at) - 1:
        return ""
    texts = [said.words[index].text for index in at]
    joined = "".join(texts) if re.search("[\u4e00-\u9fff]", texts[0]) else " ".join(texts)
    return joined if said.text.count(joined) == 1 else ""


Turns = list[Message]


def _said(request: str, answer: str) -> Turns:
    return [Message(role="user", content=request), Message(role="assistant", content=answer)]


def translation(draw: random.Random, share: Share) -> Turns:
    """Return a translation: the source said in any way, the answer in the preferred one."""
    source, target = direction(draw, share)
    tree = _tree(draw)
    sentence = render(tree, source, drawn(draw, VARIED)).text
    request = ask("translate", draw.choice(share.languages), draw, target=target, sentence=sentence)
    return _said(request, render(tree, target).text)


def constrained(draw: random.Random, share: Share) -> Turns:
    """Return a translation in which some words are required, mostly others than the preferred ones."""
    while True:
        source, target = direction(draw, share)
        tree = _tree(draw)
        number = 1 if draw.random() < 0.7 else 2
        if draw.random() < 0.15:
            chosen, words = {}, usual_words(tree, target, draw, number)
        else:
            chosen, words = other_words(tree, target, draw, number)
        if words:
            break
    sentence = render(tree, source, drawn(draw, VARIED)).text
    language = draw.choice(share.languages)
    request = ask(
        "constrained", language, draw, target=target, sentence=sentence, words=quoted(words, language)
    )  # fmt: skip
    return _said(request, render(tree, target, _kept(chosen)).text)


def usual_words(tree: Sentence, language: str, draw: random.Random, number: int) -> list[str]:
    """Return words that the preferred rendering uses where it could use others."""
    plain = render(tree, language)
    found = [surface(plain, what) for what in plain.choices if what.partition("/")[0] in LEXICAL]
    draw.shuffle(found)
    return [word for word in found if word][:number]


def interactive(draw: random.Random, share: Share) -> Turns:
    """Return a translation with one to three changes; each answer follows from the one before it."""
    source, target = direction(draw, share)
    tree = _tree(draw)
    original = render(tree, source, drawn(draw, VARIED))
    request = ask("translate", draw.choice(share.languages), draw, target=target, sentence=original.text)
    state = State(tree, source, target, original, render(tree, target), {})
    turns = _said(request, state.answer.text)
    kinds = LINKED_PRACTICE if tree.link else PRACTICE
    for _ in range(draw.choice((1, 2, 2, 3, 3))):
        found = next((one for one in changes(state, draw, share.languages, kinds) if trainable(one.state.tree)), None)
        if found is None:
            break
        turns += _said(found.request, found.answer)
        state = found.state
        if found.kind == "back":
            break
    return turns


@dataclass(frozen=True)
class State:
    """Where a conversation has come: the tree, and how it was last said."""

    tree: Sentence
    source: str
    target: str
    original: Rendering
    """What was translated, as it was first said; only its first turn may be translated back to it."""
    answer: Rendering
    chosen: dict[str, int]
    """Words that were asked for."""


@dataclass(frozen=True)
class Change:
    """A further turn."""

    kind: str
    request: str
    answer: str
    state: State
    language: str
    """Of the answer."""


CHANGES = (*EDITS, "word", "word", "back")
PRACTICE = (*CHANGES, "noun", "noun", "verb", "adjective", "remove", "remove")
"""What is drawn for training: more often the changes of single words, the more the later they are learned."""
LINKED_PRACTICE = (
    *CHANGES, *("time",) * 7, *("verb",) * 5, *("noun",) * 4, *("remove",) * 3, *("number", "adjective") * 2, "place",
    "word",
)  # fmt: skip
"""The same for two clauses, where a model has to look which of two words of a kind is meant."""


def changes(state: State, draw: random.Random, languages: tuple[str, ...], kinds: tuple[str, ...]) -> Iterator[Change]:
    """Yield changes that can be asked for, in random order."""
    for _ in range(12):
        kind = draw.choice(kinds)
        language = draw.choice(languages)
        if kind == "word":
            yield from _word(state, draw, language)
        elif kind == "back":
            yield _back(state, draw, language)
        else:
            yield from _edited(state, draw, language, kind)


def _word(state: State, draw: random.Random, language: str) -> Iterator[Change]:
    open_ = [what for what in state.answer.choices if what.partition("/")[0] in LEXICAL and what not in state.chosen]
    if not open_:
        return
    what = draw.choice(open_)
    options = [one for one in range(state.answer.numbers[what]) if one != state.answer.choices[what]]
    chosen = {**state.chosen, what: draw.choice(options)}
    said = render(state.tree, state.target, _kept(chosen))
    word = surface(said, what)
    if word:
        request = ask("word", language, draw, words=word)
        after = State(state.tree, state.source, state.target, state.original, said, chosen)
        yield Change("word", request, said.text, after, state.target)


def _back(state: State, draw: random.Random, language: str) -> Change:
    said = render(state.tree, state.source, lambda what, number: min(state.original.choices.get(what, 0), number - 1))
    return Change("back", ask("back", language, draw, target=state.source), said.text, state, state.source)


def _edited(state: State, draw: random.Random, language: str, kind: str) -> Iterator[Change]:
    side = draw.random() < 0.3
    quoted_side = state.source if side else state.target
    if kind == "remove":
        quoted_side = state.target
    said = Said(state.tree, state.answer if quoted_side == state.target else state.original, quoted_side, draw)
    for edit in edits(said, (kind,)):
        chosen = state.chosen
        answer = render(edit.tree, state.target, _kept(chosen))
        if answer.text != state.answer.text:
            request = ask(edit.wording, language, draw, **_slots(edit.old, edit.new))
            after = State(edit.tree, state.source, state.target, state.original, answer, chosen)
            yield Change(kind, request, answer.text, after, state.target)
        return


def _slots(old: str, new: str) -> dict[str, str]:
    return {name: value for name, value in (("old", old), ("new", new)) if value}


def instructions(draw: random.Random, share: Share) -> Turns:
    """Return a general instruction and its answer."""
    task = instruct(draw, draw.choice(share.families), draw.choice(share.languages), test=False)
    return _said(task.prompt, task.answers[0])


MAKERS = {
    "translation": translation, "interactive": interactive, "constrained": constrained, "instructions": instructions,
}  # fmt: skip


def converse(draw: random.Random, share: Share) -> Turns:
    """Return a conversation of a share."""
    return MAKERS[share.kind](draw, share)
