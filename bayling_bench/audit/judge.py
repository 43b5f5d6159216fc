"""The measures of the figures that were made from the released GPT-4 reviews.

A review that cannot be parsed, or whose text gives other scores than those stored beside it, has a ``failure`` and no
scores: measures refuse a file that holds one.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from bayling_bench.audit.reach import Measured, Sample, require, share
from bayling_bench.data import bayling, reviews
from bayling_bench.errors import DataError
from bayling_bench.judge.judgements import Judgement, published
from bayling_bench.statistics import ratio


def outcomes(opponent: str, file: str, outcome: str) -> Measured:
    """Return how many questions of one file BayLing wins, ties or loses."""
    found = reviews_of(opponent, file)
    return Measured(sum(each["verdict"] == outcome for each in found), len(found))


def category_mean(opponent: str, file: str, category: str, side: str) -> Measured:
    """Return the mean score of one category; ``side`` is the system, BayLing or the opponent."""
    place = _place(opponent, side)
    scores = [_scores(each)[place] for each in reviews_of(opponent, file) if each["category"] == category]
    if not scores:
        raise DataError(f"BayLing-80 has no category {category!r}")
    return Measured(sum(scores) / len(scores), len(scores))


def _place(opponent: str, side: str) -> int:
    """Return whether a system is the first or the second of the reviews against an opponent."""
    if opponent not in reviews.OPPONENTS:
        raise DataError(f"no reviews are against {opponent!r}; there are {', '.join(reviews.OPPONENTS)}")
    sides = (reviews.SYSTEM, reviews.OPPONENTS[opponent])
    if side not in sides:
        raise DataError(f"the reviews against {opponent} are of {' and '.join(sides)}, not of {side}")
    return sides.index(side)


def mean_score(opponent: str, files: Sequence[str], side: str) -> Measured:
    """Return the mean score over all files; ``side`` is the system, BayLing or the opponent.

    A question is asked in every file, so it is drawn with all its scores.
    """
    place = _place(opponent, side)
    found = [reviews_of(opponent, name) for name in files]
    scores = np.array([[_scores(each)[place] for each in of] for of in found])
    rows = np.column_stack([scores.sum(axis=0), np.full(scores.shape[1], float(len(files)))])
    sample = Sample([rows], ratio, [each["question_id"] for each in found[0]])
    return Measured(float(scores.mean()), scores.size, sample=sample)


def score_ratio(opponent: str, files: Sequence[str], pooled: bool = False) -> Measured:
    """Return the sum of BayLing's scores over the opponent's, in per cent: of all files pooled, or their mean."""
    # A question is asked in every file, so that it is drawn with all its scores: [questions, files * 2].
    rows = np.hstack([np.array([_scores(each) for each in reviews_of(opponent, name)]) for name in files])
    aggregate = _pooled_ratio if pooled else _mean_ratio
    return Measured(float(aggregate(rows.sum(axis=0))), rows.size // 2, sample=Sample([rows], aggregate))


def _mean_ratio(sums: NDArray[np.float64]) -> NDArray[np.float64]:
    return 100 * (sums[..., 0::2] / sums[..., 1::2]).mean(axis=-1)


def _pooled_ratio(sums: NDArray[np.float64]) -> NDArray[np.float64]:
    return 100 * sums[..., 0::2].sum(axis=-1) / sums[..., 1::2].sum(axis=-1)


def outcome_share(opponent: str, files: Sequence[str], outcomes: Sequence[str]) -> Measured:
    """Return the share in per cent of questions, over all files, that end in one of ``outcomes``."""
    found = [each for name in files for each in reviews_of(opponent, name)]
    return share([each["verdict"] in outcomes for each in found], [each["question_id"] for each in found])


def reviews_of(opponent: str, file: str) -> tuple[Judgement, ...]:
    """Return the judgements of one released file (``multiturn.en``); NotInReach where it is not on this machine."""
    turns, _, language = file.partition(".")
    files = [reviews.review_file(opponent, turns, language), bayling.questions_file(language)]
    require(files, "bayling-bench fetch reviews")
    return _checked(opponent, turns, language)


def _scores(judgement: Judgement) -> list[float]:
    assert judgement["scores"] is not None, "a file with a failed review is refused when read"
    return judgement["scores"]


@lru_cache(maxsize=16)
def _checked(opponent: str, turns: str, language: str) -> tuple[Judgement, ...]:
    found = published(opponent, turns, language)
    for number, each in enumerate(found, 1):
        if each["failure"]:
            file = reviews.review_file(opponent, turns, language)
            raise DataError(f"{file.tail}, line {number}: {each['failure']}.")
    return tuple(found)
