"""The items that changed sides between two runs, with both outputs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from bayling_bench.scoring.kinds import KINDS

Item = Mapping[str, Any]


@dataclass(frozen=True)
class Flip:
    """One item, as both runs answered it."""

    task: str
    metric: str
    item: str
    score_a: float
    """The item's own score in the first run: 0 or 1 for accuracy, sentence BLEU for BLEU."""
    score_b: float
    """The same in the second run."""
    user: str
    """What was asked (the first turn)."""
    references: tuple[str, ...]
    outputs_a: tuple[str, ...]
    """One a turn."""
    outputs_b: tuple[str, ...]
    """One a turn."""


def shown_metrics(names: Sequence[str]) -> list[str]:
    """Return the metrics by which items are listed: right or wrong, and the task's first n-gram metric."""
    shares = [name for name in names if KINDS[name].form == "share" and not KINDS[name].flags and "@" not in name]
    return shares + [name for name in names if KINDS[name].form == "ngram"][:1]


def find(task: str, metric: str, pairs: Sequence[tuple[Item, Item]], limit: int) -> list[Flip]:
    """Return up to ``limit`` items that got worse in the second run, then as many that got better.

    The largest differences of item scores come first; equal ones (all of right and wrong) keep the order of items.
    """
    sign = 1 if KINDS[metric].higher_is_better else -1
    gains = [sign * (second["scores"][metric] - first["scores"][metric]) for first, second in pairs]
    worse = sorted((number for number, gain in enumerate(gains) if gain < 0), key=lambda number: gains[number])
    better = sorted((number for number, gain in enumerate(gains) if gain > 0), key=lambda number: -gains[number])
    return [_flip(task, metric, *pairs[number]) for number in worse[:limit] + better[:limit]]


def _flip(task: str, metric: str, first: Item, second: Item) -> Flip:
    return Flip(
        task=task,
        metric=metric,
        item=first["item"],
        score_a=first["scores"][metric],
        score_b=second["scores"][metric],
        user=first["turns"][0]["user"],
        references=tuple(first["references"]),
        outputs_a=tuple(turn["response"] for turn in first["turns"]),
        outputs_b=tuple(turn["response"] for turn in second["turns"]),
    )
