"""One audit under way: computes figures by the board's rules, each once, and figures that are made of other figures."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from bayling_bench.audit.reach import CELLS, Measured, NotInReach
from bayling_bench.comet.metric import Use
from bayling_bench.errors import did_you_mean
from bayling_bench.leaderboard import Board, BoardError, Figure

SOURCES = ("outputs", "published", "either")


@dataclass(frozen=True)
class Cells:
    """Which cells of a board a figure is made of."""

    tasks: str
    """A regular expression that matches whole task names."""
    metric: str
    source: str = "outputs"
    """``outputs``: computed here; ``published``: as printed; ``either``: as printed where one cannot be computed."""
    arguments: Mapping[str, Any] = field(default_factory=dict)
    """Of the cells' own measure, instead of those that their rule gives."""


class Session:
    """An audit of one board; ``measures`` maps names to functions of (session, figure, **arguments)."""

    def __init__(
        self, board: Board, measures: Mapping[str, Callable[..., Measured | None]], comet: Use | None = None
    ) -> None:
        self.board = board
        self.comet = comet or Use()
        self.loaded: dict[str, Any] = {}
        """What measures loaded once for all figures, by name."""
        self._measures = measures
        self._found: dict[tuple[str, str, str, str], Measured | NotInReach | None] = {}

    def measure(self, figure: Figure) -> Measured | None:
        """Return the figure as its rule computes it, None where no program can; NotInReach without its outputs."""
        rule, arguments = self.board.rule_of(figure)
        if rule.measure is None:
            return None
        if figure.key not in self._found:
            try:
                self._found[figure.key] = self.call(figure, rule.measure, arguments)
            except NotInReach as error:
                self._found[figure.key] = error
        found = self._found[figure.key]
        if isinstance(found, NotInReach):
            raise found
        return found

    def computed(self, figure: Figure, measure: str, arguments: Mapping[str, Any]) -> Measured:
        """Return a measure as ``call`` does, where there must be one: NotInReach without what it is computed by."""
        found = self.call(figure, measure, arguments)
        if found is None:
            raise NotInReach(f"what {measure} is computed by", "bayling-bench fetch comet")
        return found

    def call(self, figure: Figure, measure: str, arguments: Mapping[str, Any]) -> Measured | None:
        """Return a measure of a figure, None where it cannot be computed on this machine.

        BoardError for a measure or an argument that does not exist.
        """
        function = self._measures.get(measure)
        if function is None:
            known = sorted(self._measures)
            raise BoardError(
                f"{self.board.name}: no measure is called {measure!r}.{did_you_mean(measure, known)} "
                f"Known: {', '.join(known)}."
            )
        try:
            inspect.signature(function).bind(self, figure, **arguments)
        except TypeError as error:
            raise BoardError(f"{self.board.name}: measure {measure!r} of {figure.line}: {error}.") from None
        return function(self, figure, **arguments)

    def outputs(self, system: str) -> str:
        """Return where a system's outputs lie, as the board says."""
        return self.board.outputs_of(system)

    def cells(self, chosen: Cells, system: str) -> list[Measured]:
        """Return a system's cells, all from outputs or all as printed; NotInReach as ``measure``."""
        if chosen.source not in SOURCES:
            raise BoardError(f"{self.board.name}: cells from {chosen.source!r}. Known: {', '.join(SOURCES)}.")
        figures = [
            figure
            for figure in self.board.figures
            if figure.system == system and figure.metric == chosen.metric and re.fullmatch(chosen.tasks, figure.task)
        ]
        if not figures:
            raise BoardError(f"{self.board.name}: {system} has no {chosen.metric} of a task like {chosen.tasks!r}.")
        if chosen.source == "published":
            return [Measured(figure.value, figure.items, CELLS) for figure in figures]
        try:
            return [self._cell(figure, chosen.arguments) for figure in figures]
        except NotInReach:
            if chosen.source == "outputs":
                raise
            return [Measured(figure.value, figure.items, CELLS) for figure in figures]

    def _cell(self, figure: Figure, overrides: Mapping[str, Any]) -> Measured:
        if not overrides:
            found = self.measure(figure)
            if found is None:
                raise BoardError(f"{figure.line}: this cell cannot be computed, so no other figure can be made of it.")
            return found
        rule, arguments = self.board.rule_of(figure)
        return self.computed(figure, str(rule.measure), {**arguments, **overrides})
