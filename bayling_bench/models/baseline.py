"""``baseline:NAME``: what is reached without a network, as a model that is asked in the ordinary way.

``baseline:copy`` repeats the source, or its last answer. ``baseline:nearest@DATA`` gives the answer to the most similar
request among training conversations, and ``baseline:words@DATA`` translates word by word with a dictionary learnt from
them, in the order of the source. ``DATA`` is a folder that `bayling-model data` or `bayling-model miniature` made.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from lm_eval.api.instance import Instance

from bayling_bench.errors import ModelError
from bayling_bench.models.json_prompts import JsonPrompts
from bayling_bench.models.spec import ModelSpec

Message = Mapping[str, str]
Answer = Callable[[list[Message], Mapping[str, Any]], str]
"""From the conversation so far and the document to the next answer."""


class Baseline(JsonPrompts):
    """Answers by a rule."""

    def __init__(self, spec: ModelSpec, answer: Answer) -> None:
        super().__init__()
        self.spec = spec
        self._answer = answer

    def generate_until(self, requests: list[Instance], disable_tqdm: bool = False) -> list[str]:
        """Return the rule's answer to each request."""
        answers = []
        for request in requests:
            answers.append(self._answer(json.loads(request.args[0]), request.doc))
            self.cache_hook.add_partial("generate_until", request.args, answers[-1])
        return answers

    def loglikelihood(self, requests: list[Instance], disable_tqdm: bool = False) -> list[tuple[float, bool]]:
        """Refuse: a rule has no log-likelihoods."""
        raise ModelError(f"{self.spec.text} gives no log-likelihoods: leave out the *_mc tasks.")

    loglikelihood_rolling = loglikelihood  # type: ignore[assignment]


def load(spec: ModelSpec) -> Baseline:
    """Return a baseline; ModelError where its data cannot be read."""
    if spec.label == "copy":
        return Baseline(spec, copied)
    from bayling_bench.models import conversations, nearest, words

    known = conversations.read(Path(str(spec.data)))
    return Baseline(spec, nearest.Nearest(known).answer if spec.label == "nearest" else words.Words(known).answer)


def copied(messages: list[Message], doc: Mapping[str, Any]) -> str:
    """Return the text to translate, or the request itself where there is none; after a first answer, that again."""
    earlier = [message["content"] for message in messages if message["role"] == "assistant"]
    return earlier[-1] if earlier else doc.get("source") or messages[-1]["content"]
