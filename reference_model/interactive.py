"""Interactive translation: from a sentence pair, a request and changes to its answer, each with a checkable target.

The method of BayLing (arXiv 2306.10968): a conversation first asks for a translation and then for changes to it, in a
language of instruction that does not depend on the direction. Here every change is derived from the pair itself, so the
right answer is known without a model. Changes that mend something (``words``, ``name``, ``term``, ``part``) start from
a draft, which is the reference with one thing wrong: the model reads drafts and never learns them. Then a translation
may be shortened (``sentence``, ``brackets``) and turned round (``reverse``).
"""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

from reference_model.conversation import Message
from reference_model.corpus import Pair
from reference_model.errors import CorpusError, did_you_mean
from reference_model.toml_files import parse_toml

UNSPACED = ("zh", "ja")
MENDING = ("words", "name", "term", "part")
MOST_CHANGES = 3
_SLOT = re.compile(r"\{(\w+)\}")
_RUN = re.compile(r"[一-鿿぀-ヿ]+")
_WORD = re.compile(r"[^\W\d_]+(?:[-'’][^\W\d_]+)*")
_NAME = re.compile(r"(?<!\w)[A-ZÄÖÜ][\w-]+(?: [A-ZÄÖÜ][\w-]+)*")
_SENTENCE = re.compile(r"(?<=[.!?])\s+(?=\S)|(?<=[。！？])(?=[^”」』）)\s])")
_ABBREVIATION = re.compile(r"(?<!\w)(?:\w|\d+|[A-ZÄÖÜ]\w{1,3}|(?:\w+\.)+\w+|vgl|bzw|usw|etc|ca|approx|vs|cf)\.$")
"""What ends in a full stop without ending a sentence, or may: `Dr.`, `z. B.`, `3.`; a short name at an end, too."""
_BRACKETS = re.compile(r"\s*[(（][^()（）]+[)）]")


@dataclass(frozen=True, kw_only=True)
class Options:
    """What conversations are made of."""

    changes: tuple[int, ...] = (1, 3)
    """Fewest and most changes after the first request."""
    instructions: tuple[str, ...] = ("en", "zh")
    """Languages in which the user speaks; each turn draws one."""
    at_once: float = 0.2
    """Share of conversations whose first request already names the words to use, as the paper's test does."""
    drafts: float = 0.6
    """Share of the others that start from a draft to mend."""

    def __post_init__(self) -> None:
        least, most = (*self.changes, -1, -1)[:2]
        if len(self.changes) != 2 or not 0 <= least <= most <= MOST_CHANGES or most < 1:
            raise CorpusError(f"interactive.changes = {list(self.changes)}: must be [fewest, most] within 0 and 3.")
        known = [name for name in phrases() if name != "names"]
        for language in self.instructions:
            if language not in known:
                near = did_you_mean(language, known)
                raise CorpusError(
                    f"interactive.instructions: {language!r} is unknown.{near} Known: {', '.join(known)}."
                )
        if not self.instructions or not 0 <= self.at_once <= 1 or not 0 <= self.drafts <= 1:
            raise CorpusError("interactive: instructions must not be empty, at_once and drafts lie between 0 and 1.")


@dataclass(frozen=True, kw_only=True)
class Target:
    """What the answer to one turn must be, so that a program can check it."""

    turn: int
    """Which of the user's messages it answers, from 0."""
    kind: str
    """The change asked for, or ``translate``."""
    equals: str
    """The answer."""
    contains: tuple[str, ...] = ()
    """Texts that any right answer holds, also one that differs from ``equals``."""

    def met(self, answer: str) -> bool:
        """Return whether an answer does what was asked: it is the known one, or holds all that was required."""
        text = answer.strip()
        return text == self.equals or (bool(self.contains) and all(part in text for part in self.contains))


@dataclass(frozen=True)
class Talk:
    """A conversation and the targets of its turns."""

    messages: tuple[Message, ...]
    targets: tuple[Target, ...]


