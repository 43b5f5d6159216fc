"""Contests as plain tables: one a ranking, a line a task or average, a column a system; and the pairs of a contest."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby

from bayling_bench.display.text import ABSENT, count, interval, number
from bayling_bench.leaderboard import Ranking
from bayling_bench.ranking.contest import Contest, Pair, Standing

_OUTPUTS = ("bayling-bench fetch all", "bayling-bench fetch published:")
"""Commands that bring outputs, the first all of them."""

_BESIDE_FROM = 1.0
"""Shares beside a value, in per cent, from which they are shown (references themselves reach 0.2)."""

LEGEND = (
    "Value, 95 % interval, and the ranks that a system can have: two systems are told apart where approximate "
    "randomization, corrected by Holm over the pairs of the line, gives p < 0.05."
)


@dataclass(frozen=True)
class Cell:
    """One value as shown."""

    value: str = ""
    interval: str = ""
    ranks: str = ""
    best: bool = False
    """Whether nobody is significantly better."""
    beside: tuple[str, ...] = ()


@dataclass(frozen=True)
class Grid:
    """One ranking: tasks down and systems across, or systems down where there is a single task."""

    title: str
    about: str
    """The metric, a note, and which systems are left out."""
    heading: tuple[str, ...]
    """Of the columns that hold cells."""
    lines: tuple[tuple[str, tuple[Cell, ...]], ...]
    """What the line is of, and its cells."""


def grids(contests: Sequence[Contest], rankings: Sequence[Ranking]) -> Iterator[Grid]:
    """Yield one table a ranking, systems in the order of its last line, tasks without any system left out."""
    notes = {ranking.title: ranking.note for ranking in rankings}
    for title, group in groupby(contests, key=lambda contest: contest.ranking):
        every = list(group)
        held = [contest for contest in every if contest.standings] or every[:1]
        names = {each.system: each.name for contest in reversed(held) for each in contest.standings}
        heading = tuple(f"{contest.task}, n\u00a0=\u00a0{_items(contest)}" for contest in held)
        lines = tuple(_cells(contest, list(names)) for contest in held)
        parts = ("" if held[0].metric in title else _sentence(held[0].metric), notes.get(title, ""), _left_out(every))
        about = " ".join(part for part in parts if part)
        if len(held) == 1:
            downwards = tuple((name, (cell,)) for name, cell in zip(names.values(), lines[0], strict=True))
            yield Grid(title, about, heading, downwards)
        else:
            yield Grid(title, about, tuple(names.values()), tuple(zip(heading, lines, strict=True)))


def _items(contest: Contest) -> str:
    """Return the number of items, or the range of it where systems have different ones."""
    numbers = {standing.n for standing in contest.standings} or {0}
    return "–".join(count(number) for number in sorted({min(numbers), max(numbers)}))


def _sentence(metric: str) -> str:
    return f"{metric[0].upper()}{metric[1:]}."


def _left_out(contests: Sequence[Contest]) -> str:
    """Return which systems have none of the contests, and what to do about it."""
    there = {standing.system for contest in contests for standing in contest.standings}
    found = {each.system: each for contest in contests for each in contest.absent if each.system not in there}
    outputs = [each for each in found.values() if each.command.startswith(_OUTPUTS)]
    others: dict[str, list[str]] = {}
    for each in found.values():
        if each not in outputs:
            others.setdefault(each.why + (f" ({each.command})" if each.command else ""), []).append(each.name)
    parts = [f"{', '.join(names)}: {why}" for why, names in others.items()]
    here = [f"Not on this machine: {', '.join(each.name for each in outputs)} ({_OUTPUTS[0]} brings them)."]
    return " ".join([*(here if outputs else []), *([f"Left out: {'; '.join(parts)}."] if parts else [])])


def pair_lines(contest: Contest) -> tuple[tuple[str, ...], list[tuple[str, ...]]]:
    """Return the heading and a line for every pair of a contest, better one first."""
    heading = ("pair", "difference", "95 %", "p bootstrap", "p randomization", "p Holm", "detects")
    names = {standing.system: standing.name for standing in contest.standings}
    return heading, [_pair(names, pair) for pair in contest.pairs]


def _pair(names: dict[str, str], pair: Pair) -> tuple[str, ...]:
    return (
        f"{names[pair.first]} − {names[pair.second]}",
        f"{pair.difference:+.2f}",
        interval(pair.low, pair.high) or ABSENT,
        *map(_p, (pair.p_bootstrap, pair.p_randomization, pair.p_holm)),
        number(pair.detectable),
    )


def _p(value: float | None) -> str:
    if value is None:
        return ABSENT
    return "<0.001" if value < 0.001 else f"{value:.3f}"


def _cells(contest: Contest, systems: Sequence[str]) -> tuple[Cell, ...]:
    by_system = {each.system: each for each in contest.standings}
    return tuple(_cell(contest, by_system.get(system)) for system in systems)


def _cell(contest: Contest, standing: Standing | None) -> Cell:
    if standing is None:
        return Cell()
    ranks = ""
    if standing.best is not None:
        ranks = str(standing.best) if standing.best == standing.worst else f"{standing.best}–{standing.worst}"
    beside = tuple(
        f"{share:.1f} % {label.removesuffix(', %')}"
        for label, share in standing.beside.items()
        if share is not None and share >= _BESIDE_FROM
    )
    value = f"{standing.value:.{contest.decimals}f}"
    best = standing.best == 1 and len(contest.standings) > 1
    return Cell(value, interval(standing.low, standing.high), ranks, best, beside)
