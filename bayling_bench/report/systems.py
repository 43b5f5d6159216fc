"""The rows of a leaderboard: runs, and the systems of a board, each with what is known of it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from bayling_bench.leaderboard import Board
from bayling_bench.report.outline import Reading

RUN, REPRODUCED, PUBLISHED = "run", "reproduced", "published"
_SIZE = re.compile(r"(?<![A-Za-z0-9.])(\d+(?:\.\d+)?) ?([BbMm])(?![A-Za-z0-9])")


@dataclass(frozen=True, kw_only=True)
class System:
    """One row."""

    key: str
    """``run 1``, or the board's id."""
    label: str
    kind: str
    """``run``; ``reproduced``: our scorers read its published outputs; ``published``: only its figures are known."""
    finished: bool = True
    size_b: float | None = None
    """Parameters in thousand millions, where they are known."""
    size_from: str = ""
    """``board``, or ``name``: read from the model's name."""
    cost: float | None = None
    """US dollars that the judging of its answers took, where a price was known."""
    date: str = ""
    origin: str = ""
    """``published:SYSTEM`` or ``wmt22:NAME``; of a run its model and the folder's name."""
    notes: Sequence[str] = ()


def run_key(place: int) -> str:
    """Return the key of the run at a place, from 0; the same as in rankings."""
    return f"run {place + 1}"


def of_runs(readings: Sequence[Reading], judgings: Mapping[str, Sequence[Mapping[str, Any]]]) -> list[System]:
    """Return a row a run, in their order; ``judgings`` are those of each, by its key."""
    return [
        System(
            key=run_key(place),
            label=reading.label,
            kind=RUN,
            finished=reading.finished,
            size_b=size_in(str(reading.settings["model"]["name"])),
            size_from="name",
            cost=_cost(judgings.get(run_key(place), ())),
            date=reading.settings["created"][:10],
            origin=f"{reading.settings['model']['spec']} in {reading.folder}",
            notes=tuple(reading.notes),
        )
        for place, reading in enumerate(readings)
    ]


def _cost(judgings: Sequence[Mapping[str, Any]]) -> float | None:
    """Return what judging a run took in US dollars; None where nobody judged it or a price is unknown."""
    known = [judging["usage"]["usd"] for judging in judgings]
    return float(sum(known)) if known and None not in known else None


def of_board(board: Board, measured: Iterable[str]) -> list[System]:
    """Return a row for each system of a board that has a name or figures there; ``measured`` are those in reach."""
    within = set(measured)
    named = dict.fromkeys([*board.systems, *(figure.system for figure in board.figures), *within])
    return [_of_board(board, key, key in within) for key in named if " vs " not in key and " relative to " not in key]


def _of_board(board: Board, key: str, measured: bool) -> System:
    entry: Mapping[str, Any] = board.systems.get(key, {})
    stated = entry.get("size_b")
    return System(
        key=key,
        label=board.name_of(key),
        kind=REPRODUCED if measured else PUBLISHED,
        size_b=float(stated) if stated is not None else size_in(board.name_of(key)),
        size_from="board" if stated is not None else "name",
        origin=str(entry.get("outputs", "")),
    )


def size_in(name: str) -> float | None:
    """Return the parameters, in thousand millions, that a name states: 13 for ``bayling-13b``, 0.135 for ``135M``."""
    found = _SIZE.findall(re.sub(r"[-_/]", " ", name))
    if not found:
        return None
    number, unit = found[-1]
    return float(number) * (1 if unit in "Bb" else 0.001)
