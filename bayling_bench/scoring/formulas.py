"""Answers to mathematics items as values, and whether two of them are the same.

Two terms are the same if they agree to 12 digits wherever their letters are put to the same numbers, two equations if
the differences of their sides are proportional. math_verify's own `verify` is not used for that: it takes 9 % for 9 and
six equal decimals for equality, and only a signal, which worker threads do not get, bounds its simplifications.
Evaluating an expression as it stands always ends. A value counts however it is written: 2^4 for 16.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from sympy import Expr

_DIGITS, _TOLERANCE = 30, 1e-12
_THREAD = threading.local()
_POINTS = (
    ("1.2345678", "2.7654321", "0.5432109", "3.1029384"),
    ("0.7182818", "1.9283746", "2.3571113", "1.4142136"),
    ("2.2360680", "0.6180340", "1.3247180", "2.6457513"),
)


@dataclass(frozen=True)
class Term:
    """A number or an expression in letters."""

    value: Expr


@dataclass(frozen=True)
class Equation:
    """The first and the last side of an equation or a chain of them; `left` is None where it is no readable term."""

    left: Expr | None
    right: Expr


@dataclass(frozen=True)
class Pair:
    """Two values in brackets: an interval or a point."""

    opening: str
    low: Expr
    high: Expr
    closing: str


@dataclass(frozen=True)
class Several:
    """Answers that hold together in no order: ±, a set, a union, "… or …"."""

    members: tuple[Answer, ...]


@dataclass(frozen=True)
class Numbering:
    """Numbers of statements, ①③④."""

    numbers: frozenset[int]


Answer = Term | Equation | Pair | Several | Numbering


def same(gold: Answer, answer: Answer) -> bool:
    """True where both are the same answer. "x = 3" counts for 3, and 3 for "x = 3", but 2x not for "y = 2x"."""
    if gold == answer:
        return True
    if isinstance(gold, Several) or isinstance(answer, Several):
        return _same_members(members(gold), members(answer))
    if isinstance(gold, Pair) and isinstance(answer, Pair):
        brackets = (gold.opening, gold.closing) == (answer.opening, answer.closing)
        return brackets and _equal(gold.low, answer.low) and _equal(gold.high, answer.high)
    if isinstance(gold, Equation) and isinstance(answer, Equation):
        return _proportional(gold, answer)
    if isinstance(gold, Term) and isinstance(answer, Equation):
        return _names_value(answer) and _equal(gold.value, answer.right)
    if isinstance(gold, Equation) and isinstance(answer, Term):
        return _names_value(gold) and not gold.right.free_symbols and _equal(gold.right, answer.value)
    if isinstance(gold, Term) and isinstance(answer, Term):
        return _equal(gold.value, answer.value)
    return False


def has_value(expression: Expr) -> bool:
    """True where `expression` can be evaluated; its letters may be anything."""
    return _value(expression, _points(expression)[0]) is not None


def members(answer: Answer) -> tuple[Answer, ...]:
    """The members of several answers; of one, itself."""
    return answer.members if isinstance(answer, Several) else (answer,)


def _value(expression: Expr, point: dict[str, str]) -> Any | None:
    """The complex number that `expression` is where its letters are as in `point`; None where it is none.

    The letters e and i are the constants. The tree is evaluated as it stands: sympy's own evaluation simplifies on the
    way, which has no bound.
    """
    context = _context()
    try:
        number = _evaluate(expression, point, context)
    except (ZeroDivisionError, ValueError, OverflowError):
        return None
    return None if number is None or context.isnan(number) else context.mpc(number)


def _context() -> Any:
    """This thread's own mpmath context: the usual one is shared, and its functions change its precision as they go."""
    import mpmath

    if not hasattr(_THREAD, "context"):
        _THREAD.context = mpmath.MPContext()
        _THREAD.context.dps = _DIGITS
    return _THREAD.context


