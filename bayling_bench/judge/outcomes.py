"""From judgements to one outcome a question: samples are averaged, and both orders must agree."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from bayling_bench.judge.judgements import Judgement
from bayling_bench.scoring.verdicts import verdict

_EXACT = 9  # decimals: averages of the same scores are equal, in whatever order they were added up


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What came of one question."""

    task: str
    item: int
    question_id: int
    category: str
    language: str
    turns: str
    scores: tuple[float, ...] | None
    """Of each system, averaged over samples and orders; None where the outcome is a failure."""
    verdict: str | None
    """``win``, ``tie`` or ``lose`` for the first system; None for a failure, or without an opponent."""
    failure: str | None
    """Kind of failure."""
    by_order: Mapping[int, tuple[float, ...]]
    """Scores of each system in each order that could be read, averaged over samples."""
    lengths: tuple[int, ...]

    @property
    def every_score(self) -> tuple[float, ...] | None:
        """Return the average over both orders, also where these disagree on who is better."""
        if self.scores is not None:
            return self.scores
        return _mean(list(self.by_order.values())) if self.failure == "order_disagreement" else None

    @property
    def win(self) -> float:
        """Return 1 for a win, 0.5 for a tie and 0 for a loss; only of a question with a verdict."""
        return {"win": 1.0, "tie": 0.5, "lose": 0.0}[str(self.verdict)]


def collect(judgements: Iterable[Judgement]) -> list[Outcome]:
    """Return one outcome a question, in the order of the judgements."""
    groups: dict[tuple[str, int], list[Judgement]] = defaultdict(list)
    for judgement in judgements:
        groups[judgement["task"], judgement["item"]].append(judgement)
    return [_outcome(group) for group in groups.values()]


def _outcome(group: Sequence[Judgement]) -> Outcome:
    first = group[0]
    orders: dict[int, list[Judgement]] = defaultdict(list)
    for judgement in group:
        orders[order_of(judgement)].append(judgement)
    by_order = {order: mean for order, given in sorted(orders.items()) if (mean := _mean_scores(given)) is not None}
    failure = None
    if len(by_order) < len(orders):
        unread = next(given for order, given in orders.items() if order not in by_order)
        failure = next(each["failure_kind"] for each in unread)
    elif len({verdict(*scores) for scores in by_order.values() if len(scores) == 2}) > 1:
        failure = "order_disagreement"
    scores = None if failure else _mean(list(by_order.values()))
    return Outcome(
        task=first["task"],
        item=first["item"],
        question_id=first["question_id"],
        category=first["category"],
        language=first["language"],
        turns=first["turns"],
        scores=scores,
        verdict=verdict(*scores) if scores and len(scores) == 2 else None,
        failure=failure,
        by_order=by_order,
        lengths=tuple(first["lengths"]),
    )


def order_of(judgement: Judgement) -> int:
    """Return 0 where the first system was shown first, 1 where it was shown last."""
    return int(judgement["order"][0] != judgement["system1"])


def _mean_scores(judgements: Sequence[Judgement]) -> tuple[float, ...] | None:
    """Return the average of those samples that could be read; None where none could."""
    return _mean([tuple(each["scores"]) for each in judgements if each["scores"] is not None])


def _mean(rows: Sequence[tuple[float, ...]]) -> tuple[float, ...] | None:
    if not rows:
        return None
    return tuple(round(sum(column) / len(rows), _EXACT) for column in zip(*rows, strict=True))
