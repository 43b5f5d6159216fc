"""One chat-completions server over many requests: a single attempt, and when to give the server up.

What a request that failed costs is one item; the whole work ends early only where going on would be in vain: a server
that cannot be reached or used from the start, or that fails many requests in a row.
"""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Any

from openai import APIConnectionError, APIStatusError, AsyncOpenAI

from bayling_bench.errors import ModelError
from bayling_bench.journal import Failure
from bayling_bench.models.chat_reply import Reply, read_refusal, read_reply, unanswered
from bayling_bench.models.endpoint import Endpoint

_FAILURES_IN_A_ROW = 20
_SECRET_IN_ANSWER = 8
_ACCESS = {
    401: "refuses the key",
    402: "wants to be paid first",
    403: "refuses the key",
    404: "does not know the model or the address",
    405: "takes no chat completions at this address",
}


class ChatSession:
    """What is known of a server by now: whether it was reached, whether it ever answered, how it fares."""

    def __init__(self, server: Endpoint) -> None:
        """Prepare to ask ``server``; nothing is sent yet."""
        self.server = server
        self._reached = False
        """Whether the server sent any reply yet, be it an error."""
        self._answered = False
        """Whether it sent any text yet."""
        self._failed_in_a_row = 0

    async def attempt(self, client: AsyncOpenAI, request: dict[str, Any]) -> Reply:
        """Return what comes of sending a request once, secrets and all."""
        # As `extra_body` the request is sent as it is: to walk through typed messages takes the package a quarter of
        # the time that a request costs.
        body = {**request, **request.get("extra_body", {})}
        body.pop("extra_body", None)
        completions = client.chat.completions.with_raw_response
        asking = completions.create(model=request["model"], messages=[], extra_body=body)
        try:
            # The HTTP library's own timeout starts anew with each byte that comes in.
            raw = await asyncio.wait_for(asking, self.server.timeout_s)
        except APIStatusError as error:
            reply = read_refusal(error)
        except (APIConnectionError, asyncio.TimeoutError) as error:
            return unanswered(error, self.server.timeout_s, reached=self._reached)
        except UnicodeEncodeError as error:  # half of a surrogate pair, which an earlier turn may have brought
            return Reply(Failure("api_error", f"the request cannot be sent: {error}"))
        else:
            reply = read_reply(raw.http_response.content)
        self._reached = True
        return reply

    def without_secrets(self, reply: Reply) -> Reply:
        """Return a reply in which no secret of the request is quoted."""
        if isinstance(reply.result, Failure):
            detail = self.server.hide(reply.result.detail)[:500]
            return replace(reply, result=replace(reply.result, detail=detail))
        return replace(reply, result=self.server.hide(reply.result, shortest=_SECRET_IN_ANSWER))

    def require_use(self, reply: Reply) -> None:
        """Raise ModelError for a reply that shows, before any answer, that there will be none."""
        if not isinstance(reply.result, Failure):
            self._answered = True
        if self._answered or not isinstance(reply.result, Failure):
            return
        detail, models = reply.result.detail, f"{self.server.public_url}/models"
        if not self._reached and reply.result.retry:
            raise ModelError(
                f"openai:{self.server.model}: no answer from {self.server.public_url} ({detail}). Start the server or "
                f"correct --base-url, so that `curl {models}` answers; then give the same command again."
            )
        if reply.status in _ACCESS:
            raise ModelError(
                f"openai:{self.server.model}: {self.server.public_url} {_ACCESS[reply.status]} ({detail}). Check "
                f"OPENAI_API_KEY or --api-key-file, --base-url and the model's name (`curl {models}` lists them); then "
                "give the same command again."
            )
        if reply.refused_setting:
            raise ModelError(
                f"openai:{self.server.model}: {self.server.public_url} does not take {reply.refused_setting} as asked "
                f"({detail}). Choose another: --set {reply.refused_setting}=VALUE (none leaves it out of a `judge`)."
            )

    def require_progress(self, reply: Reply) -> None:
        """Raise ModelError when so many requests failed in a row that the rest would fail as well."""
        if not (isinstance(reply.result, Failure) and reply.result.retry):
            self._failed_in_a_row = 0
            return
        self._failed_in_a_row += 1
        if self._failed_in_a_row >= max(_FAILURES_IN_A_ROW, 2 * self.server.concurrency):
            raise ModelError(
                f"openai:{self.server.model}: the last {self._failed_in_a_row} requests to {self.server.public_url} "
                f"failed, this one with: {reply.result.detail}. All answers are kept: once the server works again, the "
                "same command asks for the rest."
            )
