"""Turn 2 is rendered from the model's own turn 1, with the system instruction kept."""

from __future__ import annotations

import json

import pytest
from lm_eval.api.model import LM
from lm_eval.evaluator import evaluate
from lm_eval.tasks import TaskManager

from bayling_bench import task_index
from bayling_bench.errors import BenchError


class Echo(LM):
    """Answers with the number of messages it was shown and the last one."""

    tokenizer_name = ""  # type: ignore[assignment]

    def apply_chat_template(self, chat_history, add_generation_prompt=True):
        return json.dumps(chat_history)

    def generate_until(self, requests):
        histories = [json.loads(request.args[0]) for request in requests]
        return [f"{len(history)}: {history[-1]['content'][:20]}" for history in histories]

    loglikelihood = loglikelihood_rolling = generate_until


def conversations():
    manager = TaskManager(include_defaults=False, include_path=str(task_index.tasks_path()))
    return manager.load(["mini_conversation_en"])


@pytest.mark.parametrize("system", [None, "Be brief."])
def test_the_second_turn_holds_the_first_answer(system: str | None):
    loaded = conversations()
    found = evaluate(
        lm=Echo(), task_dict=loaded, limit=3, apply_chat_template=True, system_instruction=system, bootstrap_iters=0
    )
    assert found is not None
    for sample in found["samples"]["mini_conversation_en"]:
        shift = 1 if system else 0
        first, second = (json.loads(arguments[0]) for arguments in sample["arguments"])
        roles = ["system"] * shift + ["user"]
        assert [message["role"] for message in first] == roles
        assert [message["role"] for message in second] == [*roles, "assistant", "user"]
        assert second[shift + 1]["content"] == sample["resps"][0][0] == f"{1 + shift}: {sample['doc']['turns'][0][:20]}"
        assert sample["resps"][1][0].startswith(f"{3 + shift}: ")


def test_without_a_chat_template_the_error_says_what_to_add():
    with pytest.raises(BenchError, match="--apply_chat_template"):
        evaluate(lm=Echo(), task_dict=conversations(), limit=1, bootstrap_iters=0)
