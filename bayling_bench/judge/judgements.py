"""Judgements: one line for each reply of a judge that was wanted, be it a verdict or a failure.

The same form holds for what a judge says today and for the GPT-4 reviews that BayLing's authors released in 2023.
Failures are data: each has a kind and no scores, so that nothing can average it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypedDict

from bayling_bench.data import reviews
from bayling_bench.judge.completions import Completion, Place
from bayling_bench.judge.items import Item
from bayling_bench.judge.protocol import Protocol
from bayling_bench.scoring import verdicts

PUBLISHED_JUDGE = "gpt-4"
_STORED = {"WIN": "win", "TIE": "tie", "LOSS": "lose"}
_TURNS = {"singleturn": "single", "multiturn": "multi"}

FAILURES = {
    "parse_failure": "the reply holds no clear scores",
    "refusal": "the judge declined",
    "truncation": "the reply was cut off at its token limit",
    "too_long": "the request does not fit the judge's context",
    "api_error": "no reply after all attempts",
    "no_answer": "a system has no answer",
    "empty_answer": "a system's answer is empty",
    "not_asked": "the judging has not got to it",
    "order_disagreement": "the two orders give different verdicts",
}
"""Kinds of failure; the last one is of an item, all others are of a reply too."""
_KINDS = {"refused": "refusal", "prompt_too_long": "too_long", "given_up": "not_asked", "sent": "not_asked"}
_FRESH = ("parse_failure", "truncation")


class Judgement(TypedDict):
    """One judgement, as a line of ``judgements/<name>.jsonl`` of a run record."""

    question_id: int
    category: str
    turns: str
    language: str
    judge: str
    order: list[str]
    """The systems as the judge saw them, first to last."""
    system1: str
    system2: str | None
    """None for an answer that was judged without an opponent."""
    evidence: str
    """What the judge wrote before its scores; the whole reply where it could not be read."""
    scores: list[float] | None
    """Of system1 and, if there is one, system2."""
    verdict: str | None
    """``win``, ``tie`` or ``lose`` for system1."""
    failure: str | None
    """Why there is no verdict."""
    failure_kind: str | None
    """A key of ``FAILURES``."""
    task: str
    item: int
    """Place of the question in the task."""
    sample: int
    attempts: int
    """Replies asked for: 2 where the first could not be read, 0 where nothing could be asked."""
    snapshot: str | None
    """The model that the judge's server named in its reply."""
    usage: dict[str, int | None] | None
    """``prompt_tokens`` and ``tokens`` of all these replies together."""
    seconds: float | None
    finish_reason: str | None
    lengths: list[int]
    """Characters of each system's answers."""
    planted: list[int]
    """Systems (1, 2) whose answer holds something that could pass for a verdict."""
    references: bool
    """Whether the judge was shown known good answers."""


@dataclass(frozen=True, kw_only=True)
class Sides:
    """Who is judged by whom."""

    judge: str
    system1: str
    system2: str | None
    protocol: Protocol


def wants_fresh_sample(judgement: Judgement) -> bool:
    """Return whether a reply cannot be read and another sample may help."""
    return judgement["failure_kind"] in _FRESH


def of_replies(item: Item, place: Place, replies: Sequence[Completion], sides: Sides) -> Judgement:
    """Return the judgement that the replies give, of which the last counts; none: it is a failure too."""
    found = _without_reply(item, place, sides)
    if item.problem or not replies:
        return found
    last = replies[-1]
    parsed, failure, kind = _read(last, item, sides.protocol)
    found.update(
        attempts=len(replies),
        snapshot=last.snapshot,
        usage={name: _total([getattr(reply, name) for reply in replies]) for name in ("prompt_tokens", "tokens")},
        seconds=last.seconds,
        finish_reason=last.finish_reason,
        evidence=parsed.evidence if parsed else last.text or "",
        failure=failure,
        failure_kind=kind,
    )
    if parsed:
        scores = list(parsed.scores)
        found["scores"] = scores[::-1] if place.order else scores
        found["verdict"] = verdicts.verdict(*found["scores"]) if len(scores) == 2 else None
    return found