def _evaluate(node: Any, point: dict[str, str], context: Any) -> Any | None:
    kind = type(node).__name__
    if node.is_Symbol:
        constants = {"e": context.e, "i": context.j}
        return +constants.get(str(node), context.mpf(point.get(str(node), "1.9371937")))
    if kind in ("Pi", "Exp1", "ImaginaryUnit"):
        return +{"Pi": context.pi, "Exp1": context.e, "ImaginaryUnit": context.j}[kind]
    if kind in ("Infinity", "NegativeInfinity"):
        return context.inf if kind == "Infinity" else -context.inf
    if node.is_Rational:
        return context.mpf(int(node.p)) / int(node.q)
    if node.is_Float:
        return context.mpf(str(node))
    arguments = [_evaluate(argument, point, context) for argument in node.args]
    operation = _OPERATIONS.get(kind)
    return None if operation is None or None in arguments else operation(context, *arguments)


_OPERATIONS: dict[str, Callable[..., Any]] = {
    "Add": lambda context, *terms: context.fsum(terms),
    "Mul": lambda context, *factors: context.fprod(factors),
    "Pow": lambda context, base, exponent: context.power(base, exponent),
    "Abs": lambda context, x: context.fabs(x),
    "log": lambda context, x, base=None: context.ln(x) / (context.ln(base) if base is not None else 1),
    "UnevaluatedExpr": lambda _, x: x,
    **{
        name: lambda context, x, name=name: getattr(context, name)(x)
        for name in ("exp", "sin", "cos", "tan", "cot", "asin", "acos", "atan", "factorial")
    },
}


def _points(*expressions: Expr) -> list[dict[str, str]]:
    """Values for the letters of all `expressions`; one empty point where there are none."""
    names = sorted({str(letter) for expression in expressions for letter in expression.free_symbols})
    return [dict(zip(names, point, strict=False)) for point in _POINTS] if names else [{}]


def _close(a: Any, b: Any) -> bool:
    context = _context()
    if context.isinf(a) or context.isinf(b):
        return a == b
    return abs(a - b) <= max(_TOLERANCE * max(abs(a), abs(b)), 10 ** (5 - _DIGITS))


def _equal(first: Expr, second: Expr) -> bool:
    for point in _points(first, second):
        a, b = _value(first, point), _value(second, point)
        if a is None or b is None or not _close(a, b):
            return False
    return True


def _proportional(first: Equation, second: Equation) -> bool:
    """True where left - right of one is a constant multiple of the other's: 2x + y = 1 and y - 1 = -2x."""
    if first.left is None or second.left is None:
        return False
    one, two = first.left - first.right, second.left - second.right
    if {str(letter) for letter in one.free_symbols} != {str(letter) for letter in two.free_symbols}:
        return False
    ratios = []
    for point in _points(one, two):
        a, b = _value(one, point), _value(two, point)
        if not a or not b:
            return False
        ratios.append(a / b)
    return all(_close(ratio, ratios[0]) for ratio in ratios)


def _names_value(equation: Equation) -> bool:
    """True where the left side only says what is worth the right one: x, f(1), |AB|, a_1 + a_2, sin A, 1 + 2.

    Not for "t + 1 = 3" or "2x + y = 3", which leave something to be found.
    """
    left = equation.left
    if left is None or not left.free_symbols or left.is_Symbol or left.is_Function:
        return True
    letters = {str(letter) for letter in left.free_symbols}
    terms: Any = left.args
    plain = all(term.is_Symbol or (-term).is_Symbol for term in terms)
    return letters.isdisjoint("xy") and (plain if left.is_Add else "".join(letters).isupper())


def _same_members(golds: tuple[Answer, ...], answers: tuple[Answer, ...]) -> bool:
    left = list(answers)
    for gold in golds:
        match = next((answer for answer in left if same(gold, answer)), None)
        if match is None:
            return False
        left.remove(match)
    return not left
