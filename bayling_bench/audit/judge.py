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


def outcomes(opponent: str, turns: str, language: str, outcome: str) -> Measured:
    """Return how many questions of one file BayLing wins, ties or loses."""
    found = _read(opponent, turns, language)
    return Measured(sum(each["verdict"] == outcome for each in found), len(found))


def category_mean(opponent: str, turns: str, language: str, category: str, side: str) -> Measured:
    """Return the mean score of one category; ``side`` is the system, BayLing or the opponent."""
    place = [reviews.SYSTEM, reviews.OPPONENTS[opponent]].index(side)
    scores = [_scores(each)[place] for each in _read(opponent, turns, language) if each["category"] == category]
    if not scores:
        raise DataError(f"BayLing-80 has no category {category!r}")
    return Measured(sum(scores) / len(scores), len(scores))


def score_ratio(opponent: str, files: Sequence[str], pooled: bool = False) -> Measured:
    """Return the sum of BayLing's scores over the opponent's, in per cent: of all files pooled, or their mean."""
    found = [_read(opponent, *_file(name)) for name in files]
    if pooled:
        found = [[each for judged in found for each in judged]]
    ratios = [100 * sum(_scores(each)[0] for each in of) / sum(_scores(each)[1] for each in of) for of in found]
    # A question is asked in every file, so that it is drawn with all its scores: [questions, files * 2].
    files_of = [_read(opponent, *_file(name)) for name in files]
    rows = np.hstack([np.array([_scores(each) for each in of]) for of in files_of])
    sample = Sample([rows], _pooled_ratio if pooled else _mean_ratio)
    return Measured(sum(ratios) / len(ratios), sum(map(len, found)), sample=sample)


def _mean_ratio(sums: NDArray[np.float64]) -> NDArray[np.float64]:
    return 100 * (sums[..., 0::2] / sums[..., 1::2]).mean(axis=-1)


def _pooled_ratio(sums: NDArray[np.float64]) -> NDArray[np.float64]:
    return 100 * sums[..., 0::2].sum(axis=-1) / sums[..., 1::2].sum(axis=-1)


def outcome_share(opponent: str, files: Sequence[str], outcomes: Sequence[str]) -> Measured:
    """Return the share in per cent of questions, over all files, that end in one of ``outcomes``."""
    found = [each for name in files for each in _read(opponent, *_file(name))]
    return share([each["verdict"] in outcomes for each in found], [each["question_id"] for each in found])


def _file(name: str) -> tuple[str, str]:
    turns, _, language = name.partition(".")
    return turns, language


def _scores(judgement: Judgement) -> list[float]:
    assert judgement["scores"] is not None, "a file with a failed review is refused when read"
    return judgement["scores"]


def _read(opponent: str, turns: str, language: str) -> tuple[Judgement, ...]:
    files = [reviews.review_file(opponent, turns, language), bayling.questions_file(language)]
    require(files, "bayling-bench fetch reviews")
    return _checked(opponent, turns, language)


@lru_cache(maxsize=16)
def _checked(opponent: str, turns: str, language: str) -> tuple[Judgement, ...]:
    found = published(opponent, turns, language)
    for number, each in enumerate(found, 1):
        if each["failure"]:
            file = reviews.review_file(opponent, turns, language)
            raise DataError(f"{file.tail}, line {number}: {each['failure']}.")
    return tuple(found)
