"""Two rules that score an answer to a mathematics item with blanks to fill (gaokao-mathcloze), side by side.

The paper's rule (`paper_cloze`, `paper_cloze_correct`), found by fitting the figures that BayLing published (arXiv
2306.10968): the content of the last \\boxed{}, else of the last `$...$` (what follows its last "="), else what follows
the last "=" of the text, else its last number; then equality as strings once both are normalised. The gold keeps its
dollar signs, which an answer has lost, so the 78 of 118 golds that have some are hardly ever met.

The strict rule (`read_cloze`, `strict_cloze`) is ours. It reads the answer that the text declares (\\boxed{}, 答案是…,
"the answer is …"; the last one counts), else the formula or number that ends a finished text, else a formula that
opens it, and compares values (`formulas.py`). Several blanks stand with ";" between them in the gold and are answered
in their order, except that equations, which say themselves what they are, may come in any. An answer that cannot be
read is unparsed, not wrong; a text cut off before its answer has none.

Measured on the released outputs, right answers of 118 by the paper's rule and by the strict rule: gpt-3.5-turbo 1, 6;
bayling-13b 1, 2; vicuna-13b-1.1 0, 0. The paper's one for BayLing-13B is an equation left standing in a loop.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from bayling_bench.scoring.formula_reader import read_formula, split_top
from bayling_bench.scoring.formulas import Answer, Equation, Several, same

_LONGEST_TEXT = 20_000
_PAPER_NUMBER = re.compile(r"\d+(?:\.\d+)?(?!\w)")
# The usual normalisation of LaTeX answers before they are compared as strings, one step a line.
_PAPER_STEPS = [
    (re.compile(pattern), replacement)
    for pattern, replacement in (
        (r"\n|\\!", ""),
        (r"\\\\", r"\\"),
        (r"\\[dt]frac", r"\\frac"),
        (r"\\(?:left|right)(?![a-z])", ""),
        (r"\^\{?\\circ\}?|\\\$|\\?%", ""),
        (r"\\text\{ .*$", ""),
        (r"(^|[ {])\.(?=\d)", r"\g<1>0."),
        (r"^[^=]{0,2}=(?=[^=]*$)", ""),
        (r"\\sqrt\s*(\w)", r"\\sqrt{\1}"),
        (r" ", ""),
        (r"\\frac(\w)(\w)", r"\\frac{\1}{\2}"),
        (r"\\frac(\w)\{", r"\\frac{\1}{"),
        (r"^0\.5$", r"\\frac{1}{2}"),
        (r"^(-?\d+)/(-?\d+)$", r"\\frac{\1}{\2}"),
    )
]

_FORMULA = re.compile(r"\$\$?([^$]+)\$\$?|\\\((.+?)\\\)|\\\[(.+?)\\\]", re.S)
_CHINESE = re.compile("[\u4e00-\u9fff]")
_BRACE = re.compile(r"(?<!\\)[{}]|\\boxed\s*\{")
_JOINED = re.compile(r"[ \t]*(?:[,，、;；]\s*|[和与或及]|and|or)?[ \t]*")
_DECLARED = re.compile(
    r"答案(?:[^。\n$:：不非没解]{0,12}?)(?:应?(?:是|为|填)|[:：】])+|(?:应填|故填)[:：]?"
    r"|\banswers?\b(?:[ \t]+(?!not\b)[\w'-]{1,20}){0,6}?\s*(?:\bis\b|\bare\b|:|>)",
    re.I,
)
_LEAD_SPACE = re.compile(r"(?:[\s*:：>]|\\\\)*")
_SENTENCE_END = re.compile(r"[。！？\n]|(?<!\d)\.(?=\s|$)|(?<=\d)\.(?=\s+\D|\s*$)")
_UNIT = r"(?:[种个元分度次人项条组名位张只米厘千克秒年月日天岁倍步件辆台块平立道][\u4e00-\u9fff]{0,6})?"
_TO_THE_END = re.compile(rf"\s*{_UNIT}[\s。.!！)）*]*$")
_NUMBER = re.compile(
    rf"(?:(?<=[=:：*\s])|(?<=[\u4e00-\u9fff])|^)[-−]?\d+(?:\.\d+)?(?:/\d+)?\s*[%％°]?(?=\s*{_UNIT}[\s。.!！*]*$)"
)
_NAMED_LETTER = re.compile(r"[是为]\s*([A-Za-z])\s*[\u4e00-\u9fff]{0,4}[\s。.]*$")
_PLAIN_LINE = re.compile(rf"[^\u4e00-\u9fff。$]{{1,40}}{_UNIT}[。.]?\s*")
_AFTER_OPENING = re.compile(r"\s*(?:$|\n|。|\.\s|[,，]\s*(?:因为|其中|because|since))")
_REMARK = re.compile(r"[,，]\s*(?:其中|where\b)[^。\n]*[。.]?$")
_UNDECIDED = re.compile(r"无法|不能|不确定|cannot|unable|not possible", re.I)
# A text without a full stop at its end may have been cut off by a length limit, unless it says that it concludes.
_FINISHED = re.compile(r"[。.!！]\s*\**$")
_CONCLUDES = re.compile(r"\s*(?:因此|所以|故|综上|即|于是|therefore|thus|hence|so\b|$)", re.I)


@dataclass(frozen=True)
class Final:
    """The answer read from a text: one string of LaTeX or plain mathematics for each blank, and the form it came in."""

    parts: tuple[str, ...]
    form: str


def paper_cloze(text: str) -> str | None:
    """What the paper's rule takes for the answer, not normalised; None where it finds nothing."""
    if "\\boxed" in text:
        return (_boxes(text[text.rfind("\\boxed") :]) or [None])[0]
    between_dollars = re.findall(r"\$(.*)\$", text)
    answer = between_dollars[-1].split("=")[-1].strip() if between_dollars else ""
    if not answer and "=" in text:
        answer = text.split("=")[-1].strip(" ").rstrip(".")
    elif not answer:
        answer = (_PAPER_NUMBER.findall(text) or [""])[-1]
    return answer or None


