"""What a board is made of: figures, the rules that compute them, and explanations where they cannot come out."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from bayling_bench.errors import BenchError, did_you_mean

COLUMNS = ("group", "task", "system", "metric", "value", "items", "source")
FIELDS = ("group", "task", "system", "metric")
"""The fields by which a figure is named, and by which rules and explanations choose figures."""


class BoardError(BenchError):
    """A board folder with a mistake in it; the message names the file and what to write instead."""


@dataclass(frozen=True)
class Figure:
    """One published number."""

    group: str
    task: str
    system: str
    metric: str
    value: float
    items: int | None
    """Over how many items, where that is published."""
    source: str
    line: str = ""
    """File and line of the board that hold it."""

    @property
    def key(self) -> tuple[str, str, str, str]:
        """Return group, task, system and metric, which together name a figure."""
        return self.group, self.task, self.system, self.metric


@dataclass(frozen=True)
class Selector:
    """Regular expressions for some fields of a figure; each must match the whole field."""

    patterns: Mapping[str, re.Pattern[str]]

    def match(self, figure: Figure) -> dict[str, str] | None:
        """Return what the named groups caught, or None where the figure is not chosen."""
        caught: dict[str, str] = {}
        for name, pattern in self.patterns.items():
            found = pattern.fullmatch(getattr(figure, name))
            if found is None:
                return None
            caught.update({key: value for key, value in found.groupdict().items() if value is not None})
        return caught


@dataclass(frozen=True)
class Rule:
    """How the chosen figures are computed; ``measure`` is None where no program can."""

    selector: Selector
    measure: str | None
    arguments: Mapping[str, Any]
    decimals: int
    """Decimals that the figures were printed with."""
    also: Sequence[Mapping[str, Any]]
    """What the same figure is under other fair rules: each a label, arguments, and a measure where it is another."""


@dataclass(frozen=True)
class Explanation:
    """Why chosen figures cannot come out as printed: a fact with evidence, and a check that must hold."""

    name: str
    kind: str
    selector: Selector
    reason: str
    evidence: str
    check: Mapping[str, Any]


@dataclass(frozen=True)
class Board:
    """A board as its folder describes it."""

    name: str
    folder: Path
    title: str
    summary: str
    sources: Mapping[str, str]
    """Where figures come from: a short name and an address or reference."""
    systems: Mapping[str, Mapping[str, Any]]
    """By id: ``name`` for tables, ``outputs``, where its outputs lie (``published:…``, ``wmt22:…``, ``run:…``), and
    ``size_b``, its parameters in thousand millions."""
    figures: Sequence[Figure]
    rules: Sequence[Rule]
    explanations: Sequence[Explanation]
    tables: Sequence[Mapping[str, Any]]
    outputs: str = ""
    """Where the outputs of systems lie that ``systems`` does not name, with ``{system}`` for the id."""
    rankings: Sequence[Any] = ()
    """What systems are ranked by, as ``leaderboard.ranking.Ranking``."""
    beside: Sequence[str] = ()
    """Systems without published figures here, computed by the same rules and shown in the same tables."""
    index: Mapping[tuple[str, str, str, str], Figure] = field(default_factory=dict, repr=False)

    def rule_of(self, figure: Figure) -> tuple[Rule, dict[str, Any]]:
        """Return the first rule that chooses the figure, and its arguments with what its patterns caught.

        BoardError when no rule does.
        """
        for rule in self.rules:
            caught = rule.selector.match(figure)
            if caught is not None:
                return rule, {**rule.arguments, **caught}
        named = ", ".join(f'{name} = "{getattr(figure, name)}"' for name in FIELDS)
        raise BoardError(
            f"{figure.line}: no rule of {self.folder / 'board.toml'} chooses this figure ({named}). Add one; without "
            "`measure` where no program can compute it."
        )

    def explanations_of(self, figure: Figure) -> Iterator[tuple[Explanation, dict[str, str]]]:
        """Yield the explanations that cover the figure, with what their patterns caught."""
        for explanation in self.explanations:
            caught = explanation.selector.match(figure)
            if caught is not None:
                yield explanation, caught

    def outputs_of(self, system: str) -> str:
        """Return where a system's outputs lie, a run by its whole path; BoardError where the board does not say."""
        where = f"{self.folder / 'board.toml'}: outputs"
        found = self.systems.get(system, {}).get("outputs") or filled(self.outputs, {"system": system}, where)
        if not found:
            raise BoardError(
                f"{self.folder / 'board.toml'}: [systems.{system!r}] needs `outputs` before its figures can be "
                "computed: published:SYSTEM, wmt22:NAME or run:FOLDER."
            )
        origin, _, place = found.partition(":")
        return f"run:{self.folder / place}" if origin == "run" else found

    def name_of(self, system: str) -> str:
        """Return a system's name for tables."""
        return self.systems.get(system, {}).get("name", system)


def filled(value: Any, caught: Mapping[str, str], where: str) -> Any:
    """Return a value with ``{placeholders}`` filled, in lists too; BoardError for one that nothing fills."""
    if isinstance(value, list):
        return [filled(each, caught, where) for each in value]
    if not isinstance(value, str):
        return value
    try:
        return value.format(**caught)
    except (KeyError, IndexError, ValueError):
        known = ", ".join(f"{{{name}}}" for name in caught) or "nothing"
        raise BoardError(f"{where}: {value!r} cannot be filled; there is {known} to put in.") from None


def known_keys(where: str, entry: object, known: set[str], required: set[str]) -> None:
    """Raise BoardError unless ``entry`` is a table with these keys."""
    if not isinstance(entry, Mapping):
        raise BoardError(f"{where}: {entry!r} must be a table of {', '.join(sorted(known))}.")
    for key in entry:
        if key not in known:
            raise BoardError(f"{where}: unknown key {key!r}.{did_you_mean(key, known)}")
    if missing := required - set(entry):
        raise BoardError(f"{where} lacks {', '.join(sorted(missing))}.")
