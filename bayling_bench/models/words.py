"""Translation word by word, with a dictionary learnt from training conversations: what is reached without grammar.

The word for a word is the one that most often occurs where it does: the greatest Dice coefficient between words of
requests and words of their answers in a language, the longest of equals. Chinese is cut into the longest pieces that
mean more than their parts. Words keep the order of the source and the form in which they were seen most.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence, Set
from itertools import islice
from typing import Any

import numpy as np

from bayling_bench.models.conversations import Conversation

Pair = tuple[str, str]
"""A request and its answer."""

_MOST_PAIRS = 20_000
"""Of a target language: enough for every word of a small one."""
_RARE = 5
"""Added to the denominator: what was seen together once was not seen often enough to mean the same."""
_LONGEST = 4
"""Characters of a Chinese piece."""
_CHINESE = re.compile(r"[\u3400-\u9fff]+")
_PIECE = re.compile(r"[\u3400-\u9fff]+|[^\W\u3400-\u9fff]+(?:['’-]\w+)*|[^\w\s]")
_WORD = re.compile(r"\w")
_FREQUENT = {
    "en": "the a an is are was were will not his her my your our in at to has have does did do of",
    "de": "der die das den dem des ein eine einen einem einer ist sind war wird nicht im ins zu hat hast",
}
_MARKS = {language: frozenset(words.split()) for language, words in _FREQUENT.items()}
"""Frequent words that one of the two languages has alone."""
_CHINESE_SIGNS = str.maketrans(".,?!", "。，？！")
_LATIN_SIGNS = str.maketrans("。，？！", ".,?!")
_SPACE_BEFORE = re.compile(r"\s+([.,;:!?])")


class Words:
    """A dictionary into each language, learnt when it is first needed."""

    def __init__(self, conversations: Sequence[Conversation]) -> None:
        self._conversations = conversations
        self._known: dict[str, Dictionary] = {}

    def answer(self, messages: Sequence[Mapping[str, str]], doc: Mapping[str, Any]) -> str:
        """Return the translation of a document's source; its last answer after that, nothing where none is asked."""
        earlier = [message["content"] for message in messages if message["role"] == "assistant"]
        if earlier or "source" not in doc:
            return earlier[-1] if earlier else ""
        return self._into(doc["target_language"]).translate(doc["source"])

    def _into(self, target: str) -> Dictionary:
        if target not in self._known:
            found = islice(_pairs(self._conversations, target), _MOST_PAIRS)
            self._known[target] = Dictionary(list(found), joined="" if target == "zh" else " ")
        return self._known[target]


class Dictionary:
    """Words of one language and what stands for each in another."""

    def __init__(self, known: Sequence[Pair], joined: str) -> None:
        self._joined = joined
        self._best = _best(known)
        strength = {unit: dice for unit, (dice, _) in self._best.items() if _CHINESE.match(unit)}
        self._pieces = {
            unit
            for unit, dice in strength.items()
            if all(dice >= strength.get(part, 0.0) for part in _parts(unit) if part != unit)
        }

    def translate(self, text: str) -> str:
        """Return the words for the words of a text, in its order; a word that is not known stays as it is."""
        words = [self._best.get(unit.lower(), ("", unit))[1] for unit in self._cut(text)]
        joined = self._joined.join(words)
        told = (
            joined.translate(_CHINESE_SIGNS)
            if self._joined == ""
            else _SPACE_BEFORE.sub(r"\1", joined.translate(_LATIN_SIGNS))
        )
        return told[:1].upper() + told[1:]

    def _cut(self, text: str) -> Iterator[str]:
        for piece in _PIECE.findall(text):
            if not _CHINESE.match(piece):
                yield piece
                continue
            while piece:
                lengths = range(min(_LONGEST, len(piece)), 0, -1)
                length = next((each for each in lengths if piece[:each] in self._pieces), 1)
                yield piece[:length]
                piece = piece[length:]


def _pairs(conversations: Iterable[Conversation], target: str) -> Iterator[Pair]:
    """Yield first requests whose answer is in a language."""
    for messages in conversations:
        first = [message["content"] for message in messages[:2]]
        if len(first) == 2 and language_of(first[1]) == target:
            yield first[0], first[1]


def language_of(text: str) -> str | None:
    """Return whether a text is Chinese (zh), English (en) or German (de); None where its words do not tell."""
    if _CHINESE.search(text):
        return "zh"
    words = set(re.findall(r"[^\W\d_]+", text.lower()))
    found = {language: len(words & marks) for language, marks in _MARKS.items()}
    best = max(found, key=lambda language: found[language])
    return best if found[best] > min(found.values()) else None


def _best(known: Sequence[Pair]) -> dict[str, tuple[float, str]]:
    """Return for each unit of the requests its Dice coefficient with the best unit of the answers, and that unit."""
    asked, given = _Units(), _Units()
    together = []
    inside = {word for _, answer in known for word in _PIECE.findall(answer)[1:]}
    for request, answer in known:
        left = asked.ids(unit.lower() for unit in _units(request))
        right = given.ids(_units(_uncapitalized(answer, inside)))
        together.append((left[:, None] * (1 << 32) + right[None, :]).ravel())
    if not together:
        return {}
    codes, counts = np.unique(np.concatenate(together), return_counts=True)
    left, right = codes >> 32, codes & 0xFFFFFFFF
    dice = 2 * counts / (asked.counts[left] + given.counts[right] + _RARE)
    longer = given.lengths[right]
    order = np.lexsort((right, -longer, -dice.round(6), left))
    firsts = order[np.unique(left[order], return_index=True)[1]]
    units, words = asked.names, given.names
    return {units[left[place]]: (float(dice[place]), words[right[place]]) for place in firsts}


def _uncapitalized(text: str, inside: Set[str]) -> str:
    """Return a text whose first word has no capital, where such words do within texts."""
    first = _PIECE.match(text)
    word = first.group() if first else ""
    lower = word[:1].lower() + word[1:]
    return lower + text[len(word) :] if word not in inside and lower in inside else text


class _Units:
    """Numbers for units, in the order in which they are met, and how many texts have each."""

    def __init__(self) -> None:
        self._known: dict[str, int] = {}
        self._counts: list[int] = []

    def ids(self, units: Iterable[str]) -> np.ndarray:
        """Return the numbers of the distinct units of a text, and count them."""
        found = [self._known.setdefault(unit, len(self._known)) for unit in dict.fromkeys(units)]
        self._counts += [0] * (len(self._known) - len(self._counts))
        for number in found:
            self._counts[number] += 1
        return np.array(found, dtype=np.int64)

    @property
    def names(self) -> list[str]:
        """Return the units by number."""
        return list(self._known)

    @property
    def counts(self) -> np.ndarray:
        """Return the number of texts with each unit."""
        return np.array(self._counts)

    @property
    def lengths(self) -> np.ndarray:
        """Return the characters of each unit."""
        return np.array([len(name) for name in self._known])


def _units(text: str) -> Iterator[str]:
    """Yield words and all short pieces of Chinese."""
    for piece in filter(_WORD.match, _PIECE.findall(text)):
        yield from _parts(piece) if _CHINESE.match(piece) else (piece,)


def _parts(text: str) -> Iterator[str]:
    for length in range(1, _LONGEST + 1):
        for start in range(len(text) - length + 1):
            yield text[start : start + length]
