"""A tree said in a language: the preferred way, another right way, or every right way up to a number."""

from __future__ import annotations

import heapq
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from reference_model.miniature import chinese, english, german
from reference_model.miniature.choice import Chooser, Voice, fixed, preferred
from reference_model.miniature.tree import Sentence
from reference_model.miniature.words import Word, spaced, unspaced

SENTENCES = {"en": english.sentence, "de": german.sentence, "zh": chinese.sentence}


@dataclass(frozen=True)
class Rendering:
    """A sentence as text."""

    text: str
    words: tuple[Word, ...]
    choices: dict[str, int]
    """What was chosen, by what was asked: 0 is the preferred way."""
    numbers: dict[str, int]
    """Between how many."""

    @property
    def departures(self) -> int:
        """Return how many choices are not the preferred ones."""
        return sum(choice > 0 for choice in self.choices.values())


def render(tree: Sentence, language: str, choose: Chooser = preferred) -> Rendering:
    """Return a tree as a sentence of a language."""
    voice = Voice(choose)
    words, end = SENTENCES[language](tree, voice)
    join = unspaced if language == "zh" else spaced
    return Rendering(join(words, end), tuple(words), voice.made, voice.numbers)


def renderings(tree: Sentence, language: str, given: Mapping[str, int] | None = None) -> Iterator[Rendering]:
    """Yield every right way to say a tree, each text once, those with the fewest departures first.

    ``given`` fixes some choices. There may be thousands: take as many as are needed.
    """
    fixed_ones = dict(given or {})
    first = render(tree, language, fixed(fixed_ones))
    waiting: list[tuple[int, int, Rendering, int]] = [(0, 0, first, 0)]
    seen, made = set(), 0
    while waiting:
        cost, _, found, start = heapq.heappop(waiting)
        if found.text not in seen:
            seen.add(found.text)
            yield found
        asked = list(found.choices)
        for at in range(start, len(asked)):
            what = asked[at]
            if what in fixed_ones:
                continue
            for option in range(1, found.numbers[what]):
                chosen = {**fixed_ones, **dict(list(found.choices.items())[:at]), what: option}
                made += 1
                heapq.heappush(waiting, (cost + 1, made, render(tree, language, fixed(chosen)), at + 1))


def references(tree: Sentence, language: str, most: int, given: Mapping[str, int] | None = None) -> list[str]:
    """Return up to ``most`` right ways to say a tree, the preferred one first."""
    found = renderings(tree, language, given)
    return [rendering.text for rendering, _ in zip(found, range(most), strict=False)]