def _without_reply(item: Item, place: Place, sides: Sides) -> Judgement:
    """Return the judgement of an item that nobody was asked about, or not yet."""
    first = item.first
    order = [sides.system1] if sides.system2 is None else [sides.system1, sides.system2]
    kind, failure = "not_asked", FAILURES["not_asked"]
    if item.problem:
        kind, detail, number = item.problem
        failure = f"{order[number - 1]}: {detail}"
    return Judgement(
        question_id=first.question_id,
        category=first.category,
        turns=first.turns,
        language=first.language,
        judge=sides.judge,
        order=order[::-1] if place.order else order,
        system1=sides.system1,
        system2=sides.system2,
        evidence="",
        scores=None,
        verdict=None,
        failure=failure,
        failure_kind=kind,
        task=first.task,
        item=first.index,
        sample=place.sample,
        attempts=0,
        snapshot=None,
        usage=None,
        seconds=None,
        finish_reason=None,
        lengths=item.lengths,
        planted=[number for number, answer in enumerate(item.answers, 1) if verdicts.planted(answer.texts)],
        references=item.references is not None,
    )


def _read(
    completion: Completion, item: Item, protocol: Protocol
) -> tuple[verdicts.Parsed | None, str | None, str | None]:
    """Return what a reply declares, or else why it declares nothing and of what kind that failure is."""
    if completion.error is not None:
        kind = _KINDS.get(completion.error.reason, "api_error")
        kind = "too_long" if completion.too_long else kind
        kind = "truncation" if completion.finish_reason == "length" else kind
        return None, completion.error.detail or completion.error.reason, kind
    text = completion.text or ""
    if completion.finish_reason == "length":
        return None, FAILURES["truncation"], "truncation"
    shown = [*item.first.questions, *(item.references or ())]
    shown += [text for answer in item.answers for text in answer.texts]
    lowest, highest = protocol.scale
    rules = verdicts.Rules(assistants=protocol.assistants, lowest=lowest, highest=highest, answers=tuple(shown))
    parsed = verdicts.READERS[protocol.parser](text, rules)
    if isinstance(parsed, verdicts.Parsed):
        return parsed, None, None
    return None, parsed.reason, "refusal" if verdicts.refuses(text) else "parse_failure"


def _total(counts: Sequence[int | None]) -> int | None:
    known = [count for count in counts if count is not None]
    return sum(known) if known else None


def published(opponent: str, turns: str, language: str) -> list[Judgement]:
    """Return the judgements of one released file; DataError where it does not fit BayLing-80 or the answers.

    Verdicts are parsed again from the text of each review; a review whose text gives other scores than those stored
    beside it is a failure.
    """
    return [_published(review, opponent, turns, language) for review in reviews.read(opponent, turns, language)]


def _published(review: reviews.Review, opponent: str, turns: str, language: str) -> Judgement:
    parsed = verdicts.parse_scores(review.text)
    failure = parsed.reason if isinstance(parsed, verdicts.Unparsed) else _disagreement(review, parsed)
    read = parsed if isinstance(parsed, verdicts.Scores) and failure is None else None
    first, second = reviews.SYSTEM, reviews.OPPONENTS[opponent]
    return Judgement(
        question_id=review.question_id,
        category=review.category,
        turns=turns,
        language=language,
        judge=PUBLISHED_JUDGE,
        order=[first, second],
        system1=first,
        system2=second,
        evidence=read.evidence if read else review.text,
        scores=[read.first, read.second] if read else None,
        verdict=read.verdict if read else None,
        failure=failure,
        failure_kind=None if read else "parse_failure",
        task=f"bayling80_{language}_{_TURNS[turns]}",
        item=review.question_id - 1,
        sample=0,
        attempts=1,
        snapshot=None,
        usage=None,
        seconds=None,
        finish_reason=None,
        lengths=[sum(map(len, texts)) for texts in review.responses],
        planted=[number for number, texts in enumerate(review.responses, 1) if verdicts.planted(texts)],
        references=False,
    )


def _disagreement(review: reviews.Review, parsed: verdicts.Scores) -> str | None:
    if (parsed.first, parsed.second) != review.scores:
        stored = " and ".join(f"{score:g}" for score in review.scores)
        return f"the text gives {parsed.first:g} and {parsed.second:g}, the file {stored}"
    if _STORED.get(review.result) != parsed.verdict:
        return f"the text gives {parsed.verdict}, the file {review.result}"
    return None