@dataclass(frozen=True)
class Draft:
    """A translation with one thing wrong, and what the user says about it."""

    text: str
    contains: tuple[str, ...]
    slots: dict[str, str] = field(default_factory=dict)


Glossary = dict[str, tuple[str, ...]]
"""Term of the source language -> its translation, then renderings that are not wanted."""


@cache
def phrases() -> dict[str, dict[str, Any]]:
    """Return the wordings of ``phrases.toml``."""
    return parse_toml(Path(__file__).parent / "phrases.toml", CorpusError)


def converse(
    pair: Pair, languages: Sequence[str], options: Options, draw: random.Random, glossary: Glossary | None = None
) -> Talk:
    """Return one conversation about a pair; the same ``draw`` gives the same conversation."""
    state = _Talk(pair.source.strip(), pair.target.strip(), (languages[0], languages[1]), options, draw)
    count = draw.randint(*options.changes)
    if draw.random() < options.at_once:
        words = _content_words(state.target, languages[1], draw)
        kinds = ("translate", "words") if words else ("translate",)
        request = state.ask(*kinds, source=state.source, words=", ".join(words))
        state.answer(request, kinds[-1], state.target, contains=tuple(words))
    elif count and draw.random() < options.drafts and state.mend(glossary or {}):
        count -= 1
    else:
        state.answer(state.ask("translate", source=state.source), "translate", state.target)
    for _ in range(count):
        state.change()
    return Talk(tuple(state.messages), tuple(state.targets))


class _Talk:
    """A conversation that grows: the text translated and its translation as they stand after each turn."""

    def __init__(
        self, source: str, target: str, languages: tuple[str, str], options: Options, draw: random.Random
    ) -> None:
        self.source, self.target, self.languages = source, target, languages
        self.options, self.draw = options, draw
        self.messages: list[Message] = []
        self.targets: list[Target] = []
        self.turned = False

    def ask(self, *kinds: str, **slots: str) -> str:
        """Return a request, with a line for each kind, in one language of instruction that is drawn anew."""
        tongue = self.draw.choice(self.options.instructions)
        code = self.languages[1]
        filled = {**slots, "language": phrases()["names"][tongue].get(code, code)}
        wordings = [self.draw.choice(phrases()[tongue][kind]) for kind in kinds]
        return "\n".join(_SLOT.sub(lambda slot: filled[slot[1]], wording) for wording in wordings)

    def answer(self, request: str, kind: str, text: str, *, contains: tuple[str, ...] = ()) -> None:
        """Add a turn whose answer is learned."""
        turn = sum(message.role == "user" for message in self.messages)
        self.messages += [Message(role="user", content=request), Message(role="assistant", content=text)]
        self.targets.append(Target(turn=turn, kind=kind, equals=text, contains=contains))

    def mend(self, glossary: Glossary) -> bool:
        """Start from a draft that the user has put right; return False where no draft can be made of this pair."""
        for kind in self.draw.sample(MENDING, len(MENDING)):
            draft = _term(self, glossary) if kind == "term" else _DRAFTS[kind](self)
            if draft is not None and _WORD.search(draft.text) and draft.text != self.target:
                request = self.ask("translate", source=self.source)
                self.messages += [
                    Message(role="user", content=request),
                    Message(role="assistant", content=draft.text, learn=False),
                ]
                slots = {"words": ", ".join(draft.contains), **draft.slots}
                self.answer(self.ask(kind, **slots), kind, self.target, contains=draft.contains)
                return True
        return False

    def change(self) -> None:
        """Add a change that needs no draft: shorten where that can be derived, turn round once; else do nothing."""
        shorter = _shorter(self.source, self.target)
        ways = [*([shorter[0]] if shorter else []), *([] if self.turned else ["reverse"])]
        if not ways:
            return
        kind = self.draw.choice(ways)
        if kind == "reverse":
            self.source, self.target, self.turned = self.target, self.source, True
            self.languages = (self.languages[1], self.languages[0])
        elif shorter:
            _, self.source, self.target = shorter
        self.answer(self.ask(kind), kind, self.target)


