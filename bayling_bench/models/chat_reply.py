"""What a chat-completions server can reply, and what each reply means: a text, a refusal, or a failure to ask again.

Read from the JSON itself, since compatible servers leave out, or fill with something else, any field that OpenAI's
schema requires: https://platform.openai.com/docs/api-reference/chat/object.
"""

from __future__ import annotations

import asyncio
import json
import time
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from typing import Any

from openai import APIConnectionError, APIStatusError, APITimeoutError

from bayling_bench.journal import Failure

ATTEMPTS = 8
_ATTEMPTS_UNREACHED = 3
_ATTEMPTS_TIMEOUT = 2
LONGEST_WAIT_S = 120.0
_MOST_TOKENS = 10**9  # a greater count is no count
_PASSING = (408, 409, 425, 429)
_REQUEST_AT_FAULT = (400, 413, 414, 422)
_REASONS = {"content_filter": "refused", "context_length_exceeded": "prompt_too_long"}
_DECODING = ("temperature", "top_p", "seed", "stop")


@dataclass(frozen=True)
class Reply:
    """One reply, or its absence."""

    result: str | Failure
    """The text, or why there is none."""
    tokens: int | None = None
    finish_reason: str | None = None
    worth_attempts: int = 1
    """How many times in all a request is asked that has this reply."""
    wait_s: float = 0.0
    """How long the server asks to wait before the next attempt."""
    status: int = 200
    """HTTP status."""
    code: str | None = None
    """The server's own name of an error."""
    refused_setting: str | None = None
    """Name of a decoding parameter that the server does not take."""
    lost: bool = False
    """Whether the server may have done the work, and charge for it, although nothing of use came back."""
    timed_out: bool = False
    prompt_tokens: int | None = None
    """Tokens of the prompt, where the server counts them."""
    model: str | None = None
    """The model that answered, as the server names it: for an alias, the snapshot behind it."""


def read_reply(content: bytes) -> Reply:
    """Read the body of a successful response; anything but a chat completion with text is a Failure."""
    try:
        body = json.loads(content)
        choice = body["choices"][0]
        message, reason = choice["message"], choice.get("finish_reason")
        text, refusal = message.get("content"), message.get("refusal")
    except (ValueError, LookupError, TypeError, AttributeError, RecursionError):
        return _failed(f"the reply is no chat completion: {_excerpt(content)}", ATTEMPTS, lost=True)
    usage = body.get("usage")
    known: dict[str, Any] = {
        "tokens": _count(usage, "completion_tokens"),
        "prompt_tokens": _count(usage, "prompt_tokens"),
        "model": _text_or_none(body.get("model")),
        "finish_reason": _text_or_none(reason),
    }
    if refusal or reason == "content_filter":
        known["finish_reason"] = "content_filter"
        return Reply(Failure("refused", str(refusal or "content filter")), **known)
    if isinstance(text, str):
        return Reply(text, **known)
    if reason == "length":  # spent on thinking: the same request would end the same way
        return Reply(Failure("api_error", "no text before the token limit; raise it with --set max_tokens"), **known)
    return _failed(f"the reply holds no text (finish_reason {reason})", ATTEMPTS, lost=True)


def read_refusal(error: APIStatusError) -> Reply:
    """Read a response with an error status: a fault of the request is final, anything else may pass."""
    status = error.status_code
    message = error.body.get("message") if isinstance(error.body, dict) else None
    detail = f"HTTP {status}: {message or _excerpt(error.response.content)}"
    if status in _REQUEST_AT_FAULT:
        refused = error.param if error.param in _DECODING else None
        failure = Failure(_REASONS.get(error.code or "", "api_error"), detail)
        return Reply(failure, status=status, refused_setting=refused)
    wait_s = _retry_after(error.response.headers.get("retry-after", ""))
    if wait_s > LONGEST_WAIT_S:
        return _failed(f"{detail} (come back in {wait_s:.0f} s)", 1, status=status, wait_s=wait_s)
    attempts = ATTEMPTS if status in _PASSING or status >= 500 else 1
    return _failed(detail, attempts, status=status, wait_s=wait_s, code=_text_or_none(error.code))


def unanswered(error: Exception, timeout_s: float, *, reached: bool) -> Reply:
    """Return the reply that stands for none; ``reached``: the server has replied to something before."""
    if isinstance(error, (APITimeoutError, asyncio.TimeoutError)):
        return _failed(f"no reply within {timeout_s:g} s", _ATTEMPTS_TIMEOUT, timed_out=True, lost=True)
    assert isinstance(error, APIConnectionError)
    cause = error.__cause__ or error
    lost = not type(cause).__name__.startswith("Connect")  # where no connection came about, nothing was asked
    return _failed(str(cause) or type(cause).__name__, ATTEMPTS if reached else _ATTEMPTS_UNREACHED, lost=lost)


def _failed(detail: str, attempts: int, **rest: Any) -> Reply:
    return Reply(Failure("api_error", detail, retry=True), worth_attempts=attempts, **rest)


def _excerpt(content: bytes) -> str:
    """Return the beginning of a body that is of no known form, in one line."""
    return " ".join(content[:2000].decode("utf-8", errors="replace").split()) or "empty"


def _count(usage: Any, name: str) -> int | None:
    value = usage.get(name) if isinstance(usage, dict) else None
    return value if isinstance(value, int) and 0 <= value <= _MOST_TOKENS else None


def _text_or_none(value: Any) -> str | None:
    return value if isinstance(value, str) else None


def _retry_after(value: str) -> float:
    """Return the seconds that the header names, as a number or as a date (RFC 9110, 10.2.3); 0 without one."""
    try:
        return max(0.0, float(value))
    except ValueError:
        pass
    try:
        return max(0.0, parsedate_to_datetime(value).timestamp() - time.time())
    except ValueError:
        return 0.0
