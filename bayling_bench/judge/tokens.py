"""How many tokens a request has, before it is paid for: by tiktoken, by the server's own tokenizer, or at most.

tiktoken fetches a vocabulary when it first meets a model, so without network it cannot count; vLLM and llama.cpp count
at ``/tokenize``. Where neither works, the bytes of the text are an upper bound: byte-level and byte-fallback
vocabularies (OpenAI's, LLaMA's, Qwen's …) never make more tokens than bytes.
"""

from __future__ import annotations

import functools
import http.client
import json
import threading
import urllib.request
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from bayling_bench.models.endpoint import DEFAULT_URL, Endpoint

BY_SERVER = "by the server's tokenizer"
_PATIENCE_S = 8.0
# OpenAI's cookbook, "How to count tokens with tiktoken": 3 tokens a message, its role, and 3 to start the reply. Other
# chat templates take more words for it, so the margin is wide.
_A_MESSAGE, _A_REQUEST = 8, 16


@dataclass(frozen=True)
class Counter:
    """Counts the tokens of a text, and says how."""

    count: Callable[[str], int]
    """Tokens of one text; remembered, as a text is counted before it is sent and again while it is."""
    how: str
    """``by tiktoken (cl100k_base)``, ``by the server's tokenizer``, or that it is an upper bound."""

    def request(self, request: Mapping[str, Any]) -> int:
        """Return the tokens of a request with what a chat template adds, rather too many than too few."""
        schema = request.get("response_format")
        extra = self.count(json.dumps(schema)) if schema else 0
        return _A_REQUEST + extra + sum(_A_MESSAGE + self.count(message["content"]) for message in request["messages"])


def counter(server: Endpoint) -> Counter:
    """Return the best way to count that works from here."""
    found = _by_tiktoken(server.model) if server.public_url == DEFAULT_URL else _by_server(server)
    found = found or at_most()
    return replace(found, count=functools.cache(found.count))


def at_most() -> Counter:
    """Return the upper bound that needs nothing."""
    return Counter(lambda text: len(text.encode("utf-8", errors="replace")), "by their bytes, an upper bound")


def _by_tiktoken(model: str) -> Counter | None:
    found: list[Any] = []

    def load() -> None:
        import tiktoken

        try:
            found.append(tiktoken.encoding_for_model(model))
        except Exception:  # noqa: BLE001 - an unknown model, or any way in which a download can fail
            return

    # tiktoken's download has no time limit of its own.
    thread = threading.Thread(target=load, daemon=True)
    thread.start()
    thread.join(_PATIENCE_S)
    if not found:
        return None
    encoding = found[0]
    return Counter(lambda text: len(encoding.encode(text, disallowed_special=())), f"by tiktoken ({encoding.name})")


class _StayHere(urllib.request.HTTPRedirectHandler):
    """Follows no redirect, which would take the key to another host."""

    def redirect_request(self, *_: Any, **__: Any) -> None:
        return None


_OPENER = urllib.request.build_opener(_StayHere)
_FAILED = (OSError, http.client.HTTPException, ValueError, LookupError, TypeError)


def _by_server(server: Endpoint) -> Counter | None:
    def ask(text: str) -> int:
        # vLLM reads `prompt`, llama.cpp `content`.
        request = server.request("/tokenize", {"model": server.model, "prompt": text, "content": text})
        with _OPENER.open(request, timeout=_PATIENCE_S) as reply:
            return len(json.loads(reply.read())["tokens"])

    working = True

    def count(text: str) -> int:
        nonlocal working
        try:
            if working:
                return ask(text)
        except _FAILED:
            working = False  # or each of many texts would wait as long
        return at_most().count(text)

    try:
        if ask("one two three") < 1:
            return None
    except _FAILED:
        return None
    return Counter(count, BY_SERVER)
