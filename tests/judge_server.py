"""Judges on loopback: one that answers with the published GPT-4 review of the pair it is asked about, one by a rule."""

from __future__ import annotations

import hashlib
import json
import random
import re
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterable

from chat_server import Fault, Handler, completion, half, hangs_up, refuses, says

from bayling_bench.data import reviews

SNAPSHOT = "gpt-4-0314"
PRICES = '[models]\n"gpt-4" = { input = 30.0, output = 60.0 }\n'

Judge = Callable[[str], str]
"""Writes a review of what the last message shows."""


def reply(handler: Handler, text: str, **choice) -> None:
    body = completion(text, **choice) | {"model": SNAPSHOT}
    handler.answer(200, json.dumps(body).encode())


def judged_by(judge: Judge, seconds: float = 0.0) -> Fault:
    """Answer every request with the review that ``judge`` writes."""

    def answer(handler: Handler) -> None:
        time.sleep(seconds)
        reply(handler, judge(handler.request_.question))

    return answer


def published_reviews(opponents: Iterable[str] = ("gpt-3.5-turbo", "vicuna")) -> list[reviews.Review]:
    return [
        review
        for opponent in opponents
        for turns in reviews.TURNS
        for language in reviews.LANGUAGES
        for review in reviews.read(opponent, turns, language)
    ]


class PublishedJudge:
    """GPT-4 of 2023: its review of the pair, found by question and answers; score lines swapped where they are."""

    def __init__(self, opponents: Iterable[str] = ("gpt-3.5-turbo", "vicuna")) -> None:
        self.reviews = published_reviews(opponents)

    def __call__(self, question: str) -> str:
        # A one-turn pair is part of its two-turn pair: the longest that fits is the one that is asked about.
        fitting = [each for each in self.reviews if all(text in question for text in self._texts(each))]
        found = max(fitting, key=lambda each: sum(map(len, self._texts(each))))
        first, second = (question.index(texts[0]) for texts in found.responses)
        return found.text if first < second else swapped(found.text)

    @staticmethod
    def _texts(review: reviews.Review) -> list[str]:
        return [*review.questions, *review.responses[0], *review.responses[1]]


def swapped(text: str) -> str:
    """Return a review with the numbers of its assistants exchanged, as an even-handed judge would write it."""
    text = re.sub(r"(?i)(Assistant )([12])", lambda match: match[1] + ("1" if match[2] == "2" else "2"), text.rstrip())
    before, *scores = text.rsplit("\n", 2)
    return "\n".join([before, *reversed(scores)])


def by_length(question: str) -> str:
    """Review two answers by a rule of our own: the longer is better, at most 10 points, at least 1."""
    answers = shown_answers(question)
    scores = [max(1, min(10, 1 + len(answer) // 20)) for answer in answers]
    names = ["Assistant"] if len(scores) == 1 else ["Assistant 1", "Assistant 2"]
    lines = [f"Score of the {name}: {score}" for name, score in zip(names, scores, strict=True)]
    return "\n".join(["Evaluation evidence: the longer, the better.", *lines])


def shown_answers(question: str) -> list[str]:
    """Return what a request shows of each assistant, all turns together."""
    parts = re.split(r"^\[[0-9a-f]{16} (.*)\]$", question, flags=re.MULTILINE)
    answers: dict[str, str] = {}
    for title, text in zip(parts[1::2], parts[2::2], strict=True):
        if found := re.match(r"Assistant(?: [12])?", title):
            answers[found[0]] = answers.get(found[0], "") + text.strip()
    return list(answers.values())


class Hostile:
    """Break 30 % of calls in every way that we know of, never one request more than twice."""

    def __init__(self, whole: Fault, share: float = 0.3, hang_s: float = 3.0) -> None:
        self.whole = whole
        self.share = share
        self.answered: Counter[str] = Counter()
        self.broken: Counter[str] = Counter()
        self._times: Counter[str] = Counter()
        self._lock = threading.Lock()
        self._ways: dict[str, Fault] = {
            "429": refuses(429, "slow down", {"Retry-After": "0.05"}),
            "500": refuses(500, "internal"),
            "dropped": hangs_up,
            "half": half,
            "garbage": says(b"<html><h1>It works</h1></html>"),
            "no choices": says({"id": "x", "choices": []}),
            "not JSON": says(b'{"choices": [{"mess'),
            "hang": lambda handler: time.sleep(hang_s),
        }

    def __call__(self, handler: Handler) -> None:
        key = request_key(handler.request_.body)
        with self._lock:
            self._times[key] += 1
            draw = random.Random(f"{key}{self._times[key]}")
            breaks = self._times[key] <= 2 and draw.random() < self.share
            way = draw.choice(list(self._ways)) if breaks else None
            (self.broken if way else self.answered)[way or key] += 1
        (self._ways[way] if way else self.whole)(handler)


def request_key(body: dict) -> str:
    return hashlib.sha256(json.dumps(body, sort_keys=True).encode()).hexdigest()
