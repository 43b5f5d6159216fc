"""The answer that training conversations give to the most similar request: what memory alone is worth.

Similarity is the cosine between sets of words and of neighbouring words, weighted by rarity (log of conversations over
those that have the word); a Chinese character is a word. The conversation up to the answer is compared as a whole, with
the beginnings of training conversations that are as many turns long.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any

import numpy as np

from bayling_bench.models.conversations import Conversation

_UNIT = re.compile(r"[\u3400-\u9fff]|[^\W\u3400-\u9fff]+|[^\w\s]")
_COMMON = 0.25
"""Share of conversations above which a feature tells nothing worth its time."""


class Nearest:
    """Training conversations, found by their features."""

    def __init__(self, conversations: Sequence[Conversation]) -> None:
        by_turn: dict[int, list[Sequence[Mapping[str, str]]]] = defaultdict(list)
        for messages in conversations:
            for place, message in enumerate(messages):
                if message["role"] == "assistant":
                    by_turn[_turn(messages[:place])].append(messages[: place + 1])
        self._turns = {turn: _Turn(beginnings) for turn, beginnings in by_turn.items()}

    def answer(self, messages: Sequence[Mapping[str, str]], _doc: Mapping[str, Any]) -> str:
        """Return the answer to the most similar beginning of a conversation, the first of several; "" without any."""
        found = self._turns.get(_turn(messages))
        return found.answer(messages) if found else ""


class _Turn:
    """The beginnings of conversations that are equally long, as an inverted index."""

    def __init__(self, beginnings: Sequence[Sequence[Mapping[str, str]]]) -> None:
        self._answers = [messages[-1]["content"] for messages in beginnings]
        places: dict[str, list[int]] = defaultdict(list)
        for place, messages in enumerate(beginnings):
            for feature in features(messages[:-1]):
                places[feature].append(place)
        most = max(1.0, _COMMON * len(beginnings))
        self._places = {feature: np.array(found) for feature, found in places.items() if len(found) <= most}
        self._weights = {feature: np.log(len(beginnings) / len(found)) for feature, found in self._places.items()}
        squares = np.zeros(len(beginnings))
        for feature, found in self._places.items():
            squares[found] += self._weights[feature] ** 2
        self._norms = np.sqrt(np.maximum(squares, 1e-9))

    def answer(self, messages: Sequence[Mapping[str, str]]) -> str:
        known = [feature for feature in features(messages) if feature in self._places]
        if not known:
            return self._answers[0]
        places = np.concatenate([self._places[feature] for feature in known])
        weights = np.repeat(
            [self._weights[feature] ** 2 for feature in known], [len(self._places[feature]) for feature in known]
        )
        common = np.bincount(places, weights, minlength=len(self._answers))
        return self._answers[int(np.argmax(common / self._norms))]


def features(messages: Sequence[Mapping[str, str]]) -> list[str]:
    """Return the distinct words and pairs of neighbouring words of a conversation, in the order of the text."""
    found: dict[str, None] = {}
    for message in messages:
        units = _UNIT.findall(message["content"].lower())
        found |= dict.fromkeys([*units, *(f"{one} {other}" for one, other in pairwise(units))])
    return list(found)


def _turn(messages: Sequence[Mapping[str, str]]) -> int:
    return sum(message["role"] == "assistant" for message in messages)
