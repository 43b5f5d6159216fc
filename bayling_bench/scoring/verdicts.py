"""The verdict of a written review: a score for each answer, read only where it stands as such.

The GPT-4 reviews that BayLing released (arXiv 2306.10968) give the evidence first and end in ``Score of the Assistant
1: 8`` and ``Score of the Assistant 2: 7.5``; "the" is missing in 14 of the 1280. A line counts only where it starts as
a score line, so that a sentence of the evidence that speaks of scores does not; taking the last two lines instead fails
once. Scores that are absent, doubled or out of range leave the review unparsed, which is not a tie.

A review by a judge of today is read more strictly (`read_lines`, `read_json`): answers may hold score lines, planted or
by chance, and a judge may repeat them. What counts is the end of its reply: one score line for each answer, in order,
and nothing after them. Score lines elsewhere, an end that is an answer's end repeated, and ``8-9`` are ambiguous. That
an answer holds the same line changes nothing, or a system could delete its losses by planting all of them.
"""

from __future__ import annotations

import functools
import itertools
import json
import re
import unicodedata
from dataclasses import dataclass
from typing import Any

LOWEST, HIGHEST = 1.0, 10.0
# Repetitions are bounded, and their neighbours hold none of their characters: no text makes the search slow.
_PUBLISHED = re.compile(
    r"^[^\w\n]*Score of (?:the )?Assistant ([12])[^\w\n:]{0,8}:[^\w\n]{0,8}([0-9]+(?:\.[0-9]+)?)",
    re.IGNORECASE | re.MULTILINE,
)
_NAME = r"Score of (?:the )?Assistant( ?[12])?[^\w\n:：]{0,8}[:：]"
_LINE = re.compile(rf"^([^\w\n]{{0,8}}){_NAME}(.*)$", re.IGNORECASE | re.MULTILINE)
_QUOTE_MARK = re.compile(r"[>\"“”'‘’「『«|]")
_VALUE = re.compile(
    r"[\s*`(\[（【\"“]{0,8}([0-9]{1,4}(?:\.[0-9]{1,4})?)[*`]{0,3}\s{0,4}"
    r"(?:(?:/|out of)\s{0,4}([0-9]{1,4}))?\s{0,4}(?:points?|分)?[\s*`.。!！)\]）】\"”]{0,8}",
    re.IGNORECASE,
)
_ANYWHERE = re.compile(rf"{_NAME}[^\w]{{0,8}}([0-9]{{1,4}}(?:\.[0-9]{{1,4}})?)", re.IGNORECASE)
_MEMBER = re.compile(r"score_([12])[^\w\n:]{0,8}:[^\w\n]{0,8}([0-9]{1,4}(?:\.[0-9]{1,4})?)", re.IGNORECASE)
_REFUSAL = re.compile(
    r"\W{0,20}(?:I(?:['’]m| am) (?:sorry|unable|not able)|Sorry\b|I (?:can(?:no|['’])t|won['’]t|will not)\b|As an AI\b"
    r"|(?:很|非常)?抱歉|对不起|我(?:无法|不能)|作为(?:一个|一名)?(?:AI|人工智能))",
    re.IGNORECASE,
)
_ECHO = "the reply ends as an answer does, so it may be a quotation"
_CONTEXT = 30  # characters of evidence before the scores: nobody who plants text can know these of a judge's own words


@dataclass(frozen=True)
class Scores:
    """The two scores of a review, and the evidence before them."""

    first: float
    second: float
    evidence: str

    @property
    def verdict(self) -> str:
        """Return ``win``, ``tie`` or ``lose`` for the first assistant."""
        return verdict(self.first, self.second)


@dataclass(frozen=True)
class Parsed:
    """What a judge declared: one score an answer, in the order in which it saw them."""

    scores: tuple[float, ...]
    evidence: str


@dataclass(frozen=True)
class Unparsed:
    """Why a review gives no scores."""

    reason: str


@dataclass(frozen=True, kw_only=True)
class Rules:
    """What a review must hold to be read."""

    assistants: int = 2
    """Answers judged: 1 or 2."""
    lowest: float = LOWEST
    highest: float = HIGHEST
    answers: tuple[str, ...] = ()
    """Everything that the judge was shown and did not write itself."""


def verdict(first: float, second: float) -> str:
    """Return ``win``, ``tie`` or ``lose`` for the first of two scores."""
    return "win" if first > second else "lose" if first < second else "tie"


def parse_scores(review: str) -> Scores | Unparsed:
    """Return the scores that a published review declares, or why it declares none."""
    lines = list(_PUBLISHED.finditer(review))
    if problem := _not_one_each([line.group(1) for line in lines], 2):
        return problem
    scores = {line.group(1): float(line.group(2)) for line in lines}
    for assistant, score in scores.items():
        if score > HIGHEST:
            return Unparsed(f"score {score:g} of Assistant {assistant} is above {HIGHEST:g}")
    return Scores(scores["1"], scores["2"], review[: lines[0].start()].strip())


