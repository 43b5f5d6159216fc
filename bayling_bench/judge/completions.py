"""Requests to a judge, and the journal of everything that it replied: nothing is asked or paid twice.

A request's key is a hash of the server, the whole request and its place in the judging; a line of the journal holds
``{"key", "task", "item", "order", "sample", "attempt", "judge", "snapshot", "text", "prompt_tokens", "tokens",
"seconds", "finish_reason", "lost", "bound_usd"}``, or ``error`` in place of the text. A request has a line before it is
sent, with the error ``sent``: where a kill leaves no other, its reply counts as lost, and it is asked for again.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from bayling_bench.journal import Line, digest
from bayling_bench.judge.items import Item
from bayling_bench.judge.protocol import Protocol
from bayling_bench.models.endpoint import limit_name

_SEEDS_APART = 1000
OTHER_SNAPSHOT = "other_snapshot"
"""In place of the task: a reply of another model than the judging's."""
# OpenAI has a code for it; vLLM, llama.cpp and others say it in words.
_TOO_LONG = re.compile(r"HTTP 4\d\d: .*(context (length|size|window)|prompt is too long)", re.IGNORECASE | re.DOTALL)


@dataclass(frozen=True)
class Place:
    """Which reply is wanted: of an item, in an order, the how-manieth sample, asked anew how often."""

    order: int
    """0: the system's own answer is shown first; 1: it is shown last."""
    sample: int
    attempt: int = 0
    """1 for the fresh sample after a reply that could not be read."""


@dataclass(frozen=True, kw_only=True)
class Completion(Line):
    """One reply of a judge, or its failure."""

    item: int
    order: int
    sample: int
    attempt: int
    judge: str
    snapshot: str | None = None
    """The model that answered, as the server names it."""
    text: str | None = None
    prompt_tokens: int | None = None
    tokens: int | None = None
    seconds: float | None = None
    finish_reason: str | None = None
    lost: int = 0
    """Attempts whose reply never came or could not be used, and which may have been charged for all the same."""
    bound_usd: float | None = None
    """The most that one attempt can cost, where a price was known."""
    of: tuple[str, str] | None = None
    """Of a reply of another model: the key and the task that it would have had."""

    @property
    def too_long(self) -> bool:
        """Return whether the request does not fit the judge's context."""
        error = self.error
        return error is not None and (error.reason == "prompt_too_long" or _TOO_LONG.match(error.detail) is not None)

    @property
    def final(self) -> bool:
        """Return whether asking again would bring nothing new: a text, a refusal, a request that is too long.

        A request that the server found at fault is asked again by the next command, which may have mended the server.
        """
        error = self.error
        if error is None or self.too_long or self.finish_reason == "length":
            return True
        return not error.retry and error.reason != "api_error"

    @property
    def came(self) -> bool:
        """Return whether anything came back that is more than an attempt."""
        return self.error is None or self.error.reason not in ("sent", "given_up")


@dataclass(frozen=True, kw_only=True)
class Call:
    """A request that is ready to be sent."""

    key: str
    item: Item
    place: Place
    request: Mapping[str, Any]

    @property
    def most_tokens(self) -> int:
        """Return the limit of the reply."""
        return self.request.get("max_tokens") or self.request["max_completion_tokens"]


@dataclass(frozen=True, kw_only=True)
class Asking:
    """What all requests of a judging share."""

    model: str
    """The server's name for the judge."""
    url: str
    """The server's address, without secrets."""
    protocol: Protocol
    seed: int = 1234
    """Seed of sampled replies; each sample has its own."""

    def call(self, item: Item, place: Place) -> Call:
        """Return the request for one reply."""
        answers = [list(answer.texts) for answer in item.answers]
        shown = {
            "questions": list(item.first.questions),
            "answers": answers[::-1] if place.order else answers,
            "references": None if item.references is None else list(item.references),
            "category": item.first.category,
            "place": [*item.place, place.order],
        }
        request: dict[str, Any] = {
            "model": self.model,
            "messages": self.protocol.render(item.first.language, shown),
            **self._sampling(place),
        }
        if self.protocol.response_format:
            request["response_format"] = self.protocol.response_format
        key = digest(self.url, request, item.place, place.order, place.sample, place.attempt)
        return Call(key=key, item=item, place=place, request=request)

    def _sampling(self, place: Place) -> dict[str, Any]:
        settings = dict(self.protocol.sampling)
        retry_temperature = settings.pop("retry_temperature", None)
        seed = settings.pop("seed", self.seed)  # None: the server takes none
        settings[limit_name(self.url)] = settings.pop("max_tokens")
        if place.attempt and retry_temperature is not None and settings.get("temperature") is not None:
            settings["temperature"] = max(settings["temperature"], retry_temperature)
        settings = {name: value for name, value in settings.items() if value is not None}
        if settings.get("temperature") and seed is not None:
            settings["seed"] = seed + _SEEDS_APART * place.attempt + place.sample
        return settings
