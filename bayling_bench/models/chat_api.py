"""Any server that speaks OpenAI's chat completions, asked by the ``openai`` package.

Unlike lm-eval's own API back-ends it keeps what the server says beside the text (tokens, finish reason), and one
request that fails becomes one unscored item instead of the end of the run.
"""

from __future__ import annotations

import asyncio
import json
import random
import time
from collections import deque
from typing import Any

from lm_eval.api.instance import Instance
from openai import AsyncOpenAI

from bayling_bench.config import ModelOptions
from bayling_bench.errors import ModelError
from bayling_bench.models import endpoint
from bayling_bench.models.chat_session import ChatSession
from bayling_bench.models.details import Detail
from bayling_bench.models.endpoint import Endpoint, limit_name
from bayling_bench.models.json_prompts import JsonPrompts
from bayling_bench.models.spec import ModelSpec

BACKOFF_S = 0.5
LONGEST_BACKOFF_S = 30.0


class ChatServer(JsonPrompts):
    """A chat model behind HTTP; prompts are conversations as JSON text."""

    def __init__(self, server: Endpoint, *, seed: int) -> None:
        """Prepare to ask ``server``; nothing is sent yet. ``seed`` goes with requests for sampled answers."""
        super().__init__()
        self.server = server
        self.details: deque[Detail] = deque()
        self._session = ChatSession(server)
        self._seed = seed

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
            reply = await self._session.attempt(client, request)
            attempt += 1
            if attempt >= reply.worth_attempts:
                break
            backoff = min(LONGEST_BACKOFF_S, BACKOFF_S * 2 ** (attempt - 1)) * random.uniform(0.75, 1.25)
            await asyncio.sleep(max(backoff, reply.wait_s))
        reply = self._session.without_secrets(reply)
        self._session.require_use(reply)
        self.details.append(Detail(reply.tokens, reply.finish_reason, round(time.monotonic() - start, 3)))
        self.cache_hook.add_partial("generate_until", (prompt, settings), reply.result)
        self._session.require_progress(reply)
        return reply.result

    def _request(self, prompt: str, settings: dict[str, Any]) -> dict[str, Any]:
        if settings.get("num_beams", 1) > 1:
            raise ModelError(
                f"openai:{self.server.model}: chat completions know no beam search, and num_beams is "
                f"{settings['num_beams']}. Add --set num_beams=1, or leave out --profile paper."
            )
        request: dict[str, Any] = {"model": self.server.model, "messages": json.loads(prompt)}
        request[limit_name(self.server.public_url)] = settings["max_gen_toks"]
        request |= {name: settings[name] for name in ("temperature", "top_p") if name in settings}
        if settings.get("do_sample"):
            request["seed"] = self._seed
        else:
            request["temperature"] = 0
        if settings.get("until"):
            request["stop"] = settings["until"]
        beyond_openai = {name: settings[name] for name in ("top_k", "repetition_penalty") if name in settings}
        return request | ({"extra_body": beyond_openai} if beyond_openai else {})

    def loglikelihood(self, requests: list[Instance], disable_tqdm: bool = False) -> list[tuple[float, bool]]:
        """Refuse: chat completions give no log-likelihoods."""
        raise ModelError(f"openai:{self.server.model} gives no log-likelihoods: leave out the *_mc tasks.")

    loglikelihood_rolling = loglikelihood  # type: ignore[assignment]


def load(spec: ModelSpec, options: ModelOptions, seed: int) -> ChatServer:
    """Return the model; nothing is sent yet. ModelError for an address or a key that cannot be used."""
    return ChatServer(endpoint.of(spec.name, options), seed=seed)
