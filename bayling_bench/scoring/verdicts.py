"""The verdict of a written review: a score for each answer, read only where it stands as such.

The GPT-4 reviews that BayLing released (arXiv 2306.10968) give the evidence first and end in ``Score of the Assistant
1: 8`` and ``Score of the Assistant 2: 7.5``; "the" is missing in 14 of the 1280. A line counts only where it starts as
a score line, so that a sentence of the evidence that speaks of scores does not; taking the last two lines instead fails
once. Scores that are absent, doubled or out of range leave the review unparsed, which is not a tie.

A review by a judge of today is read more strictly (`read_lines`, `read_json`): answers may hold score lines, planted or
by chance, and a judge may repeat them. A score line that also stands in an answer is ambiguous, and so is ``8-9``.
"""

from __future__ import annotations

import functools
import json
import re
import unicodedata
from dataclasses import dataclass
from typing import Any

LOWEST, HIGHEST = 1.0, 10.0
_PUBLISHED = re.compile(
    r"^[^\w\n]*Score of (?:the )?Assistant ([12])\W*:\s*\W*([0-9]+(?:\.[0-9]+)?)", re.IGNORECASE | re.MULTILINE
)
_SCORE = r"Score of (?:the )?Assistant( ?[12])?\W*[:：]\s*\W*([0-9]+(?:\.[0-9]+)?)"
_LINE = re.compile(rf"^[^\w\n]*{_SCORE}", re.IGNORECASE | re.MULTILINE)
_ANYWHERE = re.compile(_SCORE, re.IGNORECASE)
_MEMBER = re.compile(r"score_([12])\W*:\W*([0-9]+(?:\.[0-9]+)?)", re.IGNORECASE)
_NO_PLAIN_NUMBER = re.compile(r"[,.]?\d|[^\S\n]*(?:[-–—~～至到]|to\b|or\b|或)[^\S\n]*\d|[eE][+-]?\d")
_REFUSAL = re.compile(
    r"\W*(?:I(?:['’]m| am) (?:sorry|unable|not able)|Sorry\b|I (?:can(?:no|['’])t|won['’]t|will not)\b|As an AI\b"
    r"|(?:很|非常)?抱歉|对不起|我(?:无法|不能)|作为(?:一个|一名)?(?:AI|人工智能))",
    re.IGNORECASE,
)
_QUOTED = "stands in an answer too, so it may be a quotation"
_FENCE = re.compile(r"```(?:json)?\s*\n(.*)\n\s*```", re.DOTALL | re.IGNORECASE)


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
    if problem := _not_one_each(lines, 2):
        return problem
    scores = {_assistant(line): float(line.group(2)) for line in lines}
    for assistant, score in scores.items():
        if score > HIGHEST:
            return Unparsed(f"score {score:g} of Assistant {assistant} is above {HIGHEST:g}")
    return Scores(scores["1"], scores["2"], review[: lines[0].start()].strip())


def read_lines(completion: str, rules: Rules) -> Parsed | Unparsed:
    """Return the scores that a judge's completion declares in score lines, or why it declares none.

    No text of an answer becomes a score: a line of the completion that an answer holds too leaves it unparsed.
    """
    lines = list(_LINE.finditer(completion))
    if problem := _not_one_each(lines, rules.assistants):
        return problem
    shown = planted(rules.answers)
    for line in lines:
        written = f"score line of Assistant {_assistant(line)}"
        value = line.group(2)
        between = line.group(0)[: -len(value)]
        if "\n" in between.lstrip() or between.endswith(("-", "−")) or _NO_PLAIN_NUMBER.match(completion, line.end()):
            return Unparsed(f"the {written} holds no plain number")
        if (_assistant(line), float(value)) in shown:
            return Unparsed(f"the {written} {_QUOTED}")
    scores = {_assistant(line): float(line.group(2)) for line in lines}
    values = tuple(scores[str(number)] for number in range(1, rules.assistants + 1))
    return _in_range(values, completion[: lines[0].start()].strip(), rules)


def read_json(completion: str, rules: Rules) -> Parsed | Unparsed:
    """Return the scores of a completion that is one JSON object, or why it has none.

    Its keys are ``evidence``, ``score_1`` and, of two answers, ``score_2``. Text around it makes it unparsed, so that
    nothing quoted can be taken for it.
    """
    fenced = _FENCE.fullmatch(completion.strip())
    try:
        value = json.loads(fenced.group(1) if fenced else completion, object_pairs_hook=_each_key_once)
    except (ValueError, RecursionError) as error:
        return Unparsed(f"not one JSON object ({error})")
    names = [f"score_{number}" for number in range(1, rules.assistants + 1)]
    if not isinstance(value, dict) or not set(names) <= value.keys():
        return Unparsed(f"no JSON object with {' and '.join(names)}")
    scores = [value[name] for name in names]
    if not all(isinstance(score, int | float) and not isinstance(score, bool) for score in scores):
        return Unparsed("a score is no number")
    parsed = _in_range(tuple(scores), str(value.get("evidence", "")), rules)
    if isinstance(parsed, Parsed):
        shown = planted(rules.answers)
        for number, score in enumerate(parsed.scores, 1):
            if (str(number), score) in shown:
                return Unparsed(f"score_{number} {_QUOTED}")
    return parsed


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
    return frozenset((_assistant(line), float(line.group(2))) for line in found)


def refuses(completion: str) -> bool:
    """Return whether a completion without a verdict begins as refusals do, in English or Chinese."""
    return _REFUSAL.match(completion) is not None


def _assistant(line: re.Match[str]) -> str:
    return (line.group(1) or "1").strip()


def _not_one_each(lines: list[re.Match[str]], assistants: int) -> Unparsed | None:
    named = [_assistant(line) if assistants == 1 else (line.group(1) or "").strip() for line in lines]
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