def paper_cloze_correct(text: str, gold: str) -> bool:
    """True where the paper's rule finds `gold` in `text`."""
    answer = paper_cloze(text)
    return answer is not None and _paper_normal(answer) == _paper_normal(gold)


def _paper_normal(latex: str) -> str:
    for pattern, replacement in _PAPER_STEPS:
        latex = pattern.sub(replacement, latex)
    return latex


def strict_cloze(text: str, gold: str) -> bool | None:
    """Whether `text` answers every blank with `gold` ("a;b" for two); None where its answer cannot be read.

    A gold of words is met by the same words; other words may mean the same and give None.
    """
    golds = split_top(gold, "[;；]")
    known = [read_formula(part) for part in golds]
    final = read_cloze(text, len(golds))
    if None in known:
        parts = final.parts if final else (text,)
        return True if _words("".join(parts)) == _words("".join(golds)) else None
    if final is None:
        return None
    answers = [read_formula(part) for part in final.parts]
    if None in answers:
        return None
    return _all_same([k for k in known if k is not None], [a for a in answers if a is not None])


def read_cloze(text: str, blanks: int = 1) -> Final | None:
    """The answer that `text` declares or ends on, for so many blanks; None where there is none."""
    text = text[-_LONGEST_TEXT:].rstrip()
    whole = split_top(text, "[;；]")
    if len(whole) == blanks > 1 and not _CHINESE.search(text) and None not in map(read_formula, whole):
        return Final(tuple(whole), "whole")
    boxes, declared = _boxes(text), list(_DECLARED.finditer(text))
    if boxes:
        parts, form = _split(boxes[-1], blanks), "boxed"
        parts = parts if len(parts) == blanks else tuple(boxes[-blanks:])
    elif declared:
        start = _end(_LEAD_SPACE, text, declared[-1].end())
        parts, form = _declared_parts(text[start : _sentence_end(text, start)], blanks), "declared"
    elif parts := _closing_parts(text, blanks):
        form = "closing"
    else:
        parts, form = _opening_parts(text, blanks), "opening"
    return Final(parts, form) if len(parts) == blanks else None


def _all_same(golds: list[Answer], answers: list[Answer]) -> bool:
    """Each answer in its blank; equations in any order."""
    if not all(isinstance(gold, Equation) for gold in golds):
        return all(same(gold, answer) for gold, answer in zip(golds, answers, strict=True))
    return same(Several(tuple(golds)), Several(tuple(answers)))


