"""What a measure gives back, and what it raises where the outputs that it needs are not on this machine."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bayling_bench.data import store
from bayling_bench.data.catalogue import File
from bayling_bench.errors import DataError
from bayling_bench.statistics import Aggregate, Interval, Stratum, by_cluster, join, macro_interval, ratio, wilson

OUTPUTS = "outputs"
CELLS = "published cells"


@dataclass(frozen=True)
class Sample:
    """What a figure's interval and tests are drawn from."""

    strata: Sequence[NDArray[np.float64] | Stratum]
    """Statistics [units, k] of each; the figure is the average of their scores."""
    aggregate: Aggregate
    """Turns sums of statistics into scores."""
    units: Sequence[Hashable] = ()
    """Of a single stratum, the name of each unit: units of other figures with the same name are the same."""


@dataclass(frozen=True)
class Measured:
    """A figure as computed here, unrounded."""

    value: float
    items: int | None = None
    """Over how many items; None where the figure is made of other figures."""
    basis: str = OUTPUTS
    """``outputs``, or ``published cells`` where it is made of printed figures."""
    note: str = ""
    sample: Sample | None = None
    """What its interval is drawn from; None where items are not at hand, or are not independent."""
    bounds: Interval | None = None
    """Its interval where a formula gives it."""

    @property
    def interval(self) -> Interval | None:
        """Return the 95 % interval: as given, else by a seeded bootstrap of the sample; None without one."""
        if self.bounds is not None or self.sample is None:
            return self.bounds
        return macro_interval(self.sample.strata, self.sample.aggregate)


class NotInReach(Exception):
    """The outputs are not on this machine; ``command`` brings them."""

    def __init__(self, what: str, command: str) -> None:
        super().__init__(f"{what} not on this machine: {command}")
        self.what = what
        self.command = command


class NoValue(DataError):
    """A system has no such figure, and nothing would bring it: no answers were released, or none can be measured."""


def require(files: Iterable[File], command: str) -> None:
    """Raise NotInReach unless all files are here; a damaged one is for the reader to refuse."""
    absent = [file.path for file in files if not store.is_present(file)]
    if absent:
        more = f" and {len(absent) - 1} more" if len(absent) > 1 else ""
        raise NotInReach(absent[0] + more, command)


def percent(sums: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return first over second sum in per cent: the aggregate of shares and of score ratios."""
    return 100 * ratio(sums)


def share_of(parts: Sequence[Sequence[float]], units: Sequence[Hashable]) -> Measured:
    """Return the sum of first over the sum of second numbers of each item in per cent; items are resampled whole."""
    rows = np.asarray(parts, dtype=np.float64)
    sample = Sample([rows], percent, units)
    return Measured(float(percent(rows.sum(axis=0)[None])[0]), len(rows), sample=sample)


def share(hits: Sequence[bool | None], units: Sequence[Hashable], note: str = "") -> Measured:
    """Return the share of hits in per cent; None for an item of which it cannot be told, which does not count.

    ``units`` names what each item is drawn with: the interval is Wilson's where that is the item itself, else a
    bootstrap of units. NoValue where it can be told of no item.
    """
    told = [hit for hit in hits if hit is not None]
    if not told:
        raise NoValue(f"of none of {len(hits)} outputs can this be told")
    rows = by_cluster([[float(bool(hit)), float(hit is not None)] for hit in hits], units)
    bounds = None
    if len(rows) == len(hits):
        bounds = Interval(*(100 * bound for bound in wilson(sum(told), len(told))))
    sample = Sample([rows], percent, list(dict.fromkeys(units)))
    return Measured(100 * sum(told) / len(told), len(told), note=note, sample=sample, bounds=bounds)


def average_sample(samples: Sequence[Sample | None]) -> Sample | None:
    """Return what an average of figures is drawn from, items that figures share drawn together; None if unknown."""
    known = [sample for sample in samples if sample is not None and sample.units]
    if len(known) < len(samples):
        return None
    return Sample(join([rows_of(sample) for sample in known], [sample.units for sample in known]), known[0].aggregate)


def rows_of(sample: Sample) -> NDArray[np.float64]:
    """Return the statistics [units, k] of a figure that is no average."""
    (rows,) = sample.strata
    assert not isinstance(rows, Stratum)
    return rows
