"""What may be said in more than one way: a rendering asks, and is told the preferred way, a random one, or each.

A renderer calls ``voice.pick(what, options)``. The same ``what`` is answered the same throughout a sentence, so that
two mentions of a concept use one word.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping, Sequence
from typing import TypeVar

Option = TypeVar("Option")
Chooser = Callable[[str, int], int]


class Voice:
    """The choices of one rendering."""

    def __init__(self, choose: Chooser) -> None:
        self._choose = choose
        self.made: dict[str, int] = {}
        """What was chosen, in the order of asking."""
        self.numbers: dict[str, int] = {}
        """How many options each question had."""

    def pick(self, what: str, options: Sequence[Option]) -> Option:
        """Return one of ``options``, the first of which is the preferred one."""
        if len(options) == 1:
            return options[0]
        if what not in self.made:
            self.numbers[what] = len(options)
            self.made[what] = self._choose(what, len(options))
        return options[self.made[what]]


def preferred(_what: str, _number: int) -> int:
    """Choose the preferred way."""
    return 0


def drawn(draw: random.Random, share: float = 0.5) -> Chooser:
    """Return a chooser that leaves the preferred way with probability ``share``."""

    def choose(_what: str, number: int) -> int:
        return draw.randrange(1, number) if draw.random() < share else 0

    return choose


def fixed(choices: Mapping[str, int], otherwise: Chooser = preferred) -> Chooser:
    """Return a chooser that is told some answers."""

    def choose(what: str, number: int) -> int:
        return min(choices[what], number - 1) if what in choices else otherwise(what, number)

    return choose
