"""Any server that speaks OpenAI's chat completions, asked by the ``openai`` package.

Unlike lm-eval's own API back-ends it keeps what the server says beside the text (tokens, finish reason), and one
request that fails becomes one unscored item instead of the end of the run. The run ends early only where going on would
be in vain: a server that cannot be reached or used from the start, or that fails many requests in a row.
"""

from __future__ import annotations

import asyncio
import json
import random
import time
from collections import deque
from dataclasses import replace
from typing import Any

from lm_eval.api.instance import Instance
from openai import APIConnectionError, APIStatusError, AsyncOpenAI

from bayling_bench.config import ModelOptions
from bayling_bench.errors import ModelError
from bayling_bench.journal import Failure
from bayling_bench.models import endpoint
from bayling_bench.models.chat_reply import Reply, read_refusal, read_reply, unanswered
from bayling_bench.models.details import Detail
from bayling_bench.models.endpoint import DEFAULT_URL, Endpoint
from bayling_bench.models.json_prompts import JsonPrompts
from bayling_bench.models.spec import ModelSpec

BACKOFF_S = 0.5
LONGEST_BACKOFF_S = 30.0
_FAILURES_IN_A_ROW = 20
_SECRET_IN_ANSWER = 8
_ACCESS = {
    401: "refuses the key",
    402: "wants to be paid first",
    403: "refuses the key",
    404: "does not know the model or the address",
    405: "takes no chat completions at this address",
}


class ChatServer(JsonPrompts):
    """A chat model behind HTTP; prompts are conversations as JSON text."""

    def __init__(self, server: Endpoint, *, seed: int) -> None:
        """Prepare to ask ``server``; nothing is sent yet. ``seed`` goes with requests for sampled answers."""
        super().__init__()
        self.server = server
        self.details: deque[Detail] = deque()
        self._seed = seed
        self._reached = False
        """Whether the server sent any reply yet, be it an error."""
        self._answered = False
        """Whether it sent any text yet."""
        self._failed_in_a_row = 0

    def generate_until(self, requests: list[Instance], disable_tqdm: bool = False) -> list[Any]:
        """Return a text or a Failure for each request, reporting each as soon as it is there.

        Raises ModelError when the server cannot be used: nothing answers, it refuses the key, does not know the model,
        or keeps failing.
        """
        return asyncio.run(self._ask_all(requests))

    async def _ask_all(self, requests: list[Instance]) -> list[Any]:
        limit = asyncio.Semaphore(self.server.concurrency)
        client = self.server.client()

        async def ask(request: Instance) -> Any:
            async with limit:
                return await self._ask(client, *request.args)

        tasks = [asyncio.create_task(ask(request)) for request in requests]
        try:
            return await asyncio.gather(*tasks)
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            await client.close()

    async def _ask(self, client: AsyncOpenAI, prompt: str, settings: dict[str, Any]) -> Any:
        request = self._request(prompt, settings)
        attempt = 0
        while True:
            start = time.monotonic()
            reply = await self._attempt(client, request)
            attempt += 1
            if attempt >= reply.worth_attempts:
                break
            backoff = min(LONGEST_BACKOFF_S, BACKOFF_S * 2 ** (attempt - 1)) * random.uniform(0.75, 1.25)
            await asyncio.sleep(max(backoff, reply.wait_s))
        reply = self._without_secrets(reply)
        self._require_use(reply)
        self.details.append(Detail(reply.tokens, reply.finish_reason, round(time.monotonic() - start, 3)))
        self.cache_hook.add_partial("generate_until", (prompt, settings), reply.result)
        self._require_progress(reply)
        return reply.result

    async def _attempt(self, client: AsyncOpenAI, request: dict[str, Any]) -> Reply:
        asking = client.chat.completions.with_raw_response.create(**request)
        try:
            # httpx's own timeout starts anew with each byte that comes in.
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

    def _request(self, prompt: str, settings: dict[str, Any]) -> dict[str, Any]:
        if settings.get("num_beams", 1) > 1:
            raise ModelError(
                f"openai:{self.server.model}: chat completions know no beam search, and num_beams is "
                f"{settings['num_beams']}. Add --set num_beams=1, or leave out --profile paper."
            )
        # OpenAI's newer models know only the longer name, other servers for the most part only the shorter.
        limit = "max_completion_tokens" if self.server.public_url == DEFAULT_URL else "max_tokens"
        request: dict[str, Any] = {"model": self.server.model, "messages": json.loads(prompt)}
        request[limit] = settings["max_gen_toks"]
        request |= {name: settings[name] for name in ("temperature", "top_p") if name in settings}
        if settings.get("do_sample"):
            request["seed"] = self._seed
        else:
            request["temperature"] = 0
        if settings.get("until"):
            request["stop"] = settings["until"]
        beyond_openai = {name: settings[name] for name in ("top_k", "repetition_penalty") if name in settings}
        return request | ({"extra_body": beyond_openai} if beyond_openai else {})

    def _without_secrets(self, reply: Reply) -> Reply:
        if isinstance(reply.result, Failure):
            detail = self.server.hide(reply.result.detail)[:500]
            return replace(reply, result=replace(reply.result, detail=detail))
        return replace(reply, result=self.server.hide(reply.result, shortest=_SECRET_IN_ANSWER))

    def _require_use(self, reply: Reply) -> None:
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
                f"({detail}). Choose another: --set {reply.refused_setting}=VALUE."
            )

    def _require_progress(self, reply: Reply) -> None:
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

    def loglikelihood(self, requests: list[Instance], disable_tqdm: bool = False) -> list[tuple[float, bool]]:
        """Refuse: chat completions give no log-likelihoods."""
        raise ModelError(f"openai:{self.server.model} gives no log-likelihoods: leave out the *_mc tasks.")

    loglikelihood_rolling = loglikelihood  # type: ignore[assignment]


def load(spec: ModelSpec, options: ModelOptions, seed: int) -> ChatServer:
    """Return the model; nothing is sent yet. ModelError for an address or a key that cannot be used."""
    return ChatServer(endpoint.of(spec.name, options), seed=seed)
