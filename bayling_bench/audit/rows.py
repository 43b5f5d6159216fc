"""A board's figures, one row each: published, computed again, difference and verdict.

- ``equal``: computed here, it is the published figure at the printed precision.
- ``explained``: it is not, or cannot be computed, and a stated reason holds; or its outputs are not on this machine.
- ``differs``: anything else, an explanation whose check fails included.
"""

from __future__ import annotations

import contextlib
import math
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace

from bayling_bench.audit.explain import Case, findings, same_as_printed
from bayling_bench.audit.measures import MEASURES
from bayling_bench.audit.reach import Measured, NotInReach, NoValue
from bayling_bench.audit.session import Session
from bayling_bench.comet.metric import Use
from bayling_bench.leaderboard import Board, Figure, Rule
from bayling_bench.statistics import Interval

EQUAL, EXPLAINED, DIFFERS = "equal", "explained", "differs"
VERDICTS: tuple[str, ...] = (EQUAL, EXPLAINED, DIFFERS)
NOT_IN_REACH = "outputs not in reach"


@dataclass(frozen=True)
class Row:
    """One figure under audit; ``reproduced`` and ``difference`` are unrounded."""

    figure: Figure
    decimals: int
    verdict: str
    reproduced: float | None = None
    interval: Interval | None = None
    """95 % bounds of ``reproduced`` over items."""
    basis: str = ""
    """What ``reproduced`` is made of: outputs, or published cells."""
    kind: str = ""
    """The kind of reason, where the verdict is not ``equal``."""
    reason: str = ""
    evidence: str = ""
    found: str = ""
    """What the checks of the explanation found, or a note of the measure."""
    command: str = ""
    """Brings the outputs that are not on this machine."""
    others: dict[str, Measured] = field(default_factory=dict)
    """The same figure under other fair rules, by label; those that cannot be computed here are left out."""

    @property
    def difference(self) -> float | None:
        """Return reproduced less published, or None."""
        return None if self.reproduced is None else self.reproduced - self.figure.value


def audit(board: Board, comet: Use | None = None) -> list[Row]:
    """Return one row for each figure of the board, in its order; BoardError or DataError where an input is wrong."""
    session = Session(board, MEASURES, comet)
    return [_row(session, figure) for figure in board.figures]


def beside(board: Board) -> dict[Figure, Measured]:
    """Return what the board's rules give for systems without published figures, as far as their outputs are here.

    Their figures have no value (nan): there is nothing to compare, so they have no verdict either.
    """
    session = Session(board, MEASURES)
    groups = {(figure.task, figure.metric): figure.group for figure in board.figures}
    found = {}
    for task, metric in dict.fromkeys(
        (t, m) for table in board.tables for t in table["tasks"] for m in table["metrics"]
    ):
        for system in board.beside:
            figure = Figure(groups[task, metric], task, system, metric, math.nan, None, "not published", "beside")
            with contextlib.suppress(NotInReach, NoValue):
                measured = session.measure(figure)
                if measured is not None:
                    found[figure] = measured
    return found


def counts(rows: Iterable[Row]) -> Counter[str]:
    """Return how many rows have each verdict."""
    return Counter(row.verdict for row in rows)


def passed(rows: Sequence[Row]) -> bool:
    """Return whether no figure merely differs."""
    return counts(rows)[DIFFERS] == 0


def _row(session: Session, figure: Figure) -> Row:
    rule, _ = session.board.rule_of(figure)
    others = _others(session, figure, rule)
    try:
        measured = session.measure(figure)
    except NotInReach as error:
        return replace(_out_of_reach(session, figure, rule, error), others=others)
    blank = Row(figure, rule.decimals, DIFFERS, others=others)
    if measured is None:
        return _explained(session, blank, None)
    row = replace(blank, reproduced=measured.value, interval=measured.interval, basis=measured.basis)
    row = replace(row, found=measured.note)
    if None not in (measured.items, figure.items) and measured.items != figure.items:
        return replace(row, kind="other items", reason=f"computed over {measured.items}, published over {figure.items}")
    if same_as_printed(figure.value, measured.value, rule.decimals):
        return replace(row, verdict=EQUAL)
    return _explained(session, row, measured)


def _explained(session: Session, row: Row, measured: Measured | None) -> Row:
    """Return the row with the first explanation that holds, else with the one whose check fails, else as it is."""
    failed = replace(row, kind="no explanation", reason="nothing in explanations.toml covers this figure")
    for explanation, caught in session.board.explanations_of(row.figure):
        found = findings(explanation, Case(session, row.figure, measured, row.decimals, caught))
        text = "; ".join(finding.text for finding in found)
        told = replace(row, kind=explanation.kind, reason=explanation.reason, evidence=explanation.evidence, found=text)
        if all(finding.holds is not False for finding in found):
            return replace(told, verdict=EXPLAINED)
        failed = replace(told, kind="false explanation", reason=f"{explanation.name!r} does not hold: {text}")
    return failed


def _out_of_reach(session: Session, figure: Figure, rule: Rule, error: NotInReach) -> Row:
    stated = [explanation for explanation, _ in session.board.explanations_of(figure)]
    return Row(
        figure, rule.decimals, EXPLAINED, kind=NOT_IN_REACH, reason=f"{error.what} is not on this machine",
        evidence=" ".join(f"Once it is, this is checked: {each.reason}" for each in stated), command=error.command,
    )  # fmt: skip


def _others(session: Session, figure: Figure, rule: Rule) -> dict[str, Measured]:
    _, given = session.board.rule_of(figure)
    caught = rule.selector.match(figure) or {}
    found = {}
    for also in rule.also:
        changed = {name: _filled(value, caught) for name, value in also.get("arguments", {}).items()}
        # Another measure takes arguments of its own; the same one takes the rule's, changed in some.
        arguments = changed if "measure" in also else {**given, **changed}
        try:
            found[also["label"]] = session.computed(figure, also.get("measure") or str(rule.measure), arguments)
        except NotInReach:
            continue
    return found


def _filled(value: object, caught: dict[str, str]) -> object:
    return value.format(**caught) if isinstance(value, str) else value
