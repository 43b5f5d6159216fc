"""The verdict of a written review: two score lines, one for each assistant, and who won.

The GPT-4 reviews that BayLing released (arXiv 2306.10968) give the evidence first and end in ``Score of the Assistant
1: 8`` and ``Score of the Assistant 2: 7.5``; "the" is missing in 14 of the 1280. A line counts only where it starts as
a score line, so that a sentence of the evidence that speaks of scores does not; taking the last two lines instead fails
once. Scores that are absent, doubled or out of range leave the review unparsed, which is not a tie.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

LOWEST, HIGHEST = 1.0, 10.0
_LINE = re.compile(
    r"^[^\w\n]*Score of (?:the )?Assistant ([12])\W*:\s*\W*([0-9]+(?:\.[0-9]+)?)", re.IGNORECASE | re.MULTILINE
)


@dataclass(frozen=True)
class Scores:
    """The two scores of a review, and the evidence before them."""

    first: float
    second: float
    evidence: str

    @property
    def verdict(self) -> str:
        """Return ``win``, ``tie`` or ``lose`` for the first assistant."""
        return verdict(self.first, self.second)


@dataclass(frozen=True)
class Unparsed:
    """Why a review gives no scores."""

    reason: str


def verdict(first: float, second: float) -> str:
    """Return ``win``, ``tie`` or ``lose`` for the first of two scores."""
    return "win" if first > second else "lose" if first < second else "tie"


def parse_scores(review: str) -> Scores | Unparsed:
    """Return the scores that a review declares, or why it declares none."""
    lines = list(_LINE.finditer(review))
    named = [line.group(1) for line in lines]
    for assistant in "12":
        if named.count(assistant) != 1:
            count = "no score line" if assistant not in named else f"{named.count(assistant)} score lines"
            return Unparsed(f"{count} for Assistant {assistant}")
    scores = {line.group(1): float(line.group(2)) for line in lines}
    for assistant, score in scores.items():
        if score > HIGHEST:
            return Unparsed(f"score {score:g} of Assistant {assistant} is above {HIGHEST:g}")
    return Scores(scores["1"], scores["2"], review[: lines[0].start()].strip())
