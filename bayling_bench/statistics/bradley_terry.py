"""Bradley-Terry strengths of pairwise judgements: i beats j with probability s_i / (s_i + s_j).

Bradley and Terry (1952), fitted by the MM algorithm of Hunter (2004), Annals of Statistics 32:384; a tie is half a win
for each side. Strengths are relative: their geometric mean is 1. They exist only if no group of systems is without any
win or tie against the others (Ford, 1957).
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from bayling_bench.errors import BenchError
from bayling_bench.statistics.bootstrap import Interval, bootstrap_scores, by_cluster, percentile_interval

Floats = NDArray[np.float64]

_CLOSE = 1e-9
_ITERATIONS = 20_000


@dataclass(frozen=True)
class Strengths:
    """Strengths in the order of the names, geometric mean 1."""

    names: tuple[str, ...]
    values: tuple[float, ...]
    intervals: tuple[Interval, ...] | None
    """95 %; None for fewer than two questions, or if most resamples have no strengths."""
    left_out: int
    """Resamples without strengths (a system won or lost all of its comparisons), which the intervals leave out."""


def strengths(
    judgements: Sequence[tuple[str, str, float]],
    questions: Sequence[Hashable],
    *,
    resamples: int = 1000,
    seed: int = 12345,
) -> Strengths:
    """Return strengths with percentile intervals, questions resampled with all their judgements.

    A judgement is (first, second, outcome): 1 if the first is better, 0 if the second, 0.5 for a tie. Raises BenchError
    if there are none, or if strengths do not exist, naming the systems that are to blame.
    """
    if not judgements:
        raise BenchError("There are no pairwise judgements to rank by.")
    names = tuple(dict.fromkeys(name for first, second, _ in judgements for name in (first, second)))
    rows = by_cluster(_wins(judgements, names), questions)
    shape = (-1, len(names), len(names))
    wins = rows.sum(axis=0).reshape(shape)[0]
    values = bradley_terry(wins, names)
    if len(rows) < 2:
        return Strengths(names, tuple(values.tolist()), None, 0)
    # Adding nothing up but the wins, each cell of the matrix is a "system" whose score is its sum.
    resampled = bootstrap_scores(rows.T[:, :, None], lambda sums: sums[:, 0], resamples=resamples, seed=seed)
    resampled = resampled.T.reshape(shape)
    connected = _reaches(resampled).all(axis=(1, 2))
    intervals = None
    if connected.sum() > resamples / 2:
        fitted = _fit(resampled[connected])
        intervals = tuple(map(percentile_interval, fitted.T))
    return Strengths(names, tuple(values.tolist()), intervals, int(resamples - connected.sum()))


def bradley_terry(wins: ArrayLike, names: Sequence[str]) -> Floats:
    """Return strengths [systems] of a matrix of wins [systems, systems] of row over column, ties as halves.

    Raises BenchError where strengths do not exist.
    """
    table = np.asarray(wins, dtype=np.float64)
    reached = _reaches(table)
    if not reached.all():
        # The system that reaches fewest: what it reaches never won against the rest.
        row = reached[np.argmin(reached.sum(axis=1))]
        inside = ", ".join(name for name, within in zip(names, row, strict=True) if within)
        outside = ", ".join(name for name, within in zip(names, row, strict=True) if not within)
        raise BenchError(
            f"Bradley-Terry strengths do not exist: {inside} neither won nor tied against {outside}. "
            "Judge more questions, or leave such systems out."
        )
    return _fit(table)


def _wins(judgements: Sequence[tuple[str, str, float]], names: Sequence[str]) -> Floats:
    """Return one flattened matrix of wins a judgement."""
    index = {name: number for number, name in enumerate(names)}
    rows = np.zeros((len(judgements), len(names), len(names)))
    for row, (first, second, outcome) in zip(rows, judgements, strict=True):
        if first == second or not 0 <= outcome <= 1:
            raise BenchError(f"A judgement of {first} against {second} with outcome {outcome} cannot be counted.")
        row[index[first], index[second]] += outcome
        row[index[second], index[first]] += 1 - outcome
    return rows.reshape(len(judgements), -1)


def _reaches(wins: Floats) -> NDArray[np.bool_]:
    """Return whether a chain of wins leads from row to column, [..., systems, systems]."""
    systems = wins.shape[-1]
    reached = (wins > 0) | np.eye(systems, dtype=bool)
    for _ in range(systems.bit_length()):
        reached = (reached.astype(np.float32) @ reached.astype(np.float32)) > 0
    return reached


def _fit(wins: Floats) -> Floats:
    """Return strengths [..., systems] by MM from equal ones; each step raises the likelihood."""
    games = wins + np.swapaxes(wins, -1, -2)
    won = wins.sum(axis=-1)
    values = np.ones(wins.shape[:-1])
    for _ in range(_ITERATIONS):
        faced = (games / (values[..., :, None] + values[..., None, :])).sum(axis=-1)
        # A lone system faces nobody and keeps its strength.
        new = np.where(faced > 0, won / np.where(faced > 0, faced, 1), 1.0)
        new /= np.exp(np.log(new).mean(axis=-1, keepdims=True))
        close = np.abs(np.log(new / values)).max() < _CLOSE
        values = new
        if close:
            break
    return values