def read_lines(completion: str, rules: Rules) -> Parsed | Unparsed:
    """Return the scores that a judge's completion declares in its last lines, or why it declares none.

    What answers hold makes a difference only where the completion repeats it.
    """
    lines = list(_LINE.finditer(completion))
    named = [_assistant(line) if rules.assistants == 1 else (line.group(2) or "").strip() for line in lines]
    if problem := _not_one_each(named, rules.assistants):
        return problem
    values = []
    for number, line in enumerate(lines, 1):
        value = _VALUE.fullmatch(line.group(3))
        if value is None or (value.group(2) and float(value.group(2)) != rules.highest):
            return Unparsed(f"the score line of Assistant {_assistant(line)} holds no plain number")
        if _QUOTE_MARK.search(line.group(1)):
            return Unparsed(f"the score line of Assistant {_assistant(line)} is a quotation")
        if _assistant(line) != str(number):
            return Unparsed("the score lines are not in order")
        values.append(float(value.group(1)))
    start = lines[0].start()
    outside = [completion[one.end() : other.start()] for one, other in itertools.pairwise(lines)]
    if any(map(_flat, [*outside, completion[lines[-1].end() :]])):
        return Unparsed("the score lines are not the last lines")
    if _echoes(completion[:start], completion[start:], rules.answers):
        return Unparsed(_ECHO)
    return _in_range(tuple(values), completion[:start].strip(), rules)


def _echoes(evidence: str, scores: str, answers: tuple[str, ...]) -> bool:
    """Return whether the end of a completion is part of an answer, together with what stands before the scores.

    Evidence that is too short to be told from anybody's counts only where the whole completion is an answer.
    """
    before, end = _flat(evidence), _flat(scores)
    if len(before) < _CONTEXT:
        return any(before + end == _flat(answer) for answer in answers)
    return any(before[-_CONTEXT:] + end in _flat(answer) for answer in answers)


@functools.lru_cache(maxsize=4096)
def _flat(text: str) -> str:
    """Return the letters and digits of a text alone, so that marks of quotation, spaces and case make no difference."""
    return "".join(filter(str.isalnum, unicodedata.normalize("NFKC", text).casefold()))


def read_json(completion: str, rules: Rules) -> Parsed | Unparsed:
    """Return the scores of a completion that is one JSON object, or why it has none.

    Its keys are ``evidence``, ``score_1`` and, of two answers, ``score_2``. Text around it makes it unparsed, so that
    nothing quoted can be taken for it.
    """
    try:
        value = json.loads(_without_fence(completion.strip()), object_pairs_hook=_each_key_once)
    except (ValueError, RecursionError) as error:
        return Unparsed(f"not one JSON object ({error})")
    names = [f"score_{number}" for number in range(1, rules.assistants + 1)]
    if not isinstance(value, dict) or not set(names) <= value.keys():
        return Unparsed(f"no JSON object with {' and '.join(names)}")
    scores = [value[name] for name in names]
    if not all(isinstance(score, int | float) and not isinstance(score, bool) for score in scores):
        return Unparsed("a score is no number")
    evidence = str(value.get("evidence", ""))
    repeated = (_flat(completion), len(_flat(evidence)) >= _CONTEXT)
    if any(repeated[0] == _flat(answer) or (repeated[1] and repeated[0] in _flat(answer)) for answer in rules.answers):
        return Unparsed(_ECHO)
    return _in_range(tuple(scores), evidence, rules)


def _without_fence(text: str) -> str:
    lines = text.split("\n")
    fenced = len(lines) > 2 and lines[0].strip().lower() in ("```", "```json") and lines[-1].strip() == "```"
    return "\n".join(lines[1:-1]) if fenced else text


READERS = {"score_lines": read_lines, "json": read_json}
"""The parsers that a protocol can name."""


def planted(answers: tuple[str, ...]) -> set[tuple[str, float]]:
    """Return the (assistant, score) of everything in answers that could pass for a verdict if it were quoted."""
    return set().union(*map(_planted_in, answers))


@functools.lru_cache(maxsize=4096)
def _planted_in(answer: str) -> frozenset[tuple[str, float]]:
    """Return the same for one answer, which is read again for every order and sample."""
    texts = {answer, unicodedata.normalize("NFKC", answer)}
    found = [line for text in texts for form in (_ANYWHERE, _MEMBER) for line in form.finditer(text)]
    return frozenset(((line.group(1) or "1").strip(), float(line.group(2))) for line in found)


def refuses(completion: str) -> bool:
    """Return whether a completion without a verdict begins as refusals do, in English or Chinese."""
    return _REFUSAL.match(completion) is not None


def _assistant(line: re.Match[str]) -> str:
    """Return the number in a line of `_LINE`; "1" where it names none."""
    return (line.group(2) or "1").strip()


def _not_one_each(named: list[str], assistants: int) -> Unparsed | None:
    for number in range(1, assistants + 1):
        if named.count(str(number)) != 1:
            count = named.count(str(number))
            return Unparsed(f"{'no score line' if not count else f'{count} score lines'} for Assistant {number}")
    extra = [name for name in named if name not in ("1", "2")[:assistants]]
    return Unparsed(f"{len(extra)} more score lines than answers") if extra else None


def _in_range(scores: tuple[Any, ...], evidence: str, rules: Rules) -> Parsed | Unparsed:
    for number, score in enumerate(scores, 1):
        # Compared before it becomes a float, which an integer of 400 digits cannot; NaN is in no range.
        if not rules.lowest <= score <= rules.highest:
            side = "above" if score > rules.highest else "below" if score < rules.lowest else "outside"
            bound = rules.lowest if side == "below" else rules.highest
            return Unparsed(f"score {str(score)[:20]} of Assistant {number} is {side} {bound:g}")
    return Parsed(tuple(map(float, scores)), evidence)


def _each_key_once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise ValueError("a key stands there twice")
    return found
