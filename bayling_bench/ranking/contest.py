"""One contest: systems on one task, or on the average of several, all pairs tested on the items that they share."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import combinations

import numpy as np

from bayling_bench import statistics
from bayling_bench.audit.reach import Measured, Sample, average_sample
from bayling_bench.errors import BenchError

_FEWEST = 100
"""Resamples below which a 95 % interval has hardly an end."""


@dataclass(frozen=True, kw_only=True)
class Options:
    """How systems are told apart."""

    resamples: int = 1000
    """Of the bootstrap; randomization makes ten times as many trials, as in sacrebleu."""
    seed: int = 12345

    def __post_init__(self) -> None:
        if self.resamples < _FEWEST:
            raise BenchError(f"--resamples {self.resamples} tells nothing: at least {_FEWEST}.")
        if self.seed < 0:
            raise BenchError(f"--seed {self.seed} must not be negative.")


@dataclass(frozen=True)
class Standing:
    """One system in a contest; bounds are 95 %, None where they cannot be told."""

    system: str
    name: str
    value: float
    low: float | None
    high: float | None
    n: int
    best: int | None
    """The best rank that it can have: 1 + the number of systems that are significantly better."""
    worst: int | None
    """The worst: the number of systems less those that are significantly worse."""
    cluster: int | None
    """From 1; systems of one cluster are not told apart."""
    beside: Mapping[str, float | None] = field(default_factory=dict)
    """Other measures of the same outputs, by label."""


@dataclass(frozen=True)
class Pair:
    """Two systems of a contest, the first ranked above the second; numbers in the metric's unit."""

    first: str
    second: str
    difference: float
    """First minus second."""
    low: float | None
    high: float | None
    p_bootstrap: float | None
    """Sacrebleu's paired bootstrap, about half of a two-sided p."""
    p_randomization: float
    p_holm: float
    """Randomization's p, corrected over the contest's pairs."""
    detectable: float | None
    """The true difference that these items would show with 80 % power at 5 %, uncorrected."""


@dataclass(frozen=True)
class Absent:
    """A system that a contest leaves out."""

    system: str
    name: str
    why: str
    command: str = ""
    """Brings what is missing, where something can."""


@dataclass(frozen=True)
class Contest:
    """Standings from best to worst, and every pair."""

    ranking: str
    metric: str
    task: str
    """The task, or the title of an average."""
    average: bool
    decimals: int
    standings: tuple[Standing, ...]
    pairs: tuple[Pair, ...]
    absent: tuple[Absent, ...] = ()
    """Systems left out."""


Cells = Mapping[str, Measured]
"""What was measured of each system on one task."""


def compare(
    cells: Cells | Sequence[Cells], higher_is_better: bool, options: Options
) -> tuple[list[Standing], list[Pair]]:
    """Return the standings, best first, and the pairs of systems in the cells of one task, or averaged over several.

    Systems are named by their ids. A single system is ranked first; without items to draw, values stand alone.
    """
    tasks: Sequence[Cells] = [cells] if isinstance(cells, Mapping) else cells
    systems = list(tasks[0])
    values = {system: float(np.mean([task[system].value for task in tasks])) for system in systems}
    tested = _tested(tasks, systems, options)
    if tested is None:
        order = sorted(systems, key=lambda system: -values[system] if higher_is_better else values[system])
        return [_standing(each, tasks, values[each], None, None) for each in order], []
    p_holm = statistics.holm_pairs(tested.p_randomization)
    places = statistics.rank(tested.scores, p_holm, higher_is_better=higher_is_better)
    standings = []
    for place in places:
        name = systems[place.system]
        drawn = None if tested.intervals is None else statistics.Interval(*map(float, tested.intervals[place.system]))
        standings.append(_standing(name, tasks, values[name], drawn, place))
    order = [place.system for place in places]
    return standings, [_pair(tested, systems, p_holm, each) for each in combinations(order, 2)]


def _standing(
    system: str,
    tasks: Sequence[Cells],
    value: float,
    drawn: statistics.Interval | None,
    place: statistics.Place | None,
) -> Standing:
    """Return a standing; on a single task with the interval of the figure itself where a formula gives it."""
    own = tasks[0][system]
    interval = drawn
    if len(tasks) == 1 and (drawn is None or own.bounds is not None):
        interval = own.interval
    low, high = interval or (None, None)
    n = sum(task[system].items or 0 for task in tasks)
    ranks = (place.best, place.worst, place.cluster) if place is not None else (None, None, None)
    return Standing(system, system, value, low, high, n, *ranks)


def _tested(tasks: Sequence[Cells], systems: Sequence[str], options: Options) -> statistics.Pairs | None:
    samples = [_stacked([task[system].sample for system in systems]) for task in tasks]
    joined = average_sample(samples) if len(samples) > 1 else samples[0]
    if joined is None:
        return None
    return statistics.all_pairs(
        joined.strata, joined.aggregate, resamples=options.resamples, trials=10 * options.resamples, seed=options.seed
    )


def _stacked(samples: Sequence[Sample | None]) -> Sample | None:
    """Return one sample of [systems, units, k]; None unless every system has one, of the same units."""
    known = [sample for sample in samples if sample is not None and len(sample.strata) == 1]
    if len(known) < len(samples) or any(list(sample.units) != list(known[0].units) for sample in known):
        return None
    return Sample([np.stack([np.asarray(sample.strata[0]) for sample in known])], known[0].aggregate, known[0].units)


def _pair(tested: statistics.Pairs, systems: Sequence[str], p_holm: np.ndarray, pair: tuple[int, int]) -> Pair:
    def cell(matrix: np.ndarray | None) -> float | None:
        return None if matrix is None else float(matrix[pair])

    low, high = (None, None) if tested.difference_intervals is None else map(float, tested.difference_intervals[pair])
    error = cell(tested.standard_errors)
    return Pair(
        systems[pair[0]], systems[pair[1]], float(tested.differences[pair]), low, high, cell(tested.p_bootstrap),
        float(tested.p_randomization[pair]), float(p_holm[pair]),
        statistics.detectable_difference(error) if error is not None and error > 0 else None,
    )  # fmt: skip
