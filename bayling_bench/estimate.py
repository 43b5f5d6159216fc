"""``--dry-run``: tasks, items, requests, prompt tokens and at most how many new ones, without loading weights."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from typing import Any

from bayling_bench import plan as planning
from bayling_bench.config import RunConfig
from bayling_bench.errors import ModelError
from bayling_bench.models import templates
from bayling_bench.task_index import Task

_CHARACTERS_A_TOKEN = 3


def lines(config: RunConfig) -> Iterator[str]:
    """Yield the plan as lines of a table; BenchError when it cannot be carried out."""
    plan = planning.make_plan(config)
    planning.require_data(plan)
    count, how = _counter(plan)
    for name, reason in plan.left_out.items():
        yield f"left out: {name} ({reason})"
    yield f"{'task':36} {'items':>7} {'requests':>9} {'prompt tokens':>14} {'generated at most':>18}"
    totals = [0, 0, 0, 0]
    for task in plan.tasks:
        numbers = _numbers(plan, task, count)
        totals = [total + number for total, number in zip(totals, numbers, strict=True)]
        yield _line(task.name, numbers)
    yield _line("in all", totals)
    yield f"Prompt tokens {how}. Later turns count the longest answers that turn 1 may have."
    yield f"run folder: {planning.default_folder(plan)} (unless -o says otherwise). Nothing was generated."


def _line(name: str, numbers: Any) -> str:
    items, requests, prompts, generated = numbers
    return f"{name:36} {items:>7,} {requests:>9,} {prompts:>14,} {generated:>18,}"


def _numbers(plan: planning.Plan, task: Task, count: Callable[[list[str]], list[int]]) -> tuple[int, int, int, int]:
    documents = task.documents(plan.config.options)[: plan.config.limit]
    answer = plan.generation().get(task.name, {}).get("max_gen_toks", 0)
    if task.ranks_choices:
        choices = [len(document["letters"]) for document in documents]
        lengths = count([document["prompt"] for document in documents])
        prompts = sum(length * number for length, number in zip(lengths, choices, strict=True))
        return len(documents), sum(choices), prompts, 0
    turns = [document.get("turns", [document["prompt"]]) for document in documents]
    lengths = count([turn for each in turns for turn in each])
    prompts, place = 0, 0
    for each in turns:
        history = 0
        for length in lengths[place : place + len(each)]:
            prompts += history + length
            history += length + answer
        place += len(each)
    return len(documents), len(lengths), prompts, len(lengths) * answer


def _counter(plan: planning.Plan) -> tuple[Callable[[list[str]], list[int]], str]:
    """Return a function that counts the tokens of user messages, and how it does so."""
    if plan.spec.generates_only:
        return (
            lambda texts: [len(text) // _CHARACTERS_A_TOKEN + 1 for text in texts],
            f"are a rough guess (a token for {_CHARACTERS_A_TOKEN} characters)",
        )
    tokenizer = _tokenizer(plan)
    template = templates.resolve(plan.config.model_options.chat_template, tokenizer.chat_template)
    templates.install(template, tokenizer)

    def count(texts: list[str]) -> list[int]:
        if template.applies:
            texts = [_rendered(tokenizer, text) for text in texts]
        return [len(tokens) for tokens in tokenizer(texts)["input_ids"]] if texts else []

    return count, "are counted with the model's tokenizer and chat template"


def _rendered(tokenizer: Any, text: str) -> str:
    message = [{"role": "user", "content": text}]
    return tokenizer.apply_chat_template(message, tokenize=False, add_generation_prompt=True)


def _tokenizer(plan: planning.Plan) -> Any:
    from transformers import AutoTokenizer

    logging.getLogger("transformers").setLevel(logging.ERROR)
    spec, options = plan.spec, plan.config.model_options
    where: dict[str, Any] = {"revision": options.revision} if spec.local_path is None else {}
    name = str(spec.local_path or spec.name)
    if spec.kind == "gguf" and spec.local_path is not None:
        name, where = str(spec.local_path.parent), {"gguf_file": spec.local_path.name}
    try:
        return AutoTokenizer.from_pretrained(name, trust_remote_code=options.trust_remote_code, **where)
    except (OSError, ValueError, ImportError) as error:
        first = str(error).strip().splitlines()[0]
        raise ModelError(f"--model {spec.text}: its tokenizer cannot be loaded ({first}).") from error
