"""Verifies the explanations of a board: a reason counts only while its check holds.

A check is a table of conditions, all of which must hold (`CHECKS`). One whose data are not on this machine is open:
it neither holds nor fails, and the audit says so.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from bayling_bench.audit import exams, translation
from bayling_bench.audit.reach import Measured, NotInReach
from bayling_bench.audit.session import Session
from bayling_bench.data import bayling, catalogue
from bayling_bench.errors import did_you_mean
from bayling_bench.leaderboard import BoardError, Explanation, Figure

_SLACK = 1e-9
"""Decimal fractions are not exact in binary: 8.80 - 8.74 is a hair above 0.06."""


@dataclass(frozen=True)
class Case:
    """What a check is of."""

    session: Session
    figure: Figure
    measured: Measured | None
    decimals: int
    caught: Mapping[str, str]
    """What the named groups of the explanation's patterns caught."""


@dataclass(frozen=True)
class Finding:
    """How one condition came out; ``holds`` is None where it cannot be told on this machine."""

    holds: bool | None
    text: str


def same_as_printed(published: float, value: float, decimals: int) -> bool:
    """Return whether a value, rounded to ``decimals``, is the published figure (halves may go either way)."""
    return abs(published - value) <= 0.5 * 10**-decimals + _SLACK


def findings(explanation: Explanation, case: Case) -> list[Finding]:
    """Return how each condition of an explanation's check came out; BoardError for an unknown condition."""
    found = []
    for name, setting in explanation.check.items():
        if name not in CHECKS:
            raise BoardError(
                f"{case.session.board.folder / 'explanations.toml'}: {explanation.name!r} has an unknown check "
                f"{name!r}.{did_you_mean(name, CHECKS)} Known: {', '.join(CHECKS)}."
            )
        try:
            found.append(CHECKS[name](case, setting))
        except NotInReach as error:
            found.append(Finding(None, f"not checked here ({error.what} is not on this machine)"))
    return found


def _within(case: Case, limit: float) -> Finding:
    if case.measured is None:
        return Finding(None, f"at most {limit} apart: not checked here")
    apart = abs(case.figure.value - case.measured.value)
    return Finding(apart <= limit + _SLACK, f"{apart:.3f} apart, at most {limit} expected")


def _cut_off(case: Case, expected: bool) -> Finding:
    if case.measured is None:
        return Finding(None, "not checked here")
    scale = 10**case.decimals
    cut = math.floor(case.measured.value * scale) / scale
    return Finding((cut == case.figure.value) == expected, f"{case.measured.value:.2f} cut off is {cut:g}")


def _equals(case: Case, rule: Mapping[str, Any]) -> Finding:
    """Hold where another measure gives the published figure."""
    value = case.session.computed(case.figure, rule["measure"], rule.get("arguments", {}))
    text = f"{value.value:.{case.decimals}f}" + (f" ({value.note})" if value.note else "")
    return Finding(same_as_printed(case.figure.value, value.value, case.decimals), text)


def _at_most_right(case: Case, setting: Mapping[str, Any]) -> Finding:
    """Hold where no more answers than stated hold the right letters, and the published figure needs more."""
    outputs = case.session.outputs(case.figure.system)
    found = exams.right_anywhere(outputs, case.figure.task, setting["labels"])
    needed = round(case.figure.value * (found.items or 0) / 100)
    text = f"{found.value:.0f} of {found.items} answers hold the right letter, the published figure needs {needed}"
    return Finding(found.value <= setting["count"] < needed, text)


def _sums_to(case: Case, total: float) -> Finding:
    """Hold where the shares of one question, published over all systems, add up."""
    one = case.figure
    group = [each for each in case.session.board.figures if (each.task, each.metric) == (one.task, one.metric)]
    found = sum(each.value for each in group)
    return Finding(abs(found - total) < _SLACK, f"the {len(group)} published shares sum to {found:g}")


def _no_upstream_file(case: Case, pattern: str) -> Finding:  # noqa: ARG001 - a check's form
    found = catalogue.match(bayling.REPOSITORY, pattern)
    text = f"no released file fits {pattern}" if not found else f"{found[0].path} was released"
    return Finding(not found, text)


def _outputs_aligned(case: Case, direction: str) -> Finding:
    """Hold where the system's outputs have as many lines as the figure has items."""
    outputs = case.session.outputs(case.figure.system)
    found = translation.lines(outputs, direction.format(**case.caught))
    return Finding(found.items == case.figure.items, f"{found.items} output lines for {case.figure.items} items")


def _not_computed(case: Case, expected: bool) -> Finding:
    """Hold where the figure could not be computed on this machine, for want of weights say."""
    done = case.measured is not None
    return Finding(done != expected, "computed here" if done else "not computed here")


CHECKS: dict[str, Callable[[Case, Any], Finding]] = {
    "within": _within,
    "cut_off": _cut_off,
    "equals": _equals,
    "at_most_right": _at_most_right,
    "sums_to": _sums_to,
    "no_upstream_file": _no_upstream_file,
    "outputs_aligned": _outputs_aligned,
    "not_computed": _not_computed,
}
