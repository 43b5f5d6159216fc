"""Reads an answer written as LaTeX or plain mathematics.

Structure is read here: intervals and unions, points, sets, ±, equations, inequalities, circled numbers. The terms in it
are read by math_verify's LaTeX grammar, on input that is bounded before (length, nesting, vocabulary, exponents): its
own bound is a signal, which only the main thread gets. What lies outside is unreadable, never an error. The grammar
would also take 1-5\\mathrm{i} for -4 and "1 2" for 3; `canonical` and `_bounded` see to that.

The grammar and sympy take two seconds to import, so they are imported on first use.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import cache
from typing import TYPE_CHECKING, Any

from bayling_bench.scoring.formulas import Answer, Equation, Numbering, Pair, Several, Term, has_value, members

if TYPE_CHECKING:
    from sympy import Expr

_LONGEST, _DEEPEST, _LARGEST_POWER = 160, 8, 1000
_COMMANDS = {"frac", "sqrt", "cdot", "times", "div", "pi", "infty", "ln", "log", "lg", "sin", "cos", "tan", "cot"}
_COMMANDS |= {"arcsin", "arccos", "arctan", "alpha", "beta", "gamma", "delta", "theta", "lambda", "mu", "omega"}
_COMMANDS |= {"varphi", "phi", "rho", "sigma", "{"}
_SIGNS = {"π": "pi", "∞": "infty", "∪": "cup", "×": "times", "·": "cdot", "±": "pm", "÷": "div"}
_FOLD: dict[int, int | str] = {code: code - 0xFEE0 for code in range(0xFF01, 0xFF5F)}
_FOLD |= {ord(sign): f"\\{command} " for sign, command in _SIGNS.items()}
_FOLD |= {0x2460 + n: f"\\textcircled{{{n + 1}}}" for n in range(20)}
_FOLD |= {0x3000: " ", ord("°"): "^{\\circ}", ord("−"): "-", ord("–"): "-", ord("²"): "^2", ord("³"): "^3"}
_RELATIONS = (("≤", r"\\le(?:q(?:slant)?)?"), ("≥", r"\\ge(?:q(?:slant)?)?"), ("<", r"\\lt"), (">", r"\\gt"))
_FLIPPED = {"<": ">", ">": "<", "≤": "≥", "≥": "≤"}
_UNIT = re.compile(
    r"(?<=.)(?:\\(?:text|mathrm|rm)\s*\{\s*(?:[cdkm]?m|k?g|s|[^{}A-Za-z]*[\u4e00-\u9fff][^{}]*)\}(?:\^\{?[23]\}?)?"
    r"|(?<=\d)\s*(?:[cdkm]m|kg)(?:\^\{?[23]\}?)?|(?![或和与及])[\u4e00-\u9fff][^\\{}$\dA-Za-z]*)$"
)
_AND = r"\\cup(?![a-z])|或者?|[和与及]|\bor\b|\band\b"
# Where letters are put, in the order of their names: positive, so that roots and logarithms exist.


def read_formula(latex: str) -> Answer | None:
    """The answer that `latex` writes, without dollars and unit; None where it cannot be read."""
    text = canonical(latex[: 4 * _LONGEST])
    if not text or len(text) > _LONGEST or _depth(text) > _DEEPEST:
        return None
    if re.fullmatch(r"(?:\\textcircled\{\d+\}[\s,、和与及]*)+", text):
        return Numbering(frozenset(map(int, re.findall(r"\d+", text))))
    return _several(text)


def canonical(latex: str) -> str:
    """`latex` in one spelling: ASCII for full-width forms, no dollars, sizes, spacing, fonts or trailing unit."""
    text = latex.translate(_FOLD).replace("\\_", "_")
    text = re.sub(r"(?<![\\A-Za-z])sqrt\s*\(([^()]*)\)", r"\\sqrt{\1}", text)
    text = re.sub(r"(?<![\\A-Za-z])(pi|sin|cos|tan|log|ln)(?![A-Za-z])", r"\\\1 ", text)
    text = re.sub(r"√\s*(\d+|[A-Za-z]|\([^()]*\))", r"\\sqrt{\1}", text)
    text = re.sub(r"\\(?:left|right|[bB]igg?|displaystyle)(?![a-z])\.?|\$|\\[,;!:\s]|\\q?quad|~|\*\*", " ", text)
    text = re.sub(r"\\textcircled\s*(?:(\d)|\{\s*(\d+)\s*\})", r"\\textcircled{\1\2}", text)
    text = re.sub(r"\\[dt]frac", r"\\frac", text.replace("\\{", "⟨").replace("\\}", "⟩"))
    text = re.sub(r"\\(?:mathrm|text|rm|mathbf|boldsymbol)\s*\{\s*([A-Za-z]|[\d.]+)\s*\}", r"\1", text)
    text = re.sub(r"(\d+(?:\.\d+)?)\s*\\?%", r"\\frac{\1}{100}", re.sub(r"(\\log\s*_)\s*(\w)\s", r"\1{\2} ", text))
    text = re.sub(r"\^\s*\{?\s*\\circ\s*\}?|(?<=[\d}])\s*度$", r"\\cdot\\frac{\\pi}{180}", text.strip(" \t\n.,;:。、"))
    text = _UNIT.sub("", text)
    for sign, command in _RELATIONS:
        text = re.sub(command + r"(?![a-z])", sign, text)
    return " ".join(text.split()).strip(" .,;:。、")


def split_top(text: str, separator: str) -> list[str]:
    """`text` split at `separator` (a pattern) outside of all brackets; empty parts left out."""
    parts, start, depth = [], 0, 0
    for match in re.finditer(rf"[({{\[⟨]|[)}}\]⟩]|{separator}", text):
        if match.group() in "({[⟨":
            depth += 1
        elif match.group() in ")}]⟩":
            depth -= 1
        elif depth == 0:
            parts.append(text[start : match.start()])
            start = match.end()
    return [part.strip() for part in [*parts, text[start:]] if part.strip()]


def _depth(text: str) -> int:
    depth = deepest = 0
    for character in text:
        depth += (character in "({[⟨") - (character in ")}]⟩")
        deepest = max(deepest, depth)
    return deepest


def _several(text: str) -> Answer | None:
    """Members between braces or joined by commas, "or", "and" or a union sign; else one answer."""
    braces = re.fullmatch(r"⟨(?:[^⟨⟩|]*(?:\||\\mid))?([^⟨⟩]*)⟩", text)
    thousands = re.fullmatch(r"\d{1,3}(?:,\d{3})+", text)
    parts = split_top(braces.group(1) if braces else text, "\0" if thousands else f",|{_AND}")
    if len(parts) < 2:
        return _plus_minus(parts[0]) if parts else None
    answers = [_plus_minus(part) for part in parts]
    if None in answers:
        return None
    return Several(tuple(member for answer in answers if answer is not None for member in members(answer)))


def _plus_minus(text: str) -> Answer | None:
    if not re.search(r"\\pm(?![a-z])", text):
        return _single(text)
    plus, minus = (_single(re.sub(r"\\pm(?![a-z])", sign, text)) for sign in "+-")
    return None if plus is None or minus is None else Several((plus, minus))


def _single(text: str) -> Answer | None:
    text = re.sub(r"^[A-Za-z]\s*\\in(?![a-z])", "", text).strip()
    pair = re.fullmatch(r"([(\[])(.*)([)\]])", text)
    ends = split_top(pair.group(2), ",") if pair else []
    if pair and len(ends) == 2:
        low, high = _term(ends[0]), _term(ends[1])
        return None if low is None or high is None else Pair(pair.group(1), low, high, pair.group(3))
    if "=" in text:
        return _equation(text)
    if re.search("[<>≤≥]", text):
        return _inequality(text)
    term = _term(text)
    return None if term is None else Term(term)


def _equation(text: str) -> Equation | None:
    sides = text.split("=")
    right = _term(sides[-1])
    if right is None or not all(side.strip() for side in sides):
        return None
    # f(1) would be read as f times 1.
    call = re.fullmatch(r"\s*[fghA-Z]\w*\s*\(.*\)\s*", sides[0])
    return Equation(None if call else _term(sides[0]), right)


def _inequality(text: str) -> Pair | None:
    """x > a, a ≥ x, a < x ≤ b as the interval they are."""
    parts = [part.strip() for part in re.split("([<>≤≥])", text)]
    if len(parts) in (3, 5) and parts[1] in ">≥":
        parts = [_FLIPPED.get(part, part) for part in reversed(parts)]
    if len(parts) == 3:
        parts = [*parts, "<", "\\infty"] if re.fullmatch("[A-Za-z]", parts[2]) else ["-\\infty", "<", *parts]
    if len(parts) != 5 or not re.fullmatch("[A-Za-z]", parts[2]) or not {parts[1], parts[3]} <= {"<", "≤"}:
        return None
    low, high = _term(parts[0]), _term(parts[4])
    if low is None or high is None:
        return None
    return Pair("[" if parts[1] == "≤" else "(", low, high, "]" if parts[3] == "≤" else ")")


def _term(text: str) -> Expr | None:
    """`text` as an expression, not simplified; None where it lies outside of the bounded vocabulary or has no value."""
    if not _bounded(text):
        return None
    parse, expression = _grammar()
    found = parse(text.strip())
    readable = found and isinstance(found[0], expression) and has_value(found[0])
    return found[0] if readable else None


def _bounded(text: str) -> bool:
    if not re.fullmatch(r"[\w+\-*/^{}()\[\].,!|:\\ ]+", text, re.ASCII) or not re.search(r"\w", text, re.ASCII):
        return False
    # "1 2" would be read as 1 + 2, and factorials grow without bound.
    if text.count("|") > 4 or re.search(r"\d\s+\d|!!|[)}\]]\s*!|\d{3,}!|\d{19,}", text):
        return False
    if re.search(r"(?<![\\A-Za-z])[A-Za-z]*[a-z]{3}|[a-z]{2}\s+[a-z]{2}", text):
        return False  # words
    if set(re.findall(r"\\([A-Za-z]+|.)", text)) - _COMMANDS:
        return False
    exponents = re.findall(r"\^\s*(\{[^{}]*\}|[^{\s])", text)
    if len(exponents) != text.count("^") or any("^" in exponent for exponent in exponents):
        return False
    power = 1
    for number in re.findall(r"\d+", " ".join(exponents)):
        power *= max(1, int(number))
    return power <= _LARGEST_POWER


@cache
def _grammar() -> tuple[Callable[[str], list[Any]], type]:
    """The parser of one formula, without its timeout (a signal, which worker threads cannot have), and its type."""
    import math_verify.parser
    from math_verify import LatexExtractionConfig, parse
    from sympy import Expr

    # math_verify would warn once that its timeout is off; here the bounds above take its place.
    math_verify.parser.TIMEOUT_WARNING_SHOWN = True
    config = LatexExtractionConfig()
    return lambda text: parse(f"${text}$", [config], fallback_mode="no_fallback", parsing_timeout=0), Expr