def _pieces(text: str, language: str) -> list[str]:
    """Return what may count as words: of unspaced scripts, pieces of two characters and names in Latin letters."""
    if language not in UNSPACED:
        return _WORD.findall(text)
    runs = [run[at : at + 2] for run in _RUN.findall(text) for at in range(0, len(run) - 1, 2)]
    return runs + _NAME.findall(text)


def _content_words(text: str, language: str, draw: random.Random) -> list[str]:
    """Return one to three words worth asking for, in the order of the text; none where there are none."""
    least = 2 if language in UNSPACED else 4
    words = sorted({word for word in _pieces(text, language) if len(word) >= least and text.count(word) == 1})
    chosen = draw.sample(words, min(len(words), draw.randint(1, 3)))
    return sorted(chosen, key=text.index)


def _without(text: str, parts: Sequence[str]) -> str:
    for part in parts:
        text = text.replace(part, "", 1)
    return re.sub(r" +(?=[.,;:!?]|$)", "", re.sub(r" {2,}", " ", text)).strip()


def _words(talk: _Talk) -> Draft | None:
    words = _content_words(talk.target, talk.languages[1], talk.draw)
    return Draft(_without(talk.target, words), tuple(words)) if words else None


def _name(talk: _Talk) -> Draft | None:
    """A name stands in both texts in the same letters; the draft has lost it."""
    shared = sorted(name for name in set(_NAME.findall(talk.source)) if len(name) > 2 and talk.target.count(name) == 1)
    if not shared:
        return None
    name = talk.draw.choice(shared)
    return Draft(_without(talk.target, [name]), (name,))


def _term(talk: _Talk, glossary: Glossary) -> Draft | None:
    """A term of the glossary stands in both texts; the draft has another rendering of it, or none."""
    fits = [term for term in glossary if term in talk.source and talk.target.count(glossary[term][0]) == 1]
    if not fits:
        return None
    term = talk.draw.choice(fits)
    wanted, *others = glossary[term]
    text = talk.target.replace(wanted, talk.draw.choice(others)) if others else _without(talk.target, [wanted])
    return Draft(text, (wanted,), {"term": term})


def _part(talk: _Talk) -> Draft | None:
    """Two neighbours have changed places; the user quotes them as they stand in the draft."""
    spaced = talk.languages[1] not in UNSPACED
    pattern = r"(?<!\w)(\w+) (\w+)(?!\w)" if spaced else r"([一-鿿]{2})([一-鿿]{2})"
    found = [match for match in re.finditer(pattern, talk.target) if match[1] != match[2]]
    found = [match for match in found if talk.target.count(match[0]) == 1]
    if not found:
        return None
    match = talk.draw.choice(found)
    swapped = f"{match[2]} {match[1]}" if spaced else match[2] + match[1]
    text = talk.target[: match.start()] + swapped + talk.target[match.end() :]
    return Draft(text, (match[0],), {"part": swapped})


_DRAFTS: dict[str, Callable[[_Talk], Draft | None]] = {"words": _words, "name": _name, "part": _part}


def _sentences(text: str) -> list[str]:
    found: list[str] = []
    for part in _SENTENCE.split(text):
        if found and _ABBREVIATION.search(found[-1]):
            found[-1] += f" {part}"
        else:
            found.append(part)
    return found


def _shorter(source: str, target: str) -> tuple[str, str, str] | None:
    """Return how a pair can be shortened on both sides alike, and its two shorter texts; None where it cannot."""
    sides = [_sentences(text) for text in (source, target)]
    if len(sides[0]) == len(sides[1]) > 1:
        return "sentence", sides[0][0].strip(), sides[1][0].strip()
    if len(_BRACKETS.findall(source)) == len(_BRACKETS.findall(target)) == 1:
        texts = [_BRACKETS.sub("", text).strip() for text in (source, target)]
        return ("brackets", texts[0], texts[1]) if all(texts) else None
    return None