def _boxes(text: str) -> list[str]:
    """The contents of all complete \\boxed{}, in the order in which they begin."""
    opened: list[tuple[bool, int]] = []
    spans = []
    for match in _BRACE.finditer(text):
        if match.group() != "}":
            opened.append((match.group() != "{", match.end()))
        elif opened:
            boxed, start = opened.pop()
            spans += [(start, match.start())] if boxed else []
    return [text[start:end] for start, end in sorted(spans)]


def _declared_parts(segment: str, blanks: int) -> tuple[str, ...]:
    """The answers in what follows "the answer is": the formulas it starts or ends with, its last number, or itself."""
    groups = _groups(segment)
    if _UNDECIDED.search(segment):
        return ()
    if not groups:
        number = _NUMBER.search(segment)
        return (
            (number.group(),) if number and blanks == 1 and read_formula(segment) is None else _split(segment, blanks)
        )
    if blanks > 1 or not segment[: groups[0][0].start()].strip():
        return _of_groups(groups if blanks > 1 else groups[:1], blanks)
    return _of_groups(groups[-1:], blanks) if _TO_THE_END.match(segment, groups[-1][-1].end()) else ()


def _closing_parts(text: str, blanks: int) -> tuple[str, ...]:
    """The formulas, the number or the letter on which the last sentence of a finished text ends."""
    if text.count("$") % 2 or text.count("$$") % 2:
        return ()
    text = _REMARK.sub("。", text)
    start = max((m.end() for m in _SENTENCE_END.finditer(text) if text[m.end() :].strip()), default=0)
    groups = [group for group in _groups(text) if group[-1].end() > start]
    if not _FINISHED.search(text) and not _CONCLUDES.match(_FORMULA.sub("", text[start:])):
        return ()
    if groups and _TO_THE_END.match(text, groups[-1][-1].end()):
        return _of_groups(groups if blanks > 1 else groups[-1:], blanks)
    after = groups[-1][-1].end() if groups else start
    ending = _NUMBER.search(text, after) or _NAMED_LETTER.search(text, after)
    return (ending.group(ending.lastindex or 0),) if ending and blanks == 1 else ()


def _opening_parts(text: str, blanks: int) -> tuple[str, ...]:
    """The formulas, or the plain answer on a line of its own, that open the text."""
    groups = _groups(text)
    if groups and not text[: groups[0][0].start()].strip() and _AFTER_OPENING.match(text, groups[0][-1].end()):
        return _of_groups(groups[:1], blanks)
    first_line = text.split("\n", 1)[0]
    return _split(first_line, blanks) if _PLAIN_LINE.fullmatch(first_line) else ()


def _groups(text: str) -> list[list[re.Match[str]]]:
    """The formulas of `text`, those together that only a comma, "and" or "or" keeps apart."""
    groups: list[list[re.Match[str]]] = []
    for match in _FORMULA.finditer(text):
        if groups and _JOINED.fullmatch(text, groups[-1][-1].end(), match.start()):
            groups[-1].append(match)
        else:
            groups.append([match])
    return groups


def _of_groups(groups: list[list[re.Match[str]]], blanks: int) -> tuple[str, ...]:
    """One answer: all formulas of the last group. Several: as many formulas, or those of them that state a value."""
    formulas = [next(filter(None, match.groups())) for group in groups for match in group]
    if blanks == 1:
        return ("和".join(formulas),)
    if len(formulas) == 1:
        return _split(formulas[0], blanks)
    stated = [formula for formula in formulas if "=" in formula]
    return tuple(formulas if len(formulas) == blanks else stated)


def _split(content: str, blanks: int) -> tuple[str, ...]:
    """`content` at its semicolons or else at its commas, where that gives as many parts as blanks; else whole."""
    for separator in "[;；]", r"[,，、和与及]|\band\b":
        parts = split_top(content, separator)
        if blanks > 1 and len(parts) == blanks:
            return tuple(parts)
    return (content.strip(),)


def _words(text: str) -> str:
    return re.sub(r"[\W_]+", "", text).lower()


def _sentence_end(text: str, start: int) -> int:
    match = _SENTENCE_END.search(text, start)
    return match.start() if match else len(text)


def _end(pattern: re.Pattern[str], text: str, pos: int) -> int:
    match = pattern.match(text, pos)
    return match.end() if match else pos
