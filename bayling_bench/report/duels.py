"""Runs ranked among each other without a board: the same tests, drawn from what their records keep of each item."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from typing import Any

import numpy as np

from bayling_bench.audit.reach import Measured, Sample
from bayling_bench.ranking.contest import Contest, Options, compare
from bayling_bench.report.cells import Cells
from bayling_bench.report.outline import Reading
from bayling_bench.report.places import Place
from bayling_bench.report.systems import run_key
from bayling_bench.scoring import translation
from bayling_bench.scoring.kinds import KINDS, in_order
from bayling_bench.statistics import Sums, by_cluster, ratio

MOST = 8
"""Runs up to which every pair is tested: 28 pairs a column. More are told apart two by two, by `compare`."""


def contests(readings: Sequence[Reading], cells: Cells, metrics: Mapping[str, Sequence[str]]) -> list[Contest]:
    """Return a contest for each column, of these metrics of each suite, that finished runs answered in full.

    A contest's ``task`` and ``metric`` are those of the column; its ``ranking`` is the state of the data.
    """
    finished = {run_key(place): reading for place, reading in enumerate(readings) if reading.finished}
    if not 1 < len(finished) <= MOST:
        return []
    columns: dict[Place, list[str]] = {}
    for (system, place), cell in cells.items():
        if system in finished and not cell.unscored and place.metric in metrics.get(place.suite, ()):
            columns.setdefault(place, []).append(system)
    return list(_held(columns, finished))


def _held(columns: Mapping[Place, Sequence[str]], readings: Mapping[str, Reading]) -> Iterator[Contest]:
    for place, systems in columns.items():
        if len(systems) < 2 or not in_order([place.metric]):
            continue
        found = {system: _measured(readings[system], place) for system in systems}
        known = {system: measured for system, measured in found.items() if measured is not None}
        if len(known) > 1:
            standings, pairs = compare(known, KINDS[place.metric].higher_is_better, Options())
            yield Contest(place.state, place.metric, place.task, False, 2, tuple(standings), tuple(pairs))


def _measured(reading: Reading, place: Place) -> Measured | None:
    """Return a run's number with what tests are drawn from; None where its items do not hold that."""
    name = "acc" if place.metric == "acc_mc" else place.metric
    kind = KINDS[name]
    rows, units = [], []
    for item in reading.items(place.task):
        row = _row(name, kind.form, item)
        if row is None:
            return None
        rows.append(row)
        units.append(item["doc"].get("passage") or item["index"])
    if not rows:
        return None
    scale = 100.0 if kind.unit == "percent" or kind.raw else 1.0
    aggregate = partial(translation.corpus_scores, name) if kind.form == "ngram" else partial(_mean, scale)
    table = by_cluster(rows, units)
    value = float(aggregate(table.sum(axis=0)[None])[0])
    return Measured(value, len(rows), sample=Sample([table], aggregate, list(dict.fromkeys(units))))


def _row(name: str, form: str, item: Mapping[str, Any]) -> list[float] | None:
    kept = item.get("statistics", {}).get(name)
    if isinstance(kept, list):
        return [float(each) for each in kept]
    score = item["scores"].get(name)
    plain = form not in ("ngram", "ratio") and isinstance(score, int | float)
    return [float(score), 1.0] if plain else None


def _mean(scale: float, sums: Sums) -> np.ndarray:
    return scale * ratio(sums)
